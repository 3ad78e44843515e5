// A reader's position in the journal: brings an index up to date by the changes, or by the whole list if they don't continue from the
// index.
#pragma once

#include "blowback/listing.h"
#include "schema/store.h"
#include "zone/listing_index.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace blowback::zone {

class JournalReader {
 public:
  /// `turned` is called now and then while the whole list is read, which may take long.
  explicit JournalReader(std::string database, std::function<void()> turned = {})
      : database_(std::move(database)), turned_(std::move(turned)) {}

  struct Progress {
    std::shared_ptr<const ListingIndex> index;  ///< nullptr: unchanged
    bool whole = false;                         ///< read completely, instead of updated
    bool another = false;                       ///< from another file than before
    bool more = false;                          ///< there is more: call again at once
    std::size_t changes = 0;                    ///< journal entries that were read
  };

  /// Reads what is new since the last call; the whole list at the first. After a failure the next call opens the database again and
  /// continues from the last index, if the database's journal still agrees with it. If `now` is before the end of an entry that was
  /// dropped, the clock was ahead then, and the whole list is read again.
  [[nodiscard]] schema::Result<Progress> advance(UnixTime now, std::chrono::steady_clock::time_point steady);

  /// Continues from an index without the entries that had ended by `ended_by`.
  void replace(std::shared_ptr<const ListingIndex> index, UnixTime ended_by) {
    index_ = std::move(index);
    complete_from_ = std::max(complete_from_, ended_by);
  }
  /// Entries that ended longer ago are dropped. Younger ones are kept, in case the clock is set back by some minutes.
  static constexpr Duration kKeepEnded = std::chrono::hours{1};
  /// The index after the last `advance`; nullptr before the first success.
  [[nodiscard]] const std::shared_ptr<const ListingIndex>& index() const { return index_; }

 private:
  /// Identifies a file: a database that was replaced has the same path and another id.
  struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
  };

  [[nodiscard]] schema::Result<Progress> advance_once(UnixTime now, std::chrono::steady_clock::time_point steady);
  /// Fails if what was read may be inconsistent.
  [[nodiscard]] schema::Result<void> still_one_state();
  [[nodiscard]] schema::Result<void> reopen(std::chrono::steady_clock::time_point steady);
  [[nodiscard]] schema::Result<Progress> read_whole(UnixTime now);
  [[nodiscard]] schema::Result<Progress> read_changes(UnixTime now);
  [[nodiscard]] std::optional<FileId> file_id() const;

  std::string database_;
  std::function<void()> turned_;
  std::optional<schema::Store> store_;
  bool overtaken_ = false;  ///< the last failure had that reason
  std::chrono::steady_clock::time_point opened_at_;
  FileId opened_;                      ///< the file that store_ has open
  std::optional<FileId> followed_;     ///< the file that index_ was read from
  std::optional<std::uint64_t> mark_;  ///< the change mark of store_ at the last update of index_
  std::shared_ptr<const ListingIndex> index_;
  UnixTime complete_from_ = UnixTime::min();  ///< index_ has all entries that end later
  std::optional<ListingChange> last_;         ///< the journal's entry with index_'s serial, to recognise the journal
};

}  // namespace blowback::zone
