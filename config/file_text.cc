// Reading with a limit: a wrong name may be a device, or a database.
#include "file_text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace blowback::config {
namespace {

ConfigError unreadable(const std::string& file, int error) {
  std::string_view mend = "see that it is a readable file";
  if (error == ENOENT || error == ENOTDIR) {
    mend = "name the right file by --config or BLOWBACK_CONFIG, or write one from the example in deploy/blowback.toml";
  } else if (error == EISDIR) {
    mend = "name the file itself by --config, not its folder";
  } else if (error == EACCES) {
    mend = "run as a user who may read it, or change its mode";
  }
  return {fmt::format("config: {}: can't be read: {}; {}", file, std::generic_category().message(error), mend)};
}

}  // namespace

std::expected<std::string, ConfigError> text_of(const std::string& file) {
  // Far beyond any real config; keeps a wrong file name (a device, a database) from filling the memory.
  constexpr std::size_t kMost = 4U << 20U;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "re"), &std::fclose);
  if (!stream) return std::unexpected(unreadable(file, errno));
  std::string text;
  std::array<char, 16384> buffer{};
  while (std::feof(stream.get()) == 0 && std::ferror(stream.get()) == 0 && text.size() <= kMost) {
    text.append(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), stream.get()));
  }
  if (std::ferror(stream.get()) != 0) return std::unexpected(unreadable(file, errno));
  if (text.size() > kMost) {
    return std::unexpected(
        ConfigError{fmt::format("config: {}: is larger than 4 MiB; see that it is the config", file)});
  }
  return text;
}

}  // namespace blowback::config
