// One TCP connection's bytes: queries out of a stream that may be cut anywhere, replies into one that may take any number.
// Private to this room. Which connections there are, and for how long, is tcp.cc.
//
// RFC 7766: many queries per connection, pipelined. Each is answered as soon as it is whole, so replies are in order. Memory
// is bounded: one query's worth of input and `kMostPending` of output; with more than that unsent we stop reading, and the
// client's own TCP waits.
#pragma once

#include "responder.h"
#include "socket.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace blowback::net {

class TcpConnection {
 public:
  enum class State : std::uint8_t {
    open,       ///< reading and writing
    finishing,  ///< no more queries are taken; what is pending goes out, then our end is shut
    done,       ///< to be closed
  };

  explicit TcpConnection(Descriptor socket) : socket_(std::move(socket)) {}

  /// Reads, answers and writes as far as it goes without waiting. Returns the number of queries answered.
  std::size_t advance(Responder& responder);
  /// Takes no more queries.
  void finish();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool wants_to_read() const;
  [[nodiscard]] bool wants_to_write() const { return sent_ < output_.size(); }
  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  void read_some();
  [[nodiscard]] std::size_t answer_whole_queries(Responder& responder);
  void write_some();
  [[nodiscard]] std::size_t pending() const { return output_.size() - sent_; }

  Descriptor socket_;
  State state_ = State::open;
  std::vector<std::uint8_t> input_;  ///< less than a query and what one read brought with it
  std::vector<std::uint8_t> output_;
  std::size_t sent_ = 0;  ///< of output_
  std::size_t queries_ = 0;
  bool at_end_ = false;  ///< the client has shut its end
  bool shut_ = false;    ///< we have shut ours
};

}  // namespace blowback::net
