// What the feeds ask the system about open files. Private to the room.
#pragma once

#include "blowback/unix_time.h"

#include <cstdint>
#include <string>
#include <sys/stat.h>

namespace blowback::feed {

/// Whether some process has a file open for writing.
enum class Writers : std::uint8_t { none, some, unknown };

/// Asks by a read lease (fcntl(2)), which the kernel grants only while nobody writes, and gives it back at once. `unknown`
/// where the file isn't ours or the file system has no leases. Requires a regular file opened O_RDONLY.
[[nodiscard]] Writers writers_of(int fd);

/// How long ago the file was changed last, by the system's clock, which feeds read for this alone. Negative: in the future.
[[nodiscard]] Duration time_since_change(const struct stat& file);

[[nodiscard]] UnixTime changed_at(const struct stat& file);
/// Nanoseconds since 1970: tells two versions of a file apart.
[[nodiscard]] std::int64_t change_stamp(const struct stat& file);

/// `directory`, `FIFO`, … for a person.
[[nodiscard]] std::string file_type(const struct stat& file);

/// Whether a failed call says nothing about the file: the process or the system was short of something, and won't be for long.
[[nodiscard]] bool is_shortage(int error);

/// The text of an errno value.
[[nodiscard]] std::string system_text(int error);

}  // namespace blowback::feed
