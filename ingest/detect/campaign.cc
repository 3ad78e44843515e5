// FNV-1a of 128 bits. It needn't resist collisions: an attacker who makes two mailings equal only makes them count for less.
#include "campaign.h"

#include "words.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace blowback::detect {
namespace {

__extension__ using Wide = unsigned __int128;

[[nodiscard]] std::string hash_of(std::string_view text) {
  const Wide prime = (Wide{0x0000000001000000U} << 64U) | 0x000000000000013BU;
  Wide hash = (Wide{0x6C62272E07BB0142U} << 64U) | 0x62B821756295C58DU;
  for (const char c : text) {
    hash ^= static_cast<std::uint8_t>(c);
    hash *= prime;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(32, '0');
  for (std::size_t i = 32; i-- > 0;) {
    out[i] = kDigits[static_cast<std::size_t>(hash & 15U)];
    hash >>= 4U;
  }
  return out;
}

}  // namespace

std::string campaign_of_message_id(const std::string& message_id) {
  return message_id.empty() ? std::string() : hash_of("message-id\n" + message_id);
}

std::string campaign_of(const ReturnedOriginal& original) {
  if (!original.message_id.empty()) return campaign_of_message_id(original.message_id);
  const int known = static_cast<int>(!original.from.empty()) + static_cast<int>(!original.subject.empty()) +
                    static_cast<int>(!original.date.empty());
  if (known < 2) return {};
  return hash_of("fields\n" + lower_case(original.from) + '\n' + original.subject + '\n' + original.date);
}

}  // namespace blowback::detect
