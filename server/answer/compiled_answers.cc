// Specimen questions are answered by the plain path, and what stands behind the question is kept.
#include "compiled_answers.h"

#include "decide.h"
#include "letter_case.h"
#include "plain_answer.h"
#include "query.h"
#include "wire_format.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

namespace blowback::answer {
namespace {

/// TYPE, CLASS, TTL.
constexpr std::size_t kRecordHead = 8;
constexpr std::size_t kNoLimit = 65535;

/// Reads replies that we built ourselves: what it meets is well formed.
class Compiler {
 public:
  /// `left`: a label in wire format left of the apex, or nothing.
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

    CompiledRecords records;
    records.octets.assign(built.octets.begin() + static_cast<std::ptrdiff_t>(begin), built.octets.end());
    records.answers = read16(built.octets.data() + 6);
    records.authorities = read16(built.octets.data() + 8);
    for (std::size_t at = 0; at < records.octets.size();) at = pass_record(records, at);
    return records;
  }

 private:
  /// Notes the pointers of the record at `at`, and the serial if it is a SOA. Returns where it ends.
  std::size_t pass_record(CompiledRecords& records, std::size_t at) const {
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

  std::size_t pass_name(CompiledRecords& records, std::size_t at) const {
    while (true) {
      const auto length = records.octets[at];
      if (length == 0) return at + 1;
      if (length < 0xc0) {
        at += 1 + std::size_t{length};
        continue;
      }
      const auto target = std::size_t{read16(records.octets.data() + at)} & 0x3fffU;
      // The whole QNAME stays where it is; whatever is right of its first label, or behind the question, moves.
      if (target != kHeader) {
        records.pointers.push_back(static_cast<std::uint16_t>(at));
        write16(records.octets.data() + at, 0xc000U | (target - left_.size()));
      }
      return at + 2;
    }
  }

  const ServedZone& zone_;
  std::vector<std::uint8_t> left_;
};

/// The text of the label right above the apex; empty where the name isn't below it.
[[nodiscard]] std::string label_above(const WireName& apex, const WireName& name) {
  std::size_t before = name.size();  // where the label before the present place begins
  for (std::size_t at = 0; at < name.size(); at += 1 + std::size_t{name[at]}) {
    if (name.size() - at == apex.size() &&
        std::equal(apex.begin(), apex.end(), name.begin() + static_cast<std::ptrdiff_t>(at), equal_ignoring_case)) {
      if (before == name.size()) return {};
      return {name.begin() + static_cast<std::ptrdiff_t>(before) + 1, name.begin() + static_cast<std::ptrdiff_t>(at)};
    }
    before = at;
    if (name[at] == 0) break;
  }
  return {};
}

}  // namespace

CompiledAnswers::CompiledAnswers(const ServedZone& zone) : ttl_(zone.ttl) {
  // A label that no name of ours can have.
  const Compiler below(zone, {1, 0});
  const Compiler at_apex(zone, {});
  Decision decision{.authoritative = true, .answer = Decision::RrSet::a};
  for (std::uint32_t bits = 1; bits < a_.size(); ++bits) {
    decision.codes = CodeSet::from_bits(bits);
    a_[bits] = below.compile(decision, kA);
  }
  negative_ = below.compile({.rcode = Rcode::nxdomain, .authoritative = true, .negative = true}, kA);
  soa_ = at_apex.compile({.authoritative = true, .answer = Decision::RrSet::soa}, kSoa);
  ns_ = at_apex.compile({.authoritative = true, .answer = Decision::RrSet::ns}, kNs);

  constexpr std::string_view kPlace = "{ip}";
  std::string_view rest = zone.txt;
  for (auto place = rest.find(kPlace); place != std::string_view::npos; place = rest.find(kPlace)) {
    txt_.emplace_back(rest.substr(0, place));
    rest.remove_prefix(place + kPlace.size());
  }
  txt_.emplace_back(rest);

  auto names = zone.nameservers;
  names.push_back(zone.hostmaster);
  for (const auto& name : names) {
    if (auto label = label_above(zone.apex, name); !label.empty()) labels_in_use_.push_back(std::move(label));
  }
  is_quick_ = std::ranges::none_of(
      labels_in_use_, [](const std::string& label) { return label.front() >= '0' && label.front() <= '9'; });
}

}  // namespace blowback::answer
