// `removals`, and what other commands say about removal on request.
#include "cli_list.h"

using namespace blowback;
using namespace blowback::cli_test;
using Catch::Contains;

namespace {

/// As the page or the mail feed does it.
void ask(const List& list) {
  auto store = schema::Store::open(list.file("blowback.db"), schema::Store::Mode::write);
  REQUIRE(store);
  const auto filed = store->request_removal({.address = ip("192.0.2.7"), .proof = RemovalProof::mail}, {}, kNow);
  REQUIRE(filed);
  REQUIRE(filed->is_new);
}

void execute(const List& list) {
  auto store = schema::Store::open(list.file("blowback.db"), schema::Store::Mode::write);
  REQUIRE(store);
  const auto done = store->remove_due({}, kNow);
  REQUIRE(done);
  REQUIRE(done->decided.size() == 1);
}

}  // namespace

TEST_CASE("requests are listed, and why, log and stats show them", "[cli][tool][removal]") {
  const List list;
  list.record_bounces();
  CHECK(list.run({"removals"}).code == 1);
  ask(list);
  const auto pending = list.run({"removals", "--pending", "--format", "csv"});
  CHECK(pending.code == 0);
  CHECK_THAT(pending.out, Contains(",192.0.2.7,192.0.2.7,mail,,") && Contains(",pending,"));
  CHECK_THAT(list.run({"stats", "--format", "csv"}).out, Contains("removals_pending,1"));
  execute(list);
  CHECK(list.run({"removals", "--pending"}).code == 1);
  CHECK(list.run({"removals", "192.0.2.8"}).code == 1);
  CHECK_THAT(list.run({"removals", "192.0.2.7"}).out, Contains("done"));
  CHECK_THAT(list.run({"stats", "--format", "csv"}).out, Contains("removals_pending,0") && Contains("removals_done,1"));
  CHECK_THAT(list.run({"log"}).out,
             Contains("removal:mail") && Contains("requested by a message from 192.0.2.7 itself"));
  const auto why = list.run({"why", "192.0.2.7"});
  CHECK_THAT(why.out, Contains("NOT LISTED") && Contains("It was delisted") && Contains("Removal on request") &&
                          Contains("requested by a message from 192.0.2.7 itself"));
  CHECK_THAT(list.run({"why", "192.0.2.7", "--format", "json"}).out,
             Contains("\"removal\"") && Contains("\"refused\": \"not-listed\"") && Contains("\"proof\": \"mail\""));
}
