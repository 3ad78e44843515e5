// The operator's policy: the weight of each kind of backscatter, how scores fade, when a sender is listed and for how long.
//
// ingest/score applies it. The defaults are those of the documented configuration.
#pragma once

#include "blowback/kind.h"
#include "blowback/unix_time.h"

#include <array>
#include <chrono>
#include <cstddef>

namespace blowback {

struct Policy {
  /// A score halves in this time. > 0.
  Duration half_life = std::chrono::days{7};
  /// A sender is listed once its score is at least this. > 0.
  double list_at = 3.0;
  /// A listing ends when the score has faded to this. > 0, <= list_at.
  double delist_below = 1.0;
  /// Whether deliveries with a reverse-path other than null count, too. Then anybody who can write to a trap can accuse others.
  bool any_reverse_path = false;
  /// A sender is listed only if this many different witnesses reported it within `memory()`. 1 to 64.
  int distinct_traps = 2;
  /// Likewise different campaigns. 1 to 64. With the default `list_at`, `campaign_cap` already requires two.
  int distinct_campaigns = 1;
  /// The most that one witness, one campaign (a forged mailing), one origin (a network that submitted messages) and one mailbox
  /// (that answered or failed) can add to a sender's score at any time. > 0.
  double trap_cap = 3.0;
  double campaign_cap = 2.0;
  double origin_cap = 2.0;
  double mailbox_cap = 2.0;
  /// An incident without a known origin counts this share of its weight, and all of them of one witness and day have this share of
  /// `origin_cap`. 0 to 1.
  double unknown_origin = 0.5;
  /// An automatic listing ends at most this long after the last incident. > 0.
  Duration max_listing = std::chrono::days{28};
  /// Each earlier listing of the sender multiplies the duration of the next. >= 1.
  double repeat_factor = 2.0;
  /// Whether documentation networks such as 192.0.2.0/24 may be listed: for demonstrations and tests.
  bool allow_documentation = false;
  /// By `Kind`, for the six kinds of backscatter. >= 0.
  std::array<double, 6> weights{1.0, 1.0, 1.0, 0.7, 0.5, 0.5};

  /// Requires is_backscatter(kind).
  [[nodiscard]] double weight_of(Kind kind) const { return weights[static_cast<std::size_t>(kind)]; }
  /// For this long after its last incident a witness or campaign counts as a distinct one. By then it has faded to a sixteenth.
  [[nodiscard]] Duration memory() const { return 4 * half_life; }
  /// The part of a witness, campaign, kind, origin or mailbox is removed after this time without an incident: by then it has faded to
  /// 1/256.
  [[nodiscard]] Duration parts_forgotten_after() const { return 8 * half_life; }
};

}  // namespace blowback
