// What is said about removal on request.
#include "account/removals.h"
#include "account_fixture.h"
#include "catch.h"

#include <vector>

using namespace blowback;
using namespace blowback::cli_test;
using Catch::Contains;

namespace {

RemovalRequest request(RemovalState state) {
  RemovalRequest made{.address = ip("192.0.2.7"), .sender = net("192.0.2.7"), .requested_at = kNow - hours(2)};
  made.due_at = made.requested_at;
  made.state = state;
  if (state != RemovalState::pending) made.decided_at = kNow - hours(2);
  return made;
}

std::string text(const RemovalOutlook& outlook, const std::vector<RemovalRequest>& requests) {
  return account::text_of(account::Removals{.outlook = outlook, .requests = requests}, Policy{}, kNow, false);
}

}  // namespace

TEST_CASE("a listed sender reads that it can be removed at once, and what that means for the next listing",
          "[account][removal]") {
  CHECK(text({}, {}) ==
        "\nRemoval on request\n  The sender can have itself removed at once.\n"
        "  If it is listed again after that, the listing lasts 2 times as long, up to 28 days.\n");
  CHECK_THAT(text({.refused = std::nullopt, .earlier = 2, .wait = days(2)}, {}),
             Contains("waits 2 days after it asks") && Contains("it was removed 2 times before"));
}

TEST_CASE("where there is nothing to remove, only what was asked is said", "[account][removal]") {
  CHECK(text({.refused = RemovalRefusal::not_listed}, {}).empty());
  CHECK(text({.refused = RemovalRefusal::exempt}, {}).empty());
  CHECK(text({.refused = RemovalRefusal::disabled}, {}).empty());
  CHECK_THAT(text({.refused = RemovalRefusal::by_operator}, {}),
             Contains("would be refused now: it was listed by the"));
  CHECK(text({.refused = RemovalRefusal::not_listed}, {request(RemovalState::done)}) ==
        "\nRemoval on request\n  2026-11-24 08:00, requested over HTTPS by 192.0.2.7 itself:\n"
        "    removed 2026-11-24 08:00 (2 hours ago).\n");
}

TEST_CASE("each state of a request is said", "[account][removal]") {
  auto pending = request(RemovalState::pending);
  pending.due_at = kNow + hours(22);
  auto refused = request(RemovalState::refused);
  refused.refused = RemovalRefusal::still_sending;
  auto undone = request(RemovalState::done);
  undone.undone = true;
  const auto all = text({}, {pending, refused, undone});
  CHECK_THAT(all, Contains("due 2026-11-25 08:00 (in 22 hours), if no backscatter comes until then."));
  CHECK_THAT(all, Contains("refused 2026-11-24 08:00 (2 hours ago): backscatter came from it"));
  CHECK_THAT(all, Contains(", which the operator has undone."));
}
