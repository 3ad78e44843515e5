// Whether a request for removal is meant by who sends it.
//
// The connection's address proves control, and any page on the web can make a browser behind that address post here. So a post needs what such a page
// can't make: the value of a form of ours, which it can't read, or a header field that a browser sends to another site only if that site allows it.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/unix_time.h"
#include "http/message.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::site {

/// Makes and checks the values of forms: an HMAC-SHA256 of the page's address, the visitor's, and the time.
class RemovalForm {
 public:
  /// How long a value can be used.
  static constexpr Duration kLasts = std::chrono::minutes{10};

  /// `key`: random and secret, at least 160 bits.
  explicit RemovalForm(std::string key) : key_(std::move(key)) {}

  [[nodiscard]] std::string value_for(const IpAddress& asked, const IpAddress& visitor, UnixTime now) const;
  /// Whether it was made for these two, and isn't too old. Takes as long for a wrong value as for a right one.
  [[nodiscard]] bool fits(std::string_view value, const IpAddress& asked, const IpAddress& visitor, UnixTime now) const;

 private:
  [[nodiscard]] std::string code_of(std::string_view time, const IpAddress& asked, const IpAddress& visitor) const;
  std::string key_;
};

/// Whether Host is that of `url`, the page's own. Another one is a name of a stranger's that leads here (DNS rebinding): to a browser, what the stranger's
/// page does is then done by ours. Pure.
[[nodiscard]] bool is_own_host(std::string_view host, std::string_view url);

enum class Objection : std::uint8_t {
  wrong_host,  ///< see is_own_host
  elsewhere,   ///< posted by a page of another site, or without a value of ours that fits
  type,        ///< the body is no form
  too_large,
};

/// Why this POST by `visitor` isn't taken as a request. Absent: it is. Pure.
[[nodiscard]] std::optional<Objection> objection_to(const http::Request& request, std::string_view url,
                                                    const RemovalForm& form, const IpAddress& asked,
                                                    const IpAddress& visitor, UnixTime now);

}  // namespace blowback::site
