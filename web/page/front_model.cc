// The front page: what the list is, what is on it, and by which rules.
#include "blowback/wording.h"
#include "chart.h"
#include "models.h"
#include "wording.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace blowback::page {
namespace {

constexpr std::array kKinds{Kind::dsn, Kind::challenge, Kind::virus_notice, Kind::auto_reply, Kind::mdn, Kind::callout};

void add_now(Object& model, const schema::Stats& stats, const Texts& texts) {
  const auto total = stats.listings_automatic + stats.listings_by_operator;
  model["now_total"] = texts.count("front.now_total", total);
  model["now_split"] = texts.say("front.now_split", {{"automatic", std::to_string(stats.listings_automatic)},
                                                     {"by_operator", std::to_string(stats.listings_by_operator)},
                                                     {"exemptions", std::to_string(stats.exemptions)}});
  List rows;
  for (const Code code : kAllCodes) {
    rows.emplace_back(Object{{"meaning", code_in(texts, code)},
                             {"answer", fmt::format("127.0.0.{}", octet_of(code))},
                             {"count", std::to_string(stats.listings_by_code[static_cast<std::size_t>(code)])}});
  }
  model["kinds"] = std::move(rows);
}

void add_days(Object& model, const std::vector<schema::ListDay>& days, const Texts& texts) {
  std::vector<Day> bars;
  std::uint64_t began = 0;
  std::uint64_t expired = 0;
  std::uint64_t delisted = 0;
  for (const auto& day : days) {
    bars.push_back({.day = day.day, .began = day.listings, .ended = day.expired + day.delisted});
    began += day.listings;
    expired += day.expired;
    delisted += day.delisted;
  }
  const auto ended = expired + delisted;
  model["has_days"] = began + ended > 0;
  model["days_total"] =
      texts.say("front.days_total", {{"listed", std::to_string(began)}, {"ended", std::to_string(ended)}});
  model["days_fixed"] =
      ended == 0 ? std::string()
                 : texts.say("front.days_fixed", {{"expired", std::to_string(expired)},
                                                  {"percent", std::to_string((expired * 100 + ended / 2) / ended)},
                                                  {"delisted", std::to_string(delisted)}});
  model["days_chart"] =
      days_chart(bars, texts.say("front.days_chart"), texts.say("front.days_began"), texts.say("front.days_ended"));
  List kinds;
  for (const Code code : kAllCodes) {
    std::vector<std::uint64_t> values;
    std::uint64_t sum = 0;
    for (const auto& day : days) {
      values.push_back(day.listed[static_cast<std::size_t>(code)]);
      sum += values.back();
    }
    if (sum == 0) continue;
    const auto n = std::to_string(sum);
    const auto title = texts.say("front.days_kind", {{"kind", code_in(texts, code)}, {"n", n}});
    kinds.emplace_back(Object{{"meaning", code_in(texts, code)}, {"count", n}, {"chart", spark(values, title)}});
  }
  model["day_kinds"] = std::move(kinds);
}

void add_criteria(Object& model, const Policy& policy, const Texts& texts) {
  std::string weights;
  for (const Kind kind : kKinds) {
    weights +=
        fmt::format("{}{} {}", weights.empty() ? "" : ", ", kind_in(texts, kind), amount(policy.weight_of(kind)));
  }
  const auto number = [](int count) { return static_cast<std::uint64_t>(count); };
  model["weights"] = weights;
  model["half_life"] = span_in(texts, policy.half_life);
  model["memory"] = span_in(texts, policy.memory());
  model["list_at"] = amount(policy.list_at);
  model["delist_below"] = amount(policy.delist_below);
  model["traps"] = texts.count("number.traps", number(policy.distinct_traps));
  model["mailings"] = texts.count("number.mailings", number(policy.distinct_campaigns));
  model["trap_cap"] = amount(policy.trap_cap);
  model["campaign_cap"] = amount(policy.campaign_cap);
  model["origin_cap"] = amount(policy.origin_cap);
  model["mailbox_cap"] = amount(policy.mailbox_cap);
  model["max_listing"] = span_in(texts, policy.max_listing);
  model["repeat_factor"] = amount(policy.repeat_factor);
}

}  // namespace

Object front_model(const Figures& figures, const About& about, UnixTime now, const Texts& texts, const View& view) {
  auto model = frame_of(about, texts, view, texts.say("front.title", {{"zone", about.zone}}));
  model["is_indexed"] = true;
  model["time"] = minute(now);
  model["serial"] = std::to_string(figures.stats.serial);
  add_now(model, figures.stats, texts);
  add_days(model, figures.days, texts);
  add_criteria(model, about.policy, texts);
  model["evidence"] = span_in(texts, about.retention.evidence);
  model["incidents"] = span_in(texts, about.retention.incidents);
  model["quarantine"] = span_in(texts, about.retention.quarantine);
  model["journal"] = span_in(texts, about.retention.journal);
  return model;
}

}  // namespace blowback::page
