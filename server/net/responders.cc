// Binds the sockets of all workers before it starts any, so that the server runs completely or not at all.
#include "net/responders.h"

#include "sockets.h"
#include "system/descriptor_limit.h"
#include "tcp.h"
#include "worker.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace blowback::net {
namespace {

[[nodiscard]] std::size_t worker_count(int configured) {
  if (configured > 0) return static_cast<std::size_t>(configured);
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

class Responders::Impl {
 public:
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<config::Endpoint> endpoints;
  std::vector<std::string> skipped;
  std::size_t tcp_connections = 0;
};

Responders::Responders(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Responders::Responders(Responders&&) noexcept = default;
Responders& Responders::operator=(Responders&&) noexcept = default;
Responders::~Responders() = default;

std::expected<Responders, StartError> Responders::start(const config::Server& settings, const Sources& sources,
                                                        const std::vector<config::Endpoint>& held) {
  auto impl = std::make_unique<Impl>();
  auto& endpoints = impl->endpoints;
  std::vector<ReservedEndpoint> reserved;  // until all workers have bound their sockets
  for (const auto& endpoint : settings.listen) {
    if (endpoint.port == 0) {
      auto chosen = reserve_port(endpoint.address);
      if (!chosen) return std::unexpected(StartError{chosen.error().text});
      endpoints.push_back(chosen->endpoint);
      reserved.push_back(std::move(*chosen));
      continue;
    }
    if (std::ranges::find(held, endpoint) == held.end()) {
      if (const auto available = must_be_free(endpoint); !available) {
        if (!available.error().no_ipv6) return std::unexpected(StartError{available.error().text});
        impl->skipped.push_back(available.error().text);
        continue;
      }
    }
    endpoints.push_back(endpoint);
  }
  if (endpoints.empty()) {
    return std::unexpected(
        StartError{impl->skipped.empty() ? "server.listen names no endpoint" : impl->skipped.front()});
  }
  const auto workers = worker_count(settings.workers);
  // With more, accept(2) would fail, and so would the follower when it opens the database.
  impl->tcp_connections = std::min(static_cast<std::size_t>(settings.tcp_connections),
                                   tcp_connections_within(descriptor_limit(), workers, endpoints.size()));
  const TcpConnections::Limits limits{.connections = impl->tcp_connections, .idle = settings.tcp_idle};
  for (std::size_t i = 0; i < workers; ++i) {
    std::vector<UdpSocket> udp;
    std::vector<Descriptor> listeners;
    for (const auto& endpoint : endpoints) {
      auto datagrams = udp_socket(endpoint);
      if (!datagrams) return std::unexpected(StartError{datagrams.error().text});
      udp.push_back(std::move(*datagrams));
      auto listener = tcp_listener(endpoint);
      if (!listener) return std::unexpected(StartError{listener.error().text});
      listeners.push_back(std::move(*listener));
    }
    impl->workers.push_back(
        std::make_unique<Worker>(std::move(udp), std::move(listeners), limits, settings.rate_limit, sources));
    if (!impl->workers.back()->is_able()) {
      return std::unexpected(StartError{"no more descriptors: raise the limit (`ulimit -n`, LimitNOFILE=)"});
    }
  }
  for (const auto& worker : impl->workers) worker->start();
  return Responders(std::move(impl));
}

void Responders::stop() {
  for (const auto& worker : impl_->workers) worker->stop();
}

Counts Responders::counts() const {
  Counts counts;
  for (const auto& worker : impl_->workers) {
    worker->counters().add_to(counts);
    counts.kernel_dropped += worker->kernel_dropped();
  }
  return counts;
}

std::chrono::steady_clock::duration Responders::since_turned(std::chrono::steady_clock::time_point now) const {
  std::chrono::steady_clock::duration longest{};
  for (const auto& worker : impl_->workers) {
    longest = std::max(longest, now.time_since_epoch() - worker->counters().turned_at.load(std::memory_order_relaxed));
  }
  return longest;
}

std::size_t Responders::tcp_connections() const { return impl_->tcp_connections; }

std::size_t tcp_connections_within(std::size_t descriptors, std::size_t workers, std::size_t endpoints) {
  // Others: the database with its -wal and -shm, the sockets for status and metrics with their connections, the log. Per worker: epoll and event.
  constexpr std::size_t kOthers = 64;
  constexpr std::size_t kOfWorker = 2;
  const std::size_t taken = kOthers + workers * (kOfWorker + 2 * endpoints);
  return descriptors > taken + workers ? (descriptors - taken) / workers : 1;
}

const std::vector<std::string>& Responders::skipped() const { return impl_->skipped; }

const std::vector<config::Endpoint>& Responders::endpoints() const { return impl_->endpoints; }

}  // namespace blowback::net
