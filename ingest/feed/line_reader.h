// Lines of a file or a pipe, in bounded memory: a line longer than the buffer is read in pieces. Private to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace blowback::feed {

/// One thread at a time.
class LineReader {
 public:
  /// Reads into the span. 0: the end. An error is an errno value; EAGAIN: nothing for now.
  using Source = std::function<std::expected<std::size_t, int>(std::span<char>)>;

  struct Piece {
    std::string_view text;     ///< with its newline, if it has one; valid until the next call
    std::uint64_t offset = 0;  ///< of the first octet, counted from `offset` of the constructor
    bool begins_line = false;
    bool ends_line = false;  ///< false for a part of a long line, and for a last line without newline
  };

  static constexpr std::size_t kBuffer = 256U << 10U;

  explicit LineReader(Source source, std::uint64_t offset = 0);

  /// A whole line if it fits into the buffer. Absent: there is nothing more; see `ended` and `error`.
  [[nodiscard]] std::optional<Piece> next();

  [[nodiscard]] bool ended() const { return ended_; }
  /// The errno value of a failed read, other than EAGAIN.
  [[nodiscard]] std::optional<int> error() const { return error_; }

 private:
  [[nodiscard]] Piece consume(std::size_t length, bool ends_line);
  bool fill();

  Source source_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;  ///< there is no newline before it
  std::size_t end_ = 0;
  std::uint64_t offset_;
  bool at_line_start_ = true;
  bool ended_ = false;
  std::optional<int> error_;
};

/// Reads a file from `offset` on, by pread(2). `fd` must outlive the source.
[[nodiscard]] LineReader::Source file_source(int fd, std::uint64_t offset);
/// Reads what a pipe, terminal or file has, without waiting. `fd` must outlive the source.
[[nodiscard]] LineReader::Source stream_source(int fd);

}  // namespace blowback::feed
