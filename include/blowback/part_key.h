// The keys by which witnesses, campaigns, origins and mailboxes are told apart. They stay when the texts that they stand for expire.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace blowback {

/// Stands for a text against one sender: 64 bits of FNV-1a. Neither secret nor proof against collisions, and needn't be: two
/// texts that fall together only count for less.
enum class PartKey : std::uint64_t {};

/// Pure; the same for ever, since keys are stored.
[[nodiscard]] PartKey part_key(std::string_view text);

/// All keys of one incident.
struct PartKeys {
  PartKey witness{};
  PartKey campaign{};
  PartKey origin{};                ///< of origin_key of the incident
  std::optional<PartKey> mailbox;  ///< absent: no mailbox counts, see Verdict::mailbox_exists
};

}  // namespace blowback
