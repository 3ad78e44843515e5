// Which callouts are recorded: how many per sender, witness and hour, and in total.
#include "blowback/text.h"
#include "catch.h"
#include "feed/callouts.h"

#include <chrono>
#include <initializer_list>
#include <string>

namespace blowback::feed {
namespace {

// On the hour.
constexpr UnixTime kHour{std::chrono::seconds{1'795'600'800}};
static_assert(kHour.time_since_epoch().count() % 3600 == 0);

/// One domain is one witness; of the other one each address is a witness.
std::string witness_of(std::string_view address) {
  const auto wanted = lower_case(address);
  if (wanted.ends_with("@trap.example.net")) return "@trap.example.net";
  return wanted.ends_with("@example.com") ? wanted : std::string();
}

TrapDelivery callout(const std::string& client, std::initializer_list<std::string> recipients, UnixTime at = kHour) {
  TrapDelivery callout;
  callout.event = TrapDelivery::Event::callout;
  callout.client = *IpAddress::parse(client);
  callout.rcpt_to = recipients;
  callout.received_at = at;
  return callout;
}

bool admits(CalloutGate& gate, TrapDelivery callout) { return gate.admits(callout); }

TEST_CASE("callouts have the null reverse-path, or Postfix's double-bounce address", "[feed][callout]") {
  CHECK(is_probing(""));
  CHECK(is_probing("double-bounce@mail.example.com"));
  CHECK_FALSE(is_probing("bounce@mail.example.com"));
}

TEST_CASE("one callout per sender, witness and hour is recorded", "[feed][callout]") {
  CalloutGate gate(witness_of);
  CHECK(admits(gate, callout("192.0.2.1", {"a@trap.example.net"})));
  CHECK_FALSE(admits(gate, callout("192.0.2.1", {"a@trap.example.net"})));
  CHECK_FALSE(admits(gate, callout("192.0.2.1", {"invented@TRAP.example.net"})));
  CHECK_FALSE(admits(gate, callout("192.0.2.1", {"a@trap.example.net"}, kHour + std::chrono::seconds(3599))));
  SECTION("the next hour has its own") {
    CHECK(admits(gate, callout("192.0.2.1", {"a@trap.example.net"}, kHour + std::chrono::hours(1))));
  }
  SECTION("another witness is another") {
    CHECK(admits(gate, callout("192.0.2.1", {"old.user@example.com"})));
    CHECK(admits(gate, callout("192.0.2.1", {"other.user@example.com"})));
    CHECK_FALSE(admits(gate, callout("192.0.2.1", {"OLD.user@example.com"})));
  }
  SECTION("another sender is another, and of IPv6 a /64 is one") {
    CHECK(admits(gate, callout("192.0.2.2", {"a@trap.example.net"})));
    CHECK(admits(gate, callout("2001:db8::1", {"a@trap.example.net"})));
    CHECK_FALSE(admits(gate, callout("2001:db8::2", {"a@trap.example.net"})));
  }
}

TEST_CASE("a callout keeps the first recipient whose witness is new", "[feed][callout]") {
  CalloutGate gate(witness_of);
  auto first = callout("192.0.2.1", {"someone@example.org", "a@trap.example.net", "old.user@example.com"});
  REQUIRE(gate.admits(first));
  CHECK(first.rcpt_to == std::vector<std::string>{"a@trap.example.net"});
  auto second = callout("192.0.2.1", {"b@trap.example.net", "old.user@example.com"});
  REQUIRE(gate.admits(second));
  CHECK(second.rcpt_to == std::vector<std::string>{"old.user@example.com"});
  CHECK_FALSE(admits(gate, callout("192.0.2.1", {"b@trap.example.net", "old.user@example.com"})));
  CHECK_FALSE(admits(gate, callout("192.0.2.1", {"someone@example.org"})));
}

TEST_CASE("the callouts of one sender are bounded, and don't affect other senders", "[feed][callout]") {
  CalloutGate gate(witness_of);
  std::size_t admitted = 0;
  for (int n = 0; n < 1'000; ++n) {
    admitted += admits(gate, callout("192.0.2.1", {std::to_string(n) + "@example.com"})) ? 1 : 0;
  }
  CHECK(admitted == CalloutGate::kMostOfSender);
  CHECK(admits(gate, callout("192.0.2.2", {"a@trap.example.net"})));
}

TEST_CASE("the callouts of an hour are bounded", "[feed][callout]") {
  CalloutGate gate(witness_of);
  std::size_t admitted = 0;
  for (std::size_t n = 0; n < 2 * CalloutGate::kMost; ++n) {
    auto one = callout("192.0.2.1", {"a@trap.example.net"});
    one.client = IpAddress::from_v4(0xcb000000U + static_cast<std::uint32_t>(n));
    admitted += gate.admits(one) ? 1 : 0;
  }
  CHECK(admitted == CalloutGate::kMost);
  CHECK(admits(gate, callout("192.0.2.1", {"a@trap.example.net"}, kHour + std::chrono::hours(1))));
}

}  // namespace
}  // namespace blowback::feed
