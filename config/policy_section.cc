#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

namespace blowback::config {

void read_policy(Section& section, Policy& policy) {
  constexpr Range kAmount{.least = 0, .most = 1e6, .above = true};
  section.duration("half_life", policy.half_life, Duration{1}, kTenYears);
  section.number("list_at", policy.list_at, kAmount);
  section.number("delist_below", policy.delist_below, kAmount);
  choice(section, "reverse_path", policy.any_reverse_path, kReversePaths);
  section.integer("distinct_traps", policy.distinct_traps, 1, 64);
  section.integer("distinct_campaigns", policy.distinct_campaigns, 1, 64);
  section.number("trap_cap", policy.trap_cap, kAmount);
  section.number("campaign_cap", policy.campaign_cap, kAmount);
  section.number("origin_cap", policy.origin_cap, kAmount);
  section.number("mailbox_cap", policy.mailbox_cap, kAmount);
  section.number("unknown_origin", policy.unknown_origin, {.least = 0, .most = 1});
  section.duration("max_listing", policy.max_listing, Duration{1}, kTenYears);
  section.number("repeat_factor", policy.repeat_factor, {.least = 1, .most = 1000});
  section.boolean("allow_documentation", policy.allow_documentation);
  section.section("weights", [&](Section& weights) {
    for (std::size_t i = 0; i < policy.weights.size(); ++i) {
      weights.number(name_of(static_cast<Kind>(i)), policy.weights[i], {.least = 0, .most = 1e6});
    }
  });
  if (policy.delist_below <= policy.list_at) return;
  const std::string_view key = section.has("delist_below") ? "delist_below" : "list_at";
  section.complain(key,
                   fmt::format("makes delist_below ({:g}) greater than list_at ({:g}), so that a listing would end "
                               "before it began; lower delist_below",
                               policy.delist_below, policy.list_at));
}

}  // namespace blowback::config
