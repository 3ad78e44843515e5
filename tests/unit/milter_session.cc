// What a mail server tells its milter, and what comes of it.
#include "catch.h"
#include "milter/session.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test of one room
using milter::Session;

namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'600'000}};
const std::string kTrap = "<a@trap.example.net>";

/// One session, and its mail server's part in short.
struct Told {
  explicit Told(std::string_view client = "192.0.2.1", std::size_t most = 10'000, std::size_t memory = 1U << 20U)
      : settings{.witness_of =
                     [](std::string_view address) {
                       return std::string(address.ends_with("@trap.example.net") ? "@trap.example.net" : "");
                     },
                 .trusted_relays = {*Prefix::parse("198.51.100.0/24")},
                 .callouts = true,
                 .message_octets = most},
        budget(memory),
        session(settings, budget, *IpAddress::parse(client)) {
    session.hello("mx.example");
  }

  void envelope(std::string_view from, const std::string& to = kTrap) {
    session.mail(from);
    session.recipient(to, kNow);
  }
  std::optional<Session::Report> message(std::string_view body = "Hello.\r\n") {
    if (!session.data()) return session.end_of_message(kNow);
    session.header("Subject", " test");
    session.end_of_header();
    session.body(body);
    return session.end_of_message(kNow);
  }

  milter::SessionSettings settings;
  milter::Budget budget;
  Session session;
};

const TrapDelivery& delivery_of(const std::optional<Session::Report>& report) {
  REQUIRE(report);
  REQUIRE(std::holds_alternative<TrapDelivery>(report->item.content));
  return std::get<TrapDelivery>(report->item.content);
}

const feed::Unreadable& unreadable_of(const std::optional<Session::Report>& report) {
  REQUIRE(report);
  REQUIRE(std::holds_alternative<feed::Unreadable>(report->item.content));
  return std::get<feed::Unreadable>(report->item.content);
}

}  // namespace

TEST_CASE("a message to a trap is told with its envelope, as the connection had it", "[milter]") {
  Told told;
  told.session.mail("<>");
  told.session.recipient("<someone@example.com>", kNow);
  told.session.recipient(kTrap, kNow);
  const auto report = told.message();
  const auto& delivery = delivery_of(report);
  CHECK(delivery.event == TrapDelivery::Event::message);
  CHECK(delivery.client == *IpAddress::parse("192.0.2.1"));
  CHECK(delivery.helo == "mx.example");
  CHECK(delivery.mail_from == std::optional<std::string>(""));
  CHECK(delivery.rcpt_to == std::vector<std::string>{"someone@example.com", "a@trap.example.net"});
  CHECK(delivery.received_at == kNow);
  CHECK_FALSE(delivery.time_is_told);
  CHECK(delivery.message == "Subject: test\r\n\r\nHello.\r\n");
}

TEST_CASE("a header comes out as it went in, blanks told or not, folded by LF or CR LF", "[milter]") {
  Told told;
  told.envelope("<>");
  REQUIRE(told.session.data());
  told.session.header("A", " told");
  told.session.header("B", "not told");
  told.session.header("C", "\ttab");
  told.session.header("D", " one\n two\r\n three");
  told.session.header("E", "");
  told.session.header("F", "\n folded at once");
  told.session.end_of_header();
  const auto report = told.session.end_of_message(kNow);
  CHECK(delivery_of(report).message ==
        "A: told\r\nB: not told\r\nC:\ttab\r\nD: one\r\n two\r\n three\r\nE:\r\nF:\r\n folded at once\r\n\r\n");
}

TEST_CASE("a message to no trap isn't read, and nothing is told of it", "[milter]") {
  Told told;
  told.envelope("<>", "<someone@example.com>");
  CHECK_FALSE(told.session.data());
  told.session.header("Subject", " test");
  told.session.body("secret");
  CHECK(told.budget.used() == 0);
  CHECK_FALSE(told.session.end_of_message(kNow));
}

TEST_CASE("who names a trap for a null reverse-path and leaves before DATA is a caller out", "[milter]") {
  const auto* const from = GENERATE("<>", "", "<double-bounce@mx.example>");
  CAPTURE(from);
  Told told;
  told.session.mail(from);
  told.session.recipient("<someone@example.com>", kNow);
  told.session.recipient(kTrap, kNow);
  const auto report = told.session.abort(kNow);
  const auto& callout = delivery_of(report);
  CHECK(callout.event == TrapDelivery::Event::callout);
  CHECK(callout.client == *IpAddress::parse("192.0.2.1"));
  CHECK(callout.helo == "mx.example");
  CHECK(callout.rcpt_to == std::vector<std::string>{"a@trap.example.net"});
  CHECK(callout.time_is_told);
  CHECK(callout.message.empty());
  SECTION("and once only") { CHECK_FALSE(told.session.abort(kNow)); }
}

TEST_CASE("others who leave are no callers out", "[milter]") {
  SECTION("a sender with a name") {
    Told told;
    told.envelope("<someone@example.com>");
    CHECK_FALSE(told.session.abort(kNow));
  }
  SECTION("who named no trap") {
    Told told;
    told.envelope("<>", "<someone@example.com>");
    CHECK_FALSE(told.session.abort(kNow));
  }
  SECTION("who had begun with the message") {
    Told told;
    told.envelope("<>");
    REQUIRE(told.session.data());
    CHECK_FALSE(told.session.abort(kNow));
  }
  SECTION("who had begun with it at a mail server that doesn't tell of DATA") {
    Told told;
    told.envelope("<>");
    told.session.header("Subject", " test");
    CHECK_FALSE(told.session.abort(kNow));
  }
  SECTION("of whose recipients one was refused") {
    Told told;
    told.envelope("<>");
    told.session.refused_recipient();
    CHECK_FALSE(told.session.abort(kNow));
    told.envelope("<>");
    CHECK(told.session.abort(kNow));
  }
  SECTION("who stayed so long that the mail server may have ended it") {
    Told told;
    told.envelope("<>");
    CHECK_FALSE(told.session.abort(kNow + milter::kCalloutEnds + Duration(1)));
    told.envelope("<>");
    CHECK(told.session.abort(kNow + milter::kCalloutEnds));
  }
  SECTION("for whom the clock went back") {
    Told told;
    told.envelope("<>");
    CHECK_FALSE(told.session.abort(kNow - Duration(1)));
  }
  SECTION("our own relay") {
    Told told("198.51.100.25");
    told.envelope("<>");
    CHECK_FALSE(told.session.abort(kNow));
  }
  SECTION("anybody, where callouts aren't wanted") {
    Told told;
    told.settings.callouts = false;
    told.envelope("<>");
    CHECK_FALSE(told.session.abort(kNow));
  }
  SECTION("who delivered, and then left") {
    Told told;
    told.envelope("<>");
    CHECK(told.message());
    CHECK_FALSE(told.session.abort(kNow));
  }
}

TEST_CASE("a transaction has nothing of the one before", "[milter]") {
  Told told;
  told.envelope("<>");
  REQUIRE(told.session.data());
  told.session.body("half of it");
  CHECK_FALSE(told.session.abort(kNow));
  CHECK(told.budget.used() == 0);
  told.envelope("<>", "<b@trap.example.net>");
  const auto report = told.message("whole\r\n");
  CHECK(delivery_of(report).rcpt_to == std::vector<std::string>{"b@trap.example.net"});
  CHECK(delivery_of(report).message == "Subject: test\r\n\r\nwhole\r\n");
}

TEST_CASE("a message is taken up to its limit, and one octet more is too large", "[milter]") {
  const std::string head = "Subject: test\r\n\r\n";
  Told told("192.0.2.1", 100'000);
  told.envelope("<>");
  CHECK(delivery_of(told.message(std::string(100'000 - head.size(), 'x'))).message.size() == 100'000);
  told.envelope("<>");
  const auto report = told.message(std::string(100'001 - head.size(), 'x'));
  CHECK(unreadable_of(report).reason == "too-large");
  CHECK(unreadable_of(report).detail.find("100001 octets") != std::string::npos);
  CHECK(unreadable_of(report).bytes.starts_with(head));
}

TEST_CASE("what all hold together is bounded, and is given back", "[milter]") {
  Told told("192.0.2.1", 10'000, 1'000);
  told.envelope("<>");
  const auto report = told.message(std::string(2'000, 'x'));
  CHECK(unreadable_of(report).reason == "too-much-at-once");
  CHECK(told.budget.used() == 0);
  told.envelope("<>");
  {
    const auto fits = told.message(std::string(900, 'x'));
    CHECK(delivery_of(fits).message.size() == 917);
    CHECK(told.budget.used() == 917);
    told.envelope("<>");
    CHECK(unreadable_of(told.message(std::string(900, 'x'))).reason == "too-much-at-once");
  }
  CHECK(told.budget.used() == 0);
}

TEST_CASE("recipients are bounded, and paths that no address can have are passed over", "[milter]") {
  Told told;
  told.session.mail("<>");
  told.session.recipient("<" + std::string(2'000, 'x') + "@trap.example.net>", kNow);
  CHECK_FALSE(told.session.data());
  told.session.mail("<>");
  told.session.recipient("<@relay.example:a@trap.example.net>", kNow);
  for (int i = 0; i < 2'000; ++i) told.session.recipient("<someone@example.com>", kNow);
  const auto report = told.message();
  CHECK(delivery_of(report).rcpt_to.front() == "a@trap.example.net");
  CHECK(delivery_of(report).rcpt_to.size() == 1'000);
}
