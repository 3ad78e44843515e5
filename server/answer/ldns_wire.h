// ldns behind RAII: the only place that includes it. Private to this room, and for .cc files only.
#pragma once

#include <ldns/ldns.h>
#include <stdbool.h>  // NOLINT(modernize-deprecated-headers): first, or ldns/common.h makes bool, true and false macros

#include <cstdlib>
#include <memory>

namespace blowback::answer {

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
struct FreeRecord {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
};
struct FreeOctets {
  void operator()(std::uint8_t* octets) const { std::free(octets); }  // NOLINT(cppcoreguidelines-no-malloc): ldns's own
};

using Packet = std::unique_ptr<ldns_pkt, FreePacket>;
using Record = std::unique_ptr<ldns_rr, FreeRecord>;
using Octets = std::unique_ptr<std::uint8_t, FreeOctets>;

}  // namespace blowback::answer
