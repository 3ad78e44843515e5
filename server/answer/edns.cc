// The OPT by hand: eleven octets and a few options, the same for every way of building a reply.
#include "edns.h"

#include <algorithm>
#include <array>

namespace blowback::answer {
namespace {

constexpr std::uint16_t kNsid = 3;        // RFC 5001
constexpr std::uint16_t kKeepalive = 11;  // RFC 7828
constexpr std::uint16_t kError = 15;      // RFC 8914
constexpr std::size_t kPlainLimit = 512;  // RFC 1035 §4.2.1
constexpr std::size_t kTcpLimit = 65535;

void put16(std::vector<std::uint8_t>& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>((value >> 8U) & 0xffU));
  to.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

}  // namespace

std::size_t reply_limit(const Query& query, bool tcp) {
  if (tcp) return kTcpLimit;
  if (!query.edns) return kPlainLimit;
  // RFC 6891 §6.2.3: less than 512 counts as 512.
  return std::clamp<std::size_t>(query.edns->payload, kPlainLimit, kUdpPayload);
}

std::vector<std::uint8_t> opt_record(const Query& query, const ServedZone& zone, Rcode rcode,
                                     std::optional<ExtendedError> error, bool tcp) {
  if (!query.edns) return {};
  std::vector<std::uint8_t> options;
  if (query.edns->nsid && !zone.nsid.empty()) {
    put16(options, kNsid);
    put16(options, zone.nsid.size());
    options.insert(options.end(), zone.nsid.begin(), zone.nsid.end());
  }
  // RFC 7828 §3.2.1: without meaning over UDP, where it is ignored.
  if (query.edns->keepalive && tcp) {
    put16(options, kKeepalive);
    put16(options, 2);
    put16(options, zone.keepalive);
  }
  if (error) {
    put16(options, kError);
    put16(options, 2);
    put16(options, static_cast<std::uint16_t>(*error));
  }
  std::vector<std::uint8_t> opt{0};  // owner: the root
  put16(opt, kOpt);
  put16(opt, kUdpPayload);
  opt.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(rcode) >> 4U));  // the upper eight of twelve bits
  opt.push_back(0);                                                              // version
  put16(opt, query.edns->dnssec_ok ? 0x8000U : 0U);
  put16(opt, options.size());
  opt.insert(opt.end(), options.begin(), options.end());
  return opt;
}

}  // namespace blowback::answer
