// The cost of an answer without the kernel, on one core: every path that a query can take, one query at a time, in batches as
// the workers handle them, and built from ldns's objects.
//
//   answer_speed [--entries N] [--ips FILE] [--only TEXT] [--rounds N]
//
// It lists N random IPv4 addresses (1,000,000), or those of a file, plus a tenth as many /64 of IPv6, networks and exemptions.
// Rounds (10) go through all paths in turn, and the minimum time of each few hundred queries counts, so that a busy machine
// matters little. The ratio is to the first path of the same run. --only selects the paths whose names contain TEXT, for callgrind.
#include "answer/answer.h"
#include "answer/cookie.h"
#include "zone/listing_index.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace blowback;
using answer::Outcome;

namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};
constexpr std::size_t kQuestions = 5'000;  // per path
constexpr std::size_t kSlice = 250;        // of these, timed separately: shorter than the kernel's time slice
constexpr std::size_t kSlices = kQuestions / kSlice;
constexpr std::size_t kPlainQuestions = 10;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kBetweenRare = 40'000;

using Bytes = std::vector<std::uint8_t>;

enum Type : unsigned { kA = 1, kNs = 2, kSoa = 6, kTxt = 16, kAaaa = 28, kAxfr = 252, kAny = 255 };

void put16(Bytes& to, unsigned value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U));
  to.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

// ── what is listed, and what is queried ─────────────────────────────────────────────────────────────────────────────

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

class List {
 public:
  List(std::size_t entries, const std::string& file) {
    if (file.empty()) {
      for (std::size_t i = 0; i < entries; ++i) v4_.push_back(IpAddress::from_v4(number()));
    } else {
      std::ifstream lines(file);
      for (std::string line; std::getline(lines, line);) {
        if (const auto address = IpAddress::parse(line); address && address->family() == Family::ipv4)
          v4_.push_back(*address);
      }
    }
    if (v4_.empty()) {
      std::fputs(
          "answer_speed: no IPv4 address is listed: give --entries of at least 1, or --ips with a file of one a line\n",
          stderr);
      std::exit(2);
    }
    for (std::size_t i = 0; i < v4_.size() / 10 + 1; ++i) v6_.push_back(unlisted_v6());
    std::ranges::sort(v4_);
    std::ranges::sort(v6_);
    zone::ListingIndex::Builder builder(kNow);
    const auto add = [&](const Prefix& prefix, CodeSet codes) {
      Listing listing;
      listing.prefix = prefix;
      listing.codes = codes;
      builder.add(listing);
    };
    // Few have another kind, for the zone with chosen codes: one in every page of the index, or two.
    for (std::size_t i = 0; i < v4_.size(); ++i)
      add(Prefix::of(v4_[i]), i % kBetweenRare == 0 ? Code::virus_notice : Code::dsn);
    for (const auto& address : v6_) add(Prefix::covering(address, 64), Code::dsn);
    for (unsigned i = 0; i < 256; ++i) {
      add(Prefix::covering(IpAddress::from_v4(0xc6330000U | i << 8U), 24), Code::by_operator);
      Exemption exemption;
      exemption.prefix = Prefix::of(IpAddress::from_v4(0xc6330007U | i << 8U));
      builder.add(exemption);
      add(Prefix::covering(IpAddress::from_v4(0xc6350000U | i << 8U), 24), Code::by_operator);
    }
    index_ = std::make_shared<const zone::ListingIndex>(builder.finish(1));
  }

  [[nodiscard]] std::size_t size() const { return v4_.size(); }
  [[nodiscard]] std::shared_ptr<const zone::ListingIndex> index() const { return index_; }
  [[nodiscard]] std::uint32_t number() { return static_cast<std::uint32_t>(random_()); }
  /// Not 127.0.0.0/8, which has the test entries.
  [[nodiscard]] IpAddress listed_v4() {
    return one_of(v4_, [](const IpAddress& one) { return one.v4() >> 24U != 127; });
  }
  [[nodiscard]] IpAddress listed_v6() {
    return one_of(v6_, [](const IpAddress&) { return true; });
  }
  [[nodiscard]] IpAddress unlisted_v4() {
    for (;;) {
      const auto address = IpAddress::from_v4(number());
      if (address.v4() >> 24U != 127 && index_->codes_at(address, kNow).empty()) return address;
    }
  }
  /// In 2000::/8, where only a few /64 are listed.
  [[nodiscard]] IpAddress unlisted_v6() {
    IpAddress::Octets octets{0x20};
    for (std::size_t i = 1; i < octets.size(); ++i) octets.at(i) = static_cast<std::uint8_t>(number());
    return IpAddress::from_octets(octets);
  }
  /// Octets of one digit, which are also nibbles of an IPv6 network in which nothing is listed.
  [[nodiscard]] IpAddress of_digits() {
    return IpAddress::from_v4((3 + number() % 7) << 24U | number() % 10 << 16U | number() % 10 << 8U);
  }
  /// A value of `next` in whose network of that length nothing is listed.
  template <typename Next>
  [[nodiscard]] IpAddress none_in(int length, Next next) {
    for (;;) {
      const IpAddress address = next();
      if (!index_->anything_within(Prefix::covering(address, length), kNow)) return address;
    }
  }
  /// One in a network that the operator listed; every seventh is exempt.
  [[nodiscard]] IpAddress in_network(unsigned last) {
    return IpAddress::from_v4(0xc6330000U | (number() & 0xffU) << 8U | last);
  }
  /// One in a network that the operator listed, and that nothing divides; random addresses may divide a few in a thousand.
  [[nodiscard]] IpAddress in_wildcard() {
    for (;;) {
      const auto address = IpAddress::from_v4(0xc6350000U | (number() & 0xffffU));
      if (!index_->is_divided(Prefix::covering(address, 24), kNow)) return address;
    }
  }

 private:
  template <typename Condition>
  IpAddress one_of(const std::vector<IpAddress>& from, Condition condition) {
    for (;;) {
      if (const auto& one = from[number() % from.size()]; condition(one)) return one;
    }
  }

  std::mt19937 random_{1};
  std::vector<IpAddress> v4_;
  std::vector<IpAddress> v6_;
  std::shared_ptr<const zone::ListingIndex> index_;
};

/// Reversed octets or nibbles: the `count` labels nearest the apex, or all.
Bytes labels_of(const IpAddress& address, std::size_t count = 32, bool as_nibbles = false) {
  std::vector<std::string> labels;
  const auto& octets = address.octets();
  if (address.family() == Family::ipv4 && !as_nibbles) {
    for (std::size_t i = 12; i < 16; ++i) labels.push_back(std::to_string(octets.at(i)));
  } else {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const auto octet : octets) {
      labels.emplace_back(1, kDigits[octet >> 4U]);
      labels.emplace_back(1, kDigits[octet & 0xfU]);
    }
  }
  labels.resize(std::min(count, labels.size()));
  Bytes wire;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    wire.push_back(static_cast<std::uint8_t>(label->size()));
    wire.insert(wire.end(), label->begin(), label->end());
  }
  return wire;
}

/// The labels of a name without its root.
Bytes labels_of(const std::string& name) {
  auto wire = answer::wire_name(name).value();
  wire.pop_back();
  return wire;
}

// ── how it is queried ───────────────────────────────────────────────────────────────────────────────────────────────

struct Setting {
  answer::ServedZones zones;
  zone::View view;
  std::optional<config::RateLimit> limit = std::nullopt;
  IpAddress client = ip("192.0.2.53");
};

/// The parts of a query besides the labels left of the apex.
struct Rest {
  unsigned type = kA;
  std::optional<Bytes> options = std::nullopt;  // in an OPT; absent: no OPT
  unsigned klass = 1;
  unsigned version = 0;
  unsigned flags = 0x0100;  // RD, as clients of resolvers set it
  std::string apex = "bl.example.org";
};

Bytes question(const Bytes& labels, const Rest& rest = {}) {
  Bytes bytes;
  put16(bytes, 0x1234);
  put16(bytes, rest.flags);
  for (const unsigned count : {1U, 0U, 0U, rest.options ? 1U : 0U}) put16(bytes, count);
  bytes.insert(bytes.end(), labels.begin(), labels.end());
  const auto apex = answer::wire_name(rest.apex).value();
  bytes.insert(bytes.end(), apex.begin(), apex.end());
  put16(bytes, rest.type);
  put16(bytes, rest.klass);
  if (rest.options) {
    constexpr std::array<std::uint8_t, 6> kHead{0, 0, 41, 4, 208, 0};
    bytes.insert(bytes.end(), kHead.begin(), kHead.end());
    bytes.push_back(static_cast<std::uint8_t>(rest.version));
    put16(bytes, 0x8000);
    put16(bytes, static_cast<unsigned>(rest.options->size()));
    bytes.insert(bytes.end(), rest.options->begin(), rest.options->end());
  }
  return bytes;
}

Bytes option(unsigned code, std::span<const std::uint8_t> data) {
  Bytes bytes;
  put16(bytes, code);
  put16(bytes, static_cast<unsigned>(data.size()));
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

Bytes cookie(std::size_t octets) { return option(answer::kCookieOption, Bytes(octets, 1)); }
/// A server cookie for the usual client, made this long ago.
Bytes server_cookie(const Setting& setting, std::chrono::seconds age) {
  return option(answer::kCookieOption, answer::make_cookie({1, 2, 3, 4, 5, 6, 7, 8}, setting.client, kNow - age,
                                                           *setting.zones.main().cookies));
}

answer::ServedZones zones_of(std::vector<std::string> nameservers, const std::vector<Prefix>& allow = {},
                             const std::string& addresses_of = {}) {
  config::Zone zone;
  zone.name = "bl.example.org";
  zone.nameservers = std::move(nameservers);
  zone.hostmaster = "hostmaster@example.org";
  zone.txt = "https://bl.example.org/{ip}";
  if (!addresses_of.empty()) zone.nameserver_addresses = {{addresses_of, ip("192.0.2.53")}};
  config::Server server;
  server.allow = allow;
  server.nsid = "somewhere";
  server.cookie_secrets = {answer::CookieSecret{1}, answer::CookieSecret{2}};
  return answer::ServedZones::of(std::vector{zone}, server, {}).value();
}

/// Fifteen other zones before the one of `zones`, which has `codes`.
answer::ServedZones among_others(answer::ServedZones zones, CodeSet codes) {
  config::Zone zone;
  zone.nameservers = {"ns1.example.org"};
  zone.hostmaster = "hostmaster@example.org";
  for (std::size_t i = 1; i < config::kMostZones; ++i) {
    zone.name = "z" + std::to_string(i) + ".example.org";
    zones.all.insert(zones.all.begin(), answer::ServedZone::of(zone, {}, {}).value());
  }
  zones.all.back().codes = codes;
  return zones;
}

struct Path {
  const char* name;
  const Setting* setting;
  std::optional<Outcome> outcome;  // of all its queries, else the path isn't measured. Absent: several outcomes
  std::function<Bytes()> next;
  answer::Transport transport = answer::Transport::udp;
};

double nanoseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

/// The minimum time of each slice of a path's queries.
class Least {
 public:
  Least() { slices_.fill(std::numeric_limits<double>::max()); }
  template <typename Work>
  void took(std::size_t slice, Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    slices_.at(slice) = std::min(slices_.at(slice), nanoseconds_since(start));
  }
  [[nodiscard]] double a_query() const { return std::accumulate(slices_.begin(), slices_.end(), 0.0) / kQuestions; }

 private:
  std::array<double, kSlices> slices_;
};

/// The queries of a path, and the time that they took.
class Measured {
 public:
  explicit Measured(const Path& path) : path_(path), setting_(*path.setting) {
    std::vector<std::size_t> ends;
    for (std::size_t i = 0; i < kQuestions; ++i) {
      const auto query = path.next();
      octets_.insert(octets_.end(), query.begin(), query.end());
      ends.push_back(octets_.size());
    }
    std::size_t begin = 0;
    for (const auto end : ends) {
      asked_.push_back({std::span(octets_).subspan(begin, end - begin), setting_.client, path.transport});
      begin = end;
    }
    if (setting_.limit) limiter_.emplace(*setting_.limit, answer::RateLimiter::Key{});
    reply_.resize(answer::kLongestTcpReply);
    rooms_.resize(kBatch * kRoom);
    for (std::size_t i = 0; i < kBatch; ++i) replies_.push_back(std::span(rooms_).subspan(i * kRoom, kRoom));
    answers_.resize(kQuestions);
  }

  void round() {
    for (std::size_t i = 0; i < kSlices; ++i) {
      alone_.took(i, [&] { answer_each(answer::answer, i * kSlice, kSlice); });
      batched_.took(i, [&] { answer_in_batches(i * kSlice); });
    }
  }
  void measure_plain() {
    const auto start = std::chrono::steady_clock::now();
    answer_each(answer::answer_plainly, 0, kPlainQuestions);
    plain_ = nanoseconds_since(start) / kPlainQuestions;
  }
  [[nodiscard]] double alone() const { return alone_.a_query(); }

  /// False if a query took another path than its name states.
  [[nodiscard]] bool print(double first) const {
    double octets = 0;
    for (const auto& answer : answers_) {
      octets += static_cast<double>(answer.size);
      if (path_.outcome && answer.outcome != *path_.outcome) {
        std::printf("%-44s has outcome %s, not %s\n", path_.name, std::string(name_of(answer.outcome)).c_str(),
                    std::string(name_of(*path_.outcome)).c_str());
        return false;
      }
    }
    std::printf("%-44s %6.0f %6.2f %9.0f %8.0f %8.1f\n", path_.name, alone(), alone() / first, batched_.a_query(),
                plain_, octets / kQuestions);
    return true;
  }

 private:
  static constexpr std::size_t kRoom = 2048;

  answer::RateLimiter* limiter() { return limiter_ ? &*limiter_ : nullptr; }

  template <typename Answering>
  void answer_each(Answering answering, std::size_t begin, std::size_t count) {
    for (std::size_t i = begin; i < begin + count; ++i)
      answers_[i] = answering(asked_[i], setting_.zones, setting_.view, kMoment, limiter(), reply_);
  }
  void answer_in_batches(std::size_t begin) {
    for (std::size_t i = begin; i < begin + kSlice; i += kBatch) {
      const auto count = std::min(kBatch, begin + kSlice - i);
      answer::answer_all(std::span(asked_).subspan(i, count), setting_.zones, setting_.view, kMoment, limiter(),
                         std::span(replies_).first(count), std::span(answers_).subspan(i, count));
    }
  }

  static constexpr answer::Moment kMoment{.now = kNow, .steady = {}};
  const Path& path_;
  const Setting& setting_;
  Bytes octets_;
  std::vector<answer::Asked> asked_;
  std::optional<answer::RateLimiter> limiter_;
  Bytes reply_;
  Bytes rooms_;
  std::vector<std::span<std::uint8_t>> replies_;
  std::vector<answer::Answer> answers_;
  Least alone_;
  Least batched_;
  double plain_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t entries = 1'000'000;
  std::string file;
  std::string only;
  int rounds = 10;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--entries") entries = std::stoul(argv[i + 1]);
    if (option == "--ips") file = argv[i + 1];
    if (option == "--only") only = argv[i + 1];
    if (option == "--rounds") rounds = std::stoi(argv[i + 1]);
  }
  List list(entries, file);
  const zone::View view{.index = list.index(), .stale = false, .serial = list.index()->serial(), .as_of = kNow};
  auto stale_view = view;
  stale_view.stale = true;
  const auto outside = zones_of({"ns1.example.org"});
  const Setting usual{.zones = outside, .view = view};
  const Setting closed{.zones = zones_of({"ns1.example.org"}, {Prefix::parse("203.0.113.0/24").value()}), .view = view};
  const Setting stale{.zones = outside, .view = stale_view};
  const Setting starting{.zones = outside, .view = zone::View{}};
  const Setting slipping{
      .zones = outside, .view = view, .limit = config::RateLimit{.responses = 1, .slip = 1, .table = 64}};
  const Setting dropping{
      .zones = outside, .view = view, .limit = config::RateLimit{.responses = 1, .slip = 0, .table = 64}};
  const Setting unlimited{
      .zones = outside, .view = view, .limit = config::RateLimit{.responses = 1'000'000, .table = 64}};
  const Setting inside{.zones = zones_of({"ns1.bl.example.org"}, {}, "ns1.bl.example.org"), .view = view};
  std::vector<std::string> many;
  for (char c = 'a'; c <= 'm'; ++c) many.push_back(std::string(50, c) + ".example.net");
  const Setting wide{.zones = zones_of(many), .view = view};
  const Setting sixteenth{.zones = among_others(outside, CodeSet::all()), .view = view};
  const Setting chosen{.zones = among_others(outside, Code::virus_notice), .view = view};

  const Bytes bare;
  const auto v4 = [&](const Rest& rest) { return [&, rest] { return question(labels_of(list.listed_v4()), rest); }; };
  const auto no_v4 = [&](const Rest& rest) {
    return [&, rest] { return question(labels_of(list.unlisted_v4()), rest); };
  };
  const auto v6 = [&](const Rest& rest) { return [&, rest] { return question(labels_of(list.listed_v6()), rest); }; };
  const auto no_v6 = [&](const Rest& rest) {
    return [&, rest] { return question(labels_of(list.unlisted_v6()), rest); };
  };
  const auto part_v4 = [&](std::size_t count) {
    return [&, count] { return question(labels_of(list.listed_v4(), count)); };
  };
  const auto part_v6 = [&](std::size_t count) {
    return [&, count] { return question(labels_of(list.listed_v6(), count)); };
  };
  const auto no_part_v6 = [&](std::size_t count) {
    return [&, count] { return question(labels_of(list.unlisted_v6(), count)); };
  };
  const auto named = [](const char* name, const Rest& rest = {}) {
    return [=] { return question(labels_of(name), rest); };
  };
  const auto apex = [](const Rest& rest) { return [=] { return question({}, rest); }; };
  const auto test_point = [&](const Rest& rest) {
    return [&, rest] { return question(labels_of(ip("127.0.0.2")), rest); };
  };
  const auto broken = [&](auto change) {
    return [&, change] {
      auto bytes = question(labels_of(list.unlisted_v4()));
      change(bytes);
      return bytes;
    };
  };
  std::string longest;
  for (int i = 0; i < 112; ++i) longest += i == 0 ? "x" : ".x";

  // Add every new way to answer a query here.
  const std::vector<Path> paths{
      {"IPv4 A, 30 % listed", &usual, std::nullopt,
       [&, i = 0]() mutable { return question(labels_of(i++ % 10 < 3 ? list.listed_v4() : list.unlisted_v4())); }},
      {"IPv4 A, listed", &usual, Outcome::listed, v4({})},
      {"IPv4 A, not listed", &usual, Outcome::nxdomain, no_v4({})},
      {"IPv4 TXT, listed", &usual, Outcome::listed, v4({.type = kTxt})},
      {"IPv4 TXT, not listed", &usual, Outcome::nxdomain, no_v4({.type = kTxt})},
      {"IPv4 AAAA, listed", &usual, Outcome::nodata, v4({.type = kAaaa})},
      {"IPv4 ANY, listed", &usual, Outcome::listed, v4({.type = kAny})},
      {"IPv4 MX, not listed", &usual, Outcome::nxdomain, no_v4({.type = 15})},
      {"IPv4 A, in a listed network", &usual, Outcome::listed, [&] { return question(labels_of(list.in_network(9))); }},
      {"IPv4 A, exempt", &usual, Outcome::nxdomain, [&] { return question(labels_of(list.in_network(7))); }},
      {"IPv4 TXT, in a listed network", &usual, Outcome::listed,
       [&] { return question(labels_of(list.in_network(8)), {.type = kTxt}); }},
      {"IPv4 TXT, a wildcard's", &usual, Outcome::listed,
       [&] { return question(labels_of(list.in_wildcard()), {.type = kTxt}); }},
      {"below a wildcard, no address", &usual, Outcome::listed,
       [&] {
         auto labels = labels_of("x.y");
         const auto network = labels_of(list.in_wildcard(), 3);
         labels.insert(labels.end(), network.begin(), network.end());
         return question(labels);
       }},
      {"IPv4 A, in nibbles", &usual, Outcome::nxdomain,
       [&] { return question(labels_of(list.listed_v4(), 32, true)); }},
      {"IPv4 A, by TCP", &usual, Outcome::listed, v4({}), answer::Transport::tcp},
      {"IPv4 A, counted by the rate limit", &unlimited, Outcome::nxdomain, no_v4({})},
      {"IPv4 A, the rate limit slips", &slipping, Outcome::nxdomain, no_v4({})},
      {"IPv4 A, the rate limit drops", &dropping, Outcome::nxdomain, no_v4({})},
      {"bare EDNS, listed", &usual, Outcome::listed, v4({.options = bare})},
      {"bare EDNS, not listed", &usual, Outcome::nxdomain, no_v4({.options = bare})},
      {"bare EDNS, IPv6 not listed", &usual, Outcome::nxdomain, no_v6({.options = bare})},
      {"client cookie, listed", &usual, Outcome::listed, v4({.options = cookie(8)})},
      {"client cookie, not listed", &usual, Outcome::nxdomain, no_v4({.options = cookie(8)})},
      {"server cookie, listed", &usual, Outcome::listed, v4({.options = server_cookie(usual, {})})},
      {"server cookie, not listed", &usual, Outcome::nxdomain, no_v4({.options = server_cookie(usual, {})})},
      {"server cookie, renewed", &usual, Outcome::nxdomain,
       no_v4({.options = server_cookie(usual, std::chrono::seconds{2000})})},
      {"server cookie, bad hash", &usual, Outcome::nxdomain,
       no_v4({.options =
                  [&] {
                    auto made = server_cookie(usual, {});
                    made.back() ^= 1U;
                    return made;
                  }()})},
      {"server cookie, IPv6 not listed", &usual, Outcome::nxdomain, no_v6({.options = server_cookie(usual, {})})},
      {"server cookie, IPv6 TXT listed", &usual, Outcome::listed,
       v6({.type = kTxt, .options = server_cookie(usual, {})})},
      {"NSID asked for", &usual, Outcome::nxdomain, no_v4({.options = option(3, {})})},
      {"padding", &usual, Outcome::nxdomain, no_v4({.options = option(12, Bytes(40))})},
      {"IPv6 A, listed", &usual, Outcome::listed, v6({})},
      {"IPv6 A, not listed", &usual, Outcome::nxdomain, no_v6({})},
      {"IPv6 TXT, listed", &usual, Outcome::listed, v6({.type = kTxt})},
      {"IPv6 AAAA, listed", &usual, Outcome::nodata, v6({.type = kAaaa})},
      {"part of IPv4, 1 label", &usual, Outcome::nodata, part_v4(1)},
      {"part of IPv4, 2 labels", &usual, Outcome::nodata, part_v4(2)},
      {"part of IPv4, 3 labels", &usual, Outcome::nodata, part_v4(3)},
      {"part of IPv4, 3 labels, none listed", &usual, Outcome::nxdomain,
       [&] { return question(labels_of(list.none_in(24, [&] { return list.unlisted_v4(); }), 3)); }},
      {"part of both, 3 labels, none listed", &usual, Outcome::nxdomain,
       [&] { return question(labels_of(list.none_in(24, [&] { return list.of_digits(); }), 3)); }},
      {"part of IPv6, 4 labels", &usual, Outcome::nodata, part_v6(4)},
      {"part of IPv6, 8 labels, none listed", &usual, Outcome::nxdomain,
       [&] { return question(labels_of(list.none_in(32, [&] { return list.unlisted_v6(); }), 8)); }},
      {"part of IPv6, 12 labels", &usual, Outcome::nodata, part_v6(12)},
      {"part of IPv6, 16 labels", &usual, Outcome::nodata, part_v6(16)},
      {"part of IPv6, 16 labels, none listed", &usual, Outcome::nxdomain, no_part_v6(16)},
      {"part of IPv6, 31 labels", &usual, Outcome::listed, part_v6(31)},
      {"part of IPv4 in nibbles, 28 labels", &usual, Outcome::nxdomain,
       [&] { return question(labels_of(list.listed_v4(), 28, true)); }},
      {"apex SOA", &usual, Outcome::apex, apex({.type = kSoa})},
      {"apex NS", &usual, Outcome::apex, apex({.type = kNs})},
      {"apex TXT", &usual, Outcome::apex, apex({.type = kTxt})},
      {"apex NS, truncated", &wide, Outcome::apex, apex({.type = kNs})},
      {"test point A", &usual, Outcome::test_point, test_point({})},
      {"test point TXT", &usual, Outcome::test_point, test_point({.type = kTxt})},
      {"127.0.0.1", &usual, Outcome::nxdomain, named("1.0.0.127")},
      {"no address", &usual, Outcome::misuse, named("mail.example.com")},
      {"no address, 112 labels", &usual, Outcome::misuse, named(longest.c_str())},
      {"name server's A", &inside, Outcome::apex, named("ns1")},
      {"name server's AAAA, there is none", &inside, Outcome::apex, named("ns1", {.type = kAaaa})},
      {"below a name server", &inside, Outcome::misuse, named("x.ns1")},
      {"not listed, name server in the zone", &inside, Outcome::nxdomain, no_v4({})},
      {"IPv4 A, listed, 16th zone", &sixteenth, Outcome::listed, v4({})},
      {"IPv4 A, not listed, 16th zone", &sixteenth, Outcome::nxdomain, no_v4({})},
      {"part of IPv4, 1 label, 16th zone", &sixteenth, Outcome::nodata, part_v4(1)},
      {"chosen codes: IPv4 A, listed otherwise", &chosen, std::nullopt, v4({})},
      {"chosen codes: below a wildcard of others", &chosen, std::nullopt,
       [&] { return question(labels_of(list.in_wildcard(), 3)); }},
      {"chosen codes: part of IPv4, 1 label", &chosen, std::nullopt, part_v4(1)},
      {"chosen codes: part of IPv4, 2 labels", &chosen, std::nullopt, part_v4(2)},
      {"chosen codes: part of IPv4, 3 labels", &chosen, std::nullopt, part_v4(3)},
      {"stale list", &stale, Outcome::nxdomain, v4({})},
      {"stale list, with EDNS", &stale, Outcome::nxdomain, v4({.options = bare})},
      {"no list yet", &starting, Outcome::servfail, v4({.options = bare})},
      {"refused, not our zone", &usual, Outcome::refused, v4({.options = bare, .apex = "example.com"})},
      {"refused, class CH", &usual, Outcome::refused, v4({.options = bare, .klass = 3})},
      {"refused, AXFR", &usual, Outcome::refused, apex({.type = kAxfr, .options = bare})},
      {"refused, may not ask", &closed, Outcome::refused, v4({.options = bare})},
      {"NOTIFY", &usual, Outcome::notimp, apex({.type = kSoa, .flags = 0x2000})},
      {"EDNS version 1", &usual, Outcome::badvers, v4({.options = bare, .version = 1})},
      {"malformed: cookie of 9 octets", &usual, Outcome::formerr, v4({.options = cookie(9)})},
      {"malformed: two questions", &usual, Outcome::formerr, broken([](Bytes& bytes) { bytes[5] = 2; })},
      {"malformed: octets behind the end", &usual, Outcome::formerr, broken([](Bytes& bytes) { bytes.push_back(0); })},
      {"malformed: a pointer in the QNAME", &usual, Outcome::formerr, broken([](Bytes& bytes) { bytes[12] = 0xc0; })},
      {"malformed: shorter than a header", &usual, Outcome::dropped, broken([](Bytes& bytes) { bytes.resize(11); })},
      {"malformed: 112 labels, octets behind the end", &usual, Outcome::formerr,
       [&] {
         auto bytes = question(labels_of(longest.c_str()));
         bytes.push_back(0);
         return bytes;
       }},
      {"a response", &usual, Outcome::dropped, broken([](Bytes& bytes) { bytes[2] = 0x80; })},
  };

  std::vector<std::unique_ptr<Measured>> measured;
  for (const auto& path : paths) {
    if (std::string_view(path.name).find(only) != std::string_view::npos)
      measured.push_back(std::make_unique<Measured>(path));
  }
  for (const auto& path : measured) path->measure_plain();
  for (int i = 0; i < rounds; ++i) {
    for (const auto& path : measured) path->round();
  }
  std::printf("%zu IPv4 addresses listed, %s; nanoseconds per query, the minimum of %d rounds\n", list.size(),
              file.empty() ? "random" : file.c_str(), rounds);
  std::printf("%-44s %6s %6s %9s %8s %8s\n", "", "alone", "ratio", "of 64", "by ldns", "octets");
  bool all = true;
  for (const auto& path : measured) all = path->print(measured.front()->alone()) && all;
  return all ? 0 : 1;
}
