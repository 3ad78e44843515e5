#include "transfer/secondary_serials.h"

#include "system/descriptor.h"
#include "system/socket_address.h"
#include "system/wake_event.h"
#include "transfer/soa_reply.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <mutex>
#include <span>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace blowback::transfer {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How often the thread looks for another serial. Lags are no more precise than that.
constexpr milliseconds kLook{200};
constexpr milliseconds kFirstRepeat{1'000};
constexpr milliseconds kLongestRepeat{60'000};
/// Queries in a row without an answer before the secondary is silent: one may be lost.
constexpr int kSilent = 3;
/// Serials that appear within this time are remembered as one.
constexpr milliseconds kOneMoment{1'000};
constexpr std::size_t kMoments = 3'600;

/// RFC 1982 §3.2: how many changes from `theirs` to `ours`; negative: `theirs` is newer.
[[nodiscard]] std::int32_t distance(std::uint32_t theirs, std::uint32_t ours) {
  return static_cast<std::int32_t>(ours - theirs);
}

/// When the zone's serials appeared, for an hour at least.
class Appearances {
 public:
  void add(std::uint32_t serial, Steady::time_point now) {
    if (!moments_.empty() && moments_.back().serial == serial) return;
    if (moments_.size() > 1 && now - moments_.back().at < kOneMoment) {
      moments_.back().serial = serial;
      return;
    }
    moments_.push_back({.serial = serial, .at = now});
    if (moments_.size() <= kMoments) return;
    moments_.pop_front();
    is_cut_ = true;
  }

  struct Since {
    Steady::time_point at;
    bool or_earlier = false;  ///< what came before isn't remembered
  };
  /// When the first serial after `theirs` appeared. Requires that the last one is after it.
  [[nodiscard]] Since newer_than(std::uint32_t theirs) const {
    // Also after the database was replaced, so that serials went back: the last run of newer ones.
    auto first = moments_.end();
    while (first != moments_.begin() && distance(theirs, std::prev(first)->serial) > 0) --first;
    return {.at = first->at, .or_earlier = is_cut_ && first == moments_.begin()};
  }

 private:
  struct Moment {
    std::uint32_t serial = 0;  ///< the newest of the moment
    Steady::time_point at;     ///< when the oldest of it appeared
  };
  std::deque<Moment> moments_;
  bool is_cut_ = false;
};

/// One secondary.
struct Secondary {
  SecondarySerial state;
  Descriptor socket;  ///< connected: the kernel passes on what comes from the secondary only
  std::uint16_t id = 0;
  bool is_asked = false;  ///< there is a query without an answer
  int unanswered = 0;     ///< queries in a row
  int repeats = 0;        ///< queries since the last change of its serial or, if it had ours, of ours
  unsigned rcode = 0;     ///< of the last answer
  Steady::time_point next{};
  std::optional<Steady::time_point> lags_since;
  bool is_reported = false;
};

}  // namespace

class SecondarySerials::Impl {
 public:
  Impl(const std::vector<config::Endpoint>& secondaries, Sources sources)
      : sources_(std::move(sources)), zones_(sources_.zones), view_(sources_.view) {
    for (const auto& at : secondaries) {
      Secondary secondary;
      secondary.state.secondary = at;
      secondaries_.push_back(std::move(secondary));
    }
    publish(Steady::now());
    thread_ = std::thread([this] { run(); });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    wake_.wake();
    thread_.join();
  }

  [[nodiscard]] std::vector<SecondarySerial> all() const {
    const std::scoped_lock lock(mutex_);
    return published_;
  }

 private:
  void run() {
    for (;;) {
      std::vector<pollfd> waits{{.fd = wake_.fd(), .events = POLLIN, .revents = 0}};
      for (const auto& each : secondaries_)
        waits.push_back({.fd = each.is_asked ? each.socket.get() : -1, .events = POLLIN, .revents = 0});
      poll(waits.data(), waits.size(), static_cast<int>(kLook.count()));
      if (waits.front().revents != 0) return;
      const auto now = Steady::now();
      const auto* const zones = zones_.get();
      const auto* const view = view_.get();
      if (zones == nullptr) continue;
      const auto& zone = zones->main();
      for (std::size_t i = 0; i < secondaries_.size(); ++i) {
        if (waits[i + 1].revents != 0) receive(secondaries_[i], zone, now);
      }
      // A list that is stale or not there yet is no reason to expect it elsewhere.
      if (view == nullptr || !view->index || view->stale) continue;
      const auto ours = view->soa_serial();
      appearances_.add(ours, now);
      for (auto& each : secondaries_) {
        compare(each, ours, now);
        ask(each, zone, now);
        report(each, ours, now);
      }
      publish(now);
    }
  }

  void compare(Secondary& secondary, std::uint32_t ours, Steady::time_point now) const {
    auto& state = secondary.state;
    if (!state.serial) {
      if (!secondary.lags_since) secondary.lags_since = now;
      return;
    }
    const bool had_ours = state.behind == 0;
    state.behind = distance(*state.serial, ours);
    if (state.behind == 0) {
      secondary.lags_since.reset();
      if (!had_ours) secondary.next = now + kLongestRepeat;
      return;
    }
    if (had_ours) {
      secondary.repeats = 0;
      secondary.next = std::min(secondary.next, now + kFirstRepeat);  // it transfers the zone meanwhile
    }
    if (state.behind < 0) {
      if (!secondary.lags_since) secondary.lags_since = now;
      return;
    }
    const auto since = appearances_.newer_than(*state.serial);
    secondary.lags_since =
        since.or_earlier && secondary.lags_since ? std::min(*secondary.lags_since, since.at) : since.at;
  }

  static void ask(Secondary& secondary, const answer::ServedZone& zone, Steady::time_point now) {
    if (now < secondary.next) return;
    if (secondary.is_asked) ++secondary.unanswered;
    if (secondary.unanswered >= kSilent) {
      secondary.state.answers = false;
      secondary.socket.close();  // this host's own address may be another by now
    }
    if (!secondary.socket.is_open()) connect(secondary);
    secondary.is_asked = true;
    static_cast<void>(getentropy(&secondary.id, sizeof secondary.id));
    const auto delay = kFirstRepeat * (1 << std::min(secondary.repeats++, 6));
    secondary.next =
        now + (secondary.state.behind == 0 ? kLongestRepeat : std::min<milliseconds>(delay, kLongestRepeat));
    const auto query = soa_query(secondary.id, zone.apex);
    // An error, such as ECONNREFUSED for the query before, is the same as no answer.
    static_cast<void>(send(secondary.socket.get(), query.data(), query.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }

  static void connect(Secondary& secondary) {
    const auto& at = secondary.state.secondary;
    const auto address = socket_address(at.address, at.port);
    secondary.socket = Descriptor(::socket(address.storage.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (::connect(secondary.socket.get(), address.get(), address.size) != 0) secondary.socket.close();
  }

  static void receive(Secondary& secondary, const answer::ServedZone& zone, Steady::time_point now) {
    std::array<std::uint8_t, 512> message{};
    for (;;) {
      const ssize_t size = recv(secondary.socket.get(), message.data(), message.size(), MSG_DONTWAIT);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return;
      const auto reply =
          read_soa_reply(std::span(message).first(static_cast<std::size_t>(size)), secondary.id, zone.apex);
      if (reply && secondary.is_asked) settle(secondary, *reply, now);
    }
  }

  static void settle(Secondary& secondary, const SoaReply& reply, Steady::time_point now) {
    auto& state = secondary.state;
    secondary.is_asked = false;
    secondary.unanswered = 0;
    secondary.rcode = reply.rcode;
    state.answers = reply.serial.has_value();
    if (!reply.serial) return;
    // A secondary that follows is asked again soon: whether it has caught up.
    if (state.serial != reply.serial) {
      secondary.repeats = 0;
      secondary.next = now + kFirstRepeat;
    }
    state.serial = reply.serial;
  }

  void report(Secondary& secondary, std::uint32_t ours, Steady::time_point now) const {
    const auto lag = lag_of(secondary, now);
    const bool lags = secondary.is_reported ? lag > sources_.reported_lag / 2 : lag > sources_.reported_lag;
    if (lags == secondary.is_reported) return;
    secondary.is_reported = lags;
    secondary.state.lag = lag;
    sources_.report({.lags = lags,
                     .state = secondary.state,
                     .serial = ours,
                     .text = lags ? why_it_lags(secondary) : std::string()});
  }

  [[nodiscard]] static std::string why_it_lags(const Secondary& secondary) {
    const auto& state = secondary.state;
    if (!state.answers && secondary.unanswered > 0) return "queries for its SOA have no answer; start it";
    if (!state.answers) {
      return fmt::format("it answers a query for the SOA with RCODE {} and no SOA: it hasn't got the zone; see its log",
                         secondary.rcode);
    }
    if (state.behind.value_or(0) < 0)
      return "its serial is newer than the zone's, so it takes no transfer; make it transfer the zone anew";
    return "it answers, but doesn't transfer the zone; see its log, and this server's lines `transferred`";
  }

  [[nodiscard]] static milliseconds lag_of(const Secondary& secondary, Steady::time_point now) {
    return secondary.lags_since ? std::chrono::ceil<milliseconds>(now - *secondary.lags_since) : milliseconds{};
  }

  void publish(Steady::time_point now) {
    const std::scoped_lock lock(mutex_);
    published_.clear();
    for (auto& each : secondaries_) {
      each.state.lag = lag_of(each, now);
      published_.push_back(each.state);
    }
  }

  const Sources sources_;
  mutable std::mutex mutex_;  ///< guards published_
  std::vector<SecondarySerial> published_;
  WakeEvent wake_;

  // Of the thread.
  zone::Published<answer::ServedZones>::Reader zones_;
  zone::Published<zone::View>::Reader view_;
  Appearances appearances_;
  std::vector<Secondary> secondaries_;
  std::thread thread_;
};

SecondarySerials::SecondarySerials(const std::vector<config::Endpoint>& secondaries, Sources sources)
    : impl_(std::make_unique<Impl>(secondaries, std::move(sources))) {}
SecondarySerials::~SecondarySerials() = default;
std::vector<SecondarySerial> SecondarySerials::all() const { return impl_->all(); }

}  // namespace blowback::transfer
