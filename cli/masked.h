// What others may see of what strangers wrote: nothing that names a trap, in plain or in the usual codings of addresses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// Masks trap addresses in text. What it can't know is a coding of the sender's own (an encrypted token): so evidence is an
/// allow-list of fields, and this is the second fence.
class TrapMask {
 public:
  /// Traps' addresses, and domains in which any address is a trap.
  TrapMask(const std::vector<std::string>& addresses, const std::vector<std::string>& domains);

  /// Case is ignored. A word (what stands between blanks, brackets, quotes, commas and semicolons) is replaced whole by
  /// `[trap]` where it holds a trap's domain, and so any trap's address: in plain (also VERP's `old.user=example.com`), with
  /// other signs between its labels, percent-encoded, in hexadecimal or in base64. In other words a trap's local part is
  /// replaced: of three octets or more wherever it stands, a shorter one where no letter or digit touches it.
  [[nodiscard]] std::string masked(std::string_view text) const;

 private:
  [[nodiscard]] bool names_a_trap(std::string_view word) const;
  [[nodiscard]] std::string without_local_parts(std::string_view word) const;

  std::vector<std::string> domains_;      ///< lower case; those of the addresses, too
  std::vector<std::string> bare_;         ///< domains, letters and digits alone
  std::vector<std::string> local_parts_;  ///< lower case, longest first
};

}  // namespace blowback::cli
