// The status socket: each connection gets one JSON document, and is closed. For the document see status.h.
//
// It has a thread of its own, so that a slow reader doesn't delay answers.
#pragma once

#include "system/unix_socket.h"

#include <expected>
#include <functional>
#include <memory>
#include <string>

namespace blowback::net {

class StatusSocket {
 public:
  /// Called in the socket's own thread, once per connection.
  using Document = std::function<std::string()>;

  /// Listens on a unix socket at `path`, as system/unix_socket.h describes it, errors included.
  ///
  /// Serves one connection at a time and reads nothing from it. A connection that hasn't read the document within a second is closed.
  [[nodiscard]] static std::expected<StatusSocket, ListenError> open(const std::string& path, Document document);
  StatusSocket(StatusSocket&&) noexcept;
  StatusSocket& operator=(StatusSocket&&) noexcept;
  /// Removes the file and ends the thread. Waits for a document that is being made.
  ~StatusSocket();

 private:
  class Impl;
  explicit StatusSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::net
