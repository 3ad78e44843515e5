// A scraper's request of any octets, and each prefix of it: a final result for a prefix holds for all longer ones, and the path lies within the input.
#include "../../watch/http_request.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using blowback::watch::read_request;
using blowback::watch::Request;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets are octets
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  Request first;
  for (std::size_t length = 0; length <= octets.size(); ++length) {
    const auto prefix = octets.substr(0, length);
    const auto request = read_request(prefix);
    if (request.state == Request::State::unfinished) {
      require(first.state == Request::State::unfinished && length < blowback::watch::kMostHead);
      continue;
    }
    if (request.state == Request::State::good) {
      require(request.path.starts_with('/') && request.path.data() >= prefix.data() &&
              request.path.data() + request.path.size() <= prefix.data() + prefix.size());
    }
    if (first.state == Request::State::unfinished) first = request;
    // A head that is too long so far may still end with the next octets.
    if (first.state == Request::State::too_large) continue;
    require(request.state == first.state && request.path == first.path && request.head_only == first.head_only);
  }
  return 0;
}
