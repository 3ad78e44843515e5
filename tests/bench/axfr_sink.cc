// Transfers a whole zone and counts what arrives, so that a server's speed is measured and not a client's: it reads all octets, and parses only what it has to.
//
//   axfr_sink --server 127.0.0.1:5300 --zone bl.example.org [--seconds 0]
//
// Prints one line of JSON per transfer: records, octets, messages, and the seconds from the query to the last record. --seconds: transfers again and again
// for that long; 0: once. The end is the message that ends with the numbers of the first SOA, so the zone is sent unsigned and without EDNS.
#include "dns_client.h"

#include <algorithm>
#include <array>
#include <exception>
#include <netinet/tcp.h>
#include <string>

namespace {

using namespace blowback::bench;

constexpr std::uint16_t kTypeAxfr = 252;
constexpr std::size_t kSoaNumbers = 20;  // serial, refresh, retry, expire, minimum
constexpr std::size_t kReadAtOnce = std::size_t{1} << 20U;
constexpr Nanoseconds kPatience = 60 * kSecond;

struct Settings {
  Server server;
  std::string zone;
  double seconds = 0;
};

[[nodiscard]] std::optional<Settings> settings_of(std::span<char* const> arguments) {
  Settings settings;
  const bool read = read_options(arguments, [&](std::string_view name, std::string_view value) {
    if (name == "--server") {
      const auto server = loopback_server(value);
      if (server) settings.server = *server;
      return server.has_value();
    }
    if (name == "--zone") {
      settings.zone = value;
      return true;
    }
    return name == "--seconds" && take(value, settings.seconds);
  });
  if (!read || settings.server.length == 0 || settings.zone.empty()) return std::nullopt;
  return settings;
}

class Connection {
 public:
  explicit Connection(const Server& server) : fd_(::socket(server.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (fd_ < 0) throw std::runtime_error("no socket: " + reason());
    const timeval patience{.tv_sec = kPatience / kSecond, .tv_usec = 0};
    static_cast<void>(setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    const int no_delay = 1;
    static_cast<void>(setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay));
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&server.address), server.length) != 0) {
      const auto why = reason();
      close(fd_);
      throw std::runtime_error("can't connect: " + why);
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  void send(std::span<const std::uint8_t> octets) const {
    if (::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(octets.size()))
      throw std::runtime_error("can't send the query: " + reason());
  }
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> to) const {
    const ssize_t size = recv(fd_, to.data(), to.size(), 0);
    if (size < 0) throw std::runtime_error("can't read: " + reason());
    if (size == 0) throw std::runtime_error("the server closed the connection before the zone's end");
    return static_cast<std::size_t>(size);
  }

 private:
  int fd_;
};

struct Transfer {
  std::uint64_t records = 0;
  std::uint64_t messages = 0;
  std::uint64_t octets = 0;
  Nanoseconds took = 0;
};

/// Behind the name at `at`.
[[nodiscard]] std::size_t after_name(std::span<const std::uint8_t> message, std::size_t at) {
  while (at < message.size() && message[at] != 0 && message[at] < 0xc0) at += message[at] + std::size_t{1};
  return at + (at < message.size() && message[at] >= 0xc0 ? 2 : 1);
}

/// The numbers of the SOA that a transfer begins with.
[[nodiscard]] std::array<std::uint8_t, kSoaNumbers> numbers_of(std::span<const std::uint8_t> message) {
  auto at = after_name(message, kHeader) + 4;
  at = after_name(message, at);
  if (at + 10 > message.size() || get16(message, at) != kTypeSoa)
    throw std::runtime_error("the first record is no SOA");
  at += 10 + std::size_t{get16(message, at + 8)};
  if (at > message.size()) throw std::runtime_error("a record is longer than its message");
  std::array<std::uint8_t, kSoaNumbers> numbers{};
  std::ranges::copy(message.subspan(at - kSoaNumbers, kSoaNumbers), numbers.begin());
  return numbers;
}

[[nodiscard]] Transfer transfer(const Settings& settings, std::vector<std::uint8_t>& buffer) {
  const auto query = question(settings.zone, kTypeAxfr);
  Wire framed;
  put16(framed, query.size());
  framed.insert(framed.end(), query.begin(), query.end());
  const Connection connection(settings.server);
  Transfer done;
  std::array<std::uint8_t, kSoaNumbers> last{};
  std::size_t held = 0;  // octets at the buffer's beginning
  const auto began = now();
  connection.send(framed);
  while (true) {
    held += connection.read(std::span(buffer).subspan(held));
    std::size_t at = 0;
    while (held - at >= 2) {
      const auto length = std::size_t{get16(buffer, at)};
      if (held - at - 2 < length) break;
      const auto message = std::span<const std::uint8_t>(buffer).subspan(at + 2, length);
      at += 2 + length;
      if (length < kHeader || rcode_of(message) != 0) throw std::runtime_error("the transfer was refused");
      ++done.messages;
      done.octets += 2 + length;
      const auto records = get16(message, 6);
      if (done.records == 0) last = numbers_of(message);
      done.records += records;
      if (done.records > 1 && std::ranges::equal(message.last(kSoaNumbers), last)) {
        done.took = now() - began;
        return done;
      }
    }
    std::memmove(buffer.data(), buffer.data() + at, held - at);
    held -= at;
  }
}

}  // namespace

int main(int count, char** arguments) {
  const auto settings = settings_of(std::span(arguments, static_cast<std::size_t>(count)));
  if (!settings) {
    fmt::print(stderr, "axfr_sink --server 127.0.0.1:PORT|[::1]:PORT --zone ZONE [--seconds S]\n");
    return 2;
  }
  try {
    std::vector<std::uint8_t> buffer(kReadAtOnce);
    const auto until = now() + static_cast<Nanoseconds>(settings->seconds * 1e9);
    do {
      const auto done = transfer(*settings, buffer);
      fmt::print("{{\"records\": {}, \"octets\": {}, \"messages\": {}, \"seconds\": {:.6f}}}\n", done.records,
                 done.octets, done.messages, static_cast<double>(done.took) / 1e9);
      std::fflush(stdout);
    } while (now() < until);
  } catch (const std::exception& error) {
    fmt::print(stderr, "axfr_sink: {}\n", error.what());
    return 1;
  }
  return 0;
}
