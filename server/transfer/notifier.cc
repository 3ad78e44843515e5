#include "transfer/notifier.h"

#include "answer/tsig.h"
#include "answer/wire_format.h"
#include "soa_rdata.h"
#include "system/descriptor.h"
#include "system/socket_address.h"
#include "system/wake_event.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <span>
#include <sys/socket.h>
#include <thread>
#include <utility>

namespace blowback::transfer {
namespace {

using Steady = std::chrono::steady_clock;
using Octets = std::vector<std::uint8_t>;

/// How often the thread looks for another serial: as often as the follower looks for changes.
constexpr std::chrono::milliseconds kLook{20};
/// Between two messages to a secondary that answers.
constexpr std::chrono::milliseconds kPause{50};
constexpr std::chrono::milliseconds kFirstRepeat{1'000};
constexpr std::chrono::milliseconds kLongestRepeat{60'000};
/// Messages without an answer before that is reported.
constexpr int kSilent = 4;

constexpr std::uint8_t kNotify = 4;  // the opcode
constexpr std::uint16_t kSoa = 6;
constexpr std::uint16_t kClassIn = 1;

void put16(Octets& to, std::size_t value) {
  to.resize(to.size() + 2);
  answer::write16(to.data() + to.size() - 2, value);
}

/// RFC 1996 §3.7: with the new SOA as a hint.
[[nodiscard]] Octets message_of(std::uint16_t id, const answer::ServedZone& zone, std::uint32_t serial) {
  Octets message;
  put16(message, id);
  message.push_back(static_cast<std::uint8_t>(kNotify << 3U | 0x04U));  // AA
  message.push_back(0);
  for (const std::size_t count : {1U, 1U, 0U, 0U}) put16(message, count);
  message.insert(message.end(), zone.apex.begin(), zone.apex.end());
  put16(message, kSoa);
  put16(message, kClassIn);
  put16(message, 0xc000U | answer::kHeader);
  put16(message, kSoa);
  put16(message, kClassIn);
  put16(message, zone.ttl >> 16U);
  put16(message, zone.ttl);
  const auto rdata = soa_rdata(zone, serial);
  put16(message, rdata.size());
  message.insert(message.end(), rdata.begin(), rdata.end());
  return message;
}

/// One zone of one secondary.
struct Told {
  Notified state;
  answer::Mac mac;                         ///< of the last message
  std::optional<std::uint32_t> under_way;  ///< the serial of the last message, if it has no answer
  std::uint16_t id = 0;
  int unanswered = 0;  ///< messages in a row
  bool refuses = false;
  Steady::time_point next{};  ///< nothing is sent before
  Steady::time_point behind_since{};
};

struct Secondary {
  config::Endpoint at;
  answer::WireName key;     ///< its name; empty: messages aren't signed
  Descriptor socket;        ///< connected: the kernel passes on what comes from the secondary only
  std::vector<Told> zones;  ///< as they are served

  [[nodiscard]] bool is_asked() const {
    return std::ranges::any_of(zones, [](const Told& told) { return told.under_way.has_value(); });
  }
};

[[nodiscard]] std::uint16_t random_id() {
  std::uint16_t id = 0;
  static_cast<void>(getentropy(&id, sizeof id));
  return id;
}

}  // namespace

class Notifier::Impl {
 public:
  Impl(const std::vector<config::Secondary>& secondaries, Sources sources)
      : sources_(std::move(sources)), zones_(sources_.zones), view_(sources_.view) {
    for (const auto& [at, key] : secondaries) {
      auto& secondary = secondaries_.emplace_back();
      secondary.at = at;
      if (!key.empty()) secondary.key = answer::wire_name(key).value_or(answer::WireName{});
      for (const auto& zone : zones_.get()->all) {
        auto& told = secondary.zones.emplace_back();
        told.state.secondary = at;
        told.state.zone = zone.name;
      }
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

  [[nodiscard]] std::vector<Notified> notified() const {
    const std::scoped_lock lock(mutex_);
    return published_;
  }

 private:
  void run() {
    for (;;) {
      std::vector<pollfd> waits{{.fd = wake_.fd(), .events = POLLIN, .revents = 0}};
      for (const auto& each : secondaries_)
        waits.push_back({.fd = each.is_asked() ? each.socket.get() : -1, .events = POLLIN, .revents = 0});
      poll(waits.data(), waits.size(), static_cast<int>(kLook.count()));
      if (waits.front().revents != 0) return;
      const auto now = Steady::now();
      const auto& zones = zones_.get()->all;
      const auto* const view = view_.get();
      for (std::size_t i = 0; i < secondaries_.size(); ++i) {
        auto& secondary = secondaries_[i];
        if (waits[i + 1].revents != 0) receive(secondary, zones.front(), now);
        // A list that is stale or not there yet is no reason to transfer it.
        if (view == nullptr || !view->index || view->stale) continue;
        for (std::size_t zone = 0; zone < std::min(zones.size(), secondary.zones.size()); ++zone)
          tell(secondary, secondary.zones[zone], zones[zone], view->soa_serial(), now);
      }
      publish(now);
    }
  }

  void tell(Secondary& secondary, Told& told, const answer::ServedZone& zone, std::uint32_t serial,
            Steady::time_point now) {
    if (told.state.told == serial) {
      told.under_way.reset();
      told.behind_since = {};
      return;
    }
    if (told.behind_since == Steady::time_point{}) told.behind_since = now;
    if (now < told.next) return;
    const auto* const key = key_of(secondary, zone);
    if (key == nullptr && !secondary.key.empty()) return;
    const bool repeats = told.under_way.has_value();
    if (repeats) ++told.unanswered;
    if (repeats && told.unanswered == kSilent && !told.refuses) {
      sources_.report({.event = NotifierReport::Event::silent,
                       .secondary = secondary.at,
                       .zone = told.state.zone,
                       .serial = serial,
                       .text = fmt::format("{} messages in a row have no answer; they go on, once a minute", kSilent)});
    }
    if (!secondary.socket.is_open()) connect(secondary);
    told.id = random_id();
    told.under_way = serial;
    const auto delay = kFirstRepeat * (1 << std::min(told.unanswered, 6));
    told.next = now + std::min<std::chrono::milliseconds>(delay, kLongestRepeat);
    auto message = message_of(told.id, zone, serial);
    if (key != nullptr) told.mac = signed_by(*key, told.id, message);
    // An error, such as ECONNREFUSED for the message before, is the same as no answer.
    static_cast<void>(send(secondary.socket.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    ++told.state.sent;
    if (repeats) ++told.state.repeated;
  }

  /// The same in all zones. nullptr: there is none of that name, or messages aren't signed.
  [[nodiscard]] static const answer::TsigKey* key_of(const Secondary& secondary, const answer::ServedZone& zone) {
    const auto found = std::ranges::find(zone.keys, secondary.key, &answer::TsigKey::name);
    return found == zone.keys.end() ? nullptr : &*found;
  }

  /// Adds the signature, and returns its MAC.
  [[nodiscard]] answer::Mac signed_by(const answer::TsigKey& key, std::uint16_t id, Octets& message) const {
    const auto size = message.size();
    message.resize(size + answer::kLongestTsig);
    answer::TsigSigner signer(key, id);
    message.resize(signer.sign(message, size, sources_.clock()));
    answer::Mac mac;
    mac.assign(signer.mac());
    return mac;
  }

  static void connect(Secondary& secondary) {
    const auto& at = secondary.at;
    const bool is_v6 = at.address.family() == Family::ipv6;
    secondary.socket = Descriptor(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = socket_address(at.address, at.port);
    if (::connect(secondary.socket.get(), address.get(), address.size) != 0) secondary.socket.close();
  }

  void receive(Secondary& secondary, const answer::ServedZone& zone, Steady::time_point now) {
    std::array<std::uint8_t, 512> reply{};
    for (;;) {
      const ssize_t size = recv(secondary.socket.get(), reply.data(), reply.size(), MSG_DONTWAIT);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return;
      if (static_cast<std::size_t>(size) < answer::kHeader || (reply[2] & 0xf8U) != (0x80U | kNotify << 3U)) continue;
      // The secondary's port and our own, both 16 bits of id: others would have to guess them.
      const auto told = std::ranges::find_if(secondary.zones, [&](const Told& each) {
        return each.under_way && each.id == ((reply[0] << 8U) | reply[1]);
      });
      if (told == secondary.zones.end()) continue;
      const auto message = std::span(reply).first(static_cast<std::size_t>(size));
      if (const auto wrong = wrong_signature(secondary, *told, zone, message); wrong.empty()) {
        settle(*told, reply[3] & 0xfU, now);
      } else {
        distrust(*told, wrong);
      }
    }
  }

  /// What is wrong with the signature of an answer; "": nothing.
  [[nodiscard]] std::string wrong_signature(const Secondary& secondary, const Told& told,
                                            const answer::ServedZone& zone,
                                            std::span<const std::uint8_t> message) const {
    if (secondary.key.empty()) return "";
    const auto* const key = key_of(secondary, zone);
    if (key == nullptr) return "there is no such key any more";
    const auto at = answer::last_record(message);
    const auto tsig = at ? answer::read_tsig(message, *at) : std::nullopt;
    if (!tsig) return "its answers aren't signed with the key; let it know this server by the key";
    const auto check = answer::check_tsig(message, *at, *tsig, std::span(key, 1), sources_.clock(), told.mac.octets());
    if (check && check->state == answer::TsigState::good) return "";
    return fmt::format(
        "it doesn't accept the key (TSIG error {}), or its clock is wrong; give both servers the same key and secret",
        tsig->error);
  }

  /// It might be anybody's answer, so the repetitions go on.
  void distrust(Told& told, std::string why) const {
    ++told.state.answered;
    ++told.state.refused;
    if (!told.refuses) {
      sources_.report({.event = NotifierReport::Event::refuses,
                       .secondary = told.state.secondary,
                       .zone = told.state.zone,
                       .serial = *told.under_way,
                       .text = std::move(why)});
    }
    told.refuses = true;
  }

  void settle(Told& told, unsigned rcode, Steady::time_point now) {
    ++told.state.answered;
    const bool refuses = rcode != 0;
    if (refuses) ++told.state.refused;
    if (refuses && !told.refuses) {
      sources_.report(
          {.event = NotifierReport::Event::refuses,
           .secondary = told.state.secondary,
           .zone = told.state.zone,
           .serial = *told.under_way,
           .text = fmt::format("it answers with RCODE {}; allow this server's address or key to notify it", rcode)});
    } else if (!refuses && (told.refuses || told.unanswered >= kSilent)) {
      sources_.report({.event = NotifierReport::Event::answers,
                       .secondary = told.state.secondary,
                       .zone = told.state.zone,
                       .serial = *told.under_way,
                       .text = {}});
    }
    told.refuses = refuses;
    told.unanswered = 0;
    // RFC 1996 §3.8: any answer ends the repetitions.
    told.state.told = told.under_way;
    told.under_way.reset();
    told.behind_since = {};
    told.next = now + kPause;
  }

  void publish(Steady::time_point now) {
    const std::scoped_lock lock(mutex_);
    published_.clear();
    for (auto& secondary : secondaries_) {
      for (auto& told : secondary.zones) {
        told.state.waiting = told.behind_since == Steady::time_point{}
                                 ? std::chrono::milliseconds{}
                                 : std::chrono::ceil<std::chrono::milliseconds>(now - told.behind_since);
        published_.push_back(told.state);
      }
    }
  }

  const Sources sources_;
  mutable std::mutex mutex_;  ///< guards published_
  std::vector<Notified> published_;
  WakeEvent wake_;

  // Of the thread.
  zone::Published<answer::ServedZones>::Reader zones_;
  zone::Published<zone::View>::Reader view_;
  std::vector<Secondary> secondaries_;
  std::thread thread_;
};

Notifier::Notifier(const std::vector<config::Secondary>& secondaries, Sources sources)
    : impl_(std::make_unique<Impl>(secondaries, std::move(sources))) {}
Notifier::~Notifier() = default;
std::vector<Notified> Notifier::notified() const { return impl_->notified(); }

}  // namespace blowback::transfer
