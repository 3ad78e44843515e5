// Keeps the database from growing: evidence, incidents, standings, quarantine, journal, daily totals and requests for removal expire at their own
// ages, and free pages are returned to the file system.
//
// Tables in order of time are shortened from their beginning. Incidents are ordered by sender, so a sweep reads the whole table about once a
// week (fold.h).
#include "retention.h"

#include "fold.h"
#include "totals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace blowback::schema {
namespace {

constexpr std::int64_t kEvidenceAtOnce = 2'000;
constexpr std::int64_t kRowsAtOnce = 4'000;  ///< that a sweep checks
constexpr std::int64_t kTrapsAtOnce = 500;
constexpr std::uint64_t kQuarantineAtOnce = 50;
/// The newest texts stay even without space, to explain current listings.
constexpr std::int64_t kNewestEvidence = 1'000;
/// The least free space of a file system in octets, or a twentieth of its size if that is less. With less, mail will soon be refused.
constexpr std::uint64_t kLeastRoom = std::uint64_t{1} << 30U;
constexpr std::int64_t kChangesAtOnce = 2'000;
constexpr std::int64_t kRemovalsAtOnce = 1'000;
/// A used or expired token stays for a while, so that its link says what became of it.
constexpr Duration kTokensKept = std::chrono::weeks{1};
constexpr std::int64_t kPagesAtOnce = 1'000;
/// The interval of sweeps. Each reads every row of its table, so a shorter one would cost more in a large database.
constexpr Duration kSweepEvery = std::chrono::weeks{1};
/// Parts that have no effect any more are kept for another half of the time, so that a backlog that is read late finds them.
constexpr int kLateBacklog = 3;  // in halves
/// Less free space than this isn't returned: new data will use it.
constexpr std::int64_t kFreeOctets = std::int64_t{16} << 20U;

/// The position of a sweep through a table that is ordered by sender; see the table `sweep`.
class Sweep {
 public:
  Sweep(Connection& db, std::string name) : db_(db), name_(std::move(name)) {
    Statement row(db, "SELECT began_at, position FROM sweep WHERE name = ?");
    row.bind(name_);
    if (!row.step()) return;
    began_at_ = time_of(row.integer(0));
    is_under_way_ = !row.is_null(1);
    if (is_under_way_) position_.assign(row.blob(1).begin(), row.blob(1).end());
  }
  /// Whether it is under way, or time to begin. A clock that was ahead when it began last doesn't prevent that.
  [[nodiscard]] bool is_due(UnixTime now) const {
    return is_under_way_ || !began_at_ || now >= *began_at_ + kSweepEvery || now < *began_at_;
  }
  /// The last sender that was processed; at the beginning less than every address.
  [[nodiscard]] std::span<const std::uint8_t> position() const { return position_; }
  /// Stores the position; an empty one ends the sweep. Requires a transaction.
  void go_on(std::span<const std::uint8_t> at, UnixTime now) {
    const UnixTime began_at = is_under_way_ && began_at_ ? *began_at_ : now;
    Statement(db_,
              "INSERT INTO sweep (name, began_at, position) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET began_at = "
              "excluded.began_at, position = excluded.position")
        .bind(name_, seconds(began_at), at.empty() ? std::nullopt : std::optional(at))
        .run();
  }

 private:
  Connection& db_;
  std::string name_;
  std::optional<UnixTime> began_at_;
  bool is_under_way_ = false;
  std::vector<std::uint8_t> position_ = std::vector<std::uint8_t>(1, 0);
};

class Keeper {
 public:
  Keeper(Store::Impl& impl, UnixTime now, const Policy& policy, const Retention& retention, Reckon reckon)
      : impl_(impl), db_(impl.db), now_(now), policy_(policy), retention_(retention), reckon_(reckon) {}

  /// One slice of the first task that has something to do.
  [[nodiscard]] Upkeep run() {
    Upkeep done;
    done.converted = convert_slice_if_any();
    if (done.converted > 0) {
      done.more = true;
      return done;
    }
    sample_size();
    // Before texts expire they are added to the totals, however few there are.
    if (summarize_slice(impl_, policy_.any_reverse_path, !loses_unsummed(now_ - retention_.evidence)) > 0) {
      done.more = true;
      return done;
    }
    done.quarantined = expire_quarantine();
    done.evidence = expire_evidence(now_ - retention_.evidence);
    done.changes = expire_changes();
    const bool any_removals = expire_removals();
    const bool swept = sweep_incidents(incident_horizon(), done) || sweep_parts() || sweep_standings();
    done.more = (!swept && expire_sums()) || swept || done.quarantined > 0 || done.evidence > 0 || done.changes > 0 ||
                any_removals;
    if (!done.more) done.more = make_room(done);
    if (!done.more) done.octets_freed = give_pages_back();
    done.more |= done.octets_freed > 0;
    return done;
  }

 private:
  [[nodiscard]] std::uint64_t convert_slice_if_any() {
    return impl_.has_former_incidents() ? convert_slice(impl_, now_, retention_) : 0;
  }

  [[nodiscard]] std::int64_t used_octets() {
    return (db_.integer("PRAGMA page_count") - db_.integer("PRAGMA freelist_count")) * db_.integer("PRAGMA page_size");
  }

  void sample_size() {
    const auto today = day_of(now_);
    if (db_.integer("SELECT coalesce(max(day), -1) FROM size_of_day") == today) return;
    Transaction transaction(db_);
    Statement(db_, "INSERT OR REPLACE INTO size_of_day (day, octets, incidents) VALUES (?, ?, ?)")
        .bind(today, used_octets(), total(db_, "incidents").value_or(0))
        .run();
    // A clock that was ahead has left days in the future.
    Statement(db_, "DELETE FROM size_of_day WHERE day > ? OR day < ?").bind(today, today - 400).run();
    transaction.commit();
  }

  [[nodiscard]] std::uint64_t expire_quarantine() {
    const auto until = seconds(now_ - retention_.quarantine);
    const auto too_much = [&] {
      return total(db_, "quarantine_octets").value_or(0) > static_cast<std::int64_t>(retention_.quarantine_octets);
    };
    // The minimum over all: entries with a time in the future must not block older ones.
    Statement oldest(db_, "SELECT id, (SELECT min(at) FROM quarantine) FROM quarantine ORDER BY id LIMIT 1");
    Statement remove(db_, "DELETE FROM quarantine WHERE id = ?");
    std::uint64_t removed = 0;
    std::optional<Transaction> transaction;
    for (; removed < kQuarantineAtOnce; ++removed) {
      const auto first =
          oldest.bind().first([](const Statement& row) { return std::pair(row.integer(0), row.integer(1)); });
      if (!first || (first->second >= until && !too_much())) break;
      if (!transaction) transaction.emplace(db_);
      remove.bind(first->first).run();
    }
    if (transaction) transaction->commit();
    return removed;
  }

  /// Whether evidence is due that isn't in the totals of `top` yet.
  [[nodiscard]] bool loses_unsummed(UnixTime until) {
    return Statement(db_,
                     "SELECT 1 FROM (SELECT number, recorded_at FROM evidence ORDER BY number LIMIT 1) WHERE number > "
                     "coalesce((SELECT value FROM total WHERE name = 'rolled_up'), 0) AND recorded_at < ?")
        .bind(seconds(until))
        .first([](const Statement&) { return true; })
        .has_value();
  }

  /// Corrects times that a clock ahead of time has recorded: the oldest evidence would seem younger than the newest, and stay. True: some were
  /// changed.
  bool mend_recording_times(UnixTime oldest, UnixTime newest) {
    if (oldest <= newest + kSurelyAhead) return false;
    Transaction transaction(db_);
    Statement(db_,
              "UPDATE evidence SET recorded_at = min(recorded_at, ?) WHERE number IN (SELECT number FROM evidence "
              "ORDER BY number LIMIT ?)")
        .bind(seconds(newest), kEvidenceAtOnce)
        .run();
    transaction.commit();
    return true;
  }

  /// Removes what was recorded before `until` and has a number of at most `last`, from the beginning.
  [[nodiscard]] std::uint64_t expire_evidence(UnixTime until,
                                              std::int64_t last = std::numeric_limits<std::int64_t>::max()) {
    struct Row {
      std::int64_t number = 0;
      UnixTime recorded_at{};
    };
    const auto row_at = [&](const char* end) {
      return Statement(db_, std::string("SELECT number, recorded_at FROM evidence ORDER BY number ") + end + " LIMIT 1")
          .first([](const Statement& row) {
            return Row{.number = row.integer(0), .recorded_at = time_of(row.integer(1))};
          });
    };
    auto oldest = row_at("ASC");
    if (!oldest || oldest->number > last) return 0;
    if (mend_recording_times(oldest->recorded_at, row_at("DESC")->recorded_at)) oldest = row_at("ASC");
    if (oldest->recorded_at >= until) return 0;
    Transaction transaction(db_);
    Statement(db_,
              "DELETE FROM evidence WHERE number IN (SELECT number FROM evidence ORDER BY number LIMIT ?) AND "
              "recorded_at < ? AND number <= ?")
        .bind(kEvidenceAtOnce, seconds(until), last)
        .run();
    const auto removed = static_cast<std::uint64_t>(db_.changes());
    if (removed == 0) return 0;
    const auto since = Statement(db_, "SELECT recorded_at FROM evidence ORDER BY number LIMIT 1")
                           .first([](const Statement& row) { return row.integer(0); })
                           .value_or(seconds(until));
    set_total(db_, "evidence_since", since);
    transaction.commit();
    return removed;
  }

  /// Removes entries of the journal that are too old, unless they are the last ones of what is listed or exempt now.
  [[nodiscard]] std::uint64_t expire_changes() {
    const auto until = seconds(now_ - retention_.journal);
    Statement next(db_, "SELECT serial, at FROM listing_change WHERE serial >= ? ORDER BY serial LIMIT ?");
    std::int64_t from = total(db_, "journal_from").value_or(0);
    const auto began = from;
    next.bind(from, kChangesAtOnce);
    std::int64_t looked_at = 0;
    // Up to the last one that is old enough; earlier ones may have a later time, from a clock that was ahead.
    while (next.step()) {
      if (next.integer(1) >= until) continue;
      from = next.integer(0) + 1;
      ++looked_at;
    }
    // The last entry stays: its number is the serial.
    from = std::min(from, static_cast<std::int64_t>(impl_.head()));
    if (looked_at == 0 || from <= began) return 0;
    Transaction transaction(db_);
    Statement(db_,
              "DELETE FROM listing_change AS c WHERE serial >= ? AND serial < ? AND (action IN (2, 3, 5) OR EXISTS "
              "(SELECT 1 FROM "
              "listing_change d WHERE d.first = c.first AND d.length = c.length AND d.serial > c.serial AND d.source = "
              "c.source AND (d.action < 4) = (c.action < 4)))")
        .bind(began, from)
        .run();
    set_total(db_, "journal_from", from);
    transaction.commit();
    return static_cast<std::uint64_t>(looked_at);
  }

  /// Removes decided requests and tokens that are too old. True: some were removed.
  [[nodiscard]] bool expire_removals() {
    const auto requests = seconds(now_ - retention_.removals);
    const auto tokens = seconds(now_ - kTokensKept);
    const bool any = Statement(db_,
                               "SELECT 1 WHERE EXISTS (SELECT 1 FROM removal_request WHERE state > 0 AND decided_at < "
                               "?) OR EXISTS (SELECT 1 FROM removal_token WHERE created_at < ?)")
                         .bind(requests, tokens)
                         .first([](const Statement&) { return true; })
                         .has_value();
    if (!any) return false;
    Transaction transaction(db_);
    Statement(
        db_,
        "DELETE FROM removal_request WHERE id IN (SELECT id FROM removal_request WHERE state > 0 AND decided_at < "
        "? LIMIT ?)")
        .bind(requests, kRemovalsAtOnce)
        .run();
    Statement(db_,
              "DELETE FROM removal_token WHERE digest IN (SELECT digest FROM removal_token WHERE created_at < ? LIMIT "
              "?)")
        .bind(tokens, kRemovalsAtOnce)
        .run();
    transaction.commit();
    return true;
  }

  /// True: there is more to do.
  [[nodiscard]] bool sweep_incidents(UnixTime horizon, Upkeep& done) {
    const Folding::Terms terms{.now = now_, .horizon = horizon, .policy = policy_, .reckon = reckon_};
    if (fold_crowded(terms, done)) return true;
    Sweep sweep(db_, "incident");
    if (!sweep.is_due(now_)) return false;
    if (!impl_.folding) impl_.folding = std::make_shared<Folding>(impl_);
    const auto folded = impl_.folding->go_on(terms, sweep.position());
    done.incidents += folded.incidents;
    Transaction transaction(db_);
    sweep.go_on(folded.is_through ? std::span<const std::uint8_t>{} : impl_.folding->position(), now_);
    if (folded.is_through && db_.integer("SELECT count(*) FROM (SELECT 1 FROM standing_at_horizon LIMIT 1)") > 0) {
      set_total(db_, "incidents_since", seconds(horizon));
    }
    transaction.commit();
    if (folded.is_through) impl_.folding.reset();
    return !folded.is_through;
  }

  /// Folds a sender that was marked since it has too many incidents.
  [[nodiscard]] bool fold_crowded(const Folding::Terms& terms, Upkeep& done) {
    const auto sender =
        Statement(db_, "SELECT sender FROM crowded ORDER BY sender LIMIT 1").first([](const Statement& row) {
          return address_of(row, 0);
        });
    if (!sender) return false;
    if (!impl_.folding_one || impl_.folding_one->first != *sender) {
      impl_.folding_one = std::make_shared<std::pair<IpAddress, Folding>>(*sender, impl_);
    }
    const auto folded = impl_.folding_one->second.go_on_with(*sender, terms);
    done.incidents += folded.incidents;
    if (!folded.is_through) return true;
    Statement(db_, "DELETE FROM crowded WHERE sender = ?").bind(sender->octets()).run();
    impl_.folding_one.reset();
    return true;
  }

  /// Removes parts that have no effect any more.
  [[nodiscard]] bool sweep_parts() {
    return sweep_rows("standing_part", kRowsAtOnce, [&](const IpAddress::Octets& first, const IpAddress::Octets& last) {
      const auto forgotten = seconds(now_ - policy_.parts_forgotten_after() * kLateBacklog / 2);
      Statement(db_, "DELETE FROM standing_part WHERE sender BETWEEN ? AND ? AND at < ? AND last_at < ?")
          .bind(first, last, forgotten, forgotten)
          .run();
    });
  }

  /// Removes senders without an incident, a part or a listing, and with a score of almost 0.
  [[nodiscard]] bool sweep_standings() {
    if (impl_.has_former_incidents()) return false;
    return sweep_rows("standing", kRowsAtOnce / 4, [&](const IpAddress::Octets& first, const IpAddress::Octets& last) {
      const auto gone = seconds(now_ - retention_.incidents);
      const std::string of_nobody =
          "sender BETWEEN ?1 AND ?2 AND at < ?3 AND coalesce(listed_until, 0) < ?3 AND coalesce(afresh_since, 0) < ?3 "
          "AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.sender = s.sender) AND NOT EXISTS (SELECT 1 "
          "FROM standing_part p WHERE p.sender = s.sender) AND NOT EXISTS (SELECT 1 FROM listing l WHERE "
          "l.first = s.sender AND l.source = 0)";
      for (const char* const table : {"part_at_horizon", "standing_at_horizon"}) {
        Statement(db_, std::string("DELETE FROM ") + table + " WHERE sender IN (SELECT sender FROM standing s WHERE " +
                           of_nobody + ")")
            .bind(first, last, gone)
            .run();
      }
      Statement(db_, "DELETE FROM standing AS s WHERE " + of_nobody).bind(first, last, gone).run();
    });
  }

  /// Sweeps a table that is ordered by sender, `rows` rows at a time.
  template <typename Remove>
  [[nodiscard]] bool sweep_rows(const char* table, std::int64_t rows, Remove remove) {
    Sweep sweep(db_, table);
    if (!sweep.is_due(now_)) return false;
    Transaction transaction(db_);
    const auto next = [&](const char* which, std::int64_t offset) {
      return Statement(db_, std::string("SELECT sender FROM ") + table + " WHERE sender > ? ORDER BY sender " + which)
          .bind(sweep.position(), offset)
          .first([](const Statement& row) { return address_of(row, 0); });
    };
    const auto first = next("LIMIT 1 + 0 * ?", 0);
    const auto last = next("LIMIT 1 OFFSET ?", rows);
    IpAddress::Octets end{};
    end.fill(0xff);
    if (last) end = last->octets();
    if (first) remove(first->octets(), end);
    sweep.go_on(last ? std::span<const std::uint8_t>(end) : std::span<const std::uint8_t>{}, now_);
    transaction.commit();
    return last.has_value();
  }

  /// Removes daily totals, and traps that were hit only once, with the incidents that they come from. True: there is more to do.
  [[nodiscard]] bool expire_sums() {
    const auto until = now_ - retention_.incidents;
    const bool any = db_.integer("SELECT coalesce(min(day), 9000000) FROM top_of_day") < day_of(until);
    Sweep sweep(db_, "trap_total");
    if (!any && !sweep.is_due(now_)) return false;
    bool any_more = any;
    Transaction transaction(db_);
    Statement(db_, "DELETE FROM top_of_day WHERE day = (SELECT min(day) FROM top_of_day) AND day < ?")
        .bind(day_of(until))
        .run();
    if (sweep.is_due(now_)) {
      Statement(db_, "DELETE FROM trap_total WHERE trap IN (SELECT trap FROM trap_total WHERE last_at < ? LIMIT ?)")
          .bind(seconds(until), kTrapsAtOnce)
          .run();
      any_more = db_.changes() == kTrapsAtOnce;
      if (!any_more) sweep.go_on({}, now_);
    }
    transaction.commit();
    return any_more;
  }

  /// Evidence first: it is large, and no decision depends on it.
  [[nodiscard]] bool make_room(Upkeep& done) {
    const bool is_large = retention_.max_disk && used_octets() > static_cast<std::int64_t>(*retention_.max_disk);
    done.little_room = is_large || has_little_room();
    if (!done.little_room) return false;
    if (summarize_slice(impl_, policy_.any_reverse_path, false) > 0) return true;
    const auto newest = db_.integer("SELECT coalesce(max(number), 0) FROM evidence");
    done.evidence = expire_evidence(now_ + std::chrono::days{1}, newest - kNewestEvidence);
    done.shortened = done.evidence > 0;
    if (done.shortened || !is_large) return done.shortened;
    // Then incidents, a week at a time, down to those that scores depend on.
    const UnixTime horizon = incident_horizon() + std::chrono::weeks{1};
    if (horizon > now_ - 2 * policy_.parts_forgotten_after()) return false;
    Transaction transaction(db_);
    set_total(db_, "incidents_cut", seconds(horizon));
    Statement(db_, "DELETE FROM sweep WHERE name = 'incident'").run();
    transaction.commit();
    impl_.folding.reset();
    done.shortened = true;
    return true;
  }

  /// Whether the file system is nearly full. Free pages of the database count as space.
  [[nodiscard]] bool has_little_room() {
    std::error_code error;  // an unknown size limits nothing
    const auto space = std::filesystem::space(folder_of(impl_.path), error);
    if (error || space.capacity == 0) return false;
    const auto free_pages =
        static_cast<std::uint64_t>(db_.integer("PRAGMA freelist_count") * db_.integer("PRAGMA page_size"));
    return space.available + free_pages < std::min<std::uint64_t>(kLeastRoom, space.capacity / 20);
  }

  /// Later than configured if there was no space.
  [[nodiscard]] UnixTime incident_horizon() {
    const UnixTime set = now_ - retention_.incidents;
    const auto cut = total(db_, "incidents_cut");
    return cut && time_of(*cut) < now_ ? std::max(set, time_of(*cut)) : set;
  }

  /// Shrinks the file, if the database was created with auto_vacuum.
  [[nodiscard]] std::uint64_t give_pages_back() {
    if (db_.integer("PRAGMA auto_vacuum") != 2) return 0;
    const auto page = db_.integer("PRAGMA page_size");
    const auto before = db_.integer("PRAGMA freelist_count");
    if (before * page < kFreeOctets || before < db_.integer("PRAGMA page_count") / 10) return 0;
    Statement(db_, "PRAGMA incremental_vacuum(" + std::to_string(kPagesAtOnce) + ")").run();
    return static_cast<std::uint64_t>((before - db_.integer("PRAGMA freelist_count")) * page);
  }

  Store::Impl& impl_;
  Connection& db_;
  UnixTime now_;
  const Policy& policy_;
  const Retention& retention_;
  Reckon reckon_;
};

}  // namespace

Result<std::optional<UpkeepClock>> Store::upkeep_clock() {
  return attempt(impl_->path, [&]() -> std::optional<UpkeepClock> {
    const ReadTransaction one_state(impl_->db);
    const auto time = total(impl_->db, "upkeep_time");
    if (!time) return std::nullopt;
    UpkeepClock clock{.time = time_of(*time), .boot = {}, .awake = {}};
    if (const auto boot = total(impl_->db, "upkeep_boot")) clock.boot = std::bit_cast<std::uint64_t>(*boot);
    if (const auto awake = total(impl_->db, "upkeep_awake")) clock.awake = Duration{*awake};
    clock.waits = Duration{total(impl_->db, "upkeep_waits").value_or(0)};
    return clock;
  });
}

Result<void> Store::set_upkeep_clock(const UpkeepClock& clock) {
  return attempt(impl_->path, [&] {
    Transaction transaction(impl_->db);
    impl_->db.run("DELETE FROM total WHERE name IN ('upkeep_boot', 'upkeep_awake')");
    set_total(impl_->db, "upkeep_time", seconds(clock.time));
    if (clock.boot) set_total(impl_->db, "upkeep_boot", std::bit_cast<std::int64_t>(*clock.boot));
    if (clock.awake) set_total(impl_->db, "upkeep_awake", clock.awake->count());
    set_total(impl_->db, "upkeep_waits", clock.waits.count());
    transaction.commit();
  });
}

Result<std::optional<UnixTime>> Store::newest_time() {
  return attempt(impl_->path, [&]() -> std::optional<UnixTime> {
    const ReadTransaction one_state(impl_->db);
    std::optional<UnixTime> newest;
    const auto look = [&](const std::string& table, const std::string& order, const std::string& at) {
      const auto found = Statement(impl_->db, "SELECT max(" + at + ") FROM (SELECT " + at + " FROM " + table +
                                                  " ORDER BY " + order + " DESC LIMIT 1000)")
                             .first([](const Statement& row) { return optional_time(row, 0); });
      if (found && *found && (!newest || **found > *newest)) newest = *found;
    };
    look("evidence", "number", "recorded_at");
    look("audit", "id", "at");
    look("listing_change", "serial", "at");
    look("quarantine", "id", "at");
    look("feed_position", "feed", "last_delivery");
    if (impl_->has_former_incidents()) look("former_incident", "id", "received_at");
    return newest;
  });
}

Result<Kept> Store::kept(UnixTime now) {
  return attempt(impl_->path, [&] {
    const ReadTransaction one_state(impl_->db);
    return impl_->kept(now);
  });
}

Result<Upkeep> Store::keep_up(UnixTime now, const Policy& policy, const Retention& retention, Reckon reckon) {
  return attempt(impl_->path, [&] { return Keeper(*impl_, now, policy, retention, reckon).run(); });
}

std::optional<UnixTime> Store::Impl::kept_changes_since() {
  const auto from = total(db, "journal_from");
  if (!from) return std::nullopt;
  return Statement(db, "SELECT at FROM listing_change WHERE serial >= ? ORDER BY serial LIMIT 1")
      .bind(*from)
      .first([](const Statement& row) { return time_of(row.integer(0)); });
}

Kept Store::Impl::kept(UnixTime now) {
  const auto page = static_cast<std::uint64_t>(db.integer("PRAGMA page_size"));
  const auto since = [&](std::string_view name) {
    const auto at = total(db, name);
    return at ? std::optional(time_of(*at)) : std::nullopt;
  };
  Kept kept{.octets = static_cast<std::uint64_t>(db.integer("PRAGMA page_count")) * page,
            .free_octets = static_cast<std::uint64_t>(db.integer("PRAGMA freelist_count")) * page,
            .octets_per_day = std::nullopt,
            .incidents_since = since("incidents_since"),
            .evidence_since = since("evidence_since"),
            .changes_since = kept_changes_since()};
  const auto sample =
      Statement(db, "SELECT day, octets FROM size_of_day WHERE day >= ? AND day < ? ORDER BY day LIMIT 1")
          .bind(day_of(now) - 30, day_of(now))
          .first([](const Statement& row) { return std::pair(row.integer(0), row.integer(1)); });
  if (sample) {
    const auto used = static_cast<double>(kept.octets - kept.free_octets);
    kept.octets_per_day =
        (used - static_cast<double>(sample->second)) / static_cast<double>(day_of(now) - sample->first);
  }
  if (has_former_incidents()) {
    kept.to_convert =
        static_cast<std::uint64_t>(db.integer("SELECT coalesce(max(id) - min(id) + 1, 0) FROM former_incident"));
  }
  return kept;
}

}  // namespace blowback::schema
