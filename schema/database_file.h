// The file behind a database's name, before SQLite opens it and while it has it: what stands there, whose it is, and
// whether it still is the same one. Private to the room.
#pragma once

#include "schema/store.h"

#include <cstdint>
#include <optional>
#include <string>

namespace blowback::schema {

/// Which file a name leads to; a file that was replaced has the same name, and another of these.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

/// Absent: there is none, or it can't be looked at.
[[nodiscard]] std::optional<FileId> file_id(const std::string& path);

/// Whether a database may stand at `path`: false where nothing does. Fails where what stands there is no file with content:
/// a directory, a device, a FIFO (which SQLite would wait for), a link to nothing, or an empty file, which is what is left of
/// a database on some mishaps. Ours are never empty: see `Making`.
[[nodiscard]] Result<bool> stands_at(const std::string& path);

/// Whether the file begins as a database of ours does; looked at without SQLite, which would have its -wal played back.
[[nodiscard]] bool begins_as_ours(const std::string& path);

/// The file's name with all links resolved, beside which SQLite puts the -wal and -shm.
[[nodiscard]] std::string resolved(const std::string& path);

/// Makes an empty file that must not exist yet, for SQLite to fill: nobody but its owner and group may read it, since what is
/// in it is people's mail, and it belongs to whom the folder belongs to: root makes files that a daemon must write. SQLite gives
/// the -wal and -shm the same owner and mode.
[[nodiscard]] Result<void> make_private_file(const std::string& path);

/// A database being made under another name, which nobody sees half made.
class Making {
 public:
  /// `path`: what it is to be called.
  explicit Making(const std::string& path);
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;
  /// Removes what wasn't put in place.
  ~Making();

  [[nodiscard]] Result<void> begin();
  /// The name to fill it by.
  [[nodiscard]] const std::string& part() const { return part_; }
  /// False: another process was quicker, and its database stands there.
  [[nodiscard]] Result<bool> put_in_place();

 private:
  std::string path_;
  std::string part_;
};

}  // namespace blowback::schema
