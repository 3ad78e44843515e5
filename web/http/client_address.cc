#include "http/client_address.h"

#include "blowback/text.h"

#include <algorithm>

namespace blowback::http {
namespace {

[[nodiscard]] bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// `192.0.2.1`, `2001:db8::1`, and with ports, which some proxies add: `192.0.2.1:80`, `[2001:db8::1]:80`.
[[nodiscard]] std::optional<IpAddress> address_in(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const auto after = text.substr(close + 1);
    if (!after.empty() && (after.front() != ':' || !is_port(after.substr(1)))) return std::nullopt;
    text = text.substr(1, close - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    const auto colon = text.find(':');
    if (!is_port(text.substr(colon + 1))) return std::nullopt;
    text = text.substr(0, colon);
  }
  const auto address = IpAddress::parse(text);
  if (!address) return std::nullopt;
  return *address;
}

}  // namespace

std::optional<IpAddress> client_of(const std::optional<IpAddress>& peer, std::string_view forwarded_for,
                                   std::span<const Prefix> proxies) {
  const auto is_proxy = [&](const IpAddress& address) {
    return std::ranges::any_of(proxies, [&](const Prefix& proxy) { return proxy.contains(address); });
  };
  if (peer && !is_proxy(*peer)) return peer;
  if (trimmed(forwarded_for).empty()) return peer;
  if (forwarded_for.size() > kLongestForwardedFor) return std::nullopt;
  std::optional<IpAddress> nearest;
  for (std::size_t i = 0; i < kMostForwarders; ++i) {
    const auto comma = forwarded_for.rfind(',');
    const auto one = trimmed(comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1));
    nearest = address_in(one);
    if (!nearest || !is_proxy(*nearest)) return nearest;
    // All are proxies: the request comes from the first of them itself.
    if (comma == std::string_view::npos) return nearest;
    forwarded_for = forwarded_for.substr(0, comma);
  }
  return std::nullopt;
}

}  // namespace blowback::http
