// Files that only the server and its group can read: the secrets of TSIG keys, in base64 (RFC 4648 §4), and the key of the TLS certificate.
#include "config/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium/utils.h>
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

/// Ignores blanks and line ends. Absent: it isn't base64, or is too long.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> octets_of(std::string_view text) {
  std::vector<std::uint8_t> octets(kLongestFile);
  std::size_t size = 0;
  // An end that isn't asked for: then all of the text must be base64.
  if (sodium_base642bin(octets.data(), octets.size(), text.data(), text.size(), " \t\r\n", &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0)
    return std::nullopt;
  octets.resize(size);
  if (octets.empty()) return std::nullopt;
  return octets;
}

struct File {
  int fd;
  explicit File(const std::string& name) : fd(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) close(fd);
  }
};

[[nodiscard]] std::unexpected<std::string> unread(int error) {
  return std::unexpected(fmt::format("can't be read: {}; check the name, and give the server's group read permission",
                                     std::generic_category().message(error)));
}

/// Whether it is a file that others can't read. Fails with a clause.
[[nodiscard]] std::expected<void, std::string> check_secret(const File& opened, const std::string& file) {
  struct stat status{};
  if (opened.fd < 0 || fstat(opened.fd, &status) != 0) return unread(errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected("is no file; name the file itself");
  if ((status.st_mode & S_IRWXO) != 0)
    return std::unexpected(fmt::format("can be read or changed by every user of this host; `chmod o= {}`", file));
  return {};
}

/// Fails with a clause.
[[nodiscard]] std::expected<std::vector<std::uint8_t>, std::string> read_secret(const std::string& file) {
  const File opened(file);
  if (auto checked = check_secret(opened, file); !checked) return std::unexpected(std::move(checked).error());
  std::array<char, kLongestFile + 1> text{};
  std::size_t size = 0;
  while (size < text.size()) {
    const auto more = read(opened.fd, text.data() + size, text.size() - size);
    if (more < 0) return unread(errno);
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

std::expected<void, ConfigError> read_secrets(Transfer& transfer) {
  for (auto& key : transfer.keys) {
    auto secret = read_secret(key.secret_file);
    if (!secret) {
      return std::unexpected(
          ConfigError{fmt::format("transfer.key \"{}\": {} {}", key.name, key.secret_file, secret.error())});
    }
    key.secret = std::move(*secret);
  }
  if (const auto& file = transfer.tls.key; !file.empty()) {
    if (const auto checked = check_secret(File(file), file); !checked)
      return std::unexpected(ConfigError{fmt::format("transfer.tls_key: {} {}", file, checked.error())});
  }
  return {};
}

}  // namespace blowback::config
