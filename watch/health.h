// What is wrong with a daemon, and what mends it: the answer to "are you alive?" and to "can you do your work?".
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::watch {

/// Work that goes round and round stands still if it hasn't come round for so long. Longer than anything that is waited for
/// on purpose (a writer's lock: 10 s), shorter than half of the watchdog's time that our units set.
inline constexpr std::chrono::seconds kStandsStill{30};

struct Trouble {
  std::string name;     ///< short and stable: `list-stale`, `feed-unreadable`…
  std::string detail;   ///< a sentence for a person
  std::string mend;     ///< what to do
  bool hinders = true;  ///< false: it is to be mended, and the work goes on as it should meanwhile
};

/// Nothing is wrong if it is empty.
using Health = std::vector<Trouble>;

/// Whether the answer is yes: nothing hinders the work.
[[nodiscard]] bool is_well(const Health& health);
/// One line of JSON, ended by a line feed: `{"status":"ok","problems":[]}`, with `name`, `detail` and `mend` of each problem, and
/// `"failing"` where one of them hinders the work. Octets that aren't UTF-8 become U+FFFD.
[[nodiscard]] std::string to_json(const Health& health);
/// All of them on one line: `detail; detail`.
[[nodiscard]] std::string in_words(const Health& health);
/// For STATUS= of the service manager: `work`, what a daemon does while it is well, with what is to be mended behind it; or what hinders it.
[[nodiscard]] std::string status_sentence(std::string_view work, const Health& health);

}  // namespace blowback::watch
