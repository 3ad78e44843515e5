// What the members of Store share: the connection, the journal, the audit, ranges of keys. They are in files by their users:
// record.cc, mend_times.cc, retention.cc (ingest), decide.cc, undo.cc, traps.cc (operator; slices.cc divides their work),
// removals.cc (listed senders), follow.cc (server),
// ask.cc, find.cc, history.cc, summary.cc (queries), backup.cc, upkeep.cc.
#pragma once

#include "blowback/exemption_set.h"
#include "database_file.h"
#include "rows.h"
#include "schema/store.h"
#include "slices.h"
#include "sqlite.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::schema {

struct RecordStatements;
struct AfreshStatements;
class Folding;

/// The journal's head.
[[nodiscard]] Serial head_of(Connection& db);
/// See ZoneState.
[[nodiscard]] std::uint64_t ended_by(Connection& db, UnixTime now);

/// Every listing that covers `address`, or is of one of its networks down to the address itself, with its reason.
[[nodiscard]] std::vector<Listing> listings_around(const Connection& db, const IpAddress& address);
[[nodiscard]] RemovalCounts removal_counts_of(Connection& db);
[[nodiscard]] bool is_exempt(const Connection& db, const IpAddress& address, UnixTime now);

class Store::Impl {
 public:
  Impl(std::string file, Mode open_mode, int flags);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// Writes an entry of the journal. Requires a transaction.
  void journal(const ListingChange& change, const std::optional<std::int64_t>& audit);
  /// Writes an entry of the audit; returns its id. `set_changes` adds the number of changes once it is known.
  [[nodiscard]] std::int64_t audit(const Decision& decision, const char* action, const std::string& subject,
                                   std::optional<UnixTime> until, UnixTime now);
  void set_changes(std::int64_t audit, std::uint64_t changes);
  [[nodiscard]] Serial head();
  [[nodiscard]] std::vector<Exemption> exemptions_in_force(UnixTime now);
  /// The same as a set, without reasons.
  [[nodiscard]] ExemptionSet exemption_set(UnixTime now);
  /// Carries out a decision in as many transactions as necessary; see slices.h. False: `begin` had nothing to do, and nothing was changed.
  [[nodiscard]] bool carry_out(Work& work, const Plan& plan);
  struct SliceDone {
    std::uint64_t steps = 0;
    bool is_last = false;
    bool has_begun = true;
  };
  [[nodiscard]] SliceDone carry_out_slice(Work& work, const Plan& plan);
  /// The unfinished entry that this decision continues, if there is one of the last hour. An import or list is begun again if another decision
  /// was made since, which may have ended some of its listings.
  [[nodiscard]] Work unfinished_like(const Decision& decision, std::string_view action, std::string_view subject,
                                     std::optional<UnixTime> until, UnixTime now);
  [[nodiscard]] std::optional<Work> unfinished(std::int64_t audit);
  /// Removes the unfinished entry: it won't be continued.
  void give_up(std::int64_t audit);
  [[nodiscard]] std::optional<AuditEntry> entry(std::uint64_t id);
  /// The stages of a delisting or an exemption. `work` and `entry` must outlive the plan.
  [[nodiscard]] Plan delisting(Work& work, const AuditEntry& entry, UnixTime now);
  [[nodiscard]] Plan exempting(Work& work, const AuditEntry& entry, UnixTime now);
  [[nodiscard]] bool is_exempt_by(std::int64_t audit, const Prefix& prefix, UnixTime now);
  /// Stops unfinished exemptions of exactly `prefix` from ending more listings.
  void give_up_exempting(const Prefix& prefix);
  /// Ends listings within `prefix`, then forgets that its senders were listed. Likewise.
  [[nodiscard]] std::vector<Stage> ending_listings(Work& work, const Prefix& prefix, UnixTime now);
  /// One slice of an undo that another process began.
  void go_on_undoing(Work& work, const AuditEntry& undo, const Policy& policy, Reckon reckon, UnixTime now);
  /// A stage through listings, senders, or journal entries in the range of a prefix; `process` has to check whether a key is within it.
  [[nodiscard]] Stage through_listings(const Prefix& prefix, std::function<void(const Key&)> process);
  [[nodiscard]] Stage through_senders(const Prefix& prefix, std::function<void(const Key&)> process);
  [[nodiscard]] Stage through_journal(const Prefix& prefix, std::function<void(const Key&)> process);
  /// Removes a listing, and records that in the journal.
  void end_listing(const Listing& listing, std::int64_t audit, UnixTime now);
  /// Unfinished delistings. They are applied to a sender before anything new is recorded for it.
  struct Delisting {
    std::int64_t audit = 0;
    Prefix prefix;
    UnixTime at{};
  };
  [[nodiscard]] std::vector<Delisting> unfinished_delistings();
  /// Applies a delisting to a sender, unless that was done. True: this ended an automatic listing.
  bool start_afresh(const Prefix& sender, const Delisting& delisting, UnixTime now);

  /// Decisions that affect standings and weren't undone, oldest first; with times as in `unless_ahead`.
  [[nodiscard]] std::vector<PastDecision> past_decisions(UnixTime now);
  /// Whether there are incidents of the former format (convert.cc); the error is for callers that need all incidents.
  [[nodiscard]] bool has_former_incidents();
  [[nodiscard]] std::optional<StoreError> still_converting();
  /// Requires a transaction.
  [[nodiscard]] ZoneState zone_state(UnixTime now) { return {.journal = head_of(db), .ended = ended_by(db, now)}; }
  [[nodiscard]] Kept kept(UnixTime now);
  /// The journal is complete from this time on; absent: completely.
  [[nodiscard]] std::optional<UnixTime> kept_changes_since();
  /// False: it is already retired; likewise it isn't.
  [[nodiscard]] bool put_retired(std::string_view address, UnixTime now, std::int64_t audit_id);
  [[nodiscard]] bool remove_retired(std::string_view address);

  [[nodiscard]] bool only_reads() const { return mode == Mode::read || mode == Mode::follow; }

  std::string path;
  Mode mode;
  Connection db;
  int version_found = 0;
  /// The files that were opened: the database and those of SQLite beside it; absent: there is none.
  struct Opened {
    std::optional<FileId> database;
    std::optional<FileId> wal;
    std::optional<FileId> shm;
    std::string real_path;  ///< with links resolved
  } opened;
  /// Present if the file was opened as one that doesn't change: its state then.
  struct Unchanging {
    std::int64_t size = 0;
    std::int64_t changed = 0;  ///< nanoseconds
    friend bool operator==(const Unchanging&, const Unchanging&) = default;
  };
  std::optional<Unchanging> unchanging;
  /// The journal entry up to which there is nothing to restore; see mend_times.cc.
  struct LookedAt {
    Serial serial = 0;
    UnixTime since{};  ///< when all of it was checked
    UnixTime last{};   ///< when the later entries were checked
    /// All entries up to this one, in the order of ends, were restored in this run.
    struct Swept {
      UnixTime expires_at{};
      std::int64_t serial = 0;
    } brought_back;
  } looked_at;
  Slicing slicing;
  /// The first unfinished decision and its progress at the last call of `carry_on`.
  std::optional<Work> seen_unfinished;
  /// Prepared for the first batch and kept, since ingest uses them all the time.
  std::unique_ptr<RecordStatements> recording;
  /// The current sweep of incidents, and that of one sender; see retention.cc.
  std::shared_ptr<Folding> folding;
  std::shared_ptr<std::pair<IpAddress, Folding>> folding_one;
  std::unique_ptr<Statement> change_before;  ///< of `change_back`, which followers call for thousands of entries

 private:
  /// The end of an entry in whose place `change` puts another, if it has ended and no sweep has recorded that.
  [[nodiscard]] std::optional<ListingChange> ended_before(const ListingChange& change);
  void append_to_journal(const ListingChange& change, const std::optional<std::int64_t>& audit_id);

  std::unique_ptr<Statement> journal_;
  std::unique_ptr<Statement> last_change_;
  std::unique_ptr<Statement> remove_listing_;
  std::shared_ptr<AfreshStatements> afresh_;
};

/// On a quiet list there may be this long between two entries, so a clock that is behind by less can't be distinguished from one that was ahead.
/// Times that are ahead by less are left unchanged.
inline constexpr Duration kSurelyAhead = std::chrono::days{2};
/// A time that was recorded while the clock was ahead becomes `now`.
[[nodiscard]] inline UnixTime unless_ahead(UnixTime at, UnixTime now) { return at > now + kSurelyAhead ? now : at; }

/// The failure as an error that names the file and says what to do.
[[nodiscard]] StoreError explained(const SqlFailure& failure, const std::string& path);

/// Runs `body`, and turns a SqlFailure into an error.
template <typename Body>
auto attempt(const std::string& path, Body body) -> Result<decltype(body())> {
  try {
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return {};
    } else {
      return body();
    }
  } catch (const SqlFailure& failure) {
    return std::unexpected(explained(failure, path));
  }
}

/// The keys of a prefix from `first` to `last`. There may be rows of the other family or of wider prefixes between: check with `contains`.
struct KeyRange {
  IpAddress::Octets first;
  IpAddress::Octets last;
};
[[nodiscard]] KeyRange keys_of(const Prefix& prefix);

/// The subject of an entry as a prefix. Throws SqlFailure if it is none.
[[nodiscard]] Prefix prefix_decided_on(const AuditEntry& entry);

/// Columns as in kAuditColumns.
[[nodiscard]] AuditEntry audit_of(const Statement& row);

/// An error if the decision has no reason or no name.
[[nodiscard]] std::optional<StoreError> unfounded(const Decision& decision);

/// At least the network of one sender: a part of a /64 can't be delisted, since the /64 is listed.
[[nodiscard]] Prefix at_least_a_sender(const Prefix& prefix);

}  // namespace blowback::schema
