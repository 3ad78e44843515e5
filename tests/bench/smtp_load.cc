// A load for a mail server on loopback: many clients at once, each delivering different bounces.
//
//   smtp_load --port N [--clients 50] [--messages 20000] [--message FILE] [--recipient ADDRESS] [--plain]
//
// It sends XFORWARD before each message, so that 253 senders of the documentation networks take turns (not with --plain, for
// servers that don't support it). Envelope and DATA go in one write (RFC 2920), as usual mail servers do. Prints one line of JSON. Every
// reply is checked; at the first wrong one it exits 1.
#include "dns_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <mutex>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace blowback::bench;

struct Options {
  std::uint16_t port = 0;
  unsigned clients = 50;
  unsigned messages = 20'000;
  std::string message;
  std::string recipient = "a@trap.example.net";
  bool plain = false;
};

/// The number of the delivery replaces `%` in the message.
constexpr char kNumber = '%';

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) throw std::runtime_error(reason());
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(fd_); }

  void send(std::string_view octets) const {
    while (!octets.empty()) {
      const auto sent = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("sending: " + reason());
      octets.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// Reads one whole reply, which has to begin with this code.
  void expect(std::string_view code) {
    while (true) {
      auto end = buffer_.find("\r\n", at_);
      while (end == std::string::npos) {
        buffer_.erase(0, std::exchange(at_, 0));
        char octets[4096];  // NOLINT(modernize-avoid-c-arrays): the buffer for recv
        const auto got = recv(fd_, octets, sizeof octets, 0);
        if (got <= 0) throw std::runtime_error("the server closed");
        buffer_.append(octets, static_cast<std::size_t>(got));
        end = buffer_.find("\r\n", at_);
      }
      const auto line = std::string_view(buffer_).substr(at_, end - at_);
      if (!line.starts_with(code)) throw std::runtime_error(fmt::format("{} expected, not: {}", code, line));
      at_ = end + 2;
      if (line.size() < 4 || line[3] != '-') return;
    }
  }

 private:
  int fd_;
  std::string buffer_;
  std::size_t at_ = 0;  ///< position in the buffer
};

void deliver(const Options& options, std::atomic<unsigned>& next) {
  Client client(options.port);
  client.expect("220");
  client.send("EHLO mail.example.com\r\n");
  client.expect("250");
  const auto hole = options.message.find(kNumber);
  std::string octets;
  for (unsigned n = next++; n < options.messages; n = next++) {
    octets.clear();
    if (!options.plain) {
      octets += fmt::format("XFORWARD ADDR={}.{} HELO=mail.example.com\r\n", n % 2 == 0 ? "192.0.2" : "198.51.100",
                            1 + n % 253);
    }
    octets += fmt::format("MAIL FROM:<>\r\nRCPT TO:<{}>\r\nDATA\r\n", options.recipient);
    client.send(octets);
    if (!options.plain) client.expect("250");
    client.expect("250");
    client.expect("250");
    client.expect("354");
    octets.assign(options.message, 0, hole);
    octets += fmt::format("{}", n);
    octets.append(options.message, hole + 1);
    octets += ".\r\n";
    client.send(octets);
    client.expect("250");
  }
  client.send("QUIT\r\n");
  client.expect("221");
}

[[nodiscard]] std::string with_crlf(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') continue;
    if (text[i] == '.' && (result.empty() || result.back() == '\n')) result += '.';
    if (text[i] == '\n') result += '\r';
    result += text[i];
  }
  return result;
}

[[nodiscard]] Options options_of(std::span<char*> arguments) {
  Options options;
  std::string file;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--plain") {
      options.plain = true;
      continue;
    }
    if (i + 1 == arguments.size()) throw std::runtime_error(fmt::format("{} needs a value", name));
    const std::string_view value = arguments[++i];
    if (name == "--message") {
      file = value;
    } else if (name == "--recipient") {
      options.recipient = value;
    } else if (!((name == "--port" && take(value, options.port)) ||
                 (name == "--clients" && take(value, options.clients)) ||
                 (name == "--messages" && take(value, options.messages)))) {
      throw std::runtime_error(fmt::format("{} {}: not understood", name, value));
    }
  }
  if (options.port == 0 || options.clients == 0 || options.clients > 1000) {
    throw std::runtime_error("needs --port, and --clients from 1 to 1000");
  }
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  options.message = with_crlf(text);
  if (options.message.find(kNumber) == std::string::npos) {
    throw std::runtime_error(fmt::format("--message {}: needs a % in place of the number", file));
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto options = options_of({argv, static_cast<std::size_t>(argc)});
    std::atomic<unsigned> next{0};
    std::mutex mutex;
    std::string fault;
    const auto began = now();
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 0; i < options.clients; ++i) {
        threads.emplace_back([&] {
          try {
            deliver(options, next);
          } catch (const std::exception& error) {
            const std::scoped_lock lock(mutex);
            fault = error.what();
            next = options.messages;
          }
        });
      }
    }
    const auto seconds = static_cast<double>(now() - began) / static_cast<double>(kSecond);
    if (!fault.empty()) {
      fmt::print(stderr, "smtp_load: {}\n", fault);
      return 1;
    }
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto cpu = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    fmt::print(R"({{"messages": {}, "octets": {}, "seconds": {:.3f}, "per_second": {:.0f}, "own_cpu": {:.3f}}})"
               "\n",
               options.messages, options.message.size(), seconds, options.messages / seconds,
               cpu(used.ru_utime) + cpu(used.ru_stime));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "smtp_load: {}\n", error.what());
    return 1;
  }
}
