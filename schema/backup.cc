// Copies of a database: backups, what is kept before a migration, and putting one back.
//
// A copy is made page by page of one state, by SQLite's online backup, under another name, and gets its name when it is whole and on
// the disk. So a kill or a full disk leaves the former copy, or none, and never half of one.
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

namespace blowback::schema {
namespace {

namespace fs = std::filesystem;
using Code = StoreError::Code;

/// 1 MiB, from one sign of life to the next.
constexpr int kPagesAtOnce = 256;

constexpr std::array kBeside{"-wal", "-shm", "-journal"};

[[noreturn]] void failed(const std::string& path, const StoreError& error) {
  const int code = error.code == Code::full ? SQLITE_FULL : SQLITE_CANTOPEN;
  throw SqlFailure(code, error.text.starts_with(path) ? error.text.substr(path.size() + 2) : error.text);
}

/// A file, and with it the folder that names it, is on the disk.
void flush(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool flushed = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!flushed) throw SqlFailure(SQLITE_IOERR_FSYNC, path + ": " + std::generic_category().message(errno));
}

void put_in_place(const std::string& part, const std::string& path) {
  flush(part, O_RDONLY);
  fs::rename(part, path);
  const auto folder = fs::path(path).parent_path();
  flush(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
}

void remove_with_what_is_beside(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
  for (const auto* const suffix : kBeside) fs::remove(path + suffix, ignored);
}

/// A copy that isn't whole yet; removed unless it was put in place. Of two processes that make the same one fails.
class UnfinishedCopy {
 public:
  explicit UnfinishedCopy(std::string path) : path_(std::move(path)) {
    std::error_code ignored;
    if (!fs::exists(path_, ignored)) {
      if (const auto made = make_private_file(path_); !made) failed(path_, made.error());
    }
    // Held until the copy is in place, or gone: SQLite's own locks on the file are of another kind.
    lock_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (lock_ < 0) throw SqlFailure(SQLITE_CANTOPEN, path_ + ": " + std::generic_category().message(errno));
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock_);
      throw SqlFailure(SQLITE_INTERRUPT, "another process is writing " + path_ + "; wait until it is done");
    }
    // Of a copy that was interrupted.
    for (const auto* const suffix : kBeside) fs::remove(path_ + suffix, ignored);
    static_cast<void>(::ftruncate(lock_, 0));  // else SQLite says what is wrong with it
  }
  UnfinishedCopy(const UnfinishedCopy&) = delete;
  UnfinishedCopy& operator=(const UnfinishedCopy&) = delete;
  ~UnfinishedCopy() {
    if (is_ours_) remove_with_what_is_beside(path_);
    ::close(lock_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Under its name it belongs to whoever uses it.
  void put_in_place_as(const std::string& name) {
    put_in_place(path_, name);
    is_ours_ = false;
  }

 private:
  std::string path_;
  int lock_ = -1;
  bool is_ours_ = true;
};

/// All pages of one state. The read transaction holds that state, so the copy never begins anew, however much others write.
void copy_pages(Connection& from, const std::string& to, const Slicing& slicing) {
  Connection copy(to, SQLITE_OPEN_READWRITE);
  {
    const ReadTransaction one_state(from);
    static_cast<void>(from.integer("SELECT count(*) FROM sqlite_schema"));  // begins it
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
  // Without a WAL a copy is one file, which can be read where nothing may be written.
  copy.run("PRAGMA journal_mode = DELETE");
}

/// The process that has a database open. SQLite holds a read lock on these octets as long as it has a database in WAL mode open
/// (https://sqlite.org/src/file/src/os_unix.c); asking for it works also where the database is damaged.
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

/// What is in the WAL comes into the database itself, so that it can be moved alone. A damaged database keeps its WAL.
void take_in_wal(const std::string& path) {
  try {
    Connection db(path, SQLITE_OPEN_READWRITE);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const SqlFailure&) {
    return;
  }
}

/// A database under another name, too. It has its own until another one takes it: where there is no database, ingest makes one.
void keep_under(const std::string& path, const std::string& kept) {
  std::error_code error;
  fs::create_hard_link(path, kept, error);
  if (error) fs::rename(path, kept);  // a file system without hard links
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

/// Nobody else can open it until the new one is in place; who waited meanwhile sees that the file was replaced.
void build_anew(const std::string& path) {
  UnfinishedCopy part(path + ".compact");
  Connection db(path, SQLITE_OPEN_READWRITE);
  db.run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL");
  Statement(db, "VACUUM INTO ?").bind(part.path()).run();
  db.run("PRAGMA journal_mode = DELETE");  // takes in the WAL, which would be played back into the new one
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
      build_anew(path);
      compacted->octets_after = octets(Connection(path, SQLITE_OPEN_READONLY));
      return *compacted;
    });
  } catch (const fs::filesystem_error& failure) {
    return std::unexpected(StoreError{Code::other, path + ": what was built can't be put in place: " + failure.what()});
  }
}

void copy_database(Connection& from, const std::string& to, const Slicing& slicing) {
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
        StoreError{Code::other, to + ": exists already, and is no backup of ours; name another file for the backup"});
  }
  if (fs::exists(to + "-wal", ignored)) {
    return std::unexpected(StoreError{
        Code::other, to + ": is, or was, in use as a database (there is a -wal beside it); name another file"});
  }
  try {
    return attempt(to, [&] { copy_database(impl_->db, to, impl_->slicing); });
  } catch (const fs::filesystem_error& failure) {
    return std::unexpected(StoreError{Code::other, to + ": the backup can't be put in place: " + failure.what()});
  }
}

Result<Restored> Store::restore(const std::string& from, const std::string& name) {
  const std::string path = resolved(name);  // the file is replaced, not a link to it
  std::error_code ignored;
  const auto refused = [](Code code, std::string text) { return std::unexpected(StoreError{code, std::move(text)}); };
  if (!fs::exists(from, ignored)) return refused(Code::missing, from + ": no backup there; name the file to restore");
  if (fs::equivalent(from, path, ignored))
    return refused(Code::other, from + ": is the database itself; name a backup");
  if (!begins_as_ours(from)) return refused(Code::corrupt, from + ": is no database of Blowback's; name a backup");
  const std::string kept = path + ".before-restore";
  const bool replaces = fs::exists(path, ignored);
  // Both are one file where a restoration was killed before it replaced anything.
  if (replaces && fs::equivalent(path, kept, ignored)) fs::remove(kept, ignored);
  if (replaces && fs::exists(kept, ignored)) {
    return refused(Code::other, kept + ": is there from an earlier restore; move it away or remove it first");
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
        // What was copied is looked at, not what was read.
        Connection copy(part.path(), SQLITE_OPEN_READONLY);
        if (auto found = copy.text("PRAGMA integrity_check(1)"); found != "ok") throw SqlFailure(SQLITE_CORRUPT, found);
        restored.serial = static_cast<Serial>(copy.integer("SELECT coalesce(max(serial), 0) FROM listing_change"));
      }
      // Also one that was started while the backup was copied.
      if (const auto process = process_that_has(path)) throw SqlFailure(SQLITE_INTERRUPT, in_use(path, *process).text);
      if (replaces) {
        take_in_wal(path);
        keep_under(path, kept);
        restored.kept = kept;
      }
      // A WAL is played back into whatever database has its name.
      if (fs::exists(path + "-wal")) fs::rename(path + "-wal", kept + "-wal");
      fs::remove(path + "-shm");
      part.put_in_place_as(path);
      return restored;
    });
  } catch (const fs::filesystem_error& failure) {
    return refused(Code::other, path + ": the backup can't be put in place: " + failure.what());
  }
}

}  // namespace blowback::schema
