#include "reports.h"

#include "answer/outcome.h"
#include "system/socket_address.h"
#include "watch/log.h"

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::service {

using watch::Field;
using watch::Level;
using watch::log;

void log_report(const zone::FollowerReport& report) {
  using Event = zone::FollowerReport::Event;
  const Field serial("serial", report.serial);
  const auto detail = Field::sentence("detail", report.text);
  switch (report.event) {
    case Event::replaced:
      return log(Level::warning, "database-replaced", {serial, detail});
    case Event::loaded:
      return log(Level::info, "list-loaded", {{"entries", report.count}, serial});
    case Event::not_ready:
      return log(Level::error, "list-not-ready", {detail});
    case Event::lost:
      return log(Level::error, "database-lost", {serial, detail});
    case Event::stale:
      return log(Level::critical, "list-stale", {serial, detail});
    case Event::recovered:
      return log(Level::info, "database-back", {serial});
    case Event::held:
      return log(Level::error, "list-held", {serial, detail});
    case Event::accepted:
      return log(Level::warning, "list-accepted", {serial, detail});
    case Event::recalled:
      if (report.count > 0) log(Level::info, "versions-recalled", {{"versions", report.count}, serial});
      return;
  }
}

void log_transfer(const transfer::Report& report) {
  const auto level = report.ending == transfer::Ending::complete ? Level::info : Level::warning;
  log(level, "transferred",
      {{"client", report.client.to_string()},
       {"zone", report.zone},
       {"transport", name_of(report.carrier)},
       {"result", name_of(report.ending)},
       {"serial", report.serial},
       {"incremental", report.incremental},
       {"records", report.records},
       {"octets", report.octets},
       {"ms", report.took.count()}});
}

/// Anybody can make it fail, so it is logged only to those who look for the reason.
void log_handshake(const transfer::FailedHandshake& failed) {
  log(Level::debug, "handshake-failed", {{"client", failed.client.to_string()}, Field::sentence("detail", failed.why)});
}

void log_notified(const transfer::NotifierReport& report) {
  using Event = transfer::NotifierReport::Event;
  const auto& at = report.secondary;
  std::vector<Field> fields{
      {"secondary", endpoint_text(at.address.to_string(), at.port)}, {"zone", report.zone}, {"serial", report.serial}};
  if (!report.text.empty()) fields.push_back(Field::sentence("detail", report.text));
  switch (report.event) {
    case Event::silent:
      return log(Level::warning, "notify-unanswered", fields);
    case Event::refuses:
      return log(Level::warning, "notify-refused", fields);
    case Event::answers:
      return log(Level::info, "notify-answered", fields);
  }
}

void log_lag(const transfer::LagReport& report) {
  const auto& at = report.state.secondary;
  std::vector<Field> fields{{"secondary", endpoint_text(at.address.to_string(), at.port)}, {"serial", report.serial}};
  if (report.state.serial) fields.emplace_back("theirs", *report.state.serial);
  fields.emplace_back("seconds", std::chrono::floor<std::chrono::seconds>(report.state.lag).count());
  if (!report.text.empty()) fields.push_back(Field::sentence("detail", report.text));
  log(report.lags ? Level::warning : Level::info, report.lags ? "secondary-lags" : "secondary-follows", fields);
}

void log_counts(const net::Counts& counts) {
  for (const auto& [transport, answered] : {std::pair("udp", &counts.udp), std::pair("tcp", &counts.tcp)}) {
    std::vector<Field> fields{{"transport", transport}};
    for (std::size_t i = 0; i < answer::kOutcomes; ++i) {
      fields.emplace_back(answer::name_of(static_cast<answer::Outcome>(i)), answered->by_outcome.at(i));
    }
    fields.emplace_back("truncated", answered->truncated);
    log(Level::info, "answered", fields);
  }
}

void log_nameservers_without_address(const config::Zone& zone) {
  for (const auto& name : config::without_address(zone)) {
    log(Level::warning, "nameserver-without-address",
        {{"name", name},
         Field::sentence(
             "detail",
             "this name server is in the zone, so resolvers may ask here for its address, and get an answer "
             "without one; add the address behind its name in zone.nameservers, or name a server outside "
             "the zone")});
  }
}

}  // namespace blowback::service
