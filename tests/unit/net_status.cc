// The document by which the server tells how it is.
#include "catch.h"
#include "counters.h"
#include "net/status.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file
using net::Counts;
using net::Status;
using nlohmann::ordered_json;

namespace {

constexpr UnixTime kNow{Duration{1'795'514'400}};  // 2026-11-24T10:00:00Z

ordered_json document(const Status& status) { return ordered_json::parse(net::to_json(status)); }

/// Of a worker that has counted something in every place.
Counts added_by(const net::WorkerCounters& worker, int times) {
  Counts counts;
  for (int i = 0; i < times; ++i) worker.add_to(counts);
  return counts;
}

/// All numbers of a document, however deep.
void collect(const ordered_json& value, std::vector<std::uint64_t>& numbers) {
  if (value.is_structured()) {
    for (const auto& each : value) collect(each, numbers);
  } else if (value.is_number_unsigned()) {
    numbers.push_back(value.get<std::uint64_t>());
  }
}

}  // namespace

TEST_CASE("a new server reports every count as 0, and unknown values as null", "[net][status]") {
  const auto json = document({.version = "1.2.3",
                              .zone = "bl.example.org",
                              .started_at = kNow,
                              .now = kNow + Duration{90},
                              .list = {},
                              .counts = {}});
  CHECK(json["version"] == "1.2.3");
  CHECK(json["zone"] == "bl.example.org");
  CHECK(json["started_at"] == "2026-11-24T10:00:00Z");
  CHECK(json["now"] == "2026-11-24T10:01:30Z");
  CHECK(json["list"].dump() ==
        "{\"ready\":false,\"stale\":false,\"serial\":0,\"entries\":0,\"octets\":0,"
        "\"checked_seconds_ago\":null,\"changed_seconds_ago\":null}");
  CHECK(json["journal"]["publish_ms"].is_null());
  CHECK(json["clock"].dump() == "{\"in_doubt\":false,\"ahead_seconds\":0.0}");
  for (const auto* const transport : {"udp", "tcp"}) {
    const auto& queries = json["queries"][transport];
    CHECK(queries["outcomes"].size() == answer::kOutcomes);
    CHECK(queries["types"].size() == net::kQueryTypes);
    CHECK(queries["rcodes"].size() == net::kRcodes);
    CHECK(queries["families"].dump() == "{\"ipv4\":0,\"ipv6\":0}");
    CHECK(queries["hits"].size() == kAllCodes.size());
    CHECK(queries["cookies"].size() == net::kCookieStates);
    CHECK(queries["total"] == 0);
  }
  CHECK(json["drops"].dump() == "{\"not_a_query\":0,\"rate_limited\":0,\"send_failed\":0,\"kernel_buffer\":0}");
}

TEST_CASE("each count has its own name", "[net][status]") {
  Status status;
  auto& udp = status.counts.udp;
  udp.by_outcome[static_cast<std::size_t>(answer::Outcome::listed)] = 3;
  udp.by_outcome[static_cast<std::size_t>(answer::Outcome::dropped)] = 2;
  udp.by_family_and_type[0][static_cast<std::size_t>(net::QueryType::txt)] = 4;
  udp.by_rcode[3] = 5;
  udp.by_family_and_type[static_cast<std::size_t>(Family::ipv6)][static_cast<std::size_t>(net::QueryType::any)] = 6;
  udp.hits[static_cast<std::size_t>(Code::by_operator)] = 7;
  udp.by_cookie[static_cast<std::size_t>(answer::CookieState::good)] = 8;
  udp.rate_limited = 9;
  status.counts.tcp.by_outcome[static_cast<std::size_t>(answer::Outcome::dropped)] = 10;
  status.counts.kernel_dropped = 11;
  status.counts.send_failed = 12;
  status.list = {.ready = true,
                 .stale = true,
                 .serial = 13,
                 .entries = 14,
                 .octets = 15,
                 .checked_ago = std::chrono::milliseconds{21},
                 .changed_ago = std::chrono::milliseconds{12'500},
                 .publishing = std::chrono::milliseconds{3}};
  status.clock_doubt = std::chrono::milliseconds{-86'400'500};
  const auto json = document(status);
  CHECK(json["clock"].dump() == "{\"in_doubt\":true,\"ahead_seconds\":-86400.5}");
  const auto& queries = json["queries"]["udp"];
  CHECK(queries["total"] == 5);
  CHECK(queries["outcomes"]["listed"] == 3);
  CHECK(queries["types"]["TXT"] == 4);
  CHECK(queries["rcodes"]["NXDOMAIN"] == 5);
  CHECK(queries["families"]["ipv6"] == 6);
  CHECK(queries["hits"]["operator"] == 7);
  CHECK(queries["cookies"]["good"] == 8);
  CHECK(json["queries"]["tcp"]["total"] == 10);
  CHECK(json["drops"]["not_a_query"] == 12);
  CHECK(json["drops"]["rate_limited"] == 9);
  CHECK(json["drops"]["send_failed"] == 12);
  CHECK(json["drops"]["kernel_buffer"] == 11);
  CHECK(json["list"].dump() ==
        "{\"ready\":true,\"stale\":true,\"serial\":13,\"entries\":14,\"octets\":15,"
        "\"checked_seconds_ago\":0.021,\"changed_seconds_ago\":12.5}");
  CHECK(json["journal"]["publish_ms"] == 3);
}

TEST_CASE("the steps of the latency double, and the last has no end", "[net][status]") {
  Status status;
  status.counts.latency[net::latency_step(std::chrono::nanoseconds{999})] += 1;
  status.counts.latency[net::latency_step(std::chrono::microseconds{5})] += 2;
  status.counts.latency[net::latency_step(std::chrono::hours{1})] += 3;
  const auto steps = document(status)["latency_us"];
  REQUIRE(steps.size() == net::kLatencySteps);
  CHECK(steps[0].dump() == "{\"less_than\":1,\"queries\":1}");
  CHECK(steps[3].dump() == "{\"less_than\":8,\"queries\":2}");
  CHECK(steps[20]["less_than"] == 1 << 20);
  CHECK(steps[21].dump() == "{\"less_than\":null,\"queries\":3}");
}

TEST_CASE("the counts of workers add up in every place", "[net][counts]") {
  net::WorkerCounters worker;
  for (auto* const counters : {&worker.udp, &worker.tcp}) {
    for (std::size_t i = 0; i < 300; ++i) {
      answer::Answer counted;
      counted.size = 1;
      counted.outcome = static_cast<answer::Outcome>(i % answer::kOutcomes);
      counted.rcode = static_cast<std::uint8_t>(i % net::kRcodes);
      counted.type = static_cast<std::uint16_t>(i);
      counted.codes = CodeSet::from_bits(static_cast<std::uint32_t>(i % (1U << kAllCodes.size())));
      counted.cookie = static_cast<answer::CookieState>(i % net::kCookieStates);
      counted.truncated = true;
      counted.limited = i % 2 == 0 ? answer::Limited::slipped : answer::Limited::dropped;
      counters->count(counted, i % 3 == 0 ? Family::ipv4 : Family::ipv6);
      counted.type = 252;
      counted.outcome = answer::Outcome::refused;
      counters->count(counted, Family::ipv4);
    }
  }
  worker.tcp_connections.add(2);
  worker.tcp_closed_idle.add(3);
  worker.send_failed.add(4);
  for (std::size_t i = 0; i < net::kLatencySteps; ++i) worker.add_latency(std::chrono::microseconds{1U << i}, i + 1);
  Status one;
  one.counts = added_by(worker, 1);
  Status two;
  two.counts = added_by(worker, 2);
  auto first = document(one);
  auto both = document(two);
  // The steps' bounds are no counts.
  for (auto* const json : {&first, &both}) {
    for (auto& step : (*json)["latency_us"]) step.erase("less_than");
  }
  std::vector<std::uint64_t> numbers;
  std::vector<std::uint64_t> sums;
  collect(first, numbers);
  collect(both, sums);
  for (auto& number : numbers) number *= 2;
  CHECK(sums == numbers);
  CHECK(numbers.size() > 120);
  CHECK(std::ranges::count(numbers, 0U) < 20);  // of the list, and what the kernel has dropped
}

TEST_CASE("a secondary's serial stands beside what it was told; unknown ones are null", "[net][status]") {
  const config::Endpoint one{*IpAddress::parse("192.0.2.1"), 53};
  const config::Endpoint two{*IpAddress::parse("2001:db8::2"), 5353};
  Status status;
  status.notified = {{.secondary = one, .told = 7}, {.secondary = two}};
  status.secondary_serials = {
      {.secondary = one, .answers = true, .serial = 5, .behind = 2, .lag = std::chrono::milliseconds{1500}},
      {.secondary = two}};
  const auto secondaries = document(status)["secondaries"];
  REQUIRE(secondaries.size() == 2);
  CHECK(secondaries[0]["address"] == "192.0.2.1:53");
  CHECK(secondaries[0]["told"] == 7);
  CHECK(secondaries[0]["answers"] == true);
  CHECK(secondaries[0]["serial"] == 5);
  CHECK(secondaries[0]["serial_behind"] == 2);
  CHECK(secondaries[0]["seconds_behind"] == 1.5);
  CHECK(secondaries[1]["address"] == "[2001:db8::2]:5353");
  CHECK(secondaries[1]["serial"].is_null());
  CHECK(secondaries[1]["serial_behind"].is_null());
  CHECK(secondaries[1]["answers"] == false);
  // What is known of other secondaries, between the two steps of a reload, isn't theirs.
  status.notified.erase(status.notified.begin());
  CHECK(document(status)["secondaries"][0]["serial"].is_null());
}

TEST_CASE("a secondary's serial is that in the main zone, and null for other zones", "[net][status]") {
  const config::Endpoint at{*IpAddress::parse("192.0.2.1"), 53};
  Status status;
  status.zone = "bl.example.org";
  status.further_zones = {"dsn-bl.example.org"};
  status.notified = {{.secondary = at, .zone = "bl.example.org", .told = 7},
                     {.secondary = at, .zone = "dsn-bl.example.org", .told = 6}};
  status.secondary_serials = {{.secondary = at, .answers = true, .serial = 7, .behind = 0}};
  const auto secondaries = document(status)["secondaries"];
  REQUIRE(secondaries.size() == 2);
  CHECK(secondaries[0]["zone"] == "bl.example.org");
  CHECK(secondaries[0]["serial"] == 7);
  CHECK(secondaries[1]["zone"] == "dsn-bl.example.org");
  CHECK(secondaries[1]["told"] == 6);
  for (const auto* const name : {"answers", "serial", "serial_behind", "seconds_behind"}) {
    CHECK_FALSE(secondaries[0][name].is_null());
    CHECK(secondaries[1][name].is_null());
  }
}
