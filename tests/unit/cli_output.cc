// Output: aligned for people, typed for programs, safe for terminals.
#include "account_fixture.h"
#include "catch.h"
#include "output.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

using namespace blowback::cli;       // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)

namespace {

std::string printed(const Table& table, Format format, bool bold = false, std::size_t width = 0) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  REQUIRE(file);
  table.print(file.get(), {.format = format, .now = kNow, .bold = bold, .width = width});
  std::string text(static_cast<std::size_t>(std::ftell(file.get())), '\0');
  REQUIRE(std::fseek(file.get(), 0, SEEK_SET) == 0);
  REQUIRE(std::fread(text.data(), 1, text.size(), file.get()) == text.size());
  return text;
}

/// The longest line, in characters.
std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    most = std::max(most, static_cast<std::size_t>(std::ranges::count_if(
                              line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; })));
  }
  return most;
}

Table sample() {
  Table table({"ip", "listed_at", "count", "score", "yes", "until"});
  table.add({cell("192.0.2.1"), Cell(kNow - hours(3)), Cell(std::uint64_t{7}), Cell(1.5), Cell(true), Cell()});
  table.add({cell("a,\"b\"\r\nc"), Cell(kNow + days(1)), Cell(std::uint64_t{12}), Cell(0.0), Cell(false), Cell(kNow)});
  return table;
}

}  // namespace

TEST_CASE("a table for people is aligned, with absolute and relative times", "[cli][output]") {
  Table table({"ip", "listed_at"});
  table.add({cell("192.0.2.1"), Cell(kNow - hours(3))});
  table.add({cell("2001:db8::1"), Cell(kNow + days(11) + hours(2))});
  CHECK(printed(table, Format::table) ==
        "ip           listed at\n"
        "192.0.2.1    2026-11-24 07:00 (3 hours ago)\n"
        "2001:db8::1  2026-12-05 12:00 (in 11 days 2 hours)\n");
  CHECK(printed(table, Format::table, true).starts_with("\x1b[1mip           listed at\x1b[0m\n"));
}

TEST_CASE("CSV is RFC 4180 with a heading and ISO 8601", "[cli][output]") {
  CHECK(printed(sample(), Format::csv) ==
        "ip,listed_at,count,score,yes,until\r\n"
        "192.0.2.1,2026-11-24T07:00:00Z,7,1.5,true,\r\n"
        "\"a,\"\"b\"\"\r\nc\",2026-11-25T10:00:00Z,12,0,false,2026-11-24T10:00:00Z\r\n");
}

TEST_CASE("JSON keeps numbers, booleans and null", "[cli][output]") {
  CHECK(
      printed(sample(), Format::json) ==
      "[\n"
      R"( {"ip":"192.0.2.1","listed_at":"2026-11-24T07:00:00Z","count":7,"score":1.5,"yes":true,"until":null},)"
      "\n"
      R"( {"ip":"a,\"b\"\r\nc","listed_at":"2026-11-25T10:00:00Z","count":12,"score":0.0,"yes":false,"until":"2026-11-24T10:00:00Z"})"
      "\n]\n");
  CHECK(printed(Table({"a"}), Format::json) == "[]\n");
}

TEST_CASE(
    "a table fits the terminal: texts are shortened, then times, then rows become blocks, and programs get everything",
    "[cli][output]") {
  Table table({"prefix", "listed_at", "reason", "note"});
  table.add({cell("2001:db8:1234:5678::/64"), Cell(kNow - hours(3)), cell(std::string(60, 'r')), cell("short")});
  table.add({cell("192.0.2.1"), Cell(kNow - hours(3)), cell("é" + std::string(99, 'x')), cell("-")});
  CHECK(widest(printed(table, Format::table)) > 150);
  for (const std::size_t width : {140U, 100U, 95U, 75U}) {
    CAPTURE(width);
    const auto shown = printed(table, Format::table, false, width);
    CHECK(widest(shown) <= width);
    CHECK_THAT(shown, Catch::Contains("2001:db8:1234:5678::/64 ") && Catch::Contains("2026-11-24 07:00") &&
                          Catch::Contains("…"));
    CHECK((shown.find("hours ago") != std::string::npos) == (width >= 95));
  }
  CHECK(printed(table, Format::csv, false, 64) == printed(table, Format::csv));
  CHECK(printed(table, Format::json, false, 64) == printed(table, Format::json));
}

TEST_CASE("empty columns are left out before anything is shortened, and addresses never are", "[cli][output]") {
  Table table({"id", "subject", "until", "undone_by", "unfinished", "codes", "reason"});
  for (std::uint64_t i = 1; i < 3; ++i) {
    table.add({Cell(i), cell("2001:db8:1234:5678:9abc:def0::/96"), Cell(), Cell(), cell(""),
               Cell(std::vector<std::string>{}), cell("a reason of thirty characters.")});
  }
  const auto wide = printed(table, Format::table, false, 120);
  CHECK_THAT(wide, Catch::Contains("undone by") && Catch::Contains("unfinished"));
  const auto shown = printed(table, Format::table, false, 80);
  CHECK(shown ==
        "id  subject                            reason\n"
        "1   2001:db8:1234:5678:9abc:def0::/96  a reason of thirty characters.\n"
        "2   2001:db8:1234:5678:9abc:def0::/96  a reason of thirty characters.\n");
  CHECK_THAT(printed(table, Format::table, false, 65),
             Catch::Contains("1   2001:db8:1234:5678:9abc:def0::/96  a reason of thirty charac…\n"));
  // What comes beyond the rows that are measured may have something there.
  Table many({"id", "empty", "reason"});
  for (std::uint64_t i = 0; i < 1'000; ++i) many.add({Cell(i), Cell(), cell(std::string(60, 'r'))});
  many.add({Cell(std::uint64_t{1'000}), cell("x"), cell("y")});
  CHECK_THAT(printed(many, Format::table, false, 40), Catch::Contains("empty") && Catch::EndsWith("1000  x      y\n"));
}

TEST_CASE("rows that don't fit at all are blocks, with complete texts", "[cli][output]") {
  Table table({"at", "prefix", "expires_at", "undone_by", "reason"});
  table.add({Cell(kNow - hours(3)), cell("2001:db8:1234:5678::/64"), Cell(kNow + days(1)), Cell(),
             cell("a reason that takes more than one line of so narrow a terminal")});
  table.add({Cell(kNow), cell("192.0.2.1"), Cell(), Cell(std::uint64_t{7}), cell("short")});
  const auto shown = printed(table, Format::table, false, 50);
  CHECK(widest(shown) <= 50);
  CHECK(shown ==
        "at          2026-11-24 07:00 (3 hours ago)\n"
        "prefix      2001:db8:1234:5678::/64\n"
        "expires at  2026-11-25 10:00 (in 1 day)\n"
        "reason      a reason that takes more than one line\n"
        "            of so narrow a terminal\n"
        "\n"
        "at          2026-11-24 10:00 (0 seconds ago)\n"
        "prefix      192.0.2.1\n"
        "undone by   7\n"
        "reason      short\n");
  CHECK(printed(Table({"first", "second"}), Format::table, false, 5) == "first  second\n");
}

TEST_CASE("rows after the measured ones are printed as they are, or shortened to the terminal", "[cli][output]") {
  const std::size_t width = GENERATE(0U, 40U);
  Table table({"n", "text", "end"});
  for (std::uint64_t i = 0; i < 1'000; ++i) table.add({Cell(i), cell("short"), cell("x")});
  table.add({Cell(std::uint64_t{1'000}), cell(std::string(50, 'y')), cell("x")});
  const auto text = printed(table, Format::table, false, width);
  CHECK(text.starts_with("n    text   end\n0    short  x\n"));
  CHECK(text.ends_with(width == 0 ? "1000  " + std::string(50, 'y') + "  x\n" : "1000  yyyy…  x\n"));
}

TEST_CASE("JSON has arrays for lists, and null for an empty string", "[cli][output]") {
  Table table({"codes", "reason"});
  table.add({Cell(std::vector<std::string>{"dsn", "mdn"}), cell("")});
  CHECK(printed(table, Format::json) == "[\n {\"codes\":[\"dsn\",\"mdn\"],\"reason\":null}\n]\n");
  CHECK(printed(table, Format::csv) == "codes,reason\r\ndsn mdn,\r\n");
  CHECK(printed(table, Format::table) == "codes    reason\ndsn mdn  -\n");
}
