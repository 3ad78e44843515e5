// Sends a steady load of queries to a running server, and measures the time until their answers. The loop is open: a query is
// sent when it is due, whatever became of the earlier ones, and its time counts from then on. So a server that stalls can't
// hide it.
//
//   dns_load --server 127.0.0.1:5300 --names FILE --rate 50000 [--seconds 10] [--warm-up 0] [--sockets 4] [--spin 1]
//            [--json 1] [--wake PID] [--until-serial N --zone bl.example.org]
//
// FILE: one name per line. --rate 0: as many as are answered, with 100 outstanding. --spin: never sleeps, for a core of its own.
// --wake: resumes a stopped process when the first query is due. --until-serial: ends when the zone's SOA has that
// serial. A query without an answer within a second is lost, and counts as slower than all answered ones.
#include "dns_client.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX

#include <array>
#include <bit>
#include <cmath>
#include <exception>
#include <fstream>
#include <limits>
#include <memory>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace {

using namespace blowback::bench;

constexpr std::size_t kAtOnce = 64;
constexpr std::size_t kLongest = 320;  // octets of a query with the longest name
constexpr std::size_t kIds = 65'536;
constexpr std::size_t kWindow = 100;       // outstanding queries without a rate
constexpr double kMostPerSocket = 60'000;  // per second: an id must not be reused while its query may still be answered
constexpr Nanoseconds kLost = kSecond;
constexpr Nanoseconds kBetweenSerials = 10 * kMillisecond;
constexpr std::uint32_t kSerialQuestion = std::numeric_limits<std::uint32_t>::max();

/// A histogram of durations, 64 steps per power of two.
class Histogram {
 public:
  void add(Nanoseconds duration) {
    const auto value = static_cast<std::uint64_t>(std::max<Nanoseconds>(duration, 64));
    const auto power = static_cast<std::size_t>(63 - std::countl_zero(value));
    ++counts_[(power - 6) * 64 + ((value >> (power - 6)) & 63U)];
    ++count_;
    most_ = std::max(most_, static_cast<Nanoseconds>(value));
  }
  /// Quantile of `count() + slower` values; nothing if it is among the slower ones.
  [[nodiscard]] std::optional<double> microseconds(double share, std::uint64_t slower) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ + slower));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return static_cast<double>((64 + i % 64) << (i / 64)) / 1e3;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double most_microseconds() const { return static_cast<double>(most_) / 1e3; }

 private:
  std::array<std::uint64_t, std::size_t{58} * 64> counts_{};
  std::uint64_t count_ = 0;
  Nanoseconds most_ = 0;
};

struct Settings {
  Server server;
  std::string names;
  std::string zone;
  double rate = 0;
  double seconds = 10;
  double warm_up = 0;
  std::size_t sockets = 4;
  bool spin = false;
  bool json = false;
  int wake = 0;
  std::optional<std::uint32_t> until_serial;
};

[[nodiscard]] std::optional<Settings> settings_of(std::span<char* const> arguments) {
  Settings settings;
  bool has_server = false;
  const auto take_flag = [](std::string_view value, bool& to) {
    to = value == "1";
    return to || value == "0";
  };
  const bool read = read_options(arguments, [&](std::string_view name, std::string_view value) {
    bool good = true;
    if (name == "--server") {
      const auto server = loopback_server(value);
      good = has_server = server.has_value();
      if (good) settings.server = *server;
    } else if (name == "--names") {
      settings.names = value;
    } else if (name == "--zone") {
      settings.zone = value;
    } else if (name == "--rate") {
      good = take(value, settings.rate);
    } else if (name == "--seconds") {
      good = take(value, settings.seconds);
    } else if (name == "--warm-up") {
      good = take(value, settings.warm_up);
    } else if (name == "--sockets") {
      good = take(value, settings.sockets);
    } else if (name == "--spin") {
      good = take_flag(value, settings.spin);
    } else if (name == "--json") {
      good = take_flag(value, settings.json);
    } else if (name == "--wake") {
      good = take(value, settings.wake) && settings.wake > 1;
    } else if (name == "--until-serial") {
      good = take(value, settings.until_serial.emplace());
    } else {
      good = false;
    }
    return good;
  });
  if (!read) return std::nullopt;
  const bool in_range = settings.rate >= 0 && settings.rate <= 10e6 && settings.seconds > 0 &&
                        settings.seconds <= 3600 && settings.warm_up >= 0 && settings.warm_up <= 60 &&
                        settings.sockets >= 1 && settings.sockets <= 64;
  const bool complete = has_server && !settings.names.empty() && (!settings.until_serial || !settings.zone.empty());
  if (!in_range || !complete) return std::nullopt;
  if (settings.rate > kMostPerSocket * static_cast<double>(settings.sockets)) {
    fmt::print(stderr, "--rate {}: at most {} a second from each socket; raise --sockets\n", settings.rate,
               kMostPerSocket);
    return std::nullopt;
  }
  return settings;
}

[[nodiscard]] std::vector<Wire> questions_of(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error(path + ": can't be read");
  std::vector<Wire> questions;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    questions.push_back(question(line, kTypeA));
    if (questions.back().size() > kLongest) throw std::runtime_error(path + ": too long a name: " + line);
  }
  if (questions.empty()) throw std::runtime_error(path + ": no name in it");
  return questions;
}

/// The serial of the SOA that is the reply's first answer.
[[nodiscard]] std::optional<std::uint32_t> serial_of(std::span<const std::uint8_t> reply) {
  std::size_t at = kHeader;
  const auto pass_name = [&] {
    while (at < reply.size() && reply[at] != 0 && reply[at] < 0xc0) at += reply[at] + std::size_t{1};
    at += at < reply.size() && reply[at] >= 0xc0 ? 2 : 1;
  };
  if (reply.size() < kHeader || rcode_of(reply) != 0 || get16(reply, 6) == 0) return std::nullopt;
  pass_name();
  at += 4;
  pass_name();
  if (at + 10 > reply.size() || get16(reply, at) != kTypeSoa) return std::nullopt;
  at += 10;
  pass_name();
  pass_name();
  if (at + 4 > reply.size()) return std::nullopt;
  return (std::uint32_t{get16(reply, at)} << 16U) | get16(reply, at + 2);
}

[[nodiscard]] double own_processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// A socket and its outstanding queries. Ids are used in order, so the oldest query is always the next to be given up.
struct Lane {
  struct Slot {
    Nanoseconds due = 0;  // 0: not outstanding
    std::uint32_t question = 0;
    bool measured = false;
  };
  explicit Lane(const Server& server) : socket(server), slots(kIds) {}

  Socket socket;
  std::vector<Slot> slots;
  std::size_t next = 0;    // id of the next query, before modulo kIds
  std::size_t oldest = 0;  // query that may be outstanding
};

class Load {
 public:
  explicit Load(const Settings& settings)
      : settings_(settings),
        questions_(questions_of(settings.names)),
        serial_question_(question(settings.zone, kTypeSoa)) {
    for (std::size_t i = 0; i < settings.sockets; ++i) lanes_.emplace_back(settings.server);
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      received_parts_[i] = {.iov_base = received_[i].data(), .iov_len = received_[i].size()};
      sent_parts_[i] = {.iov_base = sent_[i].data(), .iov_len = 0};
    }
  }

  [[nodiscard]] std::size_t names() const { return questions_.size(); }

  void run() {
    // As exact as the kernel can: by default it rounds sleeps by 50 µs.
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    const auto processor = own_processor_seconds();
    start_ = now();
    measured_from_ = start_ + static_cast<Nanoseconds>(settings_.warm_up * 1e9);
    end_ = measured_from_ + static_cast<Nanoseconds>(settings_.seconds * 1e9);
    if (settings_.wake > 0 && kill(settings_.wake, SIGCONT) != 0) throw std::runtime_error("--wake: " + reason());
    auto at = start_;
    while (at < end_ || (under_way_ > 0 && at < end_ + kLost + 100 * kMillisecond)) {
      bool idle = true;
      for (auto& lane : lanes_) {
        idle = !receive(lane) && idle;
        give_up(lane, at);
      }
      // Each turn begins with another socket, so that the queries are spread over all of them.
      ++turn_;
      for (std::size_t i = 0; i < lanes_.size(); ++i) {
        at = now();
        if (at < end_) idle = !issue(lanes_[(turn_ + i) % lanes_.size()], at) && idle;
      }
      if (at < end_) ask_serial(at);
      if (caught_up_ && at < end_) end_ = *caught_up_;
      if (idle && !settings_.spin) rest(at);
      at = now();
    }
    for (auto& lane : lanes_) give_up(lane, std::numeric_limits<Nanoseconds>::max());
    processor_ = own_processor_seconds() - processor;
    ended_ = now();
  }

  void print() const {
    const auto lasted = static_cast<double>(end_ - measured_from_) / 1e9;
    const auto count = times_.count();
    const auto time = [&](double share) { return times_.microseconds(share, lost_); };
    const auto or_null = [](std::optional<double> value) { return value ? fmt::format("{:.1f}", *value) : "null"; };
    const auto busy = processor_ / (static_cast<double>(ended_ - start_) / 1e9);
    const auto late = late_.microseconds(0.999, 0);
    const auto caught_up = caught_up_ ? fmt::format("{:.3f}", static_cast<double>(*caught_up_ - start_) / 1e9) : "null";
    const auto per_second = static_cast<double>(count) / lasted;
    if (settings_.json) {
      fmt::print(
          "{{\"rate\": {:.0f}, \"seconds\": {:.3f}, \"answered\": {}, \"qps\": {:.0f}, \"lost\": {}, \"wrong\": {}, "
          "\"too_late\": {}, "
          "\"p50_us\": {}, \"p99_us\": {}, \"p999_us\": {}, \"max_us\": {:.1f}, \"sent_late_p999_us\": {}, "
          "\"sent_late_max_us\": {:.1f}, "
          "\"busy\": {:.3f}, \"caught_up_s\": {}, \"serials\": {}}}\n",
          settings_.rate, lasted, count, per_second, lost_, wrong_, too_late_, or_null(time(0.5)), or_null(time(0.99)),
          or_null(time(0.999)), times_.most_microseconds(), or_null(late), late_.most_microseconds(), busy, caught_up,
          serials_);
      return;
    }
    const auto or_lost = [](std::optional<double> value) { return value ? fmt::format("{:.1f}", *value) : "lost"; };
    fmt::print("answered {} in {:.3f} s, {:.0f} a second; lost {}, wrong {}, after more than a second {}\n", count,
               lasted, per_second, lost_, wrong_, too_late_);
    fmt::print("µs from due to answered: p50 {}, p99 {}, p99.9 {}, max of the answered {:.1f}\n", or_lost(time(0.5)),
               or_lost(time(0.99)), or_lost(time(0.999)), times_.most_microseconds());
    fmt::print(
        "µs from due to sent, this program's own delay: p99.9 {}, max {:.1f}; this program used {:.0f} % of a core\n",
        or_lost(late), late_.most_microseconds(), busy * 100);
    if (settings_.until_serial) {
      fmt::print("serial {} {}; {} serials seen\n", *settings_.until_serial,
                 caught_up_ ? "seen after " + caught_up + " s" : "not seen", serials_);
    }
  }

 private:
  /// When question n is due, counted from 0.
  [[nodiscard]] Nanoseconds due(std::uint64_t n) const {
    return start_ + static_cast<Nanoseconds>(static_cast<double>(n) * 1e9 / settings_.rate);
  }

  /// Reads what has arrived, a bounded number. True: there was something.
  bool receive(Lane& lane) {
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      received_messages_[i].msg_hdr = {};
      received_messages_[i].msg_hdr.msg_iov = &received_parts_[i];
      received_messages_[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(lane.socket.fd(), received_messages_.data(), kAtOnce, 0, nullptr);
    if (count <= 0) return false;
    const auto at = now();
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      take(lane,
           std::span<const std::uint8_t>(received_[i])
               .first(std::min<std::size_t>(received_messages_[i].msg_len, received_[i].size())),
           at);
    }
    return true;
  }

  void take(Lane& lane, std::span<const std::uint8_t> reply, Nanoseconds at) {
    if (reply.size() < kHeader) {
      ++wrong_;
      return;
    }
    auto& slot = lane.slots[get16(reply, 0)];
    if (slot.due == 0) {
      ++too_late_;
      return;
    }
    const bool serial = slot.question == kSerialQuestion;
    auto& asked = serial ? serial_question_ : questions_[slot.question];
    set16(asked, 0, get16(reply, 0));
    if (!answers(reply, asked) || (rcode_of(reply) != 0 && rcode_of(reply) != 3)) ++wrong_;
    if (serial) {
      learn(serial_of(reply), at);
    } else {
      --under_way_;
      if (slot.measured) times_.add(at - slot.due);
    }
    slot.due = 0;
  }

  void learn(std::optional<std::uint32_t> serial, Nanoseconds at) {
    if (!serial) return;
    if (serial != serial_) ++serials_;
    serial_ = serial;
    if (serial == settings_.until_serial && !caught_up_) caught_up_ = at;
  }

  void give_up(Lane& lane, Nanoseconds at) {
    for (; lane.oldest < lane.next; ++lane.oldest) {
      auto& slot = lane.slots[lane.oldest % kIds];
      if (slot.due == 0) continue;
      if (at - slot.due < kLost) return;
      slot.due = 0;
      if (slot.question == kSerialQuestion) continue;
      --under_way_;
      if (slot.measured) ++lost_;
    }
  }

  /// Sends what is due, at most one batch. True: something was due.
  bool issue(Lane& lane, Nanoseconds at) {
    std::size_t count = 0;
    for (; count < kAtOnce; ++count) {
      if (lane.next - lane.oldest >= kIds) break;
      Nanoseconds when = at;
      if (settings_.rate > 0) {
        when = due(issued_);
        if (when > at || when >= end_) break;
      } else if (under_way_ >= kWindow) {
        break;
      }
      put(lane, count, static_cast<std::uint32_t>(issued_ % questions_.size()), when);
      ++issued_;
      ++under_way_;
      if (when >= measured_from_) late_.add(at - when);
    }
    if (count > 0) send(lane, count);
    return count > 0;
  }

  void put(Lane& lane, std::size_t place, std::uint32_t question, Nanoseconds when) {
    const auto id = lane.next++ % kIds;
    lane.slots[id] = {.due = when, .question = question, .measured = when >= measured_from_};
    const auto& wire = question == kSerialQuestion ? serial_question_ : questions_[question];
    std::ranges::copy(wire, sent_[place].begin());
    set16(sent_[place], 0, id);
    sent_parts_[place].iov_len = wire.size();
  }

  void send(Lane& lane, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sent_messages_[i].msg_hdr = {};
      sent_messages_[i].msg_hdr.msg_iov = &sent_parts_[i];
      sent_messages_[i].msg_hdr.msg_iovlen = 1;
    }
    for (std::size_t done = 0; done < count;) {
      const int sent = sendmmsg(lane.socket.fd(), &sent_messages_[done], static_cast<unsigned>(count - done), 0);
      // A query that can't be sent (an ICMP error for an earlier one, no room) is lost, as one that is dropped on the way.
      done += sent > 0 ? static_cast<std::size_t>(sent) : 1;
    }
  }

  void ask_serial(Nanoseconds at) {
    if (!settings_.until_serial || at < next_serial_) return;
    next_serial_ = at + kBetweenSerials;
    put(lanes_.front(), 0, kSerialQuestion, at);
    send(lanes_.front(), 1);
  }

  /// Waits until an answer arrives or a query is due; a millisecond at most.
  void rest(Nanoseconds at) {
    auto until = at + kMillisecond;
    if (settings_.rate > 0) until = std::min(until, due(issued_));
    if (until <= at) return;
    std::array<pollfd, 64> wanted{};
    for (std::size_t i = 0; i < lanes_.size(); ++i)
      wanted[i] = {.fd = lanes_[i].socket.fd(), .events = POLLIN, .revents = 0};
    const timespec timeout{.tv_sec = 0, .tv_nsec = until - at};
    static_cast<void>(ppoll(wanted.data(), lanes_.size(), &timeout, nullptr));
  }

  Settings settings_;
  std::vector<Wire> questions_;
  Wire serial_question_;
  std::vector<Lane> lanes_;

  std::array<std::array<std::uint8_t, 1500>, kAtOnce> received_{};
  std::array<iovec, kAtOnce> received_parts_{};
  std::array<mmsghdr, kAtOnce> received_messages_{};
  std::array<std::array<std::uint8_t, kLongest>, kAtOnce> sent_{};
  std::array<iovec, kAtOnce> sent_parts_{};
  std::array<mmsghdr, kAtOnce> sent_messages_{};

  Nanoseconds start_ = 0;
  Nanoseconds measured_from_ = 0;
  Nanoseconds end_ = 0;
  Nanoseconds ended_ = 0;
  Nanoseconds next_serial_ = 0;
  std::size_t turn_ = 0;
  std::uint64_t issued_ = 0;
  std::uint64_t under_way_ = 0;

  Histogram times_;
  Histogram late_;
  std::uint64_t lost_ = 0;
  std::uint64_t wrong_ = 0;     // replies that match no query, or SERVFAIL and similar
  std::uint64_t too_late_ = 0;  // replies to queries that were given up
  double processor_ = 0;
  std::optional<std::uint32_t> serial_;
  std::optional<Nanoseconds> caught_up_;
  std::uint64_t serials_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  const auto settings = settings_of(std::span(arguments, static_cast<std::size_t>(count)));
  if (!settings) {
    fmt::print(
        stderr,
        "dns_load --server 127.0.0.1:PORT|[::1]:PORT --names FILE --rate R [--seconds S] [--warm-up S] [--sockets N] "
        "[--spin 0|1] [--json 0|1] [--wake PID] [--until-serial N --zone ZONE]\n");
    return 2;
  }
  try {
    // On the heap: it holds the buffers of a batch.
    const auto load = std::make_unique<Load>(*settings);
    if (!settings->json) {
      print_conditions();
      fmt::print("{} names, {} sockets, {}, {} s after {} s of warm-up\n", load->names(), settings->sockets,
                 settings->rate > 0 ? fmt::format("{:.0f} questions a second", settings->rate)
                                    : fmt::format("{} questions under way", kWindow),
                 settings->seconds, settings->warm_up);
    }
    load->run();
    load->print();
  } catch (const std::exception& error) {
    fmt::print(stderr, "dns_load: {}\n", error.what());
    return 1;
  }
  return 0;
}
