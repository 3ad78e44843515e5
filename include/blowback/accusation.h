// The part of an incident that scoring reads: small enough to be kept for years, and to be replayed by the million.
//
// The texts of witness, campaign, origin and mailbox are evidence, which expires. Their keys stay.
#pragma once

#include "blowback/attribution.h"
#include "blowback/incident.h"
#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/part_key.h"
#include "blowback/unix_time.h"

namespace blowback {

struct Accusation {
  UnixTime received_at{};
  IpAddress client;
  Kind kind = Kind::dsn;  ///< one of the six
  double confidence = 1;
  ReversePath reverse_path = ReversePath::unknown;
  Relayed relayed = Relayed::no;
  bool doubtful_boundary = false;
  PartKeys keys;
  bool names_origin =
      false;  ///< the incident's origin is known; otherwise keys.origin stands for the witness and the day
};

/// With the incident's stored keys, or if it has none with keys made of its texts. Pure.
[[nodiscard]] Accusation accusation_of(const Incident& incident);

/// Whether it counts against its client, and if not, why. `any_reverse_path`: Policy::any_reverse_path. Pure.
[[nodiscard]] Counting counting_of(const Accusation& accusation, bool any_reverse_path);

}  // namespace blowback
