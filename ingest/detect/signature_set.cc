#include "signature_set.h"

#include "features.h"
#include "known_literals.h"
#include "pattern_matcher.h"
#include "signature_reader.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace blowback::detect {

SignatureSet::SignatureSet() = default;
SignatureSet::~SignatureSet() = default;

std::expected<std::unique_ptr<const SignatureSet>, std::string> SignatureSet::made_of(
    std::span<const SignatureTable> built_in, std::span<const SignatureTable> more) {
  SignatureReader reader;
  // The build has checked the built-in tables: compiling all patterns takes half a second.
  for (const SignatureTable& table : built_in) {
    if (std::string error = reader.table(table, false); !error.empty()) return std::unexpected(std::move(error));
  }
  for (const SignatureTable& table : more) {
    if (std::string error = reader.table(table, true); !error.empty()) return std::unexpected(std::move(error));
  }
  std::unique_ptr<SignatureSet> set(new SignatureSet);
  set->signatures_ = std::move(reader.signatures);
  set->rules_ = std::move(reader.rules);
  set->matchers_ = matchers_for(set->signatures_, known_literals);
  return set;
}

std::expected<std::unique_ptr<const SignatureSet>, std::string> SignatureSet::of(
    std::span<const SignatureTable> tables) {
  return made_of({}, tables);
}

std::expected<std::unique_ptr<const SignatureSet>, std::string> SignatureSet::with(
    std::span<const SignatureTable> more) {
  return made_of(built_in_tables().tables, more);
}

std::span<const Signature> SignatureSet::rules(Place place) const { return rules_[stage_of(place)]; }

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

std::vector<const Signature*> SignatureSet::match(Place place, std::string_view text, Purpose purpose) const {
  std::vector<std::size_t> matched;
  if (purpose != Purpose::product) matched = matchers_[matcher_of(place, false)]->match(text);
  if (purpose != Purpose::verdict) {
    std::ranges::copy(matchers_[matcher_of(place, true)]->match(text), std::back_inserter(matched));
    std::ranges::sort(matched);
  }
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
