// The spliced answers and the plain ones built of ldns's objects are the same octets, whatever is asked of whatever zone.
#include "answer_fixture.h"
#include "catch.h"
#include "sanitized.h"

#include <random>

using namespace blowback;
using namespace blowback::test;
using answer::Transport;

namespace {

/// Names of zone, name servers and hostmaster that share more or less with each other, and so are compressed differently.
struct Names {
  std::string zone;
  std::vector<std::string> nameservers;
  std::string hostmaster;
  std::vector<config::HostAddress> addresses = {};
};

/// Labels of a name server of the longest zone: with them a name has 255 octets, and nothing can stand beneath it.
const std::string kLong(63, 'n');
const std::string kLongest = "sixsix." + kLong;
const std::string kLongestZone = std::string(63, 'x') + "." + std::string(63, 'y') + "." + std::string(54, 'z');

/// For each zone, text and state of the list: 384,000 questions in all, and 48,000 where each costs ten times as much.
constexpr int kQuestions = kIsSanitized ? 500 : 4'000;

class Questions {
 public:
  Questions(std::string zone, unsigned seed) : zone_(std::move(zone)), random_(seed) {}

  unsigned pick(unsigned to) { return std::uniform_int_distribution<unsigned>(0, to)(random_); }

  Bytes next() {
    Ask ask;
    ask.name = name();
    constexpr std::array<unsigned, 14> kTypes{1, 16, 28, 2, 6, 255, 251, 252, 15, 5, 43, 65, 41, 65280};
    ask.type = pick(3) == 0 ? kTypes.at(pick(13)) : (pick(2) == 0 ? 16U : 1U);
    ask.klass = pick(20) == 0 ? pick(300) : 1;
    ask.flags = pick(4) == 0 ? pick(0xffff) & 0x87ffU : (pick(1) == 0 ? 0x0100U : 0U);
    ask.edns = pick(1) == 0;
    constexpr std::array<unsigned, 8> kPayloads{0, 1, 511, 512, 513, 1232, 4096, 65535};
    ask.payload = kPayloads.at(pick(7));
    ask.version = pick(20) == 0 ? pick(255) : 0;
    ask.dnssec_ok = pick(1) == 0;
    if (pick(3) == 0) add_cookie(ask.options);
    for (unsigned options = pick(3); options > 1; --options) {
      constexpr std::array<unsigned, 6> kOptions{3, 8, 10, 11, 12, 15};
      put16(ask.options, kOptions.at(pick(5)));
      const unsigned size = pick(4) * 4;
      put16(ask.options, size);
      for (unsigned i = 0; i < size; ++i) ask.options.push_back(static_cast<std::uint8_t>(pick(255)));
    }
    auto bytes = query(ask);
    if (pick(40) == 0) bytes.at(2) = static_cast<std::uint8_t>(bytes.at(2) | pick(15) << 3U);  // opcode
    if (pick(15) == 0) bytes.at(pick(static_cast<unsigned>(bytes.size() - 1))) = static_cast<std::uint8_t>(pick(255));
    if (pick(30) == 0) bytes.resize(pick(static_cast<unsigned>(bytes.size() + 4)));
    return bytes;
  }

 private:
  /// A client's cookie, alone or with a server cookie that is good, to be renewed, too old or forged.
  void add_cookie(Bytes& options) {
    answer::ClientCookie own{};
    own.fill(static_cast<std::uint8_t>(pick(255)));
    constexpr std::array<int, 4> kAges{0, 1800, 1801, 3601};
    auto cookie = answer::make_cookie(own, kClient, kNow - std::chrono::seconds{kAges.at(pick(3))}, {});
    if (pick(5) == 0) cookie.back() ^= 1U;
    const auto size = pick(3) == 0 ? answer::kClientCookieOctets : answer::kCookieOctets;
    put16(options, answer::kCookieOption);
    put16(options, static_cast<unsigned>(size));
    options.insert(options.end(), cookie.begin(), cookie.begin() + static_cast<std::ptrdiff_t>(size));
  }

  /// 0x20: some letters in the other case.
  std::string shuffled(std::string text) {
    if (pick(2) != 0) return text;
    for (auto& c : text) {
      if (c >= 'a' && c <= 'z' && pick(1) == 0) c = static_cast<char>(c - 32);
    }
    return text;
  }

  std::string name() {
    switch (pick(12)) {
      case 0:
        return zone_;
      case 1:
        return pick(1) == 0 ? "example.com" : "org";
      case 2: {
        const std::array<std::string, 14> odd{"foo",         "ns",   "ns1",     "hostmaster", "1.ns",
                                              "host",        "NS.x", "a.b.Ns1", "x.1.ns",     "002.0.0.127",
                                              "x.2.0.0.127", kLong,  kLongest,  "256.1.1.1"};
        return odd.at(pick(13)) + "." + zone_;
      }
      default:
        break;
    }
    const auto address = some_address();
    const auto labels = reversed_labels(address, pick(4) == 0);
    const auto count = pick(2) == 0 ? 1 + pick(static_cast<unsigned>(labels.size() - 1)) : labels.size();
    std::string text;
    for (std::size_t i = labels.size() - count; i < labels.size(); ++i) text += labels[i] + ".";
    // Below a network's name these are a wildcard's, or below the wildcard's own name.
    constexpr std::array<const char*, 8> kOdd{"x.", "*.", "x.*.", "002.", "256.", "1.", "x.y.", "a.1."};
    if (pick(5) == 0) text.insert(0, kOdd.at(pick(7)));
    return shuffled(text + zone_);
  }

  IpAddress some_address() {
    switch (pick(5)) {
      case 0:
        return IpAddress::from_v4(0x7f000000U | pick(10));
      case 1:
      case 2:
        return IpAddress::from_v4(0xc0000200U | pick(0x1ff));
      case 3:
        return IpAddress::from_v4(static_cast<std::uint32_t>(random_()));
      default: {
        auto octets = ip("2001:db8::").octets();
        for (std::size_t i = 6; i < 16; ++i) octets[i] = static_cast<std::uint8_t>(pick(2) == 0 ? pick(255) : 0);
        return IpAddress::from_octets(octets);
      }
    }
  }

  std::string zone_;
  std::mt19937 random_;
};

}  // namespace

TEST_CASE("both ways of building a reply give the same octets for any query of any zone", "[answer]") {
  const auto names =
      GENERATE(Names{"bl.example.org", {"ns1.example.org"}, "hostmaster@example.org"},
               Names{"bl.example.org", {"ns.bl.example.org"}, "hostmaster@bl.example.org"},
               Names{"bl.example.org",
                     {"ns1.bl.example.org", "1.ns.bl.example.org", "ns.example.net"},
                     "hostmaster@bl.example.org",
                     {{"ns1.bl.example.org", ip("192.0.2.53")},
                      {"ns1.bl.example.org", ip("2001:db8::53")},
                      {"1.ns.bl.example.org", ip("198.51.100.53")}}},
               Names{"bl.example.org",
                     {"1.bl.example.org", "127.bl.example.org", "x.y.bl.example.org"},
                     "2.0@0.127.bl.example.org"},
               Names{"bl.example.org", {"bl.example.org"}, "bl@example.org"},
               Names{"example", {"ns.example.net", "ns.elsewhere.test"}, "host.master@example"},
               Names{"a.rather.long.name.for.a.zone.that.nobody.would.like.to.type.example.org",
                     {"ns1.a.rather.long.name.for.a.zone.that.nobody.would.like.to.type.example.org", "NS.Example.ORG"},
                     "post@org"},
               // A TXT about an IPv6 address is too long here without EDNS, as are the NS.
               Names{kLongestZone,
                     {kLongest + "." + kLongestZone, std::string(60, 'a') + ".example.net",
                      std::string(60, 'b') + ".example.net", std::string(60, 'c') + ".example.net"},
                     "post@" + kLong + "." + kLongestZone,
                     {{kLongest + "." + kLongestZone, ip("2001:db8::53")}}});
  const auto text = GENERATE(std::string("Backscatter from {ip}, see https://bl.example.org/{ip}"), std::string("{ip}"),
                             std::string("no address"), std::string(200, 'x') + "{ip}{ip}");
  enum class State { followed, stale, not_ready };
  const auto state = GENERATE(State::followed, State::stale, State::not_ready);
  CAPTURE(names.zone, names.hostmaster, text, static_cast<int>(state));
  auto settings = zone_config();
  settings.name = names.zone;
  settings.nameservers = names.nameservers;
  settings.nameserver_addresses = names.addresses;
  settings.hostmaster = names.hostmaster;
  settings.txt = text;
  Served served(index_of({listed("192.0.2.0/28"), listed("192.0.2.77", CodeSet(Code::dsn) | Code::mdn | Code::callout),
                          listed("192.0.2.128/25", CodeSet::from_bits(127)), listed("2001:db8::/32", Code::challenge),
                          listed("192.0.3.0/24"), listed("2001:db8:0:1:2::/80"),
                          listed("192.0.2.200", Code::by_operator, std::nullopt, Source::by_operator)},
                         {exempt("192.0.2.130/31"), exempt("2001:db8:0:1::/64")}, 0x1'8234'5678),
                settings, text.size() % 2 == 0 ? "" : "somewhere");
  served.view.stale = state == State::stale;
  if (state == State::not_ready) served.view.index = nullptr;
  Questions questions(names.zone, static_cast<unsigned>(names.zone.size() + text.size()));
  // Both ways have a limiter of their own, which many replies run into.
  const config::RateLimit limit{.responses = 700, .slip = 2, .table = 64};
  std::array<answer::RateLimiter, 2> limits{answer::RateLimiter(limit, {}), answer::RateLimiter(limit, {})};
  Bytes quick(answer::kLongestTcpReply);
  Bytes plain(answer::kLongestTcpReply);
  for (int i = 0; i < kQuestions; ++i) {
    const auto bytes = questions.next();
    const answer::Moment moment{kNow, std::chrono::milliseconds{i / 2}};
    const auto transport = questions.pick(5) == 0 ? Transport::tcp : Transport::udp;
    const auto one =
        answer::answer({bytes, served.client, transport}, served.zones, served.view, moment, &limits[0], quick);
    const auto other =
        answer::answer_plainly({bytes, served.client, transport}, served.zones, served.view, moment, &limits[1], plain);
    if (one == other &&
        std::equal(quick.begin(), quick.begin() + static_cast<std::ptrdiff_t>(one.size), plain.begin())) {
      continue;
    }
    CAPTURE(bytes, Bytes(quick.begin(), quick.begin() + static_cast<std::ptrdiff_t>(one.size)),
            Bytes(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(other.size)));
    FAIL("they differ");
  }
}

TEST_CASE("a query is answered as by a server of its zone alone, whatever other zones there are", "[answer]") {
  // One name is another's end without being above it; one is an address's label.
  std::vector<config::Zone> settings(4, zone_config());
  settings[1].name = "xbl.example.org";
  settings[1].codes = Code::dsn;
  settings[2].name = "1.test";
  settings[2].codes = CodeSet(Code::challenge) | Code::by_operator;
  settings[2].nameservers = {"ns1.1.test"};
  settings[2].nameserver_addresses = {{"ns1.1.test", ip("192.0.2.53")}};
  settings[2].hostmaster = "hostmaster@1.test";
  settings[3].name = "dsn-bl.example.org";
  settings[3].codes = Code::mdn;
  settings[3].txt = "{ip}";
  const auto list = index_of({listed("192.0.2.0/28"), listed("192.0.2.77", CodeSet(Code::dsn) | Code::mdn),
                              listed("192.0.2.128/25", Code::challenge), listed("192.0.2.130", Code::dsn),
                              listed("2001:db8::/32", Code::challenge), listed("2001:db8:7::/48"),
                              listed("192.0.3.0/24", Code::by_operator, std::nullopt, Source::by_operator)},
                             {exempt("192.0.2.192/27")});
  Served all(list);
  all.zones = answer::ServedZones::of(settings, {}, {}).value();
  std::size_t answered = 0;
  for (const auto& own : settings) {
    const Served alone(list, own);
    Questions questions(own.name, static_cast<unsigned>(own.name.size()));
    for (int i = 0; i < kQuestions; ++i) {
      const auto bytes = questions.next();
      const auto transport = questions.pick(5) == 0 ? Transport::tcp : Transport::udp;
      const auto one = all.raw(bytes, transport);
      const auto other = alone.raw(bytes, transport);
      if (one.reply != other.reply || one.outcome != other.outcome) {
        CAPTURE(own.name, bytes, one.reply, other.reply);
        FAIL("they differ");
      }
      answered += one.outcome == answer::Outcome::listed ? 1U : 0U;
    }
  }
  CHECK(answered > kQuestions / 10);
}

TEST_CASE("many queries answered at once are answered as each would be alone", "[answer]") {
  const Served served(
      index_of({listed("192.0.2.0/25"), listed("192.0.2.200", CodeSet(Code::dsn) | Code::mdn), listed("2001:db8::/64")},
               {exempt("192.0.2.7")}));
  Questions questions("bl.example.org", 5);
  const answer::Moment moment{kNow, {}};
  for (std::size_t size : {1U, 2U, 63U, 64U, 65U, 200U}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<Bytes> messages;
      std::vector<Bytes> rooms(size, Bytes(answer::kLongestTcpReply));
      std::vector<answer::Asked> asked;
      std::vector<std::span<std::uint8_t>> replies;
      for (std::size_t i = 0; i < size; ++i) messages.push_back(questions.next());
      for (std::size_t i = 0; i < size; ++i) {
        asked.push_back({messages[i], served.client, questions.pick(5) == 0 ? Transport::tcp : Transport::udp});
        replies.emplace_back(rooms[i]);
      }
      std::vector<answer::Answer> answers(size);
      answer::answer_all(asked, served.zones, served.view, moment, nullptr, replies, answers);
      Bytes alone(answer::kLongestTcpReply);
      for (std::size_t i = 0; i < size; ++i) {
        const auto one = answer::answer(asked[i], served.zones, served.view, moment, nullptr, alone);
        const auto end = static_cast<std::ptrdiff_t>(one.size);
        if (one != answers[i] || !std::equal(alone.begin(), alone.begin() + end, rooms[i].begin())) {
          FAIL("query " << i << " of " << size);
        }
      }
    }
  }
}
