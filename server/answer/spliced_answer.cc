// Copying and patching.
#include "spliced_answer.h"

#include "letter_case.h"
#include "wire_format.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace blowback::answer {
namespace {

/// The whole TXT record for the question's name: at most kLongestTxt octets. Returns its size.
constexpr std::size_t kTxtHead = 13;  // pointer, TYPE, CLASS, TTL, RDLENGTH, and the string's own length
constexpr std::size_t kLongestTxt = kTxtHead + kLongestString;

[[nodiscard]] std::size_t write_txt(const CompiledAnswers& compiled, const IpAddress& address, std::uint8_t* out) {
  std::array<char, IpAddress::kLongestText> text;
  const std::string_view ip(text.data(), address.to_chars(text));
  std::size_t size = 0;
  const auto append = [&](std::string_view piece) {
    const auto taken = std::min(piece.size(), kLongestString - size);
    std::memcpy(out + kTxtHead + size, piece.data(), taken);
    size += taken;
  };
  bool first = true;
  for (const auto& piece : compiled.txt()) {
    if (!first) append(ip);
    first = false;
    append(piece);
  }
  write16(out, 0xc000U | kHeader);
  write16(out + 2, kTxt);
  write16(out + 4, kClassIn);
  write32(out + 6, compiled.ttl());
  write16(out + 10, size + 1);
  out[12] = static_cast<std::uint8_t>(size);
  return kTxtHead + size;
}

/// nullptr: none.
[[nodiscard]] const CompiledRecords* records_of(const Decision& decision, const CompiledAnswers& compiled) {
  switch (decision.answer) {
    case Decision::RrSet::none:
      return decision.negative ? &compiled.negative() : nullptr;
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
      break;
  }
  return nullptr;
}

/// Whether the label right above the apex is one of ours, so that there is more to compress.
[[nodiscard]] bool shares_labels(const Question& question, const ServedZone& zone, const CompiledAnswers& compiled) {
  if (question.labels <= zone.apex_labels) return false;
  const auto at = question.label_at[question.labels - zone.apex_labels - 1];
  const auto label = question.qname.subspan(std::size_t{at} + 1, question.qname[at]);
  return std::ranges::any_of(compiled.labels_in_use(), [&](const std::string& own) {
    return own.size() == label.size() && std::equal(own.begin(), own.end(), label.begin(), equal_ignoring_case);
  });
}

}  // namespace

std::size_t splice(const Parts& parts, const CompiledAnswers& compiled, std::size_t limit,
                   std::span<std::uint8_t> out) {
  const bool is_txt = parts.txt_about != nullptr;
  static const CompiledRecords kNone;
  const auto& records = parts.records == nullptr ? kNone : *parts.records;
  const auto own = is_txt ? kLongestTxt : records.octets.size();
  if (kHeader + parts.question.size() + own + parts.opt.size() > limit) return 0;

  std::uint8_t* const reply = out.data();
  write16(reply, parts.id);
  reply[2] =
      static_cast<std::uint8_t>(0x80U | (parts.authoritative ? 0x04U : 0U) | (parts.recursion_desired ? 0x01U : 0U));
  reply[3] =
      static_cast<std::uint8_t>((parts.checking_disabled ? 0x10U : 0U) | (static_cast<unsigned>(parts.rcode) & 0xfU));
  write16(reply + 4, 1);
  write16(reply + 6, is_txt ? 1U : records.answers);
  write16(reply + 8, records.authorities);
  write16(reply + 10, parts.opt.empty() ? 0U : 1U);
  std::memcpy(reply + kHeader, parts.question.data(), parts.question.size());

  std::uint8_t* at = reply + kHeader + parts.question.size();
  if (is_txt) {
    at += write_txt(compiled, *parts.txt_about, at);
  } else if (!records.octets.empty()) {
    std::memcpy(at, records.octets.data(), records.octets.size());
    for (const auto place : records.pointers) {
      write16(at + place, read16(at + place) + parts.left);
    }
    if (records.serial_at) write32(at + *records.serial_at, parts.serial);
    at += records.octets.size();
  }
  if (!parts.opt.empty()) std::memcpy(at, parts.opt.data(), parts.opt.size());
  return static_cast<std::size_t>(at - reply) + parts.opt.size();
}

std::size_t spliced_answer(const Query& query, const Decision& decision, const ServedZone& zone, Wire opt,
                           std::size_t limit, std::span<std::uint8_t> out) {
  // What a name server in the zone has for addresses is asked rarely: by the plain way.
  if (query.form != Query::Form::good || decision.host != nullptr) return 0;
  const auto& compiled = *zone.compiled;
  const auto& question = *query.question;
  const auto* const records = records_of(decision, compiled);
  const bool has_pointers = records != nullptr && !records->pointers.empty();
  if (has_pointers && !compiled.labels_in_use().empty() && shares_labels(question, zone, compiled)) return 0;
  return splice({.id = query.id,
                 .authoritative = decision.authoritative,
                 .recursion_desired = query.recursion_desired,
                 .checking_disabled = query.checking_disabled,
                 .rcode = decision.rcode,
                 // Type and class stand right behind the name.
                 .question = {question.qname.data(), question.qname.size() + kTypeAndClass},
                 // Without records it means nothing, and the name may be out of zone.
                 .left = has_pointers ? question.qname.size() - zone.apex.size() : 0,
                 .records = records,
                 .txt_about = decision.answer == Decision::RrSet::txt ? &decision.address : nullptr,
                 .serial = decision.serial,
                 .opt = opt},
                compiled, limit, out);
}

}  // namespace blowback::answer
