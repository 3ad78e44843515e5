#include "blowback/kind.h"

#include <cassert>

namespace blowback {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 8> kKinds{"dsn", "challenge", "virus_notice", "auto_reply",
                                                 "mdn", "callout",   "feedback",     "not_backscatter"};
constexpr std::array<std::string_view, 8> kCauses{"-",       "unknown_user", "over_quota", "content_rejected",
                                                  "delayed", "policy",       "system",     "other"};

struct CodeRow {
  std::string_view name;
  std::uint8_t octet;
};
constexpr std::array<CodeRow, kAllCodes.size()> kCodes{{{"dsn", 2},
                                                        {"challenge", 5},
                                                        {"virus_notice", 6},
                                                        {"auto_reply", 3},
                                                        {"mdn", 7},
                                                        {"callout", 4},
                                                        {"operator", 9}}};

template <typename Choice, std::size_t N>
[[nodiscard]] std::optional<Choice> named(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<Choice>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(Kind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::optional<Kind> kind_named(std::string_view name) { return named<Kind>(kKinds, name); }
std::string_view name_of(Cause cause) { return kCauses[static_cast<std::size_t>(cause)]; }
std::optional<Cause> cause_named(std::string_view name) { return named<Cause>(kCauses, name); }

std::uint8_t octet_of(Code code) { return kCodes[static_cast<std::size_t>(code)].octet; }
std::string_view name_of(Code code) { return kCodes[static_cast<std::size_t>(code)].name; }

std::optional<Code> code_named(std::string_view name) {
  for (const Code code : kAllCodes) {
    if (name_of(code) == name) return code;
  }
  return std::nullopt;
}

Code code_for(Kind kind) {
  assert(is_backscatter(kind));
  return static_cast<Code>(kind);  // the six kinds and the six codes have the same order
}

static_assert(static_cast<int>(Code::dsn) == static_cast<int>(Kind::dsn) &&
              static_cast<int>(Code::challenge) == static_cast<int>(Kind::challenge) &&
              static_cast<int>(Code::virus_notice) == static_cast<int>(Kind::virus_notice) &&
              static_cast<int>(Code::auto_reply) == static_cast<int>(Kind::auto_reply) &&
              static_cast<int>(Code::mdn) == static_cast<int>(Kind::mdn) &&
              static_cast<int>(Code::callout) == static_cast<int>(Kind::callout));

}  // namespace blowback
