// What is logged of trouble with the database.
#include "catch.h"
#include "record/troubles.h"

using blowback::record::Troubles;
using blowback::record::Work;

TEST_CASE("trouble is logged when it begins and when it ends", "[record]") {
  Troubles troubles;
  CHECK_FALSE(troubles.any());
  CHECK(troubles.begin(Work::recording, "disk full"));
  CHECK_FALSE(troubles.begin(Work::recording, "disk full"));
  CHECK_FALSE(troubles.begin(Work::recording, "disk still full"));
  CHECK(troubles.has(Work::recording));
  CHECK(troubles.first() == "disk still full");
  CHECK(troubles.end(Work::recording));
  CHECK_FALSE(troubles.any());
  CHECK_FALSE(troubles.end(Work::recording));
  CHECK(troubles.begin(Work::recording, "disk full"));
}

TEST_CASE("the same error of two works is logged once, and its end when both are over", "[record]") {
  Troubles troubles;
  CHECK(troubles.begin(Work::recording, "disk full"));
  CHECK_FALSE(troubles.begin(Work::sweeping, "disk full"));
  SECTION("the first one ends first") {
    CHECK_FALSE(troubles.end(Work::recording));
    CHECK(troubles.has(Work::sweeping));
    CHECK(troubles.end(Work::sweeping));
  }
  SECTION("the second one ends first") {
    CHECK_FALSE(troubles.end(Work::sweeping));
    CHECK(troubles.end(Work::recording));
  }
}

TEST_CASE("different errors are logged each", "[record]") {
  Troubles troubles;
  CHECK(troubles.begin(Work::upkeep, "page 7 is damaged"));
  CHECK(troubles.begin(Work::recording, "disk full"));
  CHECK(troubles.first() == "disk full");
  CHECK(troubles.end(Work::recording));
  CHECK(troubles.first() == "page 7 is damaged");
  troubles.clear();
  CHECK_FALSE(troubles.any());
}
