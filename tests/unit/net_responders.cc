#include "net/responders.h"
#include "net_fixture.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

using namespace blowback;
using namespace blowback::test;

namespace {

/// A server with one worker on ports that the kernel chose.
struct Serving {
  explicit Serving(const std::string& address) : served({}) {
    server.workers = 1;
    server.listen = {{.address = ip(address), .port = 0}};
    auto started = net::Responders::start(server, {.zones = served.zones,
                                                   .view = served.view,
                                                   .clock =
                                                       [this] {
                                                         const std::scoped_lock lock(stuck);
                                                         return kNow;
                                                       },
                                                   .rate_limit_key = {}});
    if (!started) FAIL(started.error().text);
    responders = std::make_unique<net::Responders>(std::move(*started));
    server.listen = responders->endpoints();
    port = server.listen.at(0).port;
  }

  /// Adopts `server` with this many workers.
  void change(int workers) {
    server.workers = workers;
    const auto changed = responders->change(server);
    if (!changed) FAIL(changed.error().text);
  }

  std::mutex stuck;  ///< while it is held, a worker that reads the clock waits
  Served served;
  config::Server server;  ///< the settings, with the port that the kernel chose
  std::unique_ptr<net::Responders> responders;
  std::uint16_t port = 0;
};

/// Open descriptors of this process.
std::size_t descriptors() {
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

/// A client that asks without a pause, and never again for a reply that is missing.
class Asking {
 public:
  Asking(std::uint16_t port, int type)
      : client_("127.0.0.1", port, type), is_tcp_(type == SOCK_STREAM), thread_([this] { run(); }) {}
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() { finish(); }

  [[nodiscard]] std::size_t answered() const { return answered_; }
  void finish() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// Queries; after `finish`.
  [[nodiscard]] std::size_t asked() const { return asked_; }

 private:
  /// At most this many queries at a time, which every buffer has room for.
  static constexpr std::uint16_t kAtOnce = 32;

  void run() {
    for (std::uint16_t id = 0; !is_over_; id = static_cast<std::uint16_t>(id + kAtOnce)) {
      std::vector<bool> missing(kAtOnce, true);
      for (std::uint16_t i = 0; i < kAtOnce; ++i) {
        auto query = question(static_cast<std::uint16_t>(id + i));
        if (is_tcp_) query.insert(query.begin(), {0, static_cast<std::uint8_t>(query.size())});
        if (::send(client_.fd(), query.data(), query.size(), MSG_NOSIGNAL) < 0) return;
        ++asked_;
      }
      // Two workers may read one socket for a moment, so datagrams may be answered in another order.
      for (std::uint16_t i = 0; i < kAtOnce; ++i) {
        const auto reply = is_tcp_ ? client_.receive_framed() : client_.receive();
        if (reply.size() < 2) return;
        const auto at = static_cast<std::uint16_t>(((reply[0] << 8U) | reply[1]) - id);
        if (at >= kAtOnce || !missing[at] || (is_tcp_ && at != i)) return;
        if (!says_listed(reply, static_cast<std::uint16_t>(id + at))) return;
        missing[at] = false;
        ++answered_;
      }
    }
  }

  Client client_;
  bool is_tcp_;
  std::atomic<bool> is_over_ = false;
  std::atomic<std::size_t> asked_ = 0;
  std::atomic<std::size_t> answered_ = 0;
  std::thread thread_;
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
  CHECK(net::tcp_connections_within(65'536, 2, 8) > 512);
  for (const std::size_t limit : {100U, 256U, 1024U, 4096U}) {
    for (const std::size_t workers : {1U, 2U, 16U}) {
      const auto each = net::tcp_connections_within(limit, workers, workers * 4);
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
      server, {.zones = served.zones, .view = served.view, .clock = [] { return kNow; }, .rate_limit_key = {}});
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
  const auto refused = net::Responders::start(
      server, {.zones = served.zones, .view = served.view, .clock = [] { return kNow; }, .rate_limit_key = {}});
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Catch::Contains("another program has it"));
}

TEST_CASE("no query is lost while workers come and go, other endpoints come and go, and limits change",
          "[net][reload]") {
  Serving serving("127.0.0.1");
  const auto own = serving.server.listen;
  std::size_t asked = 0;
  {
    std::vector<std::unique_ptr<Asking>> all;
    for (int i = 0; i < 4; ++i) {
      all.push_back(std::make_unique<Asking>(serving.port, SOCK_DGRAM));
      all.push_back(std::make_unique<Asking>(serving.port, SOCK_STREAM));
    }
    for (const int workers : {3, 1, 4, 2, 2, 1, 5, 1}) {
      serving.server.listen = own;
      if (workers % 2 == 0) serving.server.listen.push_back({.address = ip("127.0.0.2"), .port = serving.port});
      serving.server.tcp_idle = std::chrono::seconds{10 + workers};
      serving.change(workers);
      // So that each change meets queries.
      for (const auto& one : all) {
        CHECK(becomes_true([&, before = one->answered()] { return one->answered() > before + 100; }));
      }
    }
    for (const auto& one : all) {
      one->finish();
      CHECK(one->answered() == one->asked());
      asked += one->asked();
    }
  }
  serving.responders->stop();
  const auto counts = serving.responders->counts();
  CHECK(counts.udp.queries() + counts.tcp.queries() == asked);
  CHECK(counts.tcp_connections == 4);
  CHECK(counts.kernel_dropped == 0);
}

TEST_CASE("with fewer workers than sockets each socket is read, whichever a client's datagrams go to",
          "[net][reload]") {
  Serving serving("127.0.0.1");
  serving.change(8);
  const auto before = descriptors();
  serving.change(3);
  // Five workers fewer, of two descriptors each; no socket fewer.
  CHECK(descriptors() == before - 10);
  for (std::uint16_t id = 1; id <= 100; ++id) {
    const Client udp("127.0.0.1", serving.port);
    udp.send(question(id));
    CHECK(says_listed(udp.receive(), id));
    const Client tcp("127.0.0.1", serving.port, SOCK_STREAM);
    tcp.send_framed(question(id));
    CHECK(says_listed(tcp.receive_framed(), id));
  }
  serving.change(8);
  CHECK(becomes_true([&] { return descriptors() == before; }));  // once it has seen that its clients are gone
}

TEST_CASE("half a query, and queries that wait, are answered after the change", "[net][tcp][reload]") {
  Serving serving("127.0.0.1");
  std::vector<std::unique_ptr<Client>> clients;
  auto query = question(1);
  query.insert(query.begin(), {0, static_cast<std::uint8_t>(query.size())});
  const Bytes half(query.begin(), query.begin() + 9);
  const Bytes rest(query.begin() + 9, query.end());
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>("127.0.0.1", serving.port, SOCK_STREAM));
    clients.back()->send_framed(question(7));
    CHECK(says_listed(clients.back()->receive_framed(), 7));
    clients.back()->send(half);
  }
  for (const int workers : {4, 1}) {
    serving.change(workers);
    for (const auto& client : clients) {
      client->send(rest);
      for (std::uint16_t id = 2; id <= 50; ++id) client->send_framed(question(id));
      client->send(half);
    }
  }
  for (const auto& client : clients) {
    for (int change = 0; change < 2; ++change) {
      for (std::uint16_t id = 1; id <= 50; ++id) CHECK(says_listed(client->receive_framed(), id));
    }
  }
}

TEST_CASE("a connection continues after its endpoint was closed, and nobody else can connect there",
          "[net][tcp][reload]") {
  Serving serving("127.0.0.1");
  const auto own = serving.server.listen;
  serving.server.listen.push_back({.address = ip("127.0.0.2"), .port = serving.port});
  serving.change(2);
  const Client client("127.0.0.2", serving.port, SOCK_STREAM);
  client.send_framed(question(1));
  CHECK(says_listed(client.receive_framed(), 1));
  serving.server.listen = own;
  serving.change(2);
  client.send_framed(question(2));
  CHECK(says_listed(client.receive_framed(), 2));
  const Descriptor other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = socket_address(ip("127.0.0.2"), serving.port);
  CHECK(connect(other.get(), address.get(), address.size) != 0);
}

TEST_CASE("a change that fails changes nothing", "[net][reload]") {
  Serving serving("127.0.0.1");
  const Serving other("127.0.0.1");
  const auto before = descriptors();
  const auto own = serving.server.listen;
  const Client client("127.0.0.1", serving.port, SOCK_STREAM);
  serving.server.listen.insert(serving.server.listen.begin(),
                               {{.address = ip("127.0.0.2"), .port = serving.port}, other.server.listen.front()});
  serving.server.workers = 4;
  const auto refused = serving.responders->change(serving.server);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Catch::Contains("another program has it"));
  CHECK(serving.responders->endpoints() == own);
  client.send_framed(question(1));
  CHECK(says_listed(client.receive_framed(), 1));
  CHECK(descriptors() == before + 2);  // both ends of the connection
}

TEST_CASE("wherever a change runs out of descriptors, nothing changes and nothing is lost", "[net][reload][mishap]") {
  Serving serving("127.0.0.1");
  Asking udp(serving.port, SOCK_DGRAM);
  Asking tcp(serving.port, SOCK_STREAM);
  REQUIRE(becomes_true([&] { return udp.answered() > 0 && tcp.answered() > 0; }));
  const auto before = descriptors();
  rlimit usual{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  serving.server.workers = 3;
  serving.server.listen.push_back({.address = ip("127.0.0.2"), .port = serving.port});
  const auto changes_within = [&](std::size_t most) {
    const rlimit few{.rlim_cur = most, .rlim_max = usual.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    const auto changed = serving.responders->change(serving.server);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &usual) == 0);
    return changed.has_value();
  };
  std::size_t refused = 0;
  while (!changes_within(before + refused)) {
    REQUIRE(++refused < 100);
    CHECK(descriptors() == before);
    CHECK(serving.responders->endpoints().size() == 1);
    CHECK(becomes_true([&, answered = udp.answered()] { return udp.answered() > answered; }));
  }
  // Three workers of two descriptors each, two more sockets of each type, and three at the other endpoint: some may have room below `before`.
  CHECK(refused > 10);
  for (auto* const asking : {&udp, &tcp}) {
    asking->finish();
    CHECK(asking->answered() == asking->asked());
  }
}
