// How values stand in rows: addresses as 16 octets, digests as 32, times as seconds, choices as numbers.
#pragma once

#include "blowback/incident.h"
#include "blowback/listing.h"
#include "blowback/standing.h"
#include "sqlite.h"

#include <array>
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

/// Columns of incident in the order of `kIncidentColumns`.
inline constexpr const char* kIncidentColumns =
    "digest, received_at, client, helo, feed, trap, kind, cause, confidence, claims_trap, could_have_known, campaign, "
    "reporting_mta, product, queue_id, message_id, subject, first_received, size, signals, credit, witness, "
    "reverse_path, relayed, doubtful_boundary, origin, mailbox, mailbox_exists";
inline constexpr int kIncidentColumnCount = 28;
[[nodiscard]] Incident incident_of(const Statement& row);

}  // namespace blowback::schema
