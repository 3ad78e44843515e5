// What the verbs share: the connection, the journal, the audit, the ranges of keys. Verbs stand in a file per user:
// record.cc, mend_times.cc (ingest), decide.cc, undo.cc, traps.cc (operator), follow.cc (server), ask.cc, find.cc, history.cc (questions), upkeep.cc.
#pragma once

#include "blowback/exemption_set.h"
#include "rows.h"
#include "schema/store.h"
#include "sqlite.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::schema {

struct RecordStatements;

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
  /// Removes every listing within `prefix` and says so in the journal.
  [[nodiscard]] std::uint64_t end_listings(const Prefix& prefix, const std::optional<std::int64_t>& audit,
                                           UnixTime now);

  /// What was decided that bears on standings and wasn't undone, oldest first; with times as in `unless_ahead`.
  [[nodiscard]] std::vector<PastDecision> past_decisions(UnixTime now);
  /// False: it was retired already, or wasn't.
  [[nodiscard]] bool put_retired(std::string_view address, UnixTime now, std::int64_t audit_id);
  [[nodiscard]] bool remove_retired(std::string_view address);

  std::string path;
  Mode mode;
  Connection db;
  int version_found = 0;
  /// Up to which journal entry there is nothing left to bring back; see mend_times.cc.
  struct LookedAt {
    Serial serial = 0;
    UnixTime since{};  ///< when all of it was looked at
    UnixTime last{};   ///< when what came since was
  } looked_at;
  /// Prepared at the first batch and kept; ingest lives on them.
  std::unique_ptr<RecordStatements> recording;

 private:
  std::unique_ptr<Statement> journal_;
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

/// Columns as in kAuditColumns.
[[nodiscard]] AuditEntry audit_of(const Statement& row);

/// A reason and a name go on record with every decision; commands make sure they are there.
[[nodiscard]] std::optional<StoreError> unfounded(const Decision& decision);

/// Counted by what senders are: nobody can be delisted by less than the /64 that is listed for him.
[[nodiscard]] Prefix at_least_a_sender(const Prefix& prefix);

}  // namespace blowback::schema
