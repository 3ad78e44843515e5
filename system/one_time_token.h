// A token that is mailed to somebody, who proves by returning it that the mail arrived: 160 random bits. Only its digest is stored, so a copy
// of the database doesn't contain a valid token.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace blowback {

/// SHA-256 of the token's octets.
using OneTimeDigest = std::array<std::uint8_t, 32>;

struct OneTimeToken {
  std::string text;  ///< 40 lower-case hexadecimal digits
  OneTimeDigest digest{};
};

/// A new one, from getrandom(2), whose error it returns.
[[nodiscard]] std::expected<OneTimeToken, std::error_code> make_one_time_token();
/// The digest of what somebody presents as a token. Absent: it has another form. Pure.
[[nodiscard]] std::optional<OneTimeDigest> digest_of_token(std::string_view text);

}  // namespace blowback
