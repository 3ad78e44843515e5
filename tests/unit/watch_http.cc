#include "catch.h"
#include "folder.h"
#include "http_request.h"
#include "watch/http_listener.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <vector>

using blowback::test::Folder;
using blowback::watch::HttpListener;
using blowback::watch::kMostHead;
using blowback::watch::read_request;
using State = blowback::watch::Request::State;
using Clock = std::chrono::steady_clock;

namespace {

class Client {
 public:
  explicit Client(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&&) = delete;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(fd_); }

  bool says(const std::string& octets) const {
    return send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(octets.size());
  }
  [[nodiscard]] std::string all() const {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = recv(fd_, buffer.data(), buffer.size(), 0)) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  [[nodiscard]] std::string get(const std::string& path) const {
    REQUIRE(says("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"));
    return all();
  }

 private:
  int fd_;
};

HttpListener opened(const std::string& path, const std::string& metrics, HttpListener::Limits limits = {}) {
  auto made = HttpListener::open(
      path, "metrics.server",
      {.metrics = [metrics] { return metrics; },
       .health = [] { return blowback::watch::Health{}; },
       .readiness = [] { return blowback::watch::Health{{.name = "n", .detail = "d", .mend = "m"}}; }},
      limits);
  if (!made) FAIL(made.error().text);
  return std::move(*made);
}

}  // namespace

TEST_CASE("a request is read as soon as it is whole, and not before", "[watch][http]") {
  const std::string whole =
      GENERATE(values<std::string>({"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
                                    "GET /metrics HTTP/1.0\r\n\r\n", "GET /metrics HTTP/1.1\n\n"}));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(whole.substr(0, size));
    CHECK(read_request(std::string_view(whole).substr(0, size)).state == State::unfinished);
  }
  const auto request = read_request(whole);
  CHECK(request.state == State::good);
  CHECK(request.path == "/metrics");
  CHECK_FALSE(request.head_only);
  CHECK(read_request("HEAD / HTTP/1.1\r\n\r\n").head_only);
}

TEST_CASE("other requests are classified", "[watch][http][hostile]") {
  CHECK(read_request("POST / HTTP/1.1\r\n\r\n").state == State::other);
  for (const std::string text : {"GET /\r\n", "\r\n", "GET  HTTP/1.1\r\n", "GET / HTTP/2.0\r\n", "GET / http/1.1\r\n",
                                 " / HTTP/1.1\r\n", "GET http://x/ HTTP/1.1\r\n", "GET /a b HTTP/1.1\r\n",
                                 "GET /\x01 HTTP/1.1\r\n", "\x16\x03\x01\x02\n", "GET /\xff HTTP/1.1\r\n"}) {
    CAPTURE(text);
    CHECK(read_request(text).state == State::bad);
  }
  CHECK(read_request(std::string(kMostHead - 1, 'a')).state == State::unfinished);
  CHECK(read_request(std::string(kMostHead, 'a')).state == State::too_large);
  const std::string start = "GET / HTTP/1.1\r\nX: ";
  CHECK(read_request(start + std::string(kMostHead - start.size() - 1, 'a')).state == State::unfinished);
  CHECK(read_request(start + std::string(kMostHead - start.size(), 'a')).state == State::too_large);
}

TEST_CASE("each path has its answer", "[watch][http]") {
  const Folder folder;
  const auto listener = opened(folder.file("s"), "x 1\n");
  CHECK(Client(folder.file("s")).get("/metrics") ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 4\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\nx 1\n");
  CHECK_THAT(Client(folder.file("s")).get("/health"),
             Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("{\"status\":\"ok\",\"problems\":[]}\n"));
  CHECK_THAT(Client(folder.file("s")).get("/ready"),
             Catch::StartsWith("HTTP/1.1 503 ") && Catch::Contains("\"mend\":\"m\""));
  CHECK_THAT(Client(folder.file("s")).get("/"), Catch::StartsWith("HTTP/1.1 404 "));
  const Client head(folder.file("s"));
  REQUIRE(head.says("HEAD /metrics HTTP/1.1\r\n\r\n"));
  CHECK_THAT(head.all(), Catch::Contains("Content-Length: 4\r\n") && Catch::EndsWith("\r\n\r\n"));
  const Client post(folder.file("s"));
  REQUIRE(post.says("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"));
  CHECK_THAT(post.all(), Catch::StartsWith("HTTP/1.1 405 ") && Catch::Contains("Allow: GET, HEAD\r\n"));
}

TEST_CASE("a client that sends nothing, or reads nothing, is closed after its time, and others are answered meanwhile",
          "[watch][http][hostile]") {
  const Folder folder;
  const std::string large(8U << 20U, 'x');  // more than the socket's buffers take
  const auto listener =
      opened(folder.file("s"), large, {.connections = 8, .patience = std::chrono::milliseconds{8'000}});
  std::vector<Client> slow;
  for (int i = 0; i < 3; ++i) {
    slow.emplace_back(folder.file("s"));
    REQUIRE(slow.back().says("GET /metrics HTTP/1.1\r\n\r\n"));
  }
  for (int i = 0; i < 3; ++i) slow.emplace_back(folder.file("s"));
  const auto start = Clock::now();
  CHECK_THAT(Client(folder.file("s")).get("/health"), Catch::StartsWith("HTTP/1.1 200 "));
  CHECK(Clock::now() - start < std::chrono::milliseconds{7'500});  // before the slow clients' time is over
  CHECK(slow.back().all().empty());                                // closed without an answer, as those before it
  CHECK(Clock::now() - start < std::chrono::seconds{20});
  CHECK(slow.front().all().size() < large.size());
}

TEST_CASE("clients beyond the limit wait until the others' time is over", "[watch][http][hostile]") {
  const Folder folder;
  const auto listener =
      opened(folder.file("s"), "x 1\n", {.connections = 2, .patience = std::chrono::milliseconds{300}});
  std::vector<Client> idle;
  for (int i = 0; i < 6; ++i) idle.emplace_back(folder.file("s"));
  CHECK_THAT(Client(folder.file("s")).get("/metrics"), Catch::EndsWith("x 1\n"));
}

TEST_CASE("closing the listener doesn't wait for slow readers", "[watch][http]") {
  const Folder folder;
  auto listener = std::optional(opened(folder.file("s"), std::string(8U << 20U, 'x')));
  const Client slow(folder.file("s"));
  REQUIRE(slow.says("GET /metrics HTTP/1.1\r\n\r\n"));
  const auto start = Clock::now();
  listener.reset();
  CHECK(Clock::now() - start < std::chrono::seconds{2});
  CHECK(access(folder.file("s").c_str(), F_OK) != 0);
}

TEST_CASE("an endpoint that can't be bound is reported with what to do", "[watch][http]") {
  const Folder folder;
  const auto first = opened(folder.file("s"), "");
  const auto second = HttpListener::open(folder.file("s"), "metrics.ingest", {});
  REQUIRE_FALSE(second);
  CHECK_THAT(second.error().text,
             Catch::Contains("another program listens there") && Catch::Contains("metrics.ingest"));
  const blowback::config::Endpoint foreign{.address = *blowback::IpAddress::parse("192.0.2.1"), .port = 9453};
  const auto third = HttpListener::open(foreign, "metrics.server", {});
  REQUIRE_FALSE(third);
  CHECK_THAT(third.error().text, Catch::StartsWith("192.0.2.1:9453: ") &&
                                     Catch::EndsWith("; set metrics.server to another port or to \"\""));
}
