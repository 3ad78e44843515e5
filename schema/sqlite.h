// RAII for SQLite: connections, prepared statements, and transactions that roll back unless committed.
//
// Within this room a failing call throws SqlFailure; `attempt` in store_impl.h turns it into a StoreError.
#pragma once

#include <sqlite3.h>

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace blowback::schema {

class SqlFailure : public std::runtime_error {
 public:
  /// `code`: SQLite's extended result code.
  SqlFailure(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

class Statement;

class Connection {
 public:
  /// `flags`: SQLITE_OPEN_*. Throws SqlFailure.
  Connection(const std::string& path, int flags);
  /// Runs one or more statements and ignores their results.
  void run(const char* sql);
  [[nodiscard]] std::int64_t integer(const char* sql);
  [[nodiscard]] std::string text(const char* sql);
  /// Rows that the last INSERT, UPDATE or DELETE changed.
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  [[nodiscard]] std::int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  /// Makes each commit limit the size of the WAL; see `after_commit` in sqlite.cc.
  void keep_wal_small();
  /// How long to try to get a lock; 10 s by default.
  void wait_at_most(std::chrono::milliseconds time);

 private:
  /// The argument of SQLite's callbacks, so its address must not change.
  struct Waiting {
    int looks = 0;         ///< attempts to get the lock, at intervals of a millisecond
    int try_again_at = 0;  ///< size of the WAL in pages at which to try to empty it
  };
  static int wait(void* waiting, int looked);
  static int after_commit(void* waiting, sqlite3* handle, const char* name, int pages);

  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<Waiting> waiting_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement. Bind the values in order with `bind(a, b, …)`, then call `step()` until it is false; binding again resets it.
/// Must not outlive its connection.
class Statement {
 public:
  Statement(const Connection& connection, std::string_view sql);

  template <typename... Values>
  Statement& bind(const Values&... values) {
    sqlite3_reset(handle_.get());
    int index = 0;
    (put(++index, values), ...);
    return *this;
  }
  /// True: there is a row.
  bool step();
  /// The result of `read` for the first row, if there is one. Then resets the statement, which would otherwise keep its read transaction
  /// open.
  template <typename Read>
  auto first(Read read) -> std::optional<decltype(read(*this))> {
    if (!step()) return std::nullopt;
    std::optional<decltype(read(*this))> result(read(*this));
    sqlite3_reset(handle_.get());
    return result;
  }
  /// For statements without rows.
  void run() {
    while (step()) {
    }
  }

  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  [[nodiscard]] double real(int column) const { return sqlite3_column_double(handle_.get(), column); }
  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL; }
  [[nodiscard]] std::string text(int column) const;
  /// Valid until the next step.
  [[nodiscard]] std::span<const std::uint8_t> blob(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  void check(int code) const;
  void put(int index, std::int64_t value) { check(sqlite3_bind_int64(handle_.get(), index, value)); }
  void put(int index, std::integral auto value) { put(index, static_cast<std::int64_t>(value)); }
  void put(int index, double value) { check(sqlite3_bind_double(handle_.get(), index, value)); }
  // Texts and blobs are bound without a copy: they must outlive the steps.
  void put(int index, std::string_view value) {
    check(sqlite3_bind_text64(handle_.get(), index, value.data() == nullptr ? "" : value.data(), value.size(),
                              SQLITE_STATIC, SQLITE_UTF8));
  }
  void put(int index, const std::string& value) { put(index, std::string_view(value)); }
  void put(int index, std::span<const std::uint8_t> value) {
    check(sqlite3_bind_blob64(handle_.get(), index, value.data(), value.size(), SQLITE_STATIC));
  }
  template <std::size_t N>
  void put(int index, const std::array<std::uint8_t, N>& value) {
    put(index, std::span<const std::uint8_t>(value));
  }
  template <typename T>
  void put(int index, const std::optional<T>& value) {
    if (value) {
      put(index, *value);
    } else {
      check(sqlite3_bind_null(handle_.get(), index));
    }
  }

  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// BEGIN IMMEDIATE … COMMIT, or ROLLBACK if it goes out of scope before `commit`.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

/// A read transaction: all queries within it see the same state of the database.
class ReadTransaction {
 public:
  explicit ReadTransaction(Connection& connection) : connection_(connection) { connection_.run("BEGIN"); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;
  ~ReadTransaction();

 private:
  Connection& connection_;
};

}  // namespace blowback::schema
