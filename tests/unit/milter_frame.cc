// The pair of sockets: what one end writes the other reads, in whatever pieces, and nothing else.
#include "catch.h"
#include "milter/frame.h"

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test of one room
using milter::Arrived;
using milter::Frame;
using milter::FrameReader;

namespace {

const std::string kAnyOctets = std::string("\0\xff\r\n", 4) + "plain";

Arrived message() {
  TrapDelivery delivery;
  delivery.received_at = UnixTime{std::chrono::seconds{1'795'600'000}};
  delivery.client = *IpAddress::parse("2001:db8::1");
  delivery.helo = kAnyOctets;
  delivery.mail_from = "";
  delivery.rcpt_to = {"a@trap.example.net", kAnyOctets};
  delivery.message = kAnyOctets;
  return {.ticket = 7, .item = {.where = "transaction 7", .content = delivery}};
}

Frame only_frame(FrameReader& reader) {
  auto frame = reader.next();
  REQUIRE(frame);
  REQUIRE(*frame);
  const auto after = reader.next();
  REQUIRE(after);
  CHECK_FALSE(*after);
  return std::move(**frame);
}

Frame through(const Frame& frame) {
  FrameReader reader(1U << 20U);
  reader.add(milter::to_octets(frame));
  return only_frame(reader);
}

}  // namespace

TEST_CASE("a delivery goes through as it is, whatever octets strangers put into it", "[milter]") {
  const auto frame = through(message());
  const auto& arrived = std::get<Arrived>(frame);
  CHECK(arrived.ticket == 7);
  CHECK(arrived.item.where == "transaction 7");
  const auto& delivery = std::get<TrapDelivery>(arrived.item.content);
  CHECK(delivery.event == TrapDelivery::Event::message);
  CHECK(delivery.received_at.time_since_epoch().count() == 1'795'600'000);
  CHECK(delivery.client == *IpAddress::parse("2001:db8::1"));
  CHECK(delivery.helo == kAnyOctets);
  CHECK(delivery.mail_from == std::optional<std::string>(""));
  CHECK(delivery.rcpt_to == std::vector<std::string>{"a@trap.example.net", kAnyOctets});
  CHECK(delivery.message == kAnyOctets);
}

TEST_CASE("callouts, unreadable things and the rest go through", "[milter]") {
  auto callout = message();
  auto& delivery = std::get<TrapDelivery>(callout.item.content);
  delivery.event = TrapDelivery::Event::callout;
  delivery.time_is_told = true;
  delivery.mail_from.reset();
  delivery.client.reset();
  const auto back = through(callout);
  const auto& read = std::get<TrapDelivery>(std::get<Arrived>(back).item.content);
  CHECK(read.event == TrapDelivery::Event::callout);
  CHECK(read.time_is_told);
  CHECK_FALSE(read.mail_from);
  CHECK_FALSE(read.client);

  const auto unreadable = through(Arrived{
      .ticket = 1, .item = {.where = "w", .content = feed::Unreadable{.reason = "r", .detail = "d", .bytes = "b"}}});
  const auto& thing = std::get<feed::Unreadable>(std::get<Arrived>(unreadable).item.content);
  CHECK(thing.reason + thing.detail + thing.bytes == "rdb");

  const milter::Setup setup{.listen = {.address = "127.0.0.1", .port = 8895, .path = "/x"},
                            .traps = {.domains = {"trap.example.net"},
                                      .with_subdomains = {"trap.example.net"},
                                      .addresses = {"a@example.com", "b@example.com"}},
                            .trusted_relays = {*Prefix::parse("192.0.2.0/24")},
                            .callouts = false,
                            .connections = 3,
                            .message_octets = 4,
                            .memory = 5};
  CHECK((std::get<milter::Setup>(through(setup)) == setup));
  CHECK(std::holds_alternative<milter::Listening>(through(milter::Listening{})));
  CHECK(std::get<milter::Trouble>(through(milter::Trouble{"why"})).text == "why");
  CHECK(std::get<milter::Stored>(through(milter::Stored{{1, 2, ~std::uint64_t{0}}})).tickets ==
        std::vector<std::uint64_t>{1, 2, ~std::uint64_t{0}});
}

TEST_CASE("frames come whole however their octets come", "[milter]") {
  const auto octets = milter::to_octets(message());
  FrameReader reader(1U << 20U);
  for (int round = 0; round < 3; ++round) {
    for (const char c : octets.substr(0, octets.size() - 1)) {
      reader.add(std::string_view(&c, 1));
      const auto frame = reader.next();
      REQUIRE(frame);
      REQUIRE_FALSE(*frame);
    }
    reader.add(octets.substr(octets.size() - 1));
    CHECK(std::get<Arrived>(only_frame(reader)).ticket == 7);
  }
  reader.add(octets + octets);
  for (int i = 0; i < 2; ++i) {
    const auto frame = reader.next();
    REQUIRE(frame);
    REQUIRE(*frame);
  }
}

TEST_CASE("octets that are no frame are an error, never a guess", "[milter]") {
  const auto octets = milter::to_octets(message());
  SECTION("too long") {
    FrameReader reader(octets.size() - 9);
    reader.add(octets);
    CHECK_FALSE(reader.next());
  }
  SECTION("as long as may be") {
    FrameReader reader(octets.size() - 8);
    reader.add(octets);
    CHECK(reader.next());
  }
  SECTION("any octet of a length or a number is another") {
    // None of these may crash or hang; whether they are frames is by chance.
    for (std::size_t at = 0; at < octets.size(); ++at) {
      auto damaged = octets;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      FrameReader reader(1U << 20U);
      reader.add(damaged);
      static_cast<void>(reader.next());
    }
  }
  SECTION("a list of more things than there are octets") {
    FrameReader reader(1U << 20U);
    const std::string number = "99999999999";
    std::string frame = std::string(8, '\0') + "K" + std::string(7, '\0') + static_cast<char>(number.size()) + number;
    frame[7] = static_cast<char>(frame.size() - 8);
    reader.add(frame);
    CHECK_FALSE(reader.next());
  }
}
