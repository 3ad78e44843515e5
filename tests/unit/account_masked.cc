// No trap is ever shown, in plain or in a coding, and other text stays readable.
#include "account/masked.h"
#include "catch.h"

using blowback::account::TrapMask;

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
      {"bounce+ab=trap-example-net@relay.example.org", "[trap]"},       // other characters between the labels
      {"x?to=old.user%40example.com&y", "[trap]"},                      // percent-encoded
      {"=6Fld.user=40=65xample.com", "[trap]"},                         // quoted-printable
      {"b2xkLnVzZXJAZXhhbXBsZS5jb20=.1@relay.example.org", "[trap]"},   // base64 of old.user@example.com
      {"id-b2xkLnVzZXJAZXhhbXBsZS5jb20@relay.example.org", "[trap]"},   // the same after a character of base64url
      {"xb2xkLnVzZXJAZXhhbXBsZS5jb20@relay.example.org", "[trap]"},     // the same one off
      {"6f6c642e75736572406578616d706c652e636f6d@relay.example.org", "[trap]"},  // hexadecimal
  }));
  CAPTURE(c.text);
  CHECK(mask().masked(c.text) == c.shown);
}

TEST_CASE("a trap's local part is masked wherever it is", "[cli][masked]") {
  CHECK(mask().masked("20261124.OLD.USER.77@mx.sender.example") == "20261124.[trap].77@mx.sender.example");
  CHECK(mask().masked("xold.userx old.user") == "x[trap]x [trap]");
}

TEST_CASE("a word that holds a local part alone in another coding is masked whole", "[cli][masked]") {
  const TrapMask one({"old.user@example.com"}, {});
  const auto word = GENERATE(as<std::string>{}, "b2xkLnVzZXI=", "b2xklnvzzxi@x", "pz8-b2xklnvzzxi",  // base64
                             "xb2xkLnVzZXIx", "xxb2xkLnVzZXIx",    // at other alignments
                             "T0xELlVTRVI",                        // of the upper case
                             "N5WGILTVONSXE===", "n5wgiltvonsxe",  // base32
                             "6f6c642e75736572", "id-6F6C642E75736572-1", "6f-6c-64-2e-75-73-65-72",  // hexadecimal
                             "byq.hfre", "BYQ_HFRE",                                                  // ROT13
                             "resu.dlo", "x-RESUDLO-7",                                               // reversed
                             "%6f%6c%64.user", "old=2euser",                 // percent-encoded, quoted-printable
                             "o1l2d3u4s5e6r", "ol_d-us+er", "ol.d_user7",    // digits and other characters within
                             "bf9ae526b0f668bfd676a61473f25569",             // MD5
                             "id.BDB2C586391E0CB6@mx",                       // SHA-1, cut
                             "6WojVaCIqB5Bg9dJp47BY5cOeVsfIfgAOWpNMT9DdN8",  // SHA-256 in base64
                             "d2772c833575e716645e20ac6d6d8c3d");            // of the address, MD5
  CAPTURE(word);
  CHECK(one.masked("id " + word + " end") == "id [trap] end");
}

TEST_CASE("a short local part is masked as a word of its own, but not within words", "[cli][masked]") {
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
