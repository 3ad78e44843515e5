// A worker: a thread that answers on its own sockets.
#pragma once

#include "answer/served_zone.h"
#include "counters.h"
#include "net/responders.h"
#include "sockets.h"
#include "system/wake_event.h"
#include "tcp.h"
#include "zone/published.h"

#include <memory>
#include <thread>
#include <vector>

namespace blowback::net {

class Worker {
 public:
  /// Doesn't start the thread yet.
  Worker(std::vector<UdpSocket> udp, std::vector<Descriptor> listeners, TcpConnections::Limits limits,
         config::RateLimit rate_limit, Responders::Sources sources);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  ///< stops

  /// Whether the kernel provided the descriptors that a worker needs.
  [[nodiscard]] bool is_able() const { return epoll_.is_open() && wake_.is_open(); }
  void start();
  /// Ends the thread after its current turn, and waits for that. May be called again.
  void stop();
  [[nodiscard]] const WorkerCounters& counters() const { return *counters_; }
  /// Datagrams that the kernel has dropped because the sockets' buffers were full. Safe while it runs.
  [[nodiscard]] std::uint64_t kernel_dropped() const;

 private:
  void run();
  [[nodiscard]] bool watch(int fd);

  std::vector<UdpSocket> udp_;
  std::vector<Descriptor> listeners_;
  TcpConnections::Limits limits_;
  config::RateLimit rate_limit_;
  Responders::Sources sources_;
  Descriptor epoll_;
  WakeEvent wake_;
  std::uint64_t dropped_before_ = 0;  ///< by sockets that are closed now
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  std::thread thread_;
};

}  // namespace blowback::net
