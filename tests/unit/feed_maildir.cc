// The maildir feed: what it reads, when it moves files, and what it skips.
#include "feed_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <sys/resource.h>
#include <thread>

namespace blowback::feed {
namespace {

struct Mailbox : Folder {
  Mailbox() {
    for (const char* const name : {"tmp", "new", "cur"}) std::filesystem::create_directory(path(name));
  }
  /// As a mail server delivers: writes to tmp, renames to new.
  void deliver(const std::string& name, std::string_view bytes) const {
    write_file(path("tmp/" + name), bytes);
    std::filesystem::rename(path("tmp/" + name), path("new/" + name));
  }
  [[nodiscard]] Words names(const std::string& folder) const {
    Words names;
    for (const auto& entry : std::filesystem::directory_iterator(path(folder)))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] std::unique_ptr<Feed> open(const std::optional<std::string>& position = {},
                                           AfterCommit after = AfterCommit::move_to_cur) const {
    return opened(open_maildir(path(), after, position));
  }
};

void set_time(const std::string& path, std::int64_t seconds) {
  const timespec times[2]{{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
  REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

bool woken(const Feed& feed, int milliseconds) {
  pollfd ask{.fd = feed.wake_fd(), .events = POLLIN, .revents = 0};
  return poll(&ask, 1, milliseconds) == 1;
}

TEST_CASE("a Maildir's new files are read in the order of their names, with the file's time", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("2.b", "second");
  box.deliver("1.a", "first");
  write_file(box.path("tmp/3.c"), "unfinished");
  write_file(box.path("cur/0.z:2,S"), "read long ago");
  set_time(box.path("new/1.a"), 1'700'000'000);
  const auto feed = box.open();
  const auto chunk = next(*feed);
  REQUIRE(in_words(chunk) == Words{"1.a: first", "2.b: second"});
  CHECK(chunk.drained);
  const auto& first = delivery(chunk.items[0]);
  CHECK(first.received_at == UnixTime(std::chrono::seconds(1'700'000'000)));
  CHECK_FALSE(first.time_is_told);
  CHECK_FALSE(first.client.has_value());
  CHECK_FALSE(first.mail_from.has_value());
  CHECK(first.rcpt_to.empty());
}

TEST_CASE("files are moved to cur only after the commit", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "x");
  const auto feed = box.open();
  static_cast<void>(next(*feed));
  CHECK(box.names("new") == Words{"1.a"});
  CHECK(feed->committed().has_value());
  CHECK(box.names("new").empty());
  CHECK(box.names("cur") == Words{"1.a:2,"});
  CHECK(next(*feed).items.empty());
}

TEST_CASE("with `remove` files are removed after the commit", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "x");
  const auto feed = box.open({}, AfterCommit::remove);
  static_cast<void>(next(*feed));
  CHECK(feed->committed().has_value());
  CHECK(box.names("new").empty());
  CHECK(box.names("cur").empty());
}

TEST_CASE("a file in cur is never overwritten", "[feed][maildir]") {
  const Mailbox box;
  write_file(box.path("cur/1.a:2,"), "another");
  box.deliver("1.a", "x");
  const auto feed = box.open();
  CHECK(take_all(*feed) == Words{"1.a: x"});
  CHECK(box.names("new").empty());
  CHECK(box.names("cur").size() == 2);
  CHECK(read_file(box.path("cur/1.a:2,")) == "another");
}

TEST_CASE("killed before the commit, the same files are yielded again", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "x");
  static_cast<void>(next(*box.open()));
  CHECK(in_words(next(*box.open())) == Words{"1.a: x"});
}

TEST_CASE("without a commit a feed yields the same again", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "x");
  const auto feed = box.open();
  CHECK(in_words(next(*feed)) == Words{"1.a: x"});
  box.deliver("0.b", "y");
  CHECK(in_words(next(*feed)) == Words{"0.b: y", "1.a: x"});
}

TEST_CASE("killed between commit and move, the files are moved without being read again", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "x");
  box.deliver("2.b c", "y");
  const auto position = next(*box.open()).position;
  REQUIRE(position);
  box.deliver("3.d", "z");
  const auto feed = box.open(position);
  CHECK(take_all(*feed) == Words{"3.d: z"});
  CHECK(box.names("cur") == Words{"1.a:2,", "2.b c:2,", "3.d:2,"});
}

TEST_CASE("a newer file with the name of a committed one is read", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "x");
  const auto first = box.open();
  const auto position = next(*first).position;
  CHECK(first->committed().has_value());
  write_file(box.path("tmp/other"), "keeps the inode of the first from being given again");
  box.deliver("1.a", "y");
  CHECK(take_all(*box.open(position)) == Words{"1.a: y"});
}

TEST_CASE("maildir: an invalid position is ignored", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "x");
  const std::string position = GENERATE("", "nonsense", "1", "1 2", "1 2 ", "\n\n", "x y 1.a", "1 2 ../../etc/passwd");
  CHECK(take_all(*box.open(position)) == Words{"1.a: x"});
}

TEST_CASE("a delivery wakes the feed at once", "[feed][maildir]") {
  const Mailbox box;
  const auto feed = box.open();
  CHECK(take_all(*feed).empty());
  CHECK_FALSE(woken(*feed, 0));
  const bool links = GENERATE(false, true);
  if (links) {  // as qmail does
    write_file(box.path("tmp/1.a"), "x");
    std::filesystem::create_hard_link(box.path("tmp/1.a"), box.path("new/1.a"));
    std::filesystem::remove(box.path("tmp/1.a"));
  } else {
    box.deliver("1.a", "x");
  }
  CHECK(woken(*feed, 1000));
  CHECK(take_all(*feed) == Words{"1.a: x"});
  CHECK(take_all(*feed).empty());
  CHECK_FALSE(woken(*feed, 0));
}

TEST_CASE("a file in new that is open for writing is skipped until it is closed", "[feed][maildir]") {
  const Mailbox box;
  const auto feed = box.open();
  {
    std::ofstream writer(box.path("new/1.a"), std::ios::binary);
    writer << "half a mess" << std::flush;
    CHECK(take_all(*feed).empty());
    writer << "age";
  }
  CHECK(take_all(*feed) == Words{"1.a: half a message"});
}

TEST_CASE("an empty file is skipped for a minute", "[feed][maildir]") {
  const Mailbox box;
  box.deliver("1.a", "");
  const auto feed = box.open();
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  set_time(box.path("new/1.a"), now - 50);
  CHECK(take_all(*feed).empty());
  CHECK(box.names("new") == Words{"1.a"});
  set_time(box.path("new/1.a"), now - 61);
  CHECK(take_all(*feed) == Words{"1.a: (empty)"});
  CHECK(box.names("new").empty());
}

TEST_CASE("anything but a file in new is reported once, and never blocks", "[feed][maildir]") {
  const Mailbox box;
  std::filesystem::create_directory(box.path("new/1.folder"));
  REQUIRE(mkfifo(box.path("new/2.fifo").c_str(), 0600) == 0);
  std::filesystem::create_symlink(box.path("new/3.link"), box.path("new/3.link"));
  std::filesystem::create_symlink("/etc/hostname", box.path("new/4.link"));
  box.deliver("5.\n", "x");
  box.deliver("6.mail", "y");
  write_file(box.path("new/.hidden"), "z");
  const auto feed = box.open();
  CHECK(take_all(*feed) == Words{"1.folder: (unreadable-file)", "2.fifo: (unreadable-file)",
                                 "3.link: (unreadable-file)", "4.link: (unreadable-file)", "5.\n: (unreadable-file)",
                                 "6.mail: y"});
  box.deliver("7.mail", "z");
  CHECK(take_all(*feed) == Words{"7.mail: z"});
}

TEST_CASE("a file without permission is reported once, and read when that is corrected", "[feed][maildir]") {
  if (geteuid() == 0) return;  // root may read everything
  const Mailbox box;
  box.deliver("1.a", "x");
  REQUIRE(chmod(box.path("new/1.a").c_str(), 0) == 0);
  const auto feed = box.open();
  CHECK(take_all(*feed) == Words{"1.a: (unreadable-file)"});
  CHECK(take_all(*feed).empty());
  REQUIRE(chmod(box.path("new/1.a").c_str(), 0600) == 0);
  CHECK(take_all(*feed) == Words{"1.a: x"});
}

TEST_CASE("files that can't be moved are reported, and not read again", "[feed][maildir]") {
  const Mailbox box;
  std::filesystem::remove(box.path("cur"));
  box.deliver("1.a", "x");
  const auto feed = box.open();
  CHECK(next(*feed).items.size() == 1);
  const auto moved = feed->committed();
  REQUIRE_FALSE(moved.has_value());
  CHECK_THAT(moved.error().text, Catch::Contains("cur/"));
  CHECK(take_all(*feed).empty());
  box.deliver("2.b", "y");
  CHECK(in_words(next(*feed)) == Words{"2.b: y"});
}

TEST_CASE("a missing Maildir is an error until it appears", "[feed][maildir]") {
  const Folder folder;
  const auto feed = opened(open_maildir(folder.path("Maildir"), AfterCommit::move_to_cur, {}));
  for (int i = 0; i < 2; ++i) {
    const auto chunk = feed->next({});
    REQUIRE_FALSE(chunk.has_value());
    CHECK_THAT(chunk.error().text, Catch::Contains("create it"));
  }
  for (const char* const name : {"Maildir/new", "Maildir/cur"}) std::filesystem::create_directories(folder.path(name));
  write_file(folder.path("Maildir/new/1.a"), "x");
  CHECK(take_all(*feed) == Words{"1.a: x"});
}

TEST_CASE("a Maildir that is replaced while it is watched is followed", "[feed][maildir]") {
  const Mailbox box;
  const auto feed = box.open();
  CHECK(take_all(*feed).empty());
  std::filesystem::rename(box.path("new"), box.path("old"));
  CHECK_FALSE(feed->next({}).has_value());
  std::filesystem::create_directory(box.path("new"));
  box.deliver("1.a", "x");
  CHECK(take_all(*feed) == Words{"1.a: x"});
}

TEST_CASE("maildir: a message at the limit is read, a larger one reported with its beginning", "[feed][maildir]") {
  const Mailbox box;
  Bounds bounds;
  bounds.message = 2U << 20U;
  box.deliver("1.a", std::string(bounds.message, 'x'));
  box.deliver("2.b", std::string(bounds.message + 1, 'y'));
  const auto feed = box.open();
  const auto chunk = next(*feed, bounds);
  REQUIRE(chunk.items.size() == 2);
  CHECK(delivery(chunk.items[0]).message.size() == bounds.message);
  CHECK(unreadable(chunk.items[1]).reason == "too-large");
  CHECK(unreadable(chunk.items[1]).bytes == std::string(1U << 20U, 'y'));
  CHECK(feed->committed().has_value());
  CHECK(box.names("new").empty());
}

TEST_CASE("a chunk ends at its bounds, and nothing is lost between chunks", "[feed][maildir]") {
  const Mailbox box;
  for (int i = 0; i < 95; ++i) box.deliver("m" + std::to_string(100 + i), "octets");
  const auto feed = box.open();
  Bounds bounds;
  const bool by_octets = GENERATE(false, true);
  if (by_octets)
    bounds.octets = 59;
  else
    bounds.items = 10;
  const auto chunk = next(*feed, bounds);
  CHECK(chunk.items.size() == 10);
  CHECK_FALSE(chunk.drained);
  CHECK(feed->committed().has_value());
  std::optional<std::string> position;
  CHECK(take_all(*feed, position, bounds).size() == 85);
  CHECK(box.names("cur").size() == 95);
}

TEST_CASE("each file is yielded once, whenever the feed is restarted", "[feed][maildir]") {
  const Mailbox box;
  for (int i = 0; i < 20; ++i) box.deliver("m" + std::to_string(10 + i), std::to_string(i));
  Bounds bounds;
  bounds.items = 3;
  std::optional<std::string> position;
  Words taken;
  for (int round = 0; round < 60; ++round) {
    const auto feed = box.open(position);
    auto chunk = next(*feed, bounds);
    if (round % 3 == 0) continue;  // killed before the commit
    for (const auto& word : in_words(chunk)) taken.push_back(word);
    if (chunk.position) position = chunk.position;
    if (round % 3 == 1) continue;  // killed between commit and move
    CHECK(feed->committed().has_value());
  }
  CHECK(taken.size() == 20);
  CHECK(box.names("new").empty());
}

TEST_CASE("a file that can't be opened for want of descriptors is tried again, and isn't reported as unreadable",
          "[feed][maildir][mishap]") {
  const Mailbox box;
  box.deliver("1.a", "first");
  box.deliver("2.b", "second");
  const auto feed = box.open();
  CHECK(in_words(next(*feed, {.items = 1})) == Words{"1.a: first"});
  REQUIRE(feed->committed());
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const int lowest_free = dup(0);
  close(lowest_free);
  rlimit none_left = before;
  none_left.rlim_cur = static_cast<rlim_t>(lowest_free);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none_left) == 0);
  const auto refused = feed->next({});
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.contains("Too many open files"));
  CHECK(in_words(next(*feed)) == Words{"2.b: second"});
}

}  // namespace
}  // namespace blowback::feed
