// The state of files that other processes write. Private to the room.
#pragma once

#include "blowback/unix_time.h"

#include <cstdint>
#include <string>
#include <sys/stat.h>

namespace blowback::feed {

/// Whether some process has a file open for writing.
enum class Writers : std::uint8_t { none, some, unknown };

/// Requests a read lease (fcntl(2)), which the kernel grants only while no process writes, and returns it at once. `unknown` if the file
/// isn't ours or the file system has no leases. Requires a regular file opened with O_RDONLY.
[[nodiscard]] Writers writers_of(int fd);

/// How long ago the file was changed, by the system's clock, which feeds read only for this. Negative: in the future.
[[nodiscard]] Duration time_since_change(const struct stat& file);

[[nodiscard]] UnixTime changed_at(const struct stat& file);
/// Nanoseconds since 1970; differs between two versions of a file.
[[nodiscard]] std::int64_t change_stamp(const struct stat& file);

/// `directory`, `FIFO`, … for a person.
[[nodiscard]] std::string file_type(const struct stat& file);

/// Whether a call failed for want of descriptors or memory, which isn't the file's fault and may pass.
[[nodiscard]] bool is_shortage(int error);

/// The text of an errno value.
[[nodiscard]] std::string system_text(int error);

}  // namespace blowback::feed
