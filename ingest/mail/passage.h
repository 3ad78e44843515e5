// Whether the client created a message or relayed it, from the Received: fields below our own.
//
// To the client's own network belong: lines without a client's address (a hand-over on one host), private addresses, the client's own /24
// or /48, confirmed names with the registered domain of the line's writer, and HELO names with that domain if the line is Exchange's and the
// address is near the writer's or the client's own (/24 or /32), since Exchange doesn't confirm names.
//
// A stranger whose message is relayed can forge any line below the one in which the client's network accepted it, and the HELO in that one.
// He can't forge that line's address or confirmed name, and one line that names an outside client is enough.
#pragma once

#include "blowback/ip_address.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace blowback::mail {

struct Passage {
  bool from_outside = false;            ///< received from a public address outside the client's own network
  bool is_submission = false;           ///< a user submitted it
  std::vector<std::string> recipients;  ///< from the lines' `for` clauses, lower case
};

/// `received`: the values of the Received: fields below our own, topmost first. Of a line that can't be parsed the addresses count. Pure.
[[nodiscard]] Passage passage_of(std::span<const std::string> received, const IpAddress& client);

/// The client from which a server received a message that it returned. `received`: the returned message's fields, topmost first, which that
/// server wrote. Deliveries on one host (LMTP, qmail-queue) and from loopback are skipped. Absent: a user of the host submitted it, or the
/// first client has a private address; then the lines below may be forged. Pure.
[[nodiscard]] std::optional<IpAddress> handed_in_by(std::span<const std::string> received);

/// The network by which an address counts as an origin: its /24 or /48, which one customer may have. Pure.
[[nodiscard]] std::string origin_of(const IpAddress& address);

}  // namespace blowback::mail
