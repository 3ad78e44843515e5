// The queue between the SMTP listener's thread and the ingest loop's.
#include "catch.h"
#include "smtp/arrival_queue.h"
#include "smtp_client.h"
#include "smtp_fixture.h"

#include <string>
#include <variant>

namespace blowback::test {
namespace {

using smtp::ArrivalQueue;

TrapDelivery message(std::string text) {
  TrapDelivery delivery;
  delivery.message = std::move(text);
  return delivery;
}

TrapDelivery callout(unsigned client) {
  TrapDelivery delivery;
  delivery.event = TrapDelivery::Event::callout;
  delivery.received_at = kSmtpNow;
  delivery.client = IpAddress::from_v4(0xC0000200U + client);
  delivery.rcpt_to = {"a@trap.example.net"};
  return delivery;
}

std::string text_of(const smtp::Arrived& arrived) { return std::get<TrapDelivery>(arrived.item.content).message; }
bool is_readable(const ArrivalQueue& queue) { return becomes_readable(queue.wake_fd(), {}); }

TEST_CASE("messages are taken before callouts, the oldest first, within the bounds", "[smtp]") {
  ArrivalQueue queue(Talk::witness_of);
  CHECK_FALSE(is_readable(queue));
  queue.add_callout(callout(1));
  queue.add(1, message("one"));
  queue.add(2, message("two"));
  CHECK(is_readable(queue));
  SECTION("all") {
    const auto arrived = queue.take({});
    REQUIRE(arrived.size() == 3);
    CHECK(text_of(arrived[0]) == "one");
    CHECK(arrived[0].ticket == 1);
    CHECK(arrived[0].item.where == "session 1");
    CHECK(text_of(arrived[1]) == "two");
    CHECK(arrived[2].ticket == smtp::kNoTicket);
    CHECK(arrived[2].item.where == "callout");
    CHECK_FALSE(is_readable(queue));
  }
  SECTION("so many items") {
    CHECK(text_of(queue.take({.items = 1}).at(0)) == "one");
    CHECK(is_readable(queue));
    CHECK(queue.take({.items = 2}).size() == 2);
    CHECK_FALSE(is_readable(queue));
  }
  SECTION("so many octets") {
    CHECK(queue.take({.octets = 3}).size() == 2);  // "one" reaches the bound; callouts have no octets
    CHECK(text_of(queue.take({}).at(0)) == "two");
  }
  SECTION("without those whose client is gone") {
    queue.remove(1);
    queue.remove(7);
    const auto arrived = queue.take({});
    REQUIRE(arrived.size() == 2);
    CHECK(arrived[0].ticket == 2);
  }
}

TEST_CASE("beyond the limit the newest callouts are dropped", "[smtp][callout]") {
  ArrivalQueue queue(Talk::witness_of);
  for (unsigned i = 0; i < ArrivalQueue::kMostCallouts + 10; ++i) queue.add_callout(callout(i));
  const auto arrived = queue.take({.items = 10'000});
  REQUIRE(arrived.size() == ArrivalQueue::kMostCallouts);
  CHECK(std::get<TrapDelivery>(arrived.front().item.content).client == IpAddress::from_v4(0xC0000200U));
  CHECK(std::get<TrapDelivery>(arrived.back().item.content).client ==
        IpAddress::from_v4(0xC0000200U + ArrivalQueue::kMostCallouts - 1));
}

TEST_CASE("repeated callouts of a client are dropped, by the traps that are set", "[smtp][callout]") {
  ArrivalQueue queue(Talk::witness_of);
  queue.add_callout(callout(1));
  queue.add_callout(callout(1));
  CHECK(queue.take({}).size() == 1);
  queue.set_witness_of([](std::string_view) { return std::string(); });
  queue.add_callout(callout(2));
  CHECK_FALSE(is_readable(queue));
}

}  // namespace
}  // namespace blowback::test
