// Datagrams in batches, from the address that was asked, by real sockets on loopback.
#include "catch.h"
#include "net/responders.h"
#include "zone_fixture.h"

#include <unistd.h>

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

using namespace blowback;
using namespace blowback::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// The server's sources with one listing, and a port that is free.
struct Serving {
  explicit Serving(const std::vector<std::string>& addresses) {
    config::Zone settings;
    settings.name = "bl.example.org";
    settings.nameservers = {"ns1.example.org"};
    settings.hostmaster = "hostmaster@example.org";
    settings.txt = "{ip}";
    config::Server server;
    server.workers = 1;
    port = free_port();
    for (const auto& address : addresses) server.listen.push_back({.address = ip(address), .port = port});
    zone.publish(answer::ServedZone::of(settings, server, {}).value());
    view.publish(
        {.index = std::make_shared<const zone::ListingIndex>(index_of({listed("192.0.2.10")})), .stale = false});
    auto started = net::Responders::start(server,
                                          {.zone = zone,
                                           .view = view,
                                           .clock =
                                               [this] {
                                                 const std::scoped_lock lock(stuck);
                                                 return kNow;
                                               },
                                           .rate_limit_key = {}},
                                          {});
    if (!started) FAIL(started.error().text);
    responders = std::make_unique<net::Responders>(std::move(*started));
  }

  static std::uint16_t free_port() {
    const int probe = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    close(probe);
    return ntohs(address.sin_port);
  }

  std::mutex stuck;  ///< while it is held a worker that asks for the time gets no further
  std::uint16_t port = 0;
  zone::Published<answer::ServedZone> zone;
  zone::Published<zone::View> view;
  std::unique_ptr<net::Responders> responders;
};

/// Connected: the kernel hands it only what comes from the address that it asked.
class Client {
 public:
  Client(const std::string& address, std::uint16_t port) : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    REQUIRE(inet_pton(AF_INET, address.c_str(), &server.sin_addr) == 1);
    REQUIRE(connect(socket_, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(socket_); }

  void send(const Bytes& bytes) const { REQUIRE(::send(socket_, bytes.data(), bytes.size(), 0) >= 0); }
  [[nodiscard]] Bytes receive() const {
    std::array<std::uint8_t, 4096> buffer{};
    const auto size = recv(socket_, buffer.data(), buffer.size(), 0);
    if (size < 0) return {};
    return {buffer.begin(), buffer.begin() + size};
  }

 private:
  int socket_;
};

Bytes question(std::uint16_t id) {
  Bytes bytes{static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id & 0xffU), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  for (const std::string_view label : {"10", "2", "0", "192", "bl", "example", "org"}) {
    bytes.push_back(static_cast<std::uint8_t>(label.size()));
    bytes.insert(bytes.end(), label.begin(), label.end());
  }
  constexpr std::array<std::uint8_t, 5> kRootAIn{0, 0, 1, 0, 1};
  bytes.insert(bytes.end(), kRootAIn.begin(), kRootAIn.end());
  return bytes;
}

constexpr std::array<std::uint8_t, 4> kListed{127, 0, 0, 2};

bool says_listed(const Bytes& reply, std::uint16_t id) {
  return reply.size() > 16 && reply[0] == id >> 8U && reply[1] == (id & 0xffU) &&
         std::equal(kListed.begin(), kListed.end(), reply.end() - 4);
}

}  // namespace

TEST_CASE("on a wildcard address a reply leaves from the address that was asked", "[net]") {
  const Serving serving({"0.0.0.0"});
  for (const auto* const address : {"127.0.0.1", "127.0.0.5", "127.1.2.3"}) {
    const Client client(address, serving.port);
    client.send(question(7));
    CHECK(says_listed(client.receive(), 7));
  }
}

TEST_CASE("every datagram of a burst larger than a batch gets its own reply", "[net]") {
  const Serving serving({"127.0.0.1"});
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

TEST_CASE("silence for one datagram of a batch doesn't shift the replies of the others", "[net]") {
  const Serving serving({"127.0.0.1"});
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

TEST_CASE("what waits when the server is told to stop is answered", "[net]") {
  const Serving serving({"127.0.0.1"});
  const Client client("127.0.0.1", serving.port);
  for (std::uint16_t id = 1; id <= 100; ++id) client.send(question(id));
  serving.responders->stop();
  for (std::uint16_t id = 1; id <= 100; ++id) CHECK(says_listed(client.receive(), id));
}

TEST_CASE("a worker that is stuck is told from one that has nothing to do", "[net]") {
  Serving serving({"127.0.0.1"});
  const auto since_turned = [&] { return serving.responders->since_turned(std::chrono::steady_clock::now()); };
  const auto wait_for = [&](const auto& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return true;
  };
  constexpr std::chrono::milliseconds kLong{2'500};  // an idle worker comes round each second
  {
    const std::scoped_lock lock(serving.stuck);
    CHECK(wait_for([&] { return since_turned() > kLong; }));
  }
  CHECK(wait_for([&] { return since_turned() < kLong; }));
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
