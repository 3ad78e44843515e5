#include "dns/conformance.h"

#include "blowback/text.h"
#include "dns/client.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Asked = std::expected<DnsReply, DnsFailure>;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};
/// A resolver may have to ask several servers.
constexpr milliseconds kResolverPatience{4000};
constexpr std::chrono::seconds kInAll{60};
constexpr std::uint32_t kLoopback = 0x7f000000;
constexpr std::uint32_t kDay = 86400;
/// An option code for local and experimental use (RFC 6891 §9: 65001 to 65534), and a flag bit without a meaning.
constexpr std::uint16_t kUnknownOption = 65432;
constexpr std::uint16_t kUnknownFlag = 0x0040;

[[nodiscard]] std::string summary_of(const Asked& asked) {
  if (!asked) return asked.error().text;
  if (asked->rcode != 0) return rcode_text(asked->rcode);
  const auto count = asked->answers.size();
  if (count == 0) return "NOERROR, NODATA";
  return fmt::format("NOERROR, {} record{}", count, count == 1 ? "" : "s");
}

[[nodiscard]] std::vector<std::string> addresses_in(const DnsReply& reply) {
  std::vector<std::string> found;
  for (const auto& record : reply.answers_of(RecordType::a)) {
    if (!record.rdata.empty()) found.push_back(record.rdata[0]);
  }
  return found;
}

[[nodiscard]] bool is_listed(const Asked& asked) { return asked && asked->rcode == 0 && !addresses_in(*asked).empty(); }
[[nodiscard]] bool is_nodata(const Asked& asked) { return asked && asked->rcode == 0 && asked->answers.empty(); }
[[nodiscard]] bool is_nxdomain(const Asked& asked) { return asked && asked->rcode == 3; }

[[nodiscard]] std::uint32_t number(const std::string& text) {
  std::uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

class Examination {
 public:
  Examination(const config::Endpoint& server, std::string zone, std::optional<IpAddress> listed, const Lookup& lookup,
              Findings& findings)
      : server_(server), zone_(std::move(zone)), listed_(listed), lookup_(lookup), findings_(findings) {}

  void run() {
    if (!apex()) return;
    name_servers();
    test_points();
    if (!has_test_point_) return;
    codes();
    texts();
    listed_names_nodata();
    negative_answers();
    non_terminals();
    letter_case();
    order();
    tcp();
    edns();
    wildcards();
    if (Clock::now() > until_) {
      findings_.bad("time", "the server was so slow that some checks are missing",
                    "mail servers time out long before, and go on without the list");
    }
  }

 private:
  [[nodiscard]] Asked question(const DnsQuery& query) const { return question(server_, query, kPatience); }
  [[nodiscard]] Asked question(const config::Endpoint& server, const DnsQuery& query, milliseconds patience) const {
    if (Clock::now() > until_)
      return std::unexpected(DnsFailure{.timed_out = true, .text = "not queried: the minute was over"});
    return ask(server, query, patience);
  }
  [[nodiscard]] Asked question(const std::string& name, RecordType type = RecordType::a) const {
    return question(DnsQuery{.name = name, .type = type});
  }
  [[nodiscard]] std::string test_name(std::uint32_t octet) const {
    return owner_name(IpAddress::from_v4(kLoopback | octet), zone_);
  }
  /// The owner names of addresses that are known to be listed.
  [[nodiscard]] std::vector<std::string> listed_names() const {
    std::vector<std::string> names{test_name(2)};
    if (has_v6_) names.push_back(nibble_name(IpAddress::from_v4(kLoopback | 2), zone_));
    if (listed_) names.push_back(owner_name(*listed_, zone_));
    return names;
  }

  bool apex() {
    constexpr auto kSource = "RFC 1035 §3.3.13";
    constexpr auto kBreaks = "resolvers treat the server as lame, and answer SERVFAIL to their clients";
    const auto soa = question(zone_, RecordType::soa);
    const auto records = soa ? soa->answers_of(RecordType::soa) : std::vector<DnsRecord>{};
    if (!soa || soa->rcode != 0 || records.size() != 1 || records[0].rdata.size() != 7) {
      findings_.bad("SOA at the zone's apex", summary_of(soa), kBreaks, kSource);
      return soa.has_value();
    }
    findings_.good("SOA at the zone's apex", "serial " + records[0].rdata[2], kSource);
    if (soa->authoritative) {
      findings_.good("answers are authoritative (AA)", "AA is set", "RFC 1035 §4.1.1");
    } else {
      findings_.bad("answers are authoritative (AA)", "AA isn't set", kBreaks, "RFC 1035 §4.1.1");
    }
    const auto negative = std::min(records[0].ttl, number(records[0].rdata[6]));
    const auto text = fmt::format("{} s", negative);
    constexpr auto kMinimum = "SOA minimum: how long \"not listed\" is cached";
    if (negative > kDay) {
      findings_.bad(kMinimum, text, "resolvers don't see a new listing for more than a day", "RFC 2308 §5");
    } else if (negative > 3 * kDay / 24) {
      findings_.doubtful(kMinimum, text, "resolvers don't see a new listing for hours", "RFC 2308 §5");
    } else if (negative == 0) {
      findings_.doubtful(kMinimum, text, "every mail from an unlisted client causes a query to the server",
                         "RFC 2308 §5");
    } else {
      findings_.good(kMinimum, text, "RFC 2308 §5");
    }
    return true;
  }

  void name_servers() {
    constexpr auto kSource = "RFC 1034 §4.2.1";
    const auto servers = question(zone_, RecordType::ns);
    const auto count = servers ? servers->answers_of(RecordType::ns).size() : 0;
    if (count == 0) {
      findings_.bad("NS at the zone's apex", summary_of(servers),
                    "resolvers that prefer the zone's own NS records lose the zone", kSource);
    } else if (count == 1) {
      findings_.doubtful("NS at the zone's apex", "one", "while it is down, nobody can query the list", kSource);
    } else {
      findings_.good("NS at the zone's apex", std::to_string(count), kSource);
    }
    if (!servers) return;
    name_servers_addresses(servers->answers_of(RecordType::ns));
    name_servers_elsewhere(servers->answers_of(RecordType::ns));
  }

  /// No other server has the addresses of name servers within the zone.
  void name_servers_addresses(const std::vector<DnsRecord>& servers) {
    constexpr auto kName = "addresses of name servers in the zone";
    constexpr auto kSource = "RFC 1034 §4.2.1";
    std::size_t known = 0;
    for (const auto& server : servers) {
      const auto name = server.rdata.empty() ? std::string() : lower_case(server.rdata[0]);
      if (!name.ends_with("." + zone_)) continue;
      const auto v4 = question(name, RecordType::a);
      const auto v6 = question(name, RecordType::aaaa);
      const bool has =
          (v4 && !v4->answers_of(RecordType::a).empty()) || (v6 && !v6->answers_of(RecordType::aaaa).empty());
      if (!has) {
        findings_.bad(kName, name + ": " + summary_of(v4),
                      "resolvers that query them lose the zone when the parent's glue is outdated", kSource);
        return;
      }
      ++known;
    }
    if (known > 0) findings_.good(kName, std::to_string(known), kSource);
  }

  /// A name that doesn't exist is worse than one server less.
  void name_servers_elsewhere(const std::vector<DnsRecord>& servers) {
    constexpr auto kName = "names of name servers have addresses";
    constexpr auto kSource = "RFC 2181 §10.3";
    constexpr auto kBreaks =
        "Unbound counts such names and after a few answers SERVFAIL to its clients; other resolvers lose this server";
    std::size_t known = 0;
    for (const auto& server : servers) {
      const auto name = server.rdata.empty() ? std::string() : lower_case(server.rdata[0]);
      if (name.ends_with("." + zone_)) continue;
      if (!lookup_.resolver) {
        findings_.doubtful(kName, "not checked: /etc/resolv.conf has no resolver", "name one with --resolver", kSource);
        return;
      }
      const auto asked = [&](RecordType type) {
        return question(*lookup_.resolver, {.name = name, .type = type, .recursion_desired = true, .edns = Edns{}},
                        kResolverPatience);
      };
      const auto v4 = asked(RecordType::a);
      if (!v4 || (v4->rcode != 0 && v4->rcode != 3)) {
        findings_.doubtful(kName, fmt::format("{}: not found out: {}", name, summary_of(v4)),
                           "name another resolver with --resolver", kSource);
        return;
      }
      const auto has = [](const Asked& reply, RecordType type) { return reply && !reply->answers_of(type).empty(); };
      if (has(v4, RecordType::cname)) {
        findings_.bad(kName, name + " is an alias (CNAME)", "resolvers may refuse to follow it", kSource);
        return;
      }
      if (!has(v4, RecordType::a) && (v4->rcode == 3 || !has(asked(RecordType::aaaa), RecordType::aaaa))) {
        findings_.bad(kName, fmt::format("{}: {}", name, summary_of(v4)), kBreaks, kSource);
        return;
      }
      ++known;
    }
    if (known > 0) findings_.good(kName, std::to_string(known), kSource);
  }

  void test_points() {
    constexpr auto kSource = "RFC 5782 §5";
    const auto listed = question(test_name(2));
    has_test_point_ = is_listed(listed);
    if (has_test_point_) {
      findings_.good("127.0.0.2 is listed", fmt::format("{}", fmt::join(addresses_in(*listed), " ")), kSource);
    } else {
      findings_.bad("127.0.0.2 is listed", summary_of(listed),
                    "clients that monitor their lists consider this one dead", kSource);
    }
    constexpr auto kSwitchedOff = "Rspamd and others disable the whole list; to Rspamd NODATA is as bad";
    const auto unlisted = question(test_name(1));
    if (is_nxdomain(unlisted)) {
      findings_.good("127.0.0.1 is not listed: NXDOMAIN", "NXDOMAIN", kSource);
    } else {
      findings_.bad("127.0.0.1 is not listed: NXDOMAIN", summary_of(unlisted), kSwitchedOff, kSource);
    }
    const auto listed6 = question(nibble_name(IpAddress::from_v4(kLoopback | 2), zone_));
    has_v6_ = is_listed(listed6);
    if (!has_v6_) {
      findings_.doubtful("::FFFF:7F00:2 is listed", summary_of(listed6),
                         "a list with IPv6 addresses needs it; one without doesn't", kSource);
      return;
    }
    findings_.good("::FFFF:7F00:2 is listed", fmt::format("{}", fmt::join(addresses_in(*listed6), " ")), kSource);
    const auto unlisted6 = question(nibble_name(IpAddress::from_v4(kLoopback | 1), zone_));
    if (is_nxdomain(unlisted6)) {
      findings_.good("::FFFF:7F00:1 is not listed: NXDOMAIN", "NXDOMAIN", kSource);
    } else {
      findings_.bad("::FFFF:7F00:1 is not listed: NXDOMAIN", summary_of(unlisted6), kSwitchedOff, kSource);
    }
  }

  void codes() {
    std::string all;
    std::string wrong;
    std::uint32_t least = ~0U;
    std::uint32_t most = 0;
    for (const auto& name : listed_names()) {
      const auto reply = question(name);
      if (!is_listed(reply)) {
        findings_.bad(name + " is listed", summary_of(reply), "name a listed address with --listed", "RFC 5782 §2.1");
        if (listed_ && name == owner_name(*listed_, zone_)) listed_.reset();  // later checks would only repeat it
        continue;
      }
      for (const auto& record : reply->answers_of(RecordType::a)) {
        least = std::min(least, record.ttl);
        most = std::max(most, record.ttl);
        if (record.rdata.empty()) continue;
        const auto& code = record.rdata[0];
        all += (all.empty() ? "" : " ") + code;
        const bool good = code.starts_with("127.") && code != "127.0.0.1" && !code.starts_with("127.255.255.");
        if (!good) wrong = code;
      }
    }
    if (wrong.empty()) {
      findings_.good("A records are codes in 127.0.0.0/8", all, "RFC 5782 §2.1");
    } else {
      findings_.bad(
          "A records are codes in 127.0.0.0/8", wrong,
          "an address elsewhere is the answer of a parked domain, 127.255.255.x is a refusal, 127.0.0.1 looks like a "
          "fault: careful clients ignore it, others reject all mail",
          "RFC 5782 §2.1");
    }
    if (most == 0 && least != 0) return;
    const auto text = least == most ? fmt::format("{} s", most) : fmt::format("{} to {} s", least, most);
    if (most > kDay) {
      findings_.bad("TTL of listings", text, "delisted senders stay rejected for days", "RFC 6471 §2.2");
    } else if (least == 0) {
      findings_.doubtful("TTL of listings", text,
                         "no resolver caches the answer: every mail of a campaign causes a query", "RFC 1035 §3.2.1");
    } else {
      findings_.good("TTL of listings", text, "RFC 1035 §3.2.1");
    }
  }

  void texts() {
    constexpr auto kSource = "RFC 5782 §2.1";
    constexpr auto kCheck = "at most one TXT, of one string";
    for (const auto& name : listed_names()) {
      const auto reply = question(name, RecordType::txt);
      const auto records = reply ? reply->answers_of(RecordType::txt) : std::vector<DnsRecord>{};
      if (!reply || reply->rcode != 0) {
        findings_.bad(kCheck, fmt::format("{}: {}", name, summary_of(reply)),
                      "the name exists for A, but not for TXT: a resolver may then treat it as not listed", kSource);
        return;
      }
      if (records.empty()) {
        findings_.doubtful(kCheck, name + ": none", "the rejected postmaster doesn't learn where to ask", kSource);
        return;
      }
      if (records.size() > 1 || records[0].rdata.size() != 1) {
        findings_.bad(kCheck, fmt::format("{}: {} records, {} strings", name, records.size(), records[0].rdata.size()),
                      "mail servers show a random one of them, or all in one long line", kSource);
        return;
      }
      if (std::ranges::any_of(records[0].rdata[0], [](char c) { return c < ' ' || c > '~'; })) {
        findings_.bad(kCheck, name + ": octets that aren't printable ASCII",
                      "it is copied into SMTP replies, which are ASCII (RFC 5321 §2.3.1)", kSource);
        return;
      }
    }
    findings_.good(kCheck, "yes", kSource);
  }

  void listed_names_nodata() {
    constexpr auto kCheck = "AAAA of a listed name is NODATA";
    constexpr auto kSource = "RFC 2308 §2.2";
    const auto reply = question(test_name(2), RecordType::aaaa);
    if (is_nodata(reply)) {
      findings_.good(kCheck, "NODATA", kSource);
      return;
    }
    findings_.bad(kCheck, summary_of(reply),
                  "NXDOMAIN is for all types: after a query for AAAA a resolver hides the listing", kSource);
  }

  void negative_answers() {
    constexpr auto kCheck = "\"not listed\" comes with the SOA";
    constexpr auto kSource = "RFC 2308 §3";
    const auto reply = question(test_name(1));
    const bool has_soa = reply && std::ranges::any_of(reply->authority, [](const DnsRecord& each) {
                           return each.type == static_cast<std::uint16_t>(RecordType::soa);
                         });
    if (has_soa) {
      findings_.good(kCheck, "yes", kSource);
      return;
    }
    findings_.bad(kCheck, summary_of(reply) + " without SOA",
                  "resolvers don't cache it: every mail from an unlisted client causes a query", kSource);
  }

  void non_terminals() {
    constexpr auto kCheck = "empty non-terminals are NODATA";
    constexpr auto kSource = "RFC 8020 §2, RFC 9156";
    std::size_t count = 0;
    for (const auto& name : listed_names()) {
      // From the apex downwards, as a resolver with QNAME minimisation does (RFC 9156).
      std::vector<std::string> parents;
      for (auto parent = name.substr(name.find('.') + 1); parent.size() > zone_.size();
           parent = parent.substr(parent.find('.') + 1)) {
        parents.push_back(parent);
      }
      std::ranges::reverse(parents);
      for (const auto& parent : parents) {
        const auto reply = question(parent);
        ++count;
        // A name in between may have records of its own, but it must exist.
        if (reply && reply->rcode == 0) continue;
        findings_.bad(kCheck, fmt::format("{}: {}, though {} exists", parent, summary_of(reply), name),
                      "resolvers with QNAME minimisation or RFC 8020 (Unbound, Knot, BIND, PowerDNS) silently treat "
                      "listed addresses as not listed",
                      kSource);
        return;
      }
    }
    findings_.good(kCheck, fmt::format("{} names", count), kSource);
  }

  void letter_case() {
    constexpr auto kCheck = "the question's letter case is kept";
    constexpr auto kSource = "RFC 4343 §4.1";
    std::string name = test_name(2);
    bool upper = true;
    for (char& c : name) {
      if (c < 'a' || c > 'z') continue;
      if (upper) c = static_cast<char>(c - 'a' + 'A');
      upper = !upper;
    }
    const auto reply = question(name);
    if (is_listed(reply) && reply->question == name) {
      findings_.good(kCheck, reply->question, kSource);
      return;
    }
    findings_.bad(kCheck, is_listed(reply) ? reply->question : summary_of(reply),
                  "resolvers that randomise letter case against forgery (0x20) reject the answer as forged", kSource);
  }

  void order() {
    constexpr auto kCheck = "A records come in one order";
    constexpr int kTimes = 6;
    for (const auto& name : listed_names()) {
      const auto first = question(name);
      if (!is_listed(first)) continue;
      for (int i = 1; i < kTimes; ++i) {
        const auto again = question(name);
        if (again && addresses_in(*again) == addresses_in(*first)) continue;
        findings_.bad(kCheck,
                      fmt::format("{}: first {}, then {}", name, fmt::join(addresses_in(*first), " "),
                                  again ? fmt::format("{}", fmt::join(addresses_in(*again), " ")) : summary_of(again)),
                      "mail servers that read only the first record treat the same client differently each time",
                      "field");
        return;
      }
    }
    findings_.good(kCheck, "the same each time", "field");
  }

  void tcp() {
    constexpr auto kCheck = "TCP answers as UDP does";
    constexpr auto kSource = "RFC 7766 §5";
    const auto by_udp = question(test_name(2));
    const auto by_tcp = question(DnsQuery{.name = test_name(2), .tcp = true});
    if (is_listed(by_tcp) && is_listed(by_udp) && addresses_in(*by_tcp) == addresses_in(*by_udp)) {
      findings_.good(kCheck, summary_of(by_tcp), kSource);
      return;
    }
    findings_.bad(kCheck, summary_of(by_tcp),
                  "resolvers that got a truncated answer, or use TCP against forgery, get no answer", kSource);
  }

  void edns() {
    const auto with = [&](Edns edns) { return question(DnsQuery{.name = test_name(2), .edns = edns}); };
    constexpr auto kSlow = "resolvers assume an old server, and repeat each query without EDNS";
    const auto plain = with({});
    const bool knows = is_listed(plain) && plain->has_opt;
    if (!knows) {
      findings_.bad("EDNS: OPT is answered by OPT", is_listed(plain) ? "no OPT in the answer" : summary_of(plain),
                    kSlow, "RFC 6891 §6.1.1");
      return;
    }
    findings_.good("EDNS: OPT is answered by OPT", "yes", "RFC 6891 §6.1.1");
    const auto newer = with({.version = 1});
    if (newer && newer->rcode == 16 && newer->has_opt && newer->edns_version == 0 && newer->answers.empty()) {
      findings_.good("EDNS: version 1 is BADVERS", "BADVERS", "RFC 6891 §6.1.3");
    } else {
      findings_.bad("EDNS: version 1 is BADVERS", summary_of(newer),
                    "a newer EDNS can never be introduced with this server", "RFC 6891 §6.1.3");
    }
    const auto option = with({.option = kUnknownOption});
    if (is_listed(option) && option->has_opt) {
      findings_.good("EDNS: an unknown option is ignored", "yes", "RFC 6891 §6.1.2");
    } else {
      findings_.bad("EDNS: an unknown option is ignored", summary_of(option), kSlow, "RFC 6891 §6.1.2");
    }
    const auto flag = with({.flags = kUnknownFlag});
    if (is_listed(flag) && flag->has_opt && (flag->edns_flags & kUnknownFlag) == 0) {
      findings_.good("EDNS: an unknown flag is ignored", "yes", "RFC 6891 §6.1.4");
    } else {
      findings_.bad("EDNS: an unknown flag is ignored",
                    is_listed(flag) ? "the flag is in the answer" : summary_of(flag), kSlow, "RFC 6891 §6.1.4");
    }
  }

  /// Names that no list should contain: one that is no address, and addresses that nobody has.
  void wildcards() {
    std::random_device random;
    const auto any = [&] { return static_cast<std::uint32_t>(random()); };
    constexpr auto kAll =
        "everybody is listed and all mail is rejected (as when a list's domain has expired and is parked)";
    constexpr auto kSource = "RFC 5782 §5";
    const auto name = fmt::format("x{:08x}.{}", any(), zone_);
    const auto words = question(name);
    if (is_listed(words)) {
      findings_.bad("a name that is no address is not listed",
                    name + ": " + fmt::format("{}", fmt::join(addresses_in(*words), " ")), kAll, kSource);
    } else {
      findings_.good("a name that is no address is not listed", summary_of(words), kSource);
    }
    std::string caught;
    constexpr std::uint32_t kClassE = 0xf0000000;  // 240.0.0.0/4 is reserved, so nobody sends mail from there
    for (int i = 0; i < 4 && caught.empty(); ++i) {
      const auto address = IpAddress::from_v4(kClassE | (any() >> 8U));
      if (is_listed(question(owner_name(address, zone_)))) caught = address.to_string();
    }
    if (caught.empty()) {
      findings_.good("reserved addresses are not listed", "240.0.0.0/4", kSource);
    } else {
      findings_.bad("reserved addresses are not listed", caught + " is listed", kAll, kSource);
    }
    // An address for each digit at which an IPv4 wildcard may be, in unallocated space; for 2 in 2001:2::/48, for benchmarks.
    caught.clear();
    for (std::uint8_t digit = 0; digit <= 9 && caught.empty(); ++digit) {
      IpAddress::Octets octets{};
      octets[0] = static_cast<std::uint8_t>(static_cast<unsigned>(digit) << 4U | (digit == 0 ? 1U : 0U));
      if (digit == 2) octets = {0x20, 0x01, 0x00, 0x02};
      for (std::size_t i = 8; i < octets.size(); ++i) octets.at(i) = static_cast<std::uint8_t>(any());
      const auto address = IpAddress::from_octets(octets);
      if (is_listed(question(owner_name(address, zone_)))) caught = address.to_string();
    }
    if (caught.empty()) {
      findings_.good("IPv6 isn't caught by IPv4 wildcards", "ten unallocated addresses", "RFC 5782 §2.4");
    } else {
      findings_.bad("IPv6 isn't caught by IPv4 wildcards", caught + " is listed",
                    "whole countries are rejected by IPv6", "RFC 5782 §2.4");
    }
  }

  config::Endpoint server_;
  std::string zone_;
  std::optional<IpAddress> listed_;
  const Lookup& lookup_;
  Findings& findings_;
  Clock::time_point until_ = Clock::now() + kInAll;
  bool has_test_point_ = false;
  bool has_v6_ = false;
};

}  // namespace

void examine_list(const config::Endpoint& server, const std::string& zone, std::optional<IpAddress> listed,
                  const Lookup& lookup, Findings& findings) {
  Examination(server, zone, listed, lookup, findings).run();
}

}  // namespace blowback::cli
