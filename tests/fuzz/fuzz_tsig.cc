// A message of any octets with a TSIG record anywhere: it is read or refused, checked, and the reply is signed. Only the true signature is good.
#include "answer/tsig.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

using namespace blowback;

namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};

const std::vector<answer::TsigKey>& keys() {
  static const std::vector<answer::TsigKey> kKeys{{.name = {1, 'k', 0},
                                                   .algorithm = config::TsigAlgorithm::hmac_sha256,
                                                   .secret = std::vector<std::uint8_t>(32, 7)},
                                                  {.name = {1, 'l', 0},
                                                   .algorithm = config::TsigAlgorithm::hmac_sha512,
                                                   .secret = std::vector<std::uint8_t>(64, 8)}};
  return kKeys;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first octet says where the record begins.
  if (size < 14) return 0;
  const std::vector<std::uint8_t> message(data + 1, data + size);
  const auto last = answer::last_record(message);
  if (last && (*last < 12 || *last >= message.size())) std::abort();
  const std::size_t at = last && data[0] == 0 ? *last : 12 + data[0] % (message.size() - 12);
  const auto tsig = answer::read_tsig(message, at);
  if (!tsig) return 0;
  if (tsig->key.octets().empty() || tsig->key.octets().back() != 0 || tsig->algorithm.octets().back() != 0)
    std::abort();
  const auto check = answer::check_tsig(message, at, *tsig, keys(), kNow);
  if (!check) return 0;
  if (check->state == answer::TsigState::none) std::abort();
  answer::TsigSigner signer(*tsig, *check);
  // Whatever was read can be signed, and what was signed can be read.
  std::array<std::uint8_t, 64 + 2 * answer::kLongestTsig> reply{};
  std::copy_n(message.begin(), 12, reply.begin());
  for (int i = 0; i < 2; ++i) {
    reply[10] = reply[11] = 0;
    const auto end = signer.sign(reply, 12, kNow);
    if (end != 12 + signer.size() || reply[11] != 1) std::abort();
    const auto own = answer::read_tsig(std::span(reply).first(end), 12);
    if (!own || !std::ranges::equal(own->key.octets(), tsig->key.octets())) std::abort();
    if (own->original_id != tsig->original_id) std::abort();
  }
  return 0;
}
