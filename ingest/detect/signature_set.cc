// Matches in two steps: first it finds which of the literals that patterns require are in the text, then it tries only the patterns with these.
// A single RE2 automaton of all patterns, or all literals, would get new states in every new text, and these are expensive to make.
#include "signature_set.h"

#include "literal_set.h"
#include "signature_tables.h"
#include "words.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <utility>

namespace blowback::detect {
namespace {

struct PlaceRow {
  std::string_view name;
  Place place;
  bool is_by_line;  ///< a pattern never matches across lines
};
constexpr std::array<PlaceRow, 6> kPlaces{{{"subject", Place::subject, false},
                                           {"from", Place::from, false},
                                           {"header", Place::header, true},
                                           {"text", Place::text, false},
                                           {"status", Place::status, false},
                                           {"diagnostic", Place::diagnostic, false}}};

// Per automaton, which allocates on demand and is far smaller in practice. An automaton that reaches it is reset.
constexpr std::int64_t kAutomatonMemory = 16 << 20;

[[nodiscard]] RE2::Options options() {
  RE2::Options made;
  made.set_case_sensitive(false);
  made.set_max_mem(kAutomatonMemory);
  made.set_log_errors(false);
  return made;
}

[[noreturn]] void unusable(std::string_view line, std::string_view why) {
  // The data is a part of the program, so this only happens to a broken build.
  const std::string text = "signature \"" + std::string(line) + "\": " + std::string(why) + "\n";
  std::fputs(text.c_str(), stderr);
  std::abort();
}

[[nodiscard]] std::vector<std::string_view> columns(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t tab = line.find('\t');
    std::string_view column = line.substr(0, tab);
    while (!column.empty() && column.back() == ' ') column.remove_suffix(1);
    out.push_back(column);
    if (tab == std::string_view::npos) return out;
    line.remove_prefix(tab + 1);
  }
}

void read_claim(std::string_view line, std::string_view claim, Signature& signature) {
  const std::size_t colon = claim.find(':');
  const std::string_view what = claim.substr(0, colon);
  const std::string_view value = colon == std::string_view::npos ? std::string_view() : claim.substr(colon + 1);
  if (what == "against" && value.empty()) {
    signature.claim = Claim::against;
  } else if (what == "origin") {
    signature.claim = Claim::origin;
  } else if (what == "product" && !value.empty()) {
    signature.claim = Claim::product;
    signature.product = value;
  } else if (const auto cause = cause_named(value); what == "cause" && cause) {
    signature.claim = Claim::cause;
    signature.cause = *cause;
  } else if (const auto kind = kind_named(value); what == "kind" && kind) {
    signature.claim = Claim::kind;
    signature.kind = *kind;
  } else if (const auto not_kind = kind_named(value); what == "against" && not_kind) {
    signature.claim = Claim::against_kind;
    signature.kind = *not_kind;
  } else {
    unusable(line, "the third column is kind:…, cause:…, product:…, origin, against or against:KIND");
  }
}

// Wording that several patterns share: `let NAME TAB pattern`, used as `%{NAME}` in later lines.
class Wordings {
 public:
  void let(std::string_view line, std::string_view name, std::string_view pattern) {
    if (name.empty() || !known_.emplace(name, "(?:" + completed(line, pattern) + ")").second) {
      unusable(line, "a name for the wording that isn't taken is wanted");
    }
  }
  [[nodiscard]] std::string completed(std::string_view line, std::string_view pattern) const {
    std::string out;
    for (std::size_t at = 0; at < pattern.size();) {
      const std::size_t begin = std::min(pattern.find("%{", at), pattern.size());
      out += pattern.substr(at, begin - at);
      if (begin == pattern.size()) break;
      const std::size_t end = pattern.find('}', begin);
      const auto wording = known_.find(pattern.substr(begin + 2, end - begin - 2));
      if (end == std::string_view::npos || wording == known_.end()) unusable(line, "no such wording");
      out += wording->second;
      at = end + 1;
    }
    return out;
  }

 private:
  std::map<std::string, std::string, std::less<>> known_;
};

// Absent for a comment, and for a `let` line, which is added to `wordings`.
[[nodiscard]] std::optional<Signature> signature_of(std::string_view line, Wordings& wordings) {
  if (line.empty() || line.starts_with('#')) return std::nullopt;
  const std::vector<std::string_view> column = columns(line);
  constexpr std::string_view kLet = "let ";
  if (column.size() == 2 && column[0].starts_with(kLet)) {
    wordings.let(line, column[0].substr(kLet.size()), column[1]);
    return std::nullopt;
  }
  if (column.size() != 5) unusable(line, "not five columns");
  Signature out;
  out.name = column[0];
  const auto* const place = std::ranges::find_if(kPlaces, [&](const auto& row) { return row.name == column[1]; });
  if (place == kPlaces.end()) unusable(line, "no such place");
  out.place = place->place;
  read_claim(line, column[2], out);
  const auto parsed = std::from_chars(column[3].data(), column[3].data() + column[3].size(), out.weight);
  if (parsed.ec != std::errc()) unusable(line, "the weight is no number");
  out.pattern = wordings.completed(line, column[4]);
  return out;
}

// The first line, with its line end.
[[nodiscard]] std::string_view with_end(std::string_view text) {
  const std::size_t end = text.find('\n');
  return text.substr(0, end == std::string_view::npos ? end : end + 1);
}

// The first `wanted`, a `|` or a `)`, outside of groups and classes, or the end.
[[nodiscard]] std::size_t find_outside(std::string_view pattern, char wanted) {
  int depth = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == wanted && depth == 0) return i;
    if (c == '\\') {
      ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == '[') {
      ++i;
      // A bracket at the beginning, or after `^`, belongs to the class.
      for (const char first : {'^', ']'}) i += pattern.substr(i).starts_with(first) ? 1 : 0;
      for (; i < pattern.size() && pattern[i] != ']'; ++i) i += pattern[i] == '\\' ? 1 : 0;
    }
  }
  return pattern.size();
}

// The alternatives between `|` outside of groups, or within a group that is the whole pattern. Each has its own literals, so that far less is
// tried than with a pattern of fifty phrases, which would have to be tried if any of its literals is in the text.
void add_alternatives(std::string_view flags, std::string_view pattern, std::vector<std::string>& to) {
  while (true) {
    const std::size_t end = find_outside(pattern, '|');
    const std::string_view one = pattern.substr(0, end);
    const bool is_group =
        one.starts_with('(') && !one.starts_with("(?") && find_outside(one.substr(1), ')') + 2 == one.size();
    if (is_group) {
      add_alternatives(flags, one.substr(1, one.size() - 2), to);
    } else {
      to.emplace_back(flags) += one;
    }
    if (end == pattern.size()) return;
    pattern.remove_prefix(end + 1);
  }
}

[[nodiscard]] std::vector<std::string> alternatives_of(std::string_view pattern) {
  constexpr std::string_view kByLine = "(?m)";
  const std::string_view flags = pattern.substr(0, pattern.starts_with(kByLine) ? kByLine.size() : 0);
  std::vector<std::string> out;
  add_alternatives(flags, pattern.substr(flags.size()), out);
  return out;
}

// One alternative of a pattern, compiled.
struct Alternative {
  std::unique_ptr<re2::FilteredRE2> pattern;
  std::vector<std::string> literals;  ///< those that a match requires
};

[[nodiscard]] Alternative compiled(const std::string& text) {
  Alternative out{.pattern = std::make_unique<re2::FilteredRE2>(static_cast<int>(LiteralSet::kShortest)),
                  .literals = {}};
  int index = 0;
  if (out.pattern->Add(text, options(), &index) != RE2::NoError) unusable(text, "no pattern of RE2");
  out.pattern->Compile(&out.literals);
  return out;
}

// Literals of which every match contains at least one; empty: there are none. RE2 knows which literals a match requires together (`received: `
// and `kerio`) and which as alternatives. Literals are dropped one by one while no match is possible with the dropped ones alone: first those
// that other alternatives have, too, then short ones, since most texts contain these.
[[nodiscard]] std::vector<std::string> telling_literals(const Alternative& alternative,
                                                        const std::map<std::string, int>& how_many_have) {
  const auto may_match = [&](const std::vector<int>& literals) {
    std::vector<int> possible;
    alternative.pattern->AllPotentials(literals, &possible);
    return !possible.empty();
  };
  if (may_match({})) return {};
  const auto literal_of = [&](int number) -> const std::string& {
    return alternative.literals[static_cast<std::size_t>(number)];
  };
  std::vector<int> numbers(alternative.literals.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  std::ranges::stable_sort(numbers, {}, [&](int number) {
    return std::pair(-how_many_have.at(literal_of(number)), literal_of(number).size());
  });
  std::vector<int> left_out;
  std::vector<std::string> telling;
  for (const int number : numbers) {
    left_out.push_back(number);
    if (!may_match(left_out)) continue;
    left_out.pop_back();
    telling.push_back(literal_of(number));
  }
  return telling;
}

}  // namespace

// The patterns of one place, compiled at their first use, so that a single mail through a pipe doesn't wait for patterns that it doesn't need.
class SignatureSet::OfPlace {
 public:
  explicit OfPlace(bool is_by_line) : is_by_line_(is_by_line) {}

  void add(std::string_view pattern, std::size_t signature) {
    // Several signatures may share one, with a line per kind.
    for (std::string& alternative : alternatives_of(pattern)) owners_[std::move(alternative)].push_back(signature);
    end_ = signature + 1;
  }

  /// Numbers of the signatures that match, in the order of the data.
  [[nodiscard]] std::vector<std::size_t> match(std::string_view text) const {
    std::vector<std::size_t> out;
    if (owners_.empty() || text.empty()) return out;
    std::call_once(once_, [this] { compile(); });
    std::vector<bool> is_matched(end_);  // a signature
    std::vector<std::uint32_t> tried_in(
        alternatives_.size());  // the number of the part of the text in which it was last tried
    std::string lower;
    for (std::uint32_t stretch = 1; !text.empty(); ++stretch) {
      const std::string_view here = is_by_line_ ? with_end(text) : text;
      text.remove_prefix(here.size());
      const auto attempt = [&](std::size_t alternative) {
        if (std::exchange(tried_in[alternative], stretch) == stretch) return;
        const std::vector<std::size_t>& owners = *owners_of_[alternative];
        const auto is_known = [&](std::size_t signature) { return is_matched[signature]; };
        if (std::ranges::all_of(owners, is_known)) return;
        const RE2& pattern = alternatives_[alternative].pattern->GetRE2(0);
        if (!RE2::PartialMatch(re2::StringPiece(here.data(), here.size()), pattern)) return;
        for (const std::size_t signature : owners) {
          if (!is_matched[signature]) out.push_back(signature);
          is_matched[signature] = true;
        }
      };
      std::ranges::for_each(without_literal_, attempt);
      fold(here, lower);
      for (const int literal : literals_.found_in(lower)) {
        std::ranges::for_each(with_literal_[static_cast<std::size_t>(literal)], attempt);
      }
    }
    std::ranges::sort(out);
    return out;
  }

 private:
  void compile() const {
    std::map<std::string, int> how_many_have;
    for (const auto& [text, owners] : owners_) {
      alternatives_.push_back(compiled(text));
      owners_of_.push_back(&owners);
      for (const std::string& literal : alternatives_.back().literals) ++how_many_have[literal];
    }
    std::map<std::string, std::vector<std::size_t>> by_literal;
    for (std::size_t number = 0; number < alternatives_.size(); ++number) {
      const auto telling = telling_literals(alternatives_[number], how_many_have);
      if (telling.empty()) without_literal_.push_back(number);
      for (const std::string& literal : telling) by_literal[literal].push_back(number);
    }
    std::vector<std::string> literals;
    for (auto& [literal, alternatives] : by_literal) {
      literals.push_back(literal);
      with_literal_.push_back(std::move(alternatives));
    }
    literals_ = LiteralSet(std::move(literals));
  }

  bool is_by_line_;
  std::map<std::string, std::vector<std::size_t>> owners_;  ///< by alternative: the signatures that have it
  std::size_t end_ = 0;                                     ///< the greatest number of a signature, plus one
  // Made at the first use. Alternatives are identified by their numbers.
  mutable std::once_flag once_;
  mutable std::vector<Alternative> alternatives_;
  mutable std::vector<const std::vector<std::size_t>*> owners_of_;
  mutable std::vector<std::size_t> without_literal_;  ///< tried in every text
  mutable std::vector<std::vector<std::size_t>>
      with_literal_;  ///< by the literal's number: tried if that is in the text
  mutable LiteralSet literals_;
};

SignatureSet::SignatureSet(std::span<const std::string_view> tables) {
  for (const PlaceRow& row : kPlaces) places_.push_back(std::make_unique<OfPlace>(row.is_by_line));
  for (std::string_view table : tables) {
    Wordings wordings;
    while (!table.empty()) {
      const std::string_view line = next_line(table);
      std::optional<Signature> signature = signature_of(line, wordings);
      if (!signature) continue;
      places_[static_cast<std::size_t>(signature->place)]->add(signature->pattern, signatures_.size());
      signatures_.push_back(std::move(*signature));
    }
  }
}

SignatureSet::~SignatureSet() = default;

const SignatureSet& SignatureSet::built_in() {
  static const SignatureSet set(kSignatureTables);
  return set;
}

std::vector<const Signature*> SignatureSet::match(Place place, std::string_view text) const {
  const std::vector<std::size_t> matched = places_[static_cast<std::size_t>(place)]->match(text);
  std::vector<const Signature*> out;
  out.reserve(matched.size());
  for (const std::size_t index : matched) out.push_back(&signatures_[index]);
  return out;
}

}  // namespace blowback::detect
