#include "watch/notify.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace blowback::watch {
namespace {

[[nodiscard]] std::optional<std::uint64_t> number(const char* text) {
  if (text == nullptr) return std::nullopt;
  const std::string_view digits(text);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value == 0) return std::nullopt;
  return value;
}

/// A connected socket; not open: that failed.
[[nodiscard]] Descriptor connected_to(std::string_view name) {
  sockaddr_un address{};
  if (name.size() < 2 || name.size() >= sizeof address.sun_path || (name.front() != '/' && name.front() != '@'))
    return {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());
  // An abstract name begins with a zero byte, and has none at its end.
  if (name.front() == '@') address.sun_path[0] = '\0';
  const auto size = offsetof(sockaddr_un, sun_path) + name.size() + (name.front() == '@' ? 0 : 1);
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) != 0) return {};
  return socket;
}

}  // namespace

ServiceManager::ServiceManager(const Environment& environment) {
  if (environment.notify_socket == nullptr) return;
  socket_ = connected_to(environment.notify_socket);
  const auto microseconds = number(environment.watchdog_usec);
  const auto pid = number(environment.watchdog_pid);
  if (microseconds && (environment.watchdog_pid == nullptr || pid == static_cast<std::uint64_t>(getpid()))) {
    watchdog_ = std::chrono::microseconds{static_cast<std::int64_t>(std::min<std::uint64_t>(*microseconds, INT64_MAX))};
  }
}

std::chrono::milliseconds ServiceManager::interval() const {
  constexpr std::chrono::milliseconds kMost{1'000};
  if (!watchdog_) return kMost;
  return std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(*watchdog_ / 3), std::chrono::milliseconds{1},
                    kMost);
}

void ServiceManager::ready() { send("READY=1", 0); }

void ServiceManager::reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000), 0);
}

void ServiceManager::stopping() { send("STOPPING=1", 0); }

void ServiceManager::status(std::string_view sentence) {
  if (sentence == status_) return;
  status_ = sentence;
  auto note = fmt::format("STATUS={}", sentence);
  std::ranges::replace(note, '\n', ' ');
  send(note, MSG_DONTWAIT);
}

void ServiceManager::turned(Clock::time_point now, bool alive) {
  if (!watchdog_ || !alive || (told_at_ && now - *told_at_ < *watchdog_ / 3)) return;
  told_at_ = now;
  send("WATCHDOG=1", MSG_DONTWAIT);
}

void ServiceManager::send(std::string_view note, int flags) const {
  if (!listens()) return;
  // Lost messages are replaced by later ones; those that the manager waits for block for up to a second.
  static_cast<void>(::send(socket_.get(), note.data(), note.size(), MSG_NOSIGNAL | flags));
}

}  // namespace blowback::watch
