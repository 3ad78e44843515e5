// One line of a `jsonl` feed. Private to the room.
//
//   {"received_at": "2026-11-24T10:00:00Z", "client_ip": "192.0.2.1", "helo": "mx.example", "mail_from": "",
//    "rcpt_to": ["a@trap.example.net"], "message": "…"}
//
// `message_base64` in place of `message` for bytes that are not UTF-8; `"event": "callout"` with no message for a session
// that ended before DATA. Without `client_ip` the client is read from the message's trace fields, without `mail_from` the
// reverse-path is unknown. `rcpt_to` may be one string. `null` is as good as absent. Unknown keys are ignored, so that whoever
// writes the lines may add his own; a known key that comes twice is an error, since readers differ in which one counts.
#pragma once

#include "blowback/trap_delivery.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace blowback::feed {

struct JsonLineError {
  std::string reason;      ///< `not-json`, `bad-field`, `bad-base64`, `too-large`
  std::string text;        ///< our own words and numbers, so it can be logged
  std::string quote = {};  ///< what of the line is wrong, printable and cut; "" where the text says it all
};

/// `most`: octets of a message. Nesting is bounded, the stack needed is constant.
[[nodiscard]] std::expected<TrapDelivery, JsonLineError> parse_json_line(std::string_view line, std::size_t most);

}  // namespace blowback::feed
