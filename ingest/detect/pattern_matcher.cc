#include "pattern_matcher.h"

#include "alternatives.h"
#include "literal_set.h"
#include "telling_literals.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace blowback::detect {
namespace {

// Compiled when it is first tried: of thousands of patterns, a mail needs some dozens.
class LazyPattern {
 public:
  explicit LazyPattern(std::string_view text) : text_(text) {}

  [[nodiscard]] bool matches(std::string_view text) const {
    std::call_once(once_, [this] {
      pattern_ = std::make_unique<const RE2>(re2::StringPiece(text_.data(), text_.size()), options_for(text_));
    });
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern_);
  }

 private:
  std::string_view text_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<const RE2> pattern_;
};

}  // namespace

// Alternatives and literals are identified by their numbers. There are two ways to the alternatives worth trying: what a text must begin with, which
// costs one look-up, and literals anywhere, for which the text is searched.
struct PatternMatcher::Prepared {
  struct Each {
    const Owners* owners = nullptr;
    std::unique_ptr<LazyPattern> pattern;
    std::vector<std::vector<std::uint32_t>> required;  ///< literals: one of each list
  };
  std::vector<Each> alternatives;
  std::vector<std::uint32_t> always;                       ///< tried in every text
  std::vector<std::vector<std::uint32_t>> with_beginning;  ///< by its number: tried if the text begins with it
  std::vector<std::vector<std::uint32_t>> with_literal;    ///< by its number: tried if it is in the text
  LiteralSet beginnings;
  LiteralSet literals;
  std::vector<bool> is_searched;           ///< by beginning: whether texts with it are searched for literals
  std::vector<std::string> also_searched;  ///< shorter beginnings of such texts; often "", for all
};

// Of one text, folded. A part is the whole text, or a line.
class PatternMatcher::Trial {
 public:
  Trial(const Prepared& prepared, std::size_t signatures)
      : prepared_(prepared),
        is_matched_(signatures),
        is_found_(prepared.with_literal.size()),
        is_tried_(prepared.alternatives.size()) {}

  void part(std::string_view text) {
    part_ = text;
    for (const std::uint32_t alternative : prepared_.always) attempt(alternative);
    begin_with_.clear();
    prepared_.beginnings.add_beginnings(text, 0, begin_with_);
    bool is_searched =
        std::ranges::any_of(prepared_.also_searched, [&](const std::string& each) { return text.starts_with(each); });
    for (const LiteralSet::Occurrence& each : begin_with_) {
      for (const std::uint32_t alternative : prepared_.with_beginning[each.number]) attempt(alternative);
      is_searched = is_searched || prepared_.is_searched[each.number];
    }
    if (is_searched) {
      search();
      for (const std::uint32_t literal : found_) {
        for (const std::uint32_t alternative : prepared_.with_literal[literal]) attempt(alternative);
      }
    }
    for (const std::uint32_t literal : found_) is_found_[literal] = false;
    for (const std::uint32_t alternative : tried_) is_tried_[alternative] = false;
    found_.clear();
    tried_.clear();
  }

  [[nodiscard]] std::vector<std::size_t> matched() {
    std::ranges::sort(matched_);
    return std::move(matched_);
  }

 private:
  void search() {
    for (const LiteralSet::Occurrence& each : prepared_.literals.found_in(part_)) {
      if (!is_found_[each.number]) found_.push_back(each.number);
      is_found_[each.number] = true;
    }
  }

  [[nodiscard]] bool has_required(const Prepared::Each& alternative) const {
    return std::ranges::all_of(alternative.required, [this](const std::vector<std::uint32_t>& one_of) {
      return std::ranges::any_of(one_of, [this](std::uint32_t literal) { return is_found_[literal]; });
    });
  }

  void attempt(std::uint32_t number) {
    if (is_tried_[number]) return;
    const Prepared::Each& alternative = prepared_.alternatives[number];
    if (!part_.starts_with(alternative.owners->beginning) || !has_required(alternative)) return;
    is_tried_[number] = true;
    tried_.push_back(number);
    const std::vector<std::size_t>& signatures = alternative.owners->signatures;
    if (std::ranges::all_of(signatures, [this](std::size_t each) { return is_matched_[each]; })) return;
    if (!alternative.pattern->matches(part_)) return;
    for (const std::size_t signature : signatures) {
      if (!is_matched_[signature]) matched_.push_back(signature);
      is_matched_[signature] = true;
    }
  }

  const Prepared& prepared_;
  std::vector<bool> is_matched_;  ///< by signature
  std::string_view part_;
  std::vector<bool> is_found_;  ///< by literal, in this part
  std::vector<bool> is_tried_;  ///< by alternative, in this part
  std::vector<std::uint32_t> found_;
  std::vector<std::uint32_t> tried_;
  std::vector<LiteralSet::Occurrence> begin_with_;
  std::vector<std::size_t> matched_;
};

// The numbers of literals, in the order in which they are first seen.
class Numbers {
 public:
  [[nodiscard]] std::uint32_t of(const std::string& literal) {
    const auto [known, is_new] = numbers_.emplace(literal, static_cast<std::uint32_t>(literals_.size()));
    if (is_new) literals_.push_back(literal);
    return known->second;
  }
  [[nodiscard]] std::size_t size() const { return literals_.size(); }
  [[nodiscard]] LiteralSet set() && { return LiteralSet(std::move(literals_)); }

 private:
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> literals_;
};

PatternMatcher::PatternMatcher(bool is_by_line, KnownLiterals known) : is_by_line_(is_by_line), known_(known) {}
PatternMatcher::~PatternMatcher() = default;

void PatternMatcher::add(std::string_view pattern, std::size_t signature) {
  for (Alternative& alternative : alternatives_of(pattern)) {
    // With `(?m)`, a pattern may begin at any line of the text.
    if (!is_by_line_ && alternative.pattern.starts_with("(?m)")) alternative.beginning.clear();
    Owners& owners = owners_[std::move(alternative.pattern)];
    owners.beginning = std::move(alternative.beginning);
    owners.signatures.push_back(signature);
  }
  end_ = signature + 1;
}

std::vector<std::string> PatternMatcher::alternatives() const {
  std::vector<std::string> out;
  out.reserve(owners_.size());
  for (const auto& [alternative, owners] : owners_) out.push_back(alternative);
  return out;
}

std::unique_ptr<const PatternMatcher::Prepared> PatternMatcher::prepare() const {
  std::vector<std::optional<Telling>> known;
  known.reserve(owners_.size());
  std::vector<std::string> unknown;
  for (const auto& [text, owners] : owners_) {
    if (!known.emplace_back(known_(text))) unknown.push_back(text);
  }
  const std::vector<Telling> computed = telling_literals(unknown);
  auto next = computed.begin();
  auto out = std::make_unique<Prepared>();
  Numbers beginnings;
  Numbers literals;
  const auto add = [](std::vector<std::vector<std::uint32_t>>& to, std::uint32_t literal, std::uint32_t alternative) {
    if (to.size() <= literal) to.resize(literal + 1);
    to[literal].push_back(alternative);
  };
  for (const auto& [text, owners] : owners_) {
    const auto number = static_cast<std::uint32_t>(out->alternatives.size());
    Telling telling = known[number] ? *std::move(known[number]) : *next++;
    Prepared::Each each{.owners = &owners, .pattern = std::make_unique<LazyPattern>(text), .required = {}};
    // The beginning has some of them.
    std::erase_if(telling, [&](const std::vector<std::string>& one_of) {
      return std::ranges::any_of(
          one_of, [&](const std::string& literal) { return owners.beginning.find(literal) != std::string::npos; });
    });
    const bool is_long = owners.beginning.size() >= LiteralSet::kShortest;
    std::uint32_t beginning = 0;
    if (is_long) {
      beginning = beginnings.of(owners.beginning);
      out->with_beginning.resize(beginnings.size());
      out->is_searched.resize(beginnings.size());
    }
    if (!telling.empty()) {
      for (const std::string& literal : telling.front()) add(out->with_literal, literals.of(literal), number);
      telling.erase(telling.begin());
      if (is_long) {
        out->is_searched[beginning] = true;
      } else if (std::ranges::find(out->also_searched, owners.beginning) == out->also_searched.end()) {
        out->also_searched.push_back(owners.beginning);
      }
    } else if (is_long) {
      out->with_beginning[beginning].push_back(number);
    } else {
      out->always.push_back(number);
    }
    for (const std::vector<std::string>& one_of : telling) {
      std::vector<std::uint32_t>& list = each.required.emplace_back();
      for (const std::string& literal : one_of) list.push_back(literals.of(literal));
    }
    out->alternatives.push_back(std::move(each));
  }
  out->beginnings = std::move(beginnings).set();
  out->with_literal.resize(literals.size());
  out->literals = std::move(literals).set();
  return out;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the caller owns what `out` points to

std::vector<std::size_t> PatternMatcher::match(std::string_view text) const {
  if (owners_.empty() || text.empty()) return {};
  std::call_once(once_, [this] { prepared_ = prepare(); });
  std::string folded;
  fold(text, folded);
  Trial trial(*prepared_, end_);
  std::string_view rest = folded;
  while (!rest.empty()) {
    const std::size_t end = is_by_line_ ? std::min(rest.find('\n'), rest.size() - 1) + 1 : rest.size();
    trial.part(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return trial.matched();
}

}  // namespace blowback::detect
