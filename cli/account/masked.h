// What strangers wrote, without what names a trap, in plain or in the usual codings of addresses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// Masks trap addresses in text. What it can't know is a coding of the sender's own (an encrypted token): so `why` shows no
/// such text at all, and this is the second fence, for what the operator looks at himself.
class TrapMask {
 public:
  /// Traps' addresses, and domains in which any address is a trap.
  TrapMask(const std::vector<std::string>& addresses, const std::vector<std::string>& domains);

  /// Case is ignored. A word (what stands between blanks, brackets, quotes, commas and semicolons) is replaced whole by
  /// `[trap]` where it holds a trap's domain, and so any trap's address: in plain (also VERP's `old.user=example.com`), with
  /// other signs between its labels, percent-encoded, in hexadecimal or in base64. In other words a trap's local part is
  /// replaced: of three octets or more wherever it stands, a shorter one where no letter or digit touches it. A word that holds
  /// one in another coding is replaced whole: percent-encoded, quoted-printable, hexadecimal, base64 or base32 at any alignment;
  /// reversed, in ROT13, or with digits and signs between its letters (of five letters or more); or the beginning of an MD5, SHA-1
  /// or SHA-256 digest of it or of its address, in hexadecimal or base64.
  [[nodiscard]] std::string masked(std::string_view text) const;

 private:
  /// A local part as it is looked for.
  struct Local {
    std::string plain;    ///< lower case, of three octets or more; else ""
    std::string bare;     ///< letters and digits alone, five or more; else ""
    std::string letters;  ///< letters alone, likewise
  };

  void add_digests(const std::string& text);
  void add_base64(const std::string& text);
  [[nodiscard]] bool names_a_trap(std::string_view word) const;
  [[nodiscard]] bool hides_a_local_part(std::string_view word) const;
  [[nodiscard]] bool holds_a_domain(std::string_view text) const;
  [[nodiscard]] bool holds_a_local_part(std::string_view text, bool also_plain) const;
  [[nodiscard]] std::string without_local_parts(std::string_view word) const;

  std::vector<std::string> domains_;      ///< lower case; those of the addresses, too
  std::vector<std::string> bare_;         ///< domains, letters and digits alone
  std::vector<std::string> local_parts_;  ///< lower case, longest first
  std::vector<Local> locals_;             ///< the same, without those too short to be found coded
  std::vector<std::string> codes_;        ///< beginnings of digests, and base64 for where its case was lost; lower case
};

}  // namespace blowback::cli
