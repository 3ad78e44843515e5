// Connections to the database: one for each thread that answers at the same time, which can only read; and for a request for removal another one, which
// can write that and nothing else.
#pragma once

#include "schema/store.h"

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blowback::site {

/// Safe from any thread.
class Stores {
 public:
  explicit Stores(std::string database) : database_(std::move(database)) {}

  /// Calls `ask` with a connection, which it opens if there is none, or if the file at the path was replaced. If a writer opened the database while it
  /// was read without locks, asks again. Fails as the store does.
  template <typename T>
  [[nodiscard]] schema::Result<T> ask(const std::function<schema::Result<T>(schema::Store&)>& question) {
    auto answer = once(question);
    // By now the writer has created the files that a reader needs.
    if (!answer && answer.error().code == schema::StoreError::Code::busy) answer = once(question);
    return answer;
  }

  /// Files a request, or returns the pending one. Whoever isn't listed, or asks again, only reads. One at a time: fails with `busy` if it isn't its turn
  /// soon, so that requests never hold all threads.
  [[nodiscard]] schema::Result<schema::RemovalFiled> request_removal(const schema::RemovalWish& wish,
                                                                     const RemovalRules& rules, UnixTime now);

 private:
  using Clock = std::chrono::steady_clock;

  template <typename T>
  [[nodiscard]] schema::Result<T> once(const std::function<schema::Result<T>(schema::Store&)>& question) {
    auto store = take();
    if (!store) return std::unexpected(std::move(store).error());
    auto answer = question(*store);
    if (!answer) return answer;  // and the connection is closed: the next question opens another
    if (store->is_overtaken()) {
      return std::unexpected(
          schema::StoreError{schema::StoreError::Code::busy, database_ + ": was written while it was read"});
    }
    give_back(*std::move(store));
    return answer;
  }

  [[nodiscard]] schema::Result<schema::Store> take();
  void give_back(schema::Store store);

  std::string database_;
  std::timed_mutex requesting_;      ///< held while a request is filed
  std::mutex mutex_;                 ///< guards the next
  std::vector<schema::Store> free_;  ///< as many as threads have ever asked at once
};

}  // namespace blowback::site
