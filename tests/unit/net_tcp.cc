// Time is an argument of TcpConnections, so these tests make it pass as they like; the sockets are real.
#include "answerer.h"
#include "net_fixture.h"
#include "system/descriptor.h"
#include "tcp.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>

using namespace blowback;
using namespace blowback::test;
using namespace std::chrono_literals;
using net::TcpConnections;

namespace {

/// One client may transfer the zone.
config::Server settings() {
  config::Server server;
  server.transfer.allow = {Prefix::of(ip("127.0.0.53"))};
  return server;
}

/// A worker's TCP half without a thread: `turn` does what its loop does.
class Worker {
 public:
  explicit Worker(TcpConnections::Limits limits) : limits_(limits) {
    const auto loopback = socket_address(IpAddress(), 0);
    listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    REQUIRE(bind(listener_.get(), loopback.get(), loopback.size) == 0);
    REQUIRE(listen(listener_.get(), 128) == 0);
    connections_.emplace(epoll_.get(), limits_, counters_,
                         [this](transfer::Handover handover) { handed_over.push_back(std::move(handover)); });
  }

  [[nodiscard]] std::uint16_t port() const { return bound_port(listener_.get()); }

  /// A connected client that the worker has accepted at `now`.
  [[nodiscard]] Client& connect(const std::string& from = "127.0.0.1", int receive_buffer = 0) {
    clients_.emplace_back("127.0.0.1", port(), SOCK_STREAM, from, receive_buffer);
    REQUIRE(connections_->accept_from(listener_.get(), now));
    return clients_.back();
  }

  /// Serves everything that is ready. False: nothing was.
  bool turn() {
    std::array<epoll_event, 64> events{};
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    answerer_.refresh();
    for (int i = 0; i < count; ++i) {
      const auto& event = events.at(static_cast<std::size_t>(i));
      connections_->serve(event.data.fd, event.events, answerer_, now);
    }
    return count > 0;
  }
  void turn_until_idle() {
    while (turn()) {
    }
  }
  void close_idle() { connections_->close_idle(now); }
  /// Gives all connections to `other`.
  void release_to(Worker& other) {
    for (auto& connection : connections_->release()) other.connections_->adopt(std::move(connection));
  }

  [[nodiscard]] net::Counts counts() const {
    net::Counts sum;
    counters_.add_to(sum);
    return sum;
  }

  /// A query and its reply.
  [[nodiscard]] bool answers(const Client& client) {
    client.send_framed(question(7));
    const bool answered = becomes_true([&] { return turn(); });
    return answered && says_listed(client.receive_framed(), 7);
  }

  TcpConnections::Steady::time_point now{1h};
  std::vector<transfer::Handover> handed_over;

 private:
  TcpConnections::Limits limits_;
  Served served_{settings()};
  net::Responders::Sources sources_{
      .zones = served_.zones, .view = served_.view, .clock = [] { return kNow; }, .rate_limit_key = {}};
  net::Answerer answerer_{sources_, {}};
  net::WorkerCounters counters_;
  Descriptor epoll_{epoll_create1(EPOLL_CLOEXEC)};
  Descriptor listener_;
  std::optional<TcpConnections> connections_;
  std::list<Client> clients_;
};

constexpr TcpConnections::Limits kUsual{.connections = 512, .idle = 10s};

}  // namespace

TEST_CASE("pipelined queries are answered in order, whatever pieces they arrive in", "[net][tcp]") {
  Worker worker(kUsual);
  const auto& client = worker.connect();
  Bytes octets;
  for (std::uint16_t id = 1; id <= 200; ++id) {
    const auto query = question(id);
    octets.push_back(static_cast<std::uint8_t>(query.size() >> 8U));
    octets.push_back(static_cast<std::uint8_t>(query.size() & 0xffU));
    octets.insert(octets.end(), query.begin(), query.end());
  }
  const auto piece = GENERATE(1UL, 7UL, 4096UL);
  for (std::size_t at = 0; at < octets.size(); at += piece) {
    client.send(Bytes(octets.begin() + static_cast<std::ptrdiff_t>(at),
                      octets.begin() + static_cast<std::ptrdiff_t>(std::min(octets.size(), at + piece))));
    worker.turn();
  }
  REQUIRE(becomes_true([&] {
    worker.turn_until_idle();
    return worker.counts().tcp.queries() == 200;
  }));
  for (std::uint16_t id = 1; id <= 200; ++id) CHECK(says_listed(client.receive_framed(), id));
}

TEST_CASE("another worker continues a connection in the middle of a query, or of what waits to be answered or read",
          "[net][tcp][reload]") {
  Worker former(kUsual);
  Worker later({.connections = 1, .idle = 10s});  // fewer than it gets
  const auto& halfway = former.connect("127.0.0.2");
  const auto& waiting = former.connect("127.0.0.3");
  const auto& slow = former.connect("127.0.0.4", 4096);
  auto query = question(1);
  query.insert(query.begin(), {0, static_cast<std::uint8_t>(query.size())});
  halfway.send(Bytes(query.begin(), query.begin() + 5));
  // More than one turn answers.
  for (std::uint16_t id = 1; id <= 200; ++id) waiting.send_framed(question(id));
  // Until neither side goes on.
  std::size_t sent = 0;  // octets
  while (true) {
    const auto at = sent % query.size();
    const auto size = ::send(slow.fd(), query.data() + at, query.size() - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size > 0) {
      sent += static_cast<std::size_t>(size);
      continue;
    }
    const auto before = former.counts().tcp.queries();
    former.turn();
    if (former.counts().tcp.queries() == before) break;
  }
  former.release_to(later);
  CHECK_FALSE(former.turn());
  halfway.send(Bytes(query.begin() + 5, query.end()));
  const auto answered = [&](const Client& client, std::uint16_t id) {
    std::uint8_t octet = 0;
    const bool came = becomes_true([&] {
      later.turn_until_idle();
      return recv(client.fd(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
    });
    return came && says_listed(client.receive_framed(), id);
  };
  CHECK(answered(halfway, 1));
  for (std::uint16_t id = 1; id <= 200; ++id) CHECK(answered(waiting, id));
  for (std::size_t i = 0; i < sent / query.size(); ++i) {
    if (!answered(slow, 1)) FAIL("reply " << i);
  }
  CHECK(later.answers(halfway));
  CHECK(later.counts().tcp_closed_idle == 0);
  CHECK(later.counts().tcp_connections == 0);  // it accepted none
}

TEST_CASE("a connection with a query for a transfer is handed over, with what was read of it", "[net][tcp][transfer]") {
  Worker worker(kUsual);
  auto axfr = question(2, {});
  axfr[axfr.size() - 3] = 252;
  for (const bool allowed : {false, true}) {
    const auto& client = worker.connect(allowed ? "127.0.0.53" : "127.0.0.1");
    client.send_framed(question(1));
    client.send_framed(axfr);
    client.send_framed(question(3));
    REQUIRE(becomes_true([&] {
      worker.turn_until_idle();
      return worker.counts().tcp.queries() == (allowed ? 5 : 3);
    }));
    if (!allowed) {
      CHECK(says_listed(client.receive_framed(), 1));
      CHECK((client.receive_framed()[3] & 0xfU) == 5);  // REFUSED
      CHECK(says_listed(client.receive_framed(), 3));
      CHECK(worker.counts().tcp.transfers_refused == 1);
      CHECK(worker.handed_over.empty());
    }
  }
  REQUIRE(worker.handed_over.size() == 1);
  const auto& handover = worker.handed_over.front();
  CHECK(handover.socket.is_open());
  CHECK(handover.client == ip("127.0.0.53"));
  CHECK(handover.in.size() >= 2 + axfr.size());
  CHECK(std::equal(axfr.begin(), axfr.end(), handover.in.begin() + 2));
  CHECK(worker.counts().tcp.of(answer::Outcome::transfer) == 1);
}

TEST_CASE("what a client asked before it ended its stream is answered, then the connection is closed", "[net][tcp]") {
  Worker worker(kUsual);
  const auto& client = worker.connect();
  client.send_framed(question(1));
  client.send_framed(question(2));
  REQUIRE(shutdown(client.fd(), SHUT_WR) == 0);
  CHECK(becomes_true([&] {
    worker.turn_until_idle();
    return worker.counts().tcp.queries() == 2;
  }));
  CHECK(says_listed(client.receive_framed(), 1));
  CHECK(says_listed(client.receive_framed(), 2));
  CHECK(client.receive().empty());
}

TEST_CASE("with all connections taken, a new client replaces the one that was idle longest", "[net][tcp][hostile]") {
  Worker worker({.connections = 8, .idle = 10s});
  std::vector<Client*> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(&worker.connect("127.0.0." + std::to_string(i + 10)));
    worker.now += 1s;
  }
  CHECK(worker.answers(*clients[0]));  // so that the second is the one that was idle longest
  auto& late = worker.connect("127.0.0.99");
  CHECK(becomes_true([&] { return clients[1]->is_closed(); }));
  for (const std::size_t other : {0U, 2U, 3U, 4U, 5U, 6U, 7U}) CHECK(worker.answers(*clients[other]));
  CHECK(worker.answers(late));
  CHECK(worker.counts().tcp_connections == 9);
  CHECK(worker.counts().tcp_closed_idle == 1);
}

TEST_CASE("a client address has a share of the connections, and exceeding it costs nobody else",
          "[net][tcp][hostile]") {
  constexpr TcpConnections::Limits kLimits{.connections = 40, .idle = 10s};
  REQUIRE(kLimits.per_address() == 10);
  Worker worker(kLimits);
  auto& other = worker.connect("127.0.0.2");  // it was idle longest of all
  worker.now += 1s;
  std::vector<Client*> greedy;
  for (int i = 0; i < 10; ++i) {
    greedy.push_back(&worker.connect("127.0.0.1"));
    worker.now += 1ms;
  }
  worker.turn_until_idle();
  CHECK(worker.counts().tcp_closed_idle == 0);
  auto& eleventh = worker.connect("127.0.0.1");
  CHECK(becomes_true([&] { return greedy[0]->is_closed(); }));
  CHECK(worker.answers(*greedy[1]));
  CHECK(worker.answers(eleventh));
  CHECK(worker.answers(other));
  CHECK(worker.counts().tcp_closed_idle == 1);
}

TEST_CASE("eight connections of one address are allowed however few there are in all", "[net][tcp]") {
  CHECK(TcpConnections::Limits{.connections = 16}.per_address() == 8);
  CHECK(TcpConnections::Limits{.connections = 1000}.per_address() == 250);
}

TEST_CASE("a connection without a query is closed after the idle time, and not before", "[net][tcp]") {
  Worker worker(kUsual);
  const auto& quiet = worker.connect();
  const auto& busy = worker.connect();
  worker.now += 9s;
  CHECK(worker.answers(busy));
  worker.close_idle();
  CHECK_FALSE(quiet.is_closed());
  worker.now += 1s;
  worker.close_idle();
  CHECK(becomes_true([&] { return quiet.is_closed(); }));
  CHECK(worker.answers(busy));
}

TEST_CASE("a query that arrives octet by octet doesn't prolong its connection", "[net][tcp][hostile]") {
  Worker worker(kUsual);
  const auto& client = worker.connect();
  const auto query = question(1);
  client.send({0, static_cast<std::uint8_t>(query.size())});
  for (std::size_t i = 0; i < 11; ++i) {
    client.send({query[i]});
    CHECK(becomes_true([&] { return worker.turn(); }));
    worker.close_idle();
    CHECK(client.is_closed() == (i >= 10));
    worker.now += 1s;
  }
}

TEST_CASE("no connection lasts longer than ten times the idle time", "[net][tcp][hostile]") {
  Worker worker(kUsual);
  const auto& client = worker.connect();
  for (int i = 0; i < 19; ++i) {
    worker.now += 5s;
    CHECK(worker.answers(client));
    worker.close_idle();
  }
  CHECK_FALSE(client.is_closed());
  worker.now += 5s;
  worker.close_idle();
  CHECK(becomes_true([&] { return client.is_closed(); }));
}

TEST_CASE("a client that asks without reading is read no further, and answered in order once it reads",
          "[net][tcp][hostile]") {
  Worker worker(kUsual);
  const auto& client = worker.connect("127.0.0.1", 4096);
  const auto query = question(9);
  Bytes framed{0, static_cast<std::uint8_t>(query.size())};
  framed.insert(framed.end(), query.begin(), query.end());
  // Until neither side goes on: the socket's buffers are full, and the worker holds as many replies as it may.
  std::size_t sent = 0;  // octets
  while (true) {
    const auto at = sent % framed.size();
    const auto size = ::send(client.fd(), framed.data() + at, framed.size() - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size > 0) {
      sent += static_cast<std::size_t>(size);
      continue;
    }
    const auto before = worker.counts().tcp.queries();
    worker.turn_until_idle();
    if (worker.counts().tcp.queries() == before) break;
  }
  const auto whole = sent / framed.size();
  CHECK(worker.counts().tcp.queries() < whole);
  // Then the idle time runs.
  worker.now += 9s;
  worker.close_idle();
  std::size_t answered = 0;
  while (answered < whole) {
    worker.turn_until_idle();
    std::uint8_t octet = 0;
    while (recv(client.fd(), &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
      if (!says_listed(client.receive_framed(), 9)) FAIL("reply " << answered);
      ++answered;
    }
  }
  CHECK(worker.counts().tcp.queries() == whole);
  worker.now += 10s;
  worker.close_idle();
  CHECK(becomes_true([&] { return client.is_closed(); }));
}

TEST_CASE("a client that never reads is closed after the idle time", "[net][tcp][hostile]") {
  Worker worker(kUsual);
  const auto& client = worker.connect("127.0.0.1", 4096);
  const Bytes many = [] {
    Bytes octets;
    for (int i = 0; i < 1000; ++i) {
      const auto query = question(9);
      octets.push_back(0);
      octets.push_back(static_cast<std::uint8_t>(query.size()));
      octets.insert(octets.end(), query.begin(), query.end());
    }
    return octets;
  }();
  // More than the kernel's buffers and the worker hold.
  while (::send(client.fd(), many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0 || worker.turn()) {
  }
  worker.now += 10s;
  worker.close_idle();
  CHECK(worker.counts().tcp_closed_idle == 1);
}
