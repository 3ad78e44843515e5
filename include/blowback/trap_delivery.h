// One delivery to a trap as a feed yields it, with the envelope as far as the feed knows it.
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
  /// The feed's data states the time (a JSON line), so that the time distinguishes deliveries. A file's time doesn't: the same bytes
  /// read again are the same delivery.
  bool time_is_told = false;
  /// The client's address. Set only if the feed knows it from the connection; absent: it has to be read from the trace fields.
  std::optional<IpAddress> client;
  std::string helo;
  /// The reverse-path without angle brackets: "" is the null reverse-path. Absent: the feed doesn't know.
  std::optional<std::string> mail_from;
  /// The feed can't be sure where this message begins: it may be part of the text of another message (an mbox whose writer doesn't
  /// quote `From ` lines). It counts against nobody.
  bool doubtful_boundary = false;
  /// Forward-paths without angle brackets. Empty: the feed doesn't know.
  std::vector<std::string> rcpt_to;
  /// As received: header, blank line, body; with any line ends; without the `From ` line of an mbox.
  std::string message;
};

}  // namespace blowback
