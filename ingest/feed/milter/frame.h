// What blowback-ingest and the process that has libmilter say to each other, over a pair of sockets.
//
// Both ends are one program of one version, so the format is as plain as can be: a length and so many fields, each again a
// length and octets. Octets of strangers go through as they are. It is read strictly all the same.
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

/// Where to listen: a unix socket's path, or an address (in presentation format) and port.
struct Endpoint {
  std::string address;  ///< "": the path counts
  std::uint16_t port = 0;
  std::string path;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// From ingest: first of all, and again where all but `listen` and `memory` changes.
struct Setup {
  Endpoint listen;
  config::Traps traps;
  std::vector<Prefix> trusted_relays;
  bool callouts = true;
  std::size_t connections = 0;     ///< more are let pass unwatched
  std::size_t message_octets = 0;  ///< of one message
  std::size_t memory = 0;          ///< octets of all messages under way
  friend bool operator==(const Setup&, const Setup&) = default;
};

/// The answer to the first: it listens...
struct Listening {};
/// ...or why it can't, a sentence with the way out.
struct Trouble {
  std::string text;
};

/// From the milter. The ticket names it to `Stored`.
struct Arrived {
  std::uint64_t ticket = 0;
  feed::Item item;
};

/// From ingest: these are in the database.
struct Stored {
  std::vector<std::uint64_t> tickets;
};

using Frame = std::variant<Setup, Listening, Trouble, Arrived, Stored>;

[[nodiscard]] std::string to_octets(const Frame& frame);

/// Sends all of it. False: the other end is gone, or doesn't read for longer than the socket's SO_SNDTIMEO.
[[nodiscard]] bool send_all(int socket, std::string_view octets);

/// One thread at a time.
class FrameReader {
 public:
  /// Octets of a frame at most.
  explicit FrameReader(std::size_t longest) : longest_(longest) {}

  /// From now on frames may be so long, if that is longer than before.
  void allow(std::size_t longest) { longest_ = std::max(longest_, longest); }
  void add(std::string_view octets);
  /// The next whole frame; absent: more octets are needed. An error means that the other end is broken.
  [[nodiscard]] std::expected<std::optional<Frame>, std::string> next();

 private:
  std::size_t longest_;
  std::string octets_;
  std::size_t begin_ = 0;
};

}  // namespace blowback::milter
