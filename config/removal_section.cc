#include "names.h"
#include "sections.h"

#include <optional>
#include <string>
#include <utility>

namespace blowback::config {

std::optional<std::string> objection_to_removal_mail(const Config& config) {
  if (config.removal.mail.empty()) return std::nullopt;
  const auto& traps = config.traps;
  if (traps.domains.empty() && traps.addresses.empty()) {
    // The file of traps isn't read yet; `load` asks again.
    if (!traps.file.empty()) return std::nullopt;
    return "needs traps with names, since without them every recipient is a trap; set traps.domains, traps.addresses "
           "or "
           "traps.file";
  }
  if (!traps.is_trap(config.removal.mail)) return std::nullopt;
  return "is a trap, and what a listed host sends to a trap lists it; choose an address at a domain without traps";
}

void read_removal(Section& section, Config& config) {
  auto& removal = config.removal;
  section.boolean("enabled", removal.rules.enabled);
  section.text("mail", removal.mail);
  if (section.is_good("mail") && !removal.mail.empty()) {
    if (auto address = mail_address(removal.mail)) {
      removal.mail = *std::move(address);
      if (const auto clause = objection_to_removal_mail(config)) section.complain("mail", *clause);
    } else {
      section.complain("mail", address.error().text);
    }
  }
  section.boolean("by_operator", removal.rules.by_operator);
  section.duration("wait", removal.rules.wait, Duration{0}, kTenYears);
}

}  // namespace blowback::config
