// The server on loopback: what reaches the handler, and that slow or many connections block nobody.
#include "catch.h"
#include "folder.h"
#include "http/server.h"
#include "system/descriptor.h"
#include "system/socket_address.h"
#include "system/unix_socket.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <vector>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file
using Catch::Contains;
using std::chrono::milliseconds;

namespace {

http::Response echo(const http::Request& request) {
  return {.status = 200,
          .type = "text/plain",
          .body = request.target + "|" + request.forwarded_for + "|" +
                  (request.peer ? request.peer->to_string() : "unix") + "|" +
                  std::to_string(static_cast<int>(request.method)) + "|" + request.body +
                  (request.too_large ? "too large" : "") + "|" + request.host + request.origin + request.fetch_site +
                  request.content_type + request.wants_removal + request.accept,
          .fields = {{"X-Own", "1"}}};
}

http::Server opened(http::Limits limits,
                    const config::MetricsEndpoint& place = config::Endpoint{*IpAddress::parse("127.0.0.1"), 0}) {
  auto server = http::Server::open(place, std::move(limits), echo);
  if (!server) FAIL(server.error().text);
  return std::move(*server);
}

Descriptor connected(const http::Server& server) {
  const auto address = socket_address(*IpAddress::parse("127.0.0.1"), server.port());
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(socket.get(), address.get(), address.size) == 0);
  return socket;
}

void write_to(const Descriptor& socket, std::string_view text) {
  static_cast<void>(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL));
}

/// What comes until `until` was read or the other side closes; fails after a minute.
std::string read_until(const Descriptor& socket, std::string_view until) {
  std::string all;
  while (until.empty() || !all.contains(until)) {
    pollfd ready{.fd = socket.get(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&ready, 1, 60'000) == 1);
    std::string room(4'096, '\0');
    const auto got = recv(socket.get(), room.data(), room.size(), 0);
    if (got <= 0) break;
    all.append(room, 0, static_cast<std::size_t>(got));
  }
  return all;
}

std::string asked(const Descriptor& socket, const std::string& request, std::string_view until) {
  write_to(socket, request);
  return read_until(socket, until);
}

}  // namespace

TEST_CASE("a request reaches the handler with its undecoded target and all of its forwarders", "[http][server]") {
  const auto server = opened({});
  const auto socket = connected(server);
  const auto answer = asked(
      socket,
      "GET /a%20b?ip=1%2B HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nx-forwarded-for: 192.0.2.2\r\n\r\n",
      "|0");
  CHECK_THAT(answer, Contains("HTTP/1.1 200") && Contains("X-Own: 1") &&
                         Contains("/a%20b?ip=1%2B|192.0.2.1, 192.0.2.2|127.0.0.1|0"));
  // The connection stays for another one.
  CHECK_THAT(asked(socket, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n", "|0"), Contains("/2||127.0.0.1|0"));
  CHECK(server.counts().requests == 2);
}

TEST_CASE("HEAD has no body, and other methods are told apart; the body of no other than POST is read",
          "[http][server]") {
  const auto server = opened({});
  const auto head = connected(server);
  const auto answer = asked(head, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "");
  CHECK_THAT(answer, Contains("Content-Length:") && !Contains("|127.0.0.1|"));
  const auto post = connected(server);
  CHECK_THAT(asked(post, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc", "|2|too large|"),
             Contains("|2|too large|"));
  const auto put = connected(server);
  CHECK_THAT(asked(put, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "|3||"), Contains("|3||"));
  const auto get = connected(server);
  CHECK_THAT(asked(get, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "|0||"), Contains("|0||"));
}

TEST_CASE("a POST is read whole, with the fields that tell who meant it, up to a limit", "[http][server]") {
  const auto server = opened({});
  const auto whole = connected(server);
  CHECK_THAT(asked(whole,
                   "POST / HTTP/1.1\r\nHost: x\r\nOrigin: o\r\nSec-Fetch-Site: s\r\nContent-Type: t\r\n"
                   "X-Blowback-Removal: yes\r\nAccept: a\r\nContent-Length: 6\r\n\r\nform=1",
                   "|2|form=1|xostyesa"),
             Contains("|2|form=1|xostyesa"));
  // The connection goes on after it.
  CHECK_THAT(asked(whole, "POST / HTTP/1.1\r\nHost: y\r\n\r\n", "|2||y"), Contains("|2||y"));
  const auto chunks = connected(server);
  CHECK_THAT(
      asked(chunks, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfo\r\n3\r\nrm=\r\n0\r\n\r\n",
            "|2|form=|"),
      Contains("|2|form=|"));
  const auto most = connected(server);
  const std::string full(http::kLongestBody, 'a');
  CHECK_THAT(
      asked(most, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(full.size()) + "\r\n\r\n" + full,
            full + "|x"),
      Contains(full + "|x"));
  const auto endless = connected(server);
  std::string many = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 2; ++i) many += "1000\r\n" + std::string(0x1000, 'a') + "\r\n";
  CHECK_FALSE(asked(endless, many, "").contains("200 OK"));
}

TEST_CASE("requests that aren't HTTP, or too large, end with an error", "[http][server]") {
  const auto server = opened({});
  for (const std::string& request :
       {std::string("nonsense\r\n\r\n"), "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n"}) {
    const auto socket = connected(server);
    const auto answer = asked(socket, request, "");
    CHECK_FALSE(answer.contains("200 OK"));
  }
  CHECK_THAT(asked(connected(server), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "|0"), Contains("200"));
}

TEST_CASE("a connection that sends an octet now and then ends when its time is over", "[http][server]") {
  const auto server = opened({.time = milliseconds(700)});
  const auto slow = connected(server);
  const auto began = std::chrono::steady_clock::now();
  bool is_open = true;
  while (is_open) {
    write_to(slow, "G");
    pollfd ready{.fd = slow.get(), .events = POLLIN, .revents = 0};
    is_open = poll(&ready, 1, 50) == 0;
    REQUIRE(std::chrono::steady_clock::now() - began < std::chrono::minutes(1));
  }
  CHECK(std::chrono::steady_clock::now() - began >= milliseconds(500));
  CHECK(server.counts().too_slow == 1);
}

TEST_CASE("when all places are taken, the one that has waited longest makes room", "[http][server]") {
  const auto server = opened(
      {.connections = 20, .proxies = {*Prefix::parse("127.0.0.0/8")}, .time = std::chrono::minutes(5), .threads = 1});
  std::vector<Descriptor> idle;
  for (int i = 0; i < 100; ++i) {
    idle.push_back(connected(server));
    write_to(idle.back(), "GET / HT");
    CHECK_THAT(asked(connected(server), "GET /now HTTP/1.1\r\nHost: x\r\n\r\n", "|0"), Contains("/now"));
  }
  CHECK(server.counts().refused >= 70);
}

TEST_CASE("a client that is no proxy has a limit of its own", "[http][server]") {
  const auto server = opened({.connections_per_client = 3});
  std::vector<Descriptor> mine;
  for (int i = 0; i < 3; ++i) {
    mine.push_back(connected(server));
    CHECK_THAT(asked(mine.back(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "|0"), Contains("200"));
  }
  CHECK(read_until(connected(server), "").empty());
  CHECK(server.counts().refused == 1);
}

TEST_CASE("a unix socket's clients have no address, and its file goes with the server", "[http][server]") {
  const test::Folder folder;
  const auto path = folder.file("web");
  {
    const auto server = opened({}, path);
    CHECK(server.port() == 0);
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UnixAddress address(path);
    REQUIRE(connect(socket.get(), address.get(), UnixAddress::size()) == 0);
    CHECK_THAT(asked(socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "|0"), Contains("/||unix|0"));
  }
  CHECK(access(path.c_str(), F_OK) != 0);
}

TEST_CASE("an endpoint that is taken is an error that names it", "[http][server]") {
  const auto server = opened({});
  const auto second = http::Server::open(config::Endpoint{*IpAddress::parse("127.0.0.1"), server.port()}, {}, echo);
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().text, Contains("127.0.0.1:" + std::to_string(server.port())) && Contains("web.listen"));
}
