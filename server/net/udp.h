// UDP in batches: one system call receives many datagrams, another sends their replies, each from the address that was asked.
//
// A system call costs more than an answer; here 64 datagrams share one. A worker has one UdpBatch for all its sockets: its buffers are
// all of the worker's memory for UDP, and are allocated once.
#pragma once

#include "answerer.h"
#include "counters.h"

#include <memory>

namespace blowback::net {

class UdpBatch {
 public:
  UdpBatch();
  ~UdpBatch();
  UdpBatch(const UdpBatch&) = delete;
  UdpBatch& operator=(const UdpBatch&) = delete;

  /// Receives and answers datagrams of `socket`, up to a limit, so that other sockets get their turn. `any_address`: the socket is bound to
  /// the wildcard address, so the source address of each reply has to be set.
  void serve(int socket, bool any_address, Answerer& answerer, WorkerCounters& counters);

 private:
  struct Room;
  /// Returns the number of datagrams received; 0: there is none.
  [[nodiscard]] std::size_t receive(int socket, bool any_address);
  /// Returns the number of replies to send.
  [[nodiscard]] std::size_t answer_all(std::size_t received, Answerer& answerer, WorkerCounters& counters);
  void send(int socket, std::size_t replies, WorkerCounters& counters);

  std::unique_ptr<Room> room_;
};

}  // namespace blowback::net
