#include "listener.h"

#include "system/socket_address.h"

#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace blowback::smtp {
namespace {

/// How long to wait before the next accept(2) after one failed, mostly for want of descriptors.
constexpr std::chrono::milliseconds kAcceptPause{100};
/// How often to look whether all connections are closed.
constexpr std::chrono::milliseconds kStopPause{5};

}  // namespace

class Listener::Impl final : private Connection::Owner {
 public:
  explicit Impl(const ListenerSettings& settings)
      : budget_{.most = settings.memory}, queue_(settings.connection.session.witness_of) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    asio::post(io_, [this] { stop(); });
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] std::expected<void, feed::FeedError> open(ListenerSettings settings) {
    auto prepared = prepare_in_thread(std::move(settings));
    if (!prepared) return std::unexpected(std::move(prepared).error());
    apply(std::move(*prepared));
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  [[nodiscard]] std::expected<std::function<void()>, feed::FeedError> prepare(ListenerSettings settings) {
    auto prepared = in_thread([&] { return prepare_in_thread(std::move(settings)); });
    if (!prepared) return std::unexpected(std::move(prepared).error());
    return [this, prepared = std::make_shared<Prepared>(std::move(*prepared))] {
      in_thread([&] { apply(std::move(*prepared)); });
    };
  }

  [[nodiscard]] std::vector<Arrived> take(const feed::Bounds& bounds) { return queue_.take(bounds); }
  [[nodiscard]] int wake_fd() const { return queue_.wake_fd(); }

  [[nodiscard]] std::vector<RemovalArrived> take_removals(std::size_t most) { return queue_.take_removals(most); }

  void report_storage(std::vector<Ticket> tickets, bool is_stored) {
    asio::post(io_, [this, tickets = std::move(tickets), is_stored] {
      for (const auto ticket : tickets) {
        if (const auto connection = connection_of(ticket)) connection->report_storage(is_stored);
      }
    });
  }

  void answer(Ticket ticket, std::string reply) {
    asio::post(io_, [this, ticket, reply = std::move(reply)] {
      if (const auto connection = connection_of(ticket)) connection->answer(reply);
    });
  }

  [[nodiscard]] std::vector<Endpoint> endpoints() {
    return in_thread([this] {
      std::vector<Endpoint> endpoints;
      for (const auto& wanted : settings_.listen) endpoints.push_back(sockets_.at(text_of(wanted))->endpoint());
      return endpoints;
    });
  }

 private:
  using Sockets = std::map<std::string, std::shared_ptr<ListeningSocket>>;  ///< by text_of of the settings

  /// Settings, and everything of them that can fail to be had.
  struct Prepared {
    ListenerSettings settings;
    std::shared_ptr<ConnectionTerms> terms;
    Sockets sockets;  ///< new ones: they listen, but no connection is accepted yet
  };

  struct Known {
    std::shared_ptr<Connection> connection;
    std::optional<Prefix> client;  ///< absent: it doesn't count against connections_per_client
  };

  /// In the thread, or before there is one. An error leaves nothing behind.
  [[nodiscard]] std::expected<Prepared, feed::FeedError> prepare_in_thread(ListenerSettings settings) {
    settings.connection.session.offers_tls = true;
    auto tls = tls_for(settings);
    if (!tls) return std::unexpected(feed::FeedError{tls.error()});
    Prepared prepared;
    prepared.terms = std::make_shared<ConnectionTerms>(settings.connection, std::move(*tls));
    for (const auto& endpoint : settings.listen) {
      const auto name = text_of(endpoint);
      if (sockets_.contains(name)) continue;
      auto opened = ListeningSocket::open(io_, endpoint);
      if (!opened) return std::unexpected(std::move(opened).error());
      prepared.sockets[name] = std::move(*opened);
    }
    prepared.settings = std::move(settings);
    return prepared;
  }

  /// A certificate in files is read again each time: it may have been renewed. A self-signed one is kept while the name stays.
  [[nodiscard]] std::expected<asio::ssl::context, std::string> tls_for(const ListenerSettings& settings) {
    const auto& hostname = settings.connection.session.hostname;
    const bool stays = terms_ && settings.certificate.chain.empty() && settings_.certificate.chain.empty() &&
                       terms_->settings.session.hostname == hostname;
    if (!stays) return tls_context(settings.certificate, hostname);
    SSL_CTX_up_ref(terms_->tls.native_handle());
    return asio::ssl::context(terms_->tls.native_handle());
  }

  /// In the thread, or before there is one.
  void apply(Prepared prepared) {
    settings_ = std::move(prepared.settings);
    terms_ = std::move(prepared.terms);
    queue_.set_witness_of(settings_.connection.session.witness_of);
    std::erase_if(sockets_, [&](const auto& known) {
      const auto is_it = [&](const Endpoint& wanted) { return text_of(wanted) == known.first; };
      if (std::ranges::any_of(settings_.listen, is_it)) return false;
      known.second->close();
      return true;
    });
    for (const auto& [name, socket] : prepared.sockets) {
      sockets_.emplace(name, socket);
      accept(socket);
    }
  }

  /// Runs `work` in the thread, and waits for it.
  template <typename Work>
  std::invoke_result_t<Work> in_thread(Work work) {
    std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
    auto done = task.get_future();
    asio::post(io_, [&task] { task(); });
    return done.get();
  }

  void accept(const std::shared_ptr<ListeningSocket>& listening) {
    auto socket = std::make_shared<StreamSocket>(io_);
    listening->acceptor().async_accept(*socket, [this, listening, socket](asio::error_code fault) {
      if (stopping_ || !listening->acceptor().is_open()) return;
      if (!fault) {
        accepted(std::move(*socket));
        return accept(listening);
      }
      // The connection stays in the kernel's queue meanwhile.
      auto pause = std::make_shared<asio::steady_timer>(io_, kAcceptPause);
      pause->async_wait([this, listening, pause](asio::error_code) {
        if (!stopping_ && listening->acceptor().is_open()) accept(listening);
      });
    });
  }

  void accepted(StreamSocket socket) {
    asio::error_code fault;
    const auto remote = socket.remote_endpoint(fault);
    if (fault) return;
    const auto address = address_of(remote.data());
    const Session::Peer peer{.address = address, .trusted = !address || is_trusted(*address)};
    if (settings_.connection.proxy_protocol && !peer.trusted) return;
    if (address) socket.set_option(asio::ip::tcp::no_delay(true), fault);
    const auto client = address && !peer.trusted ? std::optional(sender_of(*address)) : std::nullopt;
    if (connections_.size() >= settings_.connections && !close_slowest({})) return refuse(socket);
    if (client && !may_have_another(*client)) return refuse(socket);
    const Ticket ticket = ++last_ticket_;
    Connection::Owner& owner = *this;
    auto connection = std::make_shared<Connection>(owner, budget_, terms_, std::move(socket), ticket, peer);
    connections_.emplace(ticket, Known{.connection = connection, .client = client});
    if (client) ++by_client_[*client];
    connection->begin();
  }

  /// Kept by the caller, since it may close meanwhile. nullptr: it is closed.
  [[nodiscard]] std::shared_ptr<Connection> connection_of(Ticket ticket) const {
    const auto found = connections_.find(ticket);
    return found == connections_.end() ? nullptr : found->second.connection;
  }

  static void refuse(StreamSocket& socket) {
    asio::error_code ignored;
    socket.non_blocking(true, ignored);
    constexpr std::string_view kReply = "421 4.3.2 Too many connections; try again later\r\n";
    socket.write_some(asio::buffer(kReply), ignored);
  }

  [[nodiscard]] bool is_trusted(const IpAddress& address) const {
    return std::ranges::any_of(settings_.trusted_relays, [&](const Prefix& relay) { return relay.contains(address); });
  }

  [[nodiscard]] bool may_have_another(const Prefix& client) {
    const auto found = by_client_.find(client);
    return found == by_client_.end() || found->second < settings_.connections_per_client || close_slowest(client);
  }

  /// Ends the connection for which we have waited longest, of `client` or of all. False: there is no slow one.
  [[nodiscard]] bool close_slowest(const std::optional<Prefix>& client) {
    std::shared_ptr<Connection> slowest;
    auto since = std::chrono::steady_clock::now() - settings_.slow;
    for (const auto& [ticket, known] : connections_) {
      if (client && known.client != client) continue;
      const auto waiting = known.connection->waiting_since();
      if (!waiting || *waiting > since) continue;
      since = *waiting;
      slowest = known.connection;
    }
    if (!slowest) return false;
    slowest->end("421 4.3.2 Too many connections, and this one was the slowest");
    return true;
  }

  // What connections ask and report.

  [[nodiscard]] bool admit(Ticket ticket, const IpAddress& address) override {
    const auto client = sender_of(address);
    if (!may_have_another(client)) return false;
    connections_.at(ticket).client = client;
    ++by_client_[client];
    return true;
  }
  void deliver(Ticket ticket, TrapDelivery message) override { queue_.add(ticket, std::move(message)); }
  void deliver_removal(Ticket ticket, RemovalRequested removal) override {
    queue_.add_removal(ticket, std::move(removal));
  }
  void deliver_callout(TrapDelivery callout) override {
    // A client that leaves while we stop may leave because of that.
    if (!stopping_) queue_.add_callout(std::move(callout));
  }
  void closed(Ticket ticket) override {
    const auto found = connections_.find(ticket);
    if (const auto& client = found->second.client) {
      const auto count = by_client_.find(*client);
      if (--count->second == 0) by_client_.erase(count);
    }
    connections_.erase(found);
    // The connection's share of the budget is given back with it. Its client has had no 250 and sends the message again.
    queue_.remove(ticket);
  }

  void stop() {
    stopping_ = true;
    for (const auto& [name, socket] : sockets_) socket->close();
    sockets_.clear();
    const auto all = connections_;
    for (const auto& [ticket, known] : all) known.connection->end("421 4.3.2 Closing; try again later");
    stop_timer_.expires_after(settings_.connection.times.close);
    stop_timer_.async_wait([this](asio::error_code) { io_.stop(); });
    stop_when_all_are_closed();
  }

  void stop_when_all_are_closed() {
    if (connections_.empty()) return io_.stop();
    auto pause = std::make_shared<asio::steady_timer>(io_, kStopPause);
    pause->async_wait([this, pause](asio::error_code) { stop_when_all_are_closed(); });
  }

  // Used by connections, the last of which go with io_.
  Budget budget_;
  ArrivalQueue queue_;
  asio::io_context io_{1};

  // The thread's own, once there is one.
  ListenerSettings settings_;
  std::shared_ptr<ConnectionTerms> terms_;
  Sockets sockets_;
  asio::steady_timer stop_timer_{io_};
  std::unordered_map<Ticket, Known> connections_;
  std::map<Prefix, std::size_t> by_client_;
  Ticket last_ticket_ = kNoTicket;
  bool stopping_ = false;

  std::thread thread_;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

std::expected<std::unique_ptr<Listener>, feed::FeedError> Listener::open(ListenerSettings settings) {
  auto impl = std::make_unique<Impl>(settings);
  if (auto opened = impl->open(std::move(settings)); !opened) return std::unexpected(std::move(opened).error());
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

std::vector<Arrived> Listener::take(const feed::Bounds& bounds) { return impl_->take(bounds); }
void Listener::report_storage(std::vector<Ticket> tickets, bool is_stored) {
  impl_->report_storage(std::move(tickets), is_stored);
}
std::vector<RemovalArrived> Listener::take_removals(std::size_t most) { return impl_->take_removals(most); }
void Listener::answer(Ticket ticket, std::string reply) { impl_->answer(ticket, std::move(reply)); }
std::expected<std::function<void()>, feed::FeedError> Listener::prepare(ListenerSettings settings) {
  return impl_->prepare(std::move(settings));
}
std::vector<Endpoint> Listener::endpoints() const { return impl_->endpoints(); }
int Listener::wake_fd() const { return impl_->wake_fd(); }

}  // namespace blowback::smtp
