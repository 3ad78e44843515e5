#include "sender_record.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>

namespace blowback::schema {
namespace {

/// The parts of a Reckoning by Dimension, which begins with 1.
template <typename R>
[[nodiscard]] auto parts_of(R& reckoning) {
  return std::array{&reckoning.witnesses, &reckoning.campaigns, &reckoning.kinds, &reckoning.origins,
                    &reckoning.mailboxes};
}

}  // namespace

SenderRecords::SenderRecords(const Connection& db)
    : from_(db, std::string("SELECT ") + kStandingColumns +
                    ", horizon, codes, listing_at, expires_at FROM standing_at_horizon WHERE sender = ?"),
      parts_(db, "SELECT dimension, key, amount, at, last_at, incidents FROM part_at_horizon WHERE sender = ?"),
      incidents_(
          db, std::string("SELECT ") + kAccusationColumns + ", digest, number, credit FROM incident WHERE sender = ?"),
      put_from_(db,
                "INSERT OR REPLACE INTO standing_at_horizon (sender, horizon, score, at, times_listed, listed_at, "
                "listed_until, afresh_since, codes, listing_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      forget_parts_(db, "DELETE FROM part_at_horizon WHERE sender = ?"),
      put_part_(db,
                "INSERT INTO part_at_horizon (sender, dimension, key, amount, at, last_at, incidents) VALUES (?, ?, ?, "
                "?, ?, ?, ?)") {}

Reckoning SenderRecords::from(const Prefix& sender) {
  Reckoning reckoning;
  reckoning.standing.sender = sender;
  const auto& key = sender.first().octets();
  const bool begins_late = from_.bind(key)
                               .first([&](const Statement& row) {
                                 reckoning.standing = standing_of(row, sender);
                                 reckoning.as_of = time_of(row.integer(6));
                                 if (!row.is_null(7)) {
                                   reckoning.listing =
                                       Listing{.prefix = sender,
                                               .source = Source::automatic,
                                               .codes = CodeSet::from_bits(static_cast<std::uint32_t>(row.integer(7))),
                                               .listed_at = time_of(row.integer(8)),
                                               .expires_at = optional_time(row, 9),
                                               .reason = {}};
                                 }
                                 return true;
                               })
                               .has_value();
  if (!begins_late) return reckoning;
  const auto parts = parts_of(reckoning);
  parts_.bind(key);
  while (parts_.step()) {
    const auto dimension = static_cast<std::size_t>(parts_.integer(0) - 1);
    if (dimension >= parts.size()) continue;
    parts[dimension]->push_back({.key = PartKey{static_cast<std::uint64_t>(parts_.integer(1))},
                                 .label = {},
                                 .sum = {.amount = parts_.real(2), .at = time_of(parts_.integer(3))},
                                 .last_at = time_of(parts_.integer(4)),
                                 .incidents = static_cast<std::uint64_t>(parts_.integer(5))});
  }
  return reckoning;
}

std::vector<SenderRecords::Kept> SenderRecords::incidents(const Prefix& sender, UnixTime now) {
  std::vector<Kept> kept;
  incidents_.bind(sender.first().octets());
  while (incidents_.step()) {
    kept.push_back({.digest = incidents_.integer(kAccusationColumnCount),
                    .number = incidents_.integer(kAccusationColumnCount + 1),
                    .credit = incidents_.real(kAccusationColumnCount + 2),
                    .accusation = accusation_of(incidents_)});
    auto& at = kept.back().accusation.received_at;
    at = unless_ahead(at, now);
  }
  std::ranges::sort(kept, [](const Kept& a, const Kept& b) {
    return std::pair(a.accusation.received_at, a.number) < std::pair(b.accusation.received_at, b.number);
  });
  return kept;
}

void SenderRecords::begin_with(const Reckoning& reckoning) {
  const Standing& standing = reckoning.standing;
  const auto& key = standing.sender.first().octets();
  const auto& listing = reckoning.listing;
  put_from_
      .bind(key, seconds(reckoning.as_of), standing.score.amount, seconds(standing.score.at), standing.times_listed,
            seconds(standing.listed_at), seconds(standing.listed_until), seconds(standing.afresh_since),
            listing ? std::optional<std::int64_t>(listing->codes.bits()) : std::nullopt,
            listing ? std::optional(seconds(listing->listed_at)) : std::nullopt,
            listing ? seconds(listing->expires_at) : std::nullopt)
      .run();
  forget_parts_.bind(key).run();
  int dimension = 0;
  for (const auto* const parts : parts_of(reckoning)) {
    ++dimension;
    for (const auto& part : *parts) {
      put_part_
          .bind(key, dimension, static_cast<std::int64_t>(part.key), part.sum.amount, seconds(part.sum.at),
                seconds(part.last_at), part.incidents)
          .run();
    }
  }
}

}  // namespace blowback::schema
