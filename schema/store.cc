// Opening a database: checks whether it is ours and of our format, migrates it, and explains what is wrong.
#include "schema/store.h"

#include "backup.h"
#include "migrations.h"
#include "store_impl.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

namespace blowback::schema {
namespace {

/// `PRAGMA application_id`: "BLOW". Distinguishes our files from other SQLite databases.
constexpr std::int64_t kApplicationId = 0x424c4f57;

/// The format with new tables for incidents, see convert.cc.
constexpr int kIncidentsMoved = 5;

/// Cache per connection (negative: in KiB): 64 MiB for writers. Readers read each page once: the whole list, or a few rows.
constexpr const char* kPragmas = "PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";
constexpr const char* kReaderPragmas = "PRAGMA cache_size = -2048;";

/// A WAL that grew during a long read is cut to 32 MiB when it is restarted.
constexpr const char* kWalLimit = "PRAGMA journal_size_limit = 33554432;";

/// Copies the database in its old format to `DATABASE.format-N`: the only way back from a migration. The caller has the write lock, so a
/// second connection reads exactly what is about to be changed.
void keep_old_format(const std::string& path, int format) {
  const std::string copy = path + ".format-" + std::to_string(format);
  Connection reader(path, SQLITE_OPEN_READONLY);
  copy_database(reader, copy, {});
}

void migrate(Connection& db, const std::string& path) {
  Transaction transaction(db);
  // Check again, now that no other process can migrate: both daemons may start at the same time.
  const auto found = static_cast<int>(db.integer("PRAGMA user_version"));
  if (found >= schema_version()) return;
  const bool is_ours = db.integer("PRAGMA application_id") == kApplicationId;
  if (is_ours) keep_old_format(path, found);
  for (const auto& migration : kMigrations) {
    if (migration.version > found) db.run(migration.sql);
  }
  db.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
  // Nothing to convert: a new database, or one without incidents.
  if (found < kIncidentsMoved && db.integer("SELECT count(*) FROM (SELECT 1 FROM former_incident LIMIT 1)") == 0) {
    db.run("DROP TABLE former_incident");
  }
  db.run(("PRAGMA user_version = " + std::to_string(schema_version())).c_str());
  transaction.commit();
}

[[nodiscard]] std::optional<StoreError> make_ready(Store::Impl& impl) {
  Connection& db = impl.db;
  const std::string& path = impl.path;
  std::int64_t id = 0;
  int version = 0;
  bool is_new = false;
  {
    // In one transaction: another process may be creating the database right now.
    const ReadTransaction reading(db);
    id = db.integer("PRAGMA application_id");
    version = static_cast<int>(db.integer("PRAGMA user_version"));
    is_new = version == 0 && id == 0 && db.integer("SELECT count(*) FROM sqlite_schema") == 0;
  }
  if (id != kApplicationId && !is_new) {
    return StoreError{StoreError::Code::corrupt,
                      path + ": is an SQLite database, but not one of Blowback's; set `database` to another file"};
  }
  impl.version_found = version;
  if (version > schema_version()) {
    return StoreError{StoreError::Code::newer,
                      path + ": was written by a newer Blowback (format " + std::to_string(version) +
                          ", this program knows up to " + std::to_string(schema_version()) +
                          "); install that version, or restore a backup made before the upgrade"};
  }
  if (impl.only_reads() || impl.mode == Store::Mode::request) {
    if (version == schema_version()) return std::nullopt;
    return StoreError{is_new ? StoreError::Code::missing : StoreError::Code::older,
                      path + (is_new ? ": is empty; start blowback-ingest once, or run `blowback db migrate`"
                                     : ": is of an older format; run `blowback db migrate`")};
  }
  // FULL: a commit is on the disk when it returns, so that what a feed removes after it also survives a power failure.
  db.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  db.run(kWalLimit);
  db.keep_wal_small();
  if (version < schema_version()) migrate(db, path);
  return std::nullopt;
}

/// Creates a database. False: another process has created it meanwhile.
[[nodiscard]] Result<bool> make_database(const std::string& path) {
  Making making(path);
  if (auto begun = making.begin(); !begun) return std::unexpected(std::move(begun).error());
  {
    Connection db(making.part(), SQLITE_OPEN_READWRITE);
    // Allows to return pages to the file system in slices (`compact`), for one page in a thousand. Has an effect in an empty database only.
    db.run("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = FULL");
    migrate(db, making.part());
  }
  return making.put_in_place();
}

/// How long a visitor of the page, and a thread that answers visitors, waits for the write lock.
constexpr std::chrono::seconds kRequestWaits{2};

/// What a connection for requests may do. SQLite asks when it prepares a statement, for each table and column of it and of its triggers.
/// A mistake in our own SQL, or a value that becomes SQL, changes no listing then. Who executes code in the process isn't bound by it.
int allow_requests_only(void* /*unused*/, int action, const char* table, const char* column, const char* /*database*/,
                        const char* trigger) {
  const auto is = [](const char* text, std::string_view expected) { return text != nullptr && text == expected; };
  bool may = false;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_FUNCTION:
    case SQLITE_TRANSACTION:
      may = true;
      break;
    case SQLITE_INSERT:
      may = is(table, "removal_request") || is(table, "removal_token");
      break;
    case SQLITE_UPDATE:
      // The number of pending requests, which the table's own trigger counts; and that a token was used.
      may = (is(table, "total") && is(column, "value") && is(trigger, "removal_requested")) ||
            (is(table, "removal_token") && is(column, "used_at"));
      break;
    default:
      break;
  }
  return may ? SQLITE_OK : SQLITE_DENY;
}

/// `file:` URI of a path (https://sqlite.org/uri.html §3).
[[nodiscard]] std::string uri_of(const std::string& path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '%' || c == '?' || c == '#') {
      uri += {'%', kHex[octet >> 4U], kHex[octet & 15U]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

[[nodiscard]] std::optional<Store::Impl::Unchanging> looks_of(const std::string& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return std::nullopt;
  return Store::Impl::Unchanging{
      .size = file.st_size,
      .changed = static_cast<std::int64_t>(file.st_mtim.tv_sec) * 1'000'000'000 + file.st_mtim.tv_nsec};
}

/// Opens a database that this user can read but beside which it can't create the -wal file that a reader in WAL mode needs. Without a -wal file nobody
/// writes, so the database is read as a file that doesn't change, until `is_overtaken`. Absent: there is a -wal file.
[[nodiscard]] std::unique_ptr<Store::Impl> open_unchanging(const std::string& path) {
  const auto real_path = resolved(path);
  const auto looks = looks_of(real_path);
  if (!looks || file_id(real_path + "-wal")) return nullptr;
  auto impl =
      std::make_unique<Store::Impl>(uri_of(real_path), Store::Mode::follow, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  impl->path = path;
  impl->unchanging = looks;
  return impl;
}

[[nodiscard]] Result<std::unique_ptr<Store::Impl>> open_ready(std::unique_ptr<Store::Impl> impl) {
  impl->db.run(kPragmas);
  if (impl->only_reads()) impl->db.run(kReaderPragmas);
  if (auto error = make_ready(*impl)) return std::unexpected(std::move(*error));
  if (impl->mode == Store::Mode::request) {
    Connection& db = impl->db;
    db.run(kReaderPragmas);
    db.run("PRAGMA synchronous = FULL");
    db.wait_at_most(kRequestWaits);
    // The page's user may not create or remove files beside the database: others copy the WAL, and the last of them removes it.
    sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_wal_autocheckpoint(db.handle(), 0);
    sqlite3_set_authorizer(db.handle(), &allow_requests_only, nullptr);
  }
  return impl;
}

/// SQLite creates these files when it first needs them.
void note_what_is_beside(Store::Impl& impl) {
  impl.opened.wal = file_id(impl.opened.real_path + "-wal");
  impl.opened.shm = file_id(impl.opened.real_path + "-shm");
}

/// Whether SQLite failed to create a file beside a database that is opened for reading.
[[nodiscard]] bool wants_more_beside(const SqlFailure& failure, const std::string& path) {
  const int code = failure.code() & 0xff;
  return (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && access(path.c_str(), R_OK) == 0;
}

}  // namespace

int schema_version() { return kMigrations.back().version; }

Result<Store> Store::open(const std::string& path, Mode mode) {
  const auto stands = stands_at(path);
  if (!stands) return std::unexpected(stands.error());
  if (!*stands && mode != Mode::create) {
    return std::unexpected(
        StoreError{StoreError::Code::missing, path + ": no database there; check `database` in the config, or run "
                                                     "`blowback db migrate` to make one"});
  }
  const bool only_reads = mode == Mode::read || mode == Mode::follow;
  try {
    bool is_made = false;
    if (!*stands) {
      const auto made = make_database(path);
      if (!made) return std::unexpected(made.error());
      is_made = *made;
    }
    const auto file = file_id(path);
    auto impl = [&]() -> Result<std::unique_ptr<Impl>> {
      try {
        return open_ready(
            std::make_unique<Impl>(path, mode, only_reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE));
      } catch (const SqlFailure& failure) {
        if (!only_reads || !wants_more_beside(failure, path)) throw;
        auto unchanging = mode == Mode::follow ? open_unchanging(path) : nullptr;
        if (unchanging == nullptr) {
          return std::unexpected(StoreError{
              StoreError::Code::read_only,
              path + ": can't be read without a -wal and -shm beside it, which this user may not make there; "
                     "start blowback-ingest, which makes them, or run this as its user"});
        }
        return open_ready(std::move(unchanging));
      }
    }();
    if (!impl) return std::unexpected(std::move(impl).error());
    if (is_made) (*impl)->version_found = 0;
    (*impl)->opened = {.database = file, .wal = {}, .shm = {}, .real_path = resolved(path)};
    note_what_is_beside(**impl);
    return Store(std::move(*impl));
  } catch (const SqlFailure& failure) {
    return std::unexpected(explained(failure, path));
  } catch (const std::filesystem::filesystem_error& failure) {
    return std::unexpected(
        StoreError{StoreError::Code::read_only,
                   path + ": the copy that is kept before a migration can't be put in place: " + failure.what()});
  }
}

bool Store::is_overtaken() const {
  if (!impl_->unchanging) return false;
  return file_id(impl_->opened.real_path + "-wal") || looks_of(impl_->opened.real_path) != impl_->unchanging;
}

bool Store::is_in_place() const {
  struct stat file{};
  return stat(impl_->path.c_str(), &file) == 0 && file.st_size > 0 &&
         FileId{.device = file.st_dev, .inode = file.st_ino} == impl_->opened.database;
}

Result<Store::Followed> Store::follow_file() {
  if (is_in_place()) {
    const auto& wal = impl_->opened.wal;
    if (wal && file_id(impl_->opened.real_path + "-wal") != wal) return save_lost_wal();
    note_what_is_beside(*impl_);
    return Followed::same;
  }
  const auto stands = stands_at(impl_->path);
  if (!stands) return std::unexpected(stands.error());
  if (!*stands) {
    return std::unexpected(StoreError{
        StoreError::Code::missing, impl_->path + ": was removed while it was in use; put it or the last backup back, "
                                                 "or stop this program and start it again to begin anew"});
  }
  if (!begins_as_ours(impl_->path)) {
    return std::unexpected(StoreError{StoreError::Code::corrupt,
                                      impl_->path + ": was replaced by a file that is no database of Blowback's; put "
                                                    "it or the last backup back"});
  }
  // The -wal of the old file has the same name as that of the new one: SQLite would apply it to the wrong file. Open connections keep
  // their own.
  const auto set_aside = [&](const std::string& suffix, const std::optional<FileId>& ours) {
    const auto beside = impl_->opened.real_path + suffix;
    if (ours && file_id(beside) == ours)
      rename(beside.c_str(), (impl_->opened.real_path + ".replaced" + suffix).c_str());
  };
  set_aside("-wal", impl_->opened.wal);
  set_aside("-shm", impl_->opened.shm);
  auto other = open(impl_->path, Mode::write);
  if (!other) return std::unexpected(std::move(other).error());
  // The last connection that closes a database applies its -wal and removes it by name, which now belongs to another file.
  sqlite3_db_config(impl_->db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  *this = std::move(*other);
  return Followed::another;
}

/// Commits since the -wal was removed are in a file without a name, which is lost when this process ends.
Result<Store::Followed> Store::save_lost_wal() {
  const std::string wal = impl_->opened.real_path + "-wal";
  std::error_code error;
  if (std::filesystem::exists(wal, error) && std::filesystem::file_size(wal, error) > 0) {
    return std::unexpected(StoreError{
        StoreError::Code::corrupt,
        impl_->path + ": its -wal was replaced while it was in use, and what two programs wrote can't be put together; "
                      "stop all programs that use it, keep a copy of it, and run `blowback db check`"});
  }
  const auto saved = attempt(impl_->path, [&] {
    Statement checkpoint(impl_->db, "PRAGMA wal_checkpoint(TRUNCATE)");
    return checkpoint.step() && checkpoint.integer(0) == 0;
  });
  if (!saved) return std::unexpected(saved.error());
  if (!*saved) {
    return std::unexpected(StoreError{
        StoreError::Code::busy, impl_->path + ": its -wal was removed while it was in use, and what was in it can't "
                                              "be saved while others read; it is tried again each second"});
  }
  // Other processes that have the removed files open keep them. This connection must be closed before the next one is opened: within a process
  // SQLite gives all connections to one file the same -shm, even a removed one.
  const std::string path = impl_->path;
  std::filesystem::remove(impl_->opened.real_path + "-shm", error);
  sqlite3_db_config(impl_->db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  impl_.reset();
  auto anew = open(path, Mode::write);
  if (anew) {
    *this = std::move(*anew);
    return Followed::another;
  }
  // Nothing is open now; the next call opens the file that is there then.
  impl_ = std::make_unique<Impl>(":memory:", Mode::write, SQLITE_OPEN_READWRITE);
  impl_->path = path;
  return std::unexpected(std::move(anew).error());
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

int Store::version_found() const { return impl_->version_found; }

void Store::Impl::journal(const ListingChange& change, const std::optional<std::int64_t>& audit_id) {
  if (const auto over = ended_before(change)) append_to_journal(*over, std::nullopt);
  append_to_journal(change, audit_id);
}

// Until now the entry that has ended counted in the serial (ZoneState). Without a record of its end, the new entry would take its place there, and two
// zones would have one serial.
std::optional<ListingChange> Store::Impl::ended_before(const ListingChange& change) {
  using enum ListingChange::Action;
  const bool exempts = change.action == exempted;
  if (!exempts && change.action != listed && change.action != prolonged) return std::nullopt;
  if (!last_change_) {
    last_change_ = std::make_unique<Statement>(
        db, std::string("SELECT ") + kChangeColumns +
                " FROM listing_change WHERE first = ? AND length = ? AND source = ? AND (action >= 4) = ? ORDER BY "
                "serial DESC LIMIT 1");
  }
  auto last = last_change_
                  ->bind(change.prefix.first().octets(), change.prefix.length(), static_cast<int>(change.source),
                         static_cast<int>(exempts))
                  .first([](const Statement& row) { return change_of(row); });
  if (!last || !last->expires_at || *last->expires_at > change.at) return std::nullopt;
  if (last->action != listed && last->action != prolonged && last->action != exempted) return std::nullopt;
  last->at = change.at;
  last->action = exempts ? exemption_ended : expired;
  return last;
}

void Store::Impl::append_to_journal(const ListingChange& change, const std::optional<std::int64_t>& audit_id) {
  if (!journal_) {
    journal_ = std::make_unique<Statement>(
        db,
        "INSERT INTO listing_change (at, action, first, length, source, codes, expires_at, audit_id) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  }
  journal_
      ->bind(seconds(change.at), static_cast<int>(change.action), change.prefix.first().octets(),
             change.prefix.length(), static_cast<int>(change.source), change.codes.bits(), seconds(change.expires_at),
             audit_id)
      .run();
}

std::int64_t Store::Impl::audit(const Decision& decision, const char* action, const std::string& subject,
                                std::optional<UnixTime> until, UnixTime now) {
  Statement insert(db, "INSERT INTO audit (at, who, action, subject, reason, until) VALUES (?, ?, ?, ?, ?, ?)");
  insert.bind(seconds(now), decision.who, std::string_view(action), subject, decision.reason, seconds(until)).run();
  return db.last_row();
}

void Store::Impl::set_changes(std::int64_t audit_id, std::uint64_t changes) {
  Statement(db, "UPDATE audit SET changes = ? WHERE id = ?").bind(changes, audit_id).run();
}

Serial head_of(Connection& db) {
  return static_cast<Serial>(db.integer("SELECT coalesce(max(serial), 0) FROM listing_change"));
}

std::uint64_t ended_by(Connection& db, UnixTime now) {
  std::int64_t ended = 0;
  for (const char* const table : {"listing", "exemption"}) {
    ended += Statement(db, std::string("SELECT count(*) FROM ") + table + " WHERE expires_at <= ?")
                 .bind(seconds(now))
                 .first([](const Statement& row) { return row.integer(0); })
                 .value_or(0);
  }
  return static_cast<std::uint64_t>(ended);
}

Serial Store::Impl::head() { return head_of(db); }

std::vector<Exemption> Store::Impl::exemptions_in_force(UnixTime now) {
  std::vector<Exemption> exemptions;
  Statement rows(db,
                 "SELECT first, length, since, expires_at, reason FROM exemption JOIN audit ON audit.id = audit_id "
                 "WHERE expires_at IS NULL OR expires_at > ? ORDER BY first, length");
  rows.bind(seconds(now));
  while (rows.step()) {
    exemptions.push_back({.prefix = prefix_of(rows, 0),
                          .since = time_of(rows.integer(2)),
                          .expires_at = optional_time(rows, 3),
                          .reason = rows.text(4)});
  }
  return exemptions;
}

ExemptionSet Store::Impl::exemption_set(UnixTime now) {
  ExemptionSet exempt;
  Statement rows(db, "SELECT first, length, expires_at FROM exemption WHERE expires_at IS NULL OR expires_at > ?");
  rows.bind(seconds(now));
  while (rows.step()) exempt.insert(prefix_of(rows, 0), optional_time(rows, 2));
  return exempt;
}

StoreError explained(const SqlFailure& failure, const std::string& path) {
  using Code = StoreError::Code;
  const std::string text = path + ": " + failure.what();
  switch (failure.code() & 0xff) {  // the primary result code
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {
          Code::busy,
          text + "; another process has been writing for a long time: try again, or find it by `fuser " + path + "`"};
    case SQLITE_FULL:
      return {Code::full, text + "; free space on that disk; nothing that was stored is lost"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Code::read_only, text + "; give this user write permission on the file and its folder"};
    case SQLITE_CANTOPEN:
      return {Code::missing, text + "; check `database` in the config, and the permissions of the folder"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::corrupt, text + "; run `blowback db check`, and restore the last backup if it is damaged"};
    case SQLITE_IOERR:
      // A write beyond a quota or a file-size limit is reported as an I/O error.
      return {failure.code() == SQLITE_IOERR_WRITE || failure.code() == SQLITE_IOERR_SHMSIZE ? Code::full : Code::other,
              text + "; check the kernel's log and the free space on that disk; nothing that was stored is lost"};
    case SQLITE_INTERRUPT:
      return {Code::stopped, text};
    default:
      return {Code::other, text};
  }
}

AuditEntry audit_of(const Statement& row) {
  const auto entry = [&](int column) {
    return row.is_null(column) ? std::nullopt : std::optional(static_cast<std::uint64_t>(row.integer(column)));
  };
  return {.id = static_cast<std::uint64_t>(row.integer(0)),
          .at = time_of(row.integer(1)),
          .who = row.text(2),
          .action = row.text(3),
          .subject = row.text(4),
          .reason = row.text(5),
          .until = optional_time(row, 6),
          .changes = static_cast<std::uint64_t>(row.integer(7)),
          .undoes = entry(8),
          .undone_by = entry(9),
          .unfinished = row.integer(10) != 0};
}

KeyRange keys_of(const Prefix& prefix) { return {prefix.first().octets(), prefix.last().octets()}; }

}  // namespace blowback::schema
