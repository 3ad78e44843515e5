// kill -9 at any time of a migration, of the conversion after it, of retention, and of copies: nothing is lost or duplicated.
//
// A child process does the work and is killed again and again; the final result is, row by row, that of a child that isn't killed.
// BLOWBACK_KILLS sets the number of kills (40).
#include "in_tree.h"
#include "schema_fixture.h"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <sys/wait.h>
#include <thread>

using namespace blowback;
using namespace blowback::schema_test;
using schema::Store;

namespace {

constexpr int kIncidents = 4'000;
constexpr Duration kDay = std::chrono::days{1};
/// What came in the first half of the year before has expired by then.
constexpr UnixTime kThen = kNow + 10 * kDay;

class Database {
 public:
  explicit Database(const std::string& file) {
    REQUIRE(sqlite3_open(file.c_str(), &handle_) == SQLITE_OK);
    sqlite3_busy_timeout(handle_, 10'000);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close_v2(handle_); }

  void run(const std::string& sql) {
    CAPTURE(sql.substr(0, 200));
    REQUIRE(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  /// All rows, each value quoted.
  std::string rows(const std::string& sql) {
    std::string text;
    const auto append = [](void* to, int columns, char** values, char**) {
      for (int i = 0; i < columns; ++i)
        *static_cast<std::string*>(to) += (values[i] ? values[i] : "-") + std::string("|");
      *static_cast<std::string*>(to) += '\n';
      return 0;
    };
    REQUIRE(sqlite3_exec(handle_, sql.c_str(), append, &text, nullptr) == SQLITE_OK);
    return text;
  }

 private:
  sqlite3* handle_ = nullptr;
};

[[nodiscard]] std::string quoted(int sender) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "x'00000000000000000000ffff2d0000%02x'", static_cast<unsigned>(sender));
  return text.data();
}

/// Of format 2: a year of incidents by 60 senders, each with a standing, and an operator's decisions among them.
void make_old_database(const std::string& file) {
  std::string sql = "PRAGMA journal_mode = WAL; BEGIN;";
  for (const char* const name : {"0001_first", "0002_undo_and_retired_traps"}) {
    std::ifstream format(test::in_tree("schema/migrations/" + std::string(name) + ".sql"));
    REQUIRE(format);
    sql.append(std::istreambuf_iterator<char>(format), {});
  }
  const auto now = kNow.time_since_epoch().count();
  std::mt19937 random(7);
  for (int sender = 0; sender < 60; ++sender) {
    sql +=
        "INSERT INTO standing VALUES (" + quoted(sender) + ", 1.5, " + std::to_string(now) + ", 1, NULL, NULL, NULL);";
  }
  for (int i = 0; i < kIncidents; ++i) {
    const auto sender = quoted(static_cast<int>(random() % 60));
    sql +=
        "INSERT INTO incident (digest, received_at, client, sender, helo, feed, trap, kind, cause, confidence, proved, "
        "could_have_known, campaign, reporting_mta, product, queue_id, message_id, subject, first_received, size, "
        "signals, credit) VALUES (x'" +
        incident("192.0.2.1", 1'000'000 + i).digest + "', " +
        std::to_string(now - 365LL * 86'400 * (kIncidents - i) / kIncidents) + ", " + sender + ", " + sender +
        ", 'h', 'f', 't" + std::to_string(random() % 9) + "@trap.example.net', " + std::to_string(random() % 6) +
        ", 1, 0.9, 0, 0, 'c" + std::to_string(random() % 300) + "', 'r', 'p', 'q', 'm', '" + std::string(200, 's') +
        "', 'from a by b', 1, '', 0.5);";
  }
  sql += "INSERT INTO audit (at, who, action, subject, reason) VALUES (" + std::to_string(now - 90 * 86'400) +
         ", 'operator', 'delist', '45.0.0.0/29', 'because');"
         "PRAGMA application_id = 1112297303; PRAGMA user_version = 2; COMMIT";
  Database(file).run(sql);
}

/// What ingest does from the first look at the old database on. True: there is nothing left to do.
bool open_and_keep_up(const std::string& file) {
  Retention retention;
  retention.evidence = 30 * kDay;
  retention.incidents = 120 * kDay;
  auto store = Store::open(file, Store::Mode::create);
  if (!store) return false;
  while (true) {
    const auto done = store->keep_up(kThen, demonstration(), retention, &score::reckon);
    if (!done) return false;
    if (!done->more) return true;
  }
}

int kills_wanted() {
  const char* const wanted = std::getenv("BLOWBACK_KILLS");
  return wanted == nullptr ? 40 : std::atoi(wanted);
}

std::chrono::microseconds time_of(const std::function<bool()>& work) {
  const auto began = std::chrono::steady_clock::now();
  REQUIRE(work());
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
}

/// Does `work` in a process of its own, which is killed after `life`. True: it had come to the end before.
bool child_comes_to_an_end(const std::function<bool()>& work, std::chrono::microseconds life) {
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 0 : 1);
  REQUIRE(child > 0);
  std::this_thread::sleep_for(life);  // at random: nothing is waited for
  int status = 0;
  if (waitpid(child, &status, WNOHANG) == 0) {
    kill(child, SIGKILL);
    REQUIRE(waitpid(child, &status, 0) == child);
  }
  const bool ended = WIFEXITED(status);
  REQUIRE((!ended || WEXITSTATUS(status) == 0));  // what was killed before never stops what comes after it
  return ended;
}

/// All that is kept, in an order of its own.
std::string dump(const std::string& file) {
  Database database(file);
  std::string text;
  for (const char* const table :
       {"incident ORDER BY sender, digest", "evidence ORDER BY number", "standing ORDER BY sender",
        "standing_at_horizon ORDER BY sender", "part_at_horizon ORDER BY sender, dimension, key",
        "kind_total ORDER BY kind", "total WHERE name <> 'rolled_up' ORDER BY name", "trap_total ORDER BY trap",
        "trap_sketch ORDER BY trap", "listing ORDER BY first", "audit ORDER BY id"}) {
    text += std::string(table) + '\n' + database.rows(std::string("SELECT * FROM ") + table);
  }
  return text + database.rows("SELECT name FROM sqlite_schema WHERE name = 'former_incident'");
}

}  // namespace

TEST_CASE("kill -9 at any instant of a migration and of what follows it loses nothing and duplicates nothing",
          "[schema][killed]") {
  const Folder folder;
  const auto old = folder.file("old.db");
  make_old_database(old);
  const auto calm = folder.file("calm.db");
  std::filesystem::copy_file(old, calm);
  const auto whole = time_of([&] { return open_and_keep_up(calm); });
  const auto expected = dump(calm);
  REQUIRE(value(open(calm).check_integrity()).empty());

  std::mt19937 random(11);
  int kills = 0;
  for (int round = 0; kills < kills_wanted(); ++round) {
    const auto file = folder.file("killed" + std::to_string(round) + ".db");
    std::filesystem::copy_file(old, file);
    // A run that was killed early has done little: the next one lives a little longer, so that every stage is met.
    auto longest = whole / 8;
    while (!child_comes_to_an_end([&] { return open_and_keep_up(file); },
                                  std::chrono::microseconds(random() % static_cast<unsigned>(longest.count() + 1)))) {
      ++kills;
      longest += whole / 50;
    }
    REQUIRE(dump(file) == expected);
    REQUIRE(value(open(file).check_integrity()).empty());
    std::filesystem::remove(file);
  }
  CHECK(kills >= kills_wanted());
}

TEST_CASE("kill -9 at any instant of a backup, a restoration or a compaction leaves the old file or the new one",
          "[schema][killed]") {
  const Folder folder;
  const auto made = folder.file("made.db");
  make_old_database(made);
  REQUIRE(open_and_keep_up(made));
  const auto file = folder.file("a.db");
  const auto copy = folder.file("copy.db");
  const auto kept = file + ".before-restore";
  REQUIRE(value(open(made, Store::Mode::read).stats(kNow)).incidents > 0);
  std::filesystem::copy_file(made, file);
  const auto expected = dump(file);

  std::function<bool()> work;
  // What a work needs that had come to its end before.
  std::function<void()> begin = [] {};
  SECTION("a backup") {
    work = [&] { return open(file, Store::Mode::read).backup(copy).has_value(); };
  }
  SECTION("a restoration") {
    REQUIRE(open(file, Store::Mode::read).backup(copy));
    // One that was killed at its end is done, and refuses to be done again over what it kept.
    work = [&] {
      if (std::filesystem::exists(kept) && !std::filesystem::equivalent(kept, file)) std::filesystem::remove(kept);
      return Store::restore(copy, file, kNow).has_value();
    };
  }
  SECTION("a compaction that builds anew") {
    work = [&] { return Store::compact(file, {}).has_value(); };
    begin = [&] { Database(file).run("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM"); };
  }
  SECTION("a compaction that gives pages back") {
    work = [&] { return Store::compact(file, {}).has_value(); };
    begin = [&] {
      Database(file).run("CREATE TABLE room (x); INSERT INTO room VALUES (zeroblob(3000000)); DROP TABLE room");
    };
  }
  begin();
  const auto whole = time_of(work);
  std::mt19937 random(12);
  int kills = 0;
  while (kills < kills_wanted() / 2) {
    begin();
    // A child begins later than it is made; so that one comes to its end, the next lives longer.
    auto longest = whole;
    while (!child_comes_to_an_end(work,
                                  std::chrono::microseconds(random() % static_cast<unsigned>(longest.count() + 1)))) {
      ++kills;
      longest += whole / 5 + std::chrono::milliseconds{5};
      // Nobody makes a database where there is one.
      REQUIRE(std::filesystem::exists(file));
      REQUIRE(dump(file) == expected);
    }
    REQUIRE(dump(file) == expected);
    REQUIRE(value(open(file).check_integrity()).empty());
    if (std::filesystem::exists(copy)) REQUIRE(dump(copy) == expected);
  }
}
