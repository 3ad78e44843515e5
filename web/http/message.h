// A request and its answer, as the pages see them: without sockets, and without the library that reads and writes them.
#pragma once

#include "blowback/ip_address.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blowback::http {

/// In octets.
inline constexpr std::size_t kLongestBody = 4'096;

struct Request {
  enum class Method : std::uint8_t { get, head, post, other };
  Method method = Method::get;
  std::string target;  ///< as in the request line: a path and perhaps a query
  std::string accept_language;
  std::string if_none_match;
  std::string body;        ///< of a POST, at most kLongestBody
  bool too_large = false;  ///< there is a longer body, which wasn't read
  std::string content_type;
  std::string host;
  std::string origin;
  std::string fetch_site;  ///< Sec-Fetch-Site
  std::string accept;
  std::string wants_removal;      ///< X-Blowback-Removal
  std::string forwarded_for;      ///< X-Forwarded-For: all fields, joined by commas
  std::optional<IpAddress> peer;  ///< the other end of the connection; absent: a unix socket
};

struct Response {
  int status = 200;
  std::string type;  ///< Content-Type; "": there is no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  ///< further header fields
};

}  // namespace blowback::http
