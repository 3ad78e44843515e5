// An mbox file, read as it grows. Messages begin at a `From ` line after an empty line (from_line.h).
//
// A message's text may contain such a line as well, written by a stranger. So it is a boundary only if the writer of the file quotes such
// lines in messages (the quotes are removed then), or if the length that the writer put into the header leads exactly to it. If a length
// leads elsewhere, boundaries are guessed from there to the present end of the file: what is appended later certainly begins at that end.
// Deliveries with guessed boundaries are marked as doubtful.
//
// The last message of the file has no separator after it. It is complete if no process has the file open for writing: mail software opens,
// appends and closes. If that can't be found out (open_file.h), it is complete once the file is unchanged for two seconds. Until then it is
// left for the next time.
#include "blowback/text.h"
#include "feed.h"
#include "from_line.h"
#include "line_reader.h"
#include "open_file.h"
#include "tailed_file.h"
#include "too_large.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace blowback::feed {
namespace {

constexpr Duration kQuiet = std::chrono::seconds{2};
constexpr UnixTime kEarliest = std::chrono::sys_days(std::chrono::year(1990) / std::chrono::January / 1);
/// Octets to check where a length leads: two line breaks and a `From ` line.
constexpr std::size_t kSeparator = 4096;

bool is_empty_line(std::string_view line) { return line == "\n" || line == "\r\n"; }

/// Whether a line is quoted in that way, so that a `>` is removed.
[[nodiscard]] bool is_quoted(std::string_view line, MboxQuoting quoting) {
  const auto quotes = std::min(line.find_first_not_of('>'), line.size());
  if (quotes == 0 || !line.substr(quotes).starts_with("From ")) return false;
  return quoting == MboxQuoting::mboxrd || (quoting == MboxQuoting::mboxo && quotes == 1);
}

/// Removes a line break. False: `text` doesn't begin with one.
bool take_line_break(std::string_view& text) {
  const std::size_t octets = text.starts_with("\r\n") ? 2 : 1;
  if (octets == 1 && !text.starts_with('\n')) return false;
  text.remove_prefix(octets);
  return true;
}

/// The Content-Length: of a header, line by line. The writer adds one; if there are several, a stranger may have added another.
class LengthField {
 public:
  void read(std::string_view line) {
    constexpr std::string_view kName = "content-length:";
    const bool goes_on = line.starts_with(' ') || line.starts_with('\t');
    if (goes_on) {
      if (std::exchange(is_last_, false)) ++count_;  // no writer folds it
      return;
    }
    is_last_ = lower_case(line.substr(0, kName.size())) == kName;
    if (!is_last_) return;
    ++count_;
    auto digits = line.substr(kName.size());
    digits.remove_prefix(std::min(digits.find_first_not_of(" \t"), digits.size()));
    while (!digits.empty() && std::string_view(" \t\r\n").contains(digits.back())) digits.remove_suffix(1);
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), octets_);
    if (fault != std::errc{} || end != digits.data() + digits.size() || octets_ > kLongest) ++count_;
  }

  [[nodiscard]] std::optional<std::uint64_t> octets() const {
    return count_ == 1 ? std::optional(octets_) : std::nullopt;
  }

 private:
  /// The sum with an offset in a file can't overflow.
  static constexpr std::uint64_t kLongest = std::uint64_t{1} << 48U;

  std::uint64_t octets_ = 0;
  std::size_t count_ = 0;
  bool is_last_ = false;
};

/// A message, line by line. Memory is bounded by the limit; octets beyond it are only counted.
class Growing {
 public:
  Growing(std::uint64_t offset, std::size_t limit, MboxQuoting quoting, bool doubtful)
      : offset_(offset), limit_(limit), quoting_(quoting), doubtful_(doubtful) {}

  void begin(FromLine from) { from_ = std::move(from); }
  [[nodiscard]] bool has_from_line() const { return from_.has_value(); }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

  /// The header is complete, and `end_by_length` wasn't called yet.
  [[nodiscard]] bool is_at_body() const { return body_ && !asked_for_end_; }
  /// Where the body ends by its Content-Length; absent if that isn't known.
  [[nodiscard]] std::optional<std::uint64_t> end_by_length() {
    asked_for_end_ = true;
    const auto octets = length_.octets();
    return octets && from_ ? std::optional(*body_ + *octets) : std::nullopt;
  }
  void end_at(std::uint64_t offset) {
    end_ = offset;
    last_empty_ = 0;  // the empty line after the header belongs to a message without a body
  }
  /// Where the message ends, if that is known in advance.
  [[nodiscard]] std::optional<std::uint64_t> end() const { return end_; }
  void doubt() { doubtful_ = true; }

  void add(const LineReader::Piece& piece) {
    auto text = piece.text;
    if (quoting_ == MboxQuoting::content_length && !body_ && piece.begins_line) {
      if (is_empty_line(text)) {
        body_ = piece.offset + text.size();
      } else {
        length_.read(text);
      }
    }
    if (end_ && piece.offset < *end_) text = text.substr(0, std::min<std::uint64_t>(text.size(), *end_ - piece.offset));
    if (piece.begins_line && from_ && is_quoted(text, quoting_)) text.remove_prefix(1);
    size_ += text.size();
    last_empty_ = !end_ && piece.begins_line && is_empty_line(text) ? text.size() : 0;
    if (too_large_) return;
    // The empty line before the next message isn't part of this one, so it may exceed the limit. This is checked before the text is added:
    // to grow for it would hold the message twice.
    if (bytes_.size() + text.size() > limit_ + 2) {
      too_large_ = true;
      if (bytes_.size() < kKept) bytes_ += text.substr(0, kKept - bytes_.size());
      bytes_.resize(std::min(bytes_.size(), kKept));
      bytes_.shrink_to_fit();
      return;
    }
    // The capacity doubles, as that of a string does, but not beyond the limit.
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
      delivery.doubtful_boundary = doubtful_;
      if (!doubtful_ && !has_return_path(bytes_)) delivery.mail_from = from_->reverse_path;
      delivery.message = std::move(bytes_);
      item.content = std::move(delivery);
    }
    return item;
  }

 private:
  std::uint64_t offset_;
  std::size_t limit_;
  MboxQuoting quoting_;
  bool doubtful_;
  std::optional<FromLine> from_;
  LengthField length_;
  std::optional<std::uint64_t> body_;  ///< where the body begins
  bool asked_for_end_ = false;
  std::optional<std::uint64_t> end_;
  std::string bytes_;
  std::uint64_t size_ = 0;
  std::size_t last_empty_ = 0;  ///< octets of the last line, if it is an empty one
  bool too_large_ = false;
};

class Mbox final : public Feed {
 public:
  Mbox(const std::string& path, MboxQuoting quoting, const std::optional<std::string>& position)
      : quoting_(quoting), file_(path, "mbox", position) {}

  [[nodiscard]] std::expected<Chunk, FeedError> next(const Bounds& bounds) override;

  [[nodiscard]] std::expected<void, FeedError> committed() override {
    file_.commit();
    return {};
  }

  [[nodiscard]] std::optional<Progress> progress() const override { return file_.progress(); }

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
    return unchanged >= kQuiet || unchanged < Duration{0};  // a time in the future tells nothing
  }

  /// What is found where a length leads.
  enum class Boundary : std::uint8_t {
    there,      ///< a `From ` line or the file's end, after the line breaks that writers add
    elsewhere,  ///< neither: the writer didn't write this length
    unwritten,  ///< not known yet
  };
  [[nodiscard]] Boundary boundary_at(std::uint64_t offset, bool whole) const;

  MboxQuoting quoting_;
  TailedFile file_;
  std::optional<Seen> unfinished_;  ///< the file when its last message was incomplete
};

Mbox::Boundary Mbox::boundary_at(std::uint64_t offset, bool whole) const {
  const auto unwritten = whole ? Boundary::elsewhere : Boundary::unwritten;
  if (offset > file_.size()) return unwritten;
  std::array<char, kSeparator> octets{};
  const auto got = pread(file_.fd(), octets.data(), octets.size(), static_cast<off_t>(offset));
  if (got < 0) return unwritten;
  std::string_view text(octets.data(), static_cast<std::size_t>(got));
  // One may end the body's last line, and one is the empty line.
  for (int breaks = 0; breaks < 2 && take_line_break(text);) ++breaks;
  if (text.empty()) return whole ? Boundary::there : Boundary::unwritten;
  const auto end = text.find('\n');
  if (end == std::string_view::npos && !whole && text.size() < kSeparator / 2) return Boundary::unwritten;
  return parse_from_line(text.substr(0, end)) ? Boundary::there : Boundary::elsewhere;
}

std::expected<Chunk, FeedError> Mbox::next(const Bounds& bounds) {
  if (auto found = file_.refresh(); !found) return std::unexpected(found.error());
  const std::uint64_t start = file_.position().offset;
  Chunk chunk;
  if (start == file_.size()) {
    chunk.drained = true;
    return chunk;
  }
  // Checked before reading: what is appended later belongs to the next chunk.
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
  // Whether the next message's beginning is a guess. The position's line, which an mbox doesn't need, keeps it over a restart.
  bool guessed = quoting_ == MboxQuoting::content_length && file_.position().line != 0;
  bool guessed_at_taken = guessed;
  std::optional<Growing> message;
  const auto begin = [&](std::uint64_t offset) {
    message.emplace(offset, bounds.message, quoting_, guessed || quoting_ == MboxQuoting::none);
  };
  const auto finish = [&](std::uint64_t end) {
    chunk.items.push_back(message->finish(file_.status()));
    octets += size_of(chunk.items.back());
    message.reset();
    taken = end;
    guessed_at_taken = guessed;
  };
  bool full = false;
  bool unwritten = false;
  while (!full && !unwritten) {
    const auto piece = reader.next();
    if (!piece) break;
    if (!piece->ends_line && !whole && reader.ended()) break;  // the line is still being written
    if (message && message->end()) {
      at = piece->offset + piece->text.size();
      if (piece->offset < *message->end()) {
        message->add(*piece);
        continue;
      }
      if (is_empty_line(piece->text)) continue;
      after_empty_line = true;  // a `From ` line was found here
    }
    if (piece->begins_line && after_empty_line) {
      if (auto from = parse_from_line(piece->text)) {
        if (message) {
          finish(piece->offset);
          full = chunk.items.size() >= bounds.items || octets >= bounds.octets;
          if (full) break;
        }
        begin(piece->offset);
        message->begin(std::move(*from));
        at = piece->offset + piece->text.size();
        after_empty_line = false;
        continue;
      }
    }
    after_empty_line = piece->begins_line && is_empty_line(piece->text);
    at = piece->offset + piece->text.size();
    if (!message) {
      if (after_empty_line) {  // between messages, or before the first
        taken = at;
        continue;
      }
      guessed = quoting_ == MboxQuoting::content_length;
      begin(piece->offset);
    }
    message->add(*piece);
    if (quoting_ != MboxQuoting::content_length || !message->is_at_body()) continue;
    const auto end = message->end_by_length();
    const auto found = end ? boundary_at(*end, whole) : Boundary::elsewhere;
    if (found == Boundary::there) message->end_at(*end);
    unwritten = found == Boundary::unwritten;
    if (found == Boundary::elsewhere) {
      message->doubt();
      guessed = true;
    }
  }
  if (const auto fault = reader.error()) {
    return std::unexpected(FeedError{fmt::format("mbox: reading at offset {} failed, {}", at, system_text(*fault))});
  }
  if (!full) {
    chunk.drained = true;
    if (message && whole) finish(at);
    if (!message && whole) guessed_at_taken = false;
    if (message) unfinished_ = Seen{.offset = taken, .size = seen.size, .changed = seen.changed};
  }
  if (taken != start) chunk.position = file_.advance(taken, guessed_at_taken ? 1 : 0).to_string();
  return chunk;
}

}  // namespace

std::expected<std::unique_ptr<Feed>, FeedError> open_mbox(const std::string& path, MboxQuoting quoting,
                                                          const std::optional<std::string>& position) {
  return std::make_unique<Mbox>(path, quoting, position);
}

}  // namespace blowback::feed
