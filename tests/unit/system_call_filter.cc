#include "system/system_call_filter.h"

#include "child.h"

#include <csignal>
#include <cstdlib>
#include <future>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <thread>

namespace blowback {
namespace {

#ifdef BLOWBACK_NO_SYSTEM_CALL_FILTER
TEST_CASE("a build with sanitizers has no filter, and reports success", "[system]") {
  CHECK(end_of_child([] { return restrict_system_calls() ? 0 : 1; }) == "exit 0");
}
#else

/// The error number of `call` under the filter, 0 if it succeeded; 255: there is no filter.
std::string under_the_filter(const std::function<bool()>& call) {
  return end_of_child([&] {
    if (!restrict_system_calls()) return 255;
    errno = 0;
    return call() ? 0 : errno;
  });
}

const std::string kDone = "exit 0";
const std::string kRefused = "exit " + std::to_string(EPERM);
const std::string kKilled = "signal " + std::to_string(SIGSYS);

void* memory(int protection) { return mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

TEST_CASE("a process that executes a program or creates another process is killed", "[system]") {
  CHECK(under_the_filter([] { return execl("/bin/true", "true", nullptr) == 0; }) == kKilled);
  CHECK(under_the_filter([] { return fork() >= 0; }) == kKilled);
  CHECK(under_the_filter([] { return vfork() >= 0; }) == kKilled);
  CHECK(under_the_filter([] { return std::system("true") == 0; }) == kKilled);
}

TEST_CASE("a process that traces, mounts or loads a module is killed", "[system]") {
  CHECK(under_the_filter([] { return ptrace(PTRACE_TRACEME) == 0; }) == kKilled);
  CHECK(under_the_filter([] { return syscall(SYS_mount, "a", "/", "tmpfs", 0, nullptr) == 0; }) == kKilled);
  CHECK(under_the_filter([] { return syscall(SYS_init_module, nullptr, 0, "") == 0; }) == kKilled);
  CHECK(under_the_filter([] { return syscall(SYS_unshare, 0) == 0; }) == kKilled);
}

TEST_CASE("other calls that a daemon doesn't need fail, and it survives", "[system]") {
  CHECK(under_the_filter([] { return setuid(getuid()) == 0; }) == kRefused);
  CHECK(under_the_filter([] { return kill(getppid(), 0) == 0; }) == kRefused);
  CHECK(under_the_filter([] { return link("/nowhere/a", "/nowhere/b") == 0; }) == kRefused);
  CHECK(under_the_filter([] { return syscall(SYS_io_uring_setup, 1, nullptr) >= 0; }) == kRefused);
}

TEST_CASE("sockets are of IPv4, IPv6 or unix, and of no other family", "[system]") {
  for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
    // A host may lack IPv6; the filter's own error is EPERM.
    CHECK(under_the_filter([&] { return socket(family, SOCK_DGRAM, 0) >= 0 || errno != EPERM; }) == kDone);
  }
  CHECK(under_the_filter([] { return socket(AF_NETLINK, SOCK_RAW, 0) >= 0; }) == kRefused);
  CHECK(under_the_filter([] { return socket(AF_PACKET, SOCK_RAW, 0) >= 0; }) == kRefused);
}

TEST_CASE("memory doesn't become code", "[system]") {
  CHECK(under_the_filter([] { return memory(PROT_READ | PROT_WRITE) != MAP_FAILED; }) == kDone);
  CHECK(under_the_filter([] { return memory(PROT_READ | PROT_WRITE | PROT_EXEC) != MAP_FAILED; }) == kRefused);
  CHECK(under_the_filter([] { return mprotect(memory(PROT_READ | PROT_WRITE), 4096, PROT_READ | PROT_EXEC) == 0; }) ==
        kRefused);
}

TEST_CASE("threads begin and end as before", "[system]") {
  CHECK(under_the_filter([] {
          int value = 0;
          std::thread([&] { value = 7; }).join();
          return value == 7;
        }) == kDone);
}

TEST_CASE("the filter also applies to threads that were started before", "[system]") {
  CHECK(end_of_child([] {
          std::promise<void> filtered;
          int code = 0;
          std::thread earlier([&] {
            filtered.get_future().wait();
            errno = 0;
            code = socket(AF_NETLINK, SOCK_RAW, 0) >= 0 ? 0 : errno;
          });
          const bool restricted = restrict_system_calls().has_value();
          filtered.set_value();
          earlier.join();
          return restricted ? code : 255;
        }) == kRefused);
}

TEST_CASE("a failed assertion still ends the process by SIGABRT", "[system]") {
  CHECK(under_the_filter([]() -> bool { std::abort(); }) == "signal " + std::to_string(SIGABRT));
}

#endif

}  // namespace
}  // namespace blowback
