// How a message came to the client: created there, or passed on by it. Read from the Received: fields below our own.
//
// The client's own network is: lines without a client's address (a hand-over on one host), private addresses, the client's
// own /24 or /48, a confirmed name of the same registered domain as the line's writer, and a HELO of that domain where the line
// is Exchange's and the address lies beside the writer's or the client's own (/24 or /32), since Exchange confirms no names.
//
// A stranger who has a message passed on can write any line below the one in which the client's network took it in, and the
// HELO of that one. He can't write that line's address or confirmed name, and one line that names an outside client is enough.
#pragma once

#include "blowback/ip_address.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blowback::mail {

struct Passage {
  bool from_outside = false;            ///< a public address outside the client's own network handed it in
  bool is_submission = false;           ///< a user submitted it
  std::vector<std::string> recipients;  ///< of the lines' `for` clauses, lower case
};

/// `received`: the values of the Received: fields below our own, top first. A line that can't be read counts by the
/// addresses in it. Pure.
[[nodiscard]] Passage passage_of(std::span<const std::string> received, const IpAddress& client);

/// Who handed a letter to the server that returned it: `received` are the letter's own fields, top first, of which that
/// server wrote the topmost. Deliveries on one host (LMTP, qmail-queue) and loopback are passed over. Absent where a user of the
/// host itself submitted it, or where the first client is a private address: whoever that was may have written the lines
/// below. Pure.
[[nodiscard]] std::optional<IpAddress> handed_in_by(std::span<const std::string> received);

/// The network that an address is counted by as an origin: its /24, or its /48, which one customer may hold. Pure.
[[nodiscard]] std::string origin_of(const IpAddress& address);

}  // namespace blowback::mail
