// One delivery of backscatter as it is stored: the facts for scoring, and the evidence. A message to several traps is one incident.
#pragma once

#include "blowback/attribution.h"
#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/part_key.h"
#include "blowback/unix_time.h"
#include "blowback/verdict.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback {

struct Incident {
  /// SHA-256 in hex over the delivery's identity: a delivery read twice has the same digest both times. The store keeps its last
  /// 64 bits, which tell one sender's deliveries apart. Empty in incidents that are read from the store.
  std::string digest;
  UnixTime received_at{};
  IpAddress client;
  std::string helo;
  std::string feed;
  /// The trap's address in lower case; the first if there are several. Only the operator may see all of it; see `redacted`.
  std::string trap;
  /// The trap's address if the config names it, otherwise `@` and its domain: a domain is one witness, whatever local parts were hit.
  std::string witness;
  ReversePath reverse_path = ReversePath::unknown;
  Relayed relayed = Relayed::no;
  bool doubtful_boundary = false;  ///< TrapDelivery::doubtful_boundary
  Kind kind = Kind::dsn;           ///< one of the six
  Cause cause = Cause::none;
  double confidence = 1;
  bool claims_trap = false;       ///< Verdict::claims_trap
  bool could_have_known = false;  ///< ReturnedOriginal::spf_failed
  /// Identifies the mailing; never empty: if the message returned nothing, it is derived from the witness.
  std::string campaign;
  /// The client that gave the returned message to the accused server: its /24 or /64. "" if unknown.
  std::string origin;
  /// The mailbox that answered (automatic replies) or failed (bounces), in lower case. "" if unknown.
  std::string mailbox;
  bool mailbox_exists = false;  ///< Verdict::mailbox_exists
  std::string reporting_mta;
  std::string product;
  std::string queue_id;
  std::string message_id;
  std::string subject;
  /// The first Received: field that the accused server wrote; "" if none.
  std::string first_received;
  std::uint64_t size = 0;  ///< of the message, in octets
  std::vector<Signal> signals;
  /// False: its texts have expired. Then witness, campaign, origin and mailbox are `#` and their key in hex, and all other texts are empty.
  bool evidence_kept = true;
  /// The stored keys. Absent before it is recorded: then they are made of its texts.
  std::optional<PartKeys> keys;
  /// Ascending in the order of recording; 0 before it is recorded.
  std::uint64_t number = 0;
  /// What it added to the sender's score at `received_at`, after confidence and caps. The scorer sets it.
  double credit = 0;
};

/// Whether `incident` counts against its client, and if not, why. `any_reverse_path`: Policy::any_reverse_path. Pure.
[[nodiscard]] Counting counting_of(const Incident& incident, bool any_reverse_path);

/// The text by which the incident's origin is counted: the origin, or if unknown the witness and the day (UTC). So bounces
/// without a trace list a sender only if several witnesses or several days agree. Pure.
[[nodiscard]] std::string origin_key(const Incident& incident);

/// The text by which the incident's mailbox is counted; "" if it isn't: see Verdict::mailbox_exists. Pure.
[[nodiscard]] std::string mailbox_key(const Incident& incident);

/// A trap address in the form that others may see: `o…@t…`, the first letters of local part and domain.
[[nodiscard]] std::string redacted(const std::string& trap_address);

}  // namespace blowback
