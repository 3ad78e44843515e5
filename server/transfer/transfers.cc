// Level-triggered epoll: in each turn, every client that can read gets some 64 KiB at most, so that nobody waits for another one's transfer.
#include "transfer/transfers.h"

#include "answer/answer.h"
#include "answer/transfer_request.h"
#include "system/wake_event.h"
#include "transfer/zone_stream.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
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
constexpr std::size_t kReadAtOnce = 4'096;
constexpr std::size_t kEventsAtOnce = 64;
constexpr std::chrono::milliseconds kTick{1'000};
/// Queries are answered first: the thread's priority is lower than the workers'.
constexpr int kNiceness = 10;

struct Session {
  Descriptor socket;
  IpAddress client;
  std::vector<std::uint8_t> in;
  std::vector<std::uint8_t> out;
  std::size_t written = 0;  ///< of out
  Steady::time_point opened;
  Steady::time_point active;  ///< when a query was complete, or the client last read something
  bool client_done = false;
  std::uint32_t watched = 0;

  // What the stream refers to, as of its beginning.
  zone::Published<answer::ServedZone>::Reader zone;
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
};

}  // namespace

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
      auto& held = per_client_[handover.client];
      if (open_ >= limits_.connections || held >= limits_.per_client()) {
        if (held == 0) per_client_.erase(handover.client);
        ++turned_away_;
        return false;
      }
      ++open_;
      ++held;
      arrived_.push_back(std::move(handover));
    }
    news_.wake();
    return true;
  }

  void change(const Limits& limits) {
    const std::scoped_lock lock(mutex_);
    limits_ = limits;
  }

  [[nodiscard]] Counts counts() const {
    Counts counts{.under_way = under_way_, .incremental = incremental_, .records = records_, .octets = octets_};
    for (std::size_t i = 0; i < kEndings; ++i) counts.by_ending.at(i) = by_ending_.at(i);
    const std::scoped_lock lock(mutex_);
    counts.turned_away = turned_away_;
    return counts;
  }

 private:
  void watch(int fd, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    // If the kernel has no memory for it, the connection's time runs out.
    static_cast<void>(epoll_ctl(epoll_.get(), operation, fd, &event));
  }

  void run() {
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness));
    std::array<epoll_event, kEventsAtOnce> events{};
    auto next_tick = Steady::now() + kTick;
    while (!stops_) {
      const auto until_tick = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Steady::now());
      const int timeout = sessions_.empty() ? -1 : static_cast<int>(std::max<std::int64_t>(0, until_tick.count()));
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
      if (now < next_tick) continue;
      next_tick = now + kTick;
      close_overdue(now);
    }
    while (!sessions_.empty()) close(sessions_.begin()->first, Ending::broken);
  }

  void welcome(Steady::time_point now) {
    news_.clear();
    std::vector<Handover> arrived;
    {
      const std::scoped_lock lock(mutex_);
      arrived.swap(arrived_);
    }
    for (auto& each : arrived) {
      const int fd = each.socket.get();
      auto session =
          std::make_unique<Session>(Session{.socket = std::move(each.socket),
                                            .client = each.client,
                                            .in = std::move(each.in),
                                            .out = std::move(each.out),
                                            .opened = now,
                                            .active = now,
                                            .zone = zone::Published<answer::ServedZone>::Reader(sources_.zone),
                                            .view = zone::Published<zone::View>::Reader(sources_.view),
                                            .began = now});
      session->watched = EPOLLOUT;
      sessions_[fd] = std::move(session);
      watch(fd, EPOLLOUT, EPOLL_CTL_ADD);
    }
  }

  void serve(int fd, std::uint32_t events, Steady::time_point now) {
    const auto found = sessions_.find(fd);
    if (found == sessions_.end()) return;
    auto& session = *found->second;
    bool well = (events & EPOLLERR) == 0;
    if (well && (events & (EPOLLIN | EPOLLHUP)) != 0 && !session.client_done) well = read_more(session);
    if (well) well = write_out(session, now);
    if (well && session.pending() == 0) {
      answer_what_is_read(session, now);
      well = write_out(session, now);
    }
    if (!well || (session.client_done && !session.transfers() && !session.query() && session.pending() == 0)) {
      close(fd, Ending::broken);
      return;
    }
    // Nothing is read while something is to be written or answered: a client can't make us hold more than that.
    const bool writes = session.pending() > 0 || session.transfers() || session.query();
    const std::uint32_t reads = session.client_done ? 0U : EPOLLIN;
    const std::uint32_t wanted = writes ? EPOLLOUT : reads;
    if (wanted == session.watched) return;
    session.watched = wanted;
    watch(fd, wanted, EPOLL_CTL_MOD);
  }

  [[nodiscard]] static bool read_more(Session& session) {
    std::array<std::uint8_t, kReadAtOnce> buffer;  // only the part that recv fills is read
    const ssize_t size = recv(session.socket.get(), buffer.data(), buffer.size(), 0);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (size == 0) session.client_done = true;
    session.in.insert(session.in.end(), buffer.begin(), buffer.begin() + size);
    return true;
  }

  /// False: the connection failed.
  [[nodiscard]] bool write_out(Session& session, Steady::time_point now) {
    while (session.pending() > 0) {
      const ssize_t size =
          send(session.socket.get(), session.out.data() + session.written, session.pending(), MSG_NOSIGNAL);
      if (size < 0) {
        if (errno == EINTR) continue;
        return errno == EAGAIN || errno == EWOULDBLOCK;
      }
      session.written += static_cast<std::size_t>(size);
      session.active = now;
      if (session.transfers()) {
        session.octets += static_cast<std::uint64_t>(size);
        octets_ += static_cast<std::uint64_t>(size);
      }
    }
    session.out.clear();
    session.written = 0;
    if (session.is_written) end(session, Ending::complete, now);
    return true;
  }

  /// Fills `out` with the next messages of a transfer, or with answers.
  void answer_what_is_read(Session& session, Steady::time_point now) {
    for (std::size_t i = 0; i < kAnswersAtOnce && !session.transfers(); ++i) {
      const auto length = session.query();
      if (!length) break;
      answer_one(session, std::span(session.in).subspan(kLengthPrefix, *length), now);
      session.in.erase(session.in.begin(), session.in.begin() + static_cast<std::ptrdiff_t>(kLengthPrefix + *length));
      session.active = now;
    }
    if (!session.transfers()) return;
    for (std::size_t i = 0; i < kMessagesAtOnce; ++i) {
      const auto size = session.stream->next(reply_, sources_.clock());
      session.is_written = size == 0;
      if (size == 0) return;
      append(session, size);
    }
  }

  void answer_one(Session& session, std::span<const std::uint8_t> message, Steady::time_point now) {
    const auto* const zone = session.zone.get();
    const auto* view = session.view.get();
    static const zone::View kNothingYet;
    if (view == nullptr) view = &kNothingYet;
    const answer::Asked asked{.message = message, .client = session.client, .transport = answer::Transport::tcp};
    const answer::Moment moment{.now = sources_.clock(), .steady = {}};
    const auto answered = answer::answer(asked, *zone, *view, moment, nullptr, reply_);
    if (answered.outcome != answer::Outcome::transfer) {
      if (answered.size != 0) append(session, answered.size);
      return;
    }
    auto request = answer::read_transfer_request(asked, *zone, moment.now);
    if (!request) return;
    session.stream = stream_of(*zone, *view, std::move(*request));
    session.began = now;
    session.octets = 0;
    ++under_way_;
  }

  /// The difference from the client's version, or the whole zone.
  [[nodiscard]] std::unique_ptr<ZoneStream> stream_of(const answer::ServedZone& zone, const zone::View& view,
                                                      answer::TransferRequest request) const {
    auto since = request.since ? sources_.history.since(*request.since, view) : std::nullopt;
    if (!since) return std::make_unique<ZoneStream>(zone, view, std::move(request));
    auto difference = std::make_unique<ZoneDifference>(
        ZoneVersion{.index = *since->view.index, .at = since->view.as_of},
        ZoneVersion{.index = *view.index, .at = view.as_of}, std::move(since->touched));
    if (difference->reads_more_than(most_names(view)))
      return std::make_unique<ZoneStream>(zone, view, std::move(request));
    return std::make_unique<ZoneStream>(zone, view, std::move(request), since->view, std::move(difference));
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
    ++by_ending_.at(static_cast<std::size_t>(ending));
    --under_way_;
    records_ += session.stream->records();
    if (session.stream->is_incremental()) ++incremental_;
    sources_.report({.ending = ending,
                     .client = session.client,
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
      const bool over = session->transfers() ? still >= Limits::kStalled || now - session->began >= limits.time
                                             : still >= limits.idle || now - session->opened >= 10 * limits.idle;
      if (over) overdue.push_back(fd);
    }
    for (const int fd : overdue) close(fd, Ending::timed_out);
  }

  void close(int fd, Ending ending) {
    const auto found = sessions_.find(fd);
    if (found->second->transfers()) end(*found->second, ending, Steady::now());
    const std::scoped_lock lock(mutex_);
    --open_;
    const auto held = per_client_.find(found->second->client);
    if (held != per_client_.end() && --held->second == 0) per_client_.erase(held);
    sessions_.erase(found);  // closing the descriptor removes it from epoll
  }

  const Sources sources_;
  mutable std::mutex mutex_;  ///< guards the next five
  Limits limits_;
  std::vector<Handover> arrived_;
  std::size_t open_ = 0;  ///< connections, those that have just arrived included
  std::unordered_map<IpAddress, std::size_t> per_client_;
  std::uint64_t turned_away_ = 0;

  std::atomic<bool> stops_ = false;
  std::atomic<std::uint64_t> under_way_ = 0;
  std::array<std::atomic<std::uint64_t>, kEndings> by_ending_{};
  std::atomic<std::uint64_t> incremental_ = 0;
  std::atomic<std::uint64_t> records_ = 0;
  std::atomic<std::uint64_t> octets_ = 0;

  // Of the thread.
  Descriptor epoll_;
  WakeEvent news_;
  std::unordered_map<int, std::unique_ptr<Session>> sessions_;
  std::vector<std::uint8_t> reply_;
  std::thread thread_;
};

Transfers::Transfers(const Limits& limits, Sources sources)
    : impl_(std::make_unique<Impl>(limits, std::move(sources))) {}
Transfers::~Transfers() = default;
bool Transfers::take(Handover handover) { return impl_->take(std::move(handover)); }
void Transfers::change(const Limits& limits) { impl_->change(limits); }
Counts Transfers::counts() const { return impl_->counts(); }

}  // namespace blowback::transfer
