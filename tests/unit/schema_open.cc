// Opening: what is ours, what is too new, what can't be written; backups and checks.
#include "database_file.h"
#include "in_tree.h"
#include "schema_fixture.h"
#include "score/replay.h"
#include "sql_by_hand.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace blowback;
using namespace blowback::schema_test;
using schema::Store;
using schema::StoreError;

namespace {

StoreError::Code failure(const std::string& file, Store::Mode mode) {
  auto store = Store::open(file, mode);
  REQUIRE_FALSE(store);
  INFO(store.error().text);
  CHECK(store.error().text.find(file) != std::string::npos);
  return store.error().code;
}

}  // namespace

TEST_CASE("a new database has the program's format and reads back", "[schema]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  CHECK(failure(file, Store::Mode::read) == StoreError::Code::missing);
  CHECK(failure(file, Store::Mode::write) == StoreError::Code::missing);
  CHECK(open(file).version_found() == 0);
  CHECK(open(file, Store::Mode::read).version_found() == schema::schema_version());
}

TEST_CASE("a database newer than the program is refused with a clear message and left as it is", "[schema]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = open(file);
    record(store, {incident("192.0.2.1", 1)});
  }
  run_sql(file, "PRAGMA user_version = 99");
  for (const auto mode : {Store::Mode::create, Store::Mode::write, Store::Mode::read}) {
    CHECK(failure(file, mode) == StoreError::Code::newer);
  }
  run_sql(file, "PRAGMA user_version = " + std::to_string(schema::schema_version()));
  auto store = open(file);
  CHECK(value(store.stats(kNow)).incidents == 1);
}

TEST_CASE("a database of the first format is migrated with all its content", "[schema]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  std::ifstream first(test::in_tree("schema/migrations/0001_first.sql"));
  REQUIRE(first);
  run_sql(file, std::string(std::istreambuf_iterator<char>(first), {}) +
                    "PRAGMA application_id = 1112297303; PRAGMA user_version = 1;"  // "BLOW"
                    "INSERT INTO audit (at, who, action, subject, reason) VALUES (5, 'o', 'delist', '192.0.2.1', 'r')");
  CHECK(failure(file, Store::Mode::read) == StoreError::Code::older);
  auto store = open(file);
  CHECK(store.version_found() == 1);
  const auto audit = value(store.audit(9));
  REQUIRE(audit.size() == 1);
  CHECK(audit[0].subject == "192.0.2.1");
  CHECK_FALSE(audit[0].undone_by);
  CHECK(value(store.check_integrity()).empty());
  CHECK(open(file, Store::Mode::read).version_found() == schema::schema_version());
}

TEST_CASE("a listing of the second format keeps its end, even if a decision about it is undone", "[schema][undo]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  std::string formats;
  for (const auto* const name : {"0001_first", "0002_undo_and_retired_traps"}) {
    std::ifstream sql(test::in_tree("schema/migrations/" + std::string(name) + ".sql"));
    REQUIRE(sql);
    formats.append(std::istreambuf_iterator<char>(sql), {});
  }
  const std::string key = "x'00000000000000000000ffffc0000201'";  // 192.0.2.1
  const std::string now = std::to_string(kNow.time_since_epoch().count());
  const std::string end = std::to_string(kNow.time_since_epoch().count() + 10 * 86'400);
  run_sql(file, formats +
                    "PRAGMA application_id = 1112297303; PRAGMA user_version = 2;"
                    "INSERT INTO standing VALUES (" +
                    key + ", 3.0, " + now + ", 1, " + now + ", " + end +
                    ", NULL);"
                    "INSERT INTO standing_part VALUES (" +
                    key + ", 1, 'a@trap.example.net', 3.0, " + now + ", " + now +
                    ", 3);"
                    "INSERT INTO incident (digest, received_at, client, sender, helo, feed, trap, kind, cause, "
                    "confidence, proved, "
                    "could_have_known, campaign, reporting_mta, product, queue_id, message_id, subject, "
                    "first_received, size, signals, "
                    "credit) VALUES (randomblob(32), " +
                    now + ", " + key + ", " + key +
                    ", 'h', 'f', 'a@trap.example.net', 0, 0, 1.0, 1, 0, "
                    "'c', '', '', '', '', '', '', 1, '', 1.0);"
                    "INSERT INTO listing VALUES (" +
                    key + ", 32, 0, 1, " + now + ", " + end +
                    ", NULL);"
                    "INSERT INTO listing_change VALUES (1, " +
                    now + ", 0, " + key + ", 32, 0, 1, " + end + ", NULL)");
  auto store = open(file);
  const auto listed = [&] { return !value(store.check(ip("192.0.2.1"), kNow + Duration{60})).empty(); };
  CHECK(listed());
  CHECK(value(store.dossier(ip("192.0.2.1"), 10)).is_converting);
  CHECK(keep_up(store, kNow).converted == 1);
  CHECK_FALSE(value(store.dossier(ip("192.0.2.1"), 10)).is_converting);
  const auto dossier = value(store.dossier(ip("192.0.2.1"), 10));
  CHECK(dossier.incidents.at(0).witness == "@trap.example.net");
  CHECK(counting_of(dossier.incidents.at(0), false) == Counting::unknown_reverse_path);
  CHECK(dossier.standing->score.amount == 0);
  const auto undo_latest = [&](UnixTime at) {
    return value(store.undo(value(store.audit(1)).at(0).id, kDecision, demonstration(), &score::reckon, at)).outcome;
  };
  value(store.delist(net("192.0.2.1"), kDecision, kNow + Duration{10}));
  CHECK_FALSE(listed());
  CHECK(undo_latest(kNow + Duration{20}) == schema::Undone::Outcome::undone);
  CHECK(listed());
  // A decision that had ended nothing takes nothing away when it is undone.
  value(store.exempt(net("192.0.2.2"), std::nullopt, kDecision, kNow + Duration{30}));
  CHECK(undo_latest(kNow + Duration{40}) == schema::Undone::Outcome::undone);
  CHECK(listed());
  // What was delisted for good stays so, whatever else is undone.
  value(store.delist(net("192.0.2.1"), kDecision, kNow + Duration{50}));
  value(store.exempt(net("192.0.2.0/24"), std::nullopt, kDecision, kNow + Duration{51}));
  CHECK(undo_latest(kNow + Duration{52}) == schema::Undone::Outcome::undone);
  CHECK_FALSE(listed());
  CHECK(value(store.check_integrity()).empty());
}

TEST_CASE("before a migration the old database is copied, and of several processes one migrates", "[schema]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  // No format before the first was ever written; this one stands for it.
  const std::string old_one =
      "PRAGMA journal_mode = WAL; PRAGMA application_id = 1112297303; CREATE TABLE old_thing (x); "
      "INSERT INTO old_thing VALUES (7)";
  run_sql(file, old_one);
  std::ofstream(folder.file("a.db.format-0.part")) << "of an interrupted migration";
  std::vector<std::jthread> starting;
  std::array<bool, 4> opened{};
  for (auto& one : opened) {
    starting.emplace_back([&] { one = Store::open(file, Store::Mode::create).has_value(); });
  }
  starting.clear();
  CHECK(std::ranges::all_of(opened, [](bool one) { return one; }));
  CHECK(open(file, Store::Mode::read).version_found() == schema::schema_version());

  CHECK_FALSE(std::filesystem::exists(folder.file("a.db.format-0.part")));
  CHECK_FALSE(std::filesystem::exists(folder.file("a.db.format-" + std::to_string(schema::schema_version()))));
  const auto kept = folder.file("a.db.format-0");
  run_sql(kept, "UPDATE old_thing SET x = x / (x = 7)");  // fails where it isn't there, or isn't what it was
  std::filesystem::remove_all(file + "-wal");
  std::filesystem::remove_all(file + "-shm");
  std::filesystem::rename(kept, file);
  run_sql(file, "SELECT * FROM old_thing");
}

TEST_CASE("a new database has no old format to keep", "[schema]") {
  const Folder folder;
  open(folder.file("a.db"));
  CHECK_FALSE(std::filesystem::exists(folder.file("a.db.format-0")));
}

TEST_CASE("a file of another program is never changed", "[schema]") {
  const Folder folder;
  const auto other = folder.file("other.db");
  run_sql(other, "CREATE TABLE mine (x)");
  CHECK(failure(other, Store::Mode::create) == StoreError::Code::corrupt);
  const auto text = folder.file("text.db");
  std::ofstream(text) << std::string(4096, 'x');
  CHECK(failure(text, Store::Mode::create) == StoreError::Code::corrupt);
  CHECK(failure(folder.file("no/such/folder/a.db"), Store::Mode::create) == StoreError::Code::missing);
}

TEST_CASE("a backup made while another connection writes is complete", "[schema]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  auto writer = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1), incident("192.0.2.1", 2), incident("192.0.2.1", 3)});
  const auto copy = folder.file("copy.db");
  REQUIRE(store.backup(copy));
  record(writer, {incident("192.0.2.2", 4)});
  {
    auto restored = open(copy, Store::Mode::read);
    CHECK(value(restored.stats(kNow)).incidents == 3);
    CHECK(value(restored.check_integrity()).empty());
  }
  // A former backup is replaced; the database itself and other files never are.
  REQUIRE(store.backup(copy));
  CHECK(value(open(copy, Store::Mode::read).stats(kNow)).incidents == 4);
  CHECK((std::filesystem::status(copy).permissions() & std::filesystem::perms::others_all) ==
        std::filesystem::perms::none);
  CHECK_FALSE(store.backup(folder.file("a.db")));
  std::ofstream(folder.file("notes")) << "mine";
  CHECK_FALSE(store.backup(folder.file("notes")));
  CHECK(std::filesystem::file_size(folder.file("notes")) == 4);
}

TEST_CASE("a backup that is stopped leaves the previous one and nothing else", "[schema][backup]") {
  const Folder folder;
  const auto copy = folder.file("copy.db");
  auto store = open(folder.file("a.db"));
  auto writer = open(folder.file("a.db"));
  REQUIRE(store.backup(copy));
  std::vector<Prefix> many;
  for (std::uint32_t i = 0; i < 60'000; ++i) many.push_back(Prefix::of(IpAddress::from_v4(0x0b000000U + i)));
  value(store.list(many, std::nullopt, kDecision, kNow));
  int turns = 0;
  store.work_in({.between = [&](std::uint64_t done, std::uint64_t of) {
    CHECK(done < of);
    // Others write meanwhile, and it goes on.
    if (++turns == 1) record(writer, {incident("192.0.2.1", 1)});
    return turns < 2;
  }});
  const auto stopped = store.backup(copy);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == StoreError::Code::stopped);
  auto former = open(copy, Store::Mode::read);
  CHECK(snapshot(former, kNow).listings.empty());
  CHECK_FALSE(std::filesystem::exists(copy + ".part"));
}

TEST_CASE("a dated backup removes what an interrupted one left, and nothing that others write or own",
          "[schema][backup]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  const auto write = [&](const std::string& name) { std::ofstream(folder.file(name)) << "incomplete"; };
  for (const auto* const name : {"b-2026-11-26.db.part", "b-2026-11-26.db.part-journal", "b-2026-11-27.db.part",
                                 "b-2026-11-2.db.part", "c-2026-11-26.db.part", "b-2026-11-26.db", "notes.part"}) {
    write(name);
  }
  const int locked = ::open(folder.file("b-2026-11-27.db.part").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(flock(locked, LOCK_EX | LOCK_NB) == 0);
  REQUIRE(store.backup(folder.file("b-2026-11-28.db")));
  CHECK_FALSE(std::filesystem::exists(folder.file("b-2026-11-26.db.part")));
  CHECK_FALSE(std::filesystem::exists(folder.file("b-2026-11-26.db.part-journal")));
  for (const auto* const name : {"b-2026-11-27.db.part", "b-2026-11-2.db.part", "c-2026-11-26.db.part",
                                 "b-2026-11-26.db", "notes.part", "b-2026-11-28.db"}) {
    CAPTURE(name);
    CHECK(std::filesystem::exists(folder.file(name)));
  }
  close(locked);
}

TEST_CASE("a path without a folder stands for a file in the working directory", "[schema][mishap]") {
  CHECK(schema::folder_of("blowback.db") == ".");
  CHECK(schema::folder_of("var/blowback.db") == "var");
  CHECK(schema::folder_of("/blowback.db") == "/");
  const Folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  {
    auto store = open("a.db");
    CHECK(store.backup("copy.db"));
    CHECK(store.keep_up(kNow, {}, {}, &score::reckon));
  }
  CHECK(std::filesystem::exists(folder.file("copy.db")));
  std::filesystem::current_path(before);
}

TEST_CASE("a restored backup's serial is past all that were served", "[schema][backup][rfc1982]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  const auto copy = folder.file("copy.db");
  const auto now = kNow + std::chrono::hours{24};
  const auto decide = [](Store& store, const std::string& prefix) {
    const std::vector prefixes{Prefix::parse(prefix).value()};
    REQUIRE(store.list(prefixes, std::nullopt, {.who = "olga", .reason = "r"}, kNow));
    return value(store.serial());
  };
  // A new serial is newer for a secondary with any earlier one, and the journal goes on without a gap that anybody trusts.
  const auto expect_continued = [&](Serial served, Serial restored) {
    CHECK(restored > served);
    CHECK(restored - served < (Serial{1} << 31U));
    auto store = open(file);
    CHECK(value(store.serial()) == restored);
    CHECK(value(store.check_integrity()).empty());
    CHECK(decide(store, "198.51.100.7") == restored + 1);
    CHECK(value(store.check_integrity()).empty());
    int listings = 0;
    CHECK(value(store.snapshot(
              kNow, [&](const Listing&) { ++listings; }, [](const Exemption&) { FAIL("none was made"); })) ==
          restored + 1);
    CHECK(listings == 2);  // the backup's, and the new one
  };
  Serial at_backup = 0;
  Serial served = 0;
  {
    auto store = open(file);
    at_backup = decide(store, "192.0.2.1");
    REQUIRE(store.backup(copy));
    for (int i = 2; i < 7; ++i) served = decide(store, "192.0.2." + std::to_string(i));
    REQUIRE(served == at_backup + 5);
  }
  SECTION("if the database continued the backup, it is the next one") {
    const auto restored = value(Store::restore(copy, file, now));
    CHECK(restored.backup_serial == at_backup);
    CHECK(restored.knows_former);
    CHECK(restored.serial == served + 1);
    expect_continued(served, restored.serial);
    SECTION("and again after another restoration") {
      std::filesystem::remove(restored.kept);
      const auto again = value(Store::restore(copy, file, now));
      CHECK(again.serial == restored.serial + 2);
      expect_continued(restored.serial + 1, again.serial);
    }
  }
  SECTION("if it is damaged or lost, or has another history, it is further than the journal can have been") {
    const auto how = GENERATE(as<std::string>(), "damaged", "lost", "begun anew");
    CAPTURE(how);
    if (how == "damaged") {
      std::ofstream(file, std::ios::trunc) << std::string(8192, 'x');
    } else {
      std::filesystem::remove(file);
    }
    if (how == "begun anew") {
      auto store = open(file);
      decide(store, "203.0.113.1");
    }
    const auto restored = value(Store::restore(copy, file, now));
    CHECK_FALSE(restored.knows_former);
    CHECK(restored.serial == at_backup + 24 * 3600 * 500);  // 500 changes a second for a day
    expect_continued(served, restored.serial);
  }
  SECTION("an empty backup, too") {
    const auto empty = folder.file("empty.db");
    const auto of_empty = folder.file("empty-copy.db");
    REQUIRE(open(empty).backup(of_empty));
    const auto restored = value(Store::restore(of_empty, file, now));
    CHECK(restored.serial == served + 1);
    CHECK(value(open(file).serial()) == served + 1);
    CHECK(value(open(file).check_integrity()).empty());
  }
  SECTION("a backup of long ago moves it by less than half of the serials") {
    std::filesystem::remove(file);
    const auto restored = value(Store::restore(copy, file, kNow + std::chrono::hours{24 * 3650}));
    CHECK(restored.serial - at_backup <= (Serial{1} << 30U));
    CHECK(restored.serial - at_backup > (Serial{1} << 29U));
  }
}

TEST_CASE("a backup is restored in the place of a database that nobody has open", "[schema][backup]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  const auto copy = folder.file("copy.db");
  {
    auto store = open(file);
    record(store, {incident("192.0.2.1", 1)});
    REQUIRE(store.backup(copy));
    record(store, {incident("192.0.2.1", 2)});
  }
  SECTION("once") {
    const auto restored = value(Store::restore(copy, file, kNow));
    CHECK(restored.format == schema::schema_version());
    CHECK(restored.kept == file + ".before-restore");
    CHECK(value(open(file).stats(kNow)).incidents == 1);
    CHECK(value(open(restored.kept).stats(kNow)).incidents == 2);
    CHECK_FALSE(Store::restore(copy, file, kNow));  // what an earlier one kept is not replaced
    CHECK(value(open(file).stats(kNow)).incidents == 1);
  }
  SECTION("where the database is damaged, and its WAL is of no use to the backup") {
    std::ofstream(file, std::ios::trunc) << std::string(8192, 'x');
    std::ofstream(file + "-wal") << "of the damaged one";
    CHECK(value(Store::restore(copy, file, kNow)).kept == file + ".before-restore");
    CHECK_FALSE(std::filesystem::exists(file + "-wal"));
    CHECK(value(open(file).stats(kNow)).incidents == 1);
  }
  SECTION("where there is none any more") {
    std::filesystem::remove(file);
    CHECK(value(Store::restore(copy, file, kNow)).kept.empty());
    CHECK(value(open(file).stats(kNow)).incidents == 1);
  }
  SECTION("but not where it is damaged, of a newer program, or no backup") {
    std::ofstream(folder.file("notes")) << "mine";
    CHECK(Store::restore(folder.file("notes"), file, kNow).error().code == StoreError::Code::corrupt);
    CHECK(Store::restore(folder.file("none"), file, kNow).error().code == StoreError::Code::missing);
    CHECK_FALSE(Store::restore(file, file, kNow));
    run_sql(copy, "PRAGMA user_version = 99");
    CHECK_FALSE(Store::restore(copy, file, kNow));
    run_sql(copy, "PRAGMA user_version = " + std::to_string(schema::schema_version()));
    std::filesystem::resize_file(copy, std::filesystem::file_size(copy) - 4096);
    CHECK(Store::restore(copy, file, kNow).error().code == StoreError::Code::corrupt);
    CHECK_FALSE(std::filesystem::exists(file + ".restore"));
    CHECK(value(open(file).stats(kNow)).incidents == 2);
  }
}

TEST_CASE("the check finds a listing that the journal doesn't know and a hole in the journal", "[schema]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = open(file);
    const std::vector<Prefix> three{net("192.0.2.1"), net("192.0.2.2"), net("192.0.2.3")};
    value(store.list(three, std::nullopt, kDecision, kNow));
    CHECK(value(store.check_integrity()).empty());
  }
  run_sql(file, "DELETE FROM listing_change WHERE serial = 2");
  auto store = open(file);
  const auto findings = value(store.check_integrity());
  CHECK(findings.size() == 2);
}

TEST_CASE("a database without write permission is reported, and stays unchanged", "[schema]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  {
    auto store = open(file);
    record(store, {incident("192.0.2.1", 1)});
  }
  auto store = open(file, Store::Mode::read);
  schema::Batch batch;
  batch.feed = "test";
  const auto refused = store.record(batch, demonstration(), &score::assess, kNow);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == StoreError::Code::read_only);
}

TEST_CASE("a file that is no database is refused, and stays unchanged", "[schema][mishap]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  SECTION("an empty file: what it held is lost, and nobody begins anew by himself") {
    std::ofstream{file};
    for (const auto mode : {Store::Mode::create, Store::Mode::write, Store::Mode::read, Store::Mode::follow}) {
      CHECK(failure(file, mode) == StoreError::Code::corrupt);
    }
    CHECK(std::filesystem::file_size(file) == 0);
  }
  SECTION("an empty file, with the write-ahead log of what it was") {
    std::ofstream{file};
    std::ofstream(file + "-wal") << std::string(4096, 'x');
    CHECK(failure(file, Store::Mode::create) == StoreError::Code::corrupt);
    CHECK(std::filesystem::file_size(file + "-wal") == 4096);
  }
  SECTION("a directory") {
    std::filesystem::create_directory(file);
    CHECK(failure(file, Store::Mode::create) == StoreError::Code::corrupt);
  }
  SECTION("a FIFO, which is never waited for") {
    REQUIRE(mkfifo(file.c_str(), 0600) == 0);
    for (const auto mode : {Store::Mode::create, Store::Mode::follow}) {
      CHECK(failure(file, mode) == StoreError::Code::corrupt);
    }
  }
  SECTION("a link to nothing") {
    std::filesystem::create_symlink(folder.file("elsewhere.db"), file);
    CHECK(failure(file, Store::Mode::create) == StoreError::Code::missing);
    CHECK_FALSE(std::filesystem::exists(folder.file("elsewhere.db")));
  }
  CHECK(failure("/dev/null", Store::Mode::create) == StoreError::Code::corrupt);
}

TEST_CASE("a link to a database is followed", "[schema][mishap]") {
  const Folder folder;
  open(folder.file("real.db"));
  std::filesystem::create_symlink(folder.file("real.db"), folder.file("a.db"));
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1)});
  CHECK(value(open(folder.file("real.db"), Store::Mode::read).stats(kNow)).incidents == 1);
  CHECK(value(store.follow_file()) == Store::Followed::same);
}

TEST_CASE("nobody but owner and group may read a database, its log, or a copy of it", "[schema][mishap]") {
  const Folder folder;
  const mode_t before = umask(0);
  const auto file = folder.file("a.db");
  auto store = open(file);
  record(store, {incident("192.0.2.1", 1)});
  REQUIRE(store.backup(folder.file("copy.db")));
  umask(before);
  for (const auto& name : {file, file + "-wal", file + "-shm", folder.file("copy.db")}) {
    CAPTURE(name);
    CHECK((std::filesystem::status(name).permissions() & std::filesystem::perms::others_all) ==
          std::filesystem::perms::none);
  }
}

TEST_CASE("several processes that create a database at once create one, and none sees it incomplete",
          "[schema][mishap]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  std::array<std::optional<int>, 6> found;
  {
    std::vector<std::jthread> starting;
    for (auto& one : found) {
      starting.emplace_back([&] {
        auto store = Store::open(file, Store::Mode::create);
        if (store) one = store->version_found();
      });
    }
  }
  for (const auto& one : found) REQUIRE(one);
  CHECK(std::ranges::count(found, std::optional(0)) == 1);
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(file.substr(0, file.rfind('/')))) {
    left.push_back(entry.path().filename());
  }
  CHECK(left == std::vector<std::string>{"a.db"});
}

namespace {

/// Starts `body` in a process of its own. It is to be called where no other thread runs: a forked process can't take a lock of
/// an allocator that another thread held.
pid_t start_process(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  REQUIRE(child > 0);
  return child;
}

/// What the body of that process said, once it has ended.
bool said_yes(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Runs `body` as somebody who isn't root, who may write everything. False: it is no such process, or `body` said so.
bool as_nobody(const std::function<bool()>& body) {
  return said_yes(start_process([&] {
    constexpr id_t kNobody = 65534;
    const bool is_one = geteuid() != 0 || (setgid(kNobody) == 0 && setuid(kNobody) == 0);
    return is_one && body();
  }));
}

}  // namespace

TEST_CASE("a writer notices that its database was removed, emptied or replaced", "[schema][mishap]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  auto store = open(file);
  record(store, {incident("192.0.2.1", 1)});
  CHECK(value(store.follow_file()) == Store::Followed::same);
  const auto refused = [&] {
    const auto followed = store.follow_file();
    REQUIRE_FALSE(followed);
    CAPTURE(followed.error().text);
    CHECK(followed.error().text.starts_with(file));
    return followed.error().code;
  };

  SECTION("moved away and back: nothing has happened") {
    std::filesystem::rename(file, folder.file("away"));
    CHECK(refused() == StoreError::Code::missing);
    std::filesystem::rename(folder.file("away"), file);
    CHECK(value(store.follow_file()) == Store::Followed::same);
    record(store, {incident("192.0.2.1", 2)});
    CHECK(value(open(file, Store::Mode::read).stats(kNow)).incidents == 2);
  }
  SECTION("emptied") {
    std::filesystem::resize_file(file, 0);
    CHECK(refused() == StoreError::Code::corrupt);
  }
  SECTION("replaced by something else") {
    std::filesystem::rename(file, folder.file("away"));
    std::ofstream(file) << std::string(8192, 'x');
    CHECK(refused() == StoreError::Code::corrupt);
    std::filesystem::remove(file);
    run_sql(file, "CREATE TABLE mine (x)");
    CHECK(refused() == StoreError::Code::corrupt);
  }
  SECTION("without its log: what is in that is saved, and the file is opened anew") {
    REQUIRE(std::filesystem::remove(file + "-wal"));
    record(store, {incident("192.0.2.2", 2)});
    CHECK(value(store.follow_file()) == Store::Followed::another);
    CHECK(value(store.follow_file()) == Store::Followed::same);
    record(store, {incident("192.0.2.3", 3)});
    // As another process sees it.
    CHECK(said_yes(start_process([&] {
      auto other = Store::open(file, Store::Mode::read);
      return other && value(other->stats(kNow)).incidents == 3;
    })));
    CHECK(value(store.check_integrity()).empty());
  }
  SECTION("with another log in the place of its own: nobody's is played back into the other's") {
    std::filesystem::rename(file + "-wal", folder.file("away"));
    std::ofstream(file + "-wal") << "something";
    CHECK(refused() == StoreError::Code::corrupt);
    std::filesystem::rename(folder.file("away"), file + "-wal");
    CHECK(value(store.follow_file()) == Store::Followed::same);
  }
  SECTION("replaced by a backup, with the old one's log left behind: the log isn't played back into it") {
    REQUIRE(store.backup(folder.file("copy.db")));
    record(store, {incident("192.0.2.2", 2), incident("192.0.2.3", 3)});
    REQUIRE(std::filesystem::file_size(file + "-wal") > 0);
    std::filesystem::rename(folder.file("copy.db"), file);
    CHECK(value(store.follow_file()) == Store::Followed::another);
    CHECK(value(store.follow_file()) == Store::Followed::same);
    CHECK(value(store.check_integrity()).empty());
    CHECK(value(store.stats(kNow)).incidents == 1);
    record(store, {incident("192.0.2.4", 4)});
    CHECK(value(open(file, Store::Mode::read).stats(kNow)).incidents == 2);
    CHECK(std::filesystem::exists(file + ".replaced-wal"));
  }
}

TEST_CASE("a follower can read without write permission if no process has the database open", "[schema][mishap]") {
  const Folder folder;
  const auto file = folder.file("a%20b?c#.db");
  {
    auto store = open(file);
    record(store, {incident("192.0.2.1", 1), incident("192.0.2.1", 2), incident("192.0.2.1", 3)});
  }
  REQUIRE_FALSE(std::filesystem::exists(file + "-wal"));
  std::filesystem::permissions(file, std::filesystem::perms{0444});
  std::filesystem::permissions(file.substr(0, file.rfind('/')), std::filesystem::perms{0555});
  CHECK(as_nobody([&] {
    auto store = Store::open(file, Store::Mode::follow);
    return store && value(store->serial()) > 0 && !store->is_overtaken();
  }));
  // Questions of a person could see two states at once, so they are told what to do instead.
  CHECK(as_nobody([&] {
    const auto store = Store::open(file, Store::Mode::read);
    return !store && store.error().code == StoreError::Code::read_only &&
           store.error().text.contains("blowback-ingest");
  }));
  std::filesystem::permissions(file.substr(0, file.rfind('/')), std::filesystem::perms{0755});
  std::filesystem::permissions(file, std::filesystem::perms{0644});
}

TEST_CASE("a follower that reads without locks notices a writer", "[schema][mishap]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  open(file);
  std::filesystem::permissions(file, std::filesystem::perms{0666});
  std::filesystem::permissions(file.substr(0, file.rfind('/')), std::filesystem::perms{0555});
  std::array<int, 2> to_reader{};
  std::array<int, 2> to_writer{};
  REQUIRE((pipe(to_reader.data()) == 0 && pipe(to_writer.data()) == 0));
  const auto writer = start_process([&] {
    close(to_writer[1]);  // so that a reader who ends early is noticed
    char octet = 0;
    if (read(to_writer[0], &octet, 1) != 1) return false;
    std::filesystem::permissions(file.substr(0, file.rfind('/')), std::filesystem::perms{0755});
    {
      auto store = Store::open(file, Store::Mode::write);
      if (!store || !store->retire_trap("a@trap.example.net", kDecision, kNow)) return false;
    }
    return write(to_reader[1], "x", 1) == 1;
  });
  close(to_reader[1]);
  CHECK(as_nobody([&] {
    auto store = Store::open(file, Store::Mode::follow);
    const bool was_current = store && !store->is_overtaken();
    char octet = 0;
    if (write(to_writer[1], "x", 1) != 1 || read(to_reader[0], &octet, 1) != 1) return false;
    return was_current && store->is_overtaken();
  }));
  for (const int fd : {to_reader[0], to_writer[0], to_writer[1]}) close(fd);
  CHECK(said_yes(writer));
}

TEST_CASE("of two backups to one file the second is refused, and the first is completed", "[schema][backup]") {
  const Folder folder;
  auto store = open(folder.file("a.db"));
  record(store, {incident("192.0.2.1", 1)});
  const auto part = folder.file("copy.db.part");
  std::ofstream(part) << "of one that is being made";
  const int other = ::open(part.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(flock(other, LOCK_EX) == 0);
  const auto refused = store.backup(folder.file("copy.db"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.contains("another process is writing"));
  CHECK(std::filesystem::exists(part));
  close(other);  // as a kill does
  REQUIRE(store.backup(folder.file("copy.db")));
  CHECK_FALSE(std::filesystem::exists(part));
  CHECK(value(open(folder.file("copy.db"), Store::Mode::read).stats(kNow)).incidents == 1);
}

TEST_CASE("if the path is a link, the database is replaced, and not the link", "[schema][backup][compact]") {
  const Folder folder;
  const auto file = folder.file("real.db");
  const auto link = folder.file("link.db");
  {
    auto store = open(file);
    record(store, {incident("192.0.2.1", 1)});
    REQUIRE(store.backup(folder.file("copy.db")));
    record(store, {incident("192.0.2.2", 2)});
  }
  std::filesystem::create_symlink(file, link);
  run_sql(file, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM");
  CHECK(value(Store::compact(link, {})).built_anew);
  CHECK(std::filesystem::is_symlink(link));
  CHECK(value(open(file, Store::Mode::read).stats(kNow)).incidents == 2);
  value(Store::restore(folder.file("copy.db"), link, kNow));
  CHECK(std::filesystem::is_symlink(link));
  CHECK(value(open(file, Store::Mode::read).stats(kNow)).incidents == 1);
}

TEST_CASE("free pages are returned to the file system", "[schema][compact]") {
  const Folder folder;
  const auto file = folder.file("a.db");
  const bool is_old = GENERATE(false, true);
  std::vector<Prefix> many;
  for (std::uint32_t i = 0; i < 20'000; ++i) many.push_back(Prefix::of(IpAddress::from_v4(0x0b000000U + i)));
  {
    auto store = open(file);
    value(store.list(many, std::nullopt, kDecision, kNow));
    value(store.delist(net("11.0.0.0/16"), kDecision, kNow));
  }
  // As a database that an earlier version made.
  if (is_old) run_sql(file, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM");
  run_sql(file, "CREATE TABLE room (x); INSERT INTO room VALUES (zeroblob(3000000)); DROP TABLE room");
  const auto size = std::filesystem::file_size(file);
  int slices = 0;
  const auto compacted = value(Store::compact(file, {.rest = {}, .between = [&](std::uint64_t, std::uint64_t) {
                                                       ++slices;
                                                       return true;
                                                     }}));
  CHECK(compacted.built_anew == is_old);
  CHECK((slices > 1) == !is_old);
  CHECK(compacted.octets_after + 2'900'000 < compacted.octets_before);
  CHECK(std::filesystem::file_size(file) < size);
  CHECK_FALSE(value(Store::compact(file, {})).built_anew);
  auto store = open(file);
  CHECK(value(store.check_integrity()).empty());
  CHECK(value(store.audit(9)).size() == 2);
}
