#include "trap_place.h"

#include <fmt/format.h>

#include <algorithm>

namespace blowback::cli {
namespace {

constexpr std::string_view kAndBelow = "*.";

/// The witness that `traps` has for it; "" for none. If no traps are named, every recipient is one, but no entry says so.
[[nodiscard]] std::string named_around(const std::string& trap, const config::Traps& traps) {
  if (!traps.witnesses()) return {};
  if (!is_trap_domain(trap)) return traps.witness_of(trap);
  return traps.witness_of("@" + (trap.starts_with(kAndBelow) ? trap.substr(kAndBelow.size()) : trap));
}

}  // namespace

bool is_trap_domain(std::string_view trap) { return trap.find('@', 1) == std::string_view::npos; }

std::optional<TrapPlace> place_of(const std::string& trap, const config::Config& own, const config::Lines& lines,
                                  const config::Traps& all) {
  if (const auto witness = named_around(trap, own.traps); !witness.empty()) {
    const auto line = lines.find(witness.starts_with('@') ? "traps.domains" : "traps.addresses");
    return TrapPlace{.place = line == lines.end() ? own.file : fmt::format("{}:{}", own.file, line->second),
                     .by = as_configured(witness, own.traps)};
  }
  if (const auto witness = named_around(trap, all); !witness.empty()) {
    return TrapPlace{.place = own.traps.file, .by = as_configured(witness, all)};
  }
  return std::nullopt;
}

std::string as_configured(const std::string& trap, const config::Traps& traps) {
  if (!trap.starts_with('@')) return trap;
  const auto domain = trap.substr(1);
  const bool with_below = std::ranges::find(traps.with_subdomains, domain) != traps.with_subdomains.end();
  return with_below ? std::string(kAndBelow) + domain : domain;
}

}  // namespace blowback::cli
