// As much of HTTP/1 (RFC 9112) as a scraper's question needs: the request line. Header fields are passed over unread.
//
// Pure, and without memory of its own: it looks at what has come so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace blowback::watch {

/// Octets of request line and header fields together. A scraper's are some 300.
inline constexpr std::size_t kMostHead = 8192;

struct Request {
  enum class State : std::uint8_t {
    unfinished,  ///< more has to come
    good,        ///< GET or HEAD of `path`
    other,       ///< well-formed, of another method
    bad,         ///< not HTTP/1
    too_large,   ///< more than kMostHead, and no end
  };
  State state = State::unfinished;
  bool head_only = false;  ///< HEAD
  std::string_view path;   ///< without the query; into `octets`
};

/// What `octets`, all that has come so far, ask for. Lines end by CRLF or LF (RFC 9112 §2.2).
[[nodiscard]] Request read_request(std::string_view octets);

}  // namespace blowback::watch
