// Level-triggered epoll: in each turn, every client that can read gets some 64 KiB at most, so that nobody waits for another one's transfer.
#include "transfer/transfers.h"

#include "answer/answer.h"
#include "answer/transfer_request.h"
#include "system/socket_address.h"
#include "system/wake_event.h"
#include "transfer/channel.h"
#include "transfer/zone_stream.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <optional>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unordered_map>
#include <utility>

namespace blowback::transfer {
namespace {

using Steady = std::chrono::steady_clock;

/// RFC 1035 §4.2.2: two octets of length before each message.
constexpr std::size_t kLengthPrefix = 2;
constexpr std::size_t kMessagesAtOnce = 4;
constexpr std::size_t kAnswersAtOnce = 16;
constexpr std::size_t kAcceptAtOnce = 16;
constexpr std::size_t kEventsAtOnce = 64;
constexpr std::chrono::milliseconds kTick{1'000};
/// Queries are answered first: the thread's priority is lower than the workers'.
constexpr int kNiceness = 10;

struct Session {
  std::unique_ptr<Channel> channel;
  TlsChannel* tls = nullptr;  ///< the same one, if it is that
  bool is_established = true;
  bool is_guest = false;  ///< no transfer was allowed on it so far; never true of TCP
  IpAddress client;
  std::vector<std::uint8_t> in;
  std::vector<std::uint8_t> out;
  std::size_t written = 0;  ///< of out
  Steady::time_point opened;
  Steady::time_point active;  ///< when a query was complete, or the client last read something
  bool client_done = false;
  bool reads = false;  ///< it waits for a query
  std::uint32_t watched = 0;

  // What the stream refers to, as of its beginning.
  zone::Published<answer::ServedZones>::Reader zones;
  zone::Published<zone::View>::Reader view;
  std::unique_ptr<ZoneStream> stream;
  Steady::time_point began;
  bool is_written = false;   ///< the stream's last message is in `out`
  std::uint64_t octets = 0;  ///< of the stream

  [[nodiscard]] std::size_t pending() const { return out.size() - written; }
  /// The length of the first query in `in`; absent: it isn't complete.
  [[nodiscard]] std::optional<std::size_t> query() const {
    if (in.size() < kLengthPrefix) return std::nullopt;
    const auto length = static_cast<std::size_t>((in[0] << 8U) | in[1]);
    return in.size() - kLengthPrefix < length ? std::nullopt : std::optional(length);
  }
  [[nodiscard]] bool transfers() const { return stream != nullptr; }
  [[nodiscard]] Carrier carrier() const { return tls != nullptr ? Carrier::tls : Carrier::tcp; }
};

}  // namespace

std::string_view name_of(Carrier carrier) {
  switch (carrier) {
    case Carrier::tcp:
      return "tcp";
    case Carrier::tls:
      return "tls";
  }
  return "";
}

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::complete:
      return "complete";
    case Ending::broken:
      return "broken";
    case Ending::timed_out:
      return "timed_out";
  }
  return "";
}

class Transfers::Impl {
 public:
  Impl(const Limits& limits, Sources sources)
      : sources_(std::move(sources)),
        limits_(limits),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        reply_(std::max(answer::kLongestTcpReply, kLongestMessage)) {
    watch(news_.fd(), EPOLLIN, EPOLL_CTL_ADD);
    thread_ = std::thread([this] { run(); });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    stops_ = true;
    news_.wake();
    thread_.join();
  }

  bool take(Handover handover) {
    {
      const std::scoped_lock lock(mutex_);
      if (!admit(handover.client)) {
        ++of(Carrier::tcp).turned_away;
        return false;
      }
      arrived_.push_back(std::move(handover));
    }
    news_.wake();
    return true;
  }

  void change(const Limits& limits) {
    const std::scoped_lock lock(mutex_);
    limits_ = limits;
  }

  void accept_from(TlsService service) {
    {
      const std::scoped_lock lock(mutex_);
      next_service_ = std::move(service);
    }
    news_.wake();
  }

  [[nodiscard]] Counts counts() const {
    Counts counts{.under_way = under_way_,
                  .by_carrier = {},
                  .handshakes = handshakes_,
                  .failed_handshakes = failed_handshakes_,
                  .incremental = incremental_,
                  .records = records_,
                  .octets = octets_};
    for (std::size_t i = 0; i < kCarriers; ++i) {
      const auto& from = by_carrier_.at(i);
      auto& to = counts.by_carrier.at(i);
      std::ranges::copy(from.by_ending, to.by_ending.begin());
      to.refused = from.refused;
      to.turned_away = from.turned_away;
    }
    return counts;
  }

 private:
  struct Carried {
    std::array<std::atomic<std::uint64_t>, kEndings> by_ending{};
    std::atomic<std::uint64_t> refused = 0;
    std::atomic<std::uint64_t> turned_away = 0;
  };
  [[nodiscard]] Carried& of(Carrier carrier) { return by_carrier_.at(static_cast<std::size_t>(carrier)); }

  /// Counts another connection with transfers of that client; false: that would be too many. Requires the mutex.
  [[nodiscard]] bool admit(const IpAddress& client) {
    const auto found = per_client_.find(client);
    const auto held = found == per_client_.end() ? std::size_t{0} : found->second;
    if (open_ >= limits_.connections || held >= limits_.per_client()) return false;
    ++open_;
    ++per_client_[client];
    return true;
  }

  void watch(int fd, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    // If the kernel has no memory for it, the connection's time runs out.
    static_cast<void>(epoll_ctl(epoll_.get(), operation, fd, &event));
  }

  void run() {
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
    block_sigpipe();
    std::array<epoll_event, kEventsAtOnce> events{};
    auto next_tick = Steady::now() + kTick;
    while (!stops_) {
      const auto until_tick = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Steady::now());
      const int timeout =
          sessions_.empty() && !rests_ ? -1 : static_cast<int>(std::max<std::int64_t>(0, until_tick.count()));
      const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
      const auto now = Steady::now();
      for (int i = 0; i < count; ++i) {
        const auto& event = events.at(static_cast<std::size_t>(i));
        if (event.data.fd == news_.fd()) {
          welcome(now);
        } else {
          serve(event.data.fd, event.events, now);
        }
      }
      // Last: a new connection may close another one and get its descriptor, for which there may be an event among these.
      for (int i = 0; i < count; ++i) {
        const int fd = events.at(static_cast<std::size_t>(i)).data.fd;
        if (is_listening(fd)) accept_waiting(fd);
      }
      if (now < next_tick) continue;
      next_tick = now + kTick;
      close_overdue(now);
      if (std::exchange(rests_, false)) watch_listeners(EPOLLIN, EPOLL_CTL_MOD);
    }
    while (!sessions_.empty()) close(sessions_.begin()->first, Ending::broken);
  }

  /// OpenSSL writes to sockets without MSG_NOSIGNAL.
  static void block_sigpipe() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }

  void welcome(Steady::time_point now) {
    news_.clear();
    std::vector<Handover> arrived;
    std::optional<TlsService> service;
    {
      const std::scoped_lock lock(mutex_);
      arrived.swap(arrived_);
      service.swap(next_service_);
    }
    if (service) {
      watch_listeners(0, EPOLL_CTL_DEL);
      service_ = std::move(*service);
      watch_listeners(EPOLLIN, EPOLL_CTL_ADD);
    }
    for (auto& each : arrived) {
      const int fd = each.socket.get();
      auto session = session_of(plain_channel(std::move(each.socket)), each.client, now);
      session->in = std::move(each.in);
      session->out = std::move(each.out);
      add(fd, std::move(session), EPOLLOUT);
    }
  }

  [[nodiscard]] std::unique_ptr<Session> session_of(std::unique_ptr<Channel> channel, const IpAddress& client,
                                                    Steady::time_point now) const {
    return std::make_unique<Session>(Session{.channel = std::move(channel),
                                             .client = client,
                                             .in = {},
                                             .out = {},
                                             .opened = now,
                                             .active = now,
                                             .zones = zone::Published<answer::ServedZones>::Reader(sources_.zones),
                                             .view = zone::Published<zone::View>::Reader(sources_.view),
                                             .began = now});
  }

  void add(int fd, std::unique_ptr<Session> session, std::uint32_t events) {
    session->reads = events == EPOLLIN;
    session->watched = events;
    sessions_[fd] = std::move(session);
    watch(fd, events, EPOLL_CTL_ADD);
  }

  void watch_listeners(std::uint32_t events, int operation) const {
    for (const auto& each : service_.sockets) watch(each->socket.get(), events, operation);
  }

  [[nodiscard]] bool is_listening(int fd) const {
    return std::ranges::any_of(service_.sockets, [&](const auto& each) { return each->socket.get() == fd; });
  }

  void accept_waiting(int listener) {
    for (std::size_t i = 0; i < kAcceptAtOnce; ++i) {
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      Descriptor socket(accept4(listener, reinterpret_cast<sockaddr*>(&from), &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.is_open()) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) continue;  // the client has gone
        // Nothing is left for another connection. It waits until the next tick, which would be called for at once otherwise.
        rests_ = true;
        watch_listeners(0, EPOLL_CTL_MOD);
        return;
      }
      // The listener has one of the two families.
      const auto client = address_of(from).value_or(IpAddress());
      make_room(client);
      const auto now = Steady::now();  // one for each, so that the first one is the idlest
      const int fd = socket.get();
      auto channel = service_.tls->accept(std::move(socket));
      if (!channel) continue;
      auto* const tls = channel.get();
      auto session = session_of(std::move(channel), client, now);
      session->tls = tls;
      session->is_established = false;
      session->is_guest = true;
      add(fd, std::move(session), EPOLLIN);
    }
  }

  /// Closes the guest that was idle longest, of this client or of all, if there are as many as there may be.
  void make_room(const IpAddress& client) {
    std::size_t all = 0;
    std::size_t of_client = 0;
    std::optional<int> idlest;
    std::optional<int> idlest_of_client;
    const auto replace_by = [&](std::optional<int>& present, int fd, const Session& session) {
      if (!present || session.active < sessions_.at(*present)->active) present = fd;
    };
    for (const auto& [fd, session] : sessions_) {
      if (!session->is_guest) continue;
      ++all;
      replace_by(idlest, fd, *session);
      if (session->client != client) continue;
      ++of_client;
      replace_by(idlest_of_client, fd, *session);
    }
    const bool is_full_of_client = of_client >= Limits::kGuestsPerClient;
    if (!is_full_of_client && all < Limits::kGuests) return;
    ++of(Carrier::tls).turned_away;
    close(is_full_of_client ? *idlest_of_client : *idlest, Ending::broken);
  }

  void serve(int fd, std::uint32_t events, Steady::time_point now) {
    const auto found = sessions_.find(fd);
    if (found == sessions_.end()) return;
    auto& session = *found->second;
    bool well = (events & EPOLLERR) == 0;
    if (well && session.reads) well = read_more(session);
    if (well) well = write_out(session, now);
    if (well && session.pending() == 0) {
      well = answer_what_is_read(session, now) && write_out(session, now);
    }
    if (!well || (session.client_done && !session.transfers() && !session.query() && session.pending() == 0)) {
      close(fd, Ending::broken);
      return;
    }
    // Nothing is read while something is to be written or answered: a client can't make us hold more than that.
    const bool writes = session.pending() > 0 || session.transfers() || session.query();
    session.reads = !writes && !session.client_done;
    const auto wanted = writes          ? session.channel->before_writing()
                        : session.reads ? session.channel->before_reading()
                                        : std::uint32_t{0};
    if (wanted == session.watched) return;
    session.watched = wanted;
    watch(fd, wanted, EPOLL_CTL_MOD);
  }

  /// False: the connection failed. Likewise `write_out`.
  [[nodiscard]] bool read_more(Session& session) {
    std::array<std::uint8_t, kReadAtLeast> buffer;  // only the part that is read into it is read
    const auto moved = session.channel->read(buffer);
    if (!session.is_established && session.tls->is_established()) {
      session.is_established = true;
      ++handshakes_;
    }
    if (moved.state == Moved::State::failed) return false;
    if (moved.state == Moved::State::ended) session.client_done = true;
    session.in.insert(session.in.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(moved.octets));
    return true;
  }

  [[nodiscard]] bool write_out(Session& session, Steady::time_point now) {
    while (session.pending() > 0) {
      const auto moved = session.channel->write(std::span(session.out).subspan(session.written));
      if (moved.state == Moved::State::failed) return false;
      if (moved.state != Moved::State::some) return true;
      session.written += moved.octets;
      session.active = now;
      if (session.transfers()) {
        session.octets += moved.octets;
        octets_ += moved.octets;
      }
    }
    session.out.clear();
    session.written = 0;
    if (session.is_written) end(session, Ending::complete, now);
    return true;
  }

  /// Fills `out` with the next messages of a transfer, or with answers. False: there are too many connections with transfers already.
  [[nodiscard]] bool answer_what_is_read(Session& session, Steady::time_point now) {
    for (std::size_t i = 0; i < kAnswersAtOnce && !session.transfers(); ++i) {
      const auto length = session.query();
      if (!length) break;
      if (!answer_one(session, std::span(session.in).subspan(kLengthPrefix, *length), now)) return false;
      session.in.erase(session.in.begin(), session.in.begin() + static_cast<std::ptrdiff_t>(kLengthPrefix + *length));
      session.active = now;
    }
    if (!session.transfers()) return true;
    for (std::size_t i = 0; i < kMessagesAtOnce; ++i) {
      const auto size = session.stream->next(reply_, sources_.clock());
      session.is_written = size == 0;
      if (size == 0) return true;
      append(session, size);
    }
    return true;
  }

  /// False: likewise.
  [[nodiscard]] bool answer_one(Session& session, std::span<const std::uint8_t> message, Steady::time_point now) {
    const auto* const zones = session.zones.get();
    const auto* view = session.view.get();
    static const zone::View kNothingYet;
    if (view == nullptr) view = &kNothingYet;
    const answer::Asked asked{.message = message, .client = session.client, .transport = answer::Transport::tcp};
    const answer::Moment moment{.now = sources_.clock(), .steady = {}};
    const auto answered = answer::answer(asked, *zones, *view, moment, nullptr, reply_);
    if (answered.outcome != answer::Outcome::transfer) {
      if (session.tls != nullptr && answer::refuses_transfer(answered)) ++of(Carrier::tls).refused;
      if (answered.size != 0) append(session, answered.size);
      return true;
    }
    auto request = answer::read_transfer_request(asked, *zones, moment.now);
    if (!request) return true;
    if (session.is_guest) {
      const std::scoped_lock lock(mutex_);
      if (!admit(session.client)) {
        ++of(Carrier::tls).turned_away;
        return false;
      }
      session.is_guest = false;
    }
    session.stream = stream_of(*view, std::move(*request));
    session.began = now;
    session.octets = 0;
    ++under_way_;
    return true;
  }

  /// The difference from the client's version, or the whole zone.
  [[nodiscard]] std::unique_ptr<ZoneStream> stream_of(const zone::View& view, answer::TransferRequest request) const {
    auto since = request.since ? sources_.history.since(*request.since, view) : std::nullopt;
    if (!since) return std::make_unique<ZoneStream>(view, std::move(request));
    auto difference = std::make_unique<ZoneDifference>(
        ZoneVersion{.index = *since->view.index, .at = since->view.as_of, .codes = request.zone->codes},
        ZoneVersion{.index = *view.index, .at = view.as_of, .codes = request.zone->codes}, std::move(since->touched));
    if (difference->reads_more_than(most_names(view))) return std::make_unique<ZoneStream>(view, std::move(request));
    return std::make_unique<ZoneStream>(view, std::move(request), since->view, std::move(difference));
  }

  /// A difference that reads more names than that is hardly smaller than the zone, or takes the thread too long before the first message.
  [[nodiscard]] static std::uint64_t most_names(const zone::View& view) {
    return std::clamp<std::uint64_t>(view.index->size() / 2, 10'000, 200'000);
  }

  void append(Session& session, std::size_t size) {
    session.out.push_back(static_cast<std::uint8_t>(size >> 8U));
    session.out.push_back(static_cast<std::uint8_t>(size & 0xffU));
    session.out.insert(session.out.end(), reply_.begin(), reply_.begin() + static_cast<std::ptrdiff_t>(size));
  }

  void end(Session& session, Ending ending, Steady::time_point now) {
    ++of(session.carrier()).by_ending.at(static_cast<std::size_t>(ending));
    --under_way_;
    records_ += session.stream->records();
    if (session.stream->is_incremental()) ++incremental_;
    sources_.report({.ending = ending,
                     .client = session.client,
                     .carrier = session.carrier(),
                     .zone = session.stream->zone().name,
                     .serial = session.stream->serial(),
                     .incremental = session.stream->is_incremental(),
                     .records = session.stream->records(),
                     .octets = session.octets,
                     .took = std::chrono::floor<std::chrono::milliseconds>(now - session.began)});
    session.stream.reset();
    session.is_written = false;
    session.opened = now;
  }

  void close_overdue(Steady::time_point now) {
    Limits limits;
    {
      const std::scoped_lock lock(mutex_);
      limits = limits_;
    }
    std::vector<int> overdue;
    for (const auto& [fd, session] : sessions_) {
      const auto still = now - session->active;
      const auto idle = session->is_established ? limits.idle : std::min(limits.idle, Limits::kHandshake);
      const bool over = session->transfers() ? still >= Limits::kStalled || now - session->began >= limits.time
                                             : still >= idle || now - session->opened >= 10 * limits.idle;
      if (over) overdue.push_back(fd);
    }
    for (const int fd : overdue) close(fd, Ending::timed_out);
  }

  void close(int fd, Ending ending) {
    const auto found = sessions_.find(fd);
    const auto& session = *found->second;
    if (session.transfers()) end(*found->second, ending, Steady::now());
    if (!session.is_established) {
      ++failed_handshakes_;
      if (sources_.handshake_failed) {
        std::string why = session.tls->failure();
        if (why.empty())
          why = ending == Ending::timed_out ? "it took too long" : "the connection ended before, or made room";
        sources_.handshake_failed({.client = session.client, .why = std::move(why)});
      }
    }
    if (!session.is_guest) {
      const std::scoped_lock lock(mutex_);
      --open_;
      const auto held = per_client_.find(session.client);
      if (held != per_client_.end() && --held->second == 0) per_client_.erase(held);
    }
    sessions_.erase(found);  // closing the descriptor removes it from epoll
  }

  const Sources sources_;
  std::mutex mutex_;  ///< guards the next five
  Limits limits_;
  std::vector<Handover> arrived_;
  std::size_t open_ = 0;  ///< connections, those that have just arrived included
  std::unordered_map<IpAddress, std::size_t> per_client_;
  std::optional<TlsService> next_service_;

  std::atomic<bool> stops_ = false;
  std::atomic<std::uint64_t> under_way_ = 0;
  std::array<Carried, kCarriers> by_carrier_;
  std::atomic<std::uint64_t> handshakes_ = 0;
  std::atomic<std::uint64_t> failed_handshakes_ = 0;
  std::atomic<std::uint64_t> incremental_ = 0;
  std::atomic<std::uint64_t> records_ = 0;
  std::atomic<std::uint64_t> octets_ = 0;

  // Of the thread.
  Descriptor epoll_;
  WakeEvent news_;
  TlsService service_;
  bool rests_ = false;  ///< no connections are accepted until the next tick
  std::unordered_map<int, std::unique_ptr<Session>> sessions_;
  std::vector<std::uint8_t> reply_;
  std::thread thread_;
};

Transfers::Transfers(const Limits& limits, Sources sources)
    : impl_(std::make_unique<Impl>(limits, std::move(sources))) {}
Transfers::~Transfers() = default;
bool Transfers::take(Handover handover) { return impl_->take(std::move(handover)); }
void Transfers::change(const Limits& limits) { impl_->change(limits); }
void Transfers::accept_from(TlsService service) { impl_->accept_from(std::move(service)); }
Counts Transfers::counts() const { return impl_->counts(); }

}  // namespace blowback::transfer
