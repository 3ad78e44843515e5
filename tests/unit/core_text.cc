#include "blowback/text.h"
#include "catch.h"

#include <array>
#include <string>

using namespace blowback;

TEST_CASE("only ASCII letters become lower case, whatever octets stand around them", "[core]") {
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  const std::string lower = lower_case(every);
  REQUIRE(lower.size() == every.size());
  for (std::size_t i = 0; i < every.size(); ++i) {
    const bool is_letter = i >= 'A' && i <= 'Z';
    CHECK(lower[i] == (is_letter ? static_cast<char>(every[i] + 32) : every[i]));
  }
}

TEST_CASE("texts are equal without regard to case only if they have the same length", "[core]") {
  CHECK(equals_ignoring_case("MX.Example", "mx.eXAMPLE"));
  CHECK(equals_ignoring_case("", ""));
  CHECK_FALSE(equals_ignoring_case("mx.example", "mx.example."));
  // '@' and '`' are 32 apart as letters are, and aren't letters.
  CHECK_FALSE(equals_ignoring_case("@", "`"));
}

TEST_CASE("trimming leaves blanks within the text", "[core]") {
  CHECK(trimmed(" \t a b\r\n") == "a b");
  CHECK(trimmed("a").size() == 1);
  CHECK(trimmed(" \r\n\t").empty());
  CHECK(trimmed("").empty());
  // Neither a vertical tab nor NUL is a blank.
  CHECK(trimmed("\va\v") == "\va\v");
}

TEST_CASE("octets become two hexadecimal digits each", "[core]") {
  CHECK(hex(std::array<std::uint8_t, 4>{0x00, 0x0f, 0xa0, 0xff}) == "000fa0ff");
  CHECK(hex({}).empty());
}
