// The OPT by hand: eleven octets and a few options, the same for every way of building a reply.
#include "edns.h"

#include <algorithm>
#include <cassert>

namespace blowback::answer {
namespace {

constexpr std::uint16_t kNsid = 3;        // RFC 5001
constexpr std::uint16_t kKeepalive = 11;  // RFC 7828
constexpr std::uint16_t kError = 15;      // RFC 8914
constexpr std::size_t kOptionHead = 4;    // code and length

}  // namespace

std::size_t reply_limit(const Query& query, bool tcp) {
  if (tcp) return kLongestTcpReply;
  return udp_reply_limit(query.edns.has_value(), query.edns ? query.edns->payload : std::uint16_t{0});
}

void OptRecord::put8(std::size_t value) {
  assert(size_ < kLongest);
  octets_[size_++] = static_cast<std::uint8_t>(value & 0xffU);
}

void OptRecord::put16(std::size_t value) {
  put8(value >> 8U);
  put8(value);
}

void OptRecord::put(Wire octets) {
  assert(octets.size() <= kLongest - size_);
  std::ranges::copy(octets, octets_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += octets.size();
}

OptRecord opt_record(const Query& query, const ServedZone& zone, const Decision& decision, Wire cookie, bool tcp) {
  OptRecord opt;
  if (!query.edns) return opt;
  const bool nsid = query.edns->nsid && !zone.nsid.empty();
  // RFC 7828 §3.2.1: without meaning over UDP, where it is ignored.
  const bool keepalive = query.edns->keepalive && tcp;
  opt.put8(0);  // owner: the root
  opt.put16(kOpt);
  opt.put16(kUdpPayload);
  opt.put8(static_cast<unsigned>(decision.rcode) >> 4U);  // the upper eight of twelve bits
  opt.put8(0);                                            // version
  opt.put16(query.edns->dnssec_ok ? 0x8000U : 0U);
  opt.put16((nsid ? kOptionHead + zone.nsid.size() : 0U) + (keepalive ? kOptionHead + 2 : 0U) +
            (cookie.empty() ? 0U : kOptionHead + cookie.size()) + (decision.extended_error ? kOptionHead + 2 : 0U));
  if (nsid) {
    opt.put16(kNsid);
    opt.put16(zone.nsid.size());
    for (const char c : zone.nsid) opt.put8(static_cast<std::uint8_t>(c));
  }
  if (keepalive) {
    opt.put16(kKeepalive);
    opt.put16(2);
    opt.put16(zone.keepalive);
  }
  if (!cookie.empty()) {
    opt.put16(kCookieOption);
    opt.put16(cookie.size());
    opt.put(cookie);
  }
  if (decision.extended_error) {
    opt.put16(kError);
    opt.put16(2);
    opt.put16(static_cast<std::uint16_t>(*decision.extended_error));
  }
  return opt;
}

}  // namespace blowback::answer
