// How the journal is recognised: serials don't suffice, since a restored backup, or another file at the same path, may have a different
// journal with higher serials. So each read starts with the last known entry; unless that is unchanged, the whole list is read again. The
// same check finds a gap.
#include "journal_reader.h"

#include <sys/stat.h>
#include <utility>
#include <vector>

namespace blowback::zone {
namespace {

using schema::Result;
using schema::StoreError;

/// Changes applied in one step. If there are more, the whole list is read: so many changes affect most blocks of a list of ten million,
/// and one step takes as long as reading the list.
constexpr std::size_t kChangesAtOnce = 100'000;

/// Listings between two calls of `turned` while the whole list is read: some tens of milliseconds.
constexpr std::size_t kBetweenTurns = 65'536;

/// An open connection may go on with cached pages although the file was damaged. A new connection notices that.
constexpr std::chrono::seconds kConnectionLife{5};

[[nodiscard]] bool same_entry(const ListingChange& a, const ListingChange& b) {
  return a.serial == b.serial && a.at == b.at && a.action == b.action && a.prefix == b.prefix && a.source == b.source &&
         a.codes == b.codes && a.expires_at == b.expires_at;
}

/// Whether the changes follow `serial` without a gap.
[[nodiscard]] bool continues(Serial serial, std::span<const ListingChange> changes) {
  return std::ranges::all_of(changes, [&](const ListingChange& change) { return change.serial == ++serial; });
}

}  // namespace

std::optional<JournalReader::FileId> JournalReader::file_id() const {
  struct stat file{};
  if (stat(database_.c_str(), &file) != 0) return std::nullopt;
  return FileId{.device = file.st_dev, .inode = file.st_ino};
}

Result<void> JournalReader::reopen(std::chrono::steady_clock::time_point steady) {
  store_.reset();
  mark_.reset();
  const auto file = file_id();
  auto store = schema::Store::open(database_, schema::Store::Mode::follow);
  if (!store) return std::unexpected(std::move(store).error());
  // If it is replaced in between, the next call notices.
  if (file) opened_ = *file;
  opened_at_ = steady;
  store_ = std::move(*store);
  return {};
}

Result<JournalReader::Progress> JournalReader::advance(UnixTime now, std::chrono::steady_clock::time_point steady) {
  auto progress = advance_once(now, steady);
  // A writer opened the database while it was read without locks. By now it has created the files that a reader needs.
  if (!progress && std::exchange(overtaken_, false)) progress = advance_once(now, steady);
  return progress;
}

Result<void> JournalReader::still_one_state() {
  overtaken_ = store_->is_overtaken();
  if (!overtaken_) return {};
  return std::unexpected(
      StoreError{StoreError::Code::busy, database_ + ": was written while it was read; it is read again at once"});
}

Result<JournalReader::Progress> JournalReader::advance_once(UnixTime now,
                                                            std::chrono::steady_clock::time_point steady) {
  const auto file = file_id();
  if (!file) {
    store_.reset();
    return std::unexpected(StoreError{StoreError::Code::missing,
                                      database_ + ": there is no database (any more); "
                                                  "check `database` in the config, or restore the last backup"});
  }
  if (!store_ || *file != opened_ || store_->is_overtaken() || steady - opened_at_ >= kConnectionLife) {
    if (auto opened = reopen(steady); !opened) return std::unexpected(std::move(opened).error());
  }
  // The mark first: a commit in between is read now, or noticed by its mark later, and never missed.
  const auto mark = store_->change_mark();
  const bool was_set_back = now < complete_from_;
  const bool continues = view().index && followed_ == opened_ && !was_set_back;
  Result<Progress> progress = Progress{};
  if (!mark) {
    progress = std::unexpected(mark.error());
  } else if (continues && mark_ == *mark) {
    progress->changed = timed_.let_time_pass(now, progress->touched);
  } else {
    progress = read(now, continues, was_set_back);
  }
  if (!progress) {
    store_.reset();
    return progress;
  }
  progress->another = followed_ && *followed_ != opened_;
  followed_ = opened_;
  if (!progress->more) mark_ = *mark;
  return progress;
}

Result<JournalReader::Progress> JournalReader::read(UnixTime now, bool continues, bool was_set_back) {
  const View before = view();
  // If the clock was set back far, the view's time was wrong, too.
  const auto as_of = was_set_back ? now : std::max(before.as_of, now);
  auto list = continues ? read_changes(now, as_of) : read_whole(now);
  if (!list) return std::unexpected(std::move(list).error());
  std::uint64_t ended = 0;
  if (!list->whole) {
    const auto by_time = list->index->ended(before.as_of, as_of).prefixes;
    list->touched.insert(list->touched.end(), by_time.begin(), by_time.end());
    ended = before.serial - before.index->serial() + by_time.size();
    if (list->index == before.index && by_time.empty()) return Progress{.more = list->more};
  }
  // What ended entries a sweep has recorded, and what took their place, only the database knows. The numbers must belong to one state of it; usually
  // nothing was committed since the changes were read.
  for (bool is_known = !list->concerns_ended; !is_known;) {
    const auto state = store_->zone_state(as_of);
    if (!state) return std::unexpected(state.error());
    if (auto one_state = still_one_state(); !one_state) return std::unexpected(std::move(one_state).error());
    ended = state->ended;
    is_known = state->journal == list->index->serial();
    if (is_known) break;
    if (auto more = read_more(*list); !more) return std::unexpected(std::move(more).error());
  }
  Progress progress{.changed = true,
                    .whole = list->whole,
                    .discontinued = before.index && list->whole && !list->is_same_journal && !was_set_back,
                    .more = list->more,
                    .changes = list->changes,
                    .touched = std::move(list->touched)};
  timed_ = TimedView({.index = list->index, .serial = list->index->serial() + ended, .as_of = as_of});
  last_ = list->last;
  if (list->whole) complete_from_ = now - kKeepEnded;
  return progress;
}

Result<void> JournalReader::read_more(List& list) {
  const auto changes = store_->changes_since(list.index->serial(), kChangesAtOnce);
  if (!changes) return std::unexpected(changes.error());
  if (changes->empty() || !continues(list.index->serial(), *changes)) {
    return std::unexpected(
        StoreError{StoreError::Code::busy, database_ + ": was replaced while it was read; it is read again at once"});
  }
  list.take(*changes);
  if (turned_) turned_();
  return {};
}

void JournalReader::List::take(std::span<const ListingChange> fresh) {
  index = std::make_shared<const ListingIndex>(index->with(fresh));
  last = fresh.back();
  changes += fresh.size();
  for (const auto& change : fresh) touched.push_back(change.prefix);
}

Result<JournalReader::List> JournalReader::read_whole(UnixTime now) {
  const UnixTime ended_by = left_out_by(now);
  ListingIndex::Builder builder(ended_by);
  std::size_t read = 0;
  const auto serial = store_->snapshot_in_slices(
      ended_by,
      [&](const Listing& listing) {
        builder.add(listing);
        if (++read % kBetweenTurns == 0 && turned_) turned_();
      },
      [&](const Exemption& exemption) { builder.add(exemption); });
  if (!serial) return std::unexpected(serial.error());
  List list{.whole = true, .concerns_ended = true};
  if (last_ && *serial >= last_->serial) {
    const auto same = store_->changes_since(last_->serial - 1, 1);
    if (!same) return std::unexpected(same.error());
    list.is_same_journal = !same->empty() && same_entry(same->front(), *last_);
  }
  if (*serial > 0) {
    const auto entry = store_->changes_since(*serial - 1, 1);
    if (!entry) return std::unexpected(entry.error());
    if (!entry->empty()) list.last = entry->front();
  }
  if (auto one_state = still_one_state(); !one_state) return std::unexpected(std::move(one_state).error());
  list.index = std::make_shared<const ListingIndex>(builder.finish(*serial));
  list.changes = list.index->size();
  // Parts that were read later may be newer. Only with the changes since then is it a list that existed.
  while (true) {
    const auto head = store_->serial();
    if (!head) return std::unexpected(head.error());
    if (*head <= list.index->serial()) return list;
    if (auto more = read_more(list); !more) return std::unexpected(std::move(more).error());
  }
}

Result<JournalReader::List> JournalReader::read_changes(UnixTime now, UnixTime as_of) {
  const auto& index = view().index;
  const Serial ours = index->serial();
  const auto head = store_->serial();
  if (!head) return std::unexpected(head.error());
  const bool is_far_behind = *head > ours && *head - ours > kChangesAtOnce;
  const auto changes = store_->changes_since(last_ ? ours - 1 : ours, is_far_behind ? 1 : kChangesAtOnce);
  if (!changes) return std::unexpected(changes.error());
  if (auto one_state = still_one_state(); !one_state) return std::unexpected(std::move(one_state).error());
  std::span<const ListingChange> fresh(*changes);
  if (last_) {
    if (fresh.empty() || !same_entry(fresh.front(), *last_)) return read_whole(now);
    fresh = fresh.subspan(1);
  }
  if (is_far_behind || !continues(ours, fresh)) return read_whole(now);
  List list{.index = index, .last = last_};
  if (fresh.empty()) return list;
  list.take(fresh);
  list.more = *head > fresh.back().serial;
  list.concerns_ended = std::ranges::any_of(fresh, [&](const ListingChange& change) {
    return change.action == ListingChange::Action::exemption_ended ||
           (change.expires_at && *change.expires_at <= as_of);
  });
  return list;
}

bool JournalReader::drop_ended(UnixTime now) {
  auto kept = view();
  if (!kept.index) return false;
  const auto ended_by = std::min(now, kept.as_of) - kKeepEnded;
  const auto size = kept.index->size();
  kept.index = std::make_shared<const ListingIndex>(kept.index->without_ended(ended_by));
  if (kept.index->size() == size) return false;
  timed_ = TimedView(std::move(kept));
  complete_from_ = std::max(complete_from_, ended_by);
  remembered_from_ = UnixTime::max();
  return true;
}

}  // namespace blowback::zone
