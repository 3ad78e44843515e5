#include "net/status.h"

#include "system/socket_address.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace blowback::net {
namespace {

using Json = nlohmann::ordered_json;

/// `{"NAME": COUNT, …}`.
template <typename Counts, typename NameOf>
[[nodiscard]] Json named(const Counts& counts, NameOf name_of_index) {
  Json object = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) object[std::string(name_of_index(i))] = counts[i];
  return object;
}

[[nodiscard]] Json answered(const Counts::Answered& counts) {
  return {
      {"total", counts.queries()},
      {"outcomes",
       named(counts.by_outcome, [](std::size_t i) { return answer::name_of(static_cast<answer::Outcome>(i)); })},
      {"types", named(counts.by_type(), [](std::size_t i) { return name_of(static_cast<QueryType>(i)); })},
      {"rcodes", named(counts.by_rcode, [](std::size_t i) { return rcode_name(i); })},
      {"families",
       {{"ipv4", counts.by_family()[static_cast<std::size_t>(Family::ipv4)]},
        {"ipv6", counts.by_family()[static_cast<std::size_t>(Family::ipv6)]}}},
      {"hits", named(counts.hits, [](std::size_t i) { return name_of(kAllCodes.at(i)); })},
      {"cookies", named(counts.by_cookie, [](std::size_t i) { return name_of(static_cast<answer::CookieState>(i)); })},
      {"truncated", counts.truncated},
      {"slipped", counts.slipped},
      {"rate_limited", counts.rate_limited},
  };
}

[[nodiscard]] Json seconds(const std::optional<std::chrono::milliseconds>& span) {
  return span ? Json(static_cast<double>(span->count()) / 1000) : Json();
}

[[nodiscard]] Json latency(const Counts& counts) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < kLatencySteps; ++i) {
    const bool is_last = i + 1 == kLatencySteps;
    steps.push_back({{"less_than", is_last ? Json() : Json(std::uint64_t{1} << i)}, {"queries", counts.latency.at(i)}});
  }
  return steps;
}

[[nodiscard]] Json transfers(const Status& status) {
  const auto& counts = status.transfers;
  Json object{{"under_way", counts.under_way}};
  const auto sum = [&](auto number_of) {
    return number_of(counts.by_carrier.front()) + number_of(counts.by_carrier.back());
  };
  for (std::size_t i = 0; i < transfer::kEndings; ++i) {
    object[std::string(name_of(static_cast<transfer::Ending>(i)))] =
        sum([&](const auto& carried) { return carried.by_ending.at(i); });
  }
  object["refused"] = status.counts.udp.transfers_refused + status.counts.tcp.transfers_refused +
                      sum([](const auto& carried) { return carried.refused; });
  object["incremental"] = counts.incremental;
  object["turned_away"] = sum([](const auto& carried) { return carried.turned_away; });
  const auto& by_tls = counts.by_carrier.at(static_cast<std::size_t>(transfer::Carrier::tls));
  object["complete_by_tls"] = by_tls.by_ending.at(static_cast<std::size_t>(transfer::Ending::complete));
  object["failed_handshakes"] = counts.failed_handshakes;
  object["records"] = counts.records;
  object["octets"] = counts.octets;
  return object;
}

/// nullptr: the secondary isn't asked for that zone. Both are read one after the other, so a reload may come in between.
[[nodiscard]] const transfer::SecondarySerial* serial_of(const transfer::Notified& notified, const Status& status) {
  if (notified.zone != status.zone) return nullptr;
  const auto& all = status.secondary_serials;
  const auto found = std::ranges::find(all, notified.secondary, &transfer::SecondarySerial::secondary);
  return found == all.end() ? nullptr : &*found;
}

[[nodiscard]] Json secondaries(const Status& status) {
  Json all = Json::array();
  for (const auto& each : status.notified) {
    const auto* const known = serial_of(each, status);
    all.push_back({{"address", endpoint_text(each.secondary.address.to_string(), each.secondary.port)},
                   {"zone", each.zone},
                   {"told", each.told ? Json(*each.told) : Json()},
                   {"waiting_seconds", seconds(each.waiting)},
                   {"sent", each.sent},
                   {"repeated", each.repeated},
                   {"answered", each.answered},
                   {"refused", each.refused},
                   {"answers", known != nullptr ? Json(known->answers) : Json()},
                   {"serial", known != nullptr && known->serial ? Json(*known->serial) : Json()},
                   {"serial_behind", known != nullptr && known->behind ? Json(*known->behind) : Json()},
                   {"seconds_behind", known != nullptr ? seconds(known->lag) : Json()}});
  }
  return all;
}

}  // namespace

std::string to_json(const Status& status) {
  const auto& list = status.list;
  const auto& counts = status.counts;
  const Json document{
      {"version", status.version},
      {"zone", status.zone},
      {"further_zones", status.further_zones},
      {"started_at", to_iso8601(status.started_at)},
      {"now", to_iso8601(status.now)},
      {"list",
       {{"ready", list.ready},
        {"stale", list.stale},
        {"serial", list.serial},
        {"entries", list.entries},
        {"octets", list.octets},
        {"checked_seconds_ago", seconds(list.checked_ago)},
        {"changed_seconds_ago", seconds(list.changed_ago)}}},
      {"journal", {{"publish_ms", list.publishing ? Json(list.publishing->count()) : Json()}}},
      {"clock",
       {{"in_doubt", status.clock_doubt.has_value()},
        {"ahead_seconds",
         static_cast<double>(status.clock_doubt.value_or(std::chrono::milliseconds{}).count()) / 1000}}},
      {"config",
       {{"read_at", to_iso8601(status.config.read_at)},
        {"refused", status.config.refused.empty() ? Json() : Json(status.config.refused)}}},
      {"queries", {{"udp", answered(counts.udp)}, {"tcp", answered(counts.tcp)}}},
      {"transfers", transfers(status)},
      {"secondaries", secondaries(status)},
      {"tcp_connections", counts.tcp_connections},
      {"tcp_closed_idle", counts.tcp_closed_idle},
      {"drops",
       {{"not_a_query", counts.udp.of(answer::Outcome::dropped) + counts.tcp.of(answer::Outcome::dropped)},
        {"rate_limited", counts.udp.rate_limited + counts.tcp.rate_limited},
        {"send_failed", counts.send_failed},
        {"kernel_buffer", counts.kernel_dropped}}},
      {"latency_us", latency(counts)},
  };
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace blowback::net
