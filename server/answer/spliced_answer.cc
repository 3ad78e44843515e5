#include "spliced_answer.h"

#include "answer/wire_format.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace blowback::answer {
namespace {

constexpr std::size_t kTxtHead = 13;  // pointer, TYPE, CLASS, TTL, RDLENGTH, and the string's own length

/// The whole TXT record for the question's name: at most kTxtHead + kLongestString octets. Returns its size.
[[nodiscard]] std::size_t write_txt(const CompiledAnswers& compiled, const Prefix& subject, std::uint8_t* out) {
  const auto size =
      compiled.write_text(subject, std::span<std::uint8_t, kLongestString>(out + kTxtHead, kLongestString));
  write16(out, 0xc000U | kHeader);
  write16(out + 2, kTxt);
  write16(out + 4, kClassIn);
  write32(out + 6, compiled.ttl());
  write16(out + 10, size + 1);
  out[12] = static_cast<std::uint8_t>(size);
  return kTxtHead + size;
}

/// nullptr: none. `left`: the labels left of the apex.
[[nodiscard]] const CompiledRecords* records_of(const Decision& decision, Wire left, const ServedZone& zone) {
  const auto& compiled = *zone.compiled;
  switch (decision.answer) {
    case Decision::RrSet::none:
      return decision.negative ? &compiled.negative(left) : nullptr;
    case Decision::RrSet::a:
      return &compiled.a(decision.codes);
    case Decision::RrSet::txt:
      return nullptr;
    case Decision::RrSet::soa:
      return &compiled.soa();
    case Decision::RrSet::ns:
      return &compiled.ns();
    case Decision::RrSet::host_a:
    case Decision::RrSet::host_aaaa:
      return &compiled.host(static_cast<std::size_t>(decision.host - zone.hosts.data()),
                            decision.answer == Decision::RrSet::host_a ? Family::ipv4 : Family::ipv6);
  }
  return nullptr;
}

}  // namespace

Spliced splice(const Parts& parts, const CompiledAnswers& compiled, std::size_t limit, std::span<std::uint8_t> out) {
  static const CompiledRecords kNone;
  const auto* records = parts.records == nullptr ? &kNone : parts.records;
  const auto fixed = kHeader + parts.question.size() + parts.opt.size();
  std::uint8_t* const reply = out.data();
  std::uint8_t* const at = reply + kHeader + parts.question.size();
  // `out` always has room for the TXT, so it is written before checking whether it fits the limit.
  auto size = parts.txt_about != nullptr ? write_txt(compiled, *parts.txt_about, at) : records->octets.size();
  std::size_t answers = parts.txt_about != nullptr ? 1 : records->answers;
  const bool truncated = fixed + size > limit;
  if (truncated) {
    records = &kNone;
    size = answers = 0;
  }

  write16(reply, parts.id);
  reply[2] = static_cast<std::uint8_t>(0x80U | (static_cast<unsigned>(parts.opcode) << 3U) |
                                       (parts.authoritative ? 0x04U : 0U) | (truncated ? 0x02U : 0U) |
                                       (parts.recursion_desired ? 0x01U : 0U));
  reply[3] =
      static_cast<std::uint8_t>((parts.checking_disabled ? 0x10U : 0U) | (static_cast<unsigned>(parts.rcode) & 0xfU));
  write16(reply + 4, parts.question.empty() ? 0U : 1U);
  write16(reply + 6, answers);
  write16(reply + 8, records->authorities);
  write16(reply + 10, parts.opt.empty() ? 0U : 1U);
  std::copy_n(parts.question.data(), parts.question.size(), reply + kHeader);
  if (!records->octets.empty()) {
    std::memcpy(at, records->octets.data(), size);
    for (const auto place : records->pointers) write16(at + place, read16(at + place) + parts.left - records->left);
    if (records->serial_at) write32(at + *records->serial_at, parts.serial);
  }
  std::copy_n(parts.opt.data(), parts.opt.size(), at + size);
  return {.size = fixed + size, .truncated = truncated};
}

Spliced spliced_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                       std::size_t limit, std::span<std::uint8_t> out) {
  Parts parts{.id = query.id,
              .opcode = query.opcode,
              .authoritative = decision.authoritative,
              .recursion_desired = query.recursion_desired,
              .checking_disabled = query.checking_disabled,
              .rcode = decision.rcode,
              .serial = decision.serial,
              .opt = opt};
  if (query.question) {
    const auto qname = query.question->qname;
    // Type and class follow the name.
    parts.question = {qname.data(), qname.size() + kTypeAndClass};
    // Only authoritative answers have records, and their name is in the zone.
    if (decision.authoritative) {
      parts.left = qname.size() - zone.apex.size();
      parts.records = records_of(decision, qname.first(parts.left), zone);
      if (decision.answer == Decision::RrSet::txt) parts.txt_about = &decision.subject;
    }
  }
  return splice(parts, *zone.compiled, limit, out);
}

}  // namespace blowback::answer
