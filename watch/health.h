// The problems of a daemon and their remedies: the answer to "is it alive?" and to "is it ready?".
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::watch {

/// A loop is stuck if it hasn't completed a turn for this long. Longer than any intended wait (a writer's lock: 10 s), and shorter than half
/// of the watchdog's time in our units.
inline constexpr std::chrono::seconds kStandsStill{30};

struct Trouble {
  std::string name;     ///< short and stable: `list-stale`, `feed-unreadable`…
  std::string detail;   ///< a sentence
  std::string mend;     ///< what to do
  bool hinders = true;  ///< false: the operator should act, but the daemon still works as it should
};

/// Empty: there is no problem.
using Health = std::vector<Trouble>;

/// Whether no problem hinders the daemon's work.
[[nodiscard]] bool is_well(const Health& health);
/// One line of JSON, ended by a line feed: `{"status":"ok","problems":[]}`, with `name`, `detail` and `mend` of each problem, and
/// `"failing"` if one of them hinders the work. Octets that aren't UTF-8 become U+FFFD.
[[nodiscard]] std::string to_json(const Health& health);
/// All details in one line: `detail; detail`.
[[nodiscard]] std::string in_words(const Health& health);
/// For STATUS= of the service manager: `work`, the daemon's work while it is well, followed by problems that don't hinder it; or the problems
/// that do.
[[nodiscard]] std::string status_sentence(std::string_view work, const Health& health);

}  // namespace blowback::watch
