// An mbox file, read as it grows. Messages begin at a `From ` line behind an empty one (from_line.h); `>From ` loses a `>`.
//
// mboxrd and mboxo can't be told apart by looking, so `>+From ` loses one `>` in both: right for mboxrd, and for mboxo wrong
// only for a text that had `>From ` before it was quoted.
//
// The last message of the file has no separator behind it. It is whole if no process has the file open for writing: mail
// software opens, appends and closes. Where that can't be told (open_file.h), it is whole once the file is unchanged for
// two seconds. Until then it is left for the next time, and nothing of it is lost.
#include "feed.h"
#include "from_line.h"
#include "line_reader.h"
#include "open_file.h"
#include "tailed_file.h"
#include "too_large.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace blowback::feed {
namespace {

constexpr Duration kQuiet = std::chrono::seconds{2};
constexpr UnixTime kEarliest = std::chrono::sys_days(std::chrono::year(1990) / std::chrono::January / 1);

bool is_empty_line(std::string_view line) { return line == "\n" || line == "\r\n"; }

/// A message while its lines come in. Memory is bounded by the limit; what is beyond it is counted only.
class Growing {
 public:
  Growing(std::uint64_t offset, std::size_t limit) : offset_(offset), limit_(limit) {}

  void begin(FromLine from) { from_ = std::move(from); }
  [[nodiscard]] bool has_from_line() const { return from_.has_value(); }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  void add(const LineReader::Piece& piece) {
    auto text = piece.text;
    if (piece.begins_line && from_) {
      const auto quotes = text.find_first_not_of('>');
      if (quotes != std::string_view::npos && quotes > 0 && text.substr(quotes).starts_with("From "))
        text.remove_prefix(1);
    }
    size_ += text.size();
    last_empty_ = piece.begins_line && is_empty_line(text) ? text.size() : 0;
    if (too_large_) return;
    // The empty line in front of the next message isn't part of this one, so it may exceed the limit. Asked before the text
    // is added: growing for it would hold the message twice.
    if (bytes_.size() + text.size() > limit_ + 2) {
      too_large_ = true;
      if (bytes_.size() < kKept) bytes_ += text.substr(0, kKept - bytes_.size());
      bytes_.resize(std::min(bytes_.size(), kKept));
      bytes_.shrink_to_fit();
      return;
    }
    // Doubling, as a string does by itself, but not beyond what is ever kept.
    if (bytes_.size() + text.size() > bytes_.capacity()) {
      bytes_.reserve(std::max(bytes_.size() + text.size(), std::min(2 * bytes_.capacity(), limit_ + 2)));
    }
    bytes_ += text;
  }

  [[nodiscard]] Item finish(const struct stat& file) {
    size_ -= last_empty_;
    if (!too_large_) bytes_.resize(bytes_.size() - last_empty_);
    Item item{.where = fmt::format("offset {}", offset_), .content = {}};
    if (!from_) {
      bytes_.resize(std::min(bytes_.size(), kKept));
      item.content =
          Unreadable{.reason = "no-from-line",
                     .detail = fmt::format("{} octets don't begin with a From line as an mbox message does", size_),
                     .bytes = std::move(bytes_)};
    } else if (size_ > limit_) {
      item.content = too_large_message(size_, limit_, std::move(bytes_));
    } else if (size_ == 0) {
      item.content = Unreadable{.reason = "empty", .detail = "nothing follows the From line", .bytes = ""};
    } else {
      TrapDelivery delivery;
      const auto changed = changed_at(file);
      const bool is_plausible = from_->date >= kEarliest && from_->date <= changed + std::chrono::days(1);
      delivery.received_at = is_plausible ? from_->date : changed;
      if (!has_return_path(bytes_)) delivery.mail_from = from_->reverse_path;
      delivery.message = std::move(bytes_);
      item.content = std::move(delivery);
    }
    return item;
  }

 private:
  std::uint64_t offset_;
  std::size_t limit_;
  std::optional<FromLine> from_;
  std::string bytes_;
  std::uint64_t size_ = 0;
  std::size_t last_empty_ = 0;  ///< octets of the last line, if it is an empty one
  bool too_large_ = false;
};

class Mbox final : public Feed {
 public:
  Mbox(const std::string& path, const std::optional<std::string>& position) : file_(path, "mbox", position) {}

  [[nodiscard]] std::expected<Chunk, FeedError> next(const Bounds& bounds) override;

  [[nodiscard]] std::expected<void, FeedError> committed() override {
    if (next_) file_.set_position(*std::exchange(next_, std::nullopt));
    return {};
  }

  [[nodiscard]] std::optional<Progress> progress() const override {
    return Progress{.done = next_ ? next_->offset : file_.position().offset, .total = file_.size()};
  }

 private:
  struct Seen {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::int64_t changed = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };

  [[nodiscard]] bool end_is_whole() const {
    const auto writers = writers_of(file_.fd());
    if (writers != Writers::unknown) return writers == Writers::none;
    const auto unchanged = time_since_change(file_.status());
    return unchanged >= kQuiet || unchanged < Duration{0};  // a time in the future says nothing, and won't come soon
  }

  TailedFile file_;
  std::optional<FilePosition> next_;  ///< taken over once the chunk is committed
  std::optional<Seen> unfinished_;    ///< so looked the file when its last message wasn't whole
};

std::expected<Chunk, FeedError> Mbox::next(const Bounds& bounds) {
  next_.reset();
  if (auto found = file_.refresh(); !found) return std::unexpected(found.error());
  const std::uint64_t start = file_.position().offset;
  Chunk chunk;
  if (start == file_.size()) {
    chunk.drained = true;
    return chunk;
  }
  // Asked before reading: what is appended afterwards belongs to the next time.
  const bool whole = end_is_whole();
  const Seen seen{.offset = start, .size = file_.size(), .changed = change_stamp(file_.status())};
  if (!whole && unfinished_ == seen) {
    chunk.drained = true;
    return chunk;
  }
  unfinished_.reset();

  LineReader reader(file_source(file_.fd(), start), start);
  std::size_t octets = 0;
  std::uint64_t taken = start;  // everything before it is in the chunk
  std::uint64_t at = start;     // everything before it is read
  bool after_empty_line = true;
  std::optional<Growing> message;
  const auto finish = [&](std::uint64_t end) {
    chunk.items.push_back(message->finish(file_.status()));
    octets += size_of(chunk.items.back());
    message.reset();
    taken = end;
  };
  bool full = false;
  while (!full) {
    const auto piece = reader.next();
    if (!piece) break;
    if (!piece->ends_line && !whole && reader.ended()) break;  // a line still being written
    if (piece->begins_line && after_empty_line) {
      if (auto from = parse_from_line(piece->text)) {
        if (message) {
          finish(piece->offset);
          full = chunk.items.size() >= bounds.items || octets >= bounds.octets;
          if (full) break;
        }
        message.emplace(piece->offset, bounds.message);
        message->begin(std::move(*from));
        at = piece->offset + piece->text.size();
        after_empty_line = false;
        continue;
      }
    }
    after_empty_line = piece->begins_line && is_empty_line(piece->text);
    at = piece->offset + piece->text.size();
    if (!message) {
      if (after_empty_line) {  // between messages, or in front of the first
        taken = at;
        continue;
      }
      message.emplace(piece->offset, bounds.message);
    }
    message->add(*piece);
  }
  if (const auto fault = reader.error()) {
    return std::unexpected(FeedError{fmt::format("mbox: reading at offset {} failed, {}", at, system_text(*fault))});
  }
  if (!full) {
    chunk.drained = true;
    if (message && whole) finish(at);
    if (message) unfinished_ = Seen{.offset = taken, .size = seen.size, .changed = seen.changed};
  }
  if (taken != start) {
    next_ = file_.position_at(taken, 0);
    chunk.position = next_->to_string();
  }
  return chunk;
}

}  // namespace

std::expected<std::unique_ptr<Feed>, FeedError> open_mbox(const std::string& path,
                                                          const std::optional<std::string>& position) {
  return std::make_unique<Mbox>(path, position);
}

}  // namespace blowback::feed
