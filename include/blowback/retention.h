// How long recorded data is kept. It comes from people's mail: nothing is kept longer than it is needed.
#pragma once

#include "blowback/unix_time.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace blowback {

struct Retention {
  /// Texts of an incident (subject, trap, names, trace), counted from its recording. > 0.
  Duration evidence = std::chrono::days{90};
  /// The facts for scoring of an incident, counted from its receipt. At least Policy::parts_forgotten_after().
  Duration incidents = std::chrono::days{365};
  /// Deliveries that couldn't be judged or attributed, counted from their receipt; and their total size in octets.
  Duration quarantine = std::chrono::days{30};
  std::uint64_t quarantine_octets = 256'000'000;
  /// The journal of listings. A follower that was away for longer reads the whole list.
  Duration journal = std::chrono::days{90};
  /// Requests for removal, counted from their removal or refusal. So long a removal makes the sender's next one wait (removal.h). > 0.
  Duration removals = std::chrono::days{180};
  /// Above this size in octets the oldest evidence is removed early, then the oldest incidents, except for those that scores depend on.
  /// Absent: only the file system limits the size; when it is nearly full, evidence is removed early.
  std::optional<std::uint64_t> max_disk;
};

}  // namespace blowback
