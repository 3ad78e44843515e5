// Reads the tables that the build compiled in, and asks RE2: fields by one set of all patterns, texts in two steps. There one set
// finds the literals that patterns can't match without, then only the patterns whose literals are there are tried. A set of
// literals has few states and soon knows them all; a set of whole patterns meets new states in every new text, and making
// states is what costs.
#include "signature_set.h"

#include "signature_tables.h"
#include "words.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace blowback::detect {
namespace {

struct PlaceRow {
  std::string_view name;
  Place place;
  bool is_prose;  ///< long, and each one new: literals first
};
constexpr std::array<PlaceRow, 6> kPlaces{{{"subject", Place::subject, false},
                                           {"from", Place::from, false},
                                           {"header", Place::header, false},
                                           {"text", Place::text, true},
                                           {"status", Place::status, false},
                                           {"diagnostic", Place::diagnostic, true}}};

// Per automaton; made as texts ask for it, and far smaller in practice. An automaton that would outgrow it starts afresh.
constexpr std::int64_t kAutomatonMemory = 16 << 20;

// Shorter literals are in every text and would sort nothing out.
constexpr int kShortestLiteral = 3;

[[nodiscard]] RE2::Options options() {
  RE2::Options made;
  made.set_case_sensitive(false);
  made.set_max_mem(kAutomatonMemory);
  made.set_log_errors(false);
  return made;
}

[[noreturn]] void unusable(std::string_view line, std::string_view why) {
  // The data is part of the program: only a broken build gets here.
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

// Wording that several patterns share: a line `let NAME TAB pattern`, used as `%{NAME}` from there on.
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

// Nothing for a comment, or for what only goes to `wordings`.
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

}  // namespace

// The patterns of one place. Automata are made when they are first asked for: a mail that came alone through a pipe doesn't
// wait for those that it has no use for.
class SignatureSet::OfPlace {
 public:
  explicit OfPlace(bool is_prose) : is_prose_(is_prose) {}

  void add(const std::string& pattern, std::size_t signature) {
    patterns_.push_back(pattern);
    signatures_.push_back(signature);
  }

  /// Numbers of the signatures that match, in no order.
  [[nodiscard]] std::vector<std::size_t> match(std::string_view text) const {
    std::vector<std::size_t> out;
    if (signatures_.empty() || text.empty()) return out;
    std::call_once(compiled_, [this] { compile(); });
    const re2::StringPiece piece(text.data(), text.size());
    std::vector<int> found;
    RE2::Set::ErrorInfo error{};
    if (!set_.Match(piece, &found, &error) && error.kind == RE2::Set::kOutOfMemory) {
      // A text made to blow the automaton up: each pattern alone, still linear.
      for (std::size_t i = 0; i < signatures_.size(); ++i) {
        if (RE2::PartialMatch(piece, RE2(patterns_[i], options()))) out.push_back(signatures_[i]);
      }
      return out;
    }
    std::vector<int> matched;
    if (is_prose_) filtered_.AllMatches(piece, found, &matched);
    for (const int index : is_prose_ ? matched : found) out.push_back(signatures_[static_cast<std::size_t>(index)]);
    return out;
  }

 private:
  void compile() const {
    std::vector<std::string> members = patterns_;
    if (is_prose_) {
      for (const std::string& pattern : patterns_) {
        int index = 0;
        if (filtered_.Add(pattern, options(), &index) != RE2::NoError) unusable(pattern, "no pattern of RE2");
      }
      members.clear();
      filtered_.Compile(&members);
      for (std::string& literal : members) literal = RE2::QuoteMeta(literal);
    }
    for (const std::string& member : members) {
      if (set_.Add(member, nullptr) < 0) unusable(member, "no pattern of RE2");
    }
    if (!set_.Compile()) unusable("", "the set is too large");
  }

  bool is_prose_ = false;
  std::vector<std::string> patterns_;
  std::vector<std::size_t> signatures_;  ///< by the pattern's own index
  // Made once, by whoever asks first.
  mutable std::once_flag compiled_;
  mutable re2::FilteredRE2 filtered_{kShortestLiteral};
  mutable RE2::Set set_{options(), RE2::UNANCHORED};  ///< of the patterns, or for prose of their literals
};

SignatureSet::SignatureSet(std::span<const std::string_view> tables) {
  for (const PlaceRow& row : kPlaces) places_.push_back(std::make_unique<OfPlace>(row.is_prose));
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
  std::vector<std::size_t> matched = places_[static_cast<std::size_t>(place)]->match(text);
  std::ranges::sort(matched);
  std::vector<const Signature*> out;
  out.reserve(matched.size());
  for (const std::size_t index : matched) out.push_back(&signatures_[index]);
  return out;
}

}  // namespace blowback::detect
