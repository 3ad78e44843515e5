#include "net/responders.h"
#include "net_fixture.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <sys/socket.h>

using namespace blowback;
using namespace blowback::test;

namespace {

/// A server with one worker on ports that the kernel chose.
struct Serving {
  explicit Serving(const std::string& address) : served({}) {
    config::Server server;
    server.workers = 1;
    server.listen = {{.address = ip(address), .port = 0}};
    auto started = net::Responders::start(server,
                                          {.zone = served.zone,
                                           .view = served.view,
                                           .clock =
                                               [this] {
                                                 const std::scoped_lock lock(stuck);
                                                 return kNow;
                                               },
                                           .rate_limit_key = {}},
                                          {});
    if (!started) FAIL(started.error().text);
    responders = std::make_unique<net::Responders>(std::move(*started));
    port = responders->endpoints().at(0).port;
  }

  std::mutex stuck;  ///< while it is held, a worker that reads the clock waits
  Served served;
  std::unique_ptr<net::Responders> responders;
  std::uint16_t port = 0;
};

}  // namespace

TEST_CASE("on a wildcard address a reply comes from the address that was asked", "[net]") {
  const Serving serving("0.0.0.0");
  for (const auto* const address : {"127.0.0.1", "127.0.0.5", "127.1.2.3"}) {
    const Client client(address, serving.port);
    client.send(question(7));
    CHECK(says_listed(client.receive(), 7));
  }
}

TEST_CASE("every datagram of a burst larger than a batch gets its own reply", "[net]") {
  const Serving serving("127.0.0.1");
  const Client client("127.0.0.1", serving.port);
  constexpr std::uint16_t kMany = 200;
  for (std::uint16_t id = 1; id <= kMany; ++id) client.send(question(id));
  // One worker, one socket, one client: in order.
  for (std::uint16_t id = 1; id <= kMany; ++id) {
    const auto reply = client.receive();
    if (!says_listed(reply, id)) FAIL("reply " << id << " of " << reply.size() << " octets");
  }
  serving.responders->stop();
  const auto counts = serving.responders->counts();
  CHECK(counts.udp.queries() == kMany);
  CHECK(counts.udp.of(answer::Outcome::listed) == kMany);
  CHECK(counts.udp.hits[static_cast<std::size_t>(Code::dsn)] == kMany);
  CHECK(counts.udp.by_type()[static_cast<std::size_t>(net::QueryType::a)] == kMany);
  CHECK(counts.udp.by_family()[static_cast<std::size_t>(Family::ipv4)] == kMany);
  CHECK(counts.udp.by_rcode[0] == kMany);
  std::uint64_t timed = 0;
  for (const auto step : counts.latency) timed += step;
  CHECK(timed == kMany);
}

TEST_CASE("a datagram without a reply doesn't shift the replies of the others in its batch", "[net]") {
  const Serving serving("127.0.0.1");
  const Client client("127.0.0.1", serving.port);
  const Client other("127.0.0.1", serving.port);
  for (std::uint16_t id = 1; id <= 60; ++id) {
    client.send({1, 2, 3});
    client.send(question(id));
    other.send(question(static_cast<std::uint16_t>(id + 1000)));
  }
  for (std::uint16_t id = 1; id <= 60; ++id) {
    CHECK(says_listed(client.receive(), id));
    CHECK(says_listed(other.receive(), static_cast<std::uint16_t>(id + 1000)));
  }
}

TEST_CASE("queries that were received before the server stops are answered", "[net]") {
  const Serving serving("127.0.0.1");
  const Client client("127.0.0.1", serving.port);
  for (std::uint16_t id = 1; id <= 100; ++id) client.send(question(id));
  serving.responders->stop();
  for (std::uint16_t id = 1; id <= 100; ++id) CHECK(says_listed(client.receive(), id));
}

TEST_CASE("a stuck worker is distinguished from an idle one", "[net]") {
  Serving serving("127.0.0.1");
  const auto since_turned = [&] { return serving.responders->since_turned(std::chrono::steady_clock::now()); };
  constexpr std::chrono::milliseconds kLong{2'500};  // an idle worker completes a turn each second
  {
    const std::scoped_lock lock(serving.stuck);
    CHECK(becomes_true([&] { return since_turned() > kLong; }));
  }
  CHECK(becomes_true([&] { return since_turned() < kLong; }));
}

TEST_CASE("TCP connections leave descriptors for the rest of the server", "[net][mishap]") {
  CHECK(net::tcp_connections_within(65'536, 2, 2) > 512);
  for (const std::size_t limit : {100U, 256U, 1024U, 4096U}) {
    for (const std::size_t workers : {1U, 2U, 16U}) {
      const auto each = net::tcp_connections_within(limit, workers, 2);
      CAPTURE(limit, workers, each);
      CHECK(each >= 1);
      if (each > 1) CHECK(each * workers + workers * 6 + 32 <= limit);
    }
  }
}

TEST_CASE("port 0 becomes one port for UDP, TCP and all workers", "[net]") {
  Served served({});
  config::Server server;
  server.workers = 3;
  server.listen = {{.address = ip("127.0.0.1"), .port = 0}, {.address = ip("127.0.0.2"), .port = 0}};
  const auto started = net::Responders::start(
      server, {.zone = served.zone, .view = served.view, .clock = [] { return kNow; }, .rate_limit_key = {}}, {});
  REQUIRE(started);
  for (const auto& endpoint : started->endpoints()) {
    REQUIRE(endpoint.port != 0);
    for (std::uint16_t id = 1; id <= 20; ++id) {  // several clients, so that the kernel chooses several workers
      const Client udp(endpoint.address.to_string(), endpoint.port);
      udp.send(question(id));
      CHECK(says_listed(udp.receive(), id));
      const Client tcp(endpoint.address.to_string(), endpoint.port, SOCK_STREAM);
      tcp.send_framed(question(id));
      CHECK(says_listed(tcp.receive_framed(), id));
    }
  }
}

TEST_CASE("an endpoint that another server has isn't shared with it", "[net]") {
  const Serving first("127.0.0.1");
  Served served({});
  config::Server server;
  server.workers = 1;
  server.listen = first.responders->endpoints();
  const auto start = [&](const std::vector<config::Endpoint>& held) {
    return net::Responders::start(
        server, {.zone = served.zone, .view = served.view, .clock = [] { return kNow; }, .rate_limit_key = {}}, held);
  };
  const auto refused = start({});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Catch::Contains("another program has it"));
  CHECK(start(server.listen));
}
