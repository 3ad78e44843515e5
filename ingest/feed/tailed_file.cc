#include "tailed_file.h"

#include "open_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <utility>

namespace blowback::feed {
namespace {

constexpr std::uint64_t kHead = 4096;

std::optional<std::uint64_t> taken_number(std::string_view& text, int base) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (fault != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty()) {
    if (text.front() != ' ') return std::nullopt;
    text.remove_prefix(1);
  }
  return value;
}

}  // namespace

std::string FilePosition::to_string() const {
  return fmt::format("{} {} {} {:016x}{}", offset, line, head, hash, tail ? fmt::format(" {:016x}", *tail) : "");
}

std::optional<FilePosition> FilePosition::parse(std::string_view text) {
  const auto offset = taken_number(text, 10);
  const auto line = offset ? taken_number(text, 10) : std::nullopt;
  const auto head = line ? taken_number(text, 10) : std::nullopt;
  const auto hash = head ? taken_number(text, 16) : std::nullopt;
  const auto tail = hash && !text.empty() ? taken_number(text, 16) : std::nullopt;
  if (!hash || !text.empty() || *head != std::min(*offset, kHead)) return std::nullopt;
  return FilePosition{.offset = *offset, .line = *line, .head = *head, .hash = *hash, .tail = tail};
}

TailedFile::TailedFile(std::string path, std::string kind, const std::optional<std::string>& position)
    : path_(std::move(path)), kind_(std::move(kind)) {
  if (position) position_ = FilePosition::parse(*position).value_or(FilePosition{});
}

FeedError TailedFile::error(std::string_view what) const { return {fmt::format("{} {}: {}", kind_, path_, what)}; }

std::expected<void, FeedError> TailedFile::refresh() {
  next_.reset();
  struct stat there{};
  if (stat(path_.c_str(), &there) != 0) {
    const int fault = errno;
    fd_.close();
    return std::unexpected(
        error(fmt::format("{}; check the feed's path, and that this user may read there", system_text(fault))));
  }
  if (!S_ISREG(there.st_mode)) {
    fd_.close();
    return std::unexpected(error(fmt::format("is a {}, not a file; check the feed's path", file_type(there))));
  }
  if (!fd_.is_open() || there.st_ino != status_.st_ino || there.st_dev != status_.st_dev) {
    // O_NONBLOCK: if a FIFO has replaced the file meanwhile, open(2) doesn't wait.
    fd_ = Descriptor(open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd_.is_open()) {
      return std::unexpected(error(fmt::format("{}; let this user read it", system_text(errno))));
    }
  }
  if (fstat(fd_.get(), &status_) != 0 || !S_ISREG(status_.st_mode)) {
    fd_.close();
    return std::unexpected(error("changed while it was opened; it is tried again"));
  }
  if (!is_as_read()) position_ = FilePosition{};
  return {};
}

bool TailedFile::is_as_read() const {
  const auto& [offset, line, head, hash, tail] = position_;
  return size() >= offset && hash_of(0, head) == hash && (!tail || hash_of(offset - head, head) == *tail);
}

const FilePosition& TailedFile::advance(std::uint64_t offset, std::uint64_t line) {
  return next_.emplace(position_at(offset, line));
}

void TailedFile::commit() {
  if (next_) position_ = *std::exchange(next_, std::nullopt);
}

Progress TailedFile::progress() const { return {.done = next_ ? next_->offset : position_.offset, .total = size()}; }

/// The position at `offset`, with the hashes of the file as it is now.
FilePosition TailedFile::position_at(std::uint64_t offset, std::uint64_t line) const {
  const auto head = std::min(offset, kHead);
  return {.offset = offset, .line = line, .head = head, .hash = hash_of(0, head), .tail = hash_of(offset - head, head)};
}

/// FNV-1a, 64 bits: it guards against accidents, not attackers, who could only make their own mail be read again. The hash of nothing is 0, as
/// in a position that isn't set.
std::uint64_t TailedFile::hash_of(std::uint64_t offset, std::uint64_t length) const {
  if (length == 0) return 0;
  std::array<char, kHead> head{};
  const ssize_t got = pread(fd_.get(), head.data(), std::min(length, kHead), static_cast<off_t>(offset));
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (ssize_t i = 0; i < got; ++i) {
    hash = (hash ^ static_cast<unsigned char>(head[static_cast<std::size_t>(i)])) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace blowback::feed
