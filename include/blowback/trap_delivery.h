// What a feed hands on: one delivery to a trap with its envelope, as far as the feed knows it.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/unix_time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback {

struct TrapDelivery {
  enum class Event : std::uint8_t {
    message,  ///< the session reached DATA; `message` holds the bytes
    callout,  ///< the session ended before DATA; `message` is empty
  };

  Event event = Event::message;
  UnixTime received_at{};
  /// The feed itself was told the time (a JSON line says so), so the time tells two deliveries apart. Where the time is
  /// only a file's, it doesn't: the same bytes read again are the same delivery.
  bool time_is_told = false;
  /// The address that connected. Set only where the connection told it; absent means: read it from the trace fields.
  std::optional<IpAddress> client;
  std::string helo;
  /// The reverse-path without angle brackets: "" is the null reverse-path. Absent: the feed doesn't know.
  std::optional<std::string> mail_from;
  /// The feed can't tell where this message began, so that somebody else's message may have brought it along as its text: an
  /// mbox whose writer doesn't quote. Nobody is accused by it.
  bool doubtful_boundary = false;
  /// Forward-paths without angle brackets. Empty: the feed doesn't know.
  std::vector<std::string> rcpt_to;
  /// As received: header, blank line, body; any line ends; without an mbox's `From ` line.
  std::string message;
};

}  // namespace blowback
