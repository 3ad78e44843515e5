// Who connected: read from the Received: fields, by walking down from the top through our own relays.
//
// Each of our relays vouches for the hop it spoke with, and for nothing below. The address that the last trusted hop says
// it spoke with is the client; a stranger can write every line beneath it, also ones that look like our own relay's.
// RFC 5321 §4.4; the forms of Postfix, Exim, Sendmail, qmail, OpenSMTPD, Exchange, Haraka and Courier.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

/// One Received: field.
struct ReceivedHop {
  std::string helo;  ///< what the client called itself; "" where not said
  std::optional<IpAddress>
      client;  ///< the address the writer saw, never one the client claimed (a HELO of `[192.0.2.9]`)
  /// The client's name as the writer found it in the DNS and confirmed it by the address; "" where the form has none, or none
  /// that is confirmed. Unlike the HELO a stranger can't choose it freely.
  std::string name;
  std::string by;                       ///< the writer's own name; "" where not said
  std::optional<IpAddress> by_address;  ///< the writer's own address, where it says that (Exchange)
  std::string with;                     ///< protocol, upper case
  std::string id;                       ///< the writer's queue id
  /// The hop names no client because there was none: handed over on the same host (LMTP, a content filter, qmail's
  /// `invoked by`), so the line below is the same host's too.
  bool local_handover = false;
  /// A user submitted it: authenticated (RFC 3848), or the writer's own words for it.
  bool is_submission = false;
  std::string recipient;  ///< of the `for` clause, without angle brackets; "" where not said
};

struct ReceivedError {
  std::string text;
};

/// One field's value, unfolded. Fails where no known form fits, or where two readings would name different clients.
[[nodiscard]] std::expected<ReceivedHop, ReceivedError> parse_received(std::string_view value);

struct Client {
  IpAddress address;
  std::string helo;
  /// How many Received: fields from the top are ours (trusted): the first that the accused server wrote is at this index.
  std::size_t ours = 0;
};

/// Why no client can be named.
struct Doubt {
  /// A sentence with the way out: "…; if 10.0.0.5 is a relay of yours, add it to trusted_relays". Our own words, addresses and
  /// numbers only, so it can be logged.
  std::string text;
  std::string
      quote;  ///< the field that it is about, printable and cut; "" where there is none. A stranger may have written it
};

/// `received`: the values of the Received: fields, top first. Loopback is trusted always: only our own host can write
/// from there at the top. Special-use addresses that aren't trusted relays are in doubt, documentation ranges aren't.
[[nodiscard]] std::expected<Client, Doubt> client_of(std::span<const std::string> received,
                                                     std::span<const Prefix> trusted_relays);

}  // namespace blowback::mail
