// Version 1 is a line, version 2 a head of 16 octets and what it announces.
#include "proxy_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace blowback::smtp {
namespace {

constexpr std::string_view kSignature2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kHead2 = 16;
constexpr std::size_t kMostLine1 = 107;
constexpr std::size_t kMost2 = 2048;

[[nodiscard]] bool may_become(std::string_view octets, std::string_view beginning) {
  const auto common = std::min(octets.size(), beginning.size());
  return octets.substr(0, common) == beginning.substr(0, common);
}

[[nodiscard]] std::expected<ProxyHeader, ProxyFault> parse_1(std::string_view octets) {
  const auto end = octets.substr(0, kMostLine1).find("\r\n");
  if (end == std::string_view::npos) {
    return std::unexpected(octets.size() >= kMostLine1 ? ProxyFault::invalid : ProxyFault::incomplete);
  }
  auto line = octets.substr(0, end);
  std::vector<std::string_view> words;
  while (words.size() < 7) {
    const auto blank = line.find(' ');
    words.push_back(line.substr(0, blank));
    if (blank == std::string_view::npos) break;
    line.remove_prefix(blank + 1);
  }
  ProxyHeader header{.octets = end + 2, .client = {}};
  if (words.size() >= 2 && words[1] == "UNKNOWN") return header;
  if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6")) return std::unexpected(ProxyFault::invalid);
  const auto client = IpAddress::parse(words[2]);
  if (!client || (words[1] == "TCP4") != (client->family() == Family::ipv4)) {
    return std::unexpected(ProxyFault::invalid);
  }
  header.client = *client;
  return header;
}

[[nodiscard]] std::expected<ProxyHeader, ProxyFault> parse_2(std::string_view octets) {
  if (octets.size() < kHead2) return std::unexpected(ProxyFault::incomplete);
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(octets[i]); };
  const std::size_t length = static_cast<std::size_t>(at(14)) << 8U | at(15);
  if (at(12) >> 4U != 2 || length > kMost2) return std::unexpected(ProxyFault::invalid);
  if (octets.size() < kHead2 + length) return std::unexpected(ProxyFault::incomplete);
  ProxyHeader header{.octets = kHead2 + length, .client = {}};
  const auto command = at(12) & 0x0fU;
  if (command == 0) return header;
  if (command != 1) return std::unexpected(ProxyFault::invalid);
  constexpr std::uint8_t kTcp4 = 0x11;
  constexpr std::uint8_t kTcp6 = 0x21;
  const auto address = octets.substr(kHead2, length);
  if (at(13) == 0) return header;
  if (at(13) == kTcp4 && length >= 12) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8U | static_cast<std::uint8_t>(address[i]);
    header.client = IpAddress::from_v4(number);
    return header;
  }
  if (at(13) == kTcp6 && length >= 36) {
    IpAddress::Octets client{};
    for (std::size_t i = 0; i < client.size(); ++i) client[i] = static_cast<std::uint8_t>(address[i]);
    header.client = IpAddress::from_octets(client);
    return header;
  }
  return std::unexpected(ProxyFault::invalid);
}

}  // namespace

std::expected<ProxyHeader, ProxyFault> parse_proxy_header(std::string_view octets) {
  constexpr std::string_view kBeginning1 = "PROXY ";
  if (may_become(octets, kBeginning1)) {
    return octets.size() < kBeginning1.size() ? std::unexpected(ProxyFault::incomplete) : parse_1(octets);
  }
  if (may_become(octets, kSignature2)) return parse_2(octets);
  return std::unexpected(ProxyFault::invalid);
}

}  // namespace blowback::smtp
