// Opening a database: finding out whether it is ours and of our format, migrating it, and saying plainly what is wrong.
#include "schema/store.h"

#include "backup.h"
#include "migrations.h"
#include "store_impl.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace blowback::schema {
namespace {

/// `PRAGMA application_id`: "BLOW". Tells our file from anybody else's SQLite database.
constexpr std::int64_t kApplicationId = 0x424c4f57;

/// Pages kept in memory per connection: 64 MiB for who writes, negative means KiB. Who only reads reads each page once: the
/// whole list from end to end, or a few rows.
constexpr const char* kPragmas = "PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;";
constexpr const char* kReaderPragmas = "PRAGMA cache_size = -2048;";

/// A WAL that grew behind a long reader is cut to 32 MiB when it is begun anew.
constexpr const char* kWalLimit = "PRAGMA journal_size_limit = 33554432;";

/// What the old format held, as `DATABASE.format-N`: a migration has no way back but this. The caller has the write lock, so a
/// second connection reads exactly what is about to be changed.
void keep_old_format(const std::string& path, int format) {
  const std::string copy = path + ".format-" + std::to_string(format);
  Connection reader(path, SQLITE_OPEN_READONLY);
  copy_database(reader, copy, {});
}

void migrate(Connection& db, const std::string& path) {
  Transaction transaction(db);
  // Asked again, now that nobody else can migrate: both daemons start at the same time.
  const auto found = static_cast<int>(db.integer("PRAGMA user_version"));
  if (found >= schema_version()) return;
  const bool is_ours = db.integer("PRAGMA application_id") == kApplicationId;
  if (is_ours) keep_old_format(path, found);
  for (const auto& migration : kMigrations) {
    if (migration.version > found) db.run(migration.sql);
  }
  db.run(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
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
    // Of one state: another process may be making the database right now.
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
  if (impl.mode == Store::Mode::read) {
    if (version == schema_version()) return std::nullopt;
    return StoreError{is_new ? StoreError::Code::missing : StoreError::Code::older,
                      path + (is_new ? ": is empty; start blowback-ingest once, or run `blowback db migrate`"
                                     : ": is of an older format; run `blowback db migrate`")};
  }
  // A new database can give pages back to the file system in slices (`compact`); it takes one page in a thousand. Set before anything
  // is in it, also before journal_mode is, and of no effect later.
  if (is_new) db.run("PRAGMA auto_vacuum = INCREMENTAL");
  // FULL: a commit is on the disk when it returns, so what a feed was told to forget survives a power failure too.
  db.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  db.run(kWalLimit);
  db.keep_wal_small();
  if (version < schema_version()) migrate(db, path);
  return std::nullopt;
}

}  // namespace

int schema_version() { return kMigrations.back().version; }

Result<Store> Store::open(const std::string& path, Mode mode) {
  std::error_code ignored;
  const bool exists = std::filesystem::exists(path, ignored);
  if (!exists && mode != Mode::create) {
    return std::unexpected(
        StoreError{StoreError::Code::missing, path + ": no database there; check `database` in the config, or run "
                                                     "`blowback db migrate` to make one"});
  }
  const auto folder = std::filesystem::path(path).parent_path();
  if (!exists && !folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    return std::unexpected(StoreError{
        StoreError::Code::missing,
        path + ": its folder doesn't exist; make it (`mkdir -p " + folder.string() + "`) or set `database` elsewhere"});
  }
  int flags = SQLITE_OPEN_READWRITE;
  if (mode == Mode::read) flags = SQLITE_OPEN_READONLY;
  if (mode == Mode::create) flags |= SQLITE_OPEN_CREATE;
  try {
    auto impl = std::make_unique<Impl>(path, mode, flags);
    impl->db.run(kPragmas);
    if (mode == Mode::read) impl->db.run(kReaderPragmas);
    if (auto error = make_ready(*impl)) return std::unexpected(std::move(*error));
    return Store(std::move(impl));
  } catch (const SqlFailure& failure) {
    return std::unexpected(explained(failure, path));
  } catch (const std::filesystem::filesystem_error& failure) {
    return std::unexpected(
        StoreError{StoreError::Code::read_only,
                   path + ": the copy that is kept before a migration can't be put in place: " + failure.what()});
  }
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

int Store::version_found() const { return impl_->version_found; }

void Store::Impl::journal(const ListingChange& change, const std::optional<std::int64_t>& audit_id) {
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

void Store::Impl::settle(std::int64_t audit_id, std::uint64_t changes) {
  Statement(db, "UPDATE audit SET changes = ? WHERE id = ?").bind(changes, audit_id).run();
}

Serial Store::Impl::head() {
  return static_cast<Serial>(db.integer("SELECT coalesce(max(serial), 0) FROM listing_change"));
}

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

StoreError explained(const SqlFailure& failure, const std::string& path) {
  using Code = StoreError::Code;
  const std::string said = path + ": " + failure.what();
  switch (failure.code() & 0xff) {  // the primary result code
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::busy,
              said + "; another process is writing for very long: try again, or see which one by `fuser " + path + "`"};
    case SQLITE_FULL:
      return {Code::full, said + "; make room on that disk, nothing stored is lost"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Code::read_only, said + "; let the user who runs this write the file and its folder"};
    case SQLITE_CANTOPEN:
      return {Code::missing, said + "; check `database` in the config, and that the folder may be read and written"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::corrupt, said + "; run `blowback db check`, and restore the last backup if it is damaged"};
    case SQLITE_IOERR:
      // A write past a quota or a file-size limit comes as an I/O error.
      return {failure.code() == SQLITE_IOERR_WRITE || failure.code() == SQLITE_IOERR_SHMSIZE ? Code::full : Code::other,
              said + "; see the kernel's log and the room on that disk, nothing stored is lost"};
    case SQLITE_INTERRUPT:
      return {Code::stopped, said};
    default:
      return {Code::other, said};
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

bool covered(const std::vector<Exemption>& exemptions, const Prefix& prefix) {
  return std::ranges::any_of(exemptions, [&](const Exemption& exemption) { return exemption.prefix.contains(prefix); });
}

}  // namespace blowback::schema
