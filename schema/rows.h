// How values stand in rows: addresses as 16 octets, digests as 32, times as seconds, choices as numbers.
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

/// Requires 64 hex digits: digests are made by us.
[[nodiscard]] DigestOctets digest_octets(std::string_view hex);
[[nodiscard]] std::string digest_hex(std::span<const std::uint8_t> octets);

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

/// Throws SqlFailure (SQLITE_CORRUPT) where the octets aren't 16.
[[nodiscard]] IpAddress address_of(const Statement& row, int column);
/// From `first` and `length` in neighbouring columns. Throws where they can't be a prefix.
[[nodiscard]] Prefix prefix_of(const Statement& row, int column);

/// `name:weight` with blanks between; signal names hold neither.
[[nodiscard]] std::string text_of(const std::vector<Signal>& signals);
[[nodiscard]] std::vector<Signal> signals_of(std::string_view text);

/// Columns of listing: first, length, source, codes, listed_at, expires_at, from `column` on. The reason is left empty.
inline constexpr const char* kListingColumns = "first, length, source, codes, listed_at, expires_at";
[[nodiscard]] Listing listing_of(const Statement& row, int column);

/// What a row of standing_part is about; the numbers stand in the database.
enum class Dimension : std::uint8_t { witness = 1, campaign = 2, kind = 3, origin = 4, mailbox = 5 };

/// Columns of standing without its key.
inline constexpr const char* kStandingColumns = "score, at, times_listed, listed_at, listed_until, afresh_since";
[[nodiscard]] Standing standing_of(const Statement& row, const Prefix& sender);

/// Columns of listing_change in the order of the table, without audit_id.
inline constexpr const char* kChangeColumns = "serial, at, action, first, length, source, codes, expires_at";
[[nodiscard]] ListingChange change_of(const Statement& row);

/// Columns of audit, the entry that undid it, and whether it is unfinished. Read by `audit_of` in store_impl.h.
inline constexpr const char* kAuditColumns =
    "id, at, who, action, subject, reason, until, changes, undoes, "
    "(SELECT u.id FROM audit u WHERE u.undoes = audit.id), "
    "EXISTS (SELECT 1 FROM unfinished WHERE audit_id = audit.id)";

/// What an incident is, in one number: choices and flags, from the lowest bit on as they stand in `facts_of`.
[[nodiscard]] std::int64_t facts_of(const Incident& incident);
/// The inverse.
void read_facts(std::int64_t facts, Incident& incident);

/// The last 64 bits of a digest: what tells one sender's deliveries apart.
[[nodiscard]] std::int64_t short_digest(std::string_view hex);

/// Columns of incident that make an Accusation. `facts` says what the key of an origin can't.
inline constexpr const char* kAccusationColumns =
    "sender, client, received_at, facts, confidence, witness, campaign, origin, mailbox";
inline constexpr int kAccusationColumnCount = 9;
[[nodiscard]] Accusation accusation_of(const Statement& row);

/// Columns of evidence but `number` and `recorded_at`.
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
/// Bind and run.
void put_incident(Statement& put, const Incident& incident, const Accusation& accusation, std::int64_t digest,
                  std::int64_t number);
void put_evidence(Statement& put, const Incident& incident, std::int64_t number, UnixTime recorded_at);

/// From `column` on. Without a digest and a credit.
[[nodiscard]] Incident incident_of(const Statement& row, int column);
/// What is left of an incident when its evidence has expired. `facts`: the column.
[[nodiscard]] Incident incident_without_evidence(const Accusation& accusation, std::int64_t facts);
/// What stands for a key whose text has expired.
[[nodiscard]] std::string label_of(PartKey key);
/// The key of a text, or of what stands for one.
[[nodiscard]] PartKey key_of_label(std::string_view label);

/// Not NULL where it is empty.
[[nodiscard]] std::span<const std::uint8_t> as_blob(const std::vector<std::uint8_t>& octets);

}  // namespace blowback::schema
