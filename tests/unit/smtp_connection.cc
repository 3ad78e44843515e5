// A connection of the SMTP listener on one end of a socket pair, in the test's own thread.
#include "catch.h"
#include "smtp/certificate.h"
#include "smtp/connection.h"
#include "smtp_client.h"
#include "smtp_fixture.h"

#include <asio/io_context.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace blowback::test {
namespace {

using Catch::StartsWith;
using namespace std::chrono_literals;
using smtp::Connection;
using smtp::Ticket;

constexpr Ticket kTicket = 7;

/// The connection's owner, its client, and the loop that both need.
class Connected final : private Connection::Owner {
 public:
  smtp::Budget budget{.most = 1U << 20U};

 private:
  asio::io_context io_{1};  // before the connection, whose sockets and timers must not outlive it

 public:
  explicit Connected(smtp::ConnectionSettings settings = patient()) : client_(socket_pair()) {
    auto tls = smtp::tls_context({}, "mx.example.net");
    REQUIRE(tls.has_value());
    smtp::StreamSocket socket(io_, asio::generic::stream_protocol(AF_UNIX, SOCK_STREAM), server_end_);
    Connection::Owner& owner = *this;
    connection = std::make_shared<Connection>(
        owner, budget, std::make_shared<smtp::ConnectionTerms>(std::move(settings), std::move(*tls)), std::move(socket),
        kTicket, Talk::relay());
    connection->begin();
  }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;

  static smtp::ConnectionSettings patient() {
    return {.session = Talk::settings(),
            .proxy_protocol = false,
            .times = {.command = 1h, .data = 1h, .close = 1h},
            .now = [] { return kSmtpNow; }};
  }
  static smtp::ConnectionSettings behind_proxy() {
    auto settings = patient();
    settings.proxy_protocol = true;
    return settings;
  }

  /// Runs what is to be done until `condition` is true.
  template <typename Condition>
  void run_until(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      REQUIRE(std::chrono::steady_clock::now() < until);
      io_.restart();
      io_.run_one_for(10ms);
    }
  }
  /// The next line of the connection's.
  [[nodiscard]] std::string line() {
    run_until([&] { return client_.has_line(); });
    return client_.line();
  }
  std::string say(std::string_view command) {
    client_.send(std::string(command) + "\r\n");
    return line();
  }
  [[nodiscard]] SmtpClient& client() { return client_; }

  std::shared_ptr<Connection> connection;
  bool admits = true;
  std::vector<IpAddress> named;
  std::vector<TrapDelivery> messages;
  std::vector<TrapDelivery> callouts;
  std::vector<smtp::RemovalRequested> removals;
  int times_closed = 0;

 private:
  [[nodiscard]] bool admit(Ticket ticket, const IpAddress& client) override {
    CHECK(ticket == kTicket);
    named.push_back(client);
    return admits;
  }
  void deliver(Ticket ticket, TrapDelivery message) override {
    CHECK(ticket == kTicket);
    messages.push_back(std::move(message));
  }
  void deliver_removal(Ticket ticket, smtp::RemovalRequested removal) override {
    CHECK(ticket == kTicket);
    removals.push_back(std::move(removal));
  }
  void deliver_callout(TrapDelivery callout) override { callouts.push_back(std::move(callout)); }
  void closed(Ticket ticket) override {
    CHECK(ticket == kTicket);
    ++times_closed;
  }

  [[nodiscard]] Descriptor socket_pair() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    server_end_ = ends[0];
    return Descriptor(ends[1]);
  }

  int server_end_ = -1;
  SmtpClient client_;
};

void begin_message(Connected& on) {
  CHECK_THAT(on.line(), StartsWith("220 "));
  on.client().send("HELO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\n");
  for (int i = 0; i < 3; ++i) CHECK_THAT(on.line(), StartsWith("250 "));
}

void send_message(Connected& on) {
  begin_message(on);
  CHECK_THAT(on.say("DATA"), StartsWith("354 "));
  on.client().send("x\r\n.\r\n");
  on.run_until([&] { return !on.messages.empty(); });
}

TEST_CASE("a message is delivered once, and answered when its outcome is reported", "[smtp][connection]") {
  Connected on;
  CHECK(on.connection->waiting_since().has_value());
  send_message(on);
  CHECK_FALSE(on.connection->waiting_since().has_value());
  CHECK_FALSE(on.client().has_line());
  on.connection->report_storage(true);
  CHECK(on.line() == "250 2.0.0 Ok");
  CHECK(on.messages.size() == 1);
  CHECK(on.connection->waiting_since().has_value());
  SECTION("a second report has no effect") {
    on.connection->report_storage(false);
    CHECK_THAT(on.say("NOOP"), StartsWith("250 "));
  }
  SECTION("the next message is delivered, too") {
    on.client().send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\ny\r\n.\r\n");
    on.run_until([&] { return on.messages.size() == 2; });
    CHECK(on.messages[1].message == "y\r\n");
  }
}

TEST_CASE("a connection ends with a reply if the client may send a command", "[smtp][connection]") {
  Connected on;
  SECTION("it may") {
    CHECK_THAT(on.line(), StartsWith("220 "));
    on.connection->end("421 4.3.2 Closing");
    CHECK(on.line() == "421 4.3.2 Closing");
    CHECK(on.times_closed == 0);
    on.client().close();
  }
  SECTION("it may, and doesn't close after the reply, so a second end closes at once") {
    CHECK_THAT(on.line(), StartsWith("220 "));
    on.connection->end("421 4.3.2 Closing");
    CHECK(on.line() == "421 4.3.2 Closing");
    CHECK_FALSE(on.connection->waiting_since().has_value());
    on.connection->end("421 4.3.2 Closing");
  }
  SECTION("it waits for us: it is closed at once") {
    send_message(on);
    on.connection->end("421 4.3.2 Closing");
    CHECK(on.times_closed == 1);
    CHECK(on.client().line().empty());
  }
  on.run_until([&] { return on.times_closed > 0; });
  CHECK(on.times_closed == 1);
}

TEST_CASE("a callout counts if the client ended it", "[smtp][connection]") {
  Connected on(Connected::behind_proxy());
  on.client().send("PROXY TCP4 192.0.2.9 127.0.0.1 4000 25\r\n");
  begin_message(on);
  SECTION("by closing the connection") {
    on.client().close();
    on.run_until([&] { return on.times_closed > 0; });
    REQUIRE(on.callouts.size() == 1);
    CHECK(on.callouts[0].client == IpAddress::parse("192.0.2.9").value());
  }
  SECTION("not if we did") {
    on.connection->end("421 4.3.2 Closing");
    on.client().close();
    on.run_until([&] { return on.times_closed > 0; });
    CHECK(on.callouts.empty());
  }
}

TEST_CASE("a PROXY header names the client before the session begins", "[smtp][connection]") {
  Connected on(Connected::behind_proxy());
  SECTION("in pieces, with a command behind it") {
    on.client().send("PROXY TCP4 192.0.2.9 127");
    on.client().send(".0.0.1 4000 25\r\nHELO a\r\n");
    CHECK_THAT(on.line(), StartsWith("220 "));
    CHECK_THAT(on.line(), StartsWith("250 "));
    CHECK(on.named == std::vector{IpAddress::parse("192.0.2.9").value()});
    CHECK_THAT(on.say("XFORWARD ADDR=192.0.2.10"), StartsWith("550 "));
  }
  SECTION("a client that has too many connections gets no greeting") {
    on.admits = false;
    on.client().send("PROXY TCP4 192.0.2.9 127.0.0.1 4000 25\r\n");
    on.run_until([&] { return on.times_closed > 0; });
    CHECK(on.client().line().empty());
  }
  SECTION("without an address the client can deliver nothing") {
    on.client().send("PROXY UNKNOWN\r\nHELO a\r\nMAIL FROM:<>\r\n");
    CHECK_THAT(on.line(), StartsWith("220 "));
    CHECK_THAT(on.line(), StartsWith("250 "));
    CHECK_THAT(on.line(), StartsWith("451 "));
    CHECK(on.named.empty());
  }
  SECTION("what isn't a PROXY header closes the connection") {
    on.client().send("EHLO a\r\n");
    on.run_until([&] { return on.times_closed > 0; });
    CHECK(on.client().line().empty());
  }
  CHECK(on.times_closed <= 1);
}

TEST_CASE("after its last reply the connection reads on until the client closes", "[smtp][connection]") {
  Connected on;
  CHECK_THAT(on.line(), StartsWith("220 "));
  CHECK_THAT(on.say("QUIT"), StartsWith("221 "));
  on.client().send("NOOP\r\nNOOP\r\n");
  CHECK(on.times_closed == 0);
  on.client().close();
  on.run_until([&] { return on.times_closed > 0; });
}

TEST_CASE("each complete command gives the client new time", "[smtp][connection]") {
  auto settings = Connected::patient();
  settings.times.command = 300ms;
  Connected on(settings);
  const auto began = std::chrono::steady_clock::now();
  CHECK_THAT(on.line(), StartsWith("220 "));
  int commands = 0;
  while (std::chrono::steady_clock::now() < began + 600ms) {
    CHECK_THAT(on.say("NOOP"), StartsWith("250 "));
    ++commands;
  }
  CHECK(commands > 1);
  on.client().send("N");
  CHECK_THAT(on.line(), StartsWith("421 4.4.2 "));
}

}  // namespace

TEST_CASE("a client behind a proxy asks for its removal, and waits for the answer", "[smtp][removal]") {
  auto settings = Connected::behind_proxy();
  settings.session.removal_mail = "delist@bl.example.org";
  Connected connected(std::move(settings));
  connected.client().send("PROXY TCP4 192.0.2.7 127.0.0.1 4000 25\r\n");
  CHECK(connected.line().starts_with("220 "));
  connected.say("HELO x");
  connected.say("MAIL FROM:<a@example.com>");
  CHECK(connected.say("RCPT TO:<delist@bl.example.org>") == "250 2.1.5 Ok");
  connected.say("DATA");
  connected.client().send("Subject: delist\r\n\r\n.\r\n");
  connected.run_until([&] { return !connected.removals.empty(); });
  CHECK(connected.removals[0].client == *IpAddress::parse("192.0.2.7"));
  CHECK(connected.messages.empty());
  CHECK_FALSE(connected.connection->waiting_since());
  connected.connection->report_storage(true);  // of no message
  connected.connection->answer("550 5.7.1 no");
  CHECK(connected.line() == "550 5.7.1 no");
  connected.connection->answer("250 2.0.0 again");
  CHECK(connected.say("NOOP") == "250 2.0.0 Ok");
}

}  // namespace blowback::test
