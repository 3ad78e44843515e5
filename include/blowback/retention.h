// For how long what is recorded is kept. It is people's mail: nothing is kept longer than somebody needs it.
#pragma once

#include "blowback/unix_time.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace blowback {

struct Retention {
  /// Texts of an incident (subject, trap, names, trace), from when it was recorded. > 0.
  Duration evidence = std::chrono::days{90};
  /// What scoring looks at of an incident, from when it was received. At least Policy::parts_forgotten_after.
  Duration incidents = std::chrono::days{365};
  /// What couldn't be judged or attributed, from when it came in; and all of it together, in octets.
  Duration quarantine = std::chrono::days{30};
  std::uint64_t quarantine_octets = 256'000'000;
  /// Changes of the list. Followers that were away for longer read the whole list.
  Duration journal = std::chrono::days{90};
  /// Beyond so many octets the oldest evidence goes before its time, then the oldest incidents, down to what scores hang on. Absent: no
  /// limit but the file system's: where that is nearly full, evidence goes.
  std::optional<std::uint64_t> max_disk;
};

}  // namespace blowback
