#include "pattern_matcher.h"

#include "alternatives.h"
#include "literal_set.h"
#include "telling_literals.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace blowback::detect {
namespace {

// Compiled when it is first tried: of thousands of patterns, a mail needs some dozens.
class LazyPattern {
 public:
  explicit LazyPattern(std::string_view text) : text_(text) {}

  /// Whether it matches between `begin` and `end`; what is outside is only seen by `^`, `$` and `\b`.
  [[nodiscard]] bool matches(std::string_view text, std::size_t begin, std::size_t end) const {
    std::call_once(once_, [this] {
      pattern_ = std::make_unique<const RE2>(re2::StringPiece(text_.data(), text_.size()), options_for(text_));
    });
    return pattern_->Match(re2::StringPiece(text.data(), text.size()), begin, end, RE2::UNANCHORED, nullptr, 0);
  }

 private:
  std::string_view text_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<const RE2> pattern_;
};

// Lists of numbers, by number, next to each other in memory: of thousands, a text asks for dozens, and finds none of them in the processor's caches.
class Lists {
 public:
  Lists() = default;
  explicit Lists(const std::vector<std::vector<std::uint32_t>>& lists) {
    begin_.reserve(lists.size() + 1);
    for (const std::vector<std::uint32_t>& each : lists) {
      begin_.push_back(members_.size());
      members_.insert(members_.end(), each.begin(), each.end());
    }
    begin_.push_back(members_.size());
  }
  [[nodiscard]] std::span<const std::uint32_t> operator[](std::size_t number) const {
    return std::span(members_).subspan(begin_[number], begin_[number + 1] - begin_[number]);
  }

 private:
  std::vector<std::size_t> begin_;
  std::vector<std::uint32_t> members_;
};

}  // namespace

// Alternatives and literals are identified by their numbers. There are two ways to the alternatives worth trying: what a text must begin with, which
// costs one look-up, and literals anywhere, for which the text is searched.
struct PatternMatcher::Prepared {
  struct Each {
    std::string_view beginning;
    bool is_beginning = false;  ///< nothing else is needed for a match
    Reach reach;
    std::unique_ptr<LazyPattern> pattern;
    std::vector<std::vector<std::uint32_t>> required;  ///< numbers in required_texts: one of each list, if it is short
  };
  std::vector<Each> alternatives;
  Lists signatures;                   ///< by alternative: those that have it
  std::vector<std::uint32_t> always;  ///< alternatives tried in every text
  Lists with_beginning;               ///< by beginning: alternatives tried if the text begins with it
  Lists plain;                        ///< by literal: alternatives that are nothing else
  Lists with_literal;                 ///< by literal: alternatives tried where it is in the text
  LiteralSet beginnings;
  LiteralSet literals;
  std::vector<std::string> required_texts;
  std::vector<bool> is_searched;           ///< by beginning: whether texts with it are searched for literals
  std::vector<std::string> also_searched;  ///< shorter beginnings of such texts; often "", for all
};

// Of one text, folded. A part is the whole text, or a line.
class PatternMatcher::Trial {
 public:
  Trial(const Prepared& prepared, std::size_t signatures)
      : prepared_(prepared), is_matched_(signatures), is_tried_(prepared.alternatives.size()) {}

  void part(std::string_view text) {
    part_ = text;
    blanks_.clear();
    for (const std::uint32_t alternative : prepared_.always) attempt(alternative);
    begin_with_.clear();
    prepared_.beginnings.add_beginnings(text, 0, begin_with_);
    bool is_searched =
        std::ranges::any_of(prepared_.also_searched, [&](const std::string& each) { return text.starts_with(each); });
    for (const LiteralSet::Occurrence& each : begin_with_) {
      for (const std::uint32_t alternative : prepared_.with_beginning[each.number]) attempt(alternative);
      is_searched = is_searched || prepared_.is_searched[each.number];
    }
    if (is_searched) search();
    for (const std::uint32_t alternative : tried_) is_tried_[alternative] = false;
    tried_.clear();
  }

  [[nodiscard]] std::vector<std::size_t> matched() {
    std::ranges::sort(matched_);
    return std::move(matched_);
  }

 private:
  using Occurrences = std::span<const LiteralSet::Occurrence>;
  /// Of the part.
  struct Stretch {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  void search() {
    found_.clear();
    prepared_.literals.add_found_in(part_, found_);
    std::ranges::sort(found_, {},
                      [](const LiteralSet::Occurrence& each) { return std::pair(each.number, each.position); });
    const auto for_each_literal = [&](auto&& what) {
      for (Occurrences rest = found_; !rest.empty();) {
        const std::uint32_t number = rest.front().number;
        const auto end = std::ranges::find_if(rest, [&](const auto& each) { return each.number != number; });
        const Occurrences same = rest.first(static_cast<std::size_t>(end - rest.begin()));
        what(number, same);
        rest = rest.subspan(same.size());
      }
    };
    // What needs no automaton first, since a signature with one match needs no other.
    for_each_literal([&](std::uint32_t literal, Occurrences /*where*/) {
      for (const std::uint32_t alternative : prepared_.plain[literal]) count(alternative);
    });
    for_each_literal([&](std::uint32_t literal, Occurrences where) {
      for (const std::uint32_t alternative : prepared_.with_literal[literal]) attempt_near(alternative, where);
    });
  }

  /// Whether a match would tell anything, as far as can be seen at once.
  [[nodiscard]] bool is_wanted(std::uint32_t number) const {
    return part_.starts_with(prepared_.alternatives[number].beginning) &&
           !std::ranges::all_of(prepared_.signatures[number], [this](std::uint32_t each) { return is_matched_[each]; });
  }

  [[nodiscard]] bool has_required(const Prepared::Each& alternative, std::string_view text) const {
    return std::ranges::all_of(alternative.required, [&](const std::vector<std::uint32_t>& one_of) {
      return std::ranges::any_of(one_of, [&](std::uint32_t literal) {
        return text.find(prepared_.required_texts[literal]) != std::string_view::npos;
      });
    });
  }

  void count(std::uint32_t number) {
    for (const std::uint32_t signature : prepared_.signatures[number]) {
      if (!is_matched_[signature]) matched_.push_back(signature);
      is_matched_[signature] = true;
    }
  }

  /// Tries it in all of the part, unless that was done.
  void attempt(std::uint32_t number) {
    if (is_tried_[number] || !is_wanted(number)) return;
    is_tried_[number] = true;
    tried_.push_back(number);
    const Prepared::Each& alternative = prepared_.alternatives[number];
    if (alternative.is_beginning || is_found(alternative, {.begin = 0, .end = part_.size()})) count(number);
  }

  /// Tries it around the places of a literal that it requires, as far as a match can reach.
  void attempt_near(std::uint32_t number, Occurrences where) {
    const Prepared::Each& alternative = prepared_.alternatives[number];
    const Reach& reach = alternative.reach;
    if (reach.octets == Reach::kUnlimited && reach.blanks == Reach::kUnlimited) {
      attempt(number);
      return;
    }
    if (!is_wanted(number)) return;
    while (!where.empty()) {
      Stretch stretch = around(where.front().position, reach);
      where = where.subspan(1);
      // Those that overlap are tried together, so that no octet is read twice.
      for (; !where.empty(); where = where.subspan(1)) {
        const Stretch next = around(where.front().position, reach);
        if (next.begin > stretch.end) break;
        stretch.end = next.end;
      }
      if (!is_found(alternative, stretch)) continue;
      count(number);
      return;
    }
  }

  /// Where a match can be that has an octet at `position`.
  [[nodiscard]] Stretch around(std::size_t position, const Reach& reach) {
    if (reach.octets < Reach::kUnlimited) {
      return {.begin = position - std::min<std::size_t>(position, reach.octets),
              .end = std::min(position + reach.octets, part_.size())};
    }
    if (blanks_.empty()) {
      for (std::size_t at = part_.find(' '); at < part_.size(); at = part_.find(' ', at + 1)) blanks_.push_back(at);
      blanks_.push_back(part_.size());
    }
    // From the last blank that is too many before it, to the first one that is too many after it.
    const auto next = static_cast<std::size_t>(std::ranges::lower_bound(blanks_, position) - blanks_.begin());
    return {.begin = next > reach.blanks ? blanks_[next - reach.blanks - 1] + 1 : 0,
            .end = blanks_[std::min(next + reach.blanks, blanks_.size() - 1)]};
  }

  [[nodiscard]] bool is_found(const Prepared::Each& alternative, const Stretch& in) const {
    return has_required(alternative, part_.substr(in.begin, in.end - in.begin)) &&
           alternative.pattern->matches(part_, in.begin, in.end);
  }

  const Prepared& prepared_;
  std::vector<bool> is_matched_;  ///< by signature
  std::string_view part_;
  std::vector<std::size_t> blanks_;  ///< their places in this part, and its end; empty: not yet known
  std::vector<bool> is_tried_;       ///< by alternative, in all of this part
  std::vector<std::uint32_t> tried_;
  std::vector<LiteralSet::Occurrence> begin_with_;
  std::vector<LiteralSet::Occurrence> found_;
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
  [[nodiscard]] std::vector<std::string> texts() && { return std::move(literals_); }

 private:
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> literals_;
};

PatternMatcher::PatternMatcher(bool is_by_line, KnownLiterals known) : is_by_line_(is_by_line), known_(known) {}
PatternMatcher::~PatternMatcher() = default;

void PatternMatcher::add(std::string_view pattern, std::size_t signature) {
  for (Alternative& alternative : alternatives_of(pattern)) {
    // With `(?m)`, a pattern may begin at any line of the text.
    if (!is_by_line_ && alternative.pattern.starts_with("(?m)") && !alternative.beginning.empty()) {
      alternative.beginning.clear();
      alternative.plain.clear();
    }
    Owned& owned = owned_[alternative.pattern];
    owned.alternative = std::move(alternative);
    owned.alternative.pattern = {};  // it is the key
    owned.signatures.push_back(static_cast<std::uint32_t>(signature));
  }
  end_ = signature + 1;
}

std::vector<std::string> PatternMatcher::alternatives() const {
  std::vector<std::string> out;
  out.reserve(owned_.size());
  for (const auto& [pattern, owned] : owned_) out.push_back(pattern);
  return out;
}

std::unique_ptr<const PatternMatcher::Prepared> PatternMatcher::prepare() const {
  std::vector<std::optional<Telling>> known;
  known.reserve(owned_.size());
  std::vector<std::string> unknown;
  for (const auto& [pattern, owned] : owned_) {
    const std::string& plain = owned.alternative.plain;
    if (plain.size() >= LiteralSet::kShortest) {
      known.emplace_back(Telling{{plain}});
    } else if (!known.emplace_back(known_(pattern))) {
      unknown.push_back(pattern);
    }
  }
  const std::vector<Telling> computed = telling_literals(unknown);
  auto next = computed.begin();
  auto out = std::make_unique<Prepared>();
  Numbers beginnings;
  Numbers literals;
  Numbers required;
  using ListsToBe = std::vector<std::vector<std::uint32_t>>;
  ListsToBe signatures;
  ListsToBe with_beginning;
  ListsToBe plain;
  ListsToBe with_literal;
  const auto add = [](ListsToBe& to, std::uint32_t number, std::uint32_t alternative) {
    if (to.size() <= number) to.resize(number + 1);
    to[number].push_back(alternative);
  };
  for (const auto& [pattern, owned] : owned_) {
    const auto number = static_cast<std::uint32_t>(out->alternatives.size());
    const std::string& beginning = owned.alternative.beginning;
    Telling telling = known[number] ? *std::move(known[number]) : *next++;
    signatures.push_back(owned.signatures);
    Prepared::Each each{.beginning = beginning,
                        .is_beginning = !beginning.empty() && owned.alternative.plain == beginning,
                        .reach = owned.alternative.reach,
                        .pattern = std::make_unique<LazyPattern>(pattern),
                        .required = {}};
    // The beginning has some of them.
    std::erase_if(telling, [&](const std::vector<std::string>& one_of) {
      return std::ranges::any_of(
          one_of, [&](const std::string& literal) { return beginning.find(literal) != std::string::npos; });
    });
    const bool is_long = beginning.size() >= LiteralSet::kShortest;
    std::uint32_t begins_with = 0;
    if (is_long) {
      begins_with = beginnings.of(beginning);
      with_beginning.resize(beginnings.size());
      out->is_searched.resize(beginnings.size());
    }
    if (!telling.empty()) {
      ListsToBe& to = owned.alternative.plain == telling.front().front() ? plain : with_literal;
      for (const std::string& literal : telling.front()) add(to, literals.of(literal), number);
      telling.erase(telling.begin());
      if (is_long) {
        out->is_searched[begins_with] = true;
      } else if (std::ranges::find(out->also_searched, beginning) == out->also_searched.end()) {
        out->also_searched.push_back(beginning);
      }
    } else if (is_long) {
      with_beginning[begins_with].push_back(number);
    } else {
      out->always.push_back(number);
    }
    for (const std::vector<std::string>& one_of : telling) {
      // To look for more literals, one by one, would take longer than the automaton.
      constexpr std::size_t kFew = 3;
      if (one_of.size() > kFew) continue;
      std::vector<std::uint32_t>& list = each.required.emplace_back();
      for (const std::string& literal : one_of) list.push_back(required.of(literal));
    }
    out->alternatives.push_back(std::move(each));
  }
  out->beginnings = LiteralSet(std::move(beginnings).texts());
  plain.resize(literals.size());
  with_literal.resize(literals.size());
  out->signatures = Lists(signatures);
  out->with_beginning = Lists(with_beginning);
  out->plain = Lists(plain);
  out->with_literal = Lists(with_literal);
  out->literals = LiteralSet(std::move(literals).texts());
  out->required_texts = std::move(required).texts();
  return out;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the caller owns what `out` points to

std::vector<std::size_t> PatternMatcher::match(std::string_view text) const {
  if (owned_.empty() || text.empty()) return {};
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
