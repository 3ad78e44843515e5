// Words for a clock that can't be trusted.
#include "watch/clock_doubt.h"

#include "blowback/unix_time.h"
#include "watch/log.h"

#include <fmt/format.h>

namespace blowback::watch {
namespace {

/// What differs by less is the same step, slewed meanwhile.
constexpr std::chrono::seconds kSameStep{10};

constexpr std::string_view kMend =
    "set the clock right (chronyc makestep, or timedatectl set-ntp true): the daemon goes by it at once where that is "
    "the time "
    "it knows, else after ten minutes; nothing else is to be done";

[[nodiscard]] std::chrono::seconds whole(std::chrono::milliseconds span) {
  return std::chrono::round<std::chrono::seconds>(span);
}

[[nodiscard]] std::string sentence(std::chrono::milliseconds ahead) {
  return fmt::format("the system's clock is {}; time goes on by the time since boot, and nothing is swept up",
                     in_words(ahead));
}

}  // namespace

std::string in_words(std::chrono::milliseconds ahead) {
  if (ahead == std::chrono::milliseconds{0}) return "before this program was written";
  return fmt::format("{} by {}", ahead > std::chrono::milliseconds{0} ? "ahead" : "behind",
                     blowback::in_words(whole(ahead)));
}

void ClockLog::look(const ClockDoubt& doubt) {
  if (doubt && (!told_ || std::chrono::abs(*doubt - *told_) > kSameStep)) {
    log(Level::warning, "clock-in-doubt",
        {{"ahead_seconds", whole(*doubt).count()},
         Field::sentence("detail", sentence(*doubt) + "; " + std::string(kMend))});
    told_ = doubt;
  } else if (!doubt && told_) {
    log(Level::info, "clock-trusted");
    told_.reset();
  }
}

void add_clock(MetricsText& text, const ClockDoubt& doubt) {
  text.single("blowback_clock_in_doubt", MetricsText::Type::gauge,
              "1 if the system's clock was stepped and isn't believed yet, else 0.", std::uint64_t{doubt.has_value()});
  text.single("blowback_clock_ahead_seconds", MetricsText::Type::gauge,
              "By how much the system's clock is ahead of the one that the daemon goes by; 0 where there is no doubt.",
              static_cast<double>(doubt.value_or(std::chrono::milliseconds{}).count()) / 1e3);
}

void add_clock(Health& health, const ClockDoubt& doubt) {
  if (!doubt) return;
  health.push_back({.name = "clock-in-doubt", .detail = sentence(*doubt), .mend = std::string(kMend)});
}

}  // namespace blowback::watch
