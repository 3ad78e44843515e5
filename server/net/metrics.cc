#include "net/metrics.h"

#include "system/socket_address.h"
#include "watch/metrics_text.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace blowback::net {
namespace {

using watch::MetricsText;
using enum MetricsText::Type;

constexpr std::array<std::string_view, 2> kFamilies{"ipv4", "ipv6"};

struct Transport {
  std::string_view name;
  const Counts::Answered* counts;
};
using Transports = std::array<Transport, 2>;

/// A family with a sample per transport and place of an array.
template <typename ArrayOf, typename NameOf>
void by_transport(MetricsText& text, const Transports& transports, std::string_view name, std::string_view help,
                  std::string_view label, ArrayOf array_of, NameOf name_of_place) {
  text.family(name, counter, help);
  for (const auto& transport : transports) {
    const auto& numbers = array_of(*transport.counts);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      text.sample(numbers[i], {{label, name_of_place(i)}, {"transport", transport.name}});
    }
  }
}

template <typename NumberOf>
void by_transport(MetricsText& text, const Transports& transports, std::string_view name, std::string_view help,
                  NumberOf number_of) {
  text.family(name, counter, help);
  for (const auto& transport : transports) text.sample(number_of(*transport.counts), {{"transport", transport.name}});
}

void add_queries(MetricsText& text, const Counts& counts) {
  const Transports transports{{{.name = "udp", .counts = &counts.udp}, {.name = "tcp", .counts = &counts.tcp}}};
  text.family("blowback_server_queries_total", counter,
              "Datagrams and TCP messages received, by QTYPE, the client's address family and transport.");
  for (const auto& transport : transports) {
    for (std::size_t family = 0; family < kFamilies.size(); ++family) {
      const auto& types = transport.counts->by_family_and_type.at(family);
      for (std::size_t i = 0; i < types.size(); ++i) {
        text.sample(types.at(i), {{"type", name_of(static_cast<QueryType>(i))},
                                  {"family", kFamilies.at(family)},
                                  {"transport", transport.name}});
      }
    }
  }
  by_transport(
      text, transports, "blowback_server_responses_total", "Responses by RCODE.", "rcode",
      [](const Counts::Answered& each) { return each.by_rcode; }, [](std::size_t i) { return rcode_name(i); });
  by_transport(
      text, transports, "blowback_server_outcomes_total",
      "Queries by what became of them; misuse is a name that can't be an address.", "outcome",
      [](const Counts::Answered& each) { return each.by_outcome; },
      [](std::size_t i) { return answer::name_of(static_cast<answer::Outcome>(i)); });
  by_transport(
      text, transports, "blowback_server_cookies_total", "Queries by the state of their DNS cookie.", "state",
      [](const Counts::Answered& each) { return each.by_cookie; },
      [](std::size_t i) { return name_of(static_cast<answer::CookieState>(i)); });
  by_transport(text, transports, "blowback_server_truncated_total", "Responses with TC, slipped ones included.",
               [](const Counts::Answered& each) { return each.truncated; });
  by_transport(text, transports, "blowback_server_slipped_total",
               "Responses beyond the rate limit, sent back empty with TC.",
               [](const Counts::Answered& each) { return each.slipped; });
  text.family("blowback_server_hits_total", counter,
              "Answers that called an address listed, by kind; an answer of several kinds counts under each.");
  for (const auto code : kAllCodes) {
    const auto place = static_cast<std::size_t>(code);
    text.sample(counts.udp.hits.at(place) + counts.tcp.hits.at(place), {{"kind", name_of(code)}});
  }
  text.family("blowback_server_dropped_total", counter, "Datagrams and messages that got no answer, by reason.");
  text.sample(counts.udp.of(answer::Outcome::dropped) + counts.tcp.of(answer::Outcome::dropped),
              {{"reason", "not_a_query"}});
  text.sample(counts.udp.rate_limited + counts.tcp.rate_limited, {{"reason", "rate_limited"}});
  text.sample(counts.send_failed, {{"reason", "send_failed"}});
  text.sample(counts.kernel_dropped, {{"reason", "kernel_buffer"}});
  text.single("blowback_server_tcp_connections_total", counter, "TCP connections accepted.", counts.tcp_connections);
  text.single("blowback_server_tcp_closed_idle_total", counter,
              "TCP connections that the server closed: idle, too old, or to make room.", counts.tcp_closed_idle);
}

void add_transfers(MetricsText& text, const Status& status) {
  const auto& counts = status.transfers;
  text.family("blowback_transfers_total", counter,
              "Zone transfers by how they ended and by transport; turned_away: there were too many.");
  for (std::size_t i = 0; i < transfer::kCarriers; ++i) {
    const auto carrier = static_cast<transfer::Carrier>(i);
    const auto& carried = counts.by_carrier.at(i);
    const auto sample = [&](std::uint64_t number, std::string_view result) {
      text.sample(number, {{"result", result}, {"transport", name_of(carrier)}});
    };
    for (std::size_t ending = 0; ending < transfer::kEndings; ++ending)
      sample(carried.by_ending.at(ending), name_of(static_cast<transfer::Ending>(ending)));
    sample(carrier == transfer::Carrier::tcp ? status.counts.tcp.transfers_refused : carried.refused, "refused");
    sample(carried.turned_away, "turned_away");
  }
  text.sample(status.counts.udp.transfers_refused, {{"result", "refused"}, {"transport", "udp"}});
  text.family("blowback_transfer_handshakes_total", counter, "TLS handshakes for zone transfers, by how they ended.");
  text.sample(counts.handshakes, {{"result", "complete"}});
  text.sample(counts.failed_handshakes, {{"result", "failed"}});
  text.single("blowback_transfers_incremental_total", counter,
              "Zone transfers that ended and sent only what differed from the client's version (IXFR).",
              counts.incremental);
  text.single("blowback_transfers_under_way", gauge, "Zone transfers that haven't ended.", counts.under_way);
  text.single("blowback_transferred_records_total", counter, "Records in zone transfers that ended.", counts.records);
  text.single("blowback_transferred_bytes_total", counter, "Octets of zone transfers that were sent.", counts.octets);
}

/// A family with a sample for each secondary.
template <typename NumberOf>
void by_secondary(MetricsText& text, const std::vector<transfer::SecondarySerial>& secondaries, std::string_view name,
                  MetricsText::Type type, std::string_view help, NumberOf number_of) {
  text.family(name, type, help);
  for (const auto& each : secondaries) {
    text.sample(number_of(each),
                {{"secondary", endpoint_text(each.secondary.address.to_string(), each.secondary.port)}});
  }
}

/// A family with a sample for each secondary and zone.
template <typename NumberOf>
void by_secondary(MetricsText& text, const std::vector<transfer::Notified>& secondaries, std::string_view name,
                  MetricsText::Type type, std::string_view help, NumberOf number_of) {
  text.family(name, type, help);
  for (const auto& each : secondaries) {
    text.sample(number_of(each), {{"secondary", endpoint_text(each.secondary.address.to_string(), each.secondary.port)},
                                  {"zone", each.zone}});
  }
}

/// Nothing without secondaries.
void add_secondaries(MetricsText& text, const Status& status) {
  const auto& notified = status.notified;
  if (notified.empty()) return;
  by_secondary(text, notified, "blowback_notify_sent_total", counter, "NOTIFY messages, repeated ones included.",
               [](const auto& each) { return each.sent; });
  by_secondary(text, notified, "blowback_notify_repeated_total", counter,
               "NOTIFY messages after one without an answer.", [](const auto& each) { return each.repeated; });
  by_secondary(text, notified, "blowback_notify_answered_total", counter, "Answers to NOTIFY, errors included.",
               [](const auto& each) { return each.answered; });
  by_secondary(text, notified, "blowback_notify_refused_total", counter, "Answers to NOTIFY with an error.",
               [](const auto& each) { return each.refused; });
  by_secondary(text, notified, "blowback_notify_waiting_seconds", gauge,
               "Time since there is a serial that the secondary didn't answer for.",
               [](const auto& each) { return static_cast<double>(each.waiting.count()) / 1e3; });
}

/// Likewise. Without zones: the main one is asked for, and all have the same serial.
void add_secondary_serials(MetricsText& text, const Status& status) {
  const auto& all = status.secondary_serials;
  if (all.empty()) return;
  by_secondary(text, all, "blowback_server_secondary_answers", gauge,
               "1 if the secondary answers queries for the SOA from the zone, else 0.",
               [](const auto& each) { return std::uint64_t{each.answers}; });
  auto known = all;
  std::erase_if(known, [](const auto& each) { return !each.behind; });
  by_secondary(text, known, "blowback_server_secondary_serial_behind", gauge,
               "Serials from the one that the secondary had last to the zone's; negative: it has a newer one.",
               [](const auto& each) { return static_cast<double>(each.behind.value_or(0)); });
  by_secondary(text, all, "blowback_server_secondary_seconds_behind", gauge,
               "Time since there is a serial that the secondary isn't known to have.",
               [](const auto& each) { return static_cast<double>(each.lag.count()) / 1e3; });
}

void add_latency(MetricsText& text, const Counts& counts) {
  text.family("blowback_server_answer_duration_seconds", histogram,
              "Queries by UDP, by the time from being read from the kernel to their response's being handed to it.");
  std::vector<MetricsText::Bucket> buckets;
  buckets.reserve(kLatencySteps);
  for (std::size_t i = 0; i + 1 < kLatencySteps; ++i) {
    buckets.push_back({.up_to = static_cast<double>(std::uint64_t{1} << i) / 1e6, .count = counts.latency.at(i)});
  }
  text.histogram(buckets, counts.latency.back(), static_cast<double>(counts.latency_nanoseconds) / 1e9);
}

[[nodiscard]] double seconds(std::chrono::milliseconds span) { return static_cast<double>(span.count()) / 1e3; }

void add_list(MetricsText& text, const Status& status) {
  const auto& list = status.list;
  text.family("blowback_zone_info", gauge, "Always 1; its label is a zone that is served.");
  text.sample(std::uint64_t{1}, {{"zone", status.zone}});
  for (const auto& zone : status.further_zones) text.sample(std::uint64_t{1}, {{"zone", zone}});
  text.single("blowback_zone_ready", gauge, "1 if there is a list to answer from, else 0.", std::uint64_t{list.ready});
  text.single("blowback_zone_stale", gauge,
              "1 if the database couldn't be read for server.stale_after, so that nobody is called listed; else 0.",
              std::uint64_t{list.stale});
  text.single("blowback_zone_serial", gauge, "The served list's serial, which is the SOA's.",
              std::uint64_t{list.serial});
  text.single("blowback_zone_entries", gauge, "Listings and exemptions held.", list.entries);
  text.single("blowback_zone_index_bytes", gauge, "Memory that the index takes.", list.octets);
  const auto age = [&](std::string_view name, std::string_view help,
                       const std::optional<std::chrono::milliseconds>& span) {
    if (span) text.single(name, gauge, help, seconds(*span));
  };
  age("blowback_zone_index_age_seconds", "Time since the database was last looked at with success.", list.checked_ago);
  age("blowback_zone_journal_lag_seconds", "Time since nothing in the journal was left to serve.", list.caught_up_ago);
  age("blowback_zone_unchanged_seconds", "Time since another list was published.", list.changed_ago);
  age("blowback_zone_publish_duration_seconds", "What the last news took from being noticed to being served.",
      list.publishing);
  text.family("blowback_listings", gauge,
              "Listings held, by kind and address family; a listing of several kinds counts under each.");
  for (std::size_t family = 0; family < kFamilies.size(); ++family) {
    for (const auto code : kAllCodes) {
      text.sample(list.tally.listings.at(family).at(static_cast<std::size_t>(code)),
                  {{"kind", name_of(code)}, {"family", kFamilies.at(family)}});
    }
  }
  text.family("blowback_zone_wide_listings", gauge,
              "Listings of networks shorter than /16 (IPv4) or /32 (IPv6), by address family.");
  for (std::size_t family = 0; family < kFamilies.size(); ++family) {
    text.sample(list.tally.wide_listings.at(family), {{"family", kFamilies.at(family)}});
  }
  text.family("blowback_zone_addresses", gauge,
              "Addresses in listed networks, by address family; what several listings cover counts for each.");
  for (std::size_t family = 0; family < kFamilies.size(); ++family) {
    text.sample(list.tally.addresses.at(family), {{"family", kFamilies.at(family)}});
  }
  text.family("blowback_exemptions", gauge, "Exemptions held, by address family.");
  for (std::size_t family = 0; family < kFamilies.size(); ++family) {
    text.sample(list.tally.exemptions.at(family), {{"family", kFamilies.at(family)}});
  }
}

/// `12.3`, `180`.
[[nodiscard]] std::string in_seconds(std::chrono::milliseconds span) { return fmt::format("{:.3g}", seconds(span)); }

}  // namespace

std::string to_metrics(const Status& status) {
  MetricsText text;
  watch::add_process(text, "blowback-server", status.version,
                     static_cast<double>(status.started_at.time_since_epoch().count()));
  add_list(text, status);
  watch::add_clock(text, status.clock_doubt);
  watch::add_config(text, status.config);
  add_queries(text, status.counts);
  add_transfers(text, status);
  add_secondaries(text, status);
  add_secondary_serials(text, status);
  add_latency(text, status.counts);
  return std::move(text).done();
}

watch::Health health(const Status& status) {
  watch::Health health;
  if (status.workers_turned_ago > watch::kStandsStill) {
    health.push_back(
        {.name = "worker-stuck",
         .detail = fmt::format("a worker hasn't made a turn for {} s", in_seconds(status.workers_turned_ago)),
         .mend = "restart blowback-server"});
  }
  if (status.follower_turned_ago.value_or(std::chrono::milliseconds{}) > watch::kStandsStill) {
    health.push_back({.name = "follower-stuck",
                      .detail = fmt::format(
                          "the thread that follows the database hasn't made a turn for {} s; answers go on from the "
                          "list as of serial {}",
                          in_seconds(*status.follower_turned_ago), status.list.serial),
                      .mend = "see whether the disk under the database answers, then restart blowback-server"});
  }
  return health;
}

watch::Health readiness(const Status& status) {
  auto trouble = health(status);
  const auto& list = status.list;
  const auto too_long = [](const std::optional<std::chrono::milliseconds>& span) {
    return !span || *span > watch::kStandsStill;
  };
  if (!list.ready) {
    trouble.push_back({.name = "list-not-ready",
                       .detail = "there is no list to serve yet; queries get SERVFAIL",
                       .mend =
                           "start blowback-ingest or run `blowback db migrate`, and see the log for why the database "
                           "can't be read"});
  } else if (list.stale) {
    trouble.push_back(
        {.name = "list-stale",
         .detail = fmt::format("the database couldn't be read for server.stale_after; since then nobody is "
                               "called listed (last serial {})",
                               list.serial),
         .mend = "mend the database: run `blowback db check`, see the log's database-lost"});
  } else if (too_long(list.checked_ago)) {
    trouble.push_back(
        {.name = "database-lost",
         .detail = fmt::format("the database was last read {} s ago; the list as of serial {} goes on being "
                               "served",
                               list.checked_ago ? in_seconds(*list.checked_ago) : "?", list.serial),
         .mend = "mend the database before server.stale_after has passed: run `blowback db check`, see the "
                 "log's database-lost"});
  } else if (too_long(list.caught_up_ago)) {
    trouble.push_back({.name = "journal-lag",
                       .detail = fmt::format("changes have waited in the journal for {} s",
                                             list.caught_up_ago ? in_seconds(*list.caught_up_ago) : "?"),
                       .mend =
                           "wait for the import that is under way to end; if there is none, see whether the machine "
                           "has processor time left"});
  }
  watch::add_clock(trouble, status.clock_doubt);
  watch::add_config(trouble, status.config);
  return trouble;
}

}  // namespace blowback::net
