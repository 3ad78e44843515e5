// A client's octets in both directions, non-blocking: TCP itself, or TLS on it (tls.h). Who serves it needn't know which.
#pragma once

#include "system/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace blowback::transfer {

/// What a call moved, or why it moved nothing.
struct Moved {
  enum class State : std::uint8_t {
    some,    ///< `octets` > 0
    none,    ///< none for now: wait for the event that the channel names, and call again
    ended,   ///< the client sends nothing more
    failed,  ///< neither direction works any more
  };
  State state = State::none;
  std::size_t octets = 0;
};

/// At least as much has to be read at once: what TLS has decrypted and nobody read, epoll doesn't know of. It is the most that a TLS record has
/// (RFC 8446 §5.1).
inline constexpr std::size_t kReadAtLeast = 16'384;

/// One thread at a time.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  /// Ends the connection.
  virtual ~Channel() = default;

  /// Requires room for kReadAtLeast octets.
  [[nodiscard]] virtual Moved read(std::span<std::uint8_t> into) = 0;
  /// Requires at least one octet. After `none` the same octets have to be written again, with or without more behind them.
  [[nodiscard]] virtual Moved write(std::span<const std::uint8_t> octets) = 0;
  /// The event of epoll, EPOLLIN or EPOLLOUT, to wait for before reading; likewise before writing. TLS may have to send before it can read.
  [[nodiscard]] virtual std::uint32_t before_reading() const = 0;
  [[nodiscard]] virtual std::uint32_t before_writing() const = 0;
};

/// `socket` is connected and non-blocking.
[[nodiscard]] std::unique_ptr<Channel> plain_channel(Descriptor socket);

}  // namespace blowback::transfer
