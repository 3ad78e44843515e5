#include "sqlite.h"

#include <cassert>
#include <chrono>
#include <thread>

namespace blowback::schema {
namespace {

/// How often to try to get the write lock, at intervals of a millisecond: at least ten seconds in all. SQLite's own busy handler soon tries only
/// every 100 ms; it would nearly always miss the few milliseconds between the slices of another process.
constexpr int kLooks = 10'000;
constexpr std::chrono::milliseconds kBetweenLooks{1};

/// Sizes of the WAL in pages: above the first, its content is copied to the database; above the second (32 MiB), it is emptied.
constexpr int kCopiedFrom = 4'000;
constexpr int kEmptiedFrom = 8'192;
/// Emptying it locks out other writers until all readers have advanced. After this many attempts it gives up, and tries again when the WAL has
/// grown by this many pages.
constexpr int kLooksToEmpty = 20;
constexpr int kTryAgainAfter = 2'048;

}  // namespace

Connection::Connection(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    throw SqlFailure(handle == nullptr ? code : sqlite3_extended_errcode(handle),
                     handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle));
  }
  sqlite3_extended_result_codes(handle, 1);
  waiting_ = std::make_unique<Waiting>(Waiting{.looks = kLooks});
  sqlite3_busy_handler(handle, &Connection::wait, waiting_.get());
}

int Connection::wait(void* waiting, int looked) {
  if (looked >= static_cast<const Waiting*>(waiting)->looks) return 0;
  std::this_thread::sleep_for(kBetweenLooks);
  return 1;
}

void Connection::keep_wal_small() { sqlite3_wal_hook(handle_.get(), &Connection::after_commit, waiting_.get()); }

void Connection::wait_at_most(std::chrono::milliseconds time) {
  waiting_->looks = static_cast<int>(time / kBetweenLooks);
}

// SQLite restarts the WAL only if a writer finds it completely copied and without readers. With several writers and readers that may not happen
// for a long time, while it grows.
int Connection::after_commit(void* waiting, sqlite3* handle, const char* name, int pages) {
  auto& own = *static_cast<Waiting*>(waiting);
  if (pages < kEmptiedFrom) own.try_again_at = kEmptiedFrom;
  if (pages < kCopiedFrom) return SQLITE_OK;
  // First, since it blocks nobody. If either fails now, the commit has succeeded all the same.
  sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (pages < own.try_again_at) return SQLITE_OK;
  own.looks = kLooksToEmpty;
  const int code = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  own.looks = kLooks;
  own.try_again_at = code == SQLITE_OK ? kEmptiedFrom : pages + kTryAgainAfter;
  return SQLITE_OK;
}

void Connection::run(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw SqlFailure(sqlite3_extended_errcode(handle_.get()), sqlite3_errmsg(handle_.get()));
  }
}

std::int64_t Connection::integer(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::string Connection::text(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.text(0) : std::string();
}

Statement::Statement(const Connection& connection, std::string_view sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) {
    throw SqlFailure(sqlite3_extended_errcode(connection.handle()), sqlite3_errmsg(connection.handle()));
  }
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    return false;
  }
  sqlite3* const connection = sqlite3_db_handle(handle_.get());
  const SqlFailure failure(sqlite3_extended_errcode(connection), sqlite3_errmsg(connection));
  sqlite3_reset(handle_.get());
  throw failure;
}

std::string Statement::text(int column) const {
  const auto* const bytes = sqlite3_column_text(handle_.get(), column);
  if (bytes == nullptr) return {};
  // SQLite returns UTF-8 as unsigned char.
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::span<const std::uint8_t> Statement::blob(int column) const {
  const auto* const bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(handle_.get(), column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) throw SqlFailure(code, sqlite3_errmsg(sqlite3_db_handle(handle_.get())));
}

Transaction::Transaction(Connection& connection) : connection_(connection) { connection_.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  // After some failures (a full disk) SQLite has already rolled back; doing it again is harmless.
  if (open_) sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  connection_.run("COMMIT");
  open_ = false;
}

ReadTransaction::~ReadTransaction() { sqlite3_exec(connection_.handle(), "COMMIT", nullptr, nullptr, nullptr); }

}  // namespace blowback::schema
