#include "edns.h"

#include "answer/wire_format.h"

#include <algorithm>
#include <cassert>

namespace blowback::answer {
namespace {

constexpr std::uint16_t kNsid = 3;        // RFC 5001
constexpr std::uint16_t kKeepalive = 11;  // RFC 7828
constexpr std::uint16_t kError = 15;      // RFC 8914
constexpr std::size_t kOptionHead = 4;    // code and length

}  // namespace

void OptRecord::put16(std::size_t value) {
  assert(size_ + 2 <= kLongest);
  write16(octets_.data() + size_, value);
  size_ += 2;
}

void OptRecord::put(Wire octets) {
  assert(octets.size() <= kLongest - size_);
  std::copy_n(octets.data(), octets.size(), octets_.data() + size_);
  size_ += octets.size();
}

OptRecord opt_record(const std::optional<Edns>& edns, const ServedZone& zone, Wire cookie, bool tcp, Rcode rcode,
                     std::optional<ExtendedError> error) {
  OptRecord opt;
  if (!edns) return opt;
  const bool nsid = edns->nsid && !zone.nsid.empty();
  // RFC 7828 §3.2.1: ignored over UDP.
  const bool keepalive = edns->keepalive && tcp;
  constexpr std::array<std::uint8_t, 1> kRoot{0};
  opt.put(kRoot);
  opt.put16(kOpt);
  opt.put16(kUdpPayload);
  opt.put16((static_cast<unsigned>(rcode) >> 4U) << 8U);  // the upper eight of twelve bits, and version 0
  opt.put16(edns->dnssec_ok ? 0x8000U : 0U);
  opt.put16((nsid ? kOptionHead + zone.nsid.size() : 0U) + (keepalive ? kOptionHead + 2 : 0U) +
            (cookie.empty() ? 0U : kOptionHead + cookie.size()) + (error ? kOptionHead + 2 : 0U));
  if (nsid) {
    opt.put16(kNsid);
    opt.put16(zone.nsid.size());
    opt.put(std::span(reinterpret_cast<const std::uint8_t*>(zone.nsid.data()), zone.nsid.size()));
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
  if (error) {
    opt.put16(kError);
    opt.put16(2);
    opt.put16(static_cast<std::uint16_t>(*error));
  }
  return opt;
}

}  // namespace blowback::answer
