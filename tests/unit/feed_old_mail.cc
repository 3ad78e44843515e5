// What is removed from a Maildir's cur/ in time: mail that lay there long enough, and nothing else.
#include "feed/feed.h"
#include "folder.h"

#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace blowback;

namespace {

namespace fs = std::filesystem;

std::string maildir(const test::Folder& folder, int files) {
  const auto path = folder.file("Maildir");
  for (const char* const name : {"new", "cur", "tmp"}) fs::create_directories(path + "/" + name);
  for (int i = 0; i < files; ++i) std::ofstream(path + "/cur/" + std::to_string(i) + ".host:2,S") << "mail";
  return path;
}

/// All that was changed by now is old seen from then.
UnixTime tomorrow() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::days{1};
}

}  // namespace

TEST_CASE("mail in cur/ goes once it has lain there, so many files at once", "[feed][retention]") {
  const test::Folder folder;
  const auto path = maildir(folder, 5);
  CHECK(feed::remove_old_mail(path, tomorrow() - std::chrono::days{2}, 10).value() == 0);
  CHECK(feed::remove_old_mail(path, tomorrow(), 3).value() == 3);
  CHECK(feed::remove_old_mail(path, tomorrow(), 10).value() == 2);
  CHECK(fs::is_empty(path + "/cur"));
}

TEST_CASE("mail that was old when it was read stays as long as any", "[feed][retention]") {
  const test::Folder folder;
  const auto path = maildir(folder, 1);
  fs::last_write_time(path + "/cur/0.host:2,S", fs::file_time_type::clock::now() - std::chrono::hours{24 * 400});
  CHECK(feed::remove_old_mail(path, tomorrow() - std::chrono::days{2}, 10).value() == 0);
}

TEST_CASE("nothing but mail is removed, and no link is followed", "[feed][retention]") {
  const test::Folder folder;
  const auto path = maildir(folder, 1);
  const auto elsewhere = folder.file("elsewhere");
  std::ofstream(elsewhere) << "mine";
  std::ofstream(path + "/new/1.host") << "not read yet";
  fs::create_symlink(elsewhere, path + "/cur/link");
  fs::create_directory(path + "/cur/folder");
  CHECK(feed::remove_old_mail(path, tomorrow(), 10).value() == 1);
  CHECK(fs::exists(elsewhere));
  CHECK(fs::exists(path + "/new/1.host"));
  CHECK(fs::is_symlink(path + "/cur/link"));
  CHECK(fs::is_directory(path + "/cur/folder"));
}

TEST_CASE("a Maildir without cur/ has nothing to remove, a file in its place is told", "[feed][retention]") {
  const test::Folder folder;
  CHECK(feed::remove_old_mail(folder.file("nowhere"), tomorrow(), 10).value() == 0);
  fs::create_directories(folder.file("odd"));
  std::ofstream(folder.file("odd") + "/cur") << "a file";
  const auto refused = feed::remove_old_mail(folder.file("odd"), tomorrow(), 10);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find("/odd/cur") != std::string::npos);
}
