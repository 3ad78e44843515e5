// The target of a request: its path and query, decoded.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::http {

inline constexpr std::size_t kLongestTarget = 8'192;
inline constexpr std::size_t kMostParameters = 128;

struct Target {
  std::string path;  ///< begins with a slash
  std::vector<std::pair<std::string, std::string>> parameters;

  /// The first one of that name; absent: there is none.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

struct TargetError {
  std::string text;  ///< a clause
};

/// In origin form (RFC 9112 §3.2.1), with `name=value` pairs after the question mark. Fails if it is too long, has too many parameters, an incomplete
/// percent-encoding, or a control character, encoded or not. A plus sign in a value is a blank, as HTML forms send it. Pure.
[[nodiscard]] std::expected<Target, TargetError> read_target(std::string_view text);

/// The first value of that name in a body of the type `application/x-www-form-urlencoded`, decoded as in a query. Absent: there is none, or the body
/// can't be read. Pure.
[[nodiscard]] std::optional<std::string> form_value(std::string_view body, std::string_view name);

}  // namespace blowback::http
