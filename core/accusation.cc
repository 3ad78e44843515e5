#include "blowback/accusation.h"

#include <string>

namespace blowback {
PartKey part_key(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x00000100000001B3U;
  return PartKey{hash};
}

namespace {

[[nodiscard]] PartKeys keys_by_texts(const Incident& incident) {
  const std::string mailbox = mailbox_key(incident);
  return {.witness = part_key(incident.witness),
          .campaign = part_key(incident.campaign),
          .origin = part_key(origin_key(incident)),
          .mailbox = mailbox.empty() ? std::nullopt : std::optional(part_key(mailbox))};
}

}  // namespace

Accusation accusation_of(const Incident& incident) {
  return {.received_at = incident.received_at,
          .client = incident.client,
          .kind = incident.kind,
          .confidence = incident.confidence,
          .reverse_path = incident.reverse_path,
          .relayed = incident.relayed,
          .doubtful_boundary = incident.doubtful_boundary,
          .keys = incident.keys ? *incident.keys : keys_by_texts(incident),
          .names_origin = !incident.origin.empty()};
}

Counting counting_of(const Accusation& accusation, bool any_reverse_path) {
  return counting_of(accusation.reverse_path, accusation.relayed, accusation.doubtful_boundary, any_reverse_path);
}

}  // namespace blowback
