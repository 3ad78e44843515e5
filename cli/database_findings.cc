#include "database_findings.h"

#include "dns/bystanders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kLittleRoom = 1024 * kMiB;
constexpr std::uint64_t kNoRoom = 100 * kMiB;
constexpr std::uint64_t kLargeWal = 256 * kMiB;
constexpr Duration kSilence = std::chrono::days{1};

[[nodiscard]] bool may(const fs::path& path, int mode) { return ::access(path.c_str(), mode) == 0; }

class DatabaseExamination {
 public:
  DatabaseExamination(const config::Config& config, UnixTime now, Findings& findings)
      : config_(config), now_(now), findings_(findings) {}

  [[nodiscard]] std::optional<schema::Store> look() && {
    look_at_files();
    auto store = schema::Store::open(config_.database, schema::Store::Mode::read);
    if (!store) {
      findings_.bad("database", store.error().text, "without it there is no list; the message says what to do");
      return std::nullopt;
    }
    store_.emplace(std::move(*store));
    findings_.good("database", fmt::format("{}, format {}", config_.database, store_->version_found()));
    if (const auto wrong = store_->quick_check(); !wrong) {
      findings_.bad("integrity", wrong.error().text, "run `blowback db check`");
    } else if (!wrong->empty()) {
      findings_.bad("integrity", wrong->front(),
                    "stop both daemons and restore the last backup; `blowback db check` has details");
    } else {
      findings_.good("integrity", "SQLite's quick check finds no damage");
    }
    look_at_disk();
    look_at_times();
    look_at_unfinished();
    look_at_news();
    look_at_reach(*store_, now_, findings_);
    return std::move(store_);
  }

 private:
  /// Owner and mode of the database, of the files that SQLite creates beside it and of copies that migrations keep: root may have
  /// created one, or other users may be able to read it.
  void look_at_files() {
    const fs::path database(config_.database);
    const auto folder = database.has_parent_path() ? database.parent_path() : fs::path(".");
    struct stat owner{};
    std::error_code error;
    if (::stat(folder.c_str(), &owner) != 0) return;
    std::vector<std::string> foreign;
    std::vector<std::string> open_to_all;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const auto name = entry.path().filename().string();
      const auto rest = std::string_view(name).substr(0, database.filename().string().size());
      struct stat file{};
      if (rest != database.filename() || ::stat(entry.path().c_str(), &file) != 0 || !S_ISREG(file.st_mode)) continue;
      const bool by_group = file.st_gid == owner.st_gid && (file.st_mode & S_IWGRP) != 0;
      // If root owns the folder, its owner isn't the daemons' user.
      if (owner.st_uid != 0 && file.st_uid != owner.st_uid && !by_group) foreign.push_back(name);
      if ((file.st_mode & S_IRWXO) != 0) open_to_all.push_back(name);
    }
    if (!foreign.empty()) {
      findings_.bad("owner",
                    fmt::format("{}: has another owner than the folder, so blowback-ingest can't write to it",
                                fmt::join(foreign, ", ")),
                    fmt::format("`chown --reference={0} {0}/{1}*`; run `blowback` as that user", folder.string(),
                                database.filename().string()));
    } else {
      findings_.good("owner", "the database's files have the owner of their folder");
    }
    if (!open_to_all.empty()) {
      findings_.doubtful(
          "privacy",
          fmt::format("{}: other users can read it, and it contains parts of mail", fmt::join(open_to_all, ", ")),
          fmt::format("`chmod o-rwx {}/{}*`", folder.string(), database.filename().string()));
    } else {
      findings_.good("privacy", "only owner and group can read the database's files");
    }
  }

  void look_at_disk() {
    const fs::path database(config_.database);
    const auto folder = database.has_parent_path() ? database.parent_path() : fs::path(".");
    if (may(database, W_OK) && may(folder, W_OK)) {
      findings_.good("writable", "the database and its folder");
    } else {
      findings_.doubtful(
          "writable", "this user can't write to the database or its folder",
          "run this as the user who runs blowback-ingest; if you do, make that user the owner of the folder");
    }
    struct statvfs room{};
    if (::statvfs(folder.c_str(), &room) == 0) {
      const auto free = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
      const auto text = fmt::format("{} MiB free in {}", free / kMiB, folder.string());
      constexpr auto kMend =
          "free space, or move the database; a full disk stops recording, but loses nothing that is stored";
      if (free < kNoRoom) {
        findings_.bad("disk", text, kMend);
      } else if (free < kLittleRoom) {
        findings_.doubtful("disk", text, kMend);
      } else {
        findings_.good("disk", text);
      }
    }
    std::error_code error;
    const auto size = fs::file_size(config_.database + "-wal", error);
    const auto wal = error ? 0 : static_cast<std::uint64_t>(size);
    const auto text = fmt::format("the write-ahead log has {} MiB", wal / kMiB);
    if (wal > kLargeWal) {
      findings_.doubtful(
          "wal", text,
          fmt::format("a program has been reading for very long: `fuser -v {}` shows which; end it, and the "
                      "next commits shrink the log",
                      config_.database));
    } else {
      findings_.good("wal", text);
    }
  }

  /// If there are any, the clock was ahead when they were written, or is behind now.
  void look_at_times() {
    const auto ahead = store_->times_ahead(now_);
    if (!ahead) {
      findings_.bad("times", ahead.error().text, "run `blowback db check`");
      return;
    }
    std::string found;
    const auto add = [&](std::string_view what, const std::optional<UnixTime>& at) {
      if (at) found += fmt::format("{}{} of {}", found.empty() ? "" : ", ", what, to_iso8601(*at));
    };
    add("an incident", ahead->incident);
    add("a decision", ahead->decision);
    add("a change in the journal", ahead->change);
    if (found.empty()) {
      findings_.good("times", "no time in the database is in the future");
      return;
    }
    findings_.doubtful(
        "times", "in the future: " + found,
        "make sure that the clock of this machine is right (chronyc tracking, timedatectl). If it is now, it was "
        "ahead then: blowback-ingest repairs what follows from that, except for ends of operators' listings (`blowback "
        "log`)");
  }

  void look_at_unfinished() {
    const auto entries = store_->unfinished();
    if (!entries) return;
    for (const auto& entry : *entries) {
      const bool needs_its_file = entry.action == "import" || entry.action == "list";
      findings_.doubtful(
          fmt::format("entry {}", entry.id),
          fmt::format("{} {} by {} isn't complete: it was interrupted, or is still running", entry.action,
                      harmless(entry.subject), harmless(entry.who)),
          fmt::format("if it isn't running, {}, or reverse it: `blowback undo {}`",
                      needs_its_file ? "run the same command again" : "let blowback-ingest run, which completes it",
                      entry.id));
    }
  }

  void look_at_news() {
    const auto stats = store_->stats(now_);
    if (!stats) {
      findings_.bad("statistics", stats.error().text, "run `blowback db check`");
      return;
    }
    for (const auto& feed : config_.feeds) {
      const auto name = "news " + feed.name;
      const auto known = std::ranges::find(stats->feeds, feed.name, &schema::Stats::Feed::name);
      if (known == stats->feeds.end() || !known->last_delivery) {
        findings_.doubtful(name, "this feed has never delivered anything",
                           "start blowback-ingest, send a message to one of its traps, and see its log");
        continue;
      }
      const auto age = now_ - *known->last_delivery;
      const auto text = "last delivery " + when(*known->last_delivery, now_);
      if (age > kSilence) {
        findings_.doubtful(name, text, "check that blowback-ingest runs, and that mail for the traps still arrives");
      } else {
        findings_.good(name, text);
      }
      const auto& counts = known->counts;
      if (counts.unknown_reverse_path > counts.incidents / 2) {
        findings_.doubtful(
            "reverse path " + feed.name,
            fmt::format("{} of its {} incidents have no reverse-path, so they don't count against anybody",
                        counts.unknown_reverse_path, counts.incidents),
            "have your mail server add Return-Path: above its Received: line (Postfix's virtual and local "
            "do, its pipe with flags=R), or use a feed that has the reverse-path (smtp, lmtp, milter, mail_from)");
      }
    }
  }

  const config::Config& config_;
  UnixTime now_;
  Findings& findings_;
  std::optional<schema::Store> store_;
};

}  // namespace

std::optional<schema::Store> look_at_database(const config::Config& config, UnixTime now, Findings& findings) {
  return DatabaseExamination(config, now, findings).look();
}

}  // namespace blowback::cli
