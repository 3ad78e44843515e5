// The plain path answers sample questions; what follows the question in its replies is kept.
#include "compiled_answers.h"

#include "answer/wire_format.h"
#include "decide.h"
#include "letter_case.h"
#include "plain_answer.h"
#include "query.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

namespace blowback::answer {
namespace {

/// TYPE, CLASS, TTL.
constexpr std::size_t kRecordHead = 8;
constexpr std::size_t kNoLimit = 65535;
/// A label that no name in the zone has.
constexpr std::array<std::uint8_t, 2> kLabelOfNone{1, 0};

/// Reads replies that we built: they are well formed.
class Compiler {
 public:
  /// `left`: labels in wire format left of the apex, or nothing.
  Compiler(const ServedZone& zone, std::vector<std::uint8_t> left) : zone_(zone), left_(std::move(left)) {}

  [[nodiscard]] CompiledRecords compile(const Decision& decision, std::uint16_t type) const {
    std::vector<std::uint8_t> question(kHeader);
    question[5] = 1;  // QDCOUNT
    question.insert(question.end(), left_.begin(), left_.end());
    question.insert(question.end(), zone_.apex.begin(), zone_.apex.end());
    question.resize(question.size() + kTypeAndClass);
    write16(question.data() + question.size() - 4, type);
    write16(question.data() + question.size() - 2, kClassIn);
    const auto query = read_query(question);
    assert(query.form == Query::Form::good);
    const auto built = plain_answer(query, decision, zone_, {}, kNoLimit);
    const auto begin = kHeader + query.question->qname.size() + kTypeAndClass;

    CompiledRecords records{.left = left_.size()};
    records.octets.assign(built.octets.begin() + static_cast<std::ptrdiff_t>(begin), built.octets.end());
    records.answers = read16(built.octets.data() + 6);
    records.authorities = read16(built.octets.data() + 8);
    for (std::size_t at = 0; at < records.octets.size();) at = pass_record(records, at);
    return records;
  }

 private:
  /// Records the pointers in the record at `at`, and the serial if it is a SOA. Returns its end.
  static std::size_t pass_record(CompiledRecords& records, std::size_t at) {
    at = pass_name(records, at);
    const auto type = read16(records.octets.data() + at);
    at += kRecordHead;
    const std::size_t size = read16(records.octets.data() + at);
    at += 2;
    const auto end = at + size;
    if (type == kNs) at = pass_name(records, at);
    if (type == kSoa) {
      at = pass_name(records, pass_name(records, at));
      records.serial_at = static_cast<std::uint16_t>(at);
    }
    return end;
  }

  static std::size_t pass_name(CompiledRecords& records, std::size_t at) {
    while (true) {
      const auto length = records.octets[at];
      if (length == 0) return at + 1;
      if (length < 0xc0) {
        at += 1 + std::size_t{length};
        continue;
      }
      const auto target = std::size_t{read16(records.octets.data() + at)} & 0x3fffU;
      // The whole QNAME stays where it is; whatever is right of its first label, or behind the question, moves.
      if (target != kHeader) records.pointers.push_back(static_cast<std::uint16_t>(at));
      return at + 2;
    }
  }

  const ServedZone& zone_;
  std::vector<std::uint8_t> left_;
};

/// The labels left of the apex; empty if the name isn't below it.
[[nodiscard]] WireName labels_below(const WireName& apex, const WireName& name) {
  for (std::size_t at = 0; at < name.size(); at += 1 + std::size_t{name[at]}) {
    const auto rest = std::span(name).subspan(at);
    if (std::ranges::equal(rest, apex, equal_ignoring_case)) return {name.begin(), name.end() - std::ssize(apex)};
  }
  return {};
}

}  // namespace

CompiledAnswers::CompiledAnswers(const ServedZone& zone) : ttl_(zone.ttl) {
  const Compiler below(zone, {kLabelOfNone.begin(), kLabelOfNone.end()});
  const Compiler at_apex(zone, {});
  Decision decision{.authoritative = true, .answer = Decision::RrSet::a};
  for (std::uint32_t bits = 1; bits < a_.size(); ++bits) {
    decision.codes = CodeSet::from_bits(bits);
    a_[bits] = below.compile(decision, kA);
  }
  constexpr Decision kNegative{.rcode = Rcode::nxdomain, .authoritative = true, .negative = true};
  negative_ = below.compile(kNegative, kA);
  soa_ = at_apex.compile({.authoritative = true, .answer = Decision::RrSet::soa}, kSoa);
  ns_ = at_apex.compile({.authoritative = true, .answer = Decision::RrSet::ns}, kNs);

  constexpr std::string_view kPlace = "{ip}";
  std::string_view rest = zone.txt;
  for (auto place = rest.find(kPlace); place != std::string_view::npos; place = rest.find(kPlace)) {
    txt_.emplace_back(rest.substr(0, place));
    rest.remove_prefix(place + kPlace.size());
  }
  txt_.emplace_back(rest);

  for (const auto& host : zone.hosts) {
    const Compiler at_host(zone, host.below_apex);
    hosts_.push_back(
        {at_host.compile({.authoritative = true, .answer = Decision::RrSet::host_a, .host = &host}, kA),
         at_host.compile({.authoritative = true, .answer = Decision::RrSet::host_aaaa, .host = &host}, kAaaa)});
  }
  for (const auto* const name : {&zone.nameservers.front(), &zone.hostmaster}) {
    const auto labels = labels_below(zone.apex, *name);
    for (Wire shared = labels; !shared.empty(); shared = shared.subspan(std::size_t{1} + shared[0])) {
      WireName left(shared.begin(), shared.end());
      // There is no name below the longest possible one.
      if (left.size() + kLabelOfNone.size() + zone.apex.size() <= kLongestName)
        left.insert(left.begin(), kLabelOfNone.begin(), kLabelOfNone.end());
      beneath_.push_back(
          {.labels = {shared.begin(), shared.end()}, .negative = Compiler(zone, left).compile(kNegative, kA)});
    }
  }
  std::ranges::stable_sort(beneath_, std::ranges::greater{}, [](const Beneath& one) { return one.labels.size(); });
}

std::size_t CompiledAnswers::write_text(const Prefix& subject, std::span<std::uint8_t, 255> out) const {
  std::array<char, Prefix::kLongestText> text;
  const std::string_view ip(text.data(), subject.to_chars(text));
  std::size_t size = 0;
  const auto append = [&](std::string_view piece) {
    const auto taken = std::min(piece.size(), out.size() - size);
    std::memcpy(out.data() + size, piece.data(), taken);
    size += taken;
  };
  bool first = true;
  for (const auto& piece : txt_) {
    if (!first) append(ip);
    first = false;
    append(piece);
  }
  return size;
}

const CompiledRecords& CompiledAnswers::negative(Wire left) const {
  if (beneath_.empty()) return negative_;
  for (; !left.empty(); left = left.subspan(std::size_t{1} + left[0])) {
    for (const auto& one : beneath_) {
      if (std::ranges::equal(left, one.labels, equal_ignoring_case)) return one.negative;
    }
  }
  return negative_;
}

}  // namespace blowback::answer
