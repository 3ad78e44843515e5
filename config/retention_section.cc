#include "names.h"
#include "sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::config {

using std::chrono::days;
using std::chrono::hours;

void read_retention(Section& section, Config& config) {
  Retention& retention = config.retention;
  const auto size = [&](std::string_view key, std::optional<std::uint64_t>& into) {
    std::string text;
    section.text(key, text);
    if (!section.is_good(key) || (text.empty() && key == "max_disk")) return;
    if (auto octets = parse_octets(text)) {
      into = *octets;
    } else {
      section.complain(key, octets.error().text);
    }
  };
  section.duration("evidence", retention.evidence, days{1}, kTenYears);
  section.duration("incidents", retention.incidents, days{1}, kTenYears);
  // Incidents aren't removed while a listing depends on them.
  const Duration least = std::max(config.policy.parts_forgotten_after() * 2, config.policy.max_listing);
  if (retention.incidents < least) {
    section.complain(
        "incidents",
        fmt::format(
            "is shorter than the time in which scores depend on incidents under this policy, so that a decision "
            "couldn't be undone; set it to at least \"{}\", or lower policy.half_life",
            to_string(least)));
  }
  section.duration("quarantine", retention.quarantine, hours{1}, kTenYears);
  std::optional<std::uint64_t> quarantine_octets;
  size("quarantine_size", quarantine_octets);
  if (quarantine_octets) retention.quarantine_octets = *quarantine_octets;
  section.duration("journal", retention.journal, days{1}, kTenYears);
  section.duration("removals", retention.removals, days{1}, kTenYears);
  section.duration("maildir", config.maildir_kept, days{1}, kTenYears);
  size("max_disk", retention.max_disk);
}

}  // namespace blowback::config
