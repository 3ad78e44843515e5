#include "worker.h"

#include "answerer.h"
#include "udp.h"

#include <linux/sock_diag.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace blowback::net {
namespace {

constexpr std::size_t kEventsAtOnce = 64;
constexpr std::chrono::milliseconds kTick{1'000};

[[nodiscard]] bool holds(const std::vector<Descriptor>& sockets, int fd) {
  return std::ranges::any_of(sockets, [&](const Descriptor& socket) { return socket.get() == fd; });
}

}  // namespace

Worker::Worker(std::vector<UdpSocket> udp, std::vector<Descriptor> listeners, TcpConnections::Limits limits,
               config::RateLimit rate_limit, Responders::Sources sources)
    : udp_(std::move(udp)),
      listeners_(std::move(listeners)),
      limits_(limits),
      rate_limit_(std::move(rate_limit)),
      sources_(std::move(sources)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Worker::~Worker() { stop(); }

bool Worker::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ||
         epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

void Worker::start() {
  // Before the thread starts, so that a thread that never runs is noticed, too.
  counters_->turned_at = std::chrono::steady_clock::now().time_since_epoch();
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  wake_.wake();
  thread_.join();
  dropped_before_ = kernel_dropped();
  udp_.clear();
  listeners_.clear();
}

std::uint64_t Worker::kernel_dropped() const {
  std::uint64_t dropped = dropped_before_;
  for (const auto& socket : udp_) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    if (getsockopt(socket.descriptor.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) == 0) {
      dropped += memory[SK_MEMINFO_DROPS];
    }
  }
  return dropped;
}

void Worker::run() {
  static_cast<void>(watch(wake_.fd()));
  for (const auto& socket : udp_) static_cast<void>(watch(socket.descriptor.get()));
  for (const auto& socket : listeners_) static_cast<void>(watch(socket.get()));

  Answerer answerer(sources_, rate_limit_);
  UdpBatch datagrams;
  TcpConnections connections(epoll_.get(), limits_, *counters_, sources_.transfer);
  std::array<epoll_event, kEventsAtOnce> events{};
  auto next_tick = std::chrono::steady_clock::now() + kTick;
  std::vector<int> resting;  // listeners that wait for free descriptors
  while (true) {
    const auto turned_at = std::chrono::steady_clock::now();
    counters_->turned_at.store(turned_at.time_since_epoch(), std::memory_order_relaxed);
    const auto until_tick = std::chrono::ceil<std::chrono::milliseconds>(next_tick - turned_at);
    const int timeout = static_cast<int>(std::max<std::int64_t>(0, until_tick.count()));
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    const auto now = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      const int fd = event.data.fd;
      if (fd == wake_.fd()) {
        // Datagrams that were received already would be lost with the sockets.
        for (const auto& socket : udp_)
          datagrams.serve(socket.descriptor.get(), socket.any_address, answerer, *counters_);
        return;
      }
      const auto socket = std::ranges::find(udp_, fd, [](const UdpSocket& each) { return each.descriptor.get(); });
      if (socket != udp_.end()) {
        datagrams.serve(fd, socket->any_address, answerer, *counters_);
      } else if (holds(listeners_, fd)) {
        if (!connections.accept_from(fd, now)) {
          epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
          resting.push_back(fd);
        }
      } else {
        answerer.refresh();
        connections.serve(fd, event.events, answerer, now);
      }
    }
    if (now < next_tick) continue;
    next_tick = now + kTick;
    connections.close_idle(now);
    answerer.refresh();
    for (const int listener : std::exchange(resting, {})) static_cast<void>(watch(listener));
  }
}

}  // namespace blowback::net
