#include "etag.h"

#include "blowback/text.h"

#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <span>

namespace blowback::site {

std::string etag_of(std::string_view content) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets are octets
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
  constexpr std::size_t kEnough = 16;
  return '"' + hex(std::span(digest).first(kEnough)) + '"';
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  while (!if_none_match.empty()) {
    const auto comma = if_none_match.find(',');
    auto one = trimmed(if_none_match.substr(0, comma));
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag || one == "*") return true;
    if (comma == std::string_view::npos) break;
    if_none_match.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace blowback::site
