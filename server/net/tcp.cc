// Whom we serve, and for how long. Slow clients can't hold the server, because
// - only a whole query counts as a sign of life: octets that trickle in, or replies that are never read, don't;
// - whatever it does, a connection ends after ten times the idle limit;
// - one client has at most an eighth of the connections;
// - and when there is no room, the connection that has been silent longest makes it.
#include "tcp.h"

#include "blowback/prefix.h"
#include "tcp_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <list>
#include <map>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <system_error>
#include <utility>

namespace blowback::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTickMilliseconds = 250;
constexpr std::chrono::milliseconds kFarewell{500};
/// A connection that we have shut waits so long for the client to do the same.
constexpr std::chrono::milliseconds kLinger{1000};

class TcpServer {
 public:
  TcpServer(std::vector<Descriptor> listeners, const TcpLimits& limits, const StopSignal& stop, Responder& responder,
            TcpCounters& counters)
      : listeners_(std::move(listeners)),
        limits_(limits),
        responder_(responder),
        counters_(counters),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        stop_descriptor_(stop.get()) {
    if (!epoll_.is_open()) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    for (auto& listener : listeners_) watch(EPOLL_CTL_ADD, listener.get(), EPOLLIN, &listener);
    watch(EPOLL_CTL_ADD, stop_descriptor_, EPOLLIN, &stop_);
  }

  void serve() {
    while (!stop_) turn();
    listeners_.clear();
    for (auto& client : clients_) {
      client.connection.finish();
      advance(client);
    }
    const auto end = Clock::now() + kFarewell;
    while (!clients_.empty() && Clock::now() < end) turn();
  }

 private:
  struct Client {
    Client(Descriptor socket, const Prefix& who, Clock::time_point now)
        : connection(std::move(socket)), from(who), began(now), last_query(now) {}
    TcpConnection connection;
    Prefix from;
    Clock::time_point began;
    Clock::time_point last_query;
    std::uint32_t watched = EPOLLIN;
    std::list<Client>::iterator self;  ///< where it stands in clients_
    bool gone = false;                 ///< closed; an event for it may still be in the batch at hand
  };

  void watch(int operation, int descriptor, std::uint32_t events, void* what) const {
    epoll_event event{.events = events, .data = {.ptr = what}};
    epoll_ctl(epoll_.get(), operation, descriptor, &event);
  }

  /// Waits for events, at most a tick, and does what is to be done for them.
  void turn() {
    std::array<epoll_event, 64> events;
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kTickMilliseconds);
    for (int i = 0; i < count; ++i) {
      void* const what = events[static_cast<std::size_t>(i)].data.ptr;
      const auto listener =
          std::find_if(listeners_.begin(), listeners_.end(), [&](const Descriptor& each) { return &each == what; });
      if (what == &stop_) {
        stop_ = true;
        epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stop_descriptor_, nullptr);
      } else if (listener != listeners_.end()) {
        accept_from(*listener);
      } else {
        advance(*static_cast<Client*>(what));
      }
    }
    gone_.clear();
    const auto now = Clock::now();
    if (now >= next_tick_) {
      next_tick_ = now + std::chrono::milliseconds(kTickMilliseconds);
      tick(now);
    }
  }

  void tick(Clock::time_point now) {
    responder_.refresh();
    if (std::exchange(paused_, false)) {
      for (auto& listener : listeners_) watch(EPOLL_CTL_MOD, listener.get(), EPOLLIN, &listener);
    }
    for (auto at = clients_.begin(); at != clients_.end();) {
      auto& client = *at++;
      const bool finishing = client.connection.state() == TcpConnection::State::finishing;
      const auto idle = finishing ? std::min<std::chrono::milliseconds>(kLinger, limits_.idle) : limits_.idle;
      if (now - client.last_query < idle && now - client.began < limits_.life()) continue;
      counters_.closed.add();
      close(client);
    }
    gone_.clear();
  }

  void accept_from(const Descriptor& listener) {
    constexpr int kAtOnce = 64;
    for (int i = 0; i < kAtOnce; ++i) {
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      Descriptor socket(
          accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.is_open()) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause();
        if (errno == ECONNABORTED || errno == EINTR) continue;
        return;
      }
      counters_.accepted.add();
      take_in(std::move(socket), sender_of(address_of(peer)));
    }
  }

  void take_in(Descriptor socket, const Prefix& from) {
    auto& of_client = connections_of_[from];
    if (of_client >= limits_.per_client()) {
      counters_.turned_away.add();
      return;
    }
    ++of_client;
    if (clients_.size() >= limits_.connections) {
      counters_.closed.add();
      close(clients_.front());
    }
    const int no_delay = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
    auto& client = clients_.emplace_back(std::move(socket), from, Clock::now());
    client.self = std::prev(clients_.end());
    watch(EPOLL_CTL_ADD, client.connection.descriptor(), EPOLLIN, &client);
  }

  /// There is no descriptor left, and the waiting connection would wake us at once again and again. The next tick looks.
  void pause() {
    if (paused_) return;
    paused_ = true;
    for (auto& listener : listeners_) watch(EPOLL_CTL_MOD, listener.get(), 0, &listener);
    if (!clients_.empty()) {
      counters_.closed.add();
      close(clients_.front());
    }
  }

  void advance(Client& client) {
    if (client.gone) return;
    const auto before = client.connection.state();
    const auto answered = client.connection.advance(responder_);
    if (client.connection.state() == TcpConnection::State::done) {
      close(client);
      return;
    }
    if (answered > 0 || client.connection.state() != before) {
      client.last_query = Clock::now();
      clients_.splice(clients_.end(), clients_, client.self);  // clients_ is ordered by last_query
    }
    const auto wanted =
        (client.connection.wants_to_read() ? EPOLLIN : 0U) | (client.connection.wants_to_write() ? EPOLLOUT : 0U);
    if (wanted != client.watched) {
      client.watched = wanted;
      watch(EPOLL_CTL_MOD, client.connection.descriptor(), wanted, &client);
    }
  }

  void close(Client& client) {
    client.gone = true;
    const auto of_client = connections_of_.find(client.from);
    if (--of_client->second == 0) connections_of_.erase(of_client);
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, client.connection.descriptor(), nullptr);
    gone_.splice(gone_.end(), clients_, client.self);
  }

  std::vector<Descriptor> listeners_;
  const TcpLimits limits_;
  Responder& responder_;
  TcpCounters& counters_;
  Descriptor epoll_;
  int stop_descriptor_;
  bool stop_ = false;
  bool paused_ = false;  ///< listeners aren't watched until the next tick
  Clock::time_point next_tick_ = Clock::now();
  std::list<Client> clients_;  ///< longest silent first
  std::list<Client> gone_;     ///< closed in this turn
  std::map<Prefix, std::size_t> connections_of_;
};

}  // namespace

void serve_tcp(std::vector<Descriptor> listeners, const TcpLimits& limits, const StopSignal& stop, Responder& responder,
               TcpCounters& counters) {
  TcpServer(std::move(listeners), limits, stop, responder, counters).serve();
}

}  // namespace blowback::net
