#include "names.h"
#include "sections.h"
#include "values.h"

#include <string>
#include <vector>

namespace blowback::config {

void read_traps(Section& section, Traps& traps) {
  std::vector<TrapName> domains;
  parsed_texts(section, "domains", domains, [](const std::string& text) { return trap_domain(text); });
  for (const auto& domain : domains) add_trap(traps, domain);
  parsed_texts(section, "addresses", traps.addresses, [](const std::string& text) { return mail_address(text); });
  keep_each_once(traps);
  section.text("file", traps.file);
  if (section.is_good("file") && traps.file.find('\0') != std::string::npos) {
    section.complain("file", "is no path; name a file with one trap per line");
  }
}

}  // namespace blowback::config
