// The database: record, list, delist, exempt, changes since. The only interface to SQL.
//
// A call is one transaction: it takes effect completely or not at all, even if the process is killed. The exceptions are `list`,
// `delist`, `exempt`, `undo` and `expire`, which may change many rows: they work in slices of about 50 ms, each a transaction, and let
// other writers in between. A decision that was interrupted is continued when the same decision is made again. Nothing here reads a
// clock; `now` is an argument. The database is SQLite in WAL mode: readers never wait for a writer, nor a writer for readers.
#pragma once

#include "blowback/accusation.h"
#include "blowback/incident.h"
#include "blowback/listing.h"
#include "blowback/policy.h"
#include "blowback/reach.h"
#include "blowback/reckoning.h"
#include "blowback/removal.h"
#include "blowback/retention.h"
#include "blowback/standing.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::schema {

struct StoreError {
  enum class Code : std::uint8_t {
    busy,       ///< another process held the write lock for more than 10 s; try again
    full,       ///< the disk is full
    read_only,  ///< no permission to write the file or its folder
    missing,    ///< there is no database, or its folder doesn't exist
    corrupt,    ///< not a database, or damaged
    newer,      ///< written by a newer Blowback than this one
    older,      ///< `blowback db migrate` has to be run first (only if opened for following, reading or requests)
    too_wide,   ///< a decision affects more than its permission allows; nothing was changed
    stopped,    ///< by the caller, or because somebody undid it; the slices done so far stay in force
    other,
  };
  Code code = Code::other;
  std::string text;  ///< what is wrong, with which file, and what to do
};

template <typename T>
using Result = std::expected<T, StoreError>;

/// A delivery that can't be judged or attributed. Kept for the operator to look at.
struct Quarantined {
  /// SHA-256 in hex of what is kept; a delivery that is read twice is kept once.
  std::string digest;
  std::string feed;
  UnixTime at{};
  std::string where;    ///< file name, `line 12`, `offset 4096`
  std::string reason;   ///< short stable name: `doubtful-client`, `not-json`, `too-large`, `too-deep`…
  std::string detail;   ///< a sentence, with what to do; it may end with a quote from the message
  std::string for_log;  ///< the sentence without the quote. Not stored
  std::string bytes;    ///< the delivery itself, cut at 64 KiB
};

/// Totals of a feed since it was first seen.
struct FeedCounts {
  std::uint64_t deliveries = 0;  ///< read, whatever the result
  std::uint64_t incidents = 0;   ///< recorded as backscatter
  std::uint64_t uncounted = 0;   ///< of these, those that don't count against their client (attribution.h)
  std::uint64_t unknown_reverse_path =
      0;                              ///< of these, those that don't because the feed doesn't know the reverse-path
  std::uint64_t duplicates = 0;       ///< already recorded
  std::uint64_t not_backscatter = 0;  ///< judged to be no backscatter
  std::uint64_t not_a_trap = 0;       ///< to a recipient that is no trap, or a retired one
  std::uint64_t quarantined = 0;
};

/// The deliveries of a feed that are recorded in one transaction.
struct Batch {
  std::string feed;
  /// Where the feed continues after this batch, in the feed's own format; absent: unchanged.
  std::optional<std::string> position;
  std::vector<Incident> incidents;  ///< in the order of scoring; `credit` is 0
  std::vector<Quarantined> quarantined;
  /// Added to the feed's totals. The store itself counts `incidents`, `duplicates`, `uncounted` and `unknown_reverse_path`: leave them 0.
  FeedCounts counts;
  /// Deliveries with a time well in the future, which count as received now. Not stored.
  std::uint64_t dated_ahead = 0;
};

/// The scorer. Pure; called within the transaction, once per new incident in the batch's order.
using Assess = Assessment (*)(const Policy&, const Accusation&, const Ledger&);

/// Computes a sender's score again from its record (score/replay.h). Pure; called once per sender that an undo affects or whose incidents expire.
using Reckon = Reckoning (*)(const Policy&, const Reckoning& from, std::span<const Accusation>,
                             std::span<const PastDecision>, UnixTime now);

/// What a batch changed.
struct Recorded {
  std::uint64_t incidents = 0;
  std::array<std::uint64_t, 6> incidents_by_kind{};  ///< by Kind
  std::uint64_t uncounted = 0;                       ///< of the incidents; likewise the next
  std::uint64_t unknown_reverse_path = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t left_alone = 0;  ///< ignored, since their trap is retired
  std::vector<Prefix> newly_listed;
  std::uint64_t prolonged = 0;
  Serial serial = 0;  ///< the journal's head afterwards
};

/// What a call of `keep_up` did.
struct Upkeep {
  bool more = false;            ///< there is more to do now
  std::uint64_t converted = 0;  ///< incidents of the former format
  std::uint64_t evidence = 0;   ///< removed; likewise below
  std::uint64_t incidents = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t changes = 0;  ///< of the journal
  bool shortened = false;     ///< evidence or incidents were removed early for lack of space (Retention::max_disk)
  bool little_room =
      false;  ///< larger than max_disk, or the file system is nearly full. Without `shortened`: there is nothing left that may be removed
  std::uint64_t octets_freed = 0;  ///< returned to the file system
};

/// The time at which data expired last, stored for the callers of `keep_up`: ingest/expiry/retention_clock.h.
struct UpkeepClock {
  UnixTime time{};
  std::optional<std::uint64_t> boot;  ///< system/uptime.h; absent: unknown
  std::optional<Duration>
      awake;         ///< time since that boot; absent: written by an earlier version, which stored only the time
  Duration waits{};  ///< for this long nothing expires
  friend bool operator==(const UpkeepClock&, const UpkeepClock&) = default;
};

/// The result of `mend_times`.
struct Mended {
  std::uint64_t exemptions = 0;  ///< restored
  std::uint64_t listings = 0;    ///< restored
  std::uint64_t shortened = 0;   ///< listings whose end was later than allowed
  bool more = false;             ///< there is more to do: call it again
  friend bool operator==(const Mended&, const Mended&) = default;
};

/// The latest times among the last thousand entries that are more than a minute in the future. Absent: none is.
struct TimesAhead {
  std::optional<UnixTime> incident;
  std::optional<UnixTime> decision;
  std::optional<UnixTime> change;  ///< in the journal
};

/// How calls that change many rows share the database with other writers.
struct Slicing {
  std::chrono::milliseconds hold{50};  ///< a slice ends after this time
  std::chrono::milliseconds rest{5};   ///< until the next one begins; a waiting writer tries each millisecond
  std::size_t most_steps = std::numeric_limits<std::size_t>::max();  ///< a slice also ends after this many steps
  /// Called between two slices with the number of steps done, and of how many (0: unknown). It may use other stores, but not this one.
  /// False: stop; the call fails with `stopped`.
  std::function<bool(std::uint64_t done, std::uint64_t of)> between;
};

/// Who decided, and why. Recorded with every change that a person makes.
struct Decision {
  std::string who;
  std::string reason;  ///< never empty
};

/// One line of the audit: who changed what, when and why.
struct AuditEntry {
  std::uint64_t id = 0;
  UnixTime at{};
  std::string who;
  /// `list`, `delist`, `exempt`, `end-exemption`, `import`, `retire-trap`, `restore-trap`, `undo`
  std::string action;
  std::string subject;  ///< the prefix, the trap, the imported file or the undone entry
  std::string reason;
  std::optional<UnixTime> until;
  std::uint64_t changes = 0;               ///< number of listings, exemptions or traps that it changed
  std::optional<std::uint64_t> undoes;     ///< the entry that this one undid
  std::optional<std::uint64_t> undone_by;  ///< the entry that undid this one
  bool unfinished = false;                 ///< it was interrupted, or is still running
};

/// The result of `carry_on`.
struct CarriedOn {
  std::uint64_t slices = 0;               ///< done by this call
  std::optional<std::uint64_t> finished;  ///< the entry that is complete now
};

/// The result of `list`.
struct Listed {
  std::uint64_t standing = 0;  ///< listed as requested; the rest is exempt
  std::uint64_t changed = 0;   ///< of these, changed by this call
};

/// The result of `undo`.
struct Undone {
  enum class Outcome : std::uint8_t {
    undone,
    unknown,     ///< there is no such entry
    already,     ///< it is already undone, see `entry.undone_by`
    is_undo,     ///< the entry is itself an undo
    too_old,     ///< the records of what it changed have expired, see `reaches_back_to`
    superseded,  ///< nothing of it is in force any more: it expired, or a later decision replaced it
  };
  Outcome outcome = Outcome::unknown;
  AuditEntry entry;              ///< the entry to undo; empty if unknown
  std::uint64_t id = 0;          ///< of the undo, if it was undone; likewise below
  std::uint64_t listed = 0;      ///< listings restored
  std::uint64_t ended = 0;       ///< listings that ended
  std::uint64_t moved = 0;       ///< listings whose end, codes or reason were restored
  std::uint64_t reckoned = 0;    ///< senders whose score was computed again
  std::uint64_t left_alone = 0;  ///< senders left unchanged, since their records from before the decision have expired
  std::optional<UnixTime>
      reaches_back_to;  ///< the earliest time from which entries of its kind can be undone; absent: all can
};

/// A trap and its totals. Full addresses: only for the operator. Beyond 100,000 traps a new one is counted under its domain, beyond 200,000 under `*`.
struct TrapRecord {
  std::string address;
  std::uint64_t incidents = 0;  ///< in all, including those that have expired
  std::uint64_t senders = 0;    ///< distinct; an estimate above 64. Likewise campaigns
  std::uint64_t campaigns = 0;
  std::optional<UnixTime> first_at;  ///< the first hit; absent: it is retired and was never hit
  std::optional<UnixTime> last_at;
  std::optional<UnixTime> retired_since;
  std::string reason;  ///< why it was retired
};

/// One sender's record, as input for computing its score again.
struct SenderRecord {
  Reckoning from;                       ///< what to start with: the stored result up to its horizon, or nothing
  std::vector<Accusation> accusations;  ///< ordered by received_at, then by recording
  std::optional<Standing> standing;     ///< the result so far
  std::optional<Listing> listing;       ///< automatic, in force
};

using Part = StandingPart;

/// Everything about a sender, for `why` and `evidence`.
struct Dossier {
  IpAddress asked;  ///< the address that was asked for
  Prefix sender;
  std::optional<Serial> serial;  ///< of the zone at that state; absent: it was read without `now`
  std::optional<Standing> standing;
  std::vector<Listing>
      listings;  ///< all that cover the sender, including those that have ended but weren't removed yet
  std::vector<Exemption> exemptions;   ///< likewise
  std::vector<Incident> incidents;     ///< newest first, at most as many as requested
  std::uint64_t incidents_in_all = 0;  ///< recorded, including those that have expired
  /// Its incidents received before this time have expired. Absent: none has.
  std::optional<UnixTime> incidents_since;
  /// Evidence recorded before this time has expired, of any sender. Absent: none has.
  std::optional<UnixTime> evidence_since;
  bool is_converting =
      false;  ///< incidents of the former format are being converted; those that are left aren't included
  std::vector<Part> witnesses;  ///< newest first, at most 1,000; likewise below
  std::vector<Part> campaigns;
  std::vector<Part> kinds;
  std::vector<Part> origins;
  std::vector<Part> mailboxes;
  /// Changes of all prefixes that cover the address, newest first, at most 1,000 of each prefix; without those of undone decisions.
  std::vector<ListingChange> history;
};

/// What the list says of a network. Listings and exemptions in force only.
struct NetworkState {
  Serial serial = 0;
  std::vector<Listing> around;    ///< that cover all of it, widest first; with reasons
  std::vector<Listing> within;    ///< of smaller networks and addresses in it, by prefix; without reasons
  bool more_within = false;       ///< there are more
  std::vector<Exemption> exempt;  ///< that cover all of it, or are within it
};

/// What the list says of several addresses.
struct Checked {
  struct One {
    CodeSet codes;                  ///< empty: it isn't listed, or is exempt
    std::optional<UnixTime> until;  ///< when the last of its listings ends; absent: it isn't listed, or one has no end
  };
  Serial serial = 0;
  std::vector<One> all;  ///< in the order of the addresses
};

/// Automatic listings of a day (UTC), by code: one listing may have several.
struct ListDay {
  UnixTime day{};
  std::array<std::uint64_t, kAllCodes.size()> listed{};  ///< by Code
  std::uint64_t listings = 0;                            ///< that began; likewise those below that ended
  std::uint64_t expired = 0;                             ///< by themselves
  std::uint64_t delisted = 0;                            ///< by the operator
};

/// What the serial of the zone is made of. What ends by the clock changes answers at once; the sweep that records it in the journal may come days
/// later. Until then it counts here, and the sweep moves it from one number to the other. So equal serials mean equal zones, whoever computes them.
struct ZoneState {
  Serial journal = 0;       ///< the journal's head
  std::uint64_t ended = 0;  ///< listings and exemptions that have ended, and that no sweep has recorded
  [[nodiscard]] Serial serial() const { return journal + ended; }
};

/// A request for removal, by somebody who has proved control of `address`.
struct RemovalWish {
  IpAddress address;
  RemovalProof proof = RemovalProof::https;  ///< https or mail; a token is redeemed by `redeem_token`
};

/// The answer to it.
struct RemovalFiled {
  RemovalOutlook outlook;                 ///< as of the call; refused if and only if there is no `request`
  std::optional<RemovalRequest> request;  ///< the one that is pending: this, or the sender's earlier one
  bool is_new = false;                    ///< this call filed it
};

/// SHA-256 of a token (system/one_time_token.h). The token itself is never stored.
using TokenDigest = std::array<std::uint8_t, 32>;

/// A token that is to be mailed. The caller has confirmed by reverse and forward DNS that `address` has a name in `domain`, and that the mail
/// address is no trap.
struct TokenWish {
  IpAddress address;
  std::string mailed_to;  ///< `postmaster@mail.example.net`, lower case
  std::string domain;     ///< its registered domain, `example.net`, lower case: the limit counts per domain
};

/// Whether it may be mailed.
struct TokenIssued {
  enum class Outcome : std::uint8_t {
    issued,        ///< stored: mail it
    refused,       ///< a request would be refused, see `outlook`
    sender_limit,  ///< one was mailed for this sender within the last day
    domain_limit,  ///< kTokensPerDomain were mailed to this domain within the last day
    total_limit,   ///< kTokensInAll were mailed within the last day
  };
  Outcome outcome = Outcome::refused;
  RemovalOutlook outlook;
};
inline constexpr std::int64_t kTokensPerDomain = 5;
inline constexpr std::int64_t kTokensInAll = 10'000;
/// How long a token can be redeemed.
inline constexpr Duration kTokenLasts = std::chrono::hours{24};
/// Pending requests at most, of all senders.
inline constexpr std::int64_t kMostPendingRemovals = 10'000;

struct TokenRedeemed {
  enum class Outcome : std::uint8_t {
    filed,    ///< and used up; see `filed`
    refused,  ///< the request is refused, see `filed`; the token isn't used up
    unknown,  ///< never issued, or forgotten since
    used,
    expired,
  };
  Outcome outcome = Outcome::unknown;
  RemovalFiled filed;
};

/// Selects requests for removal. An absent member selects all.
struct RemovalFilter {
  std::optional<IpAddress> of;  ///< of the sender of this address
  std::optional<RemovalState> state;
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

/// Requests by state: what is pending, and what was ever decided.
struct RemovalCounts {
  std::uint64_t pending = 0;
  std::uint64_t done = 0;
  std::uint64_t refused = 0;
};

/// What a call of `remove_due` did.
struct RemovalsDecided {
  std::vector<RemovalRequest> decided;  ///< done or refused by this call
  bool more = false;                    ///< there are more that are due: call it again
};

/// How large the database is, how it grows, and from when on its data is complete.
struct Kept {
  std::uint64_t octets = 0;       ///< of the database's pages, without its -wal file
  std::uint64_t free_octets = 0;  ///< of these, free: to be used again or returned to the file system
  /// Average growth in octets per day over the last 30 days, or over its age. Absent: it is younger than a day.
  std::optional<double> octets_per_day;
  std::optional<UnixTime> incidents_since;  ///< see Dossier; the earliest of any sender
  std::optional<UnixTime> evidence_since;   ///< likewise
  std::optional<UnixTime> changes_since;    ///< of the journal
  std::uint64_t to_convert = 0;             ///< incidents of the former format that aren't converted yet
};

/// Which groups `top` is asked for.
struct TopQuestion {
  enum class By : std::uint8_t { network, sender, campaign };
  By by = By::network;
  UnixTime since{};
  std::size_t most = 20;
  int ipv4_prefix = 24;  ///< length of a network; likewise the next
  int ipv6_prefix = 48;
  bool any_reverse_path = false;  ///< Policy::any_reverse_path
};

struct Top {
  struct Group {
    std::string name;  ///< the network, the sender or the campaign
    std::uint64_t incidents = 0;
    std::uint64_t counted = 0;  ///< of these, those that count against their client
    std::uint64_t senders = 0;  ///< distinct; an estimate above 64. Likewise traps and campaigns
    std::uint64_t traps = 0;
    std::uint64_t campaigns = 0;
    std::uint64_t listed = 0;  ///< of its senders; 0 (unknown) for a campaign if `is_exact` is false
    CodeSet kinds;
    UnixTime last_seen{};
  };
  std::vector<Group> groups;  ///< largest first
  /// Counted from incidents. False: from daily totals, beginning with the day of `since` (UTC); these leave out groups that were small on a
  /// day.
  bool is_exact = true;
};

/// Selects listings. An absent or empty member selects all.
struct ListingFilter {
  std::optional<Prefix> within;
  std::optional<Source> source;
  CodeSet codes;                  ///< with at least one of these
  std::optional<UnixTime> since;  ///< listed at this time or later
  std::string who;                ///< decided by this person
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

/// Selects entries of the audit. Likewise.
struct AuditFilter {
  std::size_t most = std::numeric_limits<std::size_t>::max();
  std::optional<std::uint64_t> id;
  std::string who;
  std::string action;
  std::string subject;  ///< whose subject contains this
  std::optional<UnixTime> since;
};

/// A change of the list, and the decision that caused it, if any.
struct PastChange {
  ListingChange change;
  std::optional<AuditEntry> decision;
};

struct Stats {
  struct Feed {
    std::string name;
    FeedCounts counts;
    std::optional<UnixTime> last_delivery;
  };
  Serial serial = 0;  ///< of the zone, see ZoneState
  std::uint64_t incidents = 0;
  std::uint64_t senders = 0;
  std::uint64_t listings_automatic = 0;  ///< in force
  std::uint64_t listings_by_operator = 0;
  std::uint64_t exemptions = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t quarantine_octets = 0;
  std::uint64_t traps = 0;                                         ///< distinct traps that were ever hit
  std::array<std::uint64_t, 6> incidents_by_kind{};                ///< by Kind
  std::array<std::uint64_t, kAllCodes.size()> listings_by_code{};  ///< in force, by Code
  std::vector<Feed> feeds;
  RemovalCounts removals;
  Kept kept;
};

/// The result of `compact`.
struct Compacted {
  std::uint64_t octets_before = 0;
  std::uint64_t octets_after = 0;
  bool built_anew = false;
};

/// The result of `restore`.
struct Restored {
  int format = 0;
  Serial backup_serial = 0;   ///< of the backup
  Serial serial = 0;          ///< of the database now
  bool knows_former = false;  ///< the former database continued the backup, so `serial` is its serial plus one
  std::string kept;           ///< path of the former database; empty: there was none
};

/// The database format of this program (`PRAGMA user_version`).
[[nodiscard]] int schema_version();

class Store {
 public:
  enum class Mode : std::uint8_t {
    create,  ///< read and write; creates the file, or migrates it if necessary (ingest, the operator's changes). Before a
    ///< migration the database is copied to `PATH.format-N`, N being the old format; if the copy fails, nothing changes
    write,   ///< likewise, but the file must exist
    read,    ///< changes nothing; fails with `missing` or `older` (queries)
    follow,  ///< likewise; works even if this user can read the file but not create others beside it, and no process has it open: then check
    ///< `is_overtaken` (server)
    request,  ///< files requests for removal, and can write nothing else, whatever it is told (SQLite's authorizer). Never migrates or creates
    ///< a file; waits 2 s for the write lock instead of 10 (blowback-web)
  };

  /// Fails with any code but `too_wide` and `stopped`; `busy` only if it has to create or migrate the database, or to recover its WAL. Never
  /// writes to an empty file, a dangling link or anything else that isn't a database. A new database belongs to the owner of its folder;
  /// only that owner and group can read and write it.
  [[nodiscard]] static Result<Store> open(const std::string& path, Mode mode);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();  ///< One thread at a time. Several Stores may have the same file open.

  /// Whether a database that was opened by `follow` while no process had it open has been written since. If so, what was read may be
  /// inconsistent: open it again and repeat the query.
  [[nodiscard]] bool is_overtaken() const;
  /// Whether the path still leads to the file that was opened. Writes to a file that was removed or replaced are lost.
  [[nodiscard]] bool is_in_place() const;
  enum class Followed : std::uint8_t {
    same,     ///< the path still leads to the file that was opened
    another,  ///< it leads to another database of Blowback, which is open now
  };
  /// For a process that keeps a database open for writing: checks whether the path still leads to it, and opens what is there if not. If
  /// its -wal file was removed, saves its content and opens the file again (`another`). Fails if that isn't possible, or if there is no
  /// file; try again later.
  [[nodiscard]] Result<Followed> follow_file();

  // ── ingest ──────────────────────────────────────────────────────────────────────────────────────────────────────
  /// Records incidents, standings, listings, journal, quarantine, counts and the feed's position in one transaction. An incident
  /// with a known digest is a duplicate and changes nothing. `now` is the journal's time; scoring uses received_at, or `now` if that is
  /// earlier.
  [[nodiscard]] Result<Recorded> record(const Batch& batch, const Policy& policy, Assess assess, UnixTime now);
  /// Where the feed continues; absent: the feed is new.
  [[nodiscard]] Result<std::optional<std::string>> feed_position(std::string_view feed);
  /// The feed's last delivery; absent: there was none.
  [[nodiscard]] Result<std::optional<UnixTime>> last_delivery(std::string_view feed);
  /// Removes listings and exemptions that have ended, and records that in the journal. Returns how many, at most one slice: call it again
  /// until it returns 0. `mend_times` restores those that were removed while the clock was ahead.
  [[nodiscard]] Result<std::uint64_t> expire(UnixTime now);
  /// Corrects the effects of a clock that was ahead, as seen from `now`: restores exemptions and listings that were removed too early,
  /// unless an operator ended or exempted them since; shortens automatic listings that were recorded while the clock was ahead to
  /// `Policy::max_listing`; delistings of that time no longer suppress incidents. To be called before `expire`. If `now` itself is
  /// wrong, `expire` removes what was restored once the time is right, and listings are shortened only if the journal shows a step
  /// forward.
  [[nodiscard]] Result<Mended> mend_times(UnixTime now, const Policy& policy);

  /// Continues a delisting, an exemption or an undo on which no process has worked since the last call, by one slice. To be called
  /// every few seconds, and again at once if it did something. An import isn't continued: it needs its file.
  [[nodiscard]] Result<CarriedOn> carry_on(const Policy& policy, Reckon reckon, UnixTime now);

  // ── removal on request ──────────────────────────────────────────────────────────────────────────────────────────
  // By ingest and by blowback-web, each with its own Store. Each call is one short transaction.
  /// What a request for `address` would lead to now. Only reads.
  [[nodiscard]] Result<RemovalOutlook> removal_outlook(const IpAddress& address, const RemovalRules& rules,
                                                       UnixTime now);
  /// Files a request, which `remove_due` executes at its time, or refuses it. Nothing is stored for a sender that isn't listed, and nothing
  /// is changed if the sender has a pending request: that is the answer.
  [[nodiscard]] Result<RemovalFiled> request_removal(const RemovalWish& wish, const RemovalRules& rules, UnixTime now);
  /// Stores the digest of a token that is to be mailed, within the limits. To be called before the mail is sent, and the mail only if the
  /// outcome is `issued`.
  [[nodiscard]] Result<TokenIssued> issue_token(const TokenWish& wish, const TokenDigest& digest,
                                                const RemovalRules& rules, UnixTime now);
  /// Files a request with the proof `token`, and uses the token up, in one transaction: of two calls at the same time one fails.
  [[nodiscard]] Result<TokenRedeemed> redeem_token(const TokenDigest& digest, const RemovalRules& rules, UnixTime now);
  /// Newest first.
  [[nodiscard]] Result<std::vector<RemovalRequest>> removals(const RemovalFilter& filter);
  [[nodiscard]] Result<RemovalCounts> removal_counts();
  /// Decides the requests that are due, at most one slice: as `delist` for the automatic listing of each sender, and for the operator's
  /// listings that cover the address and aren't wider than the sender if the rules allow it. Each is one transaction: audit, list and
  /// request change together. To be called by ingest every few seconds.
  [[nodiscard]] Result<RemovalsDecided> remove_due(const RemovalRules& rules, UnixTime now);

  // ── operator ────────────────────────────────────────────────────────────────────────────────────────────────────
  /// Sets how the calls below that work in slices, and `expire`, divide their work.
  void work_in(Slicing slicing);
  /// Adds operator's listings; replaces an operator's listing of the same prefix. Sorted input is fastest; duplicates are allowed.
  /// Skips prefixes that an exemption covers. Fails with `too_wide`, as do `delist` and `exempt`, if the prefixes are wider than
  /// `permission` allows (blowback/reach.h). All three continue an unfinished entry of the last hour with the same subject, name, reason and
  /// duration instead of beginning another.
  [[nodiscard]] Result<Listed> list(std::span<const Prefix> prefixes, std::optional<UnixTime> until,
                                    const Decision& decision, UnixTime now, std::string_view imported_from = {},
                                    Permission permission = Permission::narrow_only);
  /// Ends every listing within `prefix`, of either source, and resets the scores of all senders in it: what was received up to and
  /// including `now` doesn't count any more. Returns the number of listings ended.
  [[nodiscard]] Result<std::uint64_t> delist(const Prefix& prefix, const Decision& decision, UnixTime now,
                                             Permission permission = Permission::narrow_only);
  /// Exempts `prefix`, and ends listings within it. Returns the number of listings ended.
  [[nodiscard]] Result<std::uint64_t> exempt(const Prefix& prefix, std::optional<UnixTime> until,
                                             const Decision& decision, UnixTime now,
                                             Permission permission = Permission::narrow_only);
  /// Ends the exemption of exactly `prefix`; a score that was reached meanwhile lists at the next incident. False: there is none.
  [[nodiscard]] Result<bool> end_exemption(const Prefix& prefix, const Decision& decision, UnixTime now);

  /// Undoes entry `id` of the audit as far as it is still in force, and records that in the audit. Restores listings that it ended,
  /// unless they would have expired by now, and those that it replaced, and computes the scores of its senders as if it hadn't been
  /// made: again from their recorded incidents, under `policy`. An undo can't be undone. An unfinished entry can; it is then not
  /// continued. If the undo of an entry is unfinished, undoing the entry continues it.
  [[nodiscard]] Result<Undone> undo(std::uint64_t id, const Decision& decision, const Policy& policy, Reckon reckon,
                                    UnixTime now);
  /// From the next batch on, deliveries to this trap (its address in lower case) are ignored. Earlier incidents still count and fade.
  /// False: it is already retired.
  [[nodiscard]] Result<bool> retire_trap(std::string_view address, const Decision& decision, UnixTime now);
  /// Its deliveries count again. False: it isn't retired.
  [[nodiscard]] Result<bool> restore_trap(std::string_view address, const Decision& decision, UnixTime now);

  // ── followers ───────────────────────────────────────────────────────────────────────────────────────────────────
  /// Differs from the last call's value if another connection has committed since. Cheap enough for many calls per second.
  [[nodiscard]] Result<std::uint64_t> change_mark();
  /// Visits every listing in force (by prefix, without its reason), then every exemption, all as of one serial, which it returns: the zone's, see
  /// ZoneState. Keeps nothing in memory. The visitors must not use the store.
  [[nodiscard]] Result<Serial> snapshot(UnixTime now, const std::function<void(const Listing&)>& visit_listing,
                                        const std::function<void(const Exemption&)>& visit_exemption);
  /// Likewise, but in slices of some ten thousand listings, each in a transaction of its own, so that the WAL can be emptied in between.
  /// Entries are visited as of the returned serial, or as of a later one. So the current list is what was visited, followed by all changes
  /// after that serial.
  [[nodiscard]] Result<Serial> snapshot_in_slices(UnixTime now,
                                                  const std::function<void(const Listing&)>& visit_listing,
                                                  const std::function<void(const Exemption&)>& visit_exemption);
  /// The journal's head.
  [[nodiscard]] Result<Serial> serial();
  [[nodiscard]] Result<ZoneState> zone_state(UnixTime now);
  /// Changes after `since`, oldest first, at most `limit`. Empty: nothing new.
  [[nodiscard]] Result<std::vector<ListingChange>> changes_since(Serial since, std::size_t limit);
  /// A change that takes this entry of the journal back: it says of the same prefix and source what was said before the entry, and has its number. Absent:
  /// retention may have removed what the journal said of that.
  [[nodiscard]] Result<std::optional<ListingChange>> change_back(const ListingChange& entry);

  // ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────
  /// Everything about the sender of `address`, with its newest `most_incidents` incidents.
  [[nodiscard]] Result<Dossier> dossier(const IpAddress& address, std::size_t most_incidents,
                                        std::optional<UnixTime> now = std::nullopt);
  /// What the list says of a network, with at most `most` listings within it, and as many exemptions.
  [[nodiscard]] Result<NetworkState> network(const Prefix& network, std::size_t most, UnixTime now);
  /// What the list says of each address, in their order, all as of one serial.
  [[nodiscard]] Result<Checked> check_all(std::span<const IpAddress> addresses, UnixTime now);
  /// Automatic listings by day, from the day of `since` to that of `now` (UTC), without gaps. From totals, so it is cheap.
  [[nodiscard]] Result<std::vector<ListDay>> days_of_list(UnixTime since, UnixTime now);
  /// The codes in force for one address, of all listings that cover it; empty if it isn't listed, or is exempt.
  [[nodiscard]] Result<CodeSet> check(const IpAddress& address, UnixTime now);
  /// Visits every listing in force that `filter` selects, by prefix, without keeping them in memory. Reads in slices, each in its own
  /// transaction, so that a slow visitor doesn't delay checkpoints.
  [[nodiscard]] Result<void> for_each_listing(const ListingFilter& filter, UnixTime now,
                                              const std::function<void(const Listing&)>& visit);
  [[nodiscard]] Result<std::vector<Exemption>> exemptions(UnixTime now);
  /// Newest first.
  [[nodiscard]] Result<std::vector<AuditEntry>> audit(std::size_t most) { return audit(AuditFilter{.most = most}); }
  [[nodiscard]] Result<std::vector<AuditEntry>> audit(const AuditFilter& filter);
  /// The newest `most` changes of prefixes that cover `address`, newest first; including those of undone decisions.
  [[nodiscard]] Result<std::vector<PastChange>> changes_around(const IpAddress& address, std::size_t most);
  /// Entries that were interrupted or are still running, oldest first.
  [[nodiscard]] Result<std::vector<AuditEntry>> unfinished();
  /// Newest first.
  [[nodiscard]] Result<std::vector<Quarantined>> quarantined(std::size_t most);
  [[nodiscard]] Result<Stats> stats(UnixTime now);
  /// Decisions that affect standings and weren't undone, oldest first. A time more than two days in the future comes from a clock that was
  /// ahead, and is returned as `now`.
  [[nodiscard]] Result<std::vector<PastDecision>> decisions(UnixTime now);
  /// Visits every sender's record by address, with one at a time in memory, and in slices, so that the WAL stays short. Times as in
  /// `decisions`. Fails with `busy` while incidents of the former format are being converted. The visitor must not use the store.
  [[nodiscard]] Result<void> for_each_sender(UnixTime now, const std::function<void(const SenderRecord&)>& visit);
  /// The largest groups of incidents received at `since` or later.
  [[nodiscard]] Result<Top> top(const TopQuestion& question, UnixTime now);
  /// Shows whether the clock was ahead at some time, or is behind now.
  [[nodiscard]] Result<TimesAhead> times_ahead(UnixTime now);
  /// All traps that were hit or are retired, by address.
  [[nodiscard]] Result<std::vector<TrapRecord>> traps();

  // ── upkeep ──────────────────────────────────────────────────────────────────────────────────────────────────────
  /// The format found when the file was opened, before any migration: equal to schema_version() if none was needed.
  [[nodiscard]] int version_found() const;
  /// SQLite's own integrity and foreign key checks, then ours: the journal has no gaps and agrees with the listings, and every listed
  /// sender has a standing. A line per problem; empty: there is none.
  [[nodiscard]] Result<std::vector<std::string>> check_integrity();
  /// SQLite's quick check: is every page and row well-formed? Reads only the list, the decisions and the feeds' positions if the
  /// database is larger than 64 MiB. Likewise.
  [[nodiscard]] Result<std::vector<std::string>> quick_check();
  /// One slice of the work that keeps the database from growing (retention.cc): converts incidents of the former format, computes daily
  /// totals, removes expired data, returns free pages to the file system. Holds the write lock for some tens of milliseconds at most. To
  /// be called whenever there is time, by any number of processes.
  [[nodiscard]] Result<Upkeep> keep_up(UnixTime now, const Policy& policy, const Retention& retention, Reckon reckon);
  /// The value that was set last; absent: none was.
  [[nodiscard]] Result<std::optional<UpkeepClock>> upkeep_clock();
  /// To be called before `keep_up` uses it.
  [[nodiscard]] Result<void> set_upkeep_clock(const UpkeepClock& clock);
  /// The latest time among the last thousand records and decisions of each kind; absent: there are none.
  [[nodiscard]] Result<std::optional<UnixTime>> newest_time();
  [[nodiscard]] Result<Kept> kept(UnixTime now);
  /// Makes a consistent copy while others write. An earlier backup at `to` is replaced once the new one is complete; fails if `to` is
  /// anything else.
  [[nodiscard]] Result<void> backup(const std::string& to);
  /// Returns free pages to the file system, in slices beside other writers. A database that was created by an early version doesn't
  /// support that and is rebuilt instead, which fails if another process has it open.
  [[nodiscard]] static Result<Compacted> compact(const std::string& path, Slicing slicing);
  /// Replaces the database at `path` by a backup, and keeps it as `PATH.before-restore`. Fails, and changes nothing, if another process
  /// has the database open, if the backup is damaged or has a newer format, or if there is a `PATH.before-restore` already.
  /// The serial moves past all that have been served, so that secondaries transfer the zone (RFC 1982): to that of the former database plus one, if
  /// that continued the backup's journal. If it is lost, to one that the journal can't have reached since the backup; secondaries that lag
  /// by less than 2^30 serials follow then.
  [[nodiscard]] static Result<Restored> restore(const std::string& from, const std::string& path, UnixTime now);

  class Impl;  ///< for this room only

 private:
  explicit Store(std::unique_ptr<Impl> impl);
  [[nodiscard]] Result<Followed> save_lost_wal();
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::schema
