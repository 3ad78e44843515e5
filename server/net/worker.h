// A worker: a thread that answers on the sockets that it is given.
//
// It owns its TCP connections, but no socket that clients send to: those outlive workers (see responders.cc).
#pragma once

#include "answer/served_zone.h"
#include "counters.h"
#include "net/responders.h"
#include "system/descriptor.h"
#include "system/wake_event.h"
#include "tcp.h"
#include "zone/published.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace blowback::net {

class Worker {
 public:
  /// A UDP socket that somebody else owns.
  struct Datagrams {
    int fd = -1;
    bool any_address = false;  ///< see UdpSocket
  };
  /// What a worker serves. Several may serve the same socket: the kernel gives each datagram and connection to one of them.
  struct Work {
    std::vector<Datagrams> udp;
    std::vector<int> listeners;
    std::vector<TcpConnections::Owned> connections;
  };

  /// Doesn't start the thread yet.
  Worker(TcpConnections::Limits limits, config::RateLimit rate_limit, Responders::Sources sources);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();  ///< ends the thread

  /// Whether the kernel provided the descriptors that a worker needs.
  [[nodiscard]] bool is_able() const { return is_able_; }
  /// False: the system has no more threads.
  [[nodiscard]] bool start();
  /// Adds to what the worker serves, and waits until it does. The sockets must stay open until `join`. Requires that it was started and not told to end.
  void give(Work work);
  /// Tells the thread to end after its current turn.
  void end();
  /// Waits until the thread has ended, and returns the open connections. What had arrived by UDP was answered before.
  [[nodiscard]] std::vector<TcpConnections::Owned> join();
  [[nodiscard]] const WorkerCounters& counters() const { return *counters_; }

 private:
  void run();
  /// Begins to serve what was given. True: the thread is to end.
  [[nodiscard]] bool take_orders(TcpConnections& connections);
  [[nodiscard]] bool watch(int fd);

  TcpConnections::Limits limits_;
  config::RateLimit rate_limit_;
  Responders::Sources sources_;
  Descriptor epoll_;
  WakeEvent wake_;
  bool is_able_ = false;
  std::unique_ptr<WorkerCounters> counters_ = std::make_unique<WorkerCounters>();

  // Of the thread, and after its end of whoever joined it.
  std::vector<Datagrams> udp_;
  std::vector<int> listeners_;
  std::vector<TcpConnections::Owned> left_;

  std::mutex mutex_;  ///< for the next three
  std::condition_variable taken_;
  std::vector<Work> given_;
  bool is_to_end_ = false;

  std::thread thread_;
};

}  // namespace blowback::net
