// One delivery of backscatter, as it is kept: the accusation and its evidence. A message to several traps is one incident.
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
  /// 64 bits, for one sender's deliveries to be told apart; what it gives back has none.
  std::string digest;
  UnixTime received_at{};
  IpAddress client;
  std::string helo;
  std::string feed;
  /// The trap's address, lower case; the first where there are several. Never shown whole to anybody but the operator.
  std::string trap;
  /// Who testifies: the address where the config names it, else `@` and its whole domain, however many local parts were hit.
  std::string witness;
  ReversePath reverse_path = ReversePath::unknown;
  Relayed relayed = Relayed::no;
  bool doubtful_boundary = false;  ///< TrapDelivery::doubtful_boundary
  Kind kind = Kind::dsn;           ///< one of the six
  Cause cause = Cause::none;
  double confidence = 1;
  bool claims_trap = false;       ///< Verdict::claims_trap
  bool could_have_known = false;  ///< ReturnedOriginal::spf_failed
  /// What tells mailings apart; never empty: where nothing was returned it is made of the witness.
  std::string campaign;
  /// Who handed the returned letter to the accused server: its /24 or /64. "" where that isn't known.
  std::string origin;
  /// The mailbox that answered (automatic replies) or failed (bounces), lower case. "" where that isn't known.
  std::string mailbox;
  bool mailbox_exists = false;  ///< Verdict::mailbox_exists
  std::string reporting_mta;
  std::string product;
  std::string queue_id;
  std::string message_id;
  std::string subject;
  /// The accused server's own first Received: line, "" where it wrote none.
  std::string first_received;
  std::uint64_t size = 0;  ///< of the message, in octets
  std::vector<Signal> signals;
  /// False: its texts have expired. Then witness, campaign, origin and mailbox are `#` and their key in hex, and no other text is left.
  bool evidence_kept = true;
  /// Its keys as they are stored. Absent before it is recorded: then they follow from its texts.
  std::optional<PartKeys> keys;
  /// Counts up in the order in which incidents were recorded; 0 before.
  std::uint64_t number = 0;
  /// What it added to the sender's score at `received_at`, after confidence and caps. Set by the scorer.
  double credit = 0;
};

/// Whether `incident` counts against its client. `any_reverse_path`: Policy::any_reverse_path. Pure.
[[nodiscard]] Counting counting_of(const Incident& incident, bool any_reverse_path);

/// By which key the incident's origin is counted: the network that handed the letter in. Where that isn't known, the witness
/// and the day (UTC): so bounces that return no trace list a sender only if more witnesses or more days agree. Pure.
[[nodiscard]] std::string origin_key(const Incident& incident);

/// By which key the incident's mailbox is counted, "" where by none: see Verdict::mailbox_exists. Pure.
[[nodiscard]] std::string mailbox_key(const Incident& incident);

/// A trap address as others may see it: `o…@t…`. Local part and domain keep their first letter only.
[[nodiscard]] std::string redacted(const std::string& trap_address);

}  // namespace blowback
