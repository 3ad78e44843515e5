// The thread that sends transfers, over socket pairs: what it sends, what it limits, and what it counts.
#include "system/descriptor.h"
#include "transfer/transfers.h"
#include "transfer_running.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <sys/socket.h>

using namespace blowback;
using namespace blowback::test;
using namespace std::chrono_literals;
using transfer::Ending;

namespace {

/// The client's end of a connection.
class Client {
 public:
  explicit Client(Descriptor socket) : socket_(std::move(socket)) {}

  void send(const Bytes& octets) const {
    REQUIRE(::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(octets.size()));
  }
  /// Empty: the connection was closed.
  [[nodiscard]] Bytes message() const {
    const auto head = octets(2);
    return head.empty() ? Bytes() : octets(static_cast<std::size_t>(head[0] << 8U | head[1]));
  }
  /// The messages of a transfer, up to the second SOA; `seen`: of those before.
  [[nodiscard]] std::vector<Bytes> transfer(int seen = 0) const {
    std::vector<Bytes> all;
    for (int soas = seen; soas < 2;) {
      all.push_back(message());
      REQUIRE_FALSE(all.back().empty());
      for (const auto& record : Reply(all.back()).answers())
        soas += record.find("\tSOA\t") != std::string::npos ? 1 : 0;
    }
    return all;
  }
  [[nodiscard]] bool is_closed() const {
    Bytes buffer(65'536);
    for (;;) {
      const auto size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (size <= 0) return true;
    }
  }
  void close() { socket_.close(); }

 private:
  [[nodiscard]] Bytes octets(std::size_t count) const {
    Bytes bytes(count);
    for (std::size_t have = 0; have < count;) {
      const auto size = recv(socket_.get(), bytes.data() + have, count - have, 0);
      if (size <= 0) return {};
      have += static_cast<std::size_t>(size);
    }
    return bytes;
  }

  Descriptor socket_;
};

class Running : public RunningTransfers {
 public:
  using RunningTransfers::RunningTransfers;

  /// Absent: it was turned away.
  [[nodiscard]] std::optional<Client> connect(const Bytes& in, const Bytes& out = {},
                                              const IpAddress& client = kClient) {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    Descriptor ours(ends[0]);
    Client theirs{Descriptor(ends[1])};
    REQUIRE(fcntl(ours.get(), F_SETFL, O_NONBLOCK) == 0);
    if (!transfers().take({.socket = std::move(ours), .client = client, .in = in, .out = out})) return std::nullopt;
    return theirs;
  }
};

/// With the client's SOA in its authority section (RFC 1995 §3).
Bytes ixfr_query(std::uint32_t serial) {
  auto bytes = query({.name = kApex, .type = LDNS_RR_TYPE_IXFR});
  bytes[9] = 1;
  const auto apex = wire(kApex);
  bytes.insert(bytes.end(), apex.begin(), apex.end());
  for (const unsigned number : {6U, 1U, 0U, 0U, 22U}) put16(bytes, number);
  put16(bytes, 0);  // two root names
  for (const std::uint32_t number : {serial, 1U, 1U, 1U, 1U}) {
    put16(bytes, number >> 16U);
    put16(bytes, number & 0xffffU);
  }
  return bytes;
}

}  // namespace

TEST_CASE("a transfer follows what was answered before it, and queries after it are answered", "[transfer]") {
  Running running(list_of(3'000));
  auto in = kAxfrQuery;
  const auto soa = with_length(query({.name = kApex, .type = LDNS_RR_TYPE_SOA}));
  in.insert(in.end(), soa.begin(), soa.end());
  const auto client = running.connect(in, with_length(query({.name = "earlier.example"}))).value();
  CHECK(client.message() == query({.name = "earlier.example"}));
  CHECK(records_of(client.transfer()).size() == 2 + 2 + 4 * kAllCodes.size() + 6'000);
  CHECK(Reply(client.message()).answers().size() == 1);
  client.send(kAxfrQuery);
  CHECK(client.transfer().size() > 5);

  const auto report = running.report();
  CHECK(report.ending == Ending::complete);
  CHECK(report.client == kClient);
  CHECK(report.serial == 1);
  CHECK(report.records == 2 + 2 + 4 * kAllCodes.size() + 6'000);
  CHECK(report.octets > 16'384);
  CHECK(running.report().ending == Ending::complete);
  const auto counts = running.transfers().counts();
  CHECK(counts.by_carrier.front().by_ending.at(static_cast<std::size_t>(Ending::complete)) == 2);
  CHECK(counts.under_way == 0);
  CHECK(counts.records == 2 * report.records);
}

TEST_CASE("a transfer is of one list, whatever is published while it is read", "[transfer]") {
  Running running(list_of(60'000, 7));
  const auto client = running.connect(kAxfrQuery).value();
  std::vector<Bytes> messages{client.message()};
  for (Serial serial = 8; serial < 12; ++serial) running.publish(list_of(static_cast<unsigned>(serial), serial));
  const auto rest = client.transfer(1);
  messages.insert(messages.end(), rest.begin(), rest.end());
  const auto records = records_of(messages);
  CHECK(records.size() == 2 + 2 + 4 * kAllCodes.size() + 120'000);
  CHECK(records.front() == records.back());
  CHECK(records.front().find(" 7 600 ") != std::string::npos);
}

TEST_CASE("a client that reads nothing, or too slowly, loses its transfer", "[transfer]") {
  Running running(list_of(60'000), {.connections = 4, .time = 1s, .idle = 10s});
  const auto client = running.connect(kAxfrQuery).value();
  const auto report = running.report();
  CHECK(report.ending == Ending::timed_out);
  CHECK(report.took >= 1s);
  CHECK(client.is_closed());
  CHECK(running.transfers().counts().under_way == 0);
}

TEST_CASE("a connection without a query is closed after a while", "[transfer]") {
  Running running(list_of(1), {.connections = 4, .time = 1s, .idle = 1s});
  const auto client = running.connect(kAxfrQuery).value();
  CHECK(client.transfer().size() == 1);
  CHECK(client.is_closed());
}

TEST_CASE("a client that goes away ends its transfer", "[transfer]") {
  Running running(list_of(60'000));
  auto client = running.connect(kAxfrQuery).value();
  CHECK_FALSE(client.message().empty());
  client.close();
  CHECK(running.report().ending == Ending::broken);
}

TEST_CASE("the number of connections is limited, in all and for each client", "[transfer]") {
  Running running(list_of(60'000), {.connections = 4, .time = 60s, .idle = 10s});
  std::vector<Client> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(running.connect(kAxfrQuery).value());
  CHECK_FALSE(running.connect(kAxfrQuery));
  // Another client isn't allowed to transfer, but its connections count, too.
  for (int i = 0; i < 2; ++i) clients.push_back(running.connect(kAxfrQuery, {}, ip("203.0.113.1")).value());
  CHECK_FALSE(running.connect(kAxfrQuery, {}, ip("203.0.113.2")));
  CHECK(running.transfers().counts().by_carrier.front().turned_away == 2);
  CHECK(clients.front().transfer().size() > 100);
  clients.front().close();
  CHECK(running.report().ending == Ending::complete);
  running.transfers().change({.connections = 100, .time = 60s, .idle = 10s});
  CHECK(running.connect(kAxfrQuery));
}

TEST_CASE("a transfer that is refused is answered, and one under way ends with the thread", "[transfer]") {
  Running running(list_of(60'000));
  const auto stranger = running.connect(kAxfrQuery, {}, ip("203.0.113.1")).value();
  CHECK(Reply(stranger.message()).rcode() == LDNS_RCODE_REFUSED);
  const auto client = running.connect(kAxfrQuery).value();
  CHECK_FALSE(client.message().empty());
  running.end();
  CHECK(running.report().ending == Ending::broken);
  CHECK(client.is_closed());
}

TEST_CASE("who has a version that is kept gets the difference, others the whole zone", "[transfer][ixfr]") {
  std::vector<Listing> listings;
  for (int i = 0; i < 200; ++i) listings.push_back(listed("198.51.100." + std::to_string(i)));
  const auto before = index_of(listings, {}, 7);
  listings.push_back(listed("192.0.2.1"));
  const auto after = index_of(listings, {}, 8);
  Running running(after);
  running.history().add(view_of(before), view_of(after), {net("192.0.2.1")});
  const auto transferred = [&](std::uint32_t since) {
    const auto client = running.connect(with_length(ixfr_query(since)));
    // Both have the SOA twice more than a whole zone has.
    std::vector<std::string> records;
    for (int soas = since == 7 ? 4 : 2; soas > 0;) {
      for (const auto& record : Reply(client->message()).answers()) {
        records.push_back(record);
        if (record.find("\tSOA\t") != std::string::npos) --soas;
      }
    }
    return records;
  };
  CHECK(transferred(7).size() == 6);
  CHECK(running.report().incremental);
  CHECK(transferred(6).size() > 400);
  CHECK_FALSE(running.report().incremental);
  CHECK(running.transfers().counts().incremental == 1);
}
