// The decision: what the question means, whether the name exists, and which RRset answers it.
//
// Pure, and separate from building the reply, so that all ways of building one make the same decision. Private to this room.
#pragma once

#include "answer/outcome.h"
#include "answer/served_zone.h"
#include "blowback/kind.h"
#include "blowback/prefix.h"
#include "query.h"
#include "zone/view.h"

#include <cstdint>
#include <optional>

namespace blowback::answer {

enum class Rcode : std::uint8_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  notauth = 9,
  badvers = 16
};

/// The extended errors that we send (RFC 8914).
enum class ExtendedError : std::uint16_t {
  stale_answer = 3,
  not_ready = 14,
  prohibited = 18,
  not_authoritative = 20,
};

struct Decision {
  enum class RrSet : std::uint8_t { none, a, txt, soa, ns, host_a, host_aaaa };

  Rcode rcode = Rcode::noerror;
  bool authoritative = false;
  RrSet answer = RrSet::none;
  CodeSet codes;                   ///< `a`: one record for each, in the order of the codes
  Prefix subject;                  ///< `txt`: what it is about, an address or the network of a wildcard
  const ZoneHost* host = nullptr;  ///< `host_a`, `host_aaaa`: a name server or another host, owned by the zone
  bool negative = false;           ///< the SOA is added to the authority section (RFC 2308)
  std::uint32_t serial = 0;        ///< the SOA's
  std::optional<ExtendedError> extended_error;
  Outcome outcome = Outcome::formerr;
};

/// Who asks, and how.
struct Asker {
  bool may_ask = false;
  bool may_transfer = false;  ///< the whole zone; requires may_ask
  bool tcp = false;
};

/// The zone that `query` is about: the one that its QNAME is in. The main one if there is none, or no QNAME that could be read.
[[nodiscard]] const ServedZone& zone_of(const Query& query, const ServedZones& zones);

/// The reply to `query`; with the outcome `transfer` it isn't a reply, but the zone follows. Requires that its form isn't `silence`, and that `zone` is
/// the one that it is about.
[[nodiscard]] Decision decide(const Query& query, const Asker& asker, const ServedZone& zone, const zone::View& view);

}  // namespace blowback::answer
