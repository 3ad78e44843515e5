// What scoring looks at of an incident: a value small enough to be kept for years and replayed by the million.
//
// The texts that tell witnesses, campaigns, origins and mailboxes apart are evidence, which expires. Their keys stay.
#pragma once

#include "blowback/attribution.h"
#include "blowback/incident.h"
#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/part_key.h"
#include "blowback/unix_time.h"

#include <optional>

namespace blowback {

struct Accusation {
  UnixTime received_at{};
  IpAddress client;
  Kind kind = Kind::dsn;  ///< one of the six
  double confidence = 1;
  ReversePath reverse_path = ReversePath::unknown;
  Relayed relayed = Relayed::no;
  bool doubtful_boundary = false;
  PartKey witness{};
  PartKey campaign{};
  PartKey origin{};  ///< of origin_key of the incident
  bool names_origin = false;
  std::optional<PartKey> mailbox;  ///< absent: no mailbox counts, see Verdict::mailbox_exists
};

/// By the incident's stored keys where it has them, else by its texts. Pure.
[[nodiscard]] Accusation accusation_of(const Incident& incident);

/// Whether it counts against its client. `any_reverse_path`: Policy::any_reverse_path. Pure.
[[nodiscard]] Counting counting_of(const Accusation& accusation, bool any_reverse_path);

}  // namespace blowback
