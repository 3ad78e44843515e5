// One delivery of backscatter to one trap, as it is kept: the accusation and its evidence.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/unix_time.h"
#include "blowback/verdict.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback {

struct Incident {
  /// SHA-256 in hex over the delivery's identity and the trap: a delivery read twice has the same digest both times.
  std::string digest;
  UnixTime received_at{};
  IpAddress client;
  std::string helo;
  std::string feed;
  /// The trap's address, lower case. Never shown whole to anybody but the operator.
  std::string trap;
  Kind kind = Kind::dsn;  ///< one of the six
  Cause cause = Cause::none;
  double confidence = 1;
  bool proved = false;
  bool could_have_known = false;  ///< ReturnedOriginal::spf_failed
  /// What tells mailings apart; never empty: where nothing was returned it is made of the trap.
  std::string campaign;
  std::string reporting_mta;
  std::string product;
  std::string queue_id;
  std::string message_id;
  std::string subject;
  /// The accused server's own first Received: line, "" where it wrote none.
  std::string first_received;
  std::uint64_t size = 0;  ///< of the message, in octets
  std::vector<Signal> signals;
  /// What it added to the sender's score at `received_at`, after confidence and caps. Set by the scorer.
  double credit = 0;
};

/// A trap address as others may see it: `o…@t…`. Local part and domain keep their first letter only.
[[nodiscard]] std::string redacted(const std::string& trap_address);

}  // namespace blowback
