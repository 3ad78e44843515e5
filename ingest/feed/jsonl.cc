// JSON lines from a file that grows, or from standard input. json_line.h describes a line.
//
// A last line without a newline is still being written in a file, and is left; on standard input it counts at the end. A pipe can't be read
// twice, so its chunk is kept until it is committed. A pipe is drained at its end only: a writer that pauses isn't done, and `--once` has to
// read everything. So next() waits a tenth of a second for input.
#include "feed.h"
#include "json_line.h"
#include "line_reader.h"
#include "open_file.h"
#include "tailed_file.h"
#include "too_large.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace blowback::feed {
namespace {

/// A message of 32 MiB in base64, and the other fields.
constexpr std::size_t kLongestLine = 48U << 20U;

/// Joins pieces to lines, and turns each line into an item.
class Lines {
 public:
  explicit Lines(std::uint64_t before = 0) : number_(before) {}

  /// The complete lines so far.
  [[nodiscard]] std::uint64_t number() const { return number_; }

  void add(std::string_view text) {
    size_ += text.size();
    if (too_long_) return;
    line_ += text;
    if (line_.size() > kLongestLine) {
      too_long_ = true;
      line_.resize(kKept);
      line_.shrink_to_fit();
    }
  }

  [[nodiscard]] bool has_begun() const { return size_ > 0; }

  /// The line is complete. Absent for an empty one.
  [[nodiscard]] std::optional<Item> finish(const Bounds& bounds) {
    ++number_;
    const auto size = std::exchange(size_, 0);
    const auto too_long = std::exchange(too_long_, false);
    auto line = std::exchange(line_, {});
    Item item{.where = fmt::format("line {}", number_), .content = {}};
    if (too_long) {
      item.content =
          Unreadable{.reason = "line-too-long",
                     .detail = fmt::format("line {} has {} octets, more than the limit of {}; its beginning is kept",
                                           number_, size, kLongestLine),
                     .bytes = std::move(line)};
      return item;
    }
    if (line.find_first_not_of(" \t\r\n") == std::string::npos) return std::nullopt;
    auto parsed = parse_json_line(line, bounds.message);
    if (parsed) {
      item.content = std::move(*parsed);
      return item;
    }
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    if (line.size() > kKept) line.resize(kKept);
    line.shrink_to_fit();
    item.content = Unreadable{.reason = std::move(parsed.error().reason),
                              .detail = fmt::format("line {}: {}", number_, parsed.error().text),
                              .bytes = std::move(line),
                              .quote = std::move(parsed.error().quote)};
    return item;
  }

 private:
  std::uint64_t number_;
  std::string line_;
  std::uint64_t size_ = 0;
  bool too_long_ = false;
};

constexpr std::chrono::milliseconds kPause{100};

bool is_full(const Chunk& chunk, std::size_t octets, const Bounds& bounds) {
  return chunk.items.size() >= bounds.items || octets >= bounds.octets;
}

class JsonFile final : public Feed {
 public:
  JsonFile(const std::string& path, const std::optional<std::string>& position) : file_(path, "jsonl", position) {}

  [[nodiscard]] std::expected<Chunk, FeedError> next(const Bounds& bounds) override {
    if (auto found = file_.refresh(); !found) return std::unexpected(found.error());
    const auto start = file_.position();
    Chunk chunk;
    // An unfinished line of many megabytes isn't read again each second.
    if (start.offset == file_.size() || (unfinished_ && *unfinished_ == std::pair(start.offset, file_.size()))) {
      chunk.drained = true;
      return chunk;
    }
    LineReader reader(file_source(file_.fd(), start.offset), start.offset);
    Lines lines(start.line);
    std::size_t octets = 0;
    std::uint64_t taken = start.offset;
    while (!is_full(chunk, octets, bounds)) {
      const auto piece = reader.next();
      if (!piece) {
        chunk.drained = true;
        break;
      }
      lines.add(piece->text);
      if (!piece->ends_line) continue;
      taken = piece->offset + piece->text.size();
      if (auto item = lines.finish(bounds)) {
        octets += size_of(*item);
        chunk.items.push_back(std::move(*item));
      }
    }
    if (const auto fault = reader.error()) {
      return std::unexpected(
          FeedError{fmt::format("jsonl: reading after line {} failed, {}", lines.number(), system_text(*fault))});
    }
    unfinished_.reset();
    if (chunk.drained && lines.has_begun()) unfinished_ = std::pair(taken, file_.size());
    if (taken != start.offset) chunk.position = file_.advance(taken, lines.number()).to_string();
    return chunk;
  }

  [[nodiscard]] std::expected<void, FeedError> committed() override {
    file_.commit();
    return {};
  }

  [[nodiscard]] std::optional<Progress> progress() const override { return file_.progress(); }

 private:
  TailedFile file_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>>
      unfinished_;  ///< offset of a line without newline, and file size
};

class JsonStream final : public Feed {
 public:
  JsonStream(int fd, std::string name) : fd_(fd), name_(std::move(name)), reader_(stream_source(fd)) {}

  [[nodiscard]] std::expected<Chunk, FeedError> next(const Bounds& bounds) override {
    if (uncommitted_) return *uncommitted_;
    auto chunk = take(bounds);
    // Not at the end. To ask again at once would only use processor time.
    if (chunk && chunk->items.empty() && !chunk->drained) {
      pollfd ask{.fd = fd_, .events = POLLIN, .revents = 0};
      if (poll(&ask, 1, static_cast<int>(kPause.count())) > 0) chunk = take(bounds);
    }
    if (chunk && !chunk->items.empty()) uncommitted_ = *chunk;
    return chunk;
  }

  [[nodiscard]] std::expected<void, FeedError> committed() override {
    uncommitted_.reset();
    return {};
  }

  /// At its end standard input stays readable, which would wake the caller again and again.
  [[nodiscard]] int wake_fd() const override { return reader_.ended() ? -1 : fd_; }

 private:
  /// Reads what is there, without waiting.
  [[nodiscard]] std::expected<Chunk, FeedError> take(const Bounds& bounds) {
    Chunk chunk;
    std::size_t octets = 0;
    while (!is_full(chunk, octets, bounds)) {
      const auto piece = reader_.next();
      if (piece) lines_.add(piece->text);
      const bool is_last = !piece && reader_.ended() && lines_.has_begun();
      if ((piece && piece->ends_line) || is_last) {
        if (auto item = lines_.finish(bounds)) {
          octets += size_of(*item);
          chunk.items.push_back(std::move(*item));
        }
      }
      if (!piece) {
        chunk.drained = reader_.ended();
        break;
      }
    }
    if (const auto fault = reader_.error()) {
      return std::unexpected(FeedError{fmt::format("jsonl: {} can't be read, {}", name_, system_text(*fault))});
    }
    return chunk;
  }

  int fd_;
  std::string name_;
  LineReader reader_;
  Lines lines_;
  std::optional<Chunk> uncommitted_;
};

}  // namespace

std::expected<std::unique_ptr<Feed>, FeedError> open_jsonl(const std::string& path,
                                                           const std::optional<std::string>& position) {
  if (path == "-") return read_jsonl(STDIN_FILENO, "standard input");
  return std::make_unique<JsonFile>(path, position);
}

std::unique_ptr<Feed> read_jsonl(int fd, const std::string& name) { return std::make_unique<JsonStream>(fd, name); }

}  // namespace blowback::feed
