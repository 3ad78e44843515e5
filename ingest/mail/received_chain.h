// Finds the client in the Received: fields, from the topmost one down through our own relays.
//
// Each of our relays is trusted about the host from which it received the message, and nothing below. The client is the host from which the
// last trusted relay received it; every line below can be forged, including lines that look like those of our relays.
// RFC 5321 §4.4; the forms of the mail servers that docs/manual.md names.
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
  std::string helo;                 ///< of the client; "": unknown
  std::optional<IpAddress> client;  ///< as the writer saw it, never as the client claimed it (a HELO of `[192.0.2.9]`)
  /// The client's name in DNS, confirmed by the writer; "": there is none, or it isn't confirmed. Unlike the HELO, a stranger can't choose it
  /// freely.
  std::string name;
  std::string by;                       ///< the writer's name; "": unknown
  std::optional<IpAddress> by_address;  ///< the writer's address, which Exchange adds
  std::string with;                     ///< protocol, upper case
  std::string id;                       ///< the writer's queue id
  /// There was no client, since the message was passed on within the host (LMTP, a content filter, qmail's `invoked by`). So the next line is
  /// the same host's, too.
  bool local_handover = false;
  /// A user submitted it: authenticated (RFC 3848), or as the writer puts it.
  bool is_submission = false;
  std::string recipient;  ///< of the `for` clause, without angle brackets; "": none
};

struct ReceivedError {
  std::string text;
};

/// Parses an unfolded value. Fails if it has no known form, or if two interpretations name different clients.
[[nodiscard]] std::expected<ReceivedHop, ReceivedError> parse_received(std::string_view value);

struct Client {
  IpAddress address;
  std::string helo;
  /// The number of Received: fields at the top that are ours (trusted): the client's server wrote the one at this index.
  std::size_t ours = 0;
};

/// Why the client can't be determined.
struct Doubt {
  /// A sentence with what to do: "…; if 10.0.0.5 is a relay of yours, add it to trusted_relays". Without quotes of mail, so it can be logged.
  std::string text;
  std::string quote;  ///< the field that it is about, printable and cut; "": none. It may be a stranger's text
};

/// `received`: the values of the Received: fields, topmost first. Loopback is always trusted, since at the top it is our own host. Special-use
/// addresses that aren't trusted relays are a doubt, except for documentation ranges, and so is an LMTP client that isn't one.
[[nodiscard]] std::expected<Client, Doubt> client_of(std::span<const std::string> received,
                                                     std::span<const Prefix> trusted_relays);

}  // namespace blowback::mail
