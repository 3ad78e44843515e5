// A blocking SMTP client over a real socket, for tests of what listens. Whatever it waits for comes within kPatience, or the test fails.
#pragma once

#include "blowback/ip_address.h"
#include "catch.h"
#include "system/descriptor.h"
#include "system/socket_address.h"

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

namespace blowback::test {

inline constexpr std::chrono::seconds kPatience{20};

/// Whether `fd` becomes readable within `time`.
[[nodiscard]] inline bool becomes_readable(int fd, std::chrono::milliseconds time = kPatience) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&watched, 1, static_cast<int>(time.count())) == 1;
}

class SmtpClient {
 public:
  explicit SmtpClient(Descriptor socket) : socket_(std::move(socket)) {}

  /// From `source`, any address in 127.0.0.0/8. Absent: the connection was refused.
  [[nodiscard]] static std::optional<SmtpClient> connect(std::uint16_t port, std::string_view source = "127.0.0.1") {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto from = socket_address(IpAddress::parse(source).value(), 0);
    REQUIRE(bind(socket.get(), from.get(), from.size) == 0);
    const auto to = socket_address(IpAddress::parse("127.0.0.1").value(), port);
    if (::connect(socket.get(), to.get(), to.size) != 0) return std::nullopt;
    return SmtpClient(std::move(socket));
  }

  void send(std::string_view octets) const {
    REQUIRE(::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(octets.size()));
  }
  /// Whether `line` has something to return without waiting.
  [[nodiscard]] bool has_line() const {
    return received_.find("\r\n") != std::string::npos || becomes_readable(socket_.get(), {});
  }
  /// The next line of the server's, without CR LF. "": the server closed the connection.
  [[nodiscard]] std::string line() {
    while (true) {
      if (const auto end = received_.find("\r\n"); end != std::string::npos) {
        auto line = received_.substr(0, end);
        received_.erase(0, end + 2);
        return line;
      }
      std::array<char, 4096> buffer{};
      REQUIRE(becomes_readable(socket_.get()));
      const auto got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) return {};
      received_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }
  /// The last line of the reply to `command`.
  std::string say(std::string_view command) {
    send(std::string(command) + "\r\n");
    auto last = line();
    while (last.size() > 3 && last[3] == '-') last = line();
    return last;
  }
  /// Greeting, EHLO, and a message to a trap up to the end of DATA.
  void send_message(std::string_view message = "x\r\n") {
    REQUIRE_THAT(line(), Catch::StartsWith("220 "));
    REQUIRE_THAT(say("EHLO a"), Catch::StartsWith("250 "));
    REQUIRE_THAT(say("MAIL FROM:<>"), Catch::StartsWith("250 "));
    REQUIRE_THAT(say("RCPT TO:<a@trap.example.net>"), Catch::StartsWith("250 "));
    REQUIRE_THAT(say("DATA"), Catch::StartsWith("354 "));
    send(message);
    send(".\r\n");
  }
  void close() { socket_.close(); }
  /// Sends no more; what the server sends can still be read.
  void half_close() const { shutdown(socket_.get(), SHUT_WR); }

 private:
  Descriptor socket_;
  std::string received_;
};

}  // namespace blowback::test
