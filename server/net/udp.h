// UDP in batches: many datagrams in by one call, their replies out by another, each from the address that was asked.
//
// A call to the kernel costs more than an answer; sixty-four datagrams share one here. A worker has one UdpBatch for all its
// sockets: its buffers are the worker's whole memory for UDP, made once.
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

  /// Reads and answers what waits on `socket`, for a bounded turn, so that other sockets get theirs. `any_address`: the socket
  /// is bound to none, so each reply has to be told from which to leave.
  void serve(int socket, bool any_address, Answerer& answerer, WorkerCounters& counters);

 private:
  struct Room;
  /// How many datagrams were read: none where nothing waits.
  [[nodiscard]] std::size_t receive(int socket, bool any_address);
  /// Returns how many replies there are to send.
  [[nodiscard]] std::size_t answer_all(std::size_t received, Answerer& answerer, WorkerCounters& counters);
  void send(int socket, std::size_t replies, WorkerCounters& counters);

  std::unique_ptr<Room> room_;
};

}  // namespace blowback::net
