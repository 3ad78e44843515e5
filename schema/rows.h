// How values are stored: addresses as 16 octets, digests as 32, times as seconds, enumerators as numbers.
#pragma once

#include "blowback/accusation.h"
#include "blowback/incident.h"
#include "blowback/listing.h"
#include "blowback/standing.h"
#include "sqlite.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::schema {

using DigestOctets = std::array<std::uint8_t, 32>;

/// Requires 64 hex digits: only our own code makes digests.
[[nodiscard]] DigestOctets digest_octets(std::string_view hex);

[[nodiscard]] inline std::int64_t seconds(UnixTime time) { return time.time_since_epoch().count(); }
[[nodiscard]] inline std::optional<std::int64_t> seconds(const std::optional<UnixTime>& time) {
  return time ? std::optional(seconds(*time)) : std::nullopt;
}
[[nodiscard]] inline UnixTime time_of(std::int64_t seconds) { return UnixTime(Duration(seconds)); }
/// Days since 1970, UTC.
[[nodiscard]] inline std::int64_t day_of(UnixTime time) {
  return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
}
[[nodiscard]] std::optional<UnixTime> optional_time(const Statement& row, int column);

/// Throws SqlFailure (SQLITE_CORRUPT) unless there are 16 octets.
[[nodiscard]] IpAddress address_of(const Statement& row, int column);
/// From `first` and `length` in adjacent columns. Throws if they aren't a prefix.
[[nodiscard]] Prefix prefix_of(const Statement& row, int column);

/// `name:weight`, separated by blanks; names of signals contain neither a colon nor a blank.
[[nodiscard]] std::string text_of(const std::vector<Signal>& signals);
[[nodiscard]] std::vector<Signal> signals_of(std::string_view text);

/// Columns of listing: first, length, source, codes, listed_at, expires_at, from `column` on. The reason is left empty.
inline constexpr const char* kListingColumns = "first, length, source, codes, listed_at, expires_at";
[[nodiscard]] Listing listing_of(const Statement& row, int column);

/// What a row of standing_part is about. The numbers are stored.
enum class Dimension : std::uint8_t { witness = 1, campaign = 2, kind = 3, origin = 4, mailbox = 5 };

/// Columns of standing, except for its key.
inline constexpr const char* kStandingColumns = "score, at, times_listed, listed_at, listed_until, afresh_since";
[[nodiscard]] Standing standing_of(const Statement& row, const Prefix& sender);

/// Columns of listing_change in the order of the table, without audit_id.
inline constexpr const char* kChangeColumns = "serial, at, action, first, length, source, codes, expires_at";
[[nodiscard]] ListingChange change_of(const Statement& row);

/// Columns of audit, the entry that undid it, and whether it is unfinished. `audit_of` in store_impl.h reads them.
inline constexpr const char* kAuditColumns =
    "id, at, who, action, subject, reason, until, changes, undoes, "
    "(SELECT u.id FROM audit u WHERE u.undoes = audit.id), "
    "EXISTS (SELECT 1 FROM unfinished WHERE audit_id = audit.id)";

/// The enumerators and flags of an incident, packed into one number, in the order of `lay_out` from the lowest bit on.
[[nodiscard]] std::int64_t facts_of(const Incident& incident);
/// The inverse.
void read_facts(std::int64_t facts, Incident& incident);

/// The last 64 bits of a digest, which identify a delivery among those of one sender.
[[nodiscard]] std::int64_t short_digest(std::string_view hex);

/// Columns of incident for an Accusation. `facts` also tells whether the origin is known.
inline constexpr const char* kAccusationColumns =
    "sender, client, received_at, facts, confidence, witness, campaign, origin, mailbox";
inline constexpr int kAccusationColumnCount = 9;
[[nodiscard]] Accusation accusation_of(const Statement& row);

/// Columns of evidence, except for `number` and `recorded_at`.
inline constexpr const char* kEvidenceColumns =
    "received_at, client, facts, feed, trap, witness, campaign, origin, mailbox, helo, reporting_mta, product, "
    "queue_id, "
    "message_id, subject, first_received, size, signals";
inline constexpr int kEvidenceColumnCount = 18;
/// The statements of `put_incident` and `put_evidence`.
inline constexpr const char* kPutIncident =
    "INSERT INTO incident (sender, digest, number, received_at, client, facts, confidence, credit, witness, campaign, "
    "origin, mailbox) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
inline constexpr const char* kPutEvidence =
    "INSERT INTO evidence (number, recorded_at, received_at, client, facts, feed, trap, witness, campaign, origin, "
    "mailbox, helo, reporting_mta, product, queue_id, message_id, subject, first_received, size, signals) VALUES (?, "
    "?, ?, "
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// They bind and run the statement.
void put_incident(Statement& put, const Incident& incident, const Accusation& accusation, std::int64_t digest,
                  std::int64_t number);
void put_evidence(Statement& put, const Incident& incident, std::int64_t number, UnixTime recorded_at);

/// From `column` on. Without digest and credit.
[[nodiscard]] Incident incident_of(const Statement& row, int column);
/// An incident whose evidence has expired. `facts`: the column.
[[nodiscard]] Incident incident_without_evidence(const Accusation& accusation, std::int64_t facts);
/// The text that replaces an expired one: `#` and the key in hex.
[[nodiscard]] std::string label_of(PartKey key);
/// The key of a text, or of the text that replaces an expired one.
[[nodiscard]] PartKey key_of_label(std::string_view label);

/// An empty one isn't NULL.
[[nodiscard]] std::span<const std::uint8_t> as_blob(const std::vector<std::uint8_t>& octets);

}  // namespace blowback::schema
