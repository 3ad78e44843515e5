// One line of a `jsonl` feed. Private to the room.
//
//   {"received_at": "2026-11-24T10:00:00Z", "client_ip": "192.0.2.1", "helo": "mx.example", "mail_from": "",
//    "rcpt_to": ["a@trap.example.net"], "message": "…"}
//
// `message_base64` instead of `message` is for bytes that are not UTF-8; `"event": "callout"` without a message for a session that ended
// before DATA. Without `client_ip` the client is read from the message's trace fields; without `mail_from` the reverse-path is unknown.
// `rcpt_to` may be one string. `null` is the same as absent. Unknown keys are ignored, so that writers may add their own; a known key that
// appears twice is an error, since JSON readers differ in which one counts.
#pragma once

#include "blowback/trap_delivery.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace blowback::feed {

struct JsonLineError {
  std::string reason;      ///< `not-json`, `bad-field`, `bad-base64`, `too-large`
  std::string text;        ///< without quotes of the line, so it can be logged
  std::string quote = {};  ///< the wrong part of the line, printable and cut; "": none
};

/// `most`: octets of a message. Nesting is bounded, and the stack use constant.
[[nodiscard]] std::expected<TrapDelivery, JsonLineError> parse_json_line(std::string_view line, std::size_t most);

}  // namespace blowback::feed
