#include "quick_answer.h"

#include "answer/wire_format.h"
#include "compiled_answers.h"
#include "edns.h"
#include "letter_case.h"
#include "spliced_answer.h"
#include "wildcard.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace blowback::answer {
namespace {

/// A label of one to three digits without leading zeros, at most 255; returns its end, or nullptr for anything else.
/// Requires four octets to read.
[[nodiscard]] const std::uint8_t* octet_label(const std::uint8_t* at, std::uint32_t& value) {
  const unsigned length = at[0];
  if (length - 1 > 2) return nullptr;
  std::uint32_t number = 0;
  for (unsigned i = 1; i <= length; ++i) {
    const unsigned digit = at[i] - unsigned{'0'};
    if (digit > 9) return nullptr;
    number = number * 10 + digit;
  }
  if (number > 255 || (length > 1 && at[1] == '0')) return nullptr;
  value = number;
  return at + length + 1;
}

}  // namespace

std::optional<QuickQuestion> quick_question(Wire message, const ServedZones& zones) {
  const std::uint8_t* const begin = message.data();
  // Four labels of one digit also stand for an IPv6 network: that is for the general path. The shortest name of a zone has three octets.
  if (message.size() < kHeader + 9 + 3 + kTypeAndClass) return std::nullopt;
  // A query of opcode QUERY; QDCOUNT 1, ANCOUNT and NSCOUNT 0, ARCOUNT at most 1.
  static constexpr std::array<std::uint8_t, 7> kCounts{0, 1, 0, 0, 0, 0, 0};
  if ((begin[2] & 0xf8U) != 0 || std::memcmp(begin + 4, kCounts.data(), kCounts.size()) != 0 || begin[11] > 1)
    return std::nullopt;

  QuickQuestion question;
  const std::uint8_t* at = begin + kHeader;
  for (unsigned i = 0; i < 4; ++i) {
    std::uint32_t octet = 0;
    at = octet_label(at, octet);
    if (at == nullptr) return std::nullopt;
    question.address |= octet << (8 * i);
  }
  const auto left = static_cast<std::size_t>(at - begin) - kHeader;
  constexpr std::size_t kAllOneDigit = 8;
  constexpr std::uint32_t kLoopback = 127;  // the test points, and 127.0.0.1
  if (left == kAllOneDigit || question.address >> 24U == kLoopback) return std::nullopt;
  const auto rest = message.size() - kHeader - left;
  std::size_t apex = 0;
  for (const auto& zone : zones.all) {
    apex = zone.apex.size();
    if (rest < apex + kTypeAndClass) continue;
    if (std::memcmp(at, zone.apex.data(), apex) != 0 &&
        !std::equal(at, at + apex, zone.apex.data(), equal_ignoring_case))
      continue;
    question.zone = &zone;
    break;
  }
  if (question.zone == nullptr) return std::nullopt;
  const auto fixed = kHeader + left + apex + kTypeAndClass;
  at += apex;
  question.type = read16(at);
  if (read16(at + 2) != kClassIn || (question.type != kA && question.type != kTxt && question.type != kAaaa))
    return std::nullopt;
  at += kTypeAndClass;
  question.left = static_cast<std::uint8_t>(left);

  if (begin[11] == 0) return message.size() == fixed ? std::optional(question) : std::nullopt;
  question.edns = read_lone_opt(message.subspan(fixed));
  if (!question.edns) return std::nullopt;
  return question;
}

Answer quick_answer(Wire message, const QuickQuestion& question, const zone::View& view, Wire opt,
                    std::span<std::uint8_t> reply) {
  const auto& zone = *question.zone;
  const auto& compiled = *zone.compiled;
  const auto address = IpAddress::from_v4(question.address);
  const auto cover = view.index->cover_of(address, view.as_of, zone.codes);
  const auto codes = cover.codes;
  const bool listed = !codes.empty();

  const auto rcode = listed ? Rcode::noerror : Rcode::nxdomain;
  Answer answer{.outcome = listed ? Outcome::listed : Outcome::nxdomain,
                .rcode = static_cast<std::uint8_t>(rcode),
                .type = question.type,
                .codes = codes};
  const std::uint8_t* const query = message.data();
  Parts parts{.id = read16(query),
              .authoritative = true,
              .recursion_desired = (query[2] & 0x01U) != 0,
              .checking_disabled = (query[3] & 0x10U) != 0,
              .rcode = rcode,
              .question = message.subspan(kHeader, question.left + zone.apex.size() + kTypeAndClass),
              .left = question.left,
              .records = nullptr,
              .txt_about = nullptr,
              .serial = view.soa_serial(),
              .opt = opt};
  const auto finish = [&] {
    const auto spliced = splice(parts, compiled, reply_limit(question.edns, false), reply);
    answer.size = spliced.size;
    answer.truncated = spliced.truncated;
    return answer;
  };
  if (listed && question.type == kTxt) {
    const auto subject = subject_of(address, cover, *view.index, view.as_of, zone.codes);
    parts.txt_about = &subject;
    return finish();
  }
  if (listed && question.type == kA) {
    parts.records = &compiled.a(codes);
  } else {
    parts.records = &compiled.negative(parts.question.first(question.left));
    if (listed) answer.outcome = Outcome::nodata;
    answer.codes = {};
  }
  return finish();
}

}  // namespace blowback::answer
