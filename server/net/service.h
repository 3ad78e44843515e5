// The server as its clients see it: sockets on every address configured, and the threads that answer on them.
//
// Per worker there is a thread and a socket for each address by UDP (the kernel spreads queries over the sockets that share
// an address, SO_REUSEPORT), and one thread for all TCP connections. What they answer from is published by others; each
// thread takes it up by itself.
#pragma once

#include "answer/outcome.h"
#include "answer/served_zone.h"
#include "blowback/unix_time.h"
#include "config/config.h"
#include "zone/follower.h"
#include "zone/published.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace blowback::net {

/// Why an address can't be served: address, reason and the way out, for a person.
struct BindError {
  std::string text;
};

/// What the threads answer from. Both must outlive every Service, and a zone must have been published before `start`.
struct Sources {
  const zone::Published<answer::ServedZone>* zone = nullptr;
  const zone::Published<zone::View>* view = nullptr;
  std::function<UnixTime()> clock;  ///< called from many threads
};

/// Counts since the service was started.
struct Counts {
  answer::Tally udp;
  answer::Tally tcp;
  std::uint64_t tcp_accepted = 0;
  std::uint64_t tcp_turned_away = 0;  ///< closed at once: too many from one client
  std::uint64_t tcp_closed = 0;       ///< closed by us for idling, slowness, age, or to make room
  Counts& operator+=(const Counts& other);
};

class Service {
 public:
  /// Binds all sockets; nothing is answered yet. An address where anybody serves already is an error, even if the kernel
  /// would let us share it, unless it is among `ours`: addresses that a Service of this process serves.
  [[nodiscard]] static std::expected<Service, BindError> bind(const config::Server& settings,
                                                              const std::vector<config::Endpoint>& ours);
  Service(Service&&) noexcept;
  Service& operator=(Service&&) noexcept;
  /// Stops.
  ~Service();

  void start(Sources sources);
  /// Answers what the sockets have received so far, then ends all threads and closes all sockets. Takes at most a second
  /// or so, whatever the clients do.
  void stop();
  /// Safe while threads run, and after `stop`.
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] std::size_t workers() const;

 private:
  class Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// `192.0.2.1:53`, `[2001:db8::1]:53`.
[[nodiscard]] std::string to_string(const config::Endpoint& endpoint);

}  // namespace blowback::net
