// Serves metrics and health over HTTP: a few paths by GET, on a loopback port or a unix socket.
//
// It has a thread of its own, so that clients don't delay the daemon's work. Connections, the size of a request, and the time from accepting
// a connection to the end of the answer are limited. One request per connection. It reads only the request line (http_request.h); nothing
// from a client is kept, passed on or logged.
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

/// The content, made for each request in the listener's thread, one at a time.
struct Sources {
  std::function<std::string()> metrics;  ///< GET /metrics
  std::function<Health()> health;        ///< GET /health: 200 if is_well, otherwise 503
  std::function<Health()> readiness;     ///< GET /ready: likewise
};

class HttpListener {
 public:
  struct Limits {
    std::size_t connections = 16;               ///< more wait in the kernel's queue
    std::chrono::milliseconds patience{5'000};  ///< for one connection, from accepting it to its end
  };

  /// Listens and serves. `key`: the config key of the endpoint, for the error's text. Requires that the path isn't empty.
  [[nodiscard]] static std::expected<HttpListener, ListenError> open(const config::MetricsEndpoint& endpoint,
                                                                     const std::string& key, Sources sources,
                                                                     Limits limits);
  [[nodiscard]] static std::expected<HttpListener, ListenError> open(const config::MetricsEndpoint& endpoint,
                                                                     const std::string& key, Sources sources);
  HttpListener(HttpListener&&) noexcept;
  HttpListener& operator=(HttpListener&&) noexcept;
  /// Stops. Waits for an answer that is being made, but not for clients to read theirs.
  ~HttpListener();

 private:
  class Impl;
  explicit HttpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::watch
