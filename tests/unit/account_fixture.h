// Dossiers written by hand, for tests of the account.
#pragma once

#include "schema/store.h"

#include <string>

namespace blowback::cli_test {

inline constexpr UnixTime kNow{Duration{1'795'514'400}};  // 2026-11-24T10:00:00Z

inline constexpr Duration hours(int count) { return Duration{3600L * count}; }
inline constexpr Duration days(int count) { return hours(24 * count); }

inline IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }
inline Prefix net(const std::string& text) { return *Prefix::parse(text); }

inline Incident incident(UnixTime at, const std::string& trap, const std::string& campaign, double credit) {
  Incident made;
  made.received_at = at;
  made.client = ip("192.0.2.7");
  made.trap = trap;
  made.witness = trap;
  made.reverse_path = ReversePath::null;
  made.origin = "203.0.113.0/24";
  made.campaign = campaign;
  made.cause = Cause::unknown_user;
  made.credit = credit;
  return made;
}

/// As in the store: one part per trap or campaign, with the time of its newest incident.
inline void count(std::vector<schema::Part>& parts, const std::string& key, UnixTime at) {
  for (auto& part : parts) {
    if (part.label != key) continue;
    ++part.incidents;
    return;
  }
  parts.push_back({.key = part_key(key), .label = key, .sum = {}, .last_at = at, .incidents = 1});
}

/// The standing that the incidents' credits add up to at `now`.
inline schema::Dossier dossier_of(std::vector<Incident> newest_first, UnixTime now = kNow) {
  schema::Dossier dossier;
  dossier.asked = ip("192.0.2.7");
  dossier.sender = net("192.0.2.7");
  Standing standing{.sender = dossier.sender, .score = {.amount = 0, .at = now}, .times_listed = 0, .afresh_since = {}};
  for (const auto& one : newest_first) {
    standing.score.amount += faded({.amount = one.credit, .at = one.received_at}, now, Policy{}.half_life);
    if (counting_of(one, false) != Counting::counted) continue;
    count(dossier.witnesses, one.witness, one.received_at);
    count(dossier.campaigns, one.campaign, one.received_at);
    count(dossier.origins, origin_key(one), one.received_at);
  }
  if (!newest_first.empty()) dossier.standing = standing;
  dossier.incidents_in_all = newest_first.size();
  dossier.incidents = std::move(newest_first);
  return dossier;
}

inline Listing automatic(UnixTime from, UnixTime to) {
  return {.prefix = net("192.0.2.7"),
          .source = Source::automatic,
          .codes = Code::dsn,
          .listed_at = from,
          .expires_at = to,
          .reason = {}};
}

}  // namespace blowback::cli_test
