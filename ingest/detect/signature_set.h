// Wording that identifies mailers: patterns are data (signatures/*.tsv), and compiled to RE2 automata once.
//
// A line has a name, the place where it applies, its claim and its weight. RE2's time is linear in any text; a text without any of the
// patterns' literals costs one pass.
#pragma once

#include "blowback/kind.h"

#include <cstdint>
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
};

/// The meaning of a match.
enum class Claim : std::uint8_t {
  kind,          ///< the message is of this kind
  origin,        ///< a program sent it
  against,       ///< a person, a list or a spammer sent it
  against_kind,  ///< it isn't of this kind
  product,       ///< this mail server wrote it
  cause,         ///< this is its cause
};

struct Signature {
  std::string name;
  Place place = Place::text;
  Claim claim = Claim::kind;
  Kind kind = Kind::not_backscatter;  ///< for Claim::kind and Claim::against_kind
  Cause cause = Cause::none;          ///< for Claim::cause
  std::string product;                ///< for Claim::product
  /// Of several causes or products, the greatest weight wins, then the earliest line.
  double weight = 0;
  std::string pattern;
};

/// Immutable; safe from any thread.
class SignatureSet {
 public:
  /// The built-in set. Unit tests check its data; an invalid line ends the program.
  [[nodiscard]] static const SignatureSet& built_in();
  /// From lines `name TAB place TAB claim TAB weight TAB pattern`; `#` begins a comment. A line `let NAME TAB pattern` defines wording that later
  /// patterns use as `%{NAME}`. Requires valid lines.
  explicit SignatureSet(std::span<const std::string_view> tables);
  ~SignatureSet();
  SignatureSet(const SignatureSet&) = delete;
  SignatureSet& operator=(const SignatureSet&) = delete;

  /// The matching ones, in the order of the data.
  [[nodiscard]] std::vector<const Signature*> match(Place place, std::string_view text) const;
  [[nodiscard]] const std::vector<Signature>& all() const { return signatures_; }

 private:
  class OfPlace;
  std::vector<Signature> signatures_;
  std::vector<std::unique_ptr<OfPlace>> places_;
};

}  // namespace blowback::detect
