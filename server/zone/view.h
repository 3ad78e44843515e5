// What is answered from: the list, as of one time.
//
// Whatever changes an answer changes the serial, so that the serial identifies the content of the zone: also when something ends by the clock,
// whether or not a sweep has recorded that in the journal (schema/store.h, ZoneState).
#pragma once

#include "blowback/listing.h"
#include "blowback/unix_time.h"
#include "zone/listing_index.h"

#include <cstdint>
#include <memory>

namespace blowback::zone {

struct View {
  std::shared_ptr<const ListingIndex> index;  ///< nullptr until the database has been read once
  bool stale = false;  ///< the database couldn't be read for longer than allowed: answer that nobody is listed
  Serial serial = 0;   ///< of the zone; at least `index->serial()`, which is the journal's
  UnixTime as_of{};    ///< what is in force then is listed. Until the next view, nothing ends
  /// The low half. Zero is a valid serial (RFC 1982 §3): an empty list has it, and for a secondary with 0xffffffff it is newer.
  [[nodiscard]] std::uint32_t soa_serial() const { return static_cast<std::uint32_t>(serial & 0xffffffffU); }
};

}  // namespace blowback::zone
