// What all feeds do with messages that are too large. Private to the room.
#pragma once

#include "feed.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace blowback::feed {

/// Octets kept of a message that is too large.
inline constexpr std::size_t kKept = 1U << 20U;

/// `size` in octets; `beginning` is cut at kKept.
[[nodiscard]] inline Unreadable too_large_message(std::uint64_t size, std::size_t limit, std::string beginning) {
  if (beginning.size() > kKept) beginning.resize(kKept);
  beginning.shrink_to_fit();
  return {
      .reason = "too-large",
      .detail = fmt::format("the message has {} octets, more than the limit of {}; its beginning is kept", size, limit),
      .bytes = std::move(beginning)};
}

/// An item's share of Bounds::octets.
[[nodiscard]] inline std::size_t size_of(const Item& item) {
  if (const auto* const delivery = std::get_if<TrapDelivery>(&item.content)) return delivery->message.size();
  return std::get<Unreadable>(item.content).bytes.size();
}

}  // namespace blowback::feed
