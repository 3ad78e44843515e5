// The evidence that identifies mailers is data (signatures/*.tsv): patterns of wording, compiled to RE2 automata once, and conditions on features.
//
// A line has a name, the place where it applies, its claim and its weight. RE2's time is linear in any text; a text without any of the
// patterns' literals costs one pass.
#pragma once

#include "blowback/kind.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// Where a signature applies.
enum class Place : std::uint8_t {
  subject,     ///< decoded
  from,        ///< the From: field, decoded
  header,      ///< the message's header: a line `Name: value` per field, unfolded
  text,        ///< the text for people, white space collapsed; never the returned original
  status,      ///< the delivery-status part
  diagnostic,  ///< the reason of the failure: Diagnostic-Code, else `text`
  glance,      ///< the text of a small message that nothing says a program sent, before the rest of it is matched
  glanced,     ///< features, after that
  envelope,    ///< features of envelope and header; evaluated before the text is read
  structure,   ///< all features; evaluated after everything else
};

/// The meaning of a match.
enum class Claim : std::uint8_t {
  kind,          ///< the message is of this kind
  origin,        ///< a program sent it
  against,       ///< a person, a list or a spammer sent it
  against_kind,  ///< it isn't of this kind
  product,       ///< this mail server wrote it
  cause,         ///< this is its cause
  feature,       ///< it has this feature, which conditions can use
};

/// One word of a condition: `letter-from-recipient`, `!link`.
struct Condition {
  std::size_t feature = 0;  ///< number
  bool is_wanted = true;
};

/// Lines of signatures, and where they are from, for errors.
struct SignatureTable {
  std::string_view name;
  std::string_view text;
};

struct Signature {
  std::string name;
  Place place = Place::text;
  Claim claim = Claim::kind;
  Kind kind = Kind::not_backscatter;  ///< for Claim::kind and Claim::against_kind
  Cause cause = Cause::none;          ///< for Claim::cause
  std::string product;                ///< for Claim::product
  std::size_t feature = 0;            ///< for Claim::feature
  /// Of several causes or products, the greatest weight wins, then the earliest line.
  double weight = 0;
  std::string pattern;                ///< as written, with wordings inserted
  std::vector<Condition> conditions;  ///< of places without a text; all must hold
};

/// For what signatures are matched.
enum class Purpose : std::uint8_t {
  all,
  verdict,  ///< all but those of a product, which says nothing about kind and cause
  product,  ///< those of a product, which only backscatter is asked for
};

class FeatureSet;
class PatternMatcher;

/// Immutable; safe from any thread.
class SignatureSet {
 public:
  /// The built-in set. Unit tests check its data; an invalid line ends the program.
  [[nodiscard]] static const SignatureSet& built_in();
  /// The built-in tables and `more`: lines `name TAB place TAB claim TAB weight TAB pattern`; `#` begins a comment. A line `let NAME TAB pattern`
  /// defines wording that later patterns of the table use as `%{NAME}`. A line `without NAME` removes the signature of that name from the
  /// tables before it. The error names table, line and how to mend it.
  [[nodiscard]] static std::expected<std::unique_ptr<const SignatureSet>, std::string> with(
      std::span<const SignatureTable> more);
  /// From these tables alone.
  [[nodiscard]] static std::expected<std::unique_ptr<const SignatureSet>, std::string> of(
      std::span<const SignatureTable> tables);
  ~SignatureSet();
  SignatureSet(const SignatureSet&) = delete;
  SignatureSet& operator=(const SignatureSet&) = delete;

  /// The matching ones, in the order of the data. Only for places with patterns.
  [[nodiscard]] std::vector<const Signature*> match(Place place, std::string_view text,
                                                    Purpose purpose = Purpose::all) const;
  /// Those of Place::envelope, Place::glanced or Place::structure, in the order of the data.
  [[nodiscard]] std::span<const Signature> rules(Place place) const;
  /// Those with patterns.
  [[nodiscard]] const std::vector<Signature>& all() const { return signatures_; }

 private:
  SignatureSet();
  [[nodiscard]] static std::expected<std::unique_ptr<const SignatureSet>, std::string> made_of(
      std::span<const SignatureTable> built_in, std::span<const SignatureTable> more);

  std::vector<Signature> signatures_;
  std::array<std::vector<Signature>, 3> rules_;
  std::vector<std::unique_ptr<PatternMatcher>> matchers_;  ///< by `matcher_of`
};

/// Whether all conditions of a rule hold.
[[nodiscard]] bool holds(const Signature& rule, const FeatureSet& features);

}  // namespace blowback::detect
