// Gives up root's privileges, for a server that is started by hand or by an init that can't do it. The systemd unit doesn't need
// this.
#pragma once

#include <expected>
#include <string>

namespace blowback {

struct PrivilegeError {
  std::string text;  ///< what went wrong and what to do
};

/// Makes the process run as `user`, with that user's groups, for good: neither it nor a program that it executes can become root
/// again. It keeps one capability, to bind ports below 1024 (CAP_NET_BIND_SERVICE), since a new config may name one. At the end
/// it is tested whether a way back to root is left; that is an error. Fails if the process isn't root's, if there is no such user, and if
/// the user's id is 0. After a failure the process must end. Requires that the process has one thread.
/// `section`: of the config that has the key `user`, for the error.
[[nodiscard]] std::expected<void, PrivilegeError> become_user(const std::string& user,
                                                              const std::string& section = "server");

}  // namespace blowback
