// The server answers as any server of the exported zone file would: each name and type is looked up in the file by the rules of RFC 1034 §4.3.2 and
// RFC 4592, and the answers are compared. tests/integration/zone_beside_peers.py asks NSD, Knot DNS and BIND.
#include "answer_fixture.h"
#include "catch.h"
#include "export/formats.h"
#include "sanitized.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace blowback;
using namespace blowback::test;

namespace {

using Labels = std::vector<std::string>;  // the one nearest the apex first, lower case

constexpr auto kApex = "bl.example.org";

struct Answer {
  unsigned rcode = kNoError;
  std::vector<std::string> records;  // TTL, type and RDATA, sorted
  friend bool operator==(const Answer&, const Answer&) = default;
};

std::string to_string(const Answer& answer) {
  std::string text = "rcode " + std::to_string(answer.rcode);
  for (const auto& record : answer.records) text += "; " + record;
  return text;
}

/// A zone as any name server understands its file.
class ZoneFile {
 public:
  explicit ZoneFile(const std::string& text) {
    std::istringstream lines(text);
    std::string ttl;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("$TTL ")) ttl = line.substr(5);
      if (line.starts_with("$") || line.starts_with(";")) continue;
      std::vector<std::string> fields;
      for (std::size_t at = 0; fields.size() < 2 && at != std::string::npos;) {
        const auto tab = line.find('\t', at);
        fields.push_back(line.substr(at, tab - at));
        at = tab + 1;
        if (fields.size() == 2 && fields[1].find_first_not_of("0123456789") != std::string::npos)
          fields.insert(fields.begin() + 1, ttl);
        else if (fields.size() == 2) {
          const auto next = line.find('\t', at);
          fields.push_back(line.substr(at, next - at));
          at = next + 1;
        }
        if (fields.size() == 3) fields.push_back(line.substr(at));
      }
      REQUIRE(fields.size() == 4);
      auto owner = fields[0];
      const std::string end = std::string(".") + kApex + ".";
      if (owner.ends_with(end)) owner.resize(owner.size() - end.size());
      records_[labels_of(owner == "@" ? "" : owner)][fields[2]].push_back(fields[1] + " " + fields[2] + " " +
                                                                          fields[3]);
    }
    for (const auto& [name, types] : records_) {
      for (std::size_t count = 0; count <= name.size(); ++count)
        exists_.insert({name.begin(), name.begin() + static_cast<std::ptrdiff_t>(count)});
    }
  }

  /// `below`: without the apex.
  [[nodiscard]] Answer find(const std::string& below, const std::string& type) const {
    const auto name = labels_of(below);
    if (exists_.contains(name)) return at(name, type);
    auto encloser = name;
    while (!exists_.contains(encloser)) encloser.pop_back();
    encloser.emplace_back("*");
    if (records_.contains(encloser)) return at(encloser, type);
    return {.rcode = kNxDomain, .records = {}};
  }

  [[nodiscard]] static Labels labels_of(const std::string& name) {
    Labels labels;
    std::istringstream parts(name);
    for (std::string label; std::getline(parts, label, '.');) {
      for (auto& c : label) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      }
      labels.insert(labels.begin(), label);
    }
    return labels;
  }

  [[nodiscard]] std::size_t wildcards() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        records_, [](const auto& each) { return !each.first.empty() && each.first.back() == "*"; }));
  }
  [[nodiscard]] const std::set<Labels>& names() const { return exists_; }

 private:
  [[nodiscard]] Answer at(const Labels& name, const std::string& type) const {
    Answer answer;
    const auto records = records_.find(name);
    if (records == records_.end()) return answer;
    if (const auto found = records->second.find(type); found != records->second.end()) answer.records = found->second;
    std::ranges::sort(answer.records);
    return answer;
  }

  std::map<Labels, std::map<std::string, std::vector<std::string>>> records_;
  std::set<Labels> exists_;
};

struct RandomList {
  std::vector<Listing> listings;
  std::vector<Exemption> exemptions;
};

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}

  unsigned to(unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random_); }
  bool one_in(unsigned count) { return to(count - 1) == 0; }
  template <typename T>
  const T& of(const std::vector<T>& all) {
    return all.at(to(static_cast<unsigned>(all.size() - 1)));
  }

  /// Octets of one digit as often as others, so that names of both families meet.
  IpAddress address() {
    if (one_in(12)) return IpAddress::from_v4(0x7f000000U | (one_in(3) ? to(0xffff) : to(12)));
    if (one_in(2)) {
      std::uint32_t value = 0;
      for (int i = 0; i < 4; ++i) value = value << 8U | (one_in(2) ? to(3) : one_in(2) ? 92 + to(3) : to(255));
      return IpAddress::from_v4(value);
    }
    IpAddress::Octets octets{};
    for (auto& octet : octets) octet = static_cast<std::uint8_t>(one_in(3) ? to(255) : to(3) << 4U | to(3));
    if (one_in(4)) std::fill_n(octets.begin(), 1 + to(11), std::uint8_t{0});
    if (one_in(12)) octets = IpAddress::from_v4(0x7f000000U | to(12)).octets();
    return IpAddress::from_octets(octets);
  }
  /// Not so wide that the zone has a hundred thousand names.
  Prefix network() {
    const auto some = address();
    if (some.family() == Family::ipv6)
      return Prefix::covering(some, static_cast<int>(one_in(2) ? 4 * (4 + to(28)) : 14 + to(114)));
    if (one_in(2)) return Prefix::of(some);
    const unsigned shortest = some.v4() >> 24U < 10 || some.v4() >> 24U == 127 ? 16 : 8;
    return Prefix::covering(
        some, static_cast<int>(one_in(2) ? 8 * (shortest / 8 + to(4 - shortest / 8)) : shortest + to(32 - shortest)));
  }
  /// One in it, or next to it.
  IpAddress near(const Prefix& network) {
    auto octets = network.first().octets();
    const auto bits = 128U - static_cast<unsigned>(network.first().bits() - network.length());
    for (unsigned bit = bits; bit < 128; ++bit) {
      if (one_in(2)) octets.at(bit / 8) = static_cast<std::uint8_t>(octets.at(bit / 8) ^ (0x80U >> bit % 8));
    }
    if (one_in(4)) octets.at(15 - to(3)) ^= static_cast<std::uint8_t>(1U << to(7));
    return IpAddress::from_octets(octets);
  }

  RandomList list() {
    RandomList made;
    std::vector<Prefix> said;
    const auto next = [&] {
      if (said.empty() || one_in(3)) return network();
      // Within what is there, or around it.
      const auto& other = of(said);
      const int bits = other.first().bits();
      const int length =
          std::max(other.length() > 16 ? 16 : other.length(), other.length() + static_cast<int>(to(20)) - 4);
      return Prefix::covering(near(other), std::min(length, bits));
    };
    for (unsigned i = 1 + to(12); i > 0; --i) {
      const auto prefix = next();
      if (prefix.family() == Family::ipv4 && prefix.length() < 16 && !said.empty()) continue;
      said.push_back(prefix);
      const auto source = one_in(2) ? Source::automatic : Source::by_operator;
      // A list has one listing of each prefix and source.
      if (std::ranges::any_of(made.listings,
                              [&](const Listing& other) { return other.prefix == prefix && other.source == source; }))
        continue;
      made.listings.push_back(
          listed(prefix.to_string(), CodeSet::from_bits(one_in(2) ? 1 : 1 + to(126)), std::nullopt, source));
    }
    for (unsigned i = to(4); i > 0; --i) made.exemptions.push_back(exempt(next().to_string()));
    return made;
  }

  /// A name without the apex: an address's, a part of one, or what nobody would ask for.
  std::string name(const RandomList& list) {
    const auto& prefix = list.listings.empty() || one_in(5)     ? network()
                         : list.exemptions.empty() || one_in(3) ? of(list.listings).prefix
                                                                : of(list.exemptions).prefix;
    auto labels = reversed_labels(near(prefix), one_in(6));
    const std::vector<std::string> odd{"*",
                                       "x",
                                       "002",
                                       "256",
                                       "0",
                                       "9",
                                       "10",
                                       "a",
                                       "F",
                                       "g",
                                       "00",
                                       "255",
                                       "1000",
                                       "-",
                                       "_dmarc",
                                       "**",
                                       std::string(63, '7')};
    if (one_in(3))
      labels.erase(labels.begin(),
                   labels.begin() + static_cast<std::ptrdiff_t>(to(static_cast<unsigned>(labels.size()))));
    if (one_in(3)) {
      for (unsigned i = 1 + to(2); i > 0; --i) labels.insert(labels.begin(), of(odd));
    }
    if (!labels.empty() && one_in(4)) labels.at(to(static_cast<unsigned>(labels.size() - 1))) = of(odd);
    if (!labels.empty() && one_in(8))
      labels.insert(labels.begin() + static_cast<std::ptrdiff_t>(to(static_cast<unsigned>(labels.size()))), of(odd));
    if (one_in(40)) labels.insert(labels.begin(), 20 + to(30), "1");
    if (one_in(30)) labels = {of(std::vector<std::string>{"ns1", "x", "ns1.x", "x.ns1", "NS1", "y", "ns"})};
    std::string text;
    for (const auto& label : labels) text += (text.empty() ? "" : ".") + label;
    while (text.size() > 230) text.erase(0, text.find('.') + 1);
    if (one_in(8)) {
      for (auto& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
      }
    }
    return text;
  }

 private:
  std::mt19937 random_;
};

std::string exported(const config::Zone& zone, const RandomList& list, Serial serial) {
  std::vector<Piece> said;
  for (const auto& listing : list.listings) {
    const auto codes = listing.codes & zone.codes;
    if (!codes.empty()) said.push_back({.prefix = listing.prefix, .codes = codes});
  }
  for (const auto& exemption : list.exemptions) said.push_back({.prefix = exemption.prefix, .codes = {}});
  std::ranges::sort(said, walked_before, &Piece::prefix);
  const cli::Exported out{.zone = zone, .serial = serial, .now = kNow, .pieces = std::move(said)};
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const stream = open_memstream(&text, &size);
  REQUIRE(stream != nullptr);
  cli::write_zone(stream, out);
  std::fclose(stream);
  std::string copy(text, size);
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): of open_memstream
  return copy;
}

Answer answer_of(const Reply& reply) {
  Answer answer{.rcode = reply.rcode(), .records = {}};
  for (const auto& record : reply.answers()) {
    std::vector<std::string> fields;
    std::istringstream parts(record);
    for (std::string field; fields.size() < 4 && std::getline(parts, field, '\t');) fields.push_back(field);
    std::string rdata;
    std::getline(parts, rdata);
    answer.records.push_back(fields.at(1) + " " + fields.at(3) + " " + rdata);
  }
  std::ranges::sort(answer.records);
  return answer;
}

const std::map<std::string, unsigned> kTypes{
    {"A", LDNS_RR_TYPE_A},     {"TXT", LDNS_RR_TYPE_TXT}, {"AAAA", LDNS_RR_TYPE_AAAA}, {"NS", LDNS_RR_TYPE_NS},
    {"SOA", LDNS_RR_TYPE_SOA}, {"MX", LDNS_RR_TYPE_MX},   {"DS", LDNS_RR_TYPE_DS},     {"CNAME", LDNS_RR_TYPE_CNAME}};

constexpr unsigned kLists = kIsSanitized ? 40 : 120;
constexpr int kNames = kIsSanitized ? 60 : 160;

}  // namespace

TEST_CASE("every name and type is answered as from the exported zone file", "[answer][export][rfc4592]") {
  const bool chosen = GENERATE(false, true);
  CAPTURE(chosen);
  std::size_t wildcards = 0;
  std::map<std::string, std::size_t> seen;
  for (unsigned seed = 1; seed <= kLists; ++seed) {
    Chance chance(seed);
    const auto list = chance.list();
    auto zone = zone_with_hosts();
    // Half of the listings have dsn alone. A zone without it has few names, and one without the operator's code a few more.
    if (chosen) zone.codes = CodeSet::from_bits(seed % 2 == 0 ? chance.to(62) * 2 + 2 : chance.to(126) + 1);
    const auto text = exported(zone, list, seed);
    const ZoneFile file(text);
    wildcards += file.wildcards();
    const Served served(index_of(list.listings, list.exemptions, seed), zone);
    for (int i = 0; i < kNames; ++i) {
      const auto name = chance.name(list);
      auto type = kTypes.begin();
      std::advance(type, static_cast<std::ptrdiff_t>(
                             chance.one_in(3) ? chance.to(static_cast<unsigned>(kTypes.size() - 1)) : 0));
      if (chance.one_in(3)) type = kTypes.find("TXT");
      const auto expected = file.find(name, type->first);
      const auto reply = served.ask({.name = (name.empty() ? "" : name + ".") + kApex, .type = type->second});
      const auto found = answer_of(reply);
      const bool negative = expected.records.empty();
      ++seen[negative ? expected.rcode == kNxDomain ? "NXDOMAIN" : "NODATA" : "answer"];
      if (found == expected && reply.aa() && reply.authority().size() == (negative ? 1 : 0)) continue;
      std::string said;
      for (const auto& listing : list.listings) said += listing.prefix.to_string() + " ";
      for (const auto& exemption : list.exemptions) said += "!" + exemption.prefix.to_string() + " ";
      CAPTURE(seed, zone.codes.bits(), said, name, type->first, to_string(found), to_string(expected));
      FAIL("the server's answer differs from the zone file's");
    }
  }
  // A test that never gets somewhere shows nothing.
  CAPTURE(wildcards, seen);
  CHECK(wildcards > (chosen ? kLists / 4 : kLists));
  for (const auto* const what : {"answer", "NODATA", "NXDOMAIN"}) CHECK(seen[what] > kLists * kNames / 20);
}
