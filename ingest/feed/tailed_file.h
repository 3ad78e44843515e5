// A file that grows at its end: where reading continues, and whether it is still the same file. Private to the room.
#pragma once

#include "feed.h"
#include "system/descriptor.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace blowback::feed {

/// How far a file has been read, and how it is recognized: by hashes of its first octets and of the last ones before the offset, each of at
/// most 4 KiB and at most what was read. A file that was appended to or copied is the same file; one that was replaced, truncated or written
/// again with the same beginning isn't. The inode wouldn't help: a file that was emptied and grows again has the same one, a copy another.
struct FilePosition {
  std::uint64_t offset = 0;
  std::uint64_t line = 0;  ///< lines before `offset`; of an mbox: whether boundaries are guessed (mbox.cc)
  std::uint64_t head = 0;  ///< octets that `hash` covers
  std::uint64_t hash = 0;
  std::optional<std::uint64_t> tail;  ///< hash of as many octets before `offset`; absent: kept by an earlier version

  /// `OFFSET LINE HEAD HASH TAIL`, the hashes in hex.
  [[nodiscard]] std::string to_string() const;
  /// The inverse of `to_string`; absent for anything else.
  [[nodiscard]] static std::optional<FilePosition> parse(std::string_view text);
};

/// One thread at a time.
class TailedFile {
 public:
  /// `kind` ("mbox") is for error texts. With a position that can't be parsed the file is read from its start.
  TailedFile(std::string path, std::string kind, const std::optional<std::string>& position);

  /// Opens the file, or checks whether the open file is still the one at the path; if not, `position` becomes the start. Fails if there is no
  /// regular file that can be read.
  [[nodiscard]] std::expected<void, FeedError> refresh();

  /// Requires a successful refresh().
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const struct stat& status() const { return status_; }
  [[nodiscard]] std::uint64_t size() const { return static_cast<std::uint64_t>(status_.st_size); }

  [[nodiscard]] const FilePosition& position() const { return position_; }

  /// The position after the chunk that was read, at `offset`. It becomes the position by `commit`, and is dropped by `refresh`.
  const FilePosition& advance(std::uint64_t offset, std::uint64_t line);
  void commit();
  [[nodiscard]] Progress progress() const;

 private:
  [[nodiscard]] FeedError error(std::string_view what) const;
  [[nodiscard]] FilePosition position_at(std::uint64_t offset, std::uint64_t line) const;
  [[nodiscard]] std::uint64_t hash_of(std::uint64_t offset, std::uint64_t length) const;
  [[nodiscard]] bool is_as_read() const;

  std::string path_;
  std::string kind_;
  FilePosition position_;
  std::optional<FilePosition> next_;  ///< after the chunk that isn't committed yet
  Descriptor fd_;
  struct stat status_{};
};

}  // namespace blowback::feed
