#include "file_text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace blowback::config {
namespace {

[[nodiscard]] std::string_view remedy_for(int error, FileUse use) {
  const bool is_config = use == FileUse::config;
  if (error == ENOENT || error == ENOTDIR) {
    if (use == FileUse::traps) return "create it by `blowback traps add`, or correct the name";
    return is_config ? "name the right file by --config or BLOWBACK_CONFIG, or write one from the example in "
                       "deploy/blowback.toml"
                     : "check the name";
  }
  if (error == EISDIR) {
    return is_config ? "name the file itself by --config, not its folder" : "name the file itself, not its folder";
  }
  if (error == EACCES) {
    return use == FileUse::traps || use == FileUse::signatures ? "give this user read permission"
                                                               : "run as a user who may read it, or change its mode";
  }
  return "see that it is a readable file";
}

}  // namespace

std::expected<std::string, Unread> read_text(const std::string& file, FileUse use) {
  const auto unreadable = [use](int error) {
    return std::unexpected(
        Unread{fmt::format("can't be read: {}; {}", std::generic_category().message(error), remedy_for(error, use))});
  };
  // Far larger than any real config: a wrong file name (a device, a database) mustn't fill the memory.
  constexpr std::size_t kMost = 4U << 20U;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "re"), &std::fclose);
  if (!stream) return unreadable(errno);
  std::string text;
  std::array<char, 16384> buffer{};
  while (std::feof(stream.get()) == 0 && std::ferror(stream.get()) == 0 && text.size() <= kMost) {
    text.append(buffer.data(), std::fread(buffer.data(), 1, buffer.size(), stream.get()));
  }
  if (std::ferror(stream.get()) != 0) return unreadable(errno);
  if (text.size() > kMost) return std::unexpected(Unread{"is larger than 4 MiB; see that it is the right file"});
  return text;
}

std::expected<std::string, ConfigError> text_of(const std::string& file, FileUse use) {
  auto text = read_text(file, use);
  if (text) return *std::move(text);
  const std::string_view before = use == FileUse::config ? "config: " : "";
  return std::unexpected(ConfigError{fmt::format("{}{}: {}", before, file, text.error().text)});
}

}  // namespace blowback::config
