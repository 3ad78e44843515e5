// The protocol between blowback-ingest and its process that runs libmilter, over a socket pair.
//
// Both ends are the same program in the same version, so the format is simple: a length, then fields, each with its length. It is parsed
// strictly all the same.
#pragma once

#include "blowback/prefix.h"
#include "config/config.h"
#include "feed/feed.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace blowback::milter {

/// Where to listen: the path of a unix socket, or an address (in presentation format) and port.
struct Endpoint {
  std::string address;  ///< "": `path` is used
  std::uint16_t port = 0;
  std::string path;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// From ingest: as the first frame, and again when the settings change, except for `listen` and `memory`.
struct Setup {
  Endpoint listen;
  config::Traps traps;
  std::vector<Prefix> trusted_relays;
  bool callouts = true;
  std::size_t connections = 0;     ///< further ones aren't watched
  std::size_t message_octets = 0;  ///< of one message
  std::size_t memory = 0;          ///< octets of all unfinished and queued messages
  friend bool operator==(const Setup&, const Setup&) = default;
};

/// The reply to the first Setup: the process listens.
struct Listening {};
/// The reply to the first Setup if it can't: a sentence with what to do.
struct Trouble {
  std::string text;
};

/// From the process. `Stored` refers to the ticket.
struct Arrived {
  std::uint64_t ticket = 0;
  feed::Item item;
};

/// From ingest: the items with these tickets are in the database.
struct Stored {
  std::vector<std::uint64_t> tickets;
};

using Frame = std::variant<Setup, Listening, Trouble, Arrived, Stored>;

[[nodiscard]] std::string to_octets(const Frame& frame);

/// Sends all octets. False: the other end is gone, or hasn't read for longer than the socket's SO_SNDTIMEO.
[[nodiscard]] bool send_all(int socket, std::string_view octets);

/// One thread at a time.
class FrameReader {
 public:
  /// `longest`: octets of a frame, at most.
  explicit FrameReader(std::size_t longest) : longest_(longest) {}

  /// Raises the limit to `longest`; never lowers it.
  void allow(std::size_t longest) { longest_ = std::max(longest_, longest); }
  void add(std::string_view octets);
  /// The next complete frame; absent: more octets are needed. An error means that the other end doesn't follow the protocol.
  [[nodiscard]] std::expected<std::optional<Frame>, std::string> next();

 private:
  std::size_t longest_;
  std::string octets_;
  std::size_t begin_ = 0;
};

}  // namespace blowback::milter
