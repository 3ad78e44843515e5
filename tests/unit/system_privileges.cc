// Without root only refusals can be tested.
#include "child.h"
#include "system/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>

#include <array>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace blowback {
namespace {

/// Whether some port below 1024 of 127.0.0.1 can be bound: most are free.
bool binds_a_low_port() {
  for (std::uint16_t port = 1023; port > 600; --port) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // The BSD interface takes every family's address as a sockaddr.
    if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    close(fd);
  }
  return false;
}

std::string refusal(const std::string& user) {
  const auto done = become_user(user);
  return done ? "done" : done.error().text;
}

TEST_CASE("a user that doesn't exist is refused, and so is root", "[system]") {
  using Catch::Contains;
  CHECK_THAT(refusal("no-such-user-here"), Contains("no such user") && Contains("adduser"));
  CHECK_THAT(refusal("root"), Contains("has user id 0"));
  if (geteuid() != 0) CHECK_THAT(refusal("nobody"), Contains("only root"));
}

TEST_CASE("a process that became another user has its groups, and can't become root again", "[system]") {
  if (geteuid() != 0) return;
  const passwd nobody = *getpwnam("nobody");
  CHECK(end_of_child([&] {
          if (!become_user("nobody")) return 1;
          if (getuid() != nobody.pw_uid || geteuid() != nobody.pw_uid || getegid() != nobody.pw_gid) return 2;
          std::array<gid_t, 64> groups{};
          const int count = getgroups(groups.size(), groups.data());
          for (int i = 0; i < count; ++i) {
            if (groups.at(static_cast<std::size_t>(i)) == 0) return 3;
          }
          if (setuid(0) == 0 || setgid(0) == 0 || setgroups(0, nullptr) == 0) return 4;
          if (open("/etc/shadow", O_RDONLY) >= 0) return 5;
          if (chown("/", 0, 0) == 0 || chroot("/") == 0) return 6;
          return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 7;
        }) == "exit 0");
}

TEST_CASE("the capability to bind ports below 1024 stays, and no other", "[system]") {
  if (geteuid() != 0) return;
  CHECK(end_of_child([] {
          if (!become_user("nobody")) return 1;
          if (!binds_a_low_port()) return 2;
          return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0 ? 0 : 3;
        }) == "exit 0");
}

}  // namespace
}  // namespace blowback
