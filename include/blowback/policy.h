// The operator's policy: what each kind of backscatter weighs, how it fades, and when a sender is listed and for how long.
//
// It only says; ingest/score applies it. Defaults are those of the documented configuration.
#pragma once

#include "blowback/kind.h"
#include "blowback/unix_time.h"

#include <array>
#include <chrono>
#include <cstddef>

namespace blowback {

struct Policy {
  /// A standing halves in this time. > 0.
  Duration half_life = std::chrono::days{7};
  /// A sender is listed once its score is at least this. > 0.
  double list_at = 3.0;
  /// A listing ends when the score has faded to this. > 0, <= list_at.
  double delist_below = 1.0;
  /// Whether deliveries with a reverse-path that isn't null count as well. Whoever can write to a trap can then accuse.
  bool any_reverse_path = false;
  /// So many different witnesses must have reported within `memory()`. 1 to 64.
  int distinct_traps = 2;
  /// So many different campaigns likewise. 1 to 64; the cap below already asks for two at the default `list_at`.
  int distinct_campaigns = 1;
  /// What one witness, one campaign (one forged mailing), one origin (one network that handed letters in) and one mailbox
  /// (that answered or failed) can have standing against a sender at most. > 0.
  double trap_cap = 3.0;
  double campaign_cap = 2.0;
  double origin_cap = 2.0;
  double mailbox_cap = 2.0;
  /// What names no origin weighs this share, and each witness can have so much of `origin_cap` standing by it per day.
  /// 0 to 1.
  double unknown_origin = 0.5;
  /// No automatic listing outlasts the last incident by more. > 0.
  Duration max_listing = std::chrono::days{28};
  /// Each earlier listing of the sender multiplies the duration of the next. >= 1.
  double repeat_factor = 2.0;
  /// Whether 192.0.2.0/24 and its kin may be listed: demonstrations and tests.
  bool allow_documentation = false;
  /// By `Kind`, for the six kinds of backscatter. >= 0.
  std::array<double, 6> weights{1.0, 1.0, 1.0, 0.7, 0.5, 0.5};

  /// Requires is_backscatter(kind).
  [[nodiscard]] double weight_of(Kind kind) const { return weights[static_cast<std::size_t>(kind)]; }
  /// A trap or campaign counts as distinct for this long after its last incident: by then it has faded to a sixteenth.
  [[nodiscard]] Duration memory() const { return 4 * half_life; }
  /// What a witness, campaign, kind, origin or mailbox has standing is forgotten after this without an incident: by then it has
  /// faded to less than half a hundredth, and nothing of it need be kept.
  [[nodiscard]] Duration parts_forgotten_after() const { return 8 * half_life; }
};

}  // namespace blowback
