// A Content-Type read without GMime is what GMime makes of it: for those of all samples, and for what nobody wrote.
#include "../../ingest/mail/decoding.h"
#include "catch.h"
#include "in_tree.h"
#include "mail/message.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file

namespace {

namespace fs = std::filesystem;

std::vector<std::string> values_of_samples() {
  std::vector<std::string> out;
  const auto add = [&](const std::vector<mail::Field>& fields) {
    for (const mail::Field& field : fields) {
      if (mail::is_named(field, "Content-Type")) out.push_back(field.value);
    }
  };
  for (const auto& entry : fs::directory_iterator(test::in_tree("tests/data/mail"))) {
    if (entry.path().extension() != ".eml") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    const auto message = mail::parse(bytes, {});
    if (!message) continue;
    add(message->fields);
    for (const mail::Part& part : message->parts) {
      add(part.fields);
      add(part.enclosed_fields);
    }
  }
  return out;
}

void check(const std::string& value) {
  const auto is = mail::parse_content_type(value);
  const auto by_gmime = mail::parse_content_type_by_gmime(value);
  if (is == by_gmime) return;
  CAPTURE(value);
  CHECK(is.type == by_gmime.type);
  CHECK(is.charset == by_gmime.charset);
  CHECK(is.boundary == by_gmime.boundary);
  CHECK(is.report_type == by_gmime.report_type);
  CHECK(is.name == by_gmime.name);
}

}  // namespace

TEST_CASE("a Content-Type is what GMime makes of it", "[mail][property]") {
  const auto values = values_of_samples();
  REQUIRE(values.size() > 300);
  for (const auto& value : values) check(value);
  // Pieces that mean something, in any order; and real values with some octets replaced, left out or doubled.
  constexpr auto kPieces = std::to_array<std::string_view>({"text/plain",
                                                            "multipart/report",
                                                            "text",
                                                            "/",
                                                            ";",
                                                            "; ",
                                                            "charset=",
                                                            "CHARSET",
                                                            "boundary=\"a b\"",
                                                            "name=\"x.exe\"",
                                                            "report-type=",
                                                            "=",
                                                            "\"",
                                                            "\\",
                                                            "us-ascii",
                                                            "x*0=a",
                                                            "(c)",
                                                            "=?utf-8?q?a?=",
                                                            "name*=utf-8''a",
                                                            "\xC3\xA9",
                                                            " ",
                                                            "\t",
                                                            "<",
                                                            "charset=a",
                                                            "charset=\"b\"",
                                                            "boundary=a=_b",
                                                            "="});
  std::mt19937 random(20261127);  // NOLINT: the same each run
  for (int i = 0; i < 20'000; ++i) {
    std::string value = i % 2 == 0 ? values[random() % values.size()] : "text/plain;";
    for (int edit = 0; edit < 1 + i % 5; ++edit) {
      const std::size_t at = random() % (value.size() + 1);
      const std::string_view piece = kPieces[random() % kPieces.size()];
      if (i % 2 != 0) {
        value += piece;
      } else if (edit % 2 == 0) {
        value.replace(at, random() % 3, piece);
      } else {
        value.erase(at, 1);
      }
    }
    check(value);
  }
}
