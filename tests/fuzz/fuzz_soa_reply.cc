// A name server's reply of any octets to a query for the SOA: it is read or ignored, and a serial comes from its octets.
#include "answer/wire_format.h"
#include "transfer/soa_reply.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace blowback;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> apex{2, 'b', 'l', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0};
  const std::vector<std::uint8_t> message(data, data + size);  // at its exact size
  const auto reply = transfer::read_soa_reply(message, 7, apex);
  if (!reply || !reply->serial) return 0;
  if (reply->rcode != 0) std::abort();
  for (std::size_t at = answer::kHeader; at + 4 <= message.size(); ++at) {
    if (answer::read32(&message[at]) == *reply->serial) return 0;
  }
  std::abort();
}
