// The lists come from strace under every integration test, and from reading which other calls glibc, SQLite and the allocator make.
#include "system/system_call_filter.h"

#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <system_error>
#include <type_traits>
#include <utility>

namespace blowback {
namespace {

#ifdef BLOWBACK_NO_SYSTEM_CALL_FILTER
constexpr bool kFilters = false;
#else
constexpr bool kFilters = true;
#endif

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release>;

// The rules compare arguments by value, never what they point to: another thread could change that after the check.

/// With any arguments.
constexpr auto kAllowed = std::to_array<std::string_view>(
    {// Sockets, and waiting for them.
     "accept", "accept4", "bind", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
     "eventfd2", "getpeername", "getsockname", "getsockopt", "listen", "poll", "ppoll", "pselect6", "recvfrom",
     "recvmmsg", "recvmsg", "select", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "timerfd_create",
     "timerfd_gettime", "timerfd_settime",
     // Files: the config, the database with its WAL and shared memory, the status socket's path. fchown: SQLite as root gives its
     // files to the database's owner, who couldn't write to them otherwise.
     "access", "chmod", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64",
     "fallocate", "fchmod", "fchmodat", "fchown", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync",
     "ftruncate", "getcwd", "getdents64", "lseek", "lstat", "mkdir", "newfstatat", "open", "openat", "pipe2", "pread64",
     "preadv", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2",
     "rmdir", "stat", "statfs", "statx", "sync_file_range", "unlink", "unlinkat", "write", "writev",
     // Memory; mmap and mprotect are below.
     "brk", "madvise", "membarrier", "mincore", "mlock", "mremap", "munlock", "munmap",
     // Threads, locks and scheduling; clone is below.
     "exit", "exit_group", "futex", "futex_waitv", "get_robust_list", "getpriority", "restart_syscall", "rseq",
     "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_setaffinity", "sched_yield", "set_robust_list",
     "set_tid_address", "setpriority",
     // Signals; to others of our own process only, see below.
     "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
     "sigaltstack", "signalfd4",
     // Time, random numbers, and the process's own identity.
     "clock_getres", "clock_gettime", "clock_nanosleep", "getegid", "geteuid", "getgid", "getgroups", "getpid",
     "getppid", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "gettid", "gettimeofday", "getuid",
     "nanosleep", "sysinfo", "time", "times", "umask", "uname"});

/// Calls that no part of a running daemon makes.
constexpr auto kDeadly = std::to_array<std::string_view>(
    {// Programs, other processes, and what is in them.
     "execve", "execveat", "fork", "kcmp", "modify_ldt", "perf_event_open", "pidfd_getfd", "process_madvise",
     "process_vm_readv", "process_vm_writev", "ptrace", "setns", "unshare", "userfaultfd", "vfork",
     // Mounts, and ways around them.
     "acct", "chroot", "fsconfig", "fsmount", "fsopen", "lookup_dcookie", "mknod", "mknodat", "mount", "mount_setattr",
     "move_mount", "name_to_handle_at", "open_by_handle_at", "open_tree", "pivot_root", "quotactl", "swapoff", "swapon",
     "umount2",
     // The kernel: modules, keys, clock, names.
     "add_key", "adjtimex", "bpf", "clock_adjtime", "clock_settime", "create_module", "delete_module", "finit_module",
     "init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "keyctl", "reboot", "request_key", "sethostname",
     "setdomainname", "settimeofday", "syslog", "vhangup"});

/// Adds rules, and remembers the first failure.
class Rules {
 public:
  explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

  /// Ignores a name that libseccomp doesn't know on this architecture: there is no such call here.
  void add(std::uint32_t action, std::string_view name, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    const int number = seccomp_syscall_resolve_name(std::string(name).c_str());
    if (number == __NR_SCMP_ERROR || failure_ != 0) return;
    failure_ = seccomp_rule_add_array(filter_, action, number, static_cast<unsigned>(conditions.size()),
                                      conditions.size() == 0 ? nullptr : conditions.begin());
  }
  [[nodiscard]] int failure() const { return failure_; }

 private:
  scmp_filter_ctx filter_;
  int failure_ = 0;
};

[[nodiscard]] scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) {
  return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}
[[nodiscard]] scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

void add_all(Rules& rules) {
  for (const auto name : kDeadly) rules.add(SCMP_ACT_KILL_PROCESS, name);
  for (const auto name : kAllowed) rules.add(SCMP_ACT_ALLOW, name);

  // New threads are allowed, new processes are not. The arguments of clone3 are in memory, where the filter can't see them: on ENOSYS the
  // C library assumes an old kernel and calls clone instead.
  rules.add(SCMP_ACT_ALLOW, "clone", {masked(0, CLONE_THREAD, CLONE_THREAD)});
  rules.add(SCMP_ACT_KILL_PROCESS, "clone", {masked(0, CLONE_THREAD, 0)});
  rules.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");

  // Memory that can be written never becomes code.
  for (const auto* const call : {"mmap", "mprotect", "pkey_mprotect"}) {
    rules.add(SCMP_ACT_ALLOW, call, {masked(2, PROT_EXEC, 0)});
  }

  for (const int family : {AF_INET, AF_INET6, AF_UNIX}) {
    rules.add(SCMP_ACT_ALLOW, "socket", {equals(0, static_cast<scmp_datum_t>(family))});
  }
  // abort() and the like: a signal to a thread of this process.
  rules.add(SCMP_ACT_ALLOW, "tgkill", {equals(0, static_cast<scmp_datum_t>(getpid()))});
  // Queue size, non-blocking mode, test for a terminal. Not TIOCSTI, which fakes terminal input.
  for (const int request : {FIONREAD, FIONBIO, TCGETS}) {
    rules.add(SCMP_ACT_ALLOW, "ioctl", {equals(1, static_cast<scmp_datum_t>(request))});
  }
  // Reading limits is harmless, setting them isn't needed: the pointer to new limits must be null.
  rules.add(SCMP_ACT_ALLOW, "prlimit64", {equals(2, 0)});
  // Names of threads, and of malloc's memory.
  for (const int option : {PR_SET_NAME, PR_GET_NAME, PR_SET_VMA}) {
    rules.add(SCMP_ACT_ALLOW, "prctl", {equals(0, static_cast<scmp_datum_t>(option))});
  }
}

[[nodiscard]] std::unexpected<FilterError> failed(std::string_view what, int negative_code) {
  return std::unexpected(
      FilterError{std::string(what) + ": " + std::generic_category().message(-negative_code) +
                  "; allow seccomp in the container or the kernel, or set server.sandbox = false to run without"});
}

}  // namespace

std::expected<void, FilterError> restrict_system_calls() {
  if constexpr (!kFilters) return {};
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) return failed("can't make the filter", -ENOMEM);
  Rules rules(filter.get());
  add_all(rules);
  if (rules.failure() != 0) return failed("can't make the filter", rules.failure());
  // For all threads at once; and as a binary search: some 100 rules take 7 comparisons instead of 50.
  for (const auto& [attribute, value] :
       {std::pair{SCMP_FLTATR_CTL_TSYNC, 1U}, std::pair{SCMP_FLTATR_CTL_OPTIMIZE, 2U},
        // Report the kernel's error, instead of libseccomp's -ECANCELED for all of them.
        std::pair{SCMP_FLTATR_API_SYSRAWRC, 1U}}) {
    if (const int code = seccomp_attr_set(filter.get(), attribute, value); code != 0) {
      return failed("can't make the filter", code);
    }
  }
  if (const int code = seccomp_load(filter.get()); code != 0) return failed("the kernel refuses the filter", code);
  return {};
}

}  // namespace blowback
