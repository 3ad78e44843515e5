// Shared code of the benchmarks that query the running server: a loopback address, queries in wire format,
// a connected socket, random numbers from a seed, and the conditions that each of them prints first.
#pragma once

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <system_error>
#include <vector>

namespace blowback::bench {

using Wire = std::vector<std::uint8_t>;
/// Of the steady clock.
using Nanoseconds = std::int64_t;

inline constexpr Nanoseconds kMillisecond = 1'000'000;
inline constexpr Nanoseconds kSecond = 1'000 * kMillisecond;

[[nodiscard]] inline Nanoseconds now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

[[nodiscard]] inline std::string reason() { return std::generic_category().message(errno); }

/// SplitMix64: the same numbers from the same seed on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }
  /// 0 … bound - 1. The slight bias to small numbers does no harm here.
  std::size_t below(std::size_t bound) { return next() % bound; }
  std::uint8_t octet() { return static_cast<std::uint8_t>(next()); }
  std::uint16_t word() { return static_cast<std::uint16_t>(next()); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::uint64_t state_;
};

/// The number in an argument; nothing if it isn't a number or has other text after it.
template <typename Number>
[[nodiscard]] std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Sets `to` if `value` is a number. Returns whether it is.
template <typename Number>
[[nodiscard]] bool take(std::string_view value, Number& to) {
  const auto number = number_of<Number>(value);
  if (number) to = *number;
  return number.has_value();
}

/// Passes each `--name value` of the command line to `apply`, which returns whether it accepts the pair. Returns false if it
/// doesn't, with a message on standard error, and also if a name has no value.
template <typename Apply>
[[nodiscard]] bool read_options(std::span<char* const> arguments, Apply apply) {
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const std::string_view value = arguments[i + 1];
    if (!apply(name, value)) {
      fmt::print(stderr, "{} {}: unknown option, bad value, or an address outside loopback\n", name, value);
      return false;
    }
  }
  return arguments.size() % 2 == 1;
}

struct Server {
  sockaddr_storage address{};
  socklen_t length = 0;
  std::uint16_t port = 0;
  [[nodiscard]] bool v6() const { return address.ss_family == AF_INET6; }
};

/// `127.0.0.1:5300` or `[::1]:5300`. Addresses outside loopback are refused: these programs send unsolicited traffic.
[[nodiscard]] inline std::optional<Server> loopback_server(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = number_of<std::uint16_t>(text.substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  std::string host(text.substr(0, colon));
  Server server{.port = *port};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(*port);
    if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1 || !IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
      return std::nullopt;
    }
    std::memcpy(&server.address, &v6, sizeof v6);
    server.length = sizeof v6;
    return server;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(*port);
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1 || (ntohl(v4.sin_addr.s_addr) >> 24U) != 127) {
    return std::nullopt;
  }
  std::memcpy(&server.address, &v4, sizeof v4);
  server.length = sizeof v4;
  return server;
}

/// A connected UDP socket with its own source port, so that it receives no other program's datagrams.
class Socket {
 public:
  explicit Socket(const Server& server)
      : fd_(::socket(server.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::runtime_error("no socket: " + reason());
    // Space for the replies of a whole burst; the kernel grants what its limit allows.
    const int buffer = 4 << 20;
    static_cast<void>(setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer));
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server.address), server.length) != 0) {
      const auto why = reason();
      close(fd_);
      throw std::runtime_error("can't connect: " + why);
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] int fd() const { return fd_; }
  /// Waits for data to read, at most this long.
  [[nodiscard]] bool readable(Nanoseconds at_most) const { return ready(POLLIN, at_most); }
  [[nodiscard]] bool writable(Nanoseconds at_most) const { return ready(POLLOUT, at_most); }

 private:
  [[nodiscard]] bool ready(short event, Nanoseconds at_most) const {
    if (at_most < 0) at_most = 0;
    pollfd wanted{.fd = fd_, .events = event, .revents = 0};
    const timespec timeout{.tv_sec = at_most / kSecond, .tv_nsec = at_most % kSecond};
    return ppoll(&wanted, 1, &timeout, nullptr) > 0;
  }

  int fd_;
};

// ── wire format ──

inline constexpr std::size_t kHeader = 12;
inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeSoa = 6;
inline constexpr std::uint16_t kTypeTxt = 16;

inline void put8(Wire& to, std::size_t value) { to.push_back(static_cast<std::uint8_t>(value & 0xffU)); }
inline void put16(Wire& to, std::size_t value) {
  put8(to, value >> 8U);
  put8(to, value);
}
[[nodiscard]] inline std::uint16_t get16(std::span<const std::uint8_t> from, std::size_t at) {
  return static_cast<std::uint16_t>((from[at] << 8U) | from[at + 1]);
}
inline void set16(std::span<std::uint8_t> to, std::size_t at, std::size_t value) {
  to[at] = static_cast<std::uint8_t>((value >> 8U) & 0xffU);
  to[at + 1] = static_cast<std::uint8_t>(value & 0xffU);
}

/// From presentation format without escapes. Labels that are too long are written unchanged.
inline void put_name(Wire& to, std::string_view name) {
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(name.size(), label.size() + 1));
    if (label.empty()) continue;
    put8(to, label.size());
    to.insert(to.end(), label.begin(), label.end());
  }
  put8(to, 0);
}

/// One question of class IN, id 0.
[[nodiscard]] inline Wire question(std::string_view name, std::uint16_t type, std::uint16_t flags = 0) {
  Wire wire;
  put16(wire, 0);
  put16(wire, flags);
  put16(wire, 1);
  for (int i = 0; i < 3; ++i) put16(wire, 0);
  put_name(wire, name);
  put16(wire, type);
  put16(wire, 1);
  return wire;
}

/// Where the question of one of our queries ends.
[[nodiscard]] inline std::size_t question_end(std::span<const std::uint8_t> asked) {
  std::size_t at = kHeader;
  while (at < asked.size() && asked[at] != 0) at += asked[at] + std::size_t{1};
  return std::min(at + 5, asked.size());
}

/// Whether it is a reply to this query of one question: same id, QR set, the same question.
[[nodiscard]] inline bool answers(std::span<const std::uint8_t> reply, std::span<const std::uint8_t> asked) {
  const auto end = question_end(asked);
  return reply.size() >= end && reply[0] == asked[0] && reply[1] == asked[1] && (reply[2] & 0x80U) != 0 &&
         std::equal(reply.begin() + kHeader, reply.begin() + static_cast<std::ptrdiff_t>(end), asked.begin() + kHeader);
}
[[nodiscard]] inline unsigned rcode_of(std::span<const std::uint8_t> reply) { return reply[3] & 0xfU; }

// ── conditions ──

/// Prints the first line of each benchmark.
inline void print_conditions() {
  utsname name{};
  uname(&name);
  fmt::print("{} cores, {} {}, this program built as {}\n", sysconf(_SC_NPROCESSORS_ONLN), name.sysname, name.release,
             BLOWBACK_BUILD_TYPE);
}

}  // namespace blowback::bench
