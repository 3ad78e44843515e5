#include "soa_rdata.h"

#include "answer/wire_format.h"
#include "blowback/soa_times.h"

namespace blowback::transfer {

std::vector<std::uint8_t> soa_rdata(const answer::ServedZone& zone, std::uint32_t serial) {
  auto rdata = zone.nameservers.front();
  rdata.insert(rdata.end(), zone.hostmaster.begin(), zone.hostmaster.end());
  rdata.resize(rdata.size() + kSoaNumbers);
  auto* at = rdata.data() + rdata.size() - kSoaNumbers;
  for (const auto number : {serial, kSoaRefresh, kSoaRetry, kSoaExpire, zone.negative_ttl}) {
    answer::write32(at, number);
    at += 4;
  }
  return rdata;
}

}  // namespace blowback::transfer
