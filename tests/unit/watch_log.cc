#include "catch.h"
#include "watch/log.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

using blowback::config::LogFormat;
using blowback::watch::Field;
using blowback::watch::Level;
using blowback::watch::log_line;

namespace {

constexpr auto kTime = "2026-11-24T10:00:00Z";

std::string line(LogFormat format, const std::vector<Field>& fields) {
  return log_line(format, kTime, Level::warning, "quarantined", fields);
}

}  // namespace

TEST_CASE("each format shows the same event", "[watch][log]") {
  const std::vector<Field> fields{
      {"feed", "traps"}, Field::sentence("where", "new/1"), {"count", 3}, Field::sentence("detail", "not \"so\"")};
  CHECK(line(LogFormat::text, fields) ==
        R"(2026-11-24T10:00:00Z warning quarantined feed=traps where="new/1" count=3 detail="not \"so\"")");
  CHECK(
      line(LogFormat::logfmt, fields) ==
      R"(time=2026-11-24T10:00:00Z level=warning event=quarantined feed=traps where=new/1 count=3 detail="not \"so\"")");
  CHECK(line(LogFormat::json, fields) ==
        R"({"time":"2026-11-24T10:00:00Z","level":"warning","event":"quarantined","feed":"traps","where":"new/1",)"
        R"("count":3,"detail":"not \"so\""})");
}

TEST_CASE("an event without fields is a whole line", "[watch][log]") {
  CHECK(line(LogFormat::text, {}) == "2026-11-24T10:00:00Z warning quarantined");
  CHECK(line(LogFormat::logfmt, {}) == "time=2026-11-24T10:00:00Z level=warning event=quarantined");
  CHECK(line(LogFormat::json, {}) == R"({"time":"2026-11-24T10:00:00Z","level":"warning","event":"quarantined"})");
}

TEST_CASE("a value can't forge a field, a line, or a terminal's command", "[watch][log][hostile]") {
  const std::string value = GENERATE(
      values<std::string>({"a\n2026-11-24T10:00:00Z critical list-stale", "x level=critical", "\x1b[2J", "tab\tcr\r",
                           "\xc2\x9b"
                           "31m",
                           "\"", "\\", "\xff\xfe", "", " ",
                           "\x1f"
                           "1\x1e"
                           "z",
                           "\x7f", std::string("nul\0nul", 7)}));
  CAPTURE(value);
  for (const auto format : {LogFormat::text, LogFormat::logfmt, LogFormat::json}) {
    for (const auto& field : {Field("key", value), Field::sentence("key", value)}) {
      const auto text = line(format, {field, {"last", 1}});
      CHECK(std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
      CHECK(text.find("\xc2\x9b") == std::string::npos);
      if (format != LogFormat::json) {
        // All of the value is between one pair of quotes.
        const auto quoted = text.substr(text.find("key="));
        CHECK(quoted.starts_with("key=\""));
        CHECK(quoted.ends_with("\" last=1"));
      }
    }
  }
}

TEST_CASE("a line of JSON is JSON whatever octets it holds, and keeps what is UTF-8", "[watch][log][hostile]") {
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all += static_cast<char>(octet);
  const auto document = nlohmann::json::parse(line(LogFormat::json, {{"key", all}, {"umlaut", "Zürich"}}));
  CHECK(document["umlaut"] == "Zürich");
  CHECK(document["key"].get<std::string>().substr(0, 128) == all.substr(0, 128));
}

TEST_CASE("text in quotes keeps letters of all alphabets and shows other octets by number", "[watch][log]") {
  CHECK(line(LogFormat::logfmt, {{"k", "Zürich 例え 😀"}}).ends_with("k=\"Zürich 例え 😀\""));
  CHECK(line(LogFormat::logfmt, {{"k", "\xc0\xaf \xed\xa0\x80"}}).ends_with(R"(k="\xc0\xaf \xed\xa0\x80")"));
  CHECK(line(LogFormat::logfmt, {{"k", "\xc3"}}).ends_with(R"(k="\xc3")"));
}
