#include "system/one_time_token.h"

#include "blowback/text.h"

#include <sodium/crypto_hash_sha256.h>

#include <cerrno>
#include <cstddef>
#include <sys/random.h>

namespace blowback {
namespace {

using Octets = std::array<std::uint8_t, 20>;

[[nodiscard]] OneTimeDigest digest_of(const Octets& octets) {
  OneTimeDigest digest{};
  crypto_hash_sha256(digest.data(), octets.data(), octets.size());
  return digest;
}

[[nodiscard]] std::optional<std::uint8_t> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

}  // namespace

std::expected<OneTimeToken, std::error_code> make_one_time_token() {
  Octets octets{};
  // Up to 256 octets are delivered at once.
  if (getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size())) {
    return std::unexpected(std::error_code(errno, std::generic_category()));
  }
  return OneTimeToken{.text = hex(octets), .digest = digest_of(octets)};
}

std::optional<OneTimeDigest> digest_of_token(std::string_view text) {
  Octets octets{};
  if (text.size() != 2 * octets.size()) return std::nullopt;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto high = digit(text[2 * i]);
    const auto low = digit(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    octets.at(i) = static_cast<std::uint8_t>(*high << 4U | *low);
  }
  return digest_of(octets);
}

}  // namespace blowback
