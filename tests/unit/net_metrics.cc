// The server's metrics, and when it calls itself alive and ready.
#include "catch.h"
#include "net/metrics.h"

#include <fmt/format.h>

#include <chrono>
#include <string>

using namespace blowback;
using namespace std::chrono_literals;
using net::Status;

namespace {

/// All is well.
Status well() {
  Status status;
  status.zone = "bl.example.org";
  status.list.ready = true;
  status.list.serial = 7;
  status.list.checked_ago = 20ms;
  status.list.caught_up_ago = 20ms;
  status.follower_turned_ago = 20ms;
  status.workers_turned_ago = 500ms;
  return status;
}

std::string names(const watch::Health& health) {
  std::string text;
  for (const auto& trouble : health) {
    CHECK_FALSE(trouble.detail.empty());
    CHECK_FALSE(trouble.mend.empty());
    text += (text.empty() ? "" : " ") + trouble.name;
  }
  return text;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

constexpr auto kTooLong = std::chrono::milliseconds(watch::kStandsStill) + 1ms;

}  // namespace

TEST_CASE("a server that serves a fresh list is alive and ready", "[net][health]") {
  CHECK(names(health(well())).empty());
  CHECK(names(readiness(well())).empty());
}

TEST_CASE("a stuck worker or follower means that the server isn't alive, on both sides of the limit", "[net][health]") {
  auto status = well();
  status.workers_turned_ago = watch::kStandsStill;
  status.follower_turned_ago = watch::kStandsStill;
  CHECK(names(health(status)).empty());
  status.workers_turned_ago = kTooLong;
  CHECK(names(health(status)) == "worker-stuck");
  status.follower_turned_ago = kTooLong;
  CHECK(names(health(status)) == "worker-stuck follower-stuck");
  CHECK(names(readiness(status)) == "worker-stuck follower-stuck");
}

TEST_CASE("a lost database leaves the server alive, and no longer ready", "[net][health]") {
  auto status = well();
  status.list.checked_ago = kTooLong;
  status.list.caught_up_ago = kTooLong;
  CHECK(names(health(status)).empty());
  CHECK(names(readiness(status)) == "database-lost");
  status.list.stale = true;
  CHECK(names(readiness(status)) == "list-stale");
  status.list = {};
  CHECK(names(readiness(status)) == "list-not-ready");
}

TEST_CASE("changes that wait in the journal for long are reported", "[net][health]") {
  auto status = well();
  status.list.caught_up_ago = watch::kStandsStill;
  CHECK(names(readiness(status)).empty());
  status.list.caught_up_ago = kTooLong;
  CHECK(names(readiness(status)) == "journal-lag");
  CHECK_THAT(readiness(status).front().detail, Catch::Contains("30 s"));
}

TEST_CASE("a clock in doubt is reported with its error", "[net][health][metrics]") {
  auto status = well();
  CHECK_THAT(to_metrics(status), Catch::Contains("\nblowback_clock_in_doubt 0\n"));
  CHECK_THAT(to_metrics(status), Catch::Contains("\nblowback_clock_ahead_seconds 0\n"));
  status.clock_doubt = 960h;
  CHECK(names(health(status)).empty());
  CHECK(names(readiness(status)) == "clock-in-doubt");
  CHECK_THAT(readiness(status).front().detail, Catch::Contains("ahead by 40 days"));
  CHECK_THAT(to_metrics(status), Catch::Contains("\nblowback_clock_in_doubt 1\n"));
  CHECK_THAT(to_metrics(status), Catch::Contains("\nblowback_clock_ahead_seconds 3456000\n"));
}

TEST_CASE("each count is a sample of its own", "[net][metrics]") {
  auto status = well();
  auto& udp = status.counts.udp;
  udp.by_family_and_type[1][static_cast<std::size_t>(net::QueryType::txt)] = 3;
  udp.by_rcode[3] = 4;
  udp.hits[static_cast<std::size_t>(Code::by_operator)] = 5;
  status.counts.tcp.hits[static_cast<std::size_t>(Code::by_operator)] = 6;
  status.counts.kernel_dropped = 7;
  udp.by_outcome[static_cast<std::size_t>(answer::Outcome::misuse)] = 8;
  status.counts.latency[0] = 9;
  status.counts.latency[3] = 1;
  status.counts.latency[net::kLatencySteps - 1] = 2;
  status.counts.latency_nanoseconds = 1'500'000'000;
  status.list.tally.listings[1][static_cast<std::size_t>(Code::mdn)] = 10;
  status.list.tally.exemptions[0] = 11;
  status.list.tally.wide_listings[1] = 12;
  status.list.tally.addresses[0] = 4'294'967'297.0;
  const auto text = "\n" + net::to_metrics(status);
  for (const std::string line : {
           R"(blowback_server_queries_total{type="TXT",family="ipv6",transport="udp"} 3)",
           R"(blowback_server_queries_total{type="TXT",family="ipv4",transport="udp"} 0)",
           R"(blowback_server_responses_total{rcode="NXDOMAIN",transport="udp"} 4)",
           R"(blowback_server_hits_total{kind="operator"} 11)",
           R"(blowback_server_dropped_total{reason="kernel_buffer"} 7)",
           R"(blowback_server_outcomes_total{outcome="misuse",transport="udp"} 8)",
           R"(blowback_server_answer_duration_seconds_bucket{le="1e-06"} 9)",
           R"(blowback_server_answer_duration_seconds_bucket{le="4e-06"} 9)",
           R"(blowback_server_answer_duration_seconds_bucket{le="8e-06"} 10)",
           R"(blowback_server_answer_duration_seconds_bucket{le="1.048576"} 10)",
           R"(blowback_server_answer_duration_seconds_bucket{le="+Inf"} 12)",
           "blowback_server_answer_duration_seconds_sum 1.5",
           "blowback_server_answer_duration_seconds_count 12",
           R"(blowback_listings{kind="mdn",family="ipv6"} 10)",
           R"(blowback_exemptions{family="ipv4"} 11)",
           R"(blowback_zone_wide_listings{family="ipv4"} 0)",
           R"(blowback_zone_wide_listings{family="ipv6"} 12)",
           R"(blowback_zone_addresses{family="ipv4"} 4294967297)",
           R"(blowback_zone_addresses{family="ipv6"} 0)",
           R"(blowback_zone_info{zone="bl.example.org"} 1)",
           "blowback_zone_serial 7",
           "blowback_zone_index_age_seconds 0.02",
           "blowback_zone_journal_lag_seconds 0.02",
       }) {
    CHECK_THAT(text, Catch::Contains("\n" + line + "\n"));
  }
}

TEST_CASE("unknown values are left out, not shown as 0", "[net][metrics]") {
  const auto text = net::to_metrics({});
  CHECK_THAT(text, !Catch::Contains("blowback_zone_index_age_seconds") && Catch::Contains("blowback_zone_ready 0\n"));
}

TEST_CASE("transfers are counted by result and transport", "[net][metrics][transfer]") {
  auto status = well();
  auto& tls = status.transfers.by_carrier.at(static_cast<std::size_t>(transfer::Carrier::tls));
  tls.by_ending.at(static_cast<std::size_t>(transfer::Ending::complete)) = 5;
  tls.refused = 4;
  status.transfers.by_carrier.front().turned_away = 3;
  status.counts.tcp.transfers_refused = 2;
  status.counts.udp.transfers_refused = 1;
  status.transfers.failed_handshakes = 6;
  const auto text = net::to_metrics(status);
  const auto has = [&](const std::string& labels, int number) {
    CHECK(has_line(text, "blowback_transfers_total{" + labels + "} " + std::to_string(number)));
  };
  has(R"(result="complete",transport="tls")", 5);
  has(R"(result="complete",transport="tcp")", 0);
  has(R"(result="refused",transport="tls")", 4);
  has(R"(result="refused",transport="tcp")", 2);
  has(R"(result="refused",transport="udp")", 1);
  has(R"(result="turned_away",transport="tcp")", 3);
  CHECK(has_line(text, R"(blowback_transfer_handshakes_total{result="failed"} 6)"));
}

TEST_CASE("each secondary's lag is a metric; how far behind one is that never answered is left out", "[net][metrics]") {
  auto status = well();
  CHECK_THAT(net::to_metrics(status), !Catch::Contains("secondary"));
  const auto at = [](std::uint8_t last) {
    return config::Endpoint{*IpAddress::parse(fmt::format("192.0.2.{}", last)), 53};
  };
  status.secondary_serials = {
      {.secondary = at(1), .answers = true, .serial = 9, .behind = -2, .lag = 1500ms},
      {.secondary = at(2), .answers = false, .serial = {}, .behind = {}, .lag = 60s},
  };
  const auto text = "\n" + net::to_metrics(status);
  for (const std::string line : {
           R"(blowback_server_secondary_answers{secondary="192.0.2.1:53"} 1)",
           R"(blowback_server_secondary_answers{secondary="192.0.2.2:53"} 0)",
           R"(blowback_server_secondary_serial_behind{secondary="192.0.2.1:53"} -2)",
           R"(blowback_server_secondary_seconds_behind{secondary="192.0.2.1:53"} 1.5)",
           R"(blowback_server_secondary_seconds_behind{secondary="192.0.2.2:53"} 60)",
       }) {
    CHECK_THAT(text, Catch::Contains("\n" + line + "\n"));
  }
  CHECK_THAT(text, !Catch::Contains(R"(serial_behind{secondary="192.0.2.2:53"})"));
}
