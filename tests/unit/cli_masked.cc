// No trap is ever shown, in plain or in another coding; and what is no trap stays readable.
#include "masked.h"

#include <catch2/catch.hpp>

using blowback::cli::TrapMask;

namespace {

const TrapMask& mask() {
  static const TrapMask kMask({"old.user@Example.com", "ab@trap.example.net", "feed:traps"}, {"trap.example.net"});
  return kMask;
}

struct Case {
  std::string text;
  std::string shown;
};

}  // namespace

TEST_CASE("a trap's address is masked with its whole word, in any case and coding", "[cli][masked]") {
  const auto c = GENERATE(values<Case>({
      {"for <old.user@example.com>; Tue", "for <[trap]>; Tue"},
      {"for <OLD.User@EXAMPLE.COM>; Tue", "for <[trap]>; Tue"},
      {"for <any.one@trap.example.net>", "for <[trap]>"},
      {"bounce-17-old.user=example.com@relay.example.org", "[trap]"},   // VERP
      {"SRS0=Hh=TT=example.com=old.user@relay.example.org", "[trap]"},  // SRS
      {"bounce+ab=trap-example-net@relay.example.org", "[trap]"},       // other signs between the labels
      {"x?to=old.user%40example.com&y", "[trap]"},                      // percent-encoded
      {"=6Fld.user=40=65xample.com", "[trap]"},                         // quoted-printable
      {"b2xkLnVzZXJAZXhhbXBsZS5jb20=.1@relay.example.org", "[trap]"},   // base64 of old.user@example.com
      {"id-b2xkLnVzZXJAZXhhbXBsZS5jb20@relay.example.org", "[trap]"},   // the same after a sign base64url knows
      {"xb2xkLnVzZXJAZXhhbXBsZS5jb20@relay.example.org", "[trap]"},     // the same one off
      {"6f6c642e75736572406578616d706c652e636f6d@relay.example.org", "[trap]"},  // hexadecimal
  }));
  CAPTURE(c.text);
  CHECK(mask().masked(c.text) == c.shown);
}

TEST_CASE("a trap's local part is masked wherever it stands", "[cli][masked]") {
  CHECK(mask().masked("20261124.OLD.USER.77@mx.sender.example") == "20261124.[trap].77@mx.sender.example");
  CHECK(mask().masked("xold.userx old.user") == "x[trap]x [trap]");
}

TEST_CASE("a short local part is masked where it stands alone, and not within words", "[cli][masked]") {
  CHECK(mask().masked("bounce+ab@relay.example.org") == "bounce+[trap]@relay.example.org");
  CHECK(mask().masked("4FAB12.cable") == "4FAB12.cable");
}

TEST_CASE("of two local parts that overlap the longer is masked", "[cli][masked]") {
  const TrapMask two({"user@a.example", "old.user@a.example"}, {});
  CHECK(two.masked("x-old.user-user") == "x-[trap]-[trap]");
}

TEST_CASE("what names no trap stays as it is", "[cli][masked]") {
  const std::string text =
      "from spammer.example (unknown [203.0.113.200]) by mx.sender.example (Postfix) with SMTP id 9A0000000F\r\n"
      "\tfor <nobody@sender.example>; Tue, 24 Nov 2026 09:59:57 +0000 (UTC)";
  CHECK(mask().masked(text) == text);
  CHECK(mask().masked("").empty());
  CHECK(TrapMask({}, {}).masked(text) == text);
}

TEST_CASE("a mask of hostile text ends, whatever is in it", "[cli][masked]") {
  const std::string text = std::string(2000, 'A') + std::string(2000, '%') + std::string(2000, '=') +
                           std::string(100, '\0') + std::string(2000, '4');
  CHECK(mask().masked(text).size() <= text.size());
}
