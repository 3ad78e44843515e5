// Everything that is kept, behind verbs of the trade: record, list, delist, exempt, changes since. The only door to SQL.
//
// A verb is one transaction: it happens whole or not at all, also when the process is killed in it. The exceptions are `list`,
// `delist`, `exempt`, `undo` and `expire`, which may reach far: they work in slices of some 50 ms, each a transaction, and let other
// writers in between. A decision that was interrupted goes on when the same is decided again. Verbs never ask what time
// it is; `now` comes in. The database is SQLite in WAL mode, so readers never wait for a writer, nor it for them.
#pragma once

#include "blowback/accusation.h"
#include "blowback/incident.h"
#include "blowback/listing.h"
#include "blowback/policy.h"
#include "blowback/reach.h"
#include "blowback/reckoning.h"
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
    busy,       ///< another process holds the write lock for longer than we wait (10 s); try again
    full,       ///< no room on the disk
    read_only,  ///< the file or its folder may not be written
    missing,    ///< no database there, or its folder doesn't exist
    corrupt,    ///< not a database, or damaged
    newer,      ///< written by a newer Blowback than this one
    older,      ///< needs `blowback db migrate` first (only when opened for following or reading)
    too_wide,   ///< a decision reaches farther than its permission; nothing was changed
    stopped,    ///< half-way, by the caller's own wish or since somebody undid it; what was done until then stands
    other,
  };
  Code code = Code::other;
  std::string text;  ///< what, where (the file) and the way out, for a person
};

template <typename T>
using Result = std::expected<T, StoreError>;

/// What came from a feed and can't be judged or attributed. Kept so that it can be looked at, never guessed about.
struct Quarantined {
  /// SHA-256 in hex of what is kept; the same thing read twice is kept once.
  std::string digest;
  std::string feed;
  UnixTime at{};
  std::string where;   ///< file name, `line 12`, `offset 4096`
  std::string reason;  ///< short stable name: `doubtful-client`, `not-json`, `too-large`, `too-deep`…
  std::string
      detail;  ///< a sentence for a person, with the way out; behind it may stand a quote of what a stranger wrote
  std::string for_log;  ///< the sentence alone, in our own words, addresses and numbers. Not kept
  std::string bytes;    ///< the thing itself, cut at 64 KiB
};

/// What a feed delivered so far. Sums over the feed's life.
struct FeedCounts {
  std::uint64_t deliveries = 0;            ///< read, whatever became of them
  std::uint64_t incidents = 0;             ///< recorded as backscatter
  std::uint64_t uncounted = 0;             ///< of these, what doesn't count against its client (attribution.h)
  std::uint64_t unknown_reverse_path = 0;  ///< of these, what doesn't because the feed can't tell the reverse-path
  std::uint64_t duplicates = 0;            ///< recorded before
  std::uint64_t not_backscatter = 0;       ///< judged and let go
  std::uint64_t not_a_trap = 0;            ///< for no trap of ours, or for a retired one
  std::uint64_t quarantined = 0;
};

/// One transaction's worth of a feed.
struct Batch {
  std::string feed;
  /// Where the feed goes on after this batch, in its own words; absent: leave it as it is.
  std::optional<std::string> position;
  std::vector<Incident> incidents;  ///< in the order they are to be scored; `credit` is still 0
  std::vector<Quarantined> quarantined;
  /// Added to the feed's sums. `incidents`, `duplicates` and the uncounted are counted by the store; leave them 0.
  FeedCounts counts;
  /// Deliveries that were dated well into the future, and count as received now. Not kept.
  std::uint64_t dated_ahead = 0;
};

/// The scorer. Pure; called within the transaction, once per new incident in the batch's order.
using Assess = Assessment (*)(const Policy&, const Accusation&, const Ledger&);

/// Reckons a sender's record anew (score/replay.h). Pure; called once per sender that an undo concerns, or whose incidents expire.
using Reckon = Reckoning (*)(const Policy&, const Reckoning& from, std::span<const Accusation>,
                             std::span<const PastDecision>, UnixTime now);

/// What a batch changed.
struct Recorded {
  std::uint64_t incidents = 0;
  std::array<std::uint64_t, 6> incidents_by_kind{};  ///< by Kind
  std::uint64_t uncounted = 0;                       ///< of the incidents; likewise below
  std::uint64_t unknown_reverse_path = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t left_alone = 0;  ///< their trap is retired
  std::vector<Prefix> newly_listed;
  std::uint64_t prolonged = 0;
  Serial serial = 0;  ///< the journal's head afterwards
};

/// What a call of `keep_up` did.
struct Upkeep {
  bool more = false;            ///< there is more to do right now
  std::uint64_t converted = 0;  ///< incidents of the former format
  std::uint64_t evidence = 0;   ///< removed; likewise below
  std::uint64_t incidents = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t changes = 0;  ///< of the journal
  bool shortened = false;     ///< evidence, or incidents, went before their time for want of room (Retention::max_disk)
  bool little_room =
      false;  ///< more than max_disk, or a nearly full file system; with nothing shortened: no more may go
  std::uint64_t octets_freed = 0;  ///< given back to the file system
};

/// By which time things expired last, kept for those who call `keep_up`: ingest/expiry/retention_clock.h.
struct UpkeepClock {
  UnixTime time{};
  std::optional<std::uint64_t> boot;  ///< system/uptime.h; absent: unknown
  std::optional<Duration> awake;      ///< so long after that boot; absent: an earlier version kept only the time
  Duration waits{};                   ///< so long nothing expires yet
  friend bool operator==(const UpkeepClock&, const UpkeepClock&) = default;
};

/// What `mend_times` did.
struct Mended {
  std::uint64_t exemptions = 0;  ///< that came back
  std::uint64_t listings = 0;    ///< that came back
  std::uint64_t shortened = 0;   ///< listings that ended later than any may
  bool more = false;             ///< call it again: there is more than one transaction should hold
  friend bool operator==(const Mended&, const Mended&) = default;
};

/// The latest times in the database that lie ahead of now by more than a minute, each among the latest thousand. Absent: none does.
struct TimesAhead {
  std::optional<UnixTime> incident;
  std::optional<UnixTime> decision;
  std::optional<UnixTime> change;  ///< in the journal
};

/// How verbs that reach far share the database with other writers.
struct Slicing {
  std::chrono::milliseconds hold{50};  ///< a slice ends after so long
  std::chrono::milliseconds rest{5};   ///< until the next one begins; who waits for the database looks each millisecond
  std::size_t most_steps = std::numeric_limits<std::size_t>::max();  ///< or a slice ends after so many steps
  /// Called between two slices, with how many steps are done, of how many as far as that is known (else 0). It may use other stores, not this
  /// one. False: stop here; the verb fails with `stopped`.
  std::function<bool(std::uint64_t done, std::uint64_t of)> between;
};

/// Who decided, and why. Goes on record with every change a person makes.
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
  std::string subject;  ///< the prefix, the trap, what was imported or undone
  std::string reason;
  std::optional<UnixTime> until;
  std::uint64_t changes = 0;               ///< how many listings, exemptions or traps it changed
  std::optional<std::uint64_t> undoes;     ///< the entry that this one undid
  std::optional<std::uint64_t> undone_by;  ///< the entry that undid this one
  bool unfinished = false;                 ///< it was interrupted, or goes on right now
};

/// What became of decisions that somebody else left unfinished.
struct CarriedOn {
  std::uint64_t slices = 0;               ///< that were done now
  std::optional<std::uint64_t> finished;  ///< the entry that is done with it
};

/// What listing came to.
struct Listed {
  std::uint64_t standing = 0;  ///< stand as was asked; the rest is exempt
  std::uint64_t changed = 0;   ///< of these, what this call changed
};

/// What became of a wish to undo an entry of the audit.
struct Undone {
  enum class Outcome : std::uint8_t {
    undone,
    unknown,     ///< there is no such entry
    already,     ///< it was undone before, see `entry.undone_by`
    is_undo,     ///< it is itself an undo
    too_old,     ///< what it changed is no longer on record from that time, see `reaches_back_to`
    superseded,  ///< nothing of it is in force any more: it ended by itself, or a later decision replaced it
  };
  Outcome outcome = Outcome::unknown;
  AuditEntry entry;                         ///< the one to undo; empty where unknown
  std::uint64_t id = 0;                     ///< of the undo itself, where it was undone; likewise below
  std::uint64_t listed = 0;                 ///< listings that came back
  std::uint64_t ended = 0;                  ///< listings that ended
  std::uint64_t moved = 0;                  ///< listings whose end, codes or reason became what they were
  std::uint64_t reckoned = 0;               ///< senders whose standing was reckoned anew
  std::uint64_t left_alone = 0;             ///< senders of whom what came before the decision is no longer on record
  std::optional<UnixTime> reaches_back_to;  ///< from when on entries of its kind can be undone; absent: all
};

/// What is known of a trap. Whole addresses: for the operator alone. Beyond 100,000 a new one is counted under its domain, beyond 200,000 under `*`.
struct TrapRecord {
  std::string address;
  std::uint64_t incidents = 0;  ///< ever, whether or not they are still kept
  std::uint64_t senders = 0;    ///< distinct, an estimate beyond 64; likewise campaigns
  std::uint64_t campaigns = 0;
  std::optional<UnixTime> first_at;  ///< the first hit; absent: a retired one that never was hit
  std::optional<UnixTime> last_at;
  std::optional<UnixTime> retired_since;
  std::string reason;  ///< why it was retired
};

/// One sender's record, for whoever goes through it once more.
struct SenderRecord {
  Reckoning from;                       ///< where it begins: as of its horizon, or as of nothing
  std::vector<Accusation> accusations;  ///< by received_at, then in the order of recording
  std::optional<Standing> standing;     ///< what it came to
  std::optional<Listing> listing;       ///< automatic, in force
};

/// A part of a sender's standing: what one witness, campaign, kind, origin or mailbox has against it.
using Part = StandingPart;

/// All that is known of a sender, for `why`, `evidence` and the look-up page.
struct Dossier {
  IpAddress asked;  ///< the address that it is about
  Prefix sender;
  std::optional<Standing> standing;
  std::vector<Listing> listings;       ///< every one that covers the sender, in force or not yet swept up
  std::vector<Exemption> exemptions;   ///< likewise
  std::vector<Incident> incidents;     ///< newest first, at most as many as were asked for
  std::uint64_t incidents_in_all = 0;  ///< ever recorded
  /// From when on its incidents are kept, by received_at. Absent: all are.
  std::optional<UnixTime> incidents_since;
  /// From when on evidence is kept, of whatever sender, by when it was recorded. Absent: all is.
  std::optional<UnixTime> evidence_since;
  bool is_converting = false;   ///< incidents of the former format are still being moved; they aren't seen here yet
  std::vector<Part> witnesses;  ///< newest first, at most 1,000; likewise below
  std::vector<Part> campaigns;
  std::vector<Part> kinds;
  std::vector<Part> origins;
  std::vector<Part> mailboxes;
  /// Changes of every prefix that covers the address, newest first, at most 1,000 of each prefix. Without those by decisions
  /// that were undone.
  std::vector<ListingChange> history;
};

/// How much is kept, and how it grows.
struct Kept {
  std::uint64_t octets = 0;       ///< of the database's pages, without its -wal file
  std::uint64_t free_octets = 0;  ///< of these, free: used by what comes next, or returned to the file system
  /// Octets that the database grows by in a day, over the last 30 days as far as they are known. Absent: it is too young.
  std::optional<double> octets_per_day;
  std::optional<UnixTime> incidents_since;  ///< see Dossier; the earliest that is kept of anybody
  std::optional<UnixTime> evidence_since;   ///< likewise
  std::optional<UnixTime> changes_since;    ///< of the journal
  std::uint64_t to_convert = 0;             ///< incidents of the former format that are still to be moved
};

/// By what `top` groups.
struct TopQuestion {
  enum class By : std::uint8_t { network, sender, campaign };
  By by = By::network;
  UnixTime since{};
  std::size_t most = 20;
  int ipv4_prefix = 24;  ///< of a network; likewise below
  int ipv6_prefix = 48;
  bool any_reverse_path = false;  ///< Policy::any_reverse_path
};

struct Top {
  struct Group {
    std::string name;  ///< the network, the sender or the campaign
    std::uint64_t incidents = 0;
    std::uint64_t counted = 0;  ///< of these, those that count against their senders
    std::uint64_t senders = 0;  ///< distinct, an estimate beyond 64; likewise traps and campaigns
    std::uint64_t traps = 0;
    std::uint64_t campaigns = 0;
    std::uint64_t listed = 0;  ///< of its senders; not known of a campaign that was summed up
    CodeSet kinds;
    UnixTime last_seen{};
  };
  std::vector<Group> groups;  ///< the greatest first
  /// Counted incident by incident. Otherwise from days' sums, from the beginning of the day of `since` (UTC): exact but for
  /// groups that were small on some day.
  bool is_exact = true;
};

/// Which listings are asked for. What is absent or empty restricts nothing.
struct ListingFilter {
  std::optional<Prefix> within;
  std::optional<Source> source;
  CodeSet codes;                  ///< those with one of these
  std::optional<UnixTime> since;  ///< listed then or later
  std::string who;                ///< by this person's decision
  std::size_t most = std::numeric_limits<std::size_t>::max();
};

/// Which entries of the audit. Likewise.
struct AuditFilter {
  std::size_t most = std::numeric_limits<std::size_t>::max();
  std::optional<std::uint64_t> id;
  std::string who;
  std::string action;
  std::string subject;  ///< those with this in their subject
  std::optional<UnixTime> since;
};

/// A change of the list with the decision behind it, if one was.
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
  Serial serial = 0;
  std::uint64_t incidents = 0;
  std::uint64_t senders = 0;
  std::uint64_t listings_automatic = 0;  ///< in force
  std::uint64_t listings_by_operator = 0;
  std::uint64_t exemptions = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t quarantine_octets = 0;
  std::uint64_t traps = 0;                                         ///< distinct traps that ever reported
  std::array<std::uint64_t, 6> incidents_by_kind{};                ///< by Kind
  std::array<std::uint64_t, kAllCodes.size()> listings_by_code{};  ///< in force, by Code
  std::vector<Feed> feeds;
  Kept kept;
};

/// What compacting came to.
struct Compacted {
  std::uint64_t octets_before = 0;
  std::uint64_t octets_after = 0;
  bool built_anew = false;
};

/// What was put in place.
struct Restored {
  int format = 0;
  Serial serial = 0;
  std::string kept;  ///< where the former database is; empty: there was none
};

/// Which database format this program writes (`PRAGMA user_version`).
[[nodiscard]] int schema_version();

class Store {
 public:
  enum class Mode : std::uint8_t {
    create,  ///< read and write; makes the file and migrates it where needed (ingest, operator's changes). Before a
    ///< migration the database is copied to `PATH.format-N`, N being the old format; without room for it nothing changes
    write,  ///< read and write; the file must exist; it is migrated where needed
    read,   ///< never changes anything; fails with `missing` or `older` (questions)
    follow,  ///< likewise; also where this user may read the file, may make none beside it, and nobody has it open: then ask
    ///< `is_overtaken` (server)
  };

  /// Fails with every code but `busy` as its text explains. An empty file, a link to nothing and whatever else is no database
  /// are never written to; a database that is made gets its owner and group, and nobody else may read it.
  [[nodiscard]] static Result<Store> open(const std::string& path, Mode mode);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();  ///< One thread at a time may use a Store; several Stores on one file are fine.

  /// Whether the database, opened by `follow` while nobody wrote, has been written since. What was read meanwhile may be of
  /// two states: open it anew and ask again.
  [[nodiscard]] bool is_overtaken() const;
  /// Whether the file that was opened still stands there. What is written to one that was removed or replaced is lost.
  [[nodiscard]] bool is_in_place() const;
  enum class Followed : std::uint8_t {
    same,     ///< the file that was opened still stands there
    another,  ///< another database of ours does, and is open now
  };
  /// For who keeps a database open for writing: finds out what stands there by now. Where its -wal was removed, what is in it is
  /// saved, and the file opened anew (`another`). Fails where neither can be done, or nothing stands there: ask again later.
  [[nodiscard]] Result<Followed> follow_file();

  // ── ingest ──────────────────────────────────────────────────────────────────────────────────────────────────────
  /// Incidents, standings, listings, journal, quarantine, counts and the feed's position, in one transaction. An incident
  /// whose digest is known is a duplicate and changes nothing. `now` is the journal's time; scoring goes by received_at, which
  /// is `now` at the latest.
  [[nodiscard]] Result<Recorded> record(const Batch& batch, const Policy& policy, Assess assess, UnixTime now);
  /// Where the feed left off; absent for one never seen.
  [[nodiscard]] Result<std::optional<std::string>> feed_position(std::string_view feed);
  /// When it delivered last; absent for one that never did.
  [[nodiscard]] Result<std::optional<UnixTime>> last_delivery(std::string_view feed);
  /// Sweeps up listings and exemptions that have ended: removes them and says so in the journal. Returns how many, at most one
  /// slice of them: call it again until it returns 0. What was swept up under a clock that was ahead, `mend_times` brings back.
  [[nodiscard]] Result<std::uint64_t> expire(UnixTime now);
  /// Mends what a wrong clock left behind, as seen from `now`: exemptions and listings that were swept up too early come back, unless
  /// an operator ended or exempted them since; automatic listings that were recorded while the clock was ahead end by
  /// `Policy::max_listing`; delistings of that time hold back no incident from now on. To be called before `expire`. Where `now`
  /// itself is wrong, what came back is swept up again under the right time, and listings end early only where the journal
  /// shows a step ahead.
  [[nodiscard]] Result<Mended> mend_times(UnixTime now, const Policy& policy);

  /// Goes on with a delisting, an exemption or an undo that nobody has worked on since the last call: one slice of it. To be called
  /// every few seconds, and again at once while it did something. An import needs its file, and is left to who has that.
  [[nodiscard]] Result<CarriedOn> carry_on(const Policy& policy, Reckon reckon, UnixTime now);

  // ── operator ────────────────────────────────────────────────────────────────────────────────────────────────────
  /// For the verbs below that work in slices, and `expire`.
  void work_in(Slicing slicing);
  /// Lists by the operator's word; replaces an operator's listing of the same prefix. Sorted input is fastest, duplicates
  /// are one. Prefixes that an exemption covers are skipped. Fails with `too_wide`, as do
  /// `delist` and `exempt`, where the prefixes reach farther than `permission` (blowback/reach.h). All three go on with an unfinished
  /// entry of the last hour, if subject, name, reason and duration are its own, instead of making another.
  [[nodiscard]] Result<Listed> list(std::span<const Prefix> prefixes, std::optional<UnixTime> until,
                                    const Decision& decision, UnixTime now, std::string_view imported_from = {},
                                    Permission permission = Permission::narrow_only);
  /// Ends every listing within `prefix`, of either source, and lets all senders in it start afresh: what was received up
  /// to `now` counts no more, whenever its slice comes. Returns the number of listings ended.
  [[nodiscard]] Result<std::uint64_t> delist(const Prefix& prefix, const Decision& decision, UnixTime now,
                                             Permission permission = Permission::narrow_only);
  /// From now on no address in `prefix` is listed; listings within it end. Returns the number of listings ended.
  [[nodiscard]] Result<std::uint64_t> exempt(const Prefix& prefix, std::optional<UnixTime> until,
                                             const Decision& decision, UnixTime now,
                                             Permission permission = Permission::narrow_only);
  /// Ends the exemption of exactly `prefix`; what was counted meanwhile lists at the next incident. False: there is none.
  [[nodiscard]] Result<bool> end_exemption(const Prefix& prefix, const Decision& decision, UnixTime now);

  /// Undoes what entry `id` of the audit did, as far as it is still in force, and says so in the audit. Listings that it
  /// ended come back unless they would have ended by now, one that it replaced comes back, and its senders' standings become
  /// what they would be without it: reckoned anew from their recorded incidents under `policy`. An undo can't be undone. An unfinished entry can: it ends where it
  /// is. To undo an entry whose undo is unfinished goes on with that.
  [[nodiscard]] Result<Undone> undo(std::uint64_t id, const Decision& decision, const Policy& policy, Reckon reckon,
                                    UnixTime now);
  /// From the next batch on deliveries for this trap (its address in lower case) are left alone. What it reported before
  /// counts on, and fades. False: it is retired already.
  [[nodiscard]] Result<bool> retire_trap(std::string_view address, const Decision& decision, UnixTime now);
  /// Its deliveries count again. False: it isn't retired.
  [[nodiscard]] Result<bool> restore_trap(std::string_view address, const Decision& decision, UnixTime now);

  // ── followers ───────────────────────────────────────────────────────────────────────────────────────────────────
  /// Differs from its last value whenever another connection committed since. Cheap: asked many times a second.
  [[nodiscard]] Result<std::uint64_t> change_mark();
  /// Every listing in force (by prefix, without its reason), then every exemption, all as of one serial, which is returned:
  /// the start of following. Nothing is held in memory. Neither visitor may use the store.
  [[nodiscard]] Result<Serial> snapshot(UnixTime now, const std::function<void(const Listing&)>& visit_listing,
                                        const std::function<void(const Exemption&)>& visit_exemption);
  /// Likewise, but in slices of some ten thousand listings, each a state of its own, so that the WAL can be copied and emptied meanwhile
  /// however long it takes. What is visited is as it was at the returned serial, or at a later one. So the list as of now is what is
  /// visited, and then every change after that serial.
  [[nodiscard]] Result<Serial> snapshot_in_slices(UnixTime now,
                                                  const std::function<void(const Listing&)>& visit_listing,
                                                  const std::function<void(const Exemption&)>& visit_exemption);
  /// The journal's head.
  [[nodiscard]] Result<Serial> serial();
  /// Changes after `since`, oldest first, at most `limit`. Empty: nothing new.
  [[nodiscard]] Result<std::vector<ListingChange>> changes_since(Serial since, std::size_t limit);

  // ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────
  /// Everything about the sender that `address` belongs to, with its newest `most_incidents` incidents.
  [[nodiscard]] Result<Dossier> dossier(const IpAddress& address, std::size_t most_incidents);
  /// Codes in force for one address, all covering listings together; empty where it isn't listed or is exempt.
  [[nodiscard]] Result<CodeSet> check(const IpAddress& address, UnixTime now);
  /// Every listing in force that `filter` lets through, by prefix, without holding them all in memory. Read in slices, each as of
  /// its own moment: a visitor may take its time, and holds back no checkpoint.
  [[nodiscard]] Result<void> for_each_listing(const ListingFilter& filter, UnixTime now,
                                              const std::function<void(const Listing&)>& visit);
  [[nodiscard]] Result<std::vector<Exemption>> exemptions(UnixTime now);
  /// Newest first.
  [[nodiscard]] Result<std::vector<AuditEntry>> audit(std::size_t most) { return audit(AuditFilter{.most = most}); }
  [[nodiscard]] Result<std::vector<AuditEntry>> audit(const AuditFilter& filter);
  /// The newest `most` changes of prefixes that cover `address`, newest first, also those by decisions that were undone.
  [[nodiscard]] Result<std::vector<PastChange>> changes_around(const IpAddress& address, std::size_t most);
  /// What was interrupted, or goes on right now, oldest first.
  [[nodiscard]] Result<std::vector<AuditEntry>> unfinished();
  /// Newest first.
  [[nodiscard]] Result<std::vector<Quarantined>> quarantined(std::size_t most);
  [[nodiscard]] Result<Stats> stats(UnixTime now);
  /// What was decided that bears on standings and wasn't undone, oldest first. What lies ahead of `now` by more than two days
  /// was recorded under a clock that was ahead, and is given as of `now`.
  [[nodiscard]] Result<std::vector<PastDecision>> decisions(UnixTime now);
  /// Every sender's record, by address, one at a time in memory and in slices, so that the write-ahead log stays short.
  /// Times as in `decisions`. Fails with `busy` while incidents of the former format are being moved. The visitor may not use the store.
  [[nodiscard]] Result<void> for_each_sender(UnixTime now, const std::function<void(const SenderRecord&)>& visit);
  /// The greatest groups of the incidents received at `since` or later.
  [[nodiscard]] Result<Top> top(const TopQuestion& question, UnixTime now);
  /// Whether the clock was ahead once, or is behind now.
  [[nodiscard]] Result<TimesAhead> times_ahead(UnixTime now);
  /// Every trap that was hit or is retired, by address.
  [[nodiscard]] Result<std::vector<TrapRecord>> traps();

  // ── upkeep ──────────────────────────────────────────────────────────────────────────────────────────────────────
  /// The format found when the file was opened, before any migration: equal to schema_version() if none was needed.
  [[nodiscard]] int version_found() const;
  /// SQLite's own integrity and foreign key checks, then ours: journal without gaps and equal to the listings, every
  /// listing's sender standing. Each finding is a line; empty is well.
  [[nodiscard]] Result<std::vector<std::string>> check_integrity();
  /// SQLite's own check without its slower half: is every page and row well-formed? Of a database beyond 64 MiB only the list, the
  /// decisions and the feeds' positions are read. Likewise.
  [[nodiscard]] Result<std::vector<std::string>> quick_check();
  /// A slice of what keeps the database from growing (retention.cc): moves incidents of the former format, sums days up, removes what
  /// has expired, gives pages back. Holds the write lock for some tens of milliseconds at most. To be called whenever there is time;
  /// the database is the same whoever calls it and how often, but for what isn't done yet.
  [[nodiscard]] Result<Upkeep> keep_up(UnixTime now, const Policy& policy, const Retention& retention, Reckon reckon);
  /// What was kept last; absent: nothing ever was.
  [[nodiscard]] Result<std::optional<UpkeepClock>> upkeep_clock();
  /// To be called before `keep_up` goes by it.
  [[nodiscard]] Result<void> set_upkeep_clock(const UpkeepClock& clock);
  /// The newest time at which anything was recorded or decided, of the latest thousand of each kind; absent: nothing ever was.
  [[nodiscard]] Result<std::optional<UnixTime>> newest_time();
  [[nodiscard]] Result<Kept> kept(UnixTime now);
  /// A consistent copy, made while others write. Where `to` is a backup already, it is replaced when the new one is whole; fails
  /// where it is anything else.
  [[nodiscard]] Result<void> backup(const std::string& to);
  /// Gives pages that hold nothing any more back to the file system, in slices beside other writers. A database that was made by an
  /// earlier version can't do that: it is built anew instead, which fails where another process has it open.
  [[nodiscard]] static Result<Compacted> compact(const std::string& path, Slicing slicing);
  /// Puts a backup in the place of the database at `path`, which is kept as `PATH.before-restore`. Fails, and changes nothing, where
  /// another process has the database open, the backup is damaged or of a newer format, or an earlier restore's copy is in the way.
  [[nodiscard]] static Result<Restored> restore(const std::string& from, const std::string& path);

  class Impl;  ///< this room's own

 private:
  explicit Store(std::unique_ptr<Impl> impl);
  [[nodiscard]] Result<Followed> save_lost_wal();
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::schema
