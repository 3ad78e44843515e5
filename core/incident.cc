// Whether an incident counts, and what others may see of a trap's address.
#include "blowback/incident.h"

#include <chrono>

namespace blowback {

Counting counting_of(const Incident& incident, bool any_reverse_path) {
  if (incident.relayed != Relayed::no) return Counting::relayed;
  if (incident.doubtful_boundary) return Counting::doubtful_boundary;
  if (any_reverse_path) return Counting::counted;
  switch (incident.reverse_path) {
    case ReversePath::null:
      return Counting::counted;
    case ReversePath::set:
      return Counting::set_reverse_path;
    case ReversePath::unknown:
      break;
  }
  return Counting::unknown_reverse_path;
}

std::string origin_key(const Incident& incident) {
  if (!incident.origin.empty()) return incident.origin;
  const auto day = std::chrono::floor<std::chrono::days>(incident.received_at).time_since_epoch().count();
  return "unknown:" + std::to_string(day) + ':' + incident.witness;
}

std::string mailbox_key(const Incident& incident) {
  return incident.cause == Cause::unknown_user ? std::string() : incident.mailbox;
}

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
