// Matches in two steps: first it finds which of the literals that patterns require are in the text, then it tries only the patterns with these.
// A single RE2 automaton of all patterns, or all literals, would get new states in every new text, and these are expensive to make.
#include "signature_set.h"

#include "blowback/text.h"
#include "features.h"
#include "literal_set.h"
#include "signature_tables.h"
#include "words.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

namespace blowback::detect {
namespace {

struct PlaceRow {
  std::string_view name;
  Place place;
  bool is_by_line;  ///< a pattern never matches across lines
};
constexpr std::array<PlaceRow, 10> kPlaces{{{"subject", Place::subject, false},
                                            {"from", Place::from, false},
                                            {"header", Place::header, true},
                                            {"text", Place::text, false},
                                            {"status", Place::status, false},
                                            {"diagnostic", Place::diagnostic, false},
                                            {"glance", Place::glance, false},
                                            {"glanced", Place::glanced, false},
                                            {"envelope", Place::envelope, false},
                                            {"structure", Place::structure, false}}};
[[nodiscard]] bool has_conditions(Place place) {
  return place == Place::envelope || place == Place::glanced || place == Place::structure;
}

// A table of an operator; a pattern of RE2 that long takes some 10 MB.
constexpr std::size_t kLongestTable = 1U << 20U;
constexpr std::size_t kLongestPattern = 32U << 10U;
constexpr std::size_t kMostLines = 10'000;

// Per automaton, which allocates on demand and is far smaller in practice. An automaton that reaches it is reset.
constexpr std::int64_t kAutomatonMemory = 16 << 20;

[[nodiscard]] RE2::Options options() {
  RE2::Options made;
  made.set_case_sensitive(false);
  made.set_max_mem(kAutomatonMemory);
  made.set_log_errors(false);
  return made;
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
    std::size_t opening = one.starts_with("(?:") ? 3 : 0;
    if (one.starts_with('(') && !one.starts_with("(?")) opening = 1;
    const bool is_group = opening > 0 && find_outside(one.substr(opening), ')') + opening + 1 == one.size();
    if (is_group) {
      add_alternatives(flags, one.substr(opening, one.size() - opening - 1), to);
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
  // It compiled when the table was read.
  [[maybe_unused]] const auto code = out.pattern->Add(text, options(), &index);
  assert(code == RE2::NoError);
  out.pattern->Compile(&out.literals);
  return out;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the caller owns what `out` points to

// What a text must contain for a match: at least one literal of `first`, and, if `second` isn't empty, at least one of that as well.
struct Telling {
  std::vector<std::string> first;  ///< empty: a match requires no literal
  std::vector<std::string> second;
};

// RE2 knows which literals a match requires together (`received: ` and `kerio`) and which as alternatives. Literals are dropped one by one
// while no match is possible with the dropped ones alone: first those that other alternatives have, too, then short ones, since most texts
// contain these. The rest is `first`. With these in the text, the same is done once more for `second`.
[[nodiscard]] Telling telling_literals(const Alternative& alternative,
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
  std::iota(numbers.begin(), numbers.end(), 0);  // NOLINT(modernize-use-ranges): libstdc++ 12 has no ranges::iota
  std::ranges::stable_sort(numbers, {}, [&](int number) {
    return std::pair(-how_many_have.at(literal_of(number)), literal_of(number).size());
  });
  // The literals without which `present` and the others can't make a match.
  const auto required = [&](std::vector<int> present) {
    std::vector<int> out;
    if (may_match(present)) return out;
    for (const int number : numbers) {
      if (std::ranges::find(present, number) != present.end()) continue;
      present.push_back(number);
      if (!may_match(present)) continue;
      present.pop_back();
      out.push_back(number);
    }
    return out;
  };
  const std::vector<int> first = required({});
  Telling telling;
  for (const int number : first) telling.first.push_back(literal_of(number));
  for (const int number : required(first)) telling.second.push_back(literal_of(number));
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
    std::vector<std::uint32_t> found_in(with_literal_.size());  // likewise, for literals
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
      const std::vector<int> found = literals_.found_in(lower);
      for (const int literal : found) found_in[static_cast<std::size_t>(literal)] = stretch;
      for (const int literal : found) {
        for (const std::size_t alternative : with_literal_[static_cast<std::size_t>(literal)]) {
          const std::vector<std::size_t>& also = also_required_[alternative];
          const bool is_possible =
              also.empty() || std::ranges::any_of(also, [&](std::size_t other) { return found_in[other] == stretch; });
          if (is_possible) attempt(alternative);
        }
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
    std::map<std::string, std::size_t> numbers;
    std::vector<std::string> literals;
    const auto number_of = [&](const std::string& literal) {
      const auto [known, is_new] = numbers.emplace(literal, literals.size());
      if (is_new) {
        literals.push_back(literal);
        with_literal_.emplace_back();
      }
      return known->second;
    };
    also_required_.resize(alternatives_.size());
    for (std::size_t number = 0; number < alternatives_.size(); ++number) {
      const auto telling = telling_literals(alternatives_[number], how_many_have);
      if (telling.first.empty()) without_literal_.push_back(number);
      for (const std::string& literal : telling.first) with_literal_[number_of(literal)].push_back(number);
      for (const std::string& literal : telling.second) also_required_[number].push_back(number_of(literal));
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
  mutable std::vector<std::vector<std::size_t>>
      also_required_;  ///< by alternative: the numbers of literals of which one has to be in the text, too
  mutable LiteralSet literals_;
};

// Reads tables, until the first error.
class SignatureSet::Reader {
 public:
  explicit Reader(SignatureSet& set) : set_(set) {
    for (const std::string_view name : kFeatureNames) features_.emplace(name, features_.size());
  }

  /// "" or the error.
  [[nodiscard]] std::string table(const SignatureTable& table, bool is_checked) {
    if (table.text.size() > kLongestTable)
      return std::string(table.name) + ": longer than " + std::to_string(kLongestTable) +
             " octets; split it into several files";
    wordings_.clear();
    is_checked_ = is_checked;
    std::size_t number = 0;
    for (std::string_view rest = table.text; !rest.empty();) {
      const std::string_view line = next_line(rest);
      ++number;
      if (number > kMostLines) return std::string(table.name) + ": more than " + std::to_string(kMostLines) + " lines";
      if (const std::string error = read(line); !error.empty())
        return std::string(table.name) + ":" + std::to_string(number) + ": " + error;
    }
    return {};
  }

 private:
  [[nodiscard]] std::string read(std::string_view line) {
    if (trimmed(line).empty() || line.starts_with('#')) return {};
    const std::vector<std::string_view> column = columns(line);
    constexpr std::string_view kLet = "let ";
    constexpr std::string_view kWithout = "without ";
    if (column.size() == 2 && column[0].starts_with(kLet)) {
      std::string wording;
      if (std::string error = complete(column[1], wording); !error.empty()) return error;
      if (!wordings_.emplace(column[0].substr(kLet.size()), "(?:" + wording + ")").second)
        return "the wording \"" + std::string(column[0].substr(kLet.size())) + "\" is already defined above";
      return {};
    }
    if (column.size() == 1 && column[0].starts_with(kWithout)) return remove(column[0].substr(kWithout.size()));
    if (column.size() != 5) {
      return "it has " + std::to_string(column.size()) + (column.size() == 1 ? " column" : " columns") +
             "; a signature has five, with tabs between them: name, place, claim, weight, pattern";
    }
    Signature made;
    made.name = column[0];
    if (made.name.empty()) return "the first column, the signature's name, is empty";
    const auto* const place = std::ranges::find_if(kPlaces, [&](const auto& row) { return row.name == column[1]; });
    if (place == kPlaces.end()) {
      return "no place \"" + std::string(column[1]) +
             "\"; it is subject, from, header, text, status, diagnostic, glance, glanced, envelope or structure";
    }
    made.place = place->place;
    if (std::string error = claim(column[2], made); !error.empty()) return error;
    const auto parsed = std::from_chars(column[3].data(), column[3].data() + column[3].size(), made.weight);
    if (parsed.ec != std::errc() || parsed.ptr != column[3].data() + column[3].size() || !(made.weight >= 0) ||
        made.weight > kMostWeight) {
      return "the weight \"" + std::string(column[3]) + "\" is no number from 0 to 20";
    }
    if (has_conditions(made.place)) {
      made.pattern = column[4];
      if (std::string error = conditions(column[4], made.conditions); !error.empty()) return error;
      set_.rules_[stage_of(made.place)].push_back(std::move(made));
      return {};
    }
    if (std::string error = complete(column[4], made.pattern); !error.empty()) return error;
    if (made.pattern.empty()) return "the pattern is empty, which matches any text";
    if (made.pattern.size() > kLongestPattern) return "the pattern is longer than 32768 octets";
    if (is_checked_) {
      const RE2 pattern(made.pattern, options());
      if (!pattern.ok()) return "not a pattern of RE2: " + pattern.error();
      if (RE2::PartialMatch("", pattern)) return "the pattern matches an empty text, so it matches any";
    }
    set_.signatures_.push_back(std::move(made));
    return {};
  }

  [[nodiscard]] std::string claim(std::string_view claim, Signature& signature) {
    const std::size_t colon = claim.find(':');
    const std::string_view what = claim.substr(0, colon);
    const std::string_view value = colon == std::string_view::npos ? std::string_view() : claim.substr(colon + 1);
    if (what == "against" && value.empty()) {
      signature.claim = Claim::against;
    } else if (what == "origin" && value.empty()) {
      signature.claim = Claim::origin;
    } else if (what == "product" && !value.empty()) {
      signature.claim = Claim::product;
      signature.product = value;
    } else if (what == "feature" && !value.empty()) {
      signature.claim = Claim::feature;
      signature.feature = features_.emplace(value, features_.size()).first->second;
    } else if (const auto cause = cause_named(value); what == "cause" && cause) {
      signature.claim = Claim::cause;
      signature.cause = *cause;
    } else if (const auto kind = kind_named(value); (what == "kind" || what == "against") && kind) {
      signature.claim = what == "kind" ? Claim::kind : Claim::against_kind;
      signature.kind = *kind;
    } else {
      return "no claim \"" + std::string(claim) +
             "\"; it is kind:KIND, origin, against, against:KIND, product:NAME, cause:CAUSE or feature:NAME";
    }
    return {};
  }

  [[nodiscard]] std::string conditions(std::string_view text, std::vector<Condition>& to) const {
    while (!(text = trimmed(text)).empty()) {
      std::string_view word = text.substr(0, text.find(' '));
      text.remove_prefix(word.size());
      const bool is_wanted = !word.starts_with('!');
      if (!is_wanted) word.remove_prefix(1);
      const auto feature = features_.find(word);
      if (feature == features_.end()) {
        return "no feature \"" + std::string(word) +
               "\"; docs/signatures.md lists them, and a line with the claim feature:" + std::string(word) +
               " above would define it";
      }
      to.push_back({.feature = feature->second, .is_wanted = is_wanted});
    }
    return to.empty() ? "a condition names at least one feature" : "";
  }

  [[nodiscard]] std::string complete(std::string_view pattern, std::string& out) const {
    for (std::size_t at = 0; at < pattern.size();) {
      const std::size_t begin = std::min(pattern.find("%{", at), pattern.size());
      out += pattern.substr(at, begin - at);
      if (begin == pattern.size()) break;
      const std::size_t end = pattern.find('}', begin);
      const auto wording = wordings_.find(pattern.substr(begin + 2, end - begin - 2));
      if (end == std::string_view::npos || wording == wordings_.end())
        return "no wording \"" + std::string(pattern.substr(begin + 2, end - begin - 2)) +
               "\"; a line `let NAME TAB pattern` above defines it";
      out += wording->second;
      if (out.size() > kLongestPattern) return "with its wordings inserted, the pattern is longer than 32768 octets";
      at = end + 1;
    }
    return {};
  }

  [[nodiscard]] std::string remove(std::string_view name) {
    const auto has_name = [&](const Signature& signature) { return signature.name == name; };
    std::size_t removed = std::erase_if(set_.signatures_, has_name);
    for (auto& rules : set_.rules_) removed += std::erase_if(rules, has_name);
    return removed > 0 ? "" : "no signature \"" + std::string(name) + "\" that could be removed";
  }

  static constexpr double kMostWeight = 20;

  SignatureSet& set_;
  bool is_checked_ = true;
  std::map<std::string, std::size_t, std::less<>> features_;
  // Wording that several patterns share: `let NAME TAB pattern`, used as `%{NAME}` in later lines.
  std::map<std::string, std::string, std::less<>> wordings_;
};

SignatureSet::SignatureSet() = default;
SignatureSet::~SignatureSet() = default;

std::expected<std::unique_ptr<const SignatureSet>, std::string> SignatureSet::made_of(
    std::span<const SignatureTable> built_in, std::span<const SignatureTable> more) {
  std::unique_ptr<SignatureSet> set(new SignatureSet);
  Reader reader(*set);
  // Compiling the built-in patterns takes half a second, so only tests check them.
  for (const SignatureTable& table : built_in) {
    if (std::string error = reader.table(table, false); !error.empty()) return std::unexpected(std::move(error));
  }
  for (const SignatureTable& table : more) {
    if (std::string error = reader.table(table, true); !error.empty()) return std::unexpected(std::move(error));
  }
  for (const PlaceRow& row : kPlaces) set->places_.push_back(std::make_unique<OfPlace>(row.is_by_line));
  for (std::size_t i = 0; i < set->signatures_.size(); ++i) {
    const Signature& signature = set->signatures_[i];
    set->places_[static_cast<std::size_t>(signature.place)]->add(signature.pattern, i);
  }
  return set;
}

std::expected<std::unique_ptr<const SignatureSet>, std::string> SignatureSet::of(
    std::span<const SignatureTable> tables) {
  return made_of({}, tables);
}

std::expected<std::unique_ptr<const SignatureSet>, std::string> SignatureSet::with(
    std::span<const SignatureTable> more) {
  std::vector<std::string> texts;
  for (const BuiltInTable& table : kSignatureTables) {
    std::string& text = texts.emplace_back();
    for (const std::string_view line : table.lines) (text += line) += '\n';
  }
  std::vector<SignatureTable> built_in;
  built_in.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    built_in.push_back({.name = kSignatureTables[i].name, .text = texts[i]});
  return made_of(built_in, more);
}

const SignatureSet& SignatureSet::built_in() {
  static const auto set = [] {
    auto made = with({});
    if (!made) {
      // The data is a part of the program, so this only happens to a broken build.
      std::fputs((made.error() + "\n").c_str(), stderr);
      std::abort();
    }
    return *std::move(made);
  }();
  return *set;
}

std::vector<const Signature*> SignatureSet::match(Place place, std::string_view text) const {
  const std::vector<std::size_t> matched = places_[static_cast<std::size_t>(place)]->match(text);
  std::vector<const Signature*> out;
  out.reserve(matched.size());
  for (const std::size_t index : matched) out.push_back(&signatures_[index]);
  return out;
}

bool holds(const Signature& rule, const FeatureSet& features) {
  return std::ranges::all_of(rule.conditions, [&](const Condition& condition) {
    return features.has(condition.feature) == condition.is_wanted;
  });
}

}  // namespace blowback::detect
