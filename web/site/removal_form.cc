#include "removal_form.h"

#include "blowback/text.h"
#include "http/target.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace blowback::site {
namespace {

struct Place {
  std::string_view scheme;  ///< `https` or `http`
  std::string authority;    ///< lower case, without the scheme's own port
};

[[nodiscard]] std::string without_port(std::string_view authority, std::string_view scheme) {
  auto text = lower_case(authority);
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (text.ends_with(port)) text.resize(text.size() - port.size());
  return text;
}

[[nodiscard]] Place place_of(std::string_view url) {
  const auto scheme = url.substr(0, url.find("://"));
  auto rest = url.substr(std::min(url.size(), scheme.size() + 3));
  rest = rest.substr(0, rest.find('/'));
  return {.scheme = scheme, .authority = without_port(rest, scheme)};
}

[[nodiscard]] bool is_form(std::string_view type) {
  type = trimmed(type.substr(0, type.find(';')));
  return type.empty() || lower_case(type) == "application/x-www-form-urlencoded";
}

}  // namespace

std::string RemovalForm::code_of(std::string_view time, const IpAddress& asked, const IpAddress& visitor) const {
  const auto said = fmt::format("removal {} {} {}", time, asked.to_string(), visitor.to_string());
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> code{};
  unsigned size = 0;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets are octets
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(said.data()),
       said.size(), code.data(), &size);
  return hex(std::span(code).first(size));
}

std::string RemovalForm::value_for(const IpAddress& asked, const IpAddress& visitor, UnixTime now) const {
  const auto time = std::to_string(now.time_since_epoch().count());
  return time + "-" + code_of(time, asked, visitor);
}

bool RemovalForm::fits(std::string_view value, const IpAddress& asked, const IpAddress& visitor, UnixTime now) const {
  const auto dash = value.find('-');
  if (dash == std::string_view::npos) return false;
  const auto time = value.substr(0, dash);
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), seconds);
  if (error != std::errc{} || end != time.data() + time.size()) return false;
  const auto code = code_of(time, asked, visitor);
  const auto given = value.substr(dash + 1);
  if (given.size() != code.size() || CRYPTO_memcmp(given.data(), code.data(), code.size()) != 0) return false;
  // Only now is the time one of ours, and not any number.
  const auto made = UnixTime{Duration{seconds}};
  return made <= now && now - made < kLasts;
}

bool is_own_host(std::string_view host, std::string_view url) {
  const auto own = place_of(url);
  return !own.authority.empty() && without_port(trimmed(host), own.scheme) == own.authority;
}

std::optional<Objection> objection_to(const http::Request& request, std::string_view url, const RemovalForm& form,
                                      const IpAddress& asked, const IpAddress& visitor, UnixTime now) {
  if (request.too_large) return Objection::too_large;
  if (!is_own_host(request.host, url)) return Objection::wrong_host;
  const auto own = place_of(url);
  const auto origin = place_of(request.origin);
  const bool is_own_origin = origin.scheme == own.scheme && origin.authority == own.authority;
  if (!request.origin.empty() && !is_own_origin) return Objection::elsewhere;
  if (!request.fetch_site.empty() && request.fetch_site != "same-origin") return Objection::elsewhere;
  if (!is_form(request.content_type)) return Objection::type;
  // No browser: those say where a post comes from, and ask before they send such a field to another site.
  if (request.wants_removal == "yes" && request.origin.empty() && request.fetch_site.empty()) return std::nullopt;
  const auto value = http::form_value(request.body, "form");
  if (value && form.fits(*value, asked, visitor, now)) return std::nullopt;
  return Objection::elsewhere;
}

}  // namespace blowback::site
