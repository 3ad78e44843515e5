// The zone's wildcards (RFC 4592): a network that is listed as a whole, with nothing else said of a part of it, is one name.
//
// So the zone has the same names as a zone file of the same list (`blowback export --format zone`), and secondaries that serve it give the same
// answers as we do, to absurd names as well. docs/decisions.md has the reasons.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/prefix.h"
#include "blowback/unix_time.h"
#include "zone/listing_index.h"

#include <optional>

namespace blowback::answer {

struct Wildcard {
  Prefix network;
  CodeSet codes;
};

/// The wildcard whose network is, or contains, `within`; there is at most one. An address has one if it is listed, and isn't named by itself.
/// Names below that wildcard's parent have its records, all but those of the wildcard's own name and below that. `codes`: those that the zone has. Pure.
[[nodiscard]] std::optional<Wildcard> wildcard_around(const Prefix& within, const zone::ListingIndex& index,
                                                      UnixTime now, CodeSet codes = CodeSet::all());

/// What the TXT of a listed address is about: the network of its wildcard, or the address itself. Requires that `cover` is what `index` has for
/// the address and the zone's `codes`, and that it isn't empty. Pure.
[[nodiscard]] Prefix subject_of(const IpAddress& address, const zone::ListingIndex::Cover& cover,
                                const zone::ListingIndex& index, UnixTime now, CodeSet codes = CodeSet::all());

}  // namespace blowback::answer
