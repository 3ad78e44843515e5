#include "signature_reader.h"

#include "alternatives.h"
#include "blowback/text.h"
#include "features.h"
#include "signature_tables.h"
#include "telling_literals.h"
#include "words.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>
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

constexpr double kMostWeight = 20;

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

// "" or what is wrong with a pattern.
[[nodiscard]] std::string check(std::string_view pattern) {
  RE2::Options any_case;
  any_case.set_case_sensitive(false);
  any_case.set_log_errors(false);
  const RE2 as_written(re2::StringPiece(pattern.data(), pattern.size()), any_case);
  if (!as_written.ok()) return "not a pattern of RE2: " + as_written.error();
  if (RE2::PartialMatch("", as_written)) return "the pattern matches an empty text, so it matches any";
  for (const Alternative& alternative : alternatives_of(pattern)) {
    const RE2 compiled(alternative.pattern, options_for(alternative.pattern));
    if (!compiled.ok()) return "not a pattern of RE2 if capital letters are written small: " + compiled.error();
  }
  return {};
}

}  // namespace

SignatureReader::SignatureReader() {
  for (const std::string_view name : kFeatureNames) features_.emplace(name, features_.size());
}

std::string SignatureReader::table(const SignatureTable& table, bool is_checked) {
  if (table.text.size() > kLongestTable)
    return std::string(table.name) + ": longer than " + std::to_string(kLongestTable) +
           " octets; split it into several files";
  wordings_.clear();
  std::size_t octets_of_patterns = 0;
  is_checked_ = is_checked;
  std::size_t number = 0;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view rest = table.text;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  while (!rest.empty()) {
    const std::string_view line = next_line(rest);
    ++number;
    if (number > kMostLines) return std::string(table.name) + ": more than " + std::to_string(kMostLines) + " lines";
    const std::size_t known = signatures.size();
    std::string error = read(line);
    if (signatures.size() > known) octets_of_patterns += signatures.back().pattern.size();
    if (octets_of_patterns > kLongestTable)
      error = "with their wordings inserted, the patterns up to here are longer than " + std::to_string(kLongestTable) +
              " octets; write fewer or shorter ones";
    if (!error.empty()) return std::string(table.name) + ":" + std::to_string(number) + ": " + error;
  }
  return {};
}

std::string SignatureReader::read(std::string_view line) {
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
    rules[stage_of(made.place)].push_back(std::move(made));
    return {};
  }
  if (std::string error = complete(column[4], made.pattern); !error.empty()) return error;
  if (made.pattern.empty()) return "the pattern is empty, which matches any text";
  if (made.pattern.size() > kLongestPattern) return "the pattern is longer than 32768 octets";
  if (is_checked_) {
    if (std::string error = check(made.pattern); !error.empty()) return error;
  }
  signatures.push_back(std::move(made));
  return {};
}

std::string SignatureReader::claim(std::string_view claim, Signature& signature) {
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

std::string SignatureReader::conditions(std::string_view text, std::vector<Condition>& to) const {
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

std::string SignatureReader::complete(std::string_view pattern, std::string& out) const {
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

std::string SignatureReader::remove(std::string_view name) {
  const auto has_name = [&](const Signature& signature) { return signature.name == name; };
  std::size_t removed = std::erase_if(signatures, has_name);
  for (auto& stage : rules) removed += std::erase_if(stage, has_name);
  return removed > 0 ? "" : "no signature \"" + std::string(name) + "\" that could be removed";
}

std::vector<std::unique_ptr<PatternMatcher>> matchers_for(const std::vector<Signature>& signatures,
                                                          KnownLiterals known) {
  std::vector<std::unique_ptr<PatternMatcher>> out;
  out.reserve(2 * kPlaces.size());
  for (const PlaceRow& row : kPlaces) {
    for (int i = 0; i < 2; ++i) out.push_back(std::make_unique<PatternMatcher>(row.is_by_line, known));
  }
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    const Signature& signature = signatures[i];
    out[matcher_of(signature.place, signature.claim == Claim::product)]->add(signature.pattern, i);
  }
  return out;
}

BuiltInTables built_in_tables() {
  BuiltInTables out;
  for (const BuiltInTable& table : kSignatureTables) {
    std::string& text = out.texts.emplace_back();
    for (const std::string_view line : table.lines) (text += line) += '\n';
  }
  out.tables.reserve(out.texts.size());
  for (std::size_t i = 0; i < out.texts.size(); ++i)
    out.tables.push_back({.name = kSignatureTables[i].name, .text = out.texts[i]});
  return out;
}

}  // namespace blowback::detect
