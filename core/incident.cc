// What others may see of a trap's address.
#include "blowback/incident.h"

namespace blowback {

std::string redacted(const std::string& trap_address) {
  const auto first_letter = [](std::string_view part) {
    return part.empty() ? std::string() : std::string(part.substr(0, 1)) + "…";
  };
  const auto at = trap_address.rfind('@');
  if (at == std::string::npos) return first_letter(trap_address);
  return first_letter(std::string_view(trap_address).substr(0, at)) + "@" +
         first_letter(std::string_view(trap_address).substr(at + 1));
}

}  // namespace blowback
