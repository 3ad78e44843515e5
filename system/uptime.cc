#include "system/uptime.h"

#include "system/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>
#include <string>
#include <string_view>
#include <sys/syscall.h>

namespace blowback {
namespace {

[[nodiscard]] std::optional<std::uint64_t> read_boot() {
  const Descriptor file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  std::array<char, 36> text{};
  if (file.get() < 0 || read(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
  std::string digits;
  for (const char c : text) {
    if (c != '-' && digits.size() < 16) digits += c;
  }
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  return id;
}

}  // namespace

Uptime read_uptime() {
  static const std::optional<std::uint64_t> boot = read_boot();
  timespec awake{};
  // Not through the C library: see the header.
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &awake);
  return {.boot = boot, .awake = Duration{awake.tv_sec}};
}

}  // namespace blowback
