// The SMTP listener over loopback: its limits, its time-outs, and what it reports to its owner.
#include "catch.h"
#include "folder.h"
#include "smtp/listener.h"
#include "smtp_client.h"
#include "smtp_fixture.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/un.h>
#include <thread>
#include <vector>

namespace blowback::test {
namespace {

using Catch::Contains;
using Catch::StartsWith;
using namespace std::chrono_literals;
using smtp::InternetEndpoint;
using smtp::Listener;
using smtp::ListenerSettings;

const InternetEndpoint kAnyPort{.address = *IpAddress::parse("127.0.0.1"), .port = 0};

/// Generous limits, of which a test changes the one that it is about.
ListenerSettings roomy() {
  return {.connection = {.session = Talk::settings(),
                         .times = {.command = 1h, .data = 1h, .close = 5s},
                         .now = [] { return kSmtpNow; }},
          .listen = {kAnyPort},
          .trusted_relays = {},
          .certificate = {},
          .connections = 100,
          .connections_per_client = 100,
          .memory = 1U << 20U,
          .slow = 1h};
}

std::uint16_t port_of(const Listener& listener, std::size_t i = 0) {
  return std::get<InternetEndpoint>(listener.endpoints().at(i)).port;
}

/// A listener and its clients.
struct Listening {
  explicit Listening(ListenerSettings settings = roomy()) {
    auto opened = Listener::open(std::move(settings));
    if (!opened) FAIL(opened.error().text);
    listener = std::move(*opened);
    port = port_of(*listener);
  }
  [[nodiscard]] SmtpClient client(std::string_view source = "127.0.0.1") const {
    auto connected = SmtpClient::connect(port, source);
    REQUIRE(connected.has_value());
    return std::move(*connected);
  }
  /// Waits until something arrived, and takes it.
  [[nodiscard]] std::vector<smtp::Arrived> take(const feed::Bounds& bounds = {}) const {
    REQUIRE(becomes_readable(listener->wake_fd()));
    return listener->take(bounds);
  }

  std::unique_ptr<Listener> listener;
  std::uint16_t port = 0;
};

/// The first line that a client gets, once it is `wanted`; clients connect until then.
template <typename Connect>
SmtpClient greeted_by(Connect connect, const std::string& wanted) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    auto client = connect();
    const auto line = client.line();
    if (line.starts_with(wanted)) return client;
    INFO(line);
    REQUIRE(std::chrono::steady_clock::now() < until);
  }
}

TEST_CASE("the listener reports the port that the kernel chose", "[smtp][listener]") {
  auto settings = roomy();
  settings.listen.emplace_back(InternetEndpoint{.address = *IpAddress::parse("127.0.0.2"), .port = 0});
  const Listening on(settings);
  CHECK(on.port != 0);
  CHECK(port_of(*on.listener, 1) != 0);
  CHECK(on.client().line() == "220 mx.example.net ESMTP");
}

TEST_CASE("a client gets its reply once the listener's owner reports the outcome", "[smtp][listener]") {
  const Listening on;
  auto client = on.client("127.0.0.5");
  client.send_message("hello\r\n");
  const auto arrived = on.take();
  REQUIRE(arrived.size() == 1);
  const auto& delivery = std::get<TrapDelivery>(arrived[0].item.content);
  CHECK(delivery.message == "hello\r\n");
  CHECK(delivery.client == IpAddress::parse("127.0.0.5").value());
  CHECK(delivery.received_at == kSmtpNow);
  CHECK_FALSE(becomes_readable(on.listener->wake_fd(), 0ms));
  SECTION("stored") {
    on.listener->report_storage({arrived[0].ticket}, true);
    CHECK(client.line() == "250 2.0.0 Ok");
  }
  SECTION("not stored") {
    on.listener->report_storage({arrived[0].ticket}, false);
    CHECK_THAT(client.line(), StartsWith("451 4.3.0 "));
  }
  SECTION("to a client that is gone") {
    client.close();
    on.listener->report_storage({arrived[0].ticket}, true);
    auto other = on.client();
    CHECK_THAT(other.line(), StartsWith("220 "));
  }
}

TEST_CASE("a sender callout arrives, and nobody waits for its outcome", "[smtp][listener]") {
  const Listening on;
  auto prober = on.client("127.0.0.7");
  REQUIRE_THAT(prober.line(), StartsWith("220 "));
  prober.say("EHLO a");
  prober.say("MAIL FROM:<>");
  prober.say("RCPT TO:<a@trap.example.net>");
  CHECK_THAT(prober.say("QUIT"), StartsWith("221 "));
  const auto arrived = on.take();
  REQUIRE(arrived.size() == 1);
  CHECK(arrived[0].ticket == smtp::kNoTicket);
  CHECK(std::get<TrapDelivery>(arrived[0].item.content).event == TrapDelivery::Event::callout);
}

TEST_CASE("connections beyond the limit get 421", "[smtp][listener]") {
  auto settings = roomy();
  settings.connections = 2;
  const Listening on(settings);
  auto first = on.client();
  auto second = on.client();
  CHECK_THAT(first.line(), StartsWith("220 "));
  CHECK_THAT(second.line(), StartsWith("220 "));
  auto third = on.client();
  CHECK_THAT(third.line(), StartsWith("421 4.3.2 Too many connections"));
  CHECK(third.line().empty());
  SECTION("until another one is closed") {
    first.close();
    greeted_by([&] { return on.client(); }, "220 ");
  }
}

TEST_CASE("connections of one client are limited, and others aren't affected", "[smtp][listener]") {
  auto settings = roomy();
  settings.connections_per_client = 1;
  SECTION("by address") {
    const Listening on(settings);
    auto first = on.client("127.0.0.2");
    CHECK_THAT(first.line(), StartsWith("220 "));
    auto second = on.client("127.0.0.2");
    CHECK_THAT(second.line(), StartsWith("421 4.3.2 "));
    auto other = on.client("127.0.0.3");
    CHECK_THAT(other.line(), StartsWith("220 "));
    first.close();
    greeted_by([&] { return on.client("127.0.0.2"); }, "220 ");
  }
  SECTION("except for a trusted relay") {
    settings.trusted_relays = {*Prefix::parse("127.0.0.2/32")};
    const Listening on(settings);
    auto first = on.client("127.0.0.2");
    auto second = on.client("127.0.0.2");
    CHECK_THAT(first.line(), StartsWith("220 "));
    CHECK_THAT(second.line(), StartsWith("220 "));
  }
  SECTION("by the address in the PROXY header") {
    settings.trusted_relays = {*Prefix::parse("127.0.0.1/32")};
    settings.connection.proxy_protocol = true;
    const Listening on(settings);
    const auto behind = [&](std::string_view address) {
      auto client = on.client();
      client.send(fmt::format("PROXY TCP4 {} 127.0.0.1 4000 25\r\n", address));
      return client;
    };
    auto first = behind("192.0.2.1");
    CHECK_THAT(first.line(), StartsWith("220 "));
    auto second = behind("192.0.2.1");
    CHECK(second.line().empty());
    auto other = behind("192.0.2.2");
    CHECK_THAT(other.line(), StartsWith("220 "));
    first.close();
    greeted_by([&] { return behind("192.0.2.1"); }, "220 ");
  }
}

TEST_CASE("where all connections are in use, the slowest client is disconnected", "[smtp][listener]") {
  auto settings = roomy();
  settings.slow = 0ms;
  SECTION("of all") {
    settings.connections = 2;
    const Listening on(settings);
    auto slowest = on.client("127.0.0.2");
    CHECK_THAT(slowest.line(), StartsWith("220 "));
    auto waits = on.client("127.0.0.3");
    waits.send_message();
    REQUIRE(on.take().size() == 1);
    auto next = on.client("127.0.0.4");
    CHECK_THAT(next.line(), StartsWith("220 "));
    CHECK_THAT(slowest.line(), StartsWith("421 4.3.2 "));
    CHECK(slowest.line().empty());
  }
  SECTION("of the same client") {
    settings.connections_per_client = 1;
    const Listening on(settings);
    auto other = on.client("127.0.0.3");
    CHECK_THAT(other.line(), StartsWith("220 "));
    auto first = on.client("127.0.0.2");
    CHECK_THAT(first.line(), StartsWith("220 "));
    auto second = on.client("127.0.0.2");
    CHECK_THAT(second.line(), StartsWith("220 "));
    CHECK_THAT(first.line(), StartsWith("421 4.3.2 "));
    CHECK_THAT(other.say("NOOP"), StartsWith("250 "));
  }
  SECTION("but not one whose message is being stored") {
    settings.connections = 1;
    const Listening on(settings);
    auto waits = on.client("127.0.0.2");
    waits.send_message();
    const auto arrived = on.take();
    auto next = on.client("127.0.0.3");
    CHECK_THAT(next.line(), StartsWith("421 4.3.2 Too many connections; try again later"));
    on.listener->report_storage({arrived.at(0).ticket}, true);
    CHECK(waits.line() == "250 2.0.0 Ok");
  }
}

TEST_CASE("a client that is too slow is disconnected", "[smtp][listener]") {
  auto settings = roomy();
  auto& times = settings.connection.times;
  SECTION("with a command") {
    times.command = 50ms;
    const Listening on(settings);
    auto client = on.client();
    CHECK_THAT(client.line(), StartsWith("220 "));
    client.send("NOO");
    CHECK_THAT(client.line(), StartsWith("421 4.4.2 "));
    CHECK(client.line().empty());
  }
  SECTION("with a message") {
    times.data = 50ms;
    const Listening on(settings);
    auto client = on.client();
    CHECK_THAT(client.line(), StartsWith("220 "));
    client.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\n");
    std::string line;
    do {
      line = client.line();
      REQUIRE_FALSE(line.empty());
    } while (!line.starts_with("421 4.4.2 "));
  }
  SECTION("with the whole session") {
    times.session = 50ms;
    times.close = 50ms;
    const Listening on(settings);
    auto client = on.client();
    CHECK_THAT(client.line(), StartsWith("220 "));
    std::string reply;
    do {
      client.send("NOOP\r\n");
      reply = client.line();
    } while (reply.starts_with("250 "));
    CHECK_THAT(reply, StartsWith("421 4.4.2 "));
  }
  SECTION("with the PROXY header") {
    times.command = 50ms;
    settings.connection.proxy_protocol = true;
    settings.trusted_relays = {*Prefix::parse("127.0.0.1/32")};
    const Listening on(settings);
    auto client = on.client();
    client.send("PROXY TC");
    CHECK(client.line().empty());
  }
}

TEST_CASE("a message that isn't stored in time is dropped, and its client has had no 250", "[smtp][listener]") {
  auto settings = roomy();
  settings.connection.times.storage = 50ms;
  const Listening on(settings);
  auto client = on.client();
  client.send_message();
  CHECK(client.line().empty());
  auto next = on.client();  // greeted by the same thread, later
  CHECK_THAT(next.line(), StartsWith("220 "));
  CHECK(on.listener->take({}).empty());
}

TEST_CASE("all sessions together hold no more octets than allowed", "[smtp][listener]") {
  auto settings = roomy();
  settings.memory = 3000;
  const Listening on(settings);
  const std::string message(2000, 'x');
  auto first = on.client();
  first.send_message(message + "\r\n");
  const auto arrived = on.take();
  REQUIRE(arrived.size() == 1);
  auto second = on.client();
  second.send_message(message + "\r\n");
  CHECK_THAT(second.line(), StartsWith("452 4.3.1 "));
  on.listener->report_storage({arrived[0].ticket}, true);
  CHECK(first.line() == "250 2.0.0 Ok");
  auto third = on.client();
  third.send_message(message + "\r\n");
  CHECK(on.take().size() == 1);
}

TEST_CASE("where PROXY headers are expected, only trusted relays may connect", "[smtp][listener]") {
  auto settings = roomy();
  settings.connection.proxy_protocol = true;
  settings.trusted_relays = {*Prefix::parse("127.0.0.1/32")};
  const Listening on(settings);
  auto stranger = on.client("127.0.0.2");
  CHECK(stranger.line().empty());
}

TEST_CASE("other settings apply to later connections only", "[smtp][listener]") {
  const Listening on;
  auto before = on.client();
  CHECK(before.line() == "220 mx.example.net ESMTP");
  auto settings = roomy();
  settings.connection.session.hostname = "other.example.net";
  SECTION("once they are applied") {
    const auto apply = on.listener->prepare(settings);
    REQUIRE(apply.has_value());
    auto meanwhile = on.client();
    CHECK(meanwhile.line() == "220 mx.example.net ESMTP");
    (*apply)();
    auto after = on.client();
    CHECK(after.line() == "220 other.example.net ESMTP");
    CHECK(port_of(*on.listener) == on.port);
  }
  SECTION("and if they aren't applied, they have no effect") {
    settings.listen = {InternetEndpoint{.address = *IpAddress::parse("127.0.0.9"), .port = 0}};
    REQUIRE(on.listener->prepare(settings).has_value());
    auto after = on.client();
    CHECK(after.line() == "220 mx.example.net ESMTP");
  }
  SECTION("and if an endpoint is in use, they are refused") {
    const Listening other;
    settings.listen.emplace_back(InternetEndpoint{.address = kAnyPort.address, .port = other.port});
    const auto refused = on.listener->prepare(settings);
    REQUIRE_FALSE(refused.has_value());
    CHECK_THAT(refused.error().text, StartsWith(fmt::format("can't listen on 127.0.0.1:{}: ", other.port)) &&
                                         Contains("another program listens there"));
    auto after = on.client();
    CHECK(after.line() == "220 mx.example.net ESMTP");
  }
  SECTION("and if the certificate can't be read, they are refused") {
    settings.certificate = {.chain = "/nonexistent/chain.pem", .key = "/nonexistent/key.pem"};
    const auto refused = on.listener->prepare(settings);
    REQUIRE_FALSE(refused.has_value());
    CHECK_THAT(refused.error().text, Contains("/nonexistent/"));
  }
  CHECK_THAT(before.say("NOOP"), StartsWith("250 "));
}

TEST_CASE("an endpoint that the settings no longer have is closed, and its connections go on", "[smtp][listener]") {
  const Listening on;
  auto before = on.client();
  CHECK_THAT(before.line(), StartsWith("220 "));
  auto settings = roomy();
  settings.listen = {InternetEndpoint{.address = *IpAddress::parse("127.0.0.9"), .port = 0}};
  const auto apply = on.listener->prepare(settings);
  REQUIRE(apply.has_value());
  (*apply)();
  CHECK_FALSE(SmtpClient::connect(on.port).has_value());
  CHECK_THAT(before.say("NOOP"), StartsWith("250 "));
}

TEST_CASE("clients get 421 when the listener stops", "[smtp][listener]") {
  auto on = std::make_unique<Listening>();
  auto client = on->client();
  CHECK_THAT(client.line(), StartsWith("220 "));
  std::thread stops([&] { on.reset(); });
  CHECK_THAT(client.line(), StartsWith("421 4.3.2 "));
  CHECK(client.line().empty());
  client.close();
  stops.join();
}

TEST_CASE("a unix socket is made, removed, and taken over from a dead program only", "[smtp][listener]") {
  const Folder folder;
  const auto path = (folder.path() / "lmtp").string();
  auto settings = roomy();
  settings.listen = {path};
  settings.connections_per_client = 1;
  {
    auto listener = Listener::open(settings);
    REQUIRE(listener.has_value());
    CHECK(std::filesystem::is_socket(path));
    const auto second = Listener::open(settings);
    REQUIRE_FALSE(second.has_value());
    CHECK_THAT(second.error().text,
               StartsWith("can't listen on unix:" + path) && Contains("another program listens there"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  // As a killed program leaves it: bound, and nobody listens.
  {
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  REQUIRE(std::filesystem::is_socket(path));
  auto listener = Listener::open(settings);
  CHECK(listener.has_value());
}

}  // namespace
}  // namespace blowback::test
