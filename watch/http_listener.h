// The door by which a monitor asks: a few paths by GET, on a loopback port or a unix socket.
//
// A thread of its own, so that nobody who asks is in the way of the work. He is given bounds: so many connections at once, so
// many octets of a request, so much time from being accepted to having read the answer. One request a connection. Only
// the request line is looked at (http_request.h); nothing that comes in is kept, passed on or logged.
#pragma once

#include "config/config.h"
#include "system/unix_socket.h"
#include "watch/health.h"

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace blowback::watch {

/// What is told, each made when it is asked for, in the listener's own thread, one after the other.
struct Told {
  std::function<std::string()> metrics;  ///< GET /metrics
  std::function<Health()> health;        ///< GET /health: 200 where nothing hinders the work, else 503
  std::function<Health()> readiness;     ///< GET /ready: likewise
};

class HttpListener {
 public:
  struct Limits {
    std::size_t connections = 16;               ///< more wait in the kernel's queue
    std::chrono::milliseconds patience{5'000};  ///< for one connection, from being accepted to its end
  };

  /// Listens and begins to tell. `key`: what the config calls the endpoint, for the way out. Requires that an endpoint is named.
  [[nodiscard]] static std::expected<HttpListener, ListenError> open(const config::MetricsEndpoint& endpoint,
                                                                     const std::string& key, Told told, Limits limits);
  [[nodiscard]] static std::expected<HttpListener, ListenError> open(const config::MetricsEndpoint& endpoint,
                                                                     const std::string& key, Told told);
  HttpListener(HttpListener&&) noexcept;
  HttpListener& operator=(HttpListener&&) noexcept;
  /// Ends; waits for an answer that is being made, not for who reads it.
  ~HttpListener();

 private:
  class Impl;
  explicit HttpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::watch
