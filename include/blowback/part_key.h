// Keys of witnesses, campaigns, origins and mailboxes: hashes that are kept when the texts themselves expire.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace blowback {

/// 64 bits of FNV-1a over a text. It needs to be neither secret nor free of collisions: two witnesses of one sender with the same key
/// only count as one.
enum class PartKey : std::uint64_t {};

/// Pure. The function never changes, since keys are stored.
[[nodiscard]] PartKey part_key(std::string_view text);

/// All keys of one incident.
struct PartKeys {
  PartKey witness{};
  PartKey campaign{};
  PartKey origin{};                ///< of origin_key() of the incident
  std::optional<PartKey> mailbox;  ///< absent: no mailbox counts, see Verdict::mailbox_exists
};

}  // namespace blowback
