// Parsers for values in the config: DNS names, mail addresses, endpoints, cookie secrets, and the zone's TXT.
//
// Each returns the value, or a clause that says what is wrong and what to do.
#pragma once

#include "config/config.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::config {

/// The names of these enumerators in the config, in their order.
inline constexpr std::array<std::string_view, 4> kQuotings{"none", "mboxrd", "mboxo", "content-length"};
inline constexpr std::array<std::string_view, 3> kLogFormats{"text", "logfmt", "json"};
inline constexpr std::array<std::string_view, 4> kLogLevels{"debug", "info", "warning", "error"};
inline constexpr std::array<std::string_view, 2> kTsigAlgorithms{"hmac-sha256", "hmac-sha512"};
inline constexpr std::array<std::string_view, 2> kReversePaths{"null", "any"};

struct NameError {
  std::string text;
};

/// The longest owner name of a listing has 32 labels of one octet (64 octets in wire format) before the zone's name.
inline constexpr std::size_t kNibbleOctets = 64;

/// The length in wire format of a name without final dot: a length octet per label, and the root's (RFC 1035 §3.1).
[[nodiscard]] std::size_t wire_length(std::string_view name);

/// Returns `text` in lower case, without the final dot. Labels have letters, digits, `-` and `_`, 1 to 63 octets, no `-` at either end;
/// the name has at most `most` octets in wire format (RFC 1035 §2.3.4 allows 255).
[[nodiscard]] std::expected<std::string, NameError> dns_name(std::string_view text, std::size_t most = 255);

/// Whether `name` is `zone` or below it. Both in lower case, without final dot.
[[nodiscard]] bool lies_in(std::string_view name, std::string_view zone);

/// A name server: its name, followed by its addresses if the name is below `zone`, separated by blanks.
struct Nameserver {
  std::string name;
  std::vector<IpAddress> addresses;
};
[[nodiscard]] std::expected<Nameserver, NameError> nameserver(std::string_view text, std::string_view zone);

/// Another host in `zone`: one label, followed by at least one address. The name that is returned has the zone's at its end.
struct Host {
  std::string name;
  std::vector<IpAddress> addresses;
};
[[nodiscard]] std::expected<Host, NameError> host(std::string_view text, std::string_view zone);

/// Returns `local@domain` in lower case. ASCII only, without a quoted local part: traps and hostmasters don't need one.
[[nodiscard]] std::expected<std::string, NameError> mail_address(std::string_view text);

/// A trap in the config: an address, a domain, or a domain with all names below it (`*.trap.example.net`).
struct TrapName {
  enum class Kind : std::uint8_t { address, domain, domain_and_below };
  Kind kind = Kind::address;
  std::string name;  ///< lower case, without `*.`
};
/// A domain of either kind.
[[nodiscard]] std::expected<TrapName, NameError> trap_domain(std::string_view text);
/// Adds it; a domain with all names below it is added to both lists.
void add_trap(Traps& traps, const TrapName& trap);
/// Removes duplicates, so that each name is one witness.
void keep_each_once(Traps& traps);

/// `192.0.2.1:53` or `[2001:db8::1]:53`, port 1 to 65535.
[[nodiscard]] std::expected<Endpoint, NameError> endpoint(std::string_view text);

/// 32 hexadecimal digits in either case. The error doesn't show them.
[[nodiscard]] std::expected<CookieSecret, NameError> cookie_secret(std::string_view text);

/// A whole number and a unit, `512MB`, `100GB`, `2TB`, powers of ten; at least 1 MB.
[[nodiscard]] std::expected<std::uint64_t, NameError> parse_octets(std::string_view text);

/// Checks that the zone's TXT fits into one string with the longest address, and that Exim shows all of it.
[[nodiscard]] std::expected<void, NameError> check_txt(std::string_view text);

}  // namespace blowback::config
