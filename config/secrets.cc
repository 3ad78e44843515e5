// The secrets of TSIG keys: base64 (RFC 4648 §4) in files that only the server and its group can read.
#include "config/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace blowback::config {
namespace {

constexpr std::size_t kLongestFile = 4096;
/// Whoever sees a signed message can try all shorter ones.
constexpr std::size_t kShortestSecret = 16;
constexpr std::size_t kLongestSecret = 512;

[[nodiscard]] int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/// Ignores blanks and line ends around it. Absent: it isn't base64.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> octets_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return std::nullopt;
  text = text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::vector<std::uint8_t> octets;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size() - padding; ++i) {
    const int value = value_of(text[i]);
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    // The second, third and fourth character of four complete an octet each.
    if (i % 4 != 0) octets.push_back(static_cast<std::uint8_t>(bits >> (6 - 2 * (i % 4))));
  }
  return octets;
}

/// Fails with a clause.
[[nodiscard]] std::expected<std::vector<std::uint8_t>, std::string> read_secret(const std::string& file) {
  const auto failed = [](int error) {
    return std::unexpected(fmt::format("can't be read: {}; check the name, and give the server's group read permission",
                                       std::generic_category().message(error)));
  };
  struct File {
    int fd;
    explicit File(const std::string& name) : fd(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
      if (fd >= 0) close(fd);
    }
  };
  const File opened(file);
  struct stat status{};
  if (opened.fd < 0 || fstat(opened.fd, &status) != 0) return failed(errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected("is no file; name the file itself");
  if ((status.st_mode & S_IRWXO) != 0)
    return std::unexpected(fmt::format("can be read or changed by every user of this host; `chmod o= {}`", file));
  std::array<char, kLongestFile + 1> text{};
  std::size_t size = 0;
  while (size < text.size()) {
    const auto more = read(opened.fd, text.data() + size, text.size() - size);
    if (more < 0) return failed(errno);
    if (more == 0) break;
    size += static_cast<std::size_t>(more);
  }
  auto secret = size > kLongestFile ? std::nullopt : octets_of({text.data(), size});
  explicit_bzero(text.data(), text.size());
  constexpr std::string_view kMake = "write one line, for example of `openssl rand -base64 32`";
  if (!secret) return std::unexpected(fmt::format("has no secret in base64; {}", kMake));
  if (secret->size() < kShortestSecret || secret->size() > kLongestSecret) {
    return std::unexpected(fmt::format("has a secret of {} octets; it needs {} to {}; {}", secret->size(),
                                       kShortestSecret, kLongestSecret, kMake));
  }
  return *std::move(secret);
}

}  // namespace

std::expected<void, ConfigError> read_secrets(Server& server) {
  for (auto& key : server.keys) {
    auto secret = read_secret(key.secret_file);
    if (!secret) {
      return std::unexpected(
          ConfigError{fmt::format("server.key \"{}\": {} {}", key.name, key.secret_file, secret.error())});
    }
    key.secret = std::move(*secret);
  }
  return {};
}

}  // namespace blowback::config
