// The status socket: who may have the path, and what readers of all sorts get.
#include "catch.h"
#include "config/config.h"
#include "folder.h"
#include "net/status_socket.h"
#include "system/unix_socket.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <thread>

using blowback::kLongestSocketPath;
using blowback::UnixAddress;
using blowback::net::StatusSocket;
using blowback::test::Folder;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

/// A connected reader.
class Reader {
 public:
  explicit Reader(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const UnixAddress address(path);
    connected_ = connect(fd_, address.get(), UnixAddress::size()) == 0;
  }
  ~Reader() { close(fd_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] std::string all() const {
    std::string text;
    std::array<char, 65536> buffer{};
    for (ssize_t count = 0; (count = recv(fd_, buffer.data(), buffer.size(), 0)) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  int fd_;
  bool connected_ = false;
};

StatusSocket opened(const std::string& path, StatusSocket::Document document) {
  auto made = StatusSocket::open(path, std::move(document));
  if (!made) FAIL(made.error().text);
  return std::move(*made);
}

std::string refusal(const std::string& path) {
  const auto made = StatusSocket::open(path, [] { return std::string("other"); });
  return made ? "no refusal" : made.error().text;
}

/// A socket whose process is dead: the file stays.
void leave_a_dead_socket(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd >= 0);
  const UnixAddress address(path);
  REQUIRE(bind(fd, address.get(), UnixAddress::size()) == 0);
  REQUIRE(listen(fd, 1) == 0);
  close(fd);
  REQUIRE(fs::exists(path));
}

}  // namespace

TEST_CASE("each reader gets a document of its own and the end of the stream", "[net][status]") {
  const Folder folder;
  std::atomic<int> made{0};
  const auto socket = opened(folder.file("s"), [&] { return "document " + std::to_string(++made); });
  CHECK(Reader(folder.file("s")).all() == "document 1");
  CHECK(Reader(folder.file("s")).all() == "document 2");
}

TEST_CASE("the file is for its owner and group, whatever the umask, and goes with the socket", "[net][status]") {
  const Folder folder;
  const auto mask = umask(GENERATE(0000U, 0022U, 0077U));
  {
    const auto socket = opened(folder.file("s"), [] { return std::string(); });
    umask(mask);
    struct stat file{};
    REQUIRE(lstat(folder.file("s").c_str(), &file) == 0);
    CHECK((file.st_mode & 07777U) == 0660U);
  }
  CHECK_FALSE(fs::exists(folder.file("s")));
}

TEST_CASE("a dead server's socket is replaced", "[net][status]") {
  const Folder folder;
  leave_a_dead_socket(folder.file("s"));
  const auto socket = opened(folder.file("s"), [] { return std::string("alive"); });
  CHECK(Reader(folder.file("s")).all() == "alive");
}

TEST_CASE("a running server's socket is left alone", "[net][status]") {
  const Folder folder;
  const auto socket = opened(folder.file("s"), [] { return std::string("first"); });
  CHECK_THAT(refusal(folder.file("s")),
             Catch::StartsWith(folder.file("s")) && Catch::Contains("another program listens there"));
  CHECK(Reader(folder.file("s")).all() == "first");
}

TEST_CASE("a file that is no socket is never removed", "[net][status]") {
  const Folder folder;
  std::ofstream(folder.file("database")) << "precious";
  fs::create_directory(folder.file("folder"));
  fs::create_symlink(folder.file("none"), folder.file("link"));
  for (const auto* const name : {"database", "folder", "link"}) {
    CHECK_THAT(refusal(folder.file(name)), Catch::Contains("no socket"));
    CHECK(fs::exists(fs::symlink_status(folder.file(name))));
  }
  CHECK(fs::file_size(folder.file("database")) == 8);
}

TEST_CASE("an impossible path is refused with what to do", "[net][status]") {
  static_assert(blowback::config::kSocketPathOctets == kLongestSocketPath);
  const Folder folder;
  const std::string start = folder.file("");
  const auto of_length = [&](std::size_t length) { return start + std::string(length - start.size(), 's'); };
  CHECK_THAT(refusal(of_length(kLongestSocketPath + 1)), Catch::Contains("too long"));
  CHECK(refusal(of_length(kLongestSocketPath)) == "no refusal");
  CHECK_THAT(refusal(""), Catch::Contains("server.status_socket"));
  CHECK_THAT(refusal(folder.file("none/s")), Catch::Contains("No such file"));
}

TEST_CASE("a file that took the path meanwhile isn't removed at the end", "[net][status]") {
  const Folder folder;
  {
    const auto socket = opened(folder.file("s"), [] { return std::string(); });
    fs::remove(folder.file("s"));
    leave_a_dead_socket(folder.file("s"));
  }
  CHECK(fs::exists(folder.file("s")));
}

TEST_CASE("a reader that reads nothing delays the next one by a second, and the end not at all", "[net][status]") {
  const Folder folder;
  const std::string large(8U << 20U, 'x');  // more than any buffer takes
  auto socket = std::optional(opened(folder.file("s"), [&] { return large; }));
  const Reader idle(folder.file("s"));
  REQUIRE(idle.connected());
  const auto start = Clock::now();
  CHECK(Reader(folder.file("s")).all().size() == large.size());
  CHECK(Clock::now() - start > std::chrono::milliseconds{900});
  CHECK(Clock::now() - start < std::chrono::seconds{4});
  CHECK(idle.all().size() < large.size());

  const Reader another(folder.file("s"));
  REQUIRE(another.connected());
  const auto ending = Clock::now();
  socket.reset();
  CHECK(Clock::now() - ending < std::chrono::milliseconds{700});
}

TEST_CASE("readers that leave at once do no harm", "[net][status]") {
  const Folder folder;
  const auto socket = opened(folder.file("s"), [] { return std::string(1U << 20U, 'x'); });
  for (int i = 0; i < 100; ++i) CHECK(Reader(folder.file("s")).connected());
  CHECK(Reader(folder.file("s")).all().size() == 1U << 20U);
}
