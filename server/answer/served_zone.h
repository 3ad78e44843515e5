// What the configuration says of the zone, made ready for answering: names in wire format, times, the TXT's text.
//
// With it what the configuration says of who asks. An immutable value, made once per start or SIGHUP, shared by all workers.
#pragma once

#include "answer/access.h"
#include "answer/cookie.h"
#include "blowback/ip_address.h"
#include "config/config.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace blowback::answer {

/// A whole domain name in wire format, the root label included: at most 255 octets.
using WireName = std::vector<std::uint8_t>;

/// `name` without its final dot, plain letters, digits, hyphens and underscores. Fails with a clause that says what is
/// wrong with it.
[[nodiscard]] std::expected<WireName, std::string> wire_name(const std::string& name);

class CompiledAnswers;

/// A name server in the zone, whose addresses we tell.
struct ZoneHost {
  WireName below_apex;  ///< the labels left of the apex, lower case; without a root
  std::vector<IpAddress> addresses;
};

struct ServedZone {
  WireName apex;
  std::size_t apex_labels = 0;        ///< without the root
  std::vector<WireName> nameservers;  ///< not empty; the first is the SOA's MNAME
  std::vector<ZoneHost> hosts;        ///< names of some of them
  WireName hostmaster;                ///< the SOA's RNAME: the local part is one label, dots and all (RFC 1035 §8)
  std::uint32_t ttl = 0;              ///< of positive answers and of the SOA
  std::uint32_t negative_ttl = 0;     ///< the SOA's minimum (RFC 2308 §4)
  std::string txt;                    ///< `{ip}` stands for the address
  std::string nsid;                   ///< RFC 5001; empty: not told
  std::uint16_t keepalive = 0;        ///< RFC 7828, in units of 100 ms

  AccessList access;                     ///< who may ask
  std::optional<CookieSecrets> cookies;  ///< absent: cookies are neither checked nor given

  std::shared_ptr<const CompiledAnswers> compiled;  ///< the answers of all that stands above; this room's own

  /// `random`: for cookies, where the config names no secret; see CookieSecrets::of. Fails with a sentence that names the key.
  [[nodiscard]] static std::expected<ServedZone, std::string> of(const config::Zone& zone, const config::Server& server,
                                                                 const CookieSecret& random);

  /// What the TXT says of `address`: at most 255 octets.
  [[nodiscard]] std::string txt_for(const IpAddress& address) const;
};

}  // namespace blowback::answer
