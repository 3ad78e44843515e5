// A file that grows at its end: where reading goes on, and whether it is still the same file. Private to the room.
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

/// How far a file has been read, and by what it is known again: a hash of its first octets and one of the last before the offset,
/// each of at most 4 KiB and at most what has been read. So a file that was appended to or copied is the same file; a replaced or
/// truncated one isn't, nor is one that was written anew with the same beginning. Its inode says nothing more: a file that was
/// emptied and grows again has the same, a copy has another.
struct FilePosition {
  std::uint64_t offset = 0;
  std::uint64_t line =
      0;  ///< lines before `offset`; of an mbox, whose lines don't count, whether boundaries are guessed (mbox.cc)
  std::uint64_t head = 0;  ///< how many octets the hash covers
  std::uint64_t hash = 0;
  std::optional<std::uint64_t>
      tail;  ///< the hash of as many octets before `offset`; absent in what earlier versions kept

  /// `OFFSET LINE HEAD HASH TAIL`, the hashes in hex.
  [[nodiscard]] std::string to_string() const;
  /// The inverse of `to_string`; absent for anything else.
  [[nodiscard]] static std::optional<FilePosition> parse(std::string_view text);
};

/// One thread at a time.
class TailedFile {
 public:
  /// `kind` ("mbox") is for error texts. A position that can't be read is none: the file is read from its start.
  TailedFile(std::string path, std::string kind, const std::optional<std::string>& position);

  /// Opens the file, or looks whether what lies there is still the file that was open; if not, `position` is the start.
  /// Fails where there is no regular file that can be read.
  [[nodiscard]] std::expected<void, FeedError> refresh();

  /// Requires a successful refresh().
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const struct stat& status() const { return status_; }
  [[nodiscard]] std::uint64_t size() const { return static_cast<std::uint64_t>(status_.st_size); }

  [[nodiscard]] const FilePosition& position() const { return position_; }
  /// The position at `offset`, with the hash of the file as it is now.
  [[nodiscard]] FilePosition position_at(std::uint64_t offset, std::uint64_t line) const;
  void set_position(const FilePosition& position) { position_ = position; }

 private:
  [[nodiscard]] FeedError error(std::string_view what) const;
  [[nodiscard]] std::uint64_t hash_of(std::uint64_t offset, std::uint64_t length) const;
  [[nodiscard]] bool is_as_read() const;

  std::string path_;
  std::string kind_;
  FilePosition position_;
  Descriptor fd_;
  struct stat status_{};
};

}  // namespace blowback::feed
