#include "catch.h"
#include "folder.h"
#include "watch/notify.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

using blowback::test::Folder;
using blowback::watch::ServiceManager;
using namespace std::chrono_literals;

namespace {

/// The socket that a manager listens on.
class Manager {
 public:
  /// `name`: a path, or `@` and an abstract name.
  explicit Manager(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    const bool is_abstract = name.front() == '@';
    if (is_abstract) address.sun_path[0] = '\0';
    const auto size = offsetof(sockaddr_un, sun_path) + name.size() + (is_abstract ? 0 : 1);
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) == 0);
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;
  ~Manager() { close(fd_); }

  /// The next message; "": there is none.
  [[nodiscard]] std::string note() const {
    std::array<char, 4096> buffer{};
    const auto size = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : "";
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE("messages arrive at a path or an abstract name, in order", "[watch][notify]") {
  const Folder folder;
  const std::string name = GENERATE(true, false) ? folder.file("notify") : "@blowback-test-" + std::to_string(getpid());
  const Manager manager(name);
  ServiceManager service({.notify_socket = name.c_str()});
  CHECK(service.listens());
  service.status("starting\nup");
  service.status("starting\nup");
  service.ready();
  service.reloading();
  service.stopping();
  CHECK(manager.note() == "STATUS=starting up");
  CHECK(manager.note() == "READY=1");
  CHECK_THAT(manager.note(), Catch::Matches("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  CHECK(manager.note() == "STOPPING=1");
  CHECK(manager.note().empty());
}

TEST_CASE("watchdog messages are sent each third of the time, and only while the daemon is alive", "[watch][notify]") {
  const Folder folder;
  const auto name = folder.file("notify");
  const Manager manager(name);
  ServiceManager service({.notify_socket = name.c_str(), .watchdog_usec = "3000000"});
  CHECK(service.interval() == 1000ms);
  const ServiceManager::Clock::time_point start{1h};
  service.turned(start, true);
  CHECK(manager.note() == "WATCHDOG=1");
  service.turned(start + 999ms, true);
  CHECK(manager.note().empty());
  service.turned(start + 1000ms, true);
  CHECK(manager.note() == "WATCHDOG=1");
  service.turned(start + 1h, false);
  CHECK(manager.note().empty());
  service.turned(start + 1h, true);
  CHECK(manager.note() == "WATCHDOG=1");
}

TEST_CASE("a watchdog that is meant for another process, or for none, gets nothing", "[watch][notify]") {
  const Folder folder;
  const auto name = folder.file("notify");
  const Manager manager(name);
  const auto other = std::to_string(getpid() + 1);
  const auto own = std::to_string(getpid());
  const ServiceManager::Environment environments[] = {
      {.notify_socket = name.c_str()},
      {.notify_socket = name.c_str(), .watchdog_usec = "3000000", .watchdog_pid = other.c_str()},
      {.notify_socket = name.c_str(), .watchdog_usec = "0", .watchdog_pid = own.c_str()},
      {.notify_socket = name.c_str(), .watchdog_usec = "soon", .watchdog_pid = own.c_str()}};
  for (const auto& environment : environments) {
    INFO("WATCHDOG_USEC " << (environment.watchdog_usec == nullptr ? "absent" : environment.watchdog_usec));
    ServiceManager service(environment);
    service.turned(ServiceManager::Clock::now(), true);
    CHECK(manager.note().empty());
  }
}

TEST_CASE("without a manager, or with one that can't be reached, nothing is sent and nothing fails",
          "[watch][notify]") {
  const Folder folder;
  const auto gone = folder.file("gone");
  for (const char* const name : {static_cast<const char*>(nullptr), gone.c_str(), "", "relative", "@"}) {
    INFO("NOTIFY_SOCKET " << (name == nullptr ? "absent" : name));
    ServiceManager service({.notify_socket = name, .watchdog_usec = "1000000"});
    CHECK_FALSE(service.listens());
    service.ready();
    service.status("x");
    service.turned(ServiceManager::Clock::now(), true);
  }
}

TEST_CASE("a manager that reads nothing doesn't block the daemon for long", "[watch][notify]") {
  const Folder folder;
  const auto name = folder.file("notify");
  const Manager manager(name);
  ServiceManager service({.notify_socket = name.c_str(), .watchdog_usec = "3"});
  const auto start = ServiceManager::Clock::now();
  for (int i = 0; i < 5'000; ++i) service.status(std::to_string(i));
  CHECK(ServiceManager::Clock::now() - start < 5s);
  CHECK(manager.note() == "STATUS=0");
}
