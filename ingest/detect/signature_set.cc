// Reads the tables that the build compiled in, and asks RE2.
#include "signature_set.h"

#include "signature_tables.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

namespace blowback::detect {
namespace {

constexpr std::array<std::pair<std::string_view, Place>, 6> kPlaces{{{"subject", Place::subject},
                                                                     {"from", Place::from},
                                                                     {"header", Place::header},
                                                                     {"text", Place::text},
                                                                     {"status", Place::status},
                                                                     {"diagnostic", Place::diagnostic}}};

// Per place. The DFA of such a set is built as texts ask for it; some 100 patterns stay far below this.
constexpr std::int64_t kSetMemory = 64 << 20;

[[nodiscard]] RE2::Options options() {
  RE2::Options made;
  made.set_case_sensitive(false);
  made.set_max_mem(kSetMemory);
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
  if (what == "against") {
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
  } else {
    unusable(line, "the third column is kind:…, cause:…, product:…, origin or against");
  }
}

[[nodiscard]] std::optional<Signature> signature_of(std::string_view line) {
  if (line.empty() || line.starts_with('#')) return std::nullopt;
  const std::vector<std::string_view> column = columns(line);
  if (column.size() != 5) unusable(line, "not five columns");
  Signature out;
  out.name = column[0];
  const auto* const place = std::ranges::find_if(kPlaces, [&](const auto& row) { return row.first == column[1]; });
  if (place == kPlaces.end()) unusable(line, "no such place");
  out.place = place->second;
  read_claim(line, column[2], out);
  const auto parsed = std::from_chars(column[3].data(), column[3].data() + column[3].size(), out.weight);
  if (parsed.ec != std::errc()) unusable(line, "the weight is no number");
  out.pattern = column[4];
  return out;
}

}  // namespace

struct SignatureSet::OfPlace {
  RE2::Set set{options(), RE2::UNANCHORED};
  std::vector<std::size_t> signatures;  ///< by the set's own index
  bool empty = true;
};

SignatureSet::SignatureSet(std::string_view table) {
  for (std::size_t i = 0; i < kPlaces.size(); ++i) places_.push_back(std::make_unique<OfPlace>());
  while (!table.empty()) {
    const std::size_t end = table.find('\n');
    const std::string_view line = table.substr(0, end);
    table.remove_prefix(end == std::string_view::npos ? table.size() : end + 1);
    std::optional<Signature> signature = signature_of(line);
    if (!signature) continue;
    OfPlace& place = *places_[static_cast<std::size_t>(signature->place)];
    std::string error;
    if (place.set.Add(signature->pattern, &error) < 0) unusable(line, error);
    place.empty = false;
    place.signatures.push_back(signatures_.size());
    signatures_.push_back(std::move(*signature));
  }
  for (const auto& place : places_) {
    if (!place->set.Compile()) unusable("", "the set is too large");
  }
}

SignatureSet::~SignatureSet() = default;

const SignatureSet& SignatureSet::built_in() {
  static const SignatureSet set(kSignatureTables);
  return set;
}

std::vector<const Signature*> SignatureSet::match(Place place, std::string_view text) const {
  std::vector<const Signature*> out;
  const OfPlace& of = *places_[static_cast<std::size_t>(place)];
  if (of.empty || text.empty()) return out;
  std::vector<int> matched;
  RE2::Set::ErrorInfo error{};
  if (of.set.Match(re2::StringPiece(text.data(), text.size()), &matched, &error)) {
    for (const int index : matched) out.push_back(&signatures_[of.signatures[static_cast<std::size_t>(index)]]);
  } else if (error.kind == RE2::Set::kOutOfMemory) {
    // A text made to blow the automaton up: each pattern alone, still linear.
    for (const std::size_t index : of.signatures) {
      const RE2 alone(signatures_[index].pattern, options());
      if (RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), alone)) out.push_back(&signatures_[index]);
    }
  }
  std::ranges::sort(out);  // all in one vector: by address is by line
  return out;
}

}  // namespace blowback::detect
