// The zones' configuration, prepared for answering: names in wire format, times, the TXT's text; and the configuration of access and
// cookies. Immutable values, made once per start or reload, and shared by all workers.
#pragma once

#include "answer/access.h"
#include "answer/cookie.h"
#include "answer/tsig.h"
#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/prefix.h"
#include "config/config.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blowback::answer {

/// A complete domain name in wire format, with the root label: at most 255 octets.
using WireName = std::vector<std::uint8_t>;

/// `name`: without its final dot; letters, digits, hyphens and underscores. Fails with a clause that says what is wrong.
[[nodiscard]] std::expected<WireName, std::string> wire_name(const std::string& name);

class CompiledAnswers;

/// A name server or another host in the zone, with the addresses that we answer for it.
struct ZoneHost {
  WireName below_apex;  ///< the labels left of the apex, in lower case, without the root
  std::vector<IpAddress> addresses;
};

struct ServedZone {
  std::string name;                ///< as in the config
  CodeSet codes = CodeSet::all();  ///< what isn't listed with one of these isn't in the zone
  WireName apex;
  std::size_t apex_labels = 0;        ///< without the root
  std::vector<WireName> nameservers;  ///< not empty; the first is the SOA's MNAME
  std::vector<ZoneHost> hosts;        ///< those name servers that are in the zone, and other hosts
  WireName hostmaster;                ///< the SOA's RNAME: the local part is one label, dots and all (RFC 1035 §8)
  std::uint32_t ttl = 0;              ///< of positive answers and of the SOA
  std::uint32_t negative_ttl = 0;     ///< the SOA's minimum (RFC 2308 §4)
  std::string txt;                    ///< `{ip}` stands for the address, or for the network of a wildcard

  // Of the server: the same in all its zones.
  std::string nsid;                      ///< RFC 5001; empty: not sent
  std::uint16_t keepalive = 0;           ///< RFC 7828, in units of 100 ms
  AccessList access;                     ///< who may ask
  PrefixSet transfer;                    ///< who may transfer the whole zone, and so may ask, too
  std::vector<TsigKey> keys;             ///< some of them allow that, as well
  std::optional<CookieSecrets> cookies;  ///< absent: cookies are neither checked nor sent

  std::shared_ptr<const CompiledAnswers> compiled;  ///< the answers that follow from the above; for this room only

  /// Requires that the secrets of all keys were read. `random`: for cookies if the config has no secret; see CookieSecrets::of. Fails with a sentence that names the key.
  [[nodiscard]] static std::expected<ServedZone, std::string> of(const config::Zone& zone, const config::Server& server,
                                                                 const CookieSecret& random);

  /// The text of the TXT record for an address, or for a network that a wildcard names: at most 255 octets.
  [[nodiscard]] std::string txt_for(const Prefix& subject) const;
  /// The same text without allocating. Returns its length.
  std::size_t txt_to(const Prefix& subject, std::span<std::uint8_t, 255> out) const;
};

/// All zones of a server: at least one, and none within another.
struct ServedZones {
  std::vector<ServedZone> all;

  /// Requires that `zones` isn't empty, and what ServedZone::of requires. Fails likewise.
  [[nodiscard]] static std::expected<ServedZones, std::string> of(std::span<const config::Zone> zones,
                                                                  const config::Server& server,
                                                                  const CookieSecret& random);

  /// The first one. What belongs to the server can be taken from it.
  [[nodiscard]] const ServedZone& main() const { return all.front(); }
};

}  // namespace blowback::answer
