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
  const bool lacks_some = now < complete_from_;
  if (mark && mark_ == *mark && followed_ == opened_ && !lacks_some) return Progress{};
  schema::Result<Progress> progress = std::unexpected(schema::StoreError{});
  if (!mark) {
    progress = std::unexpected(mark.error());
  } else {
    progress = index_ && followed_ == opened_ && !lacks_some ? read_changes(now) : read_whole(now);
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

Result<JournalReader::Progress> JournalReader::read_whole(UnixTime now) {
  const UnixTime ended_by = now - kKeepEnded;
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
  std::optional<ListingChange> last;
  if (*serial > 0) {
    const auto entry = store_->changes_since(*serial - 1, 1);
    if (!entry) return std::unexpected(entry.error());
    if (!entry->empty()) last = entry->front();
  }
  if (auto one_state = still_one_state(); !one_state) return std::unexpected(std::move(one_state).error());
  index_ = std::make_shared<const ListingIndex>(builder.finish(*serial));
  last_ = last;
  complete_from_ = ended_by;
  auto progress = Progress{.index = index_, .whole = true, .more = false, .changes = index_->size()};
  // Parts that were read later may be newer. Only with the changes since then is it a list that existed.
  while (true) {
    const auto head = store_->serial();
    if (!head) return std::unexpected(head.error());
    if (*head <= index_->serial()) return progress;
    const auto changes = store_->changes_since(index_->serial(), kChangesAtOnce);
    if (!changes) return std::unexpected(changes.error());
    if (changes->empty() || !continues(index_->serial(), *changes)) return progress;
    index_ = std::make_shared<const ListingIndex>(index_->with(*changes));
    last_ = changes->back();
    progress.index = index_;
    if (turned_) turned_();
  }
}

Result<JournalReader::Progress> JournalReader::read_changes(UnixTime now) {
  const Serial ours = index_->serial();
  const auto head = store_->serial();
  if (!head) return std::unexpected(head.error());
  if (*head > ours && *head - ours > kChangesAtOnce) return read_whole(now);
  const auto changes = store_->changes_since(last_ ? ours - 1 : ours, kChangesAtOnce);
  if (!changes) return std::unexpected(changes.error());
  if (auto one_state = still_one_state(); !one_state) return std::unexpected(std::move(one_state).error());
  std::span<const ListingChange> fresh(*changes);
  if (last_) {
    if (fresh.empty() || !same_entry(fresh.front(), *last_)) return read_whole(now);
    fresh = fresh.subspan(1);
  }
  if (!continues(ours, fresh)) return read_whole(now);
  if (fresh.empty()) return Progress{};
  index_ = std::make_shared<const ListingIndex>(index_->with(fresh));
  last_ = fresh.back();
  return Progress{.index = index_, .whole = false, .more = *head > changes->back().serial, .changes = fresh.size()};
}

}  // namespace blowback::zone
