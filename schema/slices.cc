#include "slices.h"

#include "store_impl.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

namespace blowback::schema {
namespace {

/// After this time the same decision is a new one, since it concerns what was received until it was made.
constexpr Duration kGoesOnWithin = std::chrono::hours{1};

constexpr const char* kWorkColumns =
    "u.audit_id, u.stage, u.first, u.length, u.last, u.listed, u.ended, u.moved, u.reckoned";

[[nodiscard]] Work work_of(const Statement& row) {
  const auto count = [&](int column) { return static_cast<std::uint64_t>(row.integer(column)); };
  return {.audit = row.integer(0),
          .is_stored = true,
          .stage = static_cast<std::size_t>(row.integer(1)),
          .done = {.first = address_of(row, 2).octets(), .length = row.integer(3), .last = row.integer(4)},
          .listed = count(5),
          .ended = count(6),
          .moved = count(7),
          .reckoned = count(8)};
}

void keep(const Connection& db, const Work& work) {
  Statement(db,
            "INSERT OR REPLACE INTO unfinished (audit_id, stage, first, length, last, listed, ended, moved, reckoned) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(work.audit, work.stage, work.done.first, work.done.length, work.done.last, work.listed, work.ended,
            work.moved, work.reckoned)
      .run();
}

[[nodiscard]] std::uint64_t steps_left(const Work& work, const Plan& plan) {
  std::uint64_t left = 0;
  for (std::size_t i = work.stage; i < plan.stages.size(); ++i) {
    if (!plan.stages[i].left) return 0;
    left += plan.stages[i].left(i == work.stage ? work.done : Key{});
  }
  return left;
}

/// Runs the stages until the slice is over. Returns the number of steps.
std::uint64_t go_on(Work& work, const Plan& plan, Slice slice) {
  std::uint64_t steps = 0;
  bool is_over = false;
  while (!is_over && work.stage < plan.stages.size()) {
    const Stage& stage = plan.stages[work.stage];
    const auto keys = stage.next(work.done);
    if (keys.empty()) {
      ++work.stage;
      work.done = {};
      continue;
    }
    for (const auto& key : keys) {
      stage.process(key);
      work.done = key;
      ++steps;
      is_over = slice.is_over();
      if (is_over) break;
    }
  }
  return steps;
}

/// The keys of a table's rows within a prefix, and of others in between; `process` has to check.
[[nodiscard]] Stage through(const Connection& db, const Prefix& prefix, const std::string& rows, const char* order,
                            std::function<void(const Key&)> process) {
  const auto range = keys_of(prefix);
  const auto from = [range](const Key& after) { return after.first < range.first ? Key{.first = range.first} : after; };
  const auto next = std::make_shared<Statement>(db, "SELECT first, length, last FROM (" + rows + ") LIMIT ?");
  const auto left = std::make_shared<Statement>(db, "SELECT count(*) FROM (" + rows.substr(0, rows.find(order)) + ")");
  return {.next =
              [=](const Key& after) {
                std::vector<Key> keys;
                const Key begin = from(after);
                next->bind(begin.first, begin.length, begin.last, range.last, kKeysAtOnce);
                while (next->step()) {
                  keys.push_back(
                      {.first = address_of(*next, 0).octets(), .length = next->integer(1), .last = next->integer(2)});
                }
                return keys;
              },
          .process = std::move(process),
          .left =
              [=](const Key& after) {
                const Key begin = from(after);
                return left->bind(begin.first, begin.length, begin.last, range.last)
                    .first([](const Statement& row) { return static_cast<std::uint64_t>(row.integer(0)); })
                    .value_or(0);
              }};
}

}  // namespace

Stage Store::Impl::through_listings(const Prefix& prefix, std::function<void(const Key&)> process) {
  return through(
      db, prefix,
      "SELECT first, length, source AS last FROM listing WHERE (first, length, source) > (?, ?, ?) AND first "
      "<= ? ORDER BY first, length, source",
      " ORDER BY", std::move(process));
}

Stage Store::Impl::through_senders(const Prefix& prefix, std::function<void(const Key&)> process) {
  return through(db, prefix,
                 "SELECT sender AS first, 0 AS length, 0 AS last FROM standing WHERE sender >= ? AND (sender, 0, 0) > "
                 "(?1, ?, ?) AND sender <= ? ORDER BY sender",
                 " ORDER BY", std::move(process));
}

Stage Store::Impl::through_journal(const Prefix& prefix, std::function<void(const Key&)> process) {
  return through(db, prefix,
                 "SELECT first, length, serial AS last FROM listing_change INDEXED BY listing_change_of_prefix WHERE "
                 "(first, length, serial) > (?, ?, ?) AND first <= ? ORDER BY first, length, serial",
                 " ORDER BY", std::move(process));
}

namespace {

/// Adds to a failure how far the earlier slices came.
[[nodiscard]] SqlFailure with_progress(const SqlFailure& failure, const Work& work, std::uint64_t done,
                                       std::uint64_t of) {
  std::string text = failure.what();
  text += " (after " + std::to_string(done) + (of > 0 ? " of " + std::to_string(of) : std::string()) +
          " steps of entry " + std::to_string(work.audit) +
          ", which are in force: run the same command again to continue, or undo the entry)";
  return {failure.code(), text};
}

}  // namespace

bool Store::Impl::carry_out(Work& work, const Plan& plan) {
  std::uint64_t done = 0;  // in slices that are committed
  std::uint64_t of = 0;
  while (true) {
    try {
      const auto slice = carry_out_slice(work, plan);
      done += slice.steps;
      if (slice.is_last) return slice.has_begun;
    } catch (const SqlFailure& failure) {
      if (done == 0 || failure.code() == SQLITE_INTERRUPT) throw;
      throw with_progress(failure, work, done, of);
    }
    if (slicing.between) {
      if (of == 0) {
        const auto left = steps_left(work, plan);
        of = left == 0 ? 0 : done + left;
      }
      if (!slicing.between(done, of)) {
        throw SqlFailure(SQLITE_INTERRUPT, "stopped within entry " + std::to_string(work.audit) +
                                               "; run the same command again to continue, or undo the entry");
      }
    }
    std::this_thread::sleep_for(slicing.rest);
  }
}

Store::Impl::SliceDone Store::Impl::carry_out_slice(Work& work, const Plan& plan) {
  Transaction transaction(db);
  if (!work.is_stored) {
    if (!plan.begin()) return {.steps = 0, .is_last = true, .has_begun = false};
  } else if (const auto stored = unfinished(work.audit)) {
    work = *stored;
  } else {
    const auto now = entry(static_cast<std::uint64_t>(work.audit));
    if (now && now->undone_by) {
      throw SqlFailure(SQLITE_INTERRUPT, "entry " + std::to_string(work.audit) + " was undone meanwhile, by entry " +
                                             std::to_string(*now->undone_by) + "; the rest of it isn't done");
    }
    if (!plan.is_callers_own) return {.steps = 0, .is_last = true};  // another process has completed it
  }
  plan.refresh();
  const auto steps = go_on(work, plan, Slice(slicing));
  const bool is_through = work.stage >= plan.stages.size();
  if (is_through) {
    if (work.is_stored) give_up(work.audit);
  } else {
    keep(db, work);
  }
  set_changes(work.audit, work.changes() + plan.changes_at_begin);
  transaction.commit();
  work.is_stored = !is_through;
  return {.steps = steps, .is_last = is_through || plan.only_one_slice};
}

std::optional<Work> Store::Impl::unfinished(std::int64_t audit) {
  return Statement(db, std::string("SELECT ") + kWorkColumns + " FROM unfinished u WHERE u.audit_id = ?")
      .bind(audit)
      .first(work_of);
}

Work Store::Impl::unfinished_like(const Decision& decision, std::string_view action, std::string_view subject,
                                  std::optional<UnixTime> until, UnixTime now) {
  return Statement(db, std::string("SELECT ") + kWorkColumns +
                           " FROM unfinished u JOIN audit a ON a.id = u.audit_id WHERE action = ? AND subject = ? AND "
                           "who = ? AND reason = ? AND until - at IS ? - ? AND (at > ? OR (until IS NULL AND action IN "
                           "('list', 'import'))) AND (action NOT IN ('list', 'import') OR NOT EXISTS (SELECT 1 FROM "
                           "audit later WHERE later.id > a.id AND later.action IN ('delist', 'exempt', 'undo'))) "
                           "ORDER BY a.id DESC LIMIT 1")
      .bind(action, subject, decision.who, decision.reason, seconds(until), seconds(now), seconds(now - kGoesOnWithin))
      .first(work_of)
      .value_or(Work{});
}

void Store::Impl::give_up(std::int64_t audit) {
  Statement(db, "DELETE FROM unfinished WHERE audit_id = ?").bind(audit).run();
}

std::optional<AuditEntry> Store::Impl::entry(std::uint64_t id) {
  return Statement(db, std::string("SELECT ") + kAuditColumns + " FROM audit WHERE id = ?")
      .bind(id)
      .first([](const Statement& row) { return audit_of(row); });
}

Result<std::vector<AuditEntry>> Store::unfinished() {
  return attempt(impl_->path, [&]() -> std::vector<AuditEntry> {
    std::vector<AuditEntry> entries;
    Statement rows(impl_->db, std::string("SELECT ") + kAuditColumns +
                                  " FROM audit WHERE id IN (SELECT audit_id FROM unfinished) ORDER BY id");
    while (rows.step()) entries.push_back(audit_of(rows));
    return entries;
  });
}

void Store::work_in(Slicing slicing) { impl_->slicing = std::move(slicing); }

Result<CarriedOn> Store::carry_on(const Policy& policy, Reckon reckon, UnixTime now) {
  return attempt(impl_->path, [&]() -> CarriedOn {
    auto& seen = impl_->seen_unfinished;
    auto found = Statement(impl_->db, std::string("SELECT ") + kWorkColumns +
                                          " FROM unfinished u JOIN audit a ON a.id = u.audit_id WHERE action IN "
                                          "('delist', 'exempt', 'undo') ORDER BY a.id LIMIT 1")
                     .first(work_of);
    // A process that works on it completes some slices between two calls.
    const bool is_left_alone = found && seen && found->audit == seen->audit && found->stage == seen->stage &&
                               found->done.first == seen->done.first && found->done.length == seen->done.length &&
                               found->done.last == seen->done.last;
    seen = found;
    if (!is_left_alone) return {};
    const auto id = static_cast<std::uint64_t>(found->audit);
    const auto entry = impl_->entry(id);
    if (!entry) throw SqlFailure(SQLITE_CORRUPT, "an unfinished decision that isn't in the audit");
    Work& work = *found;
    const auto run = [&](Plan plan) {
      plan.only_one_slice = true;
      static_cast<void>(impl_->carry_out(work, plan));
    };
    if (entry->action == "delist") run(impl_->delisting(work, *entry, now));
    if (entry->action == "exempt") run(impl_->exempting(work, *entry, now));
    if (entry->action == "undo") impl_->go_on_undoing(work, *entry, policy, reckon, now);
    seen = work.is_stored ? std::optional(work) : std::nullopt;
    return {.slices = 1, .finished = work.is_stored ? std::nullopt : std::optional(id)};
  });
}

}  // namespace blowback::schema
