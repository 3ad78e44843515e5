// plain, cidr, rbldnsd, postfix and nft. The zone is in zone.cc; JSON is in commands/export.cc, since it keeps listings separate.
#include "export/formats.h"

#include "blowback/soa_times.h"
#include "blowback/test_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace blowback::cli {
namespace {

[[nodiscard]] std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string out;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what)) {
    out.append(text.substr(0, at)).append(by);
    text.remove_prefix(at + what.size());
  }
  return out.append(text);
}

[[nodiscard]] std::string with_length(const Prefix& prefix) {
  return fmt::format("{}/{}", prefix.first().to_string(), prefix.length());
}

void heading(std::FILE* out, const Exported& list, std::string_view what) {
  fmt::print(out, "# {}: {}, serial {}, {}\n", list.zone.name, what, list.serial, to_iso8601(list.now));
}

void write_rbldnsd_set(std::FILE* out, const Exported& list, Code code, Family family) {
  const bool is_v4 = family == Family::ipv4;
  fmt::print(out, "$DATASET {}:{}-{} @\n", is_v4 ? "ip4set" : "ip6trie", name_of(code), is_v4 ? "ipv4" : "ipv6");
  // rbldnsd replaces $ by the address that was asked for, so one line serves all entries below it; $$ is a dollar sign.
  fmt::print(out, ":127.0.0.{}:{}\n", octet_of(code), replaced(replaced(list.zone.txt, "$", "$$"), "{ip}", "$"));
  for (const auto& point : test_points(list.zone.codes)) {
    if (point.code != code) continue;
    if (is_v4) {
      fmt::print(out, "{}\n", point.address.to_string());
    } else {
      fmt::print(out, "0:0:0:0:0:ffff:7f00:{:x}\n", point.address.v4() & 0xffffU);
    }
  }
  for (const auto& piece : list.pieces) {
    if (piece.prefix.family() != family || !piece.codes.has(code)) continue;
    // In an ip6trie an address without a length doesn't mean /128.
    fmt::print(out, "{}\n", is_v4 ? piece.prefix.to_string() : with_length(piece.prefix));
  }
}

}  // namespace

std::string txt_for(const config::Zone& zone, const Prefix& prefix) {
  constexpr std::size_t kLongestString = 255;
  auto text = replaced(zone.txt, "{ip}", prefix.to_string());
  if (text.size() > kLongestString) text.resize(kLongestString);
  return text;
}

void write_plain(std::FILE* out, const Exported& list, bool length) {
  for (const auto& piece : list.pieces) {
    fmt::print(out, "{}\n", length ? with_length(piece.prefix) : piece.prefix.to_string());
  }
}

void write_rbldnsd(std::FILE* out, const Exported& list) {
  const auto& zone = list.zone;
  heading(out, list, fmt::format("for `rbldnsd -b ADDRESS/53 {}:combined:FILE`", zone.name));
  auto hostmaster = zone.hostmaster;
  hostmaster[hostmaster.rfind('@')] = '.';  // rbldnsd has no escapes in names
  fmt::print(out, "$SOA {} {} {} {} {} {} {} {}\n", zone.ttl.count(), zone.nameservers.front(), hostmaster,
             static_cast<std::uint32_t>(list.serial), kSoaRefresh, kSoaRetry, kSoaExpire, zone.negative_ttl.count());
  fmt::print(out, "$NS {}", zone.ttl.count());
  for (const auto& nameserver : zone.nameservers) fmt::print(out, " {}", nameserver);
  fmt::print(out, "\n$TTL {}\n$TIMESTAMP {}\n", zone.ttl.count(), list.now.time_since_epoch().count());
  // A set for each code and family, even if only the test points are in it: rbldnsd answers in the order of the sets.
  for (const Code code : kAllCodes) {
    if (!zone.codes.has(code)) continue;
    write_rbldnsd_set(out, list, code, Family::ipv4);
    write_rbldnsd_set(out, list, code, Family::ipv6);
  }
  // Only A, TXT and MX records can be in this set (rbldnsd(8)).
  bool is_first = true;
  for (const auto& [name, address] : zone.hosts) {
    if (address.family() != Family::ipv4) continue;
    if (std::exchange(is_first, false)) fmt::print(out, "$DATASET generic:hosts @\n");
    fmt::print(out, "{} {} A {}\n", name.substr(0, name.find('.')), kNameserverTtl, address.to_string());
  }
}

void write_postfix(std::FILE* out, const Exported& list) {
  heading(out, list, "a cidr_table(5) of check_client_access, for mail with a null sender only");
  for (const auto& piece : list.pieces) {
    fmt::print(out, "{}\tREJECT 5.7.1 {}\n", piece.prefix.to_string(), txt_for(list.zone, piece.prefix));
  }
}

void write_nft(std::FILE* out, const Exported& list) {
  heading(out, list, "for `nft -f`");
  fmt::print(out,
             "# These servers send real mail, too: count, mark or slow them down by these sets, don't drop them.\n"
             "table inet blowback {{\n"
             "\tset listed4 {{\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}}\n"
             "\tset listed6 {{\n\t\ttype ipv6_addr\n\t\tflags interval\n\t}}\n"
             "}}\n"
             "flush set inet blowback listed4\n"
             "flush set inet blowback listed6\n");
  // Statements of bounded length, since nft reads a whole statement into memory.
  constexpr std::size_t kPerStatement = 1000;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    std::size_t count = 0;
    for (const auto& piece : list.pieces) {
      if (piece.prefix.family() != family) continue;
      if (count % kPerStatement == 0) {
        fmt::print(out, "{}add element inet blowback listed{} {{\n", count == 0 ? "" : "\n}\n",
                   family == Family::ipv4 ? 4 : 6);
      }
      fmt::print(out, "{}\t{}", count % kPerStatement == 0 ? "" : ",\n", piece.prefix.to_string());
      ++count;
    }
    if (count != 0) fmt::print(out, "\n}}\n");
  }
}

}  // namespace blowback::cli
