// Workers: sockets first, all of them, then threads; and the other way round at the end.
#include "net/service.h"

#include "responder.h"
#include "socket.h"
#include "tcp.h"
#include "udp.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace blowback::net {
namespace {

[[nodiscard]] bool same(const config::Endpoint& a, const config::Endpoint& b) {
  return a.address == b.address && a.port == b.port;
}

struct UdpWorker {
  Descriptor socket;
  bool wildcard = false;
  std::unique_ptr<Responder> responder;
  std::jthread thread;
};

struct TcpWorker {
  std::vector<Descriptor> listeners;
  std::unique_ptr<Responder> responder;
  TcpCounters counters;
  std::jthread thread;
};

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  udp += other.udp;
  tcp += other.tcp;
  tcp_accepted += other.tcp_accepted;
  tcp_turned_away += other.tcp_turned_away;
  tcp_closed += other.tcp_closed;
  return *this;
}

class Service::Impl {
 public:
  explicit Impl(const config::Server& settings)
      : limits_{.connections = static_cast<std::size_t>(settings.tcp_connections), .idle = settings.tcp_idle},
        workers_(settings.workers > 0 ? static_cast<std::size_t>(settings.workers)
                                      : std::max(1U, std::thread::hardware_concurrency())) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { stop(); }

  [[nodiscard]] std::expected<void, BindError> bind(const config::Server& settings,
                                                    const std::vector<config::Endpoint>& ours) {
    for (const auto& endpoint : settings.listen) {
      if (std::any_of(ours.begin(), ours.end(), [&](const auto& each) { return same(each, endpoint); })) continue;
      if (const auto udp = udp_socket(endpoint, Sharing::alone); !udp) return std::unexpected(udp.error());
      if (const auto tcp = tcp_listener(endpoint, Sharing::alone); !tcp) return std::unexpected(tcp.error());
    }
    for (std::size_t i = 0; i < workers_; ++i) {
      auto& tcp = *tcp_.emplace_back(std::make_unique<TcpWorker>());
      for (const auto& endpoint : settings.listen) {
        auto socket = udp_socket(endpoint, Sharing::shared);
        if (!socket) return std::unexpected(std::move(socket).error());
        auto& udp = *udp_.emplace_back(std::make_unique<UdpWorker>());
        udp.socket = std::move(*socket);
        udp.wildcard = is_wildcard(endpoint);
        auto listener = tcp_listener(endpoint, Sharing::shared);
        if (!listener) return std::unexpected(std::move(listener).error());
        tcp.listeners.push_back(std::move(*listener));
      }
    }
    return {};
  }

  void start(const Sources& sources) {
    for (auto& each : udp_) {
      UdpWorker& worker = *each;
      worker.responder = std::make_unique<Responder>(sources, answer::Transport::udp);
      worker.thread =
          std::jthread([this, &worker] { serve_udp(worker.socket, worker.wildcard, stop_, *worker.responder); });
    }
    for (auto& each : tcp_) {
      TcpWorker& worker = *each;
      worker.responder = std::make_unique<Responder>(sources, answer::Transport::tcp);
      worker.thread = std::jthread([this, &worker] {
        serve_tcp(std::move(worker.listeners), limits_, stop_, *worker.responder, worker.counters);
      });
    }
  }

  void stop() {
    stop_.raise();
    for (auto& worker : udp_) {
      if (worker->thread.joinable()) worker->thread.join();
      worker->socket = Descriptor();
    }
    for (auto& worker : tcp_) {
      if (worker->thread.joinable()) worker->thread.join();
      worker->listeners.clear();
    }
  }

  [[nodiscard]] Counts counts() const {
    Counts counts;
    for (const auto& worker : udp_) {
      if (worker->responder) counts.udp += worker->responder->tally();
    }
    for (const auto& worker : tcp_) {
      if (worker->responder) counts.tcp += worker->responder->tally();
      counts.tcp_accepted += worker->counters.accepted.get();
      counts.tcp_turned_away += worker->counters.turned_away.get();
      counts.tcp_closed += worker->counters.closed.get();
    }
    return counts;
  }

  [[nodiscard]] std::size_t workers() const { return workers_; }

 private:
  TcpLimits limits_;
  std::size_t workers_;
  StopSignal stop_;
  std::vector<std::unique_ptr<UdpWorker>> udp_;
  std::vector<std::unique_ptr<TcpWorker>> tcp_;
};

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::Service(Service&&) noexcept = default;
Service& Service::operator=(Service&&) noexcept = default;
Service::~Service() = default;

std::expected<Service, BindError> Service::bind(const config::Server& settings,
                                                const std::vector<config::Endpoint>& ours) {
  auto impl = std::make_unique<Impl>(settings);
  if (auto bound = impl->bind(settings, ours); !bound) return std::unexpected(std::move(bound).error());
  return Service(std::move(impl));
}

void Service::start(Sources sources) { impl_->start(sources); }
void Service::stop() { impl_->stop(); }
Counts Service::counts() const { return impl_->counts(); }
std::size_t Service::workers() const { return impl_->workers(); }

}  // namespace blowback::net
