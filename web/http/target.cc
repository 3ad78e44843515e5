#include "http/target.h"

#include <algorithm>

namespace blowback::http {
namespace {

[[nodiscard]] int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Absent: an incomplete percent-encoding, or a control character.
[[nodiscard]] std::optional<std::string> decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = digit_of(text[i + 1]);
      const int low = digit_of(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x20 || octet == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

}  // namespace

std::optional<std::string_view> Target::parameter(std::string_view name) const {
  const auto found =
      std::ranges::find(parameters, name, [](const auto& one) -> const std::string& { return one.first; });
  if (found == parameters.end()) return std::nullopt;
  return found->second;
}

std::expected<Target, TargetError> read_target(std::string_view text) {
  const auto failed = [](const char* what) { return std::unexpected(TargetError{what}); };
  if (text.size() > kLongestTarget) return failed("is too long");
  const auto question = text.find('?');
  auto path = decoded(text.substr(0, question), /*plus_is_blank=*/false);
  if (!path || !path->starts_with('/')) return failed("has a path that can't be decoded");
  Target target{.path = *std::move(path), .parameters = {}};
  if (question == std::string_view::npos) return target;
  for (auto rest = text.substr(question + 1); !rest.empty();) {
    const auto end = std::min(rest.find('&'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty()) continue;
    if (target.parameters.size() == kMostParameters) return failed("has too many parameters");
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = decoded(pair.substr(0, equals), /*plus_is_blank=*/true);
    auto value = decoded(pair.substr(std::min(equals + 1, pair.size())), /*plus_is_blank=*/true);
    if (!name || !value) return failed("has a parameter that can't be decoded");
    target.parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return target;
}

std::optional<std::string> form_value(std::string_view body, std::string_view name) {
  const auto read = read_target("/?" + std::string(body));
  if (!read) return std::nullopt;
  const auto value = read->parameter(name);
  return value ? std::optional(std::string(*value)) : std::nullopt;
}

}  // namespace blowback::http
