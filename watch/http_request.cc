#include "http_request.h"

#include <algorithm>

namespace blowback::watch {
namespace {

/// Whether the head is complete: it ends with an empty line.
[[nodiscard]] bool is_complete(std::string_view octets) {
  return octets.find("\n\r\n") != std::string_view::npos || octets.find("\n\n") != std::string_view::npos;
}

[[nodiscard]] bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Request read_request(std::string_view octets) {
  const auto line_end = octets.find('\n');
  // Reject what isn't HTTP after its first line, without waiting for the end of the head.
  if (line_end == std::string_view::npos) {
    return {.state = octets.size() >= kMostHead ? Request::State::too_large : Request::State::unfinished};
  }
  auto line = octets.substr(0, line_end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || first == last) return {.state = Request::State::bad};
  const auto method = line.substr(0, first);
  auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if ((version != "HTTP/1.1" && version != "HTTP/1.0") || !target.starts_with('/') || !is_printable(target) ||
      !is_printable(method)) {
    return {.state = Request::State::bad};
  }
  if (!is_complete(octets)) {
    return {.state = octets.size() >= kMostHead ? Request::State::too_large : Request::State::unfinished};
  }
  target = target.substr(0, target.find('?'));
  if (method != "GET" && method != "HEAD") return {.state = Request::State::other};
  return {.state = Request::State::good, .head_only = method == "HEAD", .path = target};
}

}  // namespace blowback::watch
