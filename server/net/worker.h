// One worker: a thread that waits on its own sockets and answers on them.
#pragma once

#include "answer/served_zone.h"
#include "counters.h"
#include "net/responders.h"
#include "sockets.h"
#include "system/wake_event.h"
#include "tcp.h"
#include "zone/follower.h"
#include "zone/published.h"

#include <memory>
#include <thread>
#include <vector>

namespace blowback::net {

class Worker {
 public:
  /// Takes the sockets over; nothing runs yet.
  Worker(std::vector<UdpSocket> udp, std::vector<Descriptor> listeners, TcpConnections::Limits limits,
         config::RateLimit rate_limit, Responders::Sources sources);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  ///< stops

  /// Whether the kernel gave what a worker needs (an epoll and an event descriptor).
  [[nodiscard]] bool is_able() const { return epoll_.is_open() && wake_.is_open(); }
  void start();
  /// Asks the thread to end after its present turn, and waits for it. Safe to call again.
  void stop();
  [[nodiscard]] const WorkerCounters& counters() const { return *counters_; }
  /// Datagrams that the kernel dropped for want of room in our sockets' buffers, so far. Safe while it runs.
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
  std::uint64_t dropped_before_ = 0;  ///< of sockets that are closed
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();
  std::thread thread_;
};

}  // namespace blowback::net
