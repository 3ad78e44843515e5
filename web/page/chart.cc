#include "chart.h"

#include "blowback/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>

namespace blowback::page {
namespace {

// The picture's own units. A phone shows it at three quarters of this width, so the letters, 13 high, stay readable.
constexpr double kWidth = 480;
constexpr double kHeight = 230;
constexpr double kLeft = 38;
constexpr double kRight = 8;
constexpr double kTop = 22;
constexpr double kBottom = 26;

[[nodiscard]] double bounded(double value, double least, double most) {
  return std::isfinite(value) ? std::clamp(value, least, most) : least;
}

/// `2026-11-24` as `11-24`.
[[nodiscard]] std::string day_label(UnixTime time) { return minute(time).substr(5, 5); }

class Drawing {
 public:
  Drawing(std::string_view kind, double height, std::string_view title, std::string_view text) {
    out_ = fmt::format(R"(<svg class="chart {}" viewBox="0 0 {:.0f} {:.0f}" role="img"><title>{}</title>)", kind,
                       kWidth, height, escaped(title));
    if (!text.empty()) out_ += fmt::format("<desc>{}</desc>", escaped(text));
  }
  void line(std::string_view style, double x1, double y1, double x2, double y2) {
    fmt::format_to(std::back_inserter(out_), R"(<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)",
                   style, x1, y1, x2, y2);
  }
  void rectangle(std::string_view style, double x, double y, double width, double height) {
    if (width <= 0 || height <= 0) return;
    fmt::format_to(std::back_inserter(out_),
                   R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", style, x, y, width,
                   height);
  }
  void label(std::string_view style, double x, double y, std::string_view anchor, std::string_view text) {
    fmt::format_to(std::back_inserter(out_), R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)",
                   style, x, y, anchor, escaped(text));
  }
  void dot(std::string_view style, double x, double y) {
    fmt::format_to(std::back_inserter(out_), R"(<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3"/>)", style, x, y);
  }
  void path(std::string_view style, std::string_view data) {
    fmt::format_to(std::back_inserter(out_), R"(<path class="{}" d="{}"/>)", style, data);
  }
  [[nodiscard]] Html done() && { return {std::move(out_) + "</svg>"}; }

 private:
  std::string out_;
};

/// The score over time: what is left of each incident that was received by then. What is older than the terms faded in the same way.
class Score {
 public:
  Score(const account::Account& account, const Policy& policy, UnixTime now)
      : account_(account), half_life_(static_cast<double>(policy.half_life.count())), now_(now) {}

  [[nodiscard]] double at(UnixTime time) const {
    const auto grown = std::exp2(static_cast<double>((now_ - time).count()) / half_life_);
    double sum = std::max(account_.older, 0.0) * grown;
    for (const auto& term : account_.terms) {
      if (term.hour <= time) sum += term.left * grown;
    }
    return std::isfinite(sum) ? sum : 0;
  }

  /// When it will have faded to `amount`; `now` if it has.
  [[nodiscard]] UnixTime faded_to(double amount) const {
    const double score = at(now_);
    if (score <= amount || amount <= 0) return now_;
    return now_ + Duration(static_cast<std::int64_t>(half_life_ * std::log2(score / amount)));
  }

 private:
  const account::Account& account_;
  double half_life_;
  UnixTime now_;
};

/// When the automatic listing ends.
[[nodiscard]] std::optional<UnixTime> end_of(const account::Account& account) {
  const auto found = std::ranges::find(account.in_force, Source::automatic, &Listing::source);
  return found == account.in_force.end() ? std::nullopt : found->expires_at;
}

/// Whole days between two labels of the axis, so that at most six have room.
[[nodiscard]] std::int64_t days_between_labels(Duration span) {
  const auto days = std::chrono::ceil<std::chrono::days>(span).count();
  for (const std::int64_t step : {1, 2, 7, 14, 28, 91}) {
    if (days <= step * 6) return step;
  }
  return days / 6 + 1;
}

}  // namespace

Html score_chart(const account::Account& account, const Policy& policy, UnixTime now, const ScoreChart& labels) {
  if (account.score <= 0 || account.terms.empty()) return {};
  const Score score(account, policy, now);
  const auto ends = end_of(account);
  const auto margin = std::max<Duration>(policy.half_life / 10, Duration{3600});
  const UnixTime from = std::min(account.terms.back().hour, now) - margin;
  const UnixTime to = std::max({ends.value_or(now), score.faded_to(policy.delist_below), now}) + margin;
  const double span = static_cast<double>((to - from).count());
  double highest = policy.list_at;
  for (const auto& term : account.terms) highest = std::max(highest, score.at(term.hour));
  highest = std::max(highest * 1.1, 0.1);

  const double right = kWidth - kRight;
  const double floor = kHeight - kBottom;
  const auto x_of = [&](UnixTime time) {
    return bounded(kLeft + static_cast<double>((time - from).count()) / span * (right - kLeft), kLeft, right);
  };
  const auto y_of = [&](double value) { return bounded(floor - value / highest * (floor - kTop), kTop, floor); };

  Drawing drawing("score", kHeight, labels.title, labels.text);
  // The time of the listing, then the thresholds, then the curve on top of them.
  for (const auto& listing : account.in_force) {
    if (listing.source != Source::automatic || !account.exempt.empty()) continue;
    const double begin = x_of(std::max(listing.listed_at, from));
    drawing.rectangle("during", begin, kTop, x_of(listing.expires_at.value_or(to)) - begin, floor - kTop);
  }
  drawing.line("axis", kLeft, floor, right, floor);
  const auto step = std::chrono::days(days_between_labels(to - from));
  for (auto day = std::chrono::ceil<std::chrono::days>(from); day < to; day += step) {
    const double x = x_of(day);
    drawing.line("tick", x, floor, x, floor + 4);
    if (x > kLeft + 12 && x < right - 16) drawing.label("label", x, floor + 18, "middle", day_label(day));
  }
  // The curve comes down to the right: above the upper line and below the lower one there is room for words.
  const auto threshold = [&](double value, std::string_view style, double offset, std::string_view text) {
    const double y = y_of(value);
    drawing.line(style, kLeft, y, right, y);
    drawing.label("label", kLeft - 5, y + 4, "end", fmt::format("{:.1f}", value));
    drawing.label("label note", right - 40, bounded(y + offset, kTop, floor - 2), "end", text);
  };
  threshold(policy.list_at, "threshold", -5, labels.listed_from);
  threshold(policy.delist_below, "threshold low", 15, labels.over_at);

  // Each incident is a step upwards: the curve has a point before it and one after it.
  std::vector<UnixTime> times;
  constexpr int kPoints = 120;
  for (int i = 0; i <= kPoints; ++i) times.push_back(from + Duration((to - from).count() * i / kPoints));
  for (const auto& term : account.terms) {
    times.push_back(term.hour - Duration{1});
    times.push_back(term.hour);
  }
  times.push_back(now);
  std::ranges::sort(times);
  std::string past;
  std::string future;
  for (const auto time : times) {
    if (time < from) continue;
    const auto point = fmt::format("{:.1f} {:.1f}", x_of(time), y_of(score.at(time)));
    if (time <= now) past += (past.empty() ? "M" : "L") + point;
    if (time >= now) future += (future.empty() ? "M" : "L") + point;
  }
  if (!past.empty()) drawing.path("curve", past);
  if (!future.empty()) drawing.path("curve future", future);
  for (const auto& term : account.terms) drawing.dot("incident", x_of(term.hour), y_of(score.at(term.hour)));

  const double present = x_of(now);
  drawing.line("present", present, kTop, present, floor);
  const bool at_right = present > (kLeft + right) / 2;
  drawing.label("label strong", present + (at_right ? -3 : 3), kTop - 7, at_right ? "end" : "start", labels.now);
  if (ends && *ends > now) {
    const double x = x_of(*ends);
    drawing.line("present", x, kTop, x, floor);
    drawing.label("label strong", x, kTop - 7, "end", fmt::format("{} {}", labels.ends, day_label(*ends)));
  }
  return std::move(drawing).done();
}

Html days_chart(const std::vector<Day>& days, std::string_view title, std::string_view began, std::string_view ended) {
  if (days.empty()) return {};
  constexpr double kDaysHeight = 190;
  const double right = kWidth - kRight;
  std::uint64_t up = 1;
  std::uint64_t down = 1;
  for (const auto& day : days) {
    up = std::max(up, day.began);
    down = std::max(down, day.ended);
  }
  // Both directions have one scale.
  const double room = kDaysHeight - kTop - kBottom;
  const double unit = room / (static_cast<double>(up) + static_cast<double>(down));
  const double zero = kTop + static_cast<double>(up) * unit;
  const double slot = (right - kLeft) / static_cast<double>(days.size());
  Drawing drawing("days", kDaysHeight, title, "");
  for (std::size_t i = 0; i < days.size(); ++i) {
    const double x = kLeft + static_cast<double>(i) * slot;
    const double width = std::max(slot * 0.8, 0.5);
    const double height = bounded(static_cast<double>(days[i].began) * unit, 0, zero - kTop);
    drawing.rectangle("began", x, zero - height, width, height);
    drawing.rectangle("ended", x, zero, width,
                      bounded(static_cast<double>(days[i].ended) * unit, 0, kDaysHeight - kBottom - zero));
  }
  drawing.line("axis", kLeft, zero, right, zero);
  drawing.label("label", kLeft - 5, kTop + 9, "end", std::to_string(up));
  drawing.label("label", kLeft - 5, kDaysHeight - kBottom, "end", std::to_string(down));
  drawing.label("label note", kLeft, kTop - 7, "start", began);
  drawing.label("label note", kLeft, kDaysHeight - 8, "start", ended);
  drawing.label("label", right, kDaysHeight - 8, "end",
                fmt::format("{} – {}", minute(days.front().day).substr(0, 10), minute(days.back().day).substr(0, 10)));
  return std::move(drawing).done();
}

Html spark(const std::vector<std::uint64_t>& values, std::string_view title) {
  if (values.empty()) return {};
  constexpr double kSparkWidth = 180;
  constexpr double kSparkHeight = 20;
  const double highest = static_cast<double>(std::max<std::uint64_t>(*std::ranges::max_element(values), 1));
  const double slot = kSparkWidth / static_cast<double>(values.size());
  auto out = fmt::format(R"(<svg class="spark" viewBox="0 0 {:.0f} {:.0f}" role="img"><title>{}</title>)", kSparkWidth,
                         kSparkHeight, escaped(title));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0) continue;
    const double height = std::max(static_cast<double>(values[i]) / highest * kSparkHeight, 1.0);
    fmt::format_to(std::back_inserter(out),
                   R"(<rect class="began" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)",
                   static_cast<double>(i) * slot, kSparkHeight - height, std::max(slot * 0.8, 0.5), height);
  }
  return {out + "</svg>"};
}

}  // namespace blowback::page
