#include "dns/compared_names.h"

#include "dns/bystanders.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <random>
#include <utility>

namespace blowback::cli {
namespace {

using namespace std::string_view_literals;

struct NamedType {
  RecordType type;
  std::string_view name;
};
constexpr std::array<NamedType, 15> kTypes{{{RecordType::a, "A"},
                                            {RecordType::ns, "NS"},
                                            {RecordType::cname, "CNAME"},
                                            {RecordType::soa, "SOA"},
                                            {RecordType::ptr, "PTR"},
                                            {RecordType::mx, "MX"},
                                            {RecordType::txt, "TXT"},
                                            {RecordType::aaaa, "AAAA"},
                                            {RecordType::ds, "DS"},
                                            {RecordType::rrsig, "RRSIG"},
                                            {RecordType::nsec, "NSEC"},
                                            {RecordType::dnskey, "DNSKEY"},
                                            {RecordType::https, "HTTPS"},
                                            {RecordType::any, "ANY"},
                                            {RecordType::undefined, "TYPE65280"}}};

/// Labels that no address's name has at most places; some are a name's syntax, some aren't even text.
constexpr std::array kOdd{"*"sv,
                          "x"sv,
                          "002"sv,
                          "256"sv,
                          "0"sv,
                          "9"sv,
                          "10"sv,
                          "a"sv,
                          "F"sv,
                          "g"sv,
                          "00"sv,
                          "255"sv,
                          "1000"sv,
                          "-"sv,
                          "_dmarc"sv,
                          "**"sv,
                          "\0"sv,
                          "."sv,
                          "1.2"sv,
                          "\xff"sv,
                          " "sv,
                          "\\"sv,
                          "777777777777777777777777777777777777777777777777777777777777777"sv};
constexpr std::size_t kMostWire = 255;  // RFC 1035 §2.3.4

/// A name's labels below the zone, each as its octets.
using Labels = std::vector<std::string>;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  /// 0 to `count` - 1. Requires count > 0.
  [[nodiscard]] std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  [[nodiscard]] bool one_in(std::size_t count) { return below(count) == 0; }
  [[nodiscard]] std::string odd_label() { return std::string(kOdd.at(below(kOdd.size()))); }
  [[nodiscard]] std::mt19937_64& engine() { return random_; }

 private:
  std::mt19937_64 random_;
};

[[nodiscard]] Labels labels_of(const std::string& name) {
  Labels labels;
  std::size_t at = 0;
  while (at < name.size()) {
    const auto dot = std::min(name.find('.', at), name.size());
    labels.push_back(name.substr(at, dot - at));
    at = dot + 1;
  }
  return labels;
}

/// As ldns prints it (RFC 4343 §2.1), so that the reply's question can be compared with it.
void append_label(std::string& name, std::string_view label) {
  for (const char c : label) {
    if (".;()\\"sv.contains(c)) {
      name += '\\';
      name += c;
    } else if (c > ' ' && c <= '~') {
      name += c;
    } else {
      name += fmt::format("\\{:03}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  name += '.';
}

[[nodiscard]] std::string text_of(const Labels& labels, std::string_view zone) {
  // The zone's labels, each with its length, and the root.
  std::size_t wire = zone.size() + 2;
  auto first = labels.end();
  while (first != labels.begin() && wire + std::prev(first)->size() + 1 <= kMostWire) {
    --first;
    wire += first->size() + 1;
  }
  std::string name;
  for (; first != labels.end(); ++first) append_label(name, *first);
  return name.append(zone);
}

/// The address before the first or after the last one; at the ends of the address space the other end.
[[nodiscard]] IpAddress neighbour(const Prefix& network, bool after) {
  auto octets = after ? network.last().octets() : network.first().octets();
  const std::size_t begin = network.family() == Family::ipv4 ? 12 : 0;
  for (std::size_t i = octets.size(); i-- > begin;) {
    const unsigned changed = after ? octets.at(i) + 1U : octets.at(i) + 255U;
    octets.at(i) = static_cast<std::uint8_t>(changed & 255U);
    if (octets.at(i) != (after ? 0U : 255U)) break;
  }
  return IpAddress::from_octets(octets);
}

[[nodiscard]] Prefix any_network(Chance& chance) {
  if (chance.one_in(3)) return Prefix::covering(IpAddress::from_v4(0x7f000000), 28);  // with the test points
  if (chance.one_in(2)) return Prefix::covering(IpAddress::from_octets({0x20}), 3);   // global unicast
  return Prefix::covering(IpAddress(), 0);
}

[[nodiscard]] IpAddress any_address(const std::vector<Prefix>& networks, Chance& chance) {
  const auto network =
      networks.empty() || chance.one_in(10) ? any_network(chance) : networks[chance.below(networks.size())];
  const auto place = chance.below(8);
  if (place == 0) return network.first();
  if (place == 1) return network.last();
  if (place == 2) return neighbour(network, /*after=*/false);
  if (place == 3) return neighbour(network, /*after=*/true);
  auto address = any_in(network, chance.engine());
  if (!chance.one_in(6)) return address;
  auto octets = address.octets();
  const auto bit = 128 - 1 - chance.below(static_cast<std::size_t>(address.bits()));
  octets.at(bit / 8) ^= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  return IpAddress::from_octets(octets);
}

[[nodiscard]] std::string any_name(std::string_view zone, const std::vector<Prefix>& networks, Chance& chance) {
  const auto address = any_address(networks, chance);
  const bool as_v4 = address.family() == Family::ipv4 && !chance.one_in(8);
  auto labels = labels_of(as_v4 ? owner_name(address, "") : nibble_name(address, ""));
  if (chance.one_in(3))
    labels.erase(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(chance.below(labels.size() + 1)));
  if (chance.one_in(4)) {
    for (auto more = 1 + chance.below(3); more > 0; --more) labels.insert(labels.begin(), chance.odd_label());
  }
  if (!labels.empty() && chance.one_in(8)) labels[chance.below(labels.size())] = chance.odd_label();
  if (chance.one_in(12)) {
    labels.insert(labels.begin() + static_cast<std::ptrdiff_t>(chance.below(labels.size() + 1)), chance.odd_label());
  }
  if (chance.one_in(40)) labels.insert(labels.begin(), 20 + chance.below(70), "1");
  auto name = text_of(labels, zone);
  if (chance.one_in(8)) {
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  }
  return name;
}

[[nodiscard]] RecordType any_type(Chance& chance) {
  if (chance.one_in(2)) return RecordType::a;
  return chance.one_in(3) ? RecordType::txt : kTypes.at(chance.below(kTypes.size())).type;
}

}  // namespace

std::string name_of(RecordType type) {
  const auto* const found = std::ranges::find(kTypes, type, &NamedType::type);
  return found == kTypes.end() ? fmt::format("TYPE{}", static_cast<unsigned>(type)) : std::string(found->name);
}

std::vector<Question> draw_questions(std::string_view zone, const std::vector<Prefix>& networks, std::size_t count,
                                     std::uint64_t seed) {
  std::vector<Question> questions;
  const auto add_all_types = [&](const std::string& name) {
    for (const auto& [type, text] : kTypes) questions.push_back({.name = name, .type = type});
  };
  add_all_types(std::string(zone));
  constexpr std::uint32_t kLoopback = 0x7f000000;
  for (const std::uint32_t last : {1U, 2U}) {
    const auto address = IpAddress::from_v4(kLoopback | last);
    add_all_types(owner_name(address, zone));
    add_all_types(nibble_name(address, zone));
  }
  for (auto above :
       {owner_name(IpAddress::from_v4(kLoopback), zone), nibble_name(IpAddress::from_v4(kLoopback), zone)}) {
    while (above.size() > zone.size()) {
      for (const auto type : {RecordType::a, RecordType::txt}) questions.push_back({.name = above, .type = type});
      above.erase(0, above.find('.') + 1);
    }
  }
  Chance chance(seed);
  for (std::size_t i = 0; i < count; ++i) {
    auto name = any_name(zone, networks, chance);
    questions.push_back({.name = std::move(name), .type = any_type(chance)});
  }
  return questions;
}

}  // namespace blowback::cli
