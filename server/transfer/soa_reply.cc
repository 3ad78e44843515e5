#include "transfer/soa_reply.h"

#include "answer/wire_format.h"
#include "soa_rdata.h"

#include <algorithm>
#include <cstddef>

namespace blowback::transfer {
namespace {

using answer::kHeader;
using answer::kTypeAndClass;
using answer::read16;
using answer::read32;

constexpr std::uint16_t kSoa = 6;
constexpr std::uint16_t kClassIn = 1;
constexpr std::uint8_t kResponse = 0x80;  // QR, and 0 for the opcode QUERY
constexpr std::uint8_t kQrAndOpcode = 0xf8;
constexpr std::uint8_t kAuthoritative = 0x04;
constexpr std::uint8_t kTruncated = 0x02;

/// The place behind the name at `at`, compressed or not; 0: there is no name. Follows no pointer.
[[nodiscard]] std::size_t behind_name(std::span<const std::uint8_t> message, std::size_t at) {
  while (at < message.size()) {
    const std::size_t length = message[at];
    if (length >= 0xc0) return at + 2;
    if (length > answer::kLongestLabel) return 0;
    at += length + 1;
    if (length == 0) return at;
  }
  return 0;
}

/// Of the record at `at`, if it is a SOA.
[[nodiscard]] std::optional<std::uint32_t> serial_at(std::span<const std::uint8_t> message, std::size_t at) {
  constexpr std::size_t kRecordHead = 10;
  constexpr std::size_t kShortestNames = 2;
  at = behind_name(message, at);
  if (at == 0 || at + kRecordHead > message.size()) return std::nullopt;
  const std::size_t length = read16(&message[at + 8]);
  const bool is_soa = read16(&message[at]) == kSoa && read16(&message[at + 2]) == kClassIn;
  const auto rdata = at + kRecordHead;
  if (!is_soa || length < kShortestNames + kSoaNumbers || rdata + length > message.size()) return std::nullopt;
  // The names before the numbers may be compressed; the numbers are the last 20 octets (RFC 1035 §3.3.13).
  return read32(&message[rdata + length - kSoaNumbers]);
}

[[nodiscard]] bool same_letter(std::uint8_t a, std::uint8_t b) {
  const auto lower = [](std::uint8_t c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
  return lower(a) == lower(b);
}

}  // namespace

std::vector<std::uint8_t> soa_query(std::uint16_t id, std::span<const std::uint8_t> apex) {
  std::vector<std::uint8_t> message(kHeader + apex.size() + kTypeAndClass);
  answer::write16(message.data(), id);
  answer::write16(&message[4], 1);  // one question
  std::ranges::copy(apex, &message[kHeader]);
  answer::write16(&message[message.size() - 4], kSoa);
  answer::write16(&message[message.size() - 2], kClassIn);
  return message;
}

std::optional<SoaReply> read_soa_reply(std::span<const std::uint8_t> message, std::uint16_t id,
                                       std::span<const std::uint8_t> apex) {
  if (message.size() < kHeader || read16(message.data()) != id || (message[2] & kQrAndOpcode) != kResponse)
    return std::nullopt;
  SoaReply reply{.rcode = message[3] & 0x0fU, .serial = {}};
  const bool has_question = read16(&message[4]) == 1;
  const auto answers = kHeader + apex.size() + kTypeAndClass;
  // Errors such as FORMERR may come without the question.
  if (!has_question && reply.rcode != 0) return reply;
  if (!has_question || message.size() < answers ||
      !std::ranges::equal(message.subspan(kHeader, apex.size()), apex, same_letter) ||
      read16(&message[answers - 4]) != kSoa || read16(&message[answers - 2]) != kClassIn) {
    return std::nullopt;
  }
  const bool has_answer = reply.rcode == 0 && (message[2] & kAuthoritative) != 0 && (message[2] & kTruncated) == 0 &&
                          read16(&message[6]) != 0;
  if (has_answer) reply.serial = serial_at(message, answers);
  return reply;
}

}  // namespace blowback::transfer
