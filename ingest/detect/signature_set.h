// Wording by which mailers are known: patterns are data (signatures/*.tsv), compiled once into RE2 automata, some per place.
//
// A line of data says what it is called, where it applies, what it says and how much that weighs. RE2 takes time linear
// in the text whatever the text is; a text that holds nothing of what the patterns need costs one pass.
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
  header,      ///< the message's own header, a line `Name: value` per field, unfolded
  text,        ///< what the mailer wrote to a person, blanks collapsed; never the returned original
  status,      ///< the delivery-status part
  diagnostic,  ///< why delivery failed: Diagnostic-Code, else `text`
};

/// What a signature says when it matches.
enum class Claim : std::uint8_t {
  kind,          ///< it is of this kind
  origin,        ///< a program sent it, of whatever kind it is
  against,       ///< a person, a list or a spammer sent it
  against_kind,  ///< it isn't of this kind, whatever else it is
  product,       ///< this mail server wrote it
  cause,         ///< this is why
};

struct Signature {
  std::string name;
  Place place = Place::text;
  Claim claim = Claim::kind;
  Kind kind = Kind::not_backscatter;  ///< for Claim::kind and Claim::against_kind
  Cause cause = Cause::none;          ///< for Claim::cause
  std::string product;                ///< for Claim::product
  /// How much it counts. Between causes and between products, the greater wins; then the earlier line.
  double weight = 0;
  std::string pattern;
};

/// Immutable; safe from any thread.
class SignatureSet {
 public:
  /// The set that is built in. Its data is checked by the unit tests; a line that can't be used ends the program.
  [[nodiscard]] static const SignatureSet& built_in();
  /// Tables of lines `name TAB place TAB claim TAB weight TAB pattern`; `#` begins a comment line. A line `let NAME TAB pattern` names
  /// wording that patterns below have as `%{NAME}`. Requires valid lines.
  explicit SignatureSet(std::span<const std::string_view> tables);
  ~SignatureSet();
  SignatureSet(const SignatureSet&) = delete;
  SignatureSet& operator=(const SignatureSet&) = delete;

  /// Those that match, in the order of the data.
  [[nodiscard]] std::vector<const Signature*> match(Place place, std::string_view text) const;
  [[nodiscard]] const std::vector<Signature>& all() const { return signatures_; }

 private:
  class OfPlace;
  std::vector<Signature> signatures_;
  std::vector<std::unique_ptr<OfPlace>> places_;
};

}  // namespace blowback::detect
