// Copies of a database: backups, the copy before a migration, and the restoration of a backup.
//
// SQLite's online backup copies the pages of one state to a file with another name, which gets its final name when it is complete and on
// the disk. So a kill or a full disk leaves the previous copy or none, never an incomplete one.
#include "backup.h"

#include "database_file.h"
#include "store_impl.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <sys/file.h>
#include <system_error>
#include <thread>
#include <vector>

namespace blowback::schema {
namespace {

namespace fs = std::filesystem;
using Code = StoreError::Code;

/// 1 MiB between two reports of progress.
constexpr int kPagesAtOnce = 256;

constexpr std::array kBeside{"-wal", "-shm", "-journal"};

[[noreturn]] void failed(const std::string& path, const StoreError& error) {
  const int code = error.code == Code::full ? SQLITE_FULL : SQLITE_CANTOPEN;
  throw SqlFailure(code, error.text.starts_with(path) ? error.text.substr(path.size() + 2) : error.text);
}

[[noreturn]] void not_flushed(const std::string& path, int error) {
  throw SqlFailure(SQLITE_IOERR_FSYNC, path + ": " + std::generic_category().message(error));
}

/// Returns once the file and its name are on the disk.
void put_in_place(const std::string& part, const std::string& path) {
  const int fd = ::open(part.c_str(), O_RDONLY | O_CLOEXEC);
  const int error = fd >= 0 && ::fsync(fd) == 0 ? 0 : errno;
  if (fd >= 0) ::close(fd);
  if (error != 0) not_flushed(part, error);
  fs::rename(part, path);
  if (const int folder_error = flush_folder_of(path); folder_error != 0) not_flushed(folder_of(path), folder_error);
}

void remove_with_what_is_beside(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
  for (const auto* const suffix : kBeside) fs::remove(path + suffix, ignored);
}

/// A copy that isn't complete yet; removed unless it is put in place. If two processes make the same copy, one of them fails.
class UnfinishedCopy {
 public:
  explicit UnfinishedCopy(std::string path) : path_(std::move(path)) {
    std::error_code ignored;
    if (!fs::exists(path_, ignored)) {
      if (const auto made = make_private_file(path_); !made) failed(path_, made.error());
    }
    // Locked until the copy is in place or removed. SQLite uses another kind of lock.
    lock_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (lock_ < 0) throw SqlFailure(SQLITE_CANTOPEN, path_ + ": " + std::generic_category().message(errno));
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock_);
      throw SqlFailure(SQLITE_INTERRUPT, "another process is writing " + path_ + "; wait until it is done");
    }
    // Left by an interrupted copy.
    for (const auto* const suffix : kBeside) fs::remove(path_ + suffix, ignored);
    static_cast<void>(::ftruncate(lock_, 0));  // if this fails, SQLite reports what is wrong
  }
  UnfinishedCopy(const UnfinishedCopy&) = delete;
  UnfinishedCopy& operator=(const UnfinishedCopy&) = delete;
  ~UnfinishedCopy() {
    if (is_ours_) remove_with_what_is_beside(path_);
    ::close(lock_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// From then on this object doesn't touch it.
  void put_in_place_as(const std::string& name) {
    put_in_place(path_, name);
    is_ours_ = false;
  }

 private:
  std::string path_;
  int lock_ = -1;
  bool is_ours_ = true;
};

/// Removes what interrupted backups left behind: files in the same folder whose names differ from that of `part` in digits alone, such as
/// dates. One that another process is writing is locked, and stays.
void remove_interrupted_copies(const std::string& part) {
  const auto without_digits = [](std::string name) {
    std::ranges::replace_if(name, [](char c) { return c >= '0' && c <= '9'; }, '0');
    return name;
  };
  const std::string wanted = without_digits(fs::path(part).filename().string());
  std::error_code error;
  std::vector<std::string> found;
  for (fs::directory_iterator files(folder_of(part), error), end; !error && files != end; files.increment(error)) {
    const bool is_file = files->symlink_status(error).type() == fs::file_type::regular;
    if (is_file && without_digits(files->path().filename().string()) == wanted) found.push_back(files->path().string());
  }
  for (const auto& path : found) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) remove_with_what_is_beside(path);
    ::close(fd);
  }
}

/// Copies all pages of one state. The read transaction holds that state, so the copy never begins anew, however much others write.
void copy_pages(Connection& from, const std::string& to, const Slicing& slicing) {
  Connection copy(to, SQLITE_OPEN_READWRITE);
  {
    const ReadTransaction one_state(from);
    static_cast<void>(from.integer("SELECT count(*) FROM sqlite_schema"));  // the first read begins it
    const std::unique_ptr<sqlite3_backup, int (*)(sqlite3_backup*)> backup(
        sqlite3_backup_init(copy.handle(), "main", from.handle(), "main"), &sqlite3_backup_finish);
    if (backup == nullptr) throw SqlFailure(sqlite3_extended_errcode(copy.handle()), sqlite3_errmsg(copy.handle()));
    int code = SQLITE_OK;
    while ((code = sqlite3_backup_step(backup.get(), kPagesAtOnce)) == SQLITE_OK) {
      const auto all = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup.get()));
      const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(backup.get()));
      if (slicing.between && !slicing.between(all - left, all)) throw SqlFailure(SQLITE_INTERRUPT, "stopped");
    }
    if (code != SQLITE_DONE) throw SqlFailure(code, sqlite3_errstr(code));
  }
  // Without a WAL the copy is a single file, which can be read without write permission.
  copy.run("PRAGMA journal_mode = DELETE");
}

/// The process that has a database open, if any. SQLite holds a read lock on these bytes while it has a database in WAL mode open
/// (https://sqlite.org/src/file/src/os_unix.c); the query works even if the database is damaged.
[[nodiscard]] std::optional<pid_t> process_that_has(const std::string& path) {
  constexpr off_t kSharedFirst = 0x40000000 + 2;
  constexpr off_t kSharedSize = 510;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  struct flock asked{};
  asked.l_type = F_WRLCK;
  asked.l_whence = SEEK_SET;
  asked.l_start = kSharedFirst;
  asked.l_len = kSharedSize;
  const bool answered = ::fcntl(fd, F_GETLK, &asked) == 0;
  ::close(fd);
  return answered && asked.l_type != F_UNLCK ? std::optional(asked.l_pid) : std::nullopt;
}

/// Moves the content of the WAL into the database, so that the database is a single file. A damaged database keeps its WAL.
void take_in_wal(const std::string& path) {
  try {
    Connection db(path, SQLITE_OPEN_READWRITE);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const SqlFailure&) {
    return;
  }
}

/// Gives the database a second name. It keeps its own until another file replaces it: without a database there, ingest would create one.
void keep_under(const std::string& path, const std::string& kept) {
  std::error_code error;
  fs::create_hard_link(path, kept, error);
  if (error) fs::rename(path, kept);  // a file system without hard links
}

/// The journal's last entry, as a text that only that entry has. Empty: there is none.
[[nodiscard]] std::string last_entry(Connection& db, std::string_view up_to = "1") {
  Statement entry(db,
                  "SELECT format('%d %d %d %s %d %d %d %s', serial, at, action, hex(first), length, source, codes, "
                  "coalesce(expires_at, '-')) FROM listing_change WHERE " +
                      std::string(up_to) + " ORDER BY serial DESC LIMIT 1");
  return entry.first([](const Statement& row) { return row.text(0); }).value_or("");
}

/// The highest serial that the database at `path` was served with, if that has the backup's last entry. Absent: it is damaged, has another history, or its
/// retention has removed that entry.
[[nodiscard]] std::optional<Serial> continued(const std::string& path, Connection& backup, UnixTime now) {
  try {
    Connection former(path, SQLITE_OPEN_READWRITE);
    const auto serial = head_of(backup);
    if (last_entry(former, "serial = " + std::to_string(serial)) != last_entry(backup)) return std::nullopt;
    return head_of(former) + ended_by(former, now);
  } catch (const SqlFailure&) {
    return std::nullopt;
  }
}

/// By how much to move the serial if nobody knows how far it was: more than the journal can have grown since its last entry, and less than half of
/// the serials, beyond which "newer" means older (RFC 1982 §3.2).
[[nodiscard]] Serial safe_distance(Connection& backup, UnixTime now) {
  constexpr std::int64_t kChangesPerSecond = 500;
  constexpr std::int64_t kLeast = std::int64_t{1} << 20U;
  constexpr std::int64_t kMost = std::int64_t{1} << 30U;
  const auto last = backup.integer("SELECT coalesce(max(at), 0) FROM listing_change");
  const auto elapsed = std::clamp<std::int64_t>(seconds(now) - last, 0, kMost / kChangesPerSecond);
  return static_cast<Serial>(std::clamp(elapsed * kChangesPerSecond, kLeast, kMost));
}

/// An entry that changes nothing, with that serial: the end of an exemption of `::`, which nobody makes. Earlier serials may be missing
/// (upkeep.cc); followers read the whole list, as they do for any gap.
void continue_journal_at(Connection& db, Serial serial, UnixTime now) {
  Statement(db,
            "INSERT INTO listing_change (serial, at, action, first, length, source, codes) "
            "VALUES (?, ?, 5, zeroblob(16), 128, 1, 0)")
      .bind(serial, seconds(now))
      .run();
}

[[nodiscard]] StoreError in_use(const std::string& path, pid_t process) {
  return {Code::busy, path + ": process " + std::to_string(process) +
                          " has it open; stop blowback-ingest and blowback-server first"};
}

[[nodiscard]] std::uint64_t octets(const Connection& db) {
  Statement pages(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  return static_cast<std::uint64_t>(pages.first([](const Statement& row) { return row.integer(0); }).value_or(0));
}

[[nodiscard]] bool gives_pages_back(Connection& db) { return db.integer("PRAGMA auto_vacuum") == 2; }

void give_pages_back(Connection& db, const Slicing& slicing) {
  const auto all = static_cast<std::uint64_t>(db.integer("PRAGMA freelist_count"));
  while (true) {
    {
      Transaction transaction(db);
      const auto left = db.integer("PRAGMA freelist_count");
      if (left == 0) return;
      db.run("PRAGMA incremental_vacuum(256)");
      transaction.commit();
      const auto done = all - std::min(all, static_cast<std::uint64_t>(left));
      if (slicing.between && !slicing.between(done, all)) throw SqlFailure(SQLITE_INTERRUPT, "stopped half-way");
    }
    std::this_thread::sleep_for(slicing.rest);
  }
}

/// No other process can open the database until the new one is in place; those that waited notice that the file was replaced.
void rebuild(const std::string& path) {
  UnfinishedCopy part(path + ".compact");
  Connection db(path, SQLITE_OPEN_READWRITE);
  db.run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL");
  Statement(db, "VACUUM INTO ?").bind(part.path()).run();
  db.run("PRAGMA journal_mode = DELETE");  // empties the WAL, which would otherwise be applied to the new file
  part.put_in_place_as(path);
}

}  // namespace

Result<Compacted> Store::compact(const std::string& name, Slicing slicing) {
  const std::string path = resolved(name);  // the file is replaced, not a link to it
  auto store = open(path, Mode::write);
  if (!store) return std::unexpected(std::move(store).error());
  auto& db = store->impl_->db;
  auto compacted = attempt(path, [&]() -> Compacted {
    Compacted done{.octets_before = octets(db), .octets_after = 0, .built_anew = !gives_pages_back(db)};
    if (!done.built_anew) give_pages_back(db, slicing);
    done.octets_after = octets(db);
    return done;
  });
  if (!compacted || !compacted->built_anew) return compacted;
  {
    const Store closed = std::move(*store);
  }
  if (const auto process = process_that_has(path)) return std::unexpected(in_use(path, *process));
  try {
    return attempt(path, [&]() -> Compacted {
      rebuild(path);
      compacted->octets_after = octets(Connection(path, SQLITE_OPEN_READONLY));
      return *compacted;
    });
  } catch (const fs::filesystem_error& failure) {
    return std::unexpected(
        StoreError{Code::other, path + ": the rebuilt database can't be put in place: " + failure.what()});
  }
}

void copy_database(Connection& from, const std::string& to, const Slicing& slicing) {
  remove_interrupted_copies(to + ".part");
  UnfinishedCopy part(to + ".part");
  copy_pages(from, part.path(), slicing);
  part.put_in_place_as(to);
}

Result<void> Store::backup(const std::string& to) {
  std::error_code ignored;
  if (fs::equivalent(to, impl_->path, ignored)) {
    return std::unexpected(StoreError{Code::other, to + ": is the database itself; name another file for the backup"});
  }
  if (fs::exists(to, ignored) && !begins_as_ours(to)) {
    return std::unexpected(
        StoreError{Code::other, to + ": exists and is no backup of Blowback; name another file for the backup"});
  }
  if (fs::exists(to + "-wal", ignored)) {
    return std::unexpected(StoreError{
        Code::other, to + ": is or was in use as a database (there is a -wal file beside it); name another file"});
  }
  try {
    return attempt(to, [&] { copy_database(impl_->db, to, impl_->slicing); });
  } catch (const fs::filesystem_error& failure) {
    return std::unexpected(StoreError{Code::other, to + ": the backup can't be put in place: " + failure.what()});
  }
}

Result<Restored> Store::restore(const std::string& from, const std::string& name, UnixTime now) {
  const std::string path = resolved(name);  // the file is replaced, not a link to it
  std::error_code ignored;
  const auto refused = [](Code code, std::string text) { return std::unexpected(StoreError{code, std::move(text)}); };
  if (!fs::exists(from, ignored))
    return refused(Code::missing, from + ": there is no such file; name the backup to restore");
  if (fs::equivalent(from, path, ignored))
    return refused(Code::other, from + ": is the database itself; name a backup");
  if (!begins_as_ours(from)) return refused(Code::corrupt, from + ": is no database of Blowback; name a backup");
  const std::string kept = path + ".before-restore";
  const bool replaces = fs::exists(path, ignored);
  // Both are the same file if a restore was killed before it replaced the database.
  if (replaces && fs::equivalent(path, kept, ignored)) fs::remove(kept, ignored);
  if (replaces && fs::exists(kept, ignored)) {
    return refused(Code::other, kept + ": is left from an earlier restore; move or remove it first");
  }
  if (const auto process = process_that_has(path)) return std::unexpected(in_use(path, *process));
  try {
    return attempt(from, [&]() -> Restored {
      Restored restored;
      UnfinishedCopy part(path + ".restore");
      {
        Connection backup(from, SQLITE_OPEN_READONLY);
        restored.format = static_cast<int>(backup.integer("PRAGMA user_version"));
        if (restored.format > schema_version()) {
          throw SqlFailure(SQLITE_MISMATCH, "was written by a newer Blowback (format " +
                                                std::to_string(restored.format) + "); install that version first");
        }
        copy_pages(backup, part.path(), {});
      }
      {
        // Check the copy, not the original.
        Connection copy(part.path(), SQLITE_OPEN_READONLY);
        if (auto found = copy.text("PRAGMA integrity_check(1)"); found != "ok") throw SqlFailure(SQLITE_CORRUPT, found);
        restored.backup_serial = head_of(copy);
      }
      // Check again: a process may have opened it while the backup was copied.
      if (const auto process = process_that_has(path)) throw SqlFailure(SQLITE_INTERRUPT, in_use(path, *process).text);
      if (replaces) take_in_wal(path);
      {
        Connection copy(part.path(), SQLITE_OPEN_READWRITE);
        const auto former = replaces ? continued(path, copy, now) : std::nullopt;
        restored.knows_former = former.has_value();
        restored.serial = former ? *former + 1 : restored.backup_serial + safe_distance(copy, now);
        continue_journal_at(copy, restored.serial, now);
      }
      if (replaces) {
        keep_under(path, kept);
        restored.kept = kept;
      }
      // SQLite would apply a WAL to any database of that name.
      if (fs::exists(path + "-wal")) fs::rename(path + "-wal", kept + "-wal");
      fs::remove(path + "-shm");
      let_group_write(part.path());
      part.put_in_place_as(path);
      return restored;
    });
  } catch (const fs::filesystem_error& failure) {
    return refused(Code::other, path + ": the backup can't be put in place: " + failure.what());
  }
}

}  // namespace blowback::schema
