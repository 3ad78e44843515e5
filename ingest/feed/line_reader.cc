#include "line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace blowback::feed {

LineReader::LineReader(Source source, std::uint64_t offset)
    : source_(std::move(source)), buffer_(kBuffer), offset_(offset) {}

std::optional<LineReader::Piece> LineReader::next() {
  while (true) {
    if (searched_ < end_) {
      const void* const newline = std::memchr(buffer_.data() + searched_, '\n', end_ - searched_);
      if (newline != nullptr) {
        return consume(static_cast<std::size_t>(static_cast<const char*>(newline) - buffer_.data()) + 1 - begin_, true);
      }
      searched_ = end_;
    }
    if (end_ - begin_ == buffer_.size()) return consume(end_ - begin_, false);
    if (!fill()) {
      if (ended_ && begin_ < end_) return consume(end_ - begin_, false);
      return std::nullopt;
    }
  }
}

LineReader::Piece LineReader::consume(std::size_t length, bool ends_line) {
  const Piece piece{.text = {buffer_.data() + begin_, length},
                    .offset = offset_,
                    .begins_line = at_line_start_,
                    .ends_line = ends_line};
  begin_ += length;
  searched_ = begin_;
  offset_ += length;
  at_line_start_ = ends_line;
  return piece;
}

bool LineReader::fill() {
  if (ended_ || error_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  const auto got = source_(std::span(buffer_).subspan(end_));
  if (!got) {
    if (got.error() != EAGAIN) error_ = got.error();
    return false;
  }
  if (*got == 0) ended_ = true;
  end_ += *got;
  return *got > 0;
}

LineReader::Source file_source(int fd, std::uint64_t offset) {
  return [fd, at = offset](std::span<char> room) mutable -> std::expected<std::size_t, int> {
    while (true) {
      const ssize_t got = pread(fd, room.data(), room.size(), static_cast<off_t>(at));
      if (got >= 0) {
        at += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) return std::unexpected(errno);
    }
  };
}

LineReader::Source stream_source(int fd) {
  return [fd](std::span<char> room) -> std::expected<std::size_t, int> {
    while (true) {
      pollfd ask{.fd = fd, .events = POLLIN, .revents = 0};
      const int ready = poll(&ask, 1, 0);
      if (ready == 0) return std::unexpected(EAGAIN);
      if (ready > 0) {
        const ssize_t got = read(fd, room.data(), room.size());
        if (got >= 0) return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) return std::unexpected(errno);
    }
  };
}

}  // namespace blowback::feed
