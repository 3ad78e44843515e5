// Reads tables of signatures (signature_set.h has their format).
#pragma once

#include "pattern_matcher.h"
#include "signature_set.h"

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// The position in `SignatureReader::rules` of a place without a text.
[[nodiscard]] constexpr std::size_t stage_of(Place place) {
  if (place == Place::envelope) return 0;
  return place == Place::glanced ? 1 : 2;
}

/// Reads tables one after the other, until the first error.
class SignatureReader {
 public:
  SignatureReader();

  /// "" or the error. `is_checked`: compiles the patterns, since nobody has tested them.
  [[nodiscard]] std::string table(const SignatureTable& table, bool is_checked);

  std::vector<Signature> signatures;            ///< those with patterns
  std::array<std::vector<Signature>, 3> rules;  ///< those with conditions

 private:
  [[nodiscard]] std::string read(std::string_view line);
  [[nodiscard]] std::string claim(std::string_view claim, Signature& signature);
  [[nodiscard]] std::string conditions(std::string_view text, std::vector<Condition>& to) const;
  [[nodiscard]] std::string complete(std::string_view pattern, std::string& out) const;
  [[nodiscard]] std::string remove(std::string_view name);

  bool is_checked_ = true;
  std::map<std::string, std::size_t, std::less<>> features_;
  // Wording that several patterns share: `let NAME TAB pattern`, used as `%{NAME}` in later lines.
  std::map<std::string, std::string, std::less<>> wordings_;
};

/// The position in `matchers_for`.
[[nodiscard]] constexpr std::size_t matcher_of(Place place, bool is_of_product) {
  return 2 * static_cast<std::size_t>(place) + (is_of_product ? 1 : 0);
}

/// Two matchers per place, for these signatures: those of products have one of their own. `known`: as for PatternMatcher.
[[nodiscard]] std::vector<std::unique_ptr<PatternMatcher>> matchers_for(const std::vector<Signature>& signatures,
                                                                        KnownLiterals known);

/// The tables that are part of the program, with their texts.
struct BuiltInTables {
  std::vector<std::string> texts;
  std::vector<SignatureTable> tables;  ///< refer to `texts`
};
[[nodiscard]] BuiltInTables built_in_tables();

}  // namespace blowback::detect
