// Who may be removed at its own request, and how long it waits.
#include "blowback/removal.h"
#include "catch.h"

#include <chrono>
#include <set>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file
using std::chrono::days;

namespace {

RemovalCase listed() { return {.is_listed = true}; }

std::optional<RemovalRefusal> refused(const RemovalCase& of, const RemovalRules& rules = {}) {
  return outlook_of(rules, of).refused;
}

}  // namespace

TEST_CASE("the first removal is immediate, and each further one waits twice as long as the one before",
          "[core][removal]") {
  const RemovalRules rules;
  CHECK(removal_waits(rules, 0) == days{0});
  CHECK(removal_waits(rules, 1) == days{1});
  CHECK(removal_waits(rules, 2) == days{2});
  CHECK(removal_waits(rules, 5) == days{16});
  CHECK(removal_waits(rules, 8) == days{128});
  auto of = listed();
  of.earlier = 3;
  CHECK(outlook_of(rules, of).wait == days{4});
  CHECK(outlook_of(rules, of).earlier == 3);
}

TEST_CASE("no wait is longer than removals are remembered, however many there were", "[core][removal]") {
  RemovalRules rules;
  CHECK(removal_waits(rules, 9) == days{180});
  CHECK(removal_waits(rules, 1'000'000'000) == days{180});
  rules.wait = Duration{0};
  CHECK(removal_waits(rules, 1'000) == Duration{0});
  rules.wait = days{3650};
  CHECK(removal_waits(rules, 1) == days{180});
}

TEST_CASE("what is refused, and what comes first", "[core][removal]") {
  CHECK_FALSE(refused(listed()));
  CHECK(refused({}) == RemovalRefusal::not_listed);
  auto of = listed();
  of.is_by_operator = true;
  CHECK(refused(of) == RemovalRefusal::by_operator);
  CHECK_FALSE(refused(of, {.by_operator = true}));
  of.is_network = true;
  CHECK(refused(of) == RemovalRefusal::by_operator);
  // Nobody proves control of a network by one address of it.
  CHECK(refused(of, {.by_operator = true}) == RemovalRefusal::network);
  of.is_exempt = true;
  CHECK(refused(of) == RemovalRefusal::exempt);
  of.use = AddressUse::special;
  CHECK(refused(of) == RemovalRefusal::special_use);
  CHECK(refused(of, {.enabled = false}) == RemovalRefusal::disabled);
  auto documentation = listed();
  documentation.use = AddressUse::documentation;
  CHECK_FALSE(refused(documentation));
}

TEST_CASE("names and clauses of refusals are there and differ", "[core][removal]") {
  std::set<std::string_view> names;
  std::set<std::string_view> clauses;
  for (int i = 0; i <= static_cast<int>(RemovalRefusal::too_many); ++i) {
    names.insert(name_of(static_cast<RemovalRefusal>(i)));
    clauses.insert(clause_of(static_cast<RemovalRefusal>(i)));
  }
  CHECK(names.size() == 8);
  CHECK(clauses.size() == 8);
  CHECK_FALSE(names.contains(""));
  CHECK_FALSE(clauses.contains(""));
}

TEST_CASE("how control was proved is told in words", "[core][removal]") {
  RemovalRequest request{.address = *IpAddress::parse("192.0.2.10")};
  CHECK(proof_in_words(request) == "requested over HTTPS by 192.0.2.10 itself");
  request.proof = RemovalProof::mail;
  CHECK(proof_in_words(request) == "requested by a message from 192.0.2.10 itself");
  request.proof = RemovalProof::token;
  request.mailed_to = "postmaster@mail.example.net";
  CHECK(proof_in_words(request) ==
        "requested with a token that was mailed to postmaster@mail.example.net for 192.0.2.10");
}
