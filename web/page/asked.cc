#include "page/asked.h"

#include "blowback/text.h"

#include <charconv>
#include <optional>

namespace blowback::page {
namespace {

[[nodiscard]] std::optional<int> length_in(std::string_view text, int most) {
  int length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool is_canonical = text.size() == 1 || !text.starts_with('0');
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !is_canonical) return std::nullopt;
  if (length < 0 || length > most) return std::nullopt;
  return length;
}

}  // namespace

std::expected<Prefix, AddressError> read_asked(std::string_view text) {
  if (text.size() > kLongestAsked) return std::unexpected(AddressError{"is too long for an address"});
  text = trimmed(text);
  auto address_text = text.substr(0, text.find('/'));
  const bool is_network = address_text.size() < text.size();
  if (address_text.size() >= 2 && address_text.front() == '[' && address_text.back() == ']') {
    address_text = address_text.substr(1, address_text.size() - 2);
    // Brackets belong to IPv6 (RFC 3986 §3.2.2).
    if (!address_text.contains(':')) return std::unexpected(AddressError{"has brackets, and is no IPv6 address"});
  }
  const auto address = IpAddress::parse(address_text);
  if (!address) return std::unexpected(address.error());
  if (!is_network) return Prefix::of(*address);
  const auto length = length_in(text.substr(text.find('/') + 1), address->bits());
  if (!length) return std::unexpected(AddressError{"has no length of a network after the slash"});
  return Prefix::covering(*address, *length);
}

std::string path_of(const Prefix& asked) { return "/" + asked.to_string(); }

}  // namespace blowback::page
