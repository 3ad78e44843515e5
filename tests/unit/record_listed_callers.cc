// A callout of a client that the list names is left out; everything else stays.
#include "catch.h"
#include "record/listed_callers.h"

#include <string>
#include <vector>

using namespace blowback;

namespace {

feed::Item item(const std::string& where, TrapDelivery::Event event, std::optional<IpAddress> client) {
  TrapDelivery delivery;
  delivery.event = event;
  delivery.client = client;
  return {.where = where, .content = delivery};
}

}  // namespace

TEST_CASE("callouts of listed clients are left out, and nothing else is", "[record][callout]") {
  using enum TrapDelivery::Event;
  const auto listed = *IpAddress::parse("192.0.2.1");
  const auto other = *IpAddress::parse("192.0.2.2");
  feed::Chunk chunk;
  chunk.position = "here";
  chunk.items = {item("1", callout, listed), item("2", message, listed),       item("3", callout, other),
                 item("4", callout, listed), item("5", callout, std::nullopt), {"6", feed::Unreadable{}}};
  std::vector<IpAddress> asked;
  CHECK(record::remove_listed_callers(chunk, [&](const IpAddress& client, UnixTime) {
          asked.push_back(client);
          return client == listed;
        }) == 2);
  std::string left;
  for (const auto& one : chunk.items) left += one.where;
  CHECK(left == "2356");
  CHECK(chunk.position == "here");
  CHECK(asked == std::vector{listed, other});
}
