// One reader's place in the journal: brings an index up to what the database says, by its changes or, where they don't
// continue from the index, by the whole list.
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
  /// `turned` is called now and then while a whole list is read, which may take long: reading goes on.
  explicit JournalReader(std::string database, std::function<void()> turned = {})
      : database_(std::move(database)), turned_(std::move(turned)) {}

  struct Progress {
    std::shared_ptr<const ListingIndex> index;  ///< nullptr: nothing new
    bool whole = false;                         ///< read as a whole list, not patched
    bool another = false;                       ///< of another file than before
    bool more = false;                          ///< ask again at once
    std::size_t changes = 0;                    ///< entries that were read
  };

  /// What is new since the last call; the whole list at the first. After a failure the next call opens the database anew
  /// and goes on from the last index, if that still is what the database's journal says. Where `now` lies before the end of
  /// something that isn't held any more, the clock was ahead when that was left out, and the whole list is read anew.
  [[nodiscard]] schema::Result<Progress> advance(UnixTime now, std::chrono::steady_clock::time_point steady);

  /// Goes on from an index that is rid of what had ended by `ended_by`.
  void replace(std::shared_ptr<const ListingIndex> index, UnixTime ended_by) {
    index_ = std::move(index);
    complete_from_ = std::max(complete_from_, ended_by);
  }
  /// What ended longer ago than this isn't held; what ended since is, in case the clock is set back by some minutes.
  static constexpr Duration kKeepEnded = std::chrono::hours{1};
  /// As of the last `advance`; nullptr before the first that succeeded.
  [[nodiscard]] const std::shared_ptr<const ListingIndex>& index() const { return index_; }

 private:
  /// The file behind a name: a database that was replaced has the same path, and another of these.
  struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
  };

  [[nodiscard]] schema::Result<Progress> advance_once(UnixTime now, std::chrono::steady_clock::time_point steady);
  /// Fails where what was read just now may be of two states.
  [[nodiscard]] schema::Result<void> still_one_state();
  [[nodiscard]] schema::Result<void> reopen(std::chrono::steady_clock::time_point steady);
  [[nodiscard]] schema::Result<Progress> read_whole(UnixTime now);
  [[nodiscard]] schema::Result<Progress> read_changes(UnixTime now);
  [[nodiscard]] std::optional<FileId> file_id() const;

  std::string database_;
  std::function<void()> turned_;
  std::optional<schema::Store> store_;
  bool overtaken_ = false;  ///< what failed last failed for that
  std::chrono::steady_clock::time_point opened_at_;
  FileId opened_;                      ///< the file behind store_
  std::optional<FileId> followed_;     ///< the file that index_ was read from
  std::optional<std::uint64_t> mark_;  ///< of store_, when index_ was brought up to it
  std::shared_ptr<const ListingIndex> index_;
  UnixTime complete_from_ = UnixTime::min();  ///< index_ holds everything that ends later
  std::optional<ListingChange> last_;  ///< the journal's entry with index_'s serial, by which we know our journal again
};

}  // namespace blowback::zone
