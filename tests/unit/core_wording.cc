// Texts for people: times, and what strangers wrote.
#include "blowback/wording.h"
#include "catch.h"

#include <string>

using blowback::harmless;
using blowback::minute;
using blowback::UnixTime;
using blowback::when;

TEST_CASE("text by strangers has no control characters and a limited length", "[core][wording]") {
  CHECK(harmless("a\x1b[31mb\x07") == "a [31mb ");
  CHECK(harmless("a\xC2\x9B"
                 "31mb") == "a 31mb");  // C1: CSI in UTF-8
  CHECK(harmless("line\nbreak\ttab\r") == "line break tab ");
  CHECK(harmless(std::string(500, 'x'), 10) == "xxxxxxxxxx…");
  CHECK(harmless("ééééé", 4) == "éé…");
  CHECK(harmless("exactly ten", 11) == "exactly ten");
}

TEST_CASE("a time is shown to the minute, with its distance from now", "[core][wording]") {
  const UnixTime now{blowback::Duration{1'795'514'400}};
  CHECK(minute(now) == "2026-11-24 10:00");
  CHECK(when(now - blowback::Duration{10'800}, now) == "2026-11-24 07:00 (3 hours ago)");
  CHECK(when(now + blowback::Duration{86'400}, now) == "2026-11-25 10:00 (in 1 day)");
}
