// What is removed from a Maildir's cur/: old mail, and nothing else.
#include "catch.h"
#include "feed/old_mail.h"
#include "folder.h"

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

using namespace blowback;

namespace {

namespace fs = std::filesystem;

std::string maildir(const test::Folder& folder, int files) {
  const auto path = folder.file("Maildir");
  for (const char* const name : {"new", "cur", "tmp"}) fs::create_directories(path + "/" + name);
  for (int i = 0; i < files; ++i) std::ofstream(path + "/cur/" + std::to_string(i) + ".host:2,S") << "mail";
  return path;
}

/// A time at which everything that exists now is old.
UnixTime tomorrow() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::days{1};
}

/// A complete pass through `maildir`.
std::expected<std::size_t, feed::FeedError> remove_old_mail(const std::string& maildir, UnixTime before) {
  feed::OldMailPass pass(maildir);
  std::size_t removed = 0;
  while (true) {
    auto step = pass.go_on(before, std::chrono::steady_clock::now());
    if (!step) return std::unexpected(std::move(step).error());
    removed += step->removed;
    if (step->at_end) return removed;
  }
}

}  // namespace

TEST_CASE("old mail in cur/ is removed", "[feed][retention]") {
  const test::Folder folder;
  const auto path = maildir(folder, 5);
  CHECK(remove_old_mail(path, tomorrow() - std::chrono::days{2}).value() == 0);
  CHECK(remove_old_mail(path, tomorrow()).value() == 5);
  CHECK(fs::is_empty(path + "/cur"));
}

TEST_CASE("a pass through cur/ stops when its time is over, continues there, and starts again at the end",
          "[feed][retention]") {
  const test::Folder folder;
  const auto path = maildir(folder, 500);
  feed::OldMailPass pass(path);
  const auto over = std::chrono::steady_clock::now();
  int steps = 0;
  std::size_t removed = 0;
  for (bool at_end = false; !at_end; ++steps) {
    const auto step = pass.go_on(tomorrow(), over).value();
    CHECK(step.removed <= 32);
    removed += step.removed;
    at_end = step.at_end;
  }
  CHECK(removed == 500);
  CHECK(steps > 500 / 32);
  std::ofstream(path + "/cur/later.host:2,S") << "mail";
  const auto again = pass.go_on(tomorrow(), over).value();
  CHECK(again.removed == 1);
  CHECK(again.at_end);
}

TEST_CASE("mail that was old when it was read is kept as long as any other", "[feed][retention]") {
  const test::Folder folder;
  const auto path = maildir(folder, 1);
  fs::last_write_time(path + "/cur/0.host:2,S", fs::file_time_type::clock::now() - std::chrono::hours{24 * 400});
  CHECK(remove_old_mail(path, tomorrow() - std::chrono::days{2}).value() == 0);
}

TEST_CASE("nothing but mail is removed, and no link is followed", "[feed][retention]") {
  const test::Folder folder;
  const auto path = maildir(folder, 1);
  const auto elsewhere = folder.file("elsewhere");
  std::ofstream(elsewhere) << "mine";
  std::ofstream(path + "/new/1.host") << "not read yet";
  fs::create_symlink(elsewhere, path + "/cur/link");
  fs::create_directory(path + "/cur/folder");
  CHECK(remove_old_mail(path, tomorrow()).value() == 1);
  CHECK(fs::exists(elsewhere));
  CHECK(fs::exists(path + "/new/1.host"));
  CHECK(fs::is_symlink(path + "/cur/link"));
  CHECK(fs::is_directory(path + "/cur/folder"));
}

TEST_CASE("a Maildir without cur/ has nothing to remove; a file instead of it is reported", "[feed][retention]") {
  const test::Folder folder;
  CHECK(remove_old_mail(folder.file("nowhere"), tomorrow()).value() == 0);
  fs::create_directories(folder.file("odd"));
  std::ofstream(folder.file("odd") + "/cur") << "a file";
  const auto refused = remove_old_mail(folder.file("odd"), tomorrow());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find("/odd/cur") != std::string::npos);
}
