// The kind of a delivery, its cause, and the listing code by which the zone publishes it.
//
// Their names in the database, files, commands and DNS answers are in tables in core/kind.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace blowback {

/// Six kinds that are backscatter if they reach a trap, most serious first, then two that never are.
enum class Kind : std::uint8_t {
  dsn,              ///< a delivery status notification, RFC 3464 or free text
  challenge,        ///< "please confirm that you are human"
  virus_notice,     ///< a virus or content filter's warning to the forged originator
  auto_reply,       ///< vacation, out of office, "we received your mail": RFC 3834
  mdn,              ///< a message disposition notification, RFC 8098
  callout,          ///< sender verification: a session that ended before DATA
  feedback,         ///< ARF (RFC 5965), DMARC and TLS reports: sent to domains that ask for them
  not_backscatter,  ///< anything else
};

[[nodiscard]] constexpr bool is_backscatter(Kind kind) { return kind < Kind::feedback; }
[[nodiscard]] std::string_view name_of(Kind kind);
[[nodiscard]] std::optional<Kind> kind_named(std::string_view name);

/// Why the accused server sent it, if the message shows it; selects the advice for its postmaster.
enum class Cause : std::uint8_t { none, unknown_user, over_quota, content_rejected, delayed, policy, system, other };

/// `none` is written `-`.
[[nodiscard]] std::string_view name_of(Cause cause);
[[nodiscard]] std::optional<Cause> cause_named(std::string_view name);

/// One A record in the zone: 127.0.0.N. Answers always have the order of the enumerators: a client that reads only the first
/// record gets the same one each time.
enum class Code : std::uint8_t { dsn, challenge, virus_notice, auto_reply, mdn, callout, by_operator };

inline constexpr std::array kAllCodes{Code::dsn, Code::challenge, Code::virus_notice, Code::auto_reply,
                                      Code::mdn, Code::callout,   Code::by_operator};

/// The last octet of its A record: 2, 5, 6, 3, 7, 4, 9.
[[nodiscard]] std::uint8_t octet_of(Code code);
/// `dsn` … `callout`, and `operator`.
[[nodiscard]] std::string_view name_of(Code code);
[[nodiscard]] std::optional<Code> code_named(std::string_view name);
/// Requires is_backscatter(kind).
[[nodiscard]] Code code_for(Kind kind);

/// A set of codes. To visit them in answer order, iterate `kAllCodes` and test `has`.
class CodeSet {
 public:
  constexpr CodeSet() = default;
  constexpr CodeSet(Code code) : bits_(bit(code)) {}  // NOLINT(google-explicit-constructor): a code is a set of one
  /// The inverse of `bits`; ignores unknown bits.
  [[nodiscard]] static constexpr CodeSet from_bits(std::uint32_t bits) {
    CodeSet set;
    set.bits_ = static_cast<std::uint8_t>(bits & ((1U << kAllCodes.size()) - 1U));
    return set;
  }
  /// Every code.
  [[nodiscard]] static constexpr CodeSet all() { return from_bits(~0U); }

  [[nodiscard]] constexpr bool has(Code code) const { return (bits_ & bit(code)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  /// As the database keeps it: bit n stands for the enumerator with value n.
  [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }
  constexpr CodeSet& operator|=(CodeSet other) {
    bits_ = static_cast<std::uint8_t>(bits_ | other.bits_);
    return *this;
  }
  friend constexpr CodeSet operator|(CodeSet a, CodeSet b) { return a |= b; }
  /// The codes that both have.
  friend constexpr CodeSet operator&(CodeSet a, CodeSet b) {
    return from_bits(std::uint32_t{a.bits_} & std::uint32_t{b.bits_});
  }
  /// The codes of `a` that `b` doesn't have.
  friend constexpr CodeSet operator-(CodeSet a, CodeSet b) {
    return from_bits(std::uint32_t{a.bits_} & ~std::uint32_t{b.bits_});
  }
  friend constexpr bool operator==(CodeSet, CodeSet) = default;

 private:
  static constexpr std::uint8_t bit(Code code) { return static_cast<std::uint8_t>(1U << static_cast<unsigned>(code)); }
  std::uint8_t bits_ = 0;
};

}  // namespace blowback
