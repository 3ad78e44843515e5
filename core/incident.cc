#include "blowback/incident.h"

#include <chrono>

namespace blowback {

Counting counting_of(const Incident& incident, bool any_reverse_path) {
  return counting_of(incident.reverse_path, incident.relayed, incident.doubtful_boundary, any_reverse_path);
}

std::string origin_key(const Incident& incident) {
  if (!incident.origin.empty()) return incident.origin;
  const auto day = std::chrono::floor<std::chrono::days>(incident.received_at).time_since_epoch().count();
  return "unknown:" + std::to_string(day) + ':' + incident.witness;
}

std::string mailbox_key(const Incident& incident) { return incident.mailbox_exists ? incident.mailbox : std::string(); }

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
