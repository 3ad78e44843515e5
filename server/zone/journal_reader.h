// A reader's position in the journal and in time: brings a view up to date by the changes, or by the whole list if they don't continue from the
// index, and by what ends meanwhile.
#pragma once

#include "blowback/listing.h"
#include "schema/store.h"
#include "timed_view.h"
#include "zone/listing_index.h"
#include "zone/view.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace blowback::zone {

class JournalReader {
 public:
  /// `turned` is called now and then while the whole list is read, which may take long.
  explicit JournalReader(std::string database, std::function<void()> turned = {})
      : database_(std::move(database)), turned_(std::move(turned)) {}

  struct Progress {
    bool changed = false;         ///< the view
    bool whole = false;           ///< the list was read completely, instead of updated
    bool another = false;         ///< from another file than before
    bool discontinued = false;    ///< the journal isn't the one of the view before: something else was put in its place
    bool more = false;            ///< there is more: call again at once
    std::size_t changes = 0;      ///< journal entries that were read
    std::vector<Prefix> touched;  ///< unless `whole`: other networks are said the same of as in the view before
  };

  /// Reads what is new since the last call; the whole list at the first. After a failure the next call opens the database again and
  /// continues from the last index, if the database's journal still agrees with it. If `now` is before the end of an entry that was
  /// dropped, the clock was ahead then, and the whole list is read again. If it is only before the view's time, that stays: what has ended isn't
  /// listed again for less than kKeepEnded.
  [[nodiscard]] schema::Result<Progress> advance(UnixTime now, std::chrono::steady_clock::time_point steady);

  /// While the database can't be read: ends what has ended by `now`, and appends to `touched`. True: this changed the view.
  bool let_time_pass(UnixTime now, std::vector<Prefix>& touched) { return timed_.let_time_pass(now, touched); }
  /// Drops the entries that ended more than kKeepEnded before `now`. Answers stay the same. True: there were any.
  bool drop_ended(UnixTime now);
  /// Entries that ended longer ago are dropped. Younger ones are kept, in case the clock is set back by some minutes.
  static constexpr Duration kKeepEnded = std::chrono::hours{1};
  /// After the last `advance`, with an index from the first success on.
  [[nodiscard]] const View& view() const { return timed_.view(); }
  /// The journal's entry with the index's serial; absent: the journal is empty, or has lost it.
  [[nodiscard]] const std::optional<ListingChange>& last() const { return last_; }

  /// When the whole list is read for the first time, what has ended since then is read, too.
  void remember_from(UnixTime time) { remembered_from_ = time; }
  /// The index has all entries that end later.
  [[nodiscard]] UnixTime complete_from() const { return std::min(complete_from_, remembered_from_); }

 private:
  /// Identifies a file: a database that was replaced has the same path and another id.
  struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
  };

  /// What was read, before it is known how much of it has ended.
  struct List {
    std::shared_ptr<const ListingIndex> index;
    std::optional<ListingChange> last;
    bool whole = false;
    bool is_same_journal = false;  ///< although `whole`: it has the last entry that was known
    bool concerns_ended = false;   ///< entries that had ended were recorded as ended, or removed, or added
    bool more = false;
    std::size_t changes = 0;
    std::vector<Prefix> touched;
    void take(std::span<const ListingChange> fresh);
  };

  [[nodiscard]] schema::Result<Progress> advance_once(UnixTime now, std::chrono::steady_clock::time_point steady);
  /// Fails if what was read may be inconsistent.
  [[nodiscard]] schema::Result<void> still_one_state();
  [[nodiscard]] schema::Result<void> reopen(std::chrono::steady_clock::time_point steady);
  [[nodiscard]] schema::Result<Progress> read(UnixTime now, bool continues, bool was_set_back);
  [[nodiscard]] schema::Result<List> read_whole(UnixTime now);
  /// What had ended by then is left out when the whole list is read now.
  [[nodiscard]] UnixTime left_out_by(UnixTime now) const { return std::min(now - kKeepEnded, remembered_from_); }
  [[nodiscard]] schema::Result<List> read_changes(UnixTime now, UnixTime as_of);
  /// Changes that were committed since `list` was read. Fails if there are none.
  [[nodiscard]] schema::Result<void> read_more(List& list);
  [[nodiscard]] std::optional<FileId> file_id() const;

  std::string database_;
  std::function<void()> turned_;
  std::optional<schema::Store> store_;
  bool overtaken_ = false;  ///< the last failure had that reason
  std::chrono::steady_clock::time_point opened_at_;
  FileId opened_;                      ///< the file that store_ has open
  std::optional<FileId> followed_;     ///< the file that the view was read from
  std::optional<std::uint64_t> mark_;  ///< the change mark of store_ at the last update of the view
  TimedView timed_;
  UnixTime complete_from_ = UnixTime::min();    ///< the index has all entries that end later
  UnixTime remembered_from_ = UnixTime::max();  ///< likewise, if that is earlier; not if the clock was set back to it
  std::optional<ListingChange> last_;  ///< the journal's entry with the index's serial, to recognise the journal
};

}  // namespace blowback::zone
