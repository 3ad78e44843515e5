// How the tool reads the server's status: numbers, percentiles, and other programs that answer at that path.
#include "catch.h"
#include "dns/server_status.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

using namespace blowback;       // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli;  // NOLINT(google-build-using-namespace)

namespace {

constexpr UnixTime kNow{Duration{1'795'514'400}};  // 2026-11-24T10:00:00Z

const std::string kDocument = R"({"version": "0.1.0", "zone": "bl.example.org", "started_at": "2026-11-24T09:00:00Z",
  "list": {"ready": true, "stale": false, "serial": 7, "entries": 5, "octets": 4096, "checked_seconds_ago": 0.021,
           "changed_seconds_ago": 125.5},
  "queries": {"udp": {"total": 9, "outcomes": {"listed": 3, "test_point": 6, "nxdomain": 0}, "types": {"A": 9},
                      "rcodes": {"NOERROR": 9}, "hits": {"virus_notice": 2}, "truncated": 0},
              "tcp": {"total": 1, "outcomes": {"listed": 0, "nxdomain": 1}, "types": {"A": 1}, "truncated": 0}},
  "tcp_connections": 1, "drops": {"not_a_query": 0, "kernel_buffer": 4},
  "latency_us": [{"less_than": 1, "queries": 5}, {"less_than": 2, "queries": 4}, {"less_than": null, "queries": 0}]})";

std::string printed(const Table& table, Format format = Format::table) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  table.print(file.get(), {.format = format, .now = kNow});
  std::string text(static_cast<std::size_t>(std::ftell(file.get())), '\0');
  REQUIRE(std::fseek(file.get(), 0, SEEK_SET) == 0);
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

std::string shown(const std::optional<Latency>& latency) {
  if (!latency) return "-";
  return fmt::format("{}{}", latency->or_more ? ">= " : "< ", latency->microseconds);
}

ServerStatus status() {
  auto parsed = parse_status(kDocument);
  REQUIRE(parsed);
  return std::move(*parsed);
}

}  // namespace

TEST_CASE("a percentile is the bound of the step that its query is in", "[cli][server]") {
  using Steps = std::vector<LatencyStep>;
  const auto of = [](const Steps& steps, unsigned per_mille) { return shown(percentile(steps, per_mille)); };
  CHECK(of({}, 500) == "-");
  CHECK(of({{1, 0}, {2, 0}, {{}, 0}}, 500) == "-");
  CHECK(of({{1, 1}, {2, 0}}, 500) == "< 1");
  CHECK(of({{1, 1}, {2, 0}}, 999) == "< 1");
  // Both sides of the middle.
  CHECK(of({{1, 50}, {2, 50}}, 500) == "< 1");
  CHECK(of({{1, 49}, {2, 51}}, 500) == "< 2");
  // Both sides of 99 and 99.9 %.
  CHECK(of({{1, 990}, {2, 9}, {4, 1}}, 990) == "< 1");
  CHECK(of({{1, 989}, {2, 10}, {4, 1}}, 990) == "< 2");
  CHECK(of({{1, 990}, {2, 9}, {4, 1}}, 999) == "< 2");
  CHECK(of({{1, 990}, {2, 8}, {4, 2}}, 999) == "< 4");
  // Few queries: the slowest counts.
  CHECK(of({{1, 9}, {2, 1}}, 999) == "< 2");
  // Beyond the last bound.
  CHECK(of({{1, 1}, {1024, 0}, {{}, 9}}, 500) == ">= 1024");
  CHECK(of({{{}, 9}}, 500) == ">= 0");
  // Numbers that would overflow if they were multiplied.
  CHECK(of({{1, std::uint64_t{1} << 62U}, {2, std::uint64_t{1} << 62U}}, 501) == "< 2");
}

TEST_CASE("for people the server's tables leave out what is 0, but for the journal's lag", "[cli][server]") {
  CHECK(printed(server_table(status(), 7)) ==
        "server                  value\n"
        "zone                    bl.example.org\n"
        "version                 0.1.0\n"
        "serving since           2026-11-24 09:00 (1 hour ago)\n"
        "list                    good\n"
        "list entries            5\n"
        "list octets             4096\n"
        "database read           0.02 seconds ago\n"
        "list changed            2 minutes 5 seconds ago\n"
        "journal lag             0\n"
        "tcp connections         1\n"
        "dropped: kernel buffer  4\n"
        "latency p50             less than 1 us\n"
        "latency p99             less than 2 us\n"
        "latency p99.9           less than 2 us\n");
  CHECK(printed(queries_table(status())) ==
        "queries                 udp  tcp\n"
        "all                     9    1\n"
        "outcome listed          3    0\n"
        "outcome test point      6    0\n"
        "outcome nxdomain        0    1\n"
        "type A                  9    1\n"
        "rcode NOERROR           9    0\n"
        "listed as virus notice  2    0\n");
}

TEST_CASE("for programs every number of the server is a figure", "[cli][server]") {
  Table table({"figure", "value"});
  add_server_figures(table, status(), 10);
  nlohmann::json figures;
  for (const auto& row : nlohmann::json::parse(printed(table, Format::json))) {
    const auto name = row["figure"].get<std::string>();
    CHECK_FALSE(figures.contains(name));
    figures[name] = row["value"];
  }
  CHECK(figures["server.zone"] == "bl.example.org");
  CHECK(figures["server.list.ready"] == true);
  CHECK(figures["server.list.checked_seconds_ago"] == 0.021);
  CHECK(figures["server.queries.udp.outcomes.nxdomain"] == 0);
  CHECK(figures["server.queries.tcp.types.A"] == 1);
  CHECK(figures["server.drops.kernel_buffer"] == 4);
  CHECK(figures["server.journal.lag"] == 3);
  CHECK(figures["server.latency_us.less_than_2"] == 4);
  CHECK(figures["server.latency_us.longer"] == 0);
  CHECK(figures["server.latency_us.p50"] == 1);
  CHECK(figures["server.latency_us.p99.9"] == 2);
}

TEST_CASE("a server ahead of the serial that was read a moment ago has no lag", "[cli][server]") {
  CHECK_THAT(printed(server_table(status(), 6)), Catch::Contains("journal lag             0\n"));
  CHECK_THAT(printed(server_table(status(), 9)), Catch::Contains("journal lag             2\n"));
}

TEST_CASE("a list that is stale or not loaded yet is reported", "[cli][server]") {
  CHECK_THAT(printed(server_table(*parse_status(R"({"started_at": "", "list": {"ready": true, "stale": true}})"), 0)),
             Catch::Contains("stale: no address is answered as listed"));
  CHECK_THAT(printed(server_table(*parse_status(R"({"started_at": "", "list": {"ready": false}})"), 0)),
             Catch::Contains("SERVFAIL"));
}

TEST_CASE("whatever answers at that path does no harm", "[cli][server]") {
  for (const auto* const text : {"", "HTTP/1.0 200 OK", "[]", "7", "{}", "null", "{\"started_at\": "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_status(text));
  }
  // Wrong types, surprising depths, unknown names: what is understood is shown.
  std::string deep = "1";
  for (int i = 0; i < 1000; ++i) deep = "{\"a\": " + deep + "}";
  const auto odd = parse_status(R"({"started_at": 5, "zone": ["x"], "version": "\u001b[31mred", "list": 3,
    "queries": {"udp": {"total": -1, "types": "A", "new": {"thing": 2}}}, "latency_us": [1, {}, {"less_than": "x",
    "queries": 1}, {"less_than": 4, "queries": -2}], "deep": )" +
                                deep + "}");
  REQUIRE(odd);
  CHECK_THAT(printed(server_table(*odd, 1)), !Catch::Contains("\x1b"));
  CHECK_THAT(printed(queries_table(*odd)), Catch::Contains("new.thing  2    0"));
  Table figures({"figure", "value"});
  add_server_figures(figures, *odd, 1);
  CHECK_THAT(printed(figures, Format::json), Catch::Contains("server.queries.udp.new.thing"));
}

TEST_CASE("if no server listens, the message says so", "[cli][server]") {
  const std::string path = (std::filesystem::temp_directory_path() / "blowback-no-such-socket").string();
  for (const auto& each : {path, path + "/below", path + std::string(200, 'x')}) {
    const auto asked = ask_server(each);
    REQUIRE_FALSE(asked);
    CHECK(asked.error().nobody);
    CHECK(asked.error().text == fmt::format("server: not running (no answer at {})", each));
  }
}

TEST_CASE("each secondary is shown with its serial: the latest, behind, newer, or unknown", "[cli][server]") {
  const auto parsed = parse_status(R"({"started_at": "", "secondaries": [
    {"address": "192.0.2.1:53", "answers": true, "serial": 7, "serial_behind": 0, "seconds_behind": 0.0},
    {"address": "192.0.2.2:53", "answers": true, "serial": 5, "serial_behind": 2, "seconds_behind": 90.5},
    {"address": "192.0.2.3:53", "answers": true, "serial": 9, "serial_behind": -2, "seconds_behind": 60.0},
    {"address": "192.0.2.4:53", "answers": false, "serial": null, "serial_behind": null, "seconds_behind": 60.0},
    {"address": "192.0.2.4:53", "zone": "further.example", "answers": null, "serial": null, "serial_behind": null, "seconds_behind": null},
    {"address": "192.0.2.5:53", "told": 7}, 4]})");
  REQUIRE(parsed);
  CHECK(parsed->secondaries.size() == 4);
  const auto shown_to_people = printed(server_table(*parsed, 7));
  for (const auto* const line : {"secondary 192.0.2.1:53  has serial 7, the latest\n",
                                 "secondary 192.0.2.2:53  has serial 5, 2 behind, for 1 minute 30 seconds\n",
                                 "secondary 192.0.2.3:53  has serial 9, newer than the zone's, for 1 minute\n",
                                 "secondary 192.0.2.4:53  doesn't answer for the zone, serial unknown\n"}) {
    CHECK_THAT(shown_to_people, Catch::Contains(line));
  }
  Table table({"figure", "value"});
  add_server_figures(table, *parsed, 7);
  const auto figures = printed(table, Format::csv);
  CHECK_THAT(figures, Catch::Contains("server.secondaries.192.0.2.2:53.serial_behind,2"));
  CHECK_THAT(figures, Catch::Contains("server.secondaries.192.0.2.4:53.answers,false"));
}
