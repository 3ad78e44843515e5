// Kinds, causes and codes: one name each, one octet each, one order.
#include "blowback/incident.h"
#include "blowback/kind.h"
#include "blowback/standing.h"
#include "catch.h"

using namespace blowback;

TEST_CASE("each kind, cause and code has a name that leads back to it", "[core]") {
  for (int i = 0; i < 8; ++i) {
    CHECK(kind_named(name_of(static_cast<Kind>(i))) == static_cast<Kind>(i));
    CHECK(cause_named(name_of(static_cast<Cause>(i))) == static_cast<Cause>(i));
  }
  for (const Code code : kAllCodes) CHECK(code_named(name_of(code)) == code);
  CHECK_FALSE(kind_named("spam"));
}

TEST_CASE("codes have the octets and the order of the documentation", "[core]") {
  std::string order;
  for (const Code code : kAllCodes) order += std::to_string(octet_of(code));
  CHECK(order == "2563749");
  CHECK(code_for(Kind::callout) == Code::callout);
  CHECK(code_for(Kind::auto_reply) == Code::auto_reply);
}

TEST_CASE("a set of codes survives the database", "[core]") {
  const CodeSet set = CodeSet(Code::dsn) | Code::by_operator;
  CHECK(CodeSet::from_bits(set.bits()) == set);
  CHECK(set.has(Code::dsn));
  CHECK_FALSE(set.has(Code::mdn));
  CHECK(CodeSet::from_bits(0x80).empty());
}

TEST_CASE("a trap address is never shown whole", "[core]") {
  CHECK(redacted("old.user@trap.example.net") == "o…@t…");
  CHECK(redacted("nobody") == "n…");
  CHECK(redacted("@x").find("@x…") == 0);
}

TEST_CASE("a sum halves in a half-life and a clock stepped back can't raise it", "[core]") {
  const UnixTime t0{Duration{1'000'000}};
  const FadingSum sum{.amount = 4, .at = t0};
  CHECK(faded(sum, t0 + Duration{100}, Duration{100}) == Approx(2));
  CHECK(faded(sum, t0 + Duration{200}, Duration{100}) == Approx(1));
  CHECK(faded(sum, t0 - Duration{500}, Duration{100}) == 4);
  // at once and in steps
  const FadingSum halfway{.amount = faded(sum, t0 + Duration{37}, Duration{100}), .at = t0 + Duration{37}};
  CHECK(faded(halfway, t0 + Duration{153}, Duration{100}) == Approx(faded(sum, t0 + Duration{153}, Duration{100})));
}
