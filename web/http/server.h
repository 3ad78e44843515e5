// Serves requests over HTTP/1.1, with libmicrohttpd: connections, their limits and times, and the threads that answer.
//
// The library ends a connection that is silent for some time, but not one that sends an octet now and then, or reads as slowly. So this room limits
// the time from the beginning of a connection, or its last answer, to the end of the next answer. If all places are taken, the connection that
// has waited longest without a complete request makes room for a new one. Only a POST has a body that is
// read, of kLongestBody at most; after any other body the connection ends.
#pragma once

#include "blowback/prefix.h"
#include "config/config.h"
#include "http/message.h"
#include "system/unix_socket.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <vector>

namespace blowback::http {

struct Limits {
  std::size_t connections = 2000;
  std::size_t connections_per_client = 100;  ///< for clients by TCP that are no proxies
  std::vector<Prefix> proxies;
  std::chrono::milliseconds time{20'000};
  unsigned threads = 2;  ///< that answer
};

struct Counts {
  std::uint64_t requests = 0;
  std::uint64_t too_slow = 0;  ///< connections that were ended since they took too long
  std::uint64_t refused = 0;   ///< connections that one client had too many of, or that made room
};

class Server {
 public:
  /// Called in several threads at once.
  using Handler = std::function<Response(const Request&)>;

  /// Listens and serves. Fails if it can't listen there.
  [[nodiscard]] static std::expected<Server, ListenError> open(const config::MetricsEndpoint& endpoint, Limits limits,
                                                               Handler handler);
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  /// Stops. Waits for answers that are being made, but not for clients to read theirs.
  ~Server();

  /// The port that is bound; 0: a unix socket.
  [[nodiscard]] std::uint16_t port() const;
  /// Safe from any thread.
  [[nodiscard]] Counts counts() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::http
