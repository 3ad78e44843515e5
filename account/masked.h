// Hides trap addresses in text that strangers wrote, in plain and in the usual codings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blowback::account {

/// Masks trap addresses in text. It can't know a sender's private coding, such as an encrypted token. So `why`, which the sender
/// may see, shows no such text at all; this mask is a second barrier, for what only the operator sees.
class TrapMask {
 public:
  /// `domains`: every address in them is a trap.
  TrapMask(const std::vector<std::string>& addresses, const std::vector<std::string>& domains);

  /// Case is ignored. A word is text between blanks, brackets, quotes, commas and semicolons. It becomes `[trap]` as a whole
  ///   - if it contains the domain of a trap: in plain (also VERP's `old.user=example.com`), with other characters between the
  ///     labels, percent-encoded, in hexadecimal or in base64;
  ///   - if it contains the local part of a trap in a coding: percent-encoded, quoted-printable, hexadecimal, base64 or base32 at
  ///     any alignment; reversed, in ROT13, or with other characters between its letters (five letters or more);
  ///   - if it contains the beginning of an MD5, SHA-1 or SHA-256 digest of a local part or address, in hexadecimal or base64.
  /// In any other word the local parts of traps become `[trap]`: anywhere if they have three octets or more, else where no letter
  /// or digit is next to them.
  [[nodiscard]] std::string masked(std::string_view text) const;

 private:
  /// The forms in which a local part is searched.
  struct Local {
    std::string plain;    ///< lower case; "" if shorter than three octets
    std::string bare;     ///< only its letters and digits; "" if fewer than five
    std::string letters;  ///< only its letters; "" if fewer than five
  };

  void add_digests(const std::string& text);
  void add_base64(const std::string& text);
  [[nodiscard]] bool names_a_trap(std::string_view word) const;
  [[nodiscard]] bool hides_a_local_part(std::string_view word) const;
  [[nodiscard]] bool holds_a_domain(std::string_view text) const;
  [[nodiscard]] bool holds_a_local_part(std::string_view text, bool also_plain) const;
  [[nodiscard]] std::string without_local_parts(std::string_view word) const;

  std::vector<std::string> domains_;      ///< lower case; includes those of the addresses
  std::vector<std::string> bare_;         ///< only the letters and digits of domains
  std::vector<std::string> local_parts_;  ///< lower case, longest first
  std::vector<Local> locals_;             ///< the same, without those that are too short to be searched in a coding
  std::vector<std::string> codes_;  ///< beginnings of digests, and base64 for text whose case was lost; lower case
};

}  // namespace blowback::account
