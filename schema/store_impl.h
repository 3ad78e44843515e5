// What the verbs share: the connection, the journal, the audit, the ranges of keys. Verbs stand in a file per user:
// record.cc, mend_times.cc, retention.cc (ingest), decide.cc, undo.cc, traps.cc (operator; slices.cc divides their work), follow.cc (server),
// ask.cc, find.cc, history.cc, summary.cc (questions), backup.cc, upkeep.cc.
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

class Store::Impl {
 public:
  Impl(std::string file, Mode open_mode, int flags);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// One journal entry; within a transaction.
  void journal(const ListingChange& change, const std::optional<std::int64_t>& audit);
  /// One line of audit; returns its id. `changes` is set by `settle` once known.
  [[nodiscard]] std::int64_t audit(const Decision& decision, const char* action, const std::string& subject,
                                   std::optional<UnixTime> until, UnixTime now);
  void settle(std::int64_t audit, std::uint64_t changes);
  [[nodiscard]] Serial head();
  [[nodiscard]] std::vector<Exemption> exemptions_in_force(UnixTime now);
  /// The same to look up in, without reasons.
  [[nodiscard]] ExemptionSet exemption_set(UnixTime now);
  /// Carries out a decision, in as many transactions as it takes; see slices.h. False: `begin` had nothing to do, and nothing was changed.
  [[nodiscard]] bool carry_out(Work& work, const Plan& plan);
  /// The unfinished entry that this decision goes on with; of the last hour, since a decision speaks of the time it is made. A list
  /// that something was decided after begins anew: what that ended, it wants listed.
  [[nodiscard]] Work unfinished_like(const Decision& decision, std::string_view action, std::string_view subject,
                                     std::optional<UnixTime> until, UnixTime now);
  [[nodiscard]] std::optional<Work> unfinished(std::int64_t audit);
  /// It won't go on.
  void give_up(std::int64_t audit);
  [[nodiscard]] std::optional<AuditEntry> entry(std::uint64_t id);
  /// What is left to do of a delisting or an exemption after its beginning. `work` and `entry` must outlive the plan.
  [[nodiscard]] Plan delisting(Work& work, const AuditEntry& entry, UnixTime now);
  [[nodiscard]] Plan exempting(Work& work, const AuditEntry& entry, UnixTime now);
  [[nodiscard]] bool is_exempt_by(std::int64_t audit, const Prefix& prefix, UnixTime now);
  /// No exemption of exactly `prefix` goes on ending listings.
  void give_up_exempting(const Prefix& prefix);
  /// Ends listings within `prefix`, then forgets that its senders were listed. Likewise.
  [[nodiscard]] std::vector<Stage> ending_listings(Work& work, const Prefix& prefix, UnixTime now);
  /// One slice of an undo that somebody else began.
  void go_on_undoing(Work& work, const AuditEntry& undo, const Policy& policy, Reckon reckon, UnixTime now);
  /// Goes through listings, senders, or entries of the journal. The keys of a prefix's range: `take` asks what lies within.
  [[nodiscard]] Stage through_listings(const Prefix& prefix, std::function<void(const Key&)> take);
  [[nodiscard]] Stage through_senders(const Prefix& prefix, std::function<void(const Key&)> take);
  [[nodiscard]] Stage through_journal(const Prefix& prefix, std::function<void(const Key&)> take);
  /// Removes a listing and says so in the journal.
  void end_listing(const Listing& listing, std::int64_t audit, UnixTime now);
  /// Delistings that aren't through yet. Each sender's part of one is done before anything new is recorded of it.
  struct Delisting {
    std::int64_t audit = 0;
    Prefix prefix;
    UnixTime at{};
  };
  [[nodiscard]] std::vector<Delisting> unfinished_delistings();
  /// The sender's part of a delisting, unless it is done. True: it had an automatic listing, which ended.
  bool start_afresh(const Prefix& sender, const Delisting& delisting, UnixTime now);

  /// What was decided that bears on standings and wasn't undone, oldest first; with times as in `unless_ahead`.
  [[nodiscard]] std::vector<PastDecision> past_decisions(UnixTime now);
  /// Whether incidents of the former format are still to be moved (convert.cc); the error says so to whoever needs them all.
  [[nodiscard]] bool has_former_incidents();
  [[nodiscard]] std::optional<StoreError> still_converting();
  [[nodiscard]] Kept kept(UnixTime now);
  /// From when on the journal is complete; absent: it always was.
  [[nodiscard]] std::optional<UnixTime> kept_changes_since();
  /// False: it was retired already, or wasn't.
  [[nodiscard]] bool put_retired(std::string_view address, UnixTime now, std::int64_t audit_id);
  [[nodiscard]] bool remove_retired(std::string_view address);

  [[nodiscard]] bool only_reads() const { return mode == Mode::read || mode == Mode::follow; }

  std::string path;
  Mode mode;
  Connection db;
  int version_found = 0;
  /// What was opened, and what SQLite put beside it; absent where that isn't there.
  struct Opened {
    std::optional<FileId> database;
    std::optional<FileId> wal;
    std::optional<FileId> shm;
    std::string real_path;  ///< with links resolved
  } opened;
  /// Set where the file was opened as one that nobody changes: as it looked then.
  struct Unchanging {
    std::int64_t size = 0;
    std::int64_t changed = 0;  ///< nanoseconds
    friend bool operator==(const Unchanging&, const Unchanging&) = default;
  };
  std::optional<Unchanging> unchanging;
  /// Up to which journal entry there is nothing left to bring back; see mend_times.cc.
  struct LookedAt {
    Serial serial = 0;
    UnixTime since{};  ///< when all of it was looked at
    UnixTime last{};   ///< when what came since was
    /// A swept entry of the journal up to which, in the order of ends, all came back in this sweep.
    struct Swept {
      UnixTime expires_at{};
      std::int64_t serial = 0;
    } brought_back;
  } looked_at;
  Slicing slicing;
  /// The unfinished decision that comes first and how far it was when it was looked at last; see `carry_on`.
  std::optional<Work> seen_unfinished;
  /// Prepared at the first batch and kept; ingest lives on them.
  std::unique_ptr<RecordStatements> recording;
  /// The sweep of incidents that is under way, and that of one sender; see retention.cc.
  std::shared_ptr<Folding> folding;
  std::shared_ptr<std::pair<IpAddress, Folding>> folding_one;

 private:
  std::unique_ptr<Statement> journal_;
  std::unique_ptr<Statement> remove_listing_;
  std::shared_ptr<AfreshStatements> afresh_;
};

/// A clock that is behind by less than this can't be told from one that was ahead by less: on a quiet list so long may lie
/// between one entry and the next. So what lies ahead by less is left as it is.
inline constexpr Duration kSurelyAhead = std::chrono::days{2};
/// What was recorded under a clock that was ahead was recorded by `now`.
[[nodiscard]] inline UnixTime unless_ahead(UnixTime at, UnixTime now) { return at > now + kSurelyAhead ? now : at; }

/// What a failure means to whoever called, with the file's name and the way out.
[[nodiscard]] StoreError explained(const SqlFailure& failure, const std::string& path);

/// Runs `body`, which may throw SqlFailure, as a verb.
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

/// Keys from `first` to `last` of a prefix. Rows of the other family or of wider prefixes may lie between: ask `contains`.
struct KeyRange {
  IpAddress::Octets first;
  IpAddress::Octets last;
};
[[nodiscard]] KeyRange keys_of(const Prefix& prefix);

/// Where a decision's subject is no prefix, although it must be.
[[nodiscard]] Prefix prefix_decided_on(const AuditEntry& entry);

/// Columns as in kAuditColumns.
[[nodiscard]] AuditEntry audit_of(const Statement& row);

/// A reason and a name go on record with every decision; commands make sure they are there.
[[nodiscard]] std::optional<StoreError> unfounded(const Decision& decision);

/// Counted by what senders are: nobody can be delisted by less than the /64 that is listed for him.
[[nodiscard]] Prefix at_least_a_sender(const Prefix& prefix);

}  // namespace blowback::schema
