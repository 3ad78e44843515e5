// Parses the request line of HTTP/1 (RFC 9112), which is all that a scraper's request needs. Header fields are ignored.
//
// Pure, and without a state: it gets everything that was received so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace blowback::watch {

/// The limit for request line and header fields, in octets. A scraper sends about 300.
inline constexpr std::size_t kMostHead = 8192;

struct Request {
  enum class State : std::uint8_t {
    unfinished,  ///< not complete yet
    good,        ///< GET or HEAD of `path`
    other,       ///< well formed, but of another method
    bad,         ///< not HTTP/1
    too_large,   ///< larger than kMostHead
  };
  State state = State::unfinished;
  bool head_only = false;  ///< HEAD
  std::string_view path;   ///< without the query; a part of `octets`
};

/// The request in `octets`, which is everything that was received so far. Lines end with CRLF or LF (RFC 9112 §2.2).
[[nodiscard]] Request read_request(std::string_view octets);

}  // namespace blowback::watch
