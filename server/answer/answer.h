// From the octets of a query to the octets of a reply: the whole of what the server knows of DNS, without sockets or clock.
#pragma once

#include "answer/outcome.h"
#include "answer/served_zone.h"
#include "blowback/unix_time.h"
#include "zone/follower.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace blowback::answer {

enum class Transport : std::uint8_t { udp, tcp };

struct Answer {
  std::optional<std::vector<std::uint8_t>> reply;  ///< absent: silence
  Outcome outcome = Outcome::dropped;
  bool truncated = false;
};

/// Total: any octets are answered, or met with silence. Safe from any thread.
[[nodiscard]] Answer answer(std::span<const std::uint8_t> query, Transport transport, const ServedZone& zone,
                            const zone::View& view, UnixTime now);

}  // namespace blowback::answer
