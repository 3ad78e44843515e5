// The database as a file: what kind of file is at its path, who owns it, and whether it still is the one that was opened. Private to
// the room.
#pragma once

#include "schema/store.h"

#include <cstdint>
#include <optional>
#include <string>

namespace blowback::schema {

/// Identifies a file whatever its path: a file that was replaced has the same path and another id.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

/// The folder of `path`; "." if `path` names none.
[[nodiscard]] std::string folder_of(const std::string& path);
/// Writes the folder of `path` to the disk, after a file in it was created or renamed. Returns 0 or errno.
[[nodiscard]] int flush_folder_of(const std::string& path);

/// Absent: there is no file, or it isn't accessible.
[[nodiscard]] std::optional<FileId> file_id(const std::string& path);

/// Whether there is a file that may be a database; false: there is no file. Fails if it can't be one: a directory, a device, a FIFO (for which
/// SQLite would wait), a dangling link, or an empty file, as some accidents leave it. Our databases are never empty: see `Making`.
[[nodiscard]] Result<bool> stands_at(const std::string& path);

/// Whether the file's header is that of our databases. Reads it without SQLite, which would apply the -wal file.
[[nodiscard]] bool begins_as_ours(const std::string& path);

/// The path with all links resolved; SQLite puts the -wal and -shm files beside that.
[[nodiscard]] std::string resolved(const std::string& path);

/// Creates an empty file, which must not exist yet, for SQLite to fill. Only its owner and group can read it, since it holds data from
/// people's mail. It gets the owner of its folder, so that a daemon can write what root created. SQLite creates the -wal and -shm files with
/// the same owner and mode.
[[nodiscard]] Result<void> make_private_file(const std::string& path);

/// Lets the group write what it may read: the page's user is of the group, and files requests for removal. Of a database only, not of copies.
/// Without effect on a file of another user.
void let_group_write(const std::string& path);

/// A new database that gets its name when it is complete.
class Making {
 public:
  /// `path`: its final path.
  explicit Making(const std::string& path);
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;
  /// Removes the file, unless it was put in place.
  ~Making();

  [[nodiscard]] Result<void> begin();
  /// Its path until then.
  [[nodiscard]] const std::string& part() const { return part_; }
  /// False: another process has created a database there meanwhile.
  [[nodiscard]] Result<bool> put_in_place();

 private:
  std::string path_;
  std::string part_;
};

}  // namespace blowback::schema
