#include "watch/clock_doubt.h"

#include "blowback/unix_time.h"
#include "watch/log.h"

#include <fmt/format.h>

namespace blowback::watch {
namespace {

/// A smaller difference is the same step, slewed meanwhile.
constexpr std::chrono::seconds kSameStep{10};

constexpr std::string_view kMend =
    "correct the clock (chronyc makestep, or timedatectl set-ntp true): if it then agrees with the daemon's own time, "
    "the "
    "daemon uses it at once, otherwise after ten minutes; nothing else is needed";

[[nodiscard]] std::chrono::seconds whole(std::chrono::milliseconds span) {
  return std::chrono::round<std::chrono::seconds>(span);
}

[[nodiscard]] std::string sentence(std::chrono::milliseconds ahead) {
  return fmt::format(
      "the system's clock is {}; the daemon uses the time since boot instead, and removes nothing that has expired",
      in_words(ahead));
}

}  // namespace

std::string in_words(std::chrono::milliseconds ahead) {
  if (ahead == std::chrono::milliseconds{0}) return "before this program was written";
  return fmt::format("{} by {}", ahead > std::chrono::milliseconds{0} ? "ahead" : "behind",
                     blowback::in_words(whole(ahead)));
}

void ClockLog::look(const ClockDoubt& doubt) {
  if (doubt && (!logged_ || std::chrono::abs(*doubt - *logged_) > kSameStep)) {
    log(Level::warning, "clock-in-doubt",
        {{"ahead_seconds", whole(*doubt).count()},
         Field::sentence("detail", sentence(*doubt) + "; " + std::string(kMend))});
    logged_ = doubt;
  } else if (!doubt && logged_) {
    log(Level::info, "clock-trusted");
    logged_.reset();
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
