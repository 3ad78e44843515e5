// The order matters: groups first, while the process may still set them; then the user; then the capabilities that are left.
#include "system/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <system_error>

namespace blowback {
namespace {

[[nodiscard]] std::unexpected<PrivilegeError> failed(const std::string& setting, std::string_view what) {
  return std::unexpected(PrivilegeError{setting + ": " + std::string(what)});
}

[[nodiscard]] std::unexpected<PrivilegeError> refused(const std::string& setting, std::string_view call) {
  const int code = errno;
  return failed(setting, std::string(call) + ": " + std::generic_category().message(code) +
                             "; start it as root with all capabilities, or as that user with user = \"\"");
}

/// Drops all capabilities but CAP_NET_BIND_SERVICE. The C library has no function for it.
[[nodiscard]] bool keep_port_binding_only() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  constexpr std::uint32_t kBind = 1U << CAP_NET_BIND_SERVICE;
  const std::array<__user_cap_data_struct, 2> kept{
      {{.effective = kBind, .permitted = kBind, .inheritable = 0}, {.effective = 0, .permitted = 0, .inheritable = 0}}};
  return syscall(SYS_capset, &header, kept.data()) == 0;
}

/// Whether the process could still become root or root's group, or gain privileges by executing a program.
[[nodiscard]] bool is_root_within_reach() {
  return setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || getuid() == 0 || geteuid() == 0 ||
         prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

}  // namespace

std::expected<void, PrivilegeError> become_user(const std::string& user, const std::string& section) {
  const std::string setting = section + ".user = \"" + user + "\"";
  errno = 0;
  // The process has one thread, as required: no other call can overwrite the buffer.
  const passwd* const entry = getpwnam(user.c_str());  // NOLINT(concurrency-mt-unsafe): see above
  if (entry == nullptr) {
    if (errno != 0) return refused(setting, "getpwnam");
    return failed(setting, "no such user; create it (`adduser --system --group " + user + "`) or name another");
  }
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (uid == 0) return failed(setting, "has user id 0, as root has; name an unprivileged user");
  if (geteuid() != 0) {
    return failed(setting, "only root can become another user; start it as root, or set user = \"\"");
  }
  if (initgroups(user.c_str(), gid) != 0) return refused(setting, "initgroups");
  if (setresgid(gid, gid, gid) != 0) return refused(setting, "setresgid");
  // Otherwise the process loses all capabilities with its user id 0.
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return refused(setting, "prctl");
  if (setresuid(uid, uid, uid) != 0) return refused(setting, "setresuid");
  if (!keep_port_binding_only()) return refused(setting, "capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused(setting, "prctl");
  if (is_root_within_reach()) return failed(setting, "the process can still become root; it doesn't start like that");
  return {};
}

}  // namespace blowback
