#include "worker.h"

#include "answerer.h"
#include "udp.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <sys/epoll.h>
#include <system_error>
#include <utility>

namespace blowback::net {
namespace {

constexpr std::size_t kEventsAtOnce = 64;
constexpr std::chrono::milliseconds kTick{1'000};

}  // namespace

Worker::Worker(TcpConnections::Limits limits, config::RateLimit rate_limit, Responders::Sources sources)
    : limits_(limits),
      rate_limit_(std::move(rate_limit)),
      sources_(std::move(sources)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  is_able_ = epoll_.is_open() && wake_.is_open() && watch(wake_.fd());
}

Worker::~Worker() {
  end();
  static_cast<void>(join());
}

bool Worker::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ||
         epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

bool Worker::start() {
  // Before the thread starts, so that a thread that never runs is noticed, too.
  counters_->turned_at = std::chrono::steady_clock::now().time_since_epoch();
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void Worker::give(Work work) {
  std::unique_lock lock(mutex_);
  given_.push_back(std::move(work));
  wake_.wake();
  taken_.wait(lock, [this] { return given_.empty(); });
}

void Worker::end() {
  const std::scoped_lock lock(mutex_);
  is_to_end_ = true;
  wake_.wake();
}

std::vector<TcpConnections::Owned> Worker::join() {
  if (thread_.joinable()) thread_.join();
  return std::exchange(left_, {});
}

bool Worker::take_orders(TcpConnections& connections) {
  wake_.clear();
  const std::scoped_lock lock(mutex_);
  for (auto& work : std::exchange(given_, {})) {
    for (const auto& socket : work.udp) {
      udp_.push_back(socket);
      static_cast<void>(watch(socket.fd));
    }
    for (const int listener : work.listeners) {
      listeners_.push_back(listener);
      static_cast<void>(watch(listener));
    }
    for (auto& connection : work.connections) connections.adopt(std::move(connection));
  }
  taken_.notify_all();
  return is_to_end_;
}

void Worker::run() {
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
        if (!take_orders(connections)) continue;
        // Datagrams that were received already would be lost with sockets that are closed after this.
        for (const auto& socket : udp_) datagrams.serve(socket.fd, socket.any_address, answerer, *counters_);
        left_ = connections.release();
        return;
      }
      const auto socket = std::ranges::find(udp_, fd, &Datagrams::fd);
      if (socket != udp_.end()) {
        datagrams.serve(fd, socket->any_address, answerer, *counters_);
      } else if (std::ranges::find(listeners_, fd) != listeners_.end()) {
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
