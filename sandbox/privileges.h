// From root to a user of no rights, for a server that is started by hand or by an init that can't do it. The systemd unit
// needs none of this.
#pragma once

#include <expected>
#include <string>

namespace blowback::sandbox {

struct PrivilegeError {
  std::string text;  ///< what went wrong and the way out
};

/// Makes the process that user's, with its groups, for good: nothing in it can become root again, nor can a program that it
/// would execute. The one right that stays is to bind ports below 1024 (CAP_NET_BIND_SERVICE), since a new config may name
/// one. Tried out at the end: a process that could come back is an error. Fails where it isn't root's, where there is no such
/// user, and for a user with the number 0. After a failure the process must end. Requires that it has one thread.
[[nodiscard]] std::expected<void, PrivilegeError> become(const std::string& user);

}  // namespace blowback::sandbox
