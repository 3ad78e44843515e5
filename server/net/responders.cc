// Sockets outlive the workers that read them. The kernel distributes an endpoint's clients over all its sockets (SO_REUSEPORT), and closing one
// discards what it has queued, even what arrives while it is read for the last time. So no socket of an endpoint is closed before the whole endpoint
// is. With fewer workers than before, a worker serves several sockets.
#include "net/responders.h"

#include "net/sockets.h"
#include "system/descriptor_limit.h"
#include "tcp.h"
#include "worker.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

namespace blowback::net {
namespace {

constexpr auto kNoDescriptors = "no more descriptors: raise the limit (`ulimit -n`, LimitNOFILE=)";
constexpr auto kNoThreads = "no more threads: lower server.workers, or raise the limit (`ulimit -u`, TasksMax=)";

[[nodiscard]] std::size_t worker_count(int configured) {
  if (configured > 0) return static_cast<std::size_t>(configured);
  return std::max(1U, std::thread::hardware_concurrency());
}

/// An endpoint and its sockets, as many of each type.
struct Bound {
  config::Endpoint endpoint;
  std::vector<UdpSocket> udp;
  std::vector<Descriptor> listeners;
};

/// An endpoint of new settings.
struct Planned {
  /// Of an endpoint that stays: more sockets, at which nothing arrives yet. Otherwise all its sockets.
  Bound sockets;
  bool stays = false;
};

/// All that new settings need and that could fail.
struct Plan {
  std::vector<Planned> endpoints;
  std::vector<std::string> skipped;
  std::size_t tcp_connections = 0;
  std::vector<std::unique_ptr<Worker>> workers;  // started, with nothing to serve
};

[[nodiscard]] std::unexpected<StartError> failed(std::string text) {
  return std::unexpected(StartError{std::move(text)});
}

/// Of an endpoint in `server.listen`.
[[nodiscard]] std::unexpected<StartError> failed(const SocketError& error) {
  return failed("server.listen: " + error.text);
}

[[nodiscard]] const Bound* find(const std::vector<Bound>& bound, const config::Endpoint& endpoint) {
  const auto found = std::ranges::find(bound, endpoint, &Bound::endpoint);
  return found == bound.end() ? nullptr : &*found;
}

/// Which endpoints the settings have, without sockets but for those whose port the kernel chooses.
[[nodiscard]] std::expected<void, StartError> plan_endpoints(Plan& plan, const config::Server& settings,
                                                             const std::vector<Bound>& bound) {
  for (const auto& endpoint : settings.listen) {
    auto& planned = plan.endpoints.emplace_back();
    planned.sockets.endpoint = endpoint;
    if (endpoint.port == 0) {
      auto chosen = reserve_port(endpoint.address);
      if (!chosen) return failed(chosen.error());
      planned.sockets.endpoint = chosen->endpoint;
      planned.sockets.udp.push_back(std::move(chosen->udp));
      planned.sockets.listeners.push_back(std::move(chosen->tcp));
    } else if (find(bound, endpoint) != nullptr) {
      planned.stays = true;
    } else if (auto available = must_be_free(endpoint); !available) {
      if (!available.error().no_ipv6) return failed(available.error());
      plan.skipped.push_back(std::move(available).error().text);
      plan.endpoints.pop_back();
    }
  }
  if (plan.endpoints.empty()) {
    return failed(plan.skipped.empty() ? "server.listen names no endpoint" : plan.skipped.front());
  }
  return {};
}

/// Opens sockets until there are `wanted`, including `present` ones that the endpoint has already.
[[nodiscard]] std::expected<void, StartError> open_sockets(Planned& planned, std::size_t present, std::size_t wanted) {
  auto& [endpoint, udp, listeners] = planned.sockets;
  while (present + udp.size() < wanted) {
    auto datagrams = planned.stays ? unbound_udp_socket(endpoint) : udp_socket(endpoint);
    if (!datagrams) return failed(datagrams.error());
    udp.push_back(std::move(*datagrams));
    auto listener = planned.stays ? bound_tcp_socket(endpoint) : tcp_listener(endpoint);
    if (!listener) return failed(listener.error());
    listeners.push_back(std::move(*listener));
  }
  return {};
}

/// Adds further sockets to an endpoint. The kernel could still run out of memory; then the workers share fewer sockets. Those that have joined can't
/// be closed again.
void join(Bound& bound, Bound further) {
  for (auto& socket : further.udp) {
    if (bind_udp(socket, bound.endpoint)) bound.udp.push_back(std::move(socket));
  }
  for (auto& listener : further.listeners) {
    if (listen_tcp(listener, bound.endpoint)) bound.listeners.push_back(std::move(listener));
  }
}

/// See dropped_by.
[[nodiscard]] std::uint64_t dropped(const std::vector<Bound>& endpoints) {
  std::uint64_t sum = 0;
  for (const auto& bound : endpoints) {
    for (const auto& socket : bound.udp) sum += dropped_by(socket);
  }
  return sum;
}

/// Calls `assign` so that each worker has a socket and each socket a worker.
template <typename Assign>
void deal(std::size_t sockets, std::size_t workers, Assign assign) {
  for (std::size_t i = 0; i < std::max(sockets, workers); ++i) assign(i % workers, i % sockets);
}

}  // namespace

class Responders::Impl {
 public:
  explicit Impl(const Sources& sources_to_read) : sources(sources_to_read) {}

  [[nodiscard]] std::expected<Plan, StartError> prepare(const config::Server& settings) const;
  void commit(Plan plan);
  void end_former();

  // Of the thread that changes it.
  const Sources sources;
  std::vector<config::Endpoint> endpoints;
  std::vector<std::string> skipped;
  std::size_t tcp_connections = 0;
  /// Guards what follows between that thread and others that read the counts.
  mutable std::mutex mutex;
  Counts former;  ///< of workers that have ended, and sockets that are closed
  // Before the workers, which read them until they end. `former_`: about to be closed, or to end.
  std::vector<Bound> bound;
  std::vector<Bound> former_bound;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::unique_ptr<Worker>> former_workers;
};

/// In an order in which a failure loses nothing: sockets join an endpoint that stays at the very end, in `commit`.
std::expected<Plan, StartError> Responders::Impl::prepare(const config::Server& settings) const {
  Plan plan;
  if (auto planned = plan_endpoints(plan, settings, bound); !planned) return std::unexpected(planned.error());
  const auto count = worker_count(settings.workers);
  std::size_t sockets = 0;
  for (auto& planned : plan.endpoints) {
    const auto* const before = planned.stays ? find(bound, planned.sockets.endpoint) : nullptr;
    const auto present = before == nullptr ? 0 : before->udp.size();
    if (auto opened = open_sockets(planned, present, count); !opened) return std::unexpected(opened.error());
    sockets += 2 * std::max(present, count);
  }
  // With more, accept(2) would fail, and so would the follower when it opens the database.
  plan.tcp_connections = std::min(static_cast<std::size_t>(settings.tcp_connections),
                                  tcp_connections_within(descriptor_limit(), count, sockets));
  const TcpConnections::Limits limits{.connections = plan.tcp_connections, .idle = settings.tcp_idle};
  for (std::size_t i = 0; i < count; ++i) {
    auto worker = std::make_unique<Worker>(limits, settings.rate_limit, sources);
    if (!worker->is_able()) return failed(kNoDescriptors);
    if (!worker->start()) return failed(kNoThreads);
    plan.workers.push_back(std::move(worker));
  }
  return plan;
}

/// The new workers read the sockets before the former ones cease to, so none is without a reader at any time.
void Responders::Impl::commit(Plan plan) {
  std::vector<Worker::Work> work(plan.workers.size());
  {
    const std::scoped_lock lock(mutex);
    std::vector<Bound> now;
    endpoints.clear();
    for (auto& planned : plan.endpoints) {
      endpoints.push_back(planned.sockets.endpoint);
      if (!planned.stays) {
        now.push_back(std::move(planned.sockets));
        continue;
      }
      const auto before = std::ranges::find(bound, planned.sockets.endpoint, &Bound::endpoint);
      join(*before, std::move(planned.sockets));
      now.push_back(std::move(*before));
      bound.erase(before);
    }
    former_bound = std::exchange(bound, std::move(now));
    former_workers = std::exchange(workers, std::move(plan.workers));
  }
  for (const auto& [endpoint, udp, listeners] : bound) {
    deal(udp.size(), work.size(), [&](std::size_t worker, std::size_t socket) {
      work[worker].udp.push_back({.fd = udp[socket].descriptor.get(), .any_address = udp[socket].any_address});
    });
    deal(listeners.size(), work.size(),
         [&](std::size_t worker, std::size_t socket) { work[worker].listeners.push_back(listeners[socket].get()); });
  }
  for (std::size_t i = 0; i < workers.size(); ++i) workers[i]->give(std::move(work[i]));
  skipped = std::move(plan.skipped);
  tcp_connections = plan.tcp_connections;
  end_former();
}

/// The connections of former workers go to the present workers, one by one.
void Responders::Impl::end_former() {
  for (const auto& worker : former_workers) worker->end();
  std::vector<Worker::Work> work(workers.size());
  std::size_t next = 0;
  for (const auto& worker : former_workers) {
    for (auto& connection : worker->join()) {
      if (!work.empty()) work[next++ % work.size()].connections.push_back(std::move(connection));
    }
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (!work[i].connections.empty()) workers[i]->give(std::move(work[i]));
  }
  const std::scoped_lock lock(mutex);
  for (const auto& worker : former_workers) worker->counters().add_to(former);
  former.kernel_dropped += dropped(former_bound);
  former_workers.clear();
  former_bound.clear();
}

Responders::Responders(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Responders::Responders(Responders&&) noexcept = default;
Responders& Responders::operator=(Responders&&) noexcept = default;
Responders::~Responders() = default;

std::expected<Responders, StartError> Responders::start(const config::Server& settings, const Sources& sources) {
  Responders responders(std::make_unique<Impl>(sources));
  if (auto started = responders.change(settings); !started) return std::unexpected(std::move(started).error());
  return responders;
}

std::expected<void, StartError> Responders::change(const config::Server& settings) {
  auto plan = impl_->prepare(settings);
  if (!plan) return std::unexpected(std::move(plan).error());
  impl_->commit(std::move(*plan));
  return {};
}

void Responders::stop() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->former_workers = std::exchange(impl_->workers, {});
    impl_->former_bound = std::exchange(impl_->bound, {});
  }
  impl_->end_former();
}

Counts Responders::counts() const {
  const std::scoped_lock lock(impl_->mutex);
  auto counts = impl_->former;
  for (const auto* const workers : {&impl_->workers, &impl_->former_workers}) {
    for (const auto& worker : *workers) worker->counters().add_to(counts);
  }
  counts.kernel_dropped += dropped(impl_->bound) + dropped(impl_->former_bound);
  return counts;
}

std::chrono::steady_clock::duration Responders::since_turned(std::chrono::steady_clock::time_point now) const {
  const std::scoped_lock lock(impl_->mutex);
  std::chrono::steady_clock::duration longest{};
  for (const auto* const workers : {&impl_->workers, &impl_->former_workers}) {
    for (const auto& worker : *workers) {
      longest =
          std::max(longest, now.time_since_epoch() - worker->counters().turned_at.load(std::memory_order_relaxed));
    }
  }
  return longest;
}

std::size_t Responders::tcp_connections() const { return impl_->tcp_connections; }

std::size_t tcp_connections_within(std::size_t descriptors, std::size_t workers, std::size_t sockets) {
  // Others: the database with its -wal and -shm, the sockets for status and metrics with their connections, the log. Per worker: epoll and event.
  constexpr std::size_t kOthers = 64;
  constexpr std::size_t kOfWorker = 2;
  const std::size_t taken = kOthers + workers * kOfWorker + sockets;
  return descriptors > taken + workers ? (descriptors - taken) / workers : 1;
}

const std::vector<std::string>& Responders::skipped() const { return impl_->skipped; }

const std::vector<config::Endpoint>& Responders::endpoints() const { return impl_->endpoints; }

}  // namespace blowback::net
