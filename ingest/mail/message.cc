// Reads the MIME tree (RFC 2045, 2046) in one pass with an explicit stack: no recursion, each octet read once, and every limit checked
// before anything is copied. Decoding is in decoding.h.
//
// GMime's parser isn't used: it recurses once per nested part and compares each line with every open boundary, without a limit. Here the
// stack has at most `Limits::depth` entries, so a line costs at most that many comparisons.
#include "mail/message.h"

#include "decoding.h"
#include "header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <deque>
#include <utility>

namespace blowback::mail {
namespace {

struct ErrorRow {
  MessageError::Code code;
  std::string_view name;
};
constexpr std::array<ErrorRow, 6> kErrors{{{MessageError::Code::empty, "empty"},
                                           {MessageError::Code::too_large, "too-large"},
                                           {MessageError::Code::too_deep, "too-deep"},
                                           {MessageError::Code::too_many_parts, "too-many-parts"},
                                           {MessageError::Code::too_many_fields, "too-many-fields"},
                                           {MessageError::Code::malformed, "malformed"}}};

[[nodiscard]] MessageError error(MessageError::Code code, std::string text) { return {code, std::move(text)}; }

// RFC 2046 §5.1.1 allows 70 characters. Longer boundaries exist, but none as long as this.
constexpr std::size_t kLongestBoundary = 250;

[[nodiscard]] bool encloses_message(std::string_view type) {
  return type == "message/rfc822" || type == "message/global" || type == "message/news";
}

[[nodiscard]] bool has_text(std::string_view type) { return type.starts_with("text/") || type.starts_with("message/"); }

// What a part's header declares about its body.
struct PartHeader {
  Part part;
  std::string boundary;
};

// An open multipart or enclosed message.
struct Open {
  std::string boundary;  ///< empty for an enclosed message
  bool is_digest = false;
  bool has_children = false;
  int child_depth = 0;
  std::size_t part = 0;  ///< index in Message::parts
  std::size_t body_begin = 0;
};

// Octets to read the structure of: the message itself, or an enclosed message after decoding.
class Walker {
 public:
  Walker(Message& message, const Limits& limits, std::size_t& fields_left)
      : message_(message), limits_(limits), fields_left_(fields_left) {}

  [[nodiscard]] std::expected<void, MessageError> walk(std::string_view bytes);

 private:
  enum class Match : std::uint8_t { none, next_part, last };

  [[nodiscard]] std::expected<std::size_t, MessageError> entity(std::size_t at, int depth, bool is_message_root,
                                                                bool in_digest, std::size_t owner);
  [[nodiscard]] static PartHeader described(const std::vector<Field>& fields, int depth, bool in_digest);
  [[nodiscard]] std::pair<Match, std::size_t> boundary_at(std::string_view line) const;
  [[nodiscard]] std::string guessed_boundary(std::size_t body) const;
  void finish_leaf(std::size_t end);
  void close_down_to(std::size_t height, std::size_t end);
  [[nodiscard]] std::expected<void, MessageError> walk_encoded(std::string_view body, std::size_t part);

  Message& message_;
  const Limits& limits_;
  std::size_t& fields_left_;
  std::string_view bytes_;
  std::vector<Open> stack_;
  int base_depth_ = 0;
  bool is_encoded_walk_ = false;

  // The leaf that is being read.
  struct Leaf {
    std::size_t part = 0;
    std::size_t body = 0;
    bool is_encoded_message = false;
  };
  std::optional<Leaf> leaf_;
  std::optional<MessageError> failed_;
};

PartHeader Walker::described(const std::vector<Field>& fields, int depth, bool in_digest) {
  PartHeader header;
  header.part.depth = depth;
  ContentType content;
  if (const std::string* type = find(fields, "Content-Type")) content = parse_content_type(*type);
  // RFC 2045 §5.2; RFC 2046 §5.1.5 for a digest's parts.
  if (content.type.empty()) content.type = in_digest ? "message/rfc822" : "text/plain";
  header.part.type = std::move(content.type);
  header.part.report_type = std::move(content.report_type);
  header.part.file_name = std::move(content.name);
  header.part.charset = std::move(content.charset);
  header.boundary = std::move(content.boundary);
  if (const std::string* disposition = find(fields, "Content-Disposition")) {
    Disposition parsed = parse_disposition(*disposition);
    header.part.is_attachment = parsed.kind == "attachment";
    if (!parsed.file_name.empty()) header.part.file_name = std::move(parsed.file_name);
  }
  if (const std::string* encoding = find(fields, "Content-Transfer-Encoding")) {
    header.part.encoding = encoding->substr(0, encoding->find_first_of("; \t("));
  }
  return header;
}

std::pair<Walker::Match, std::size_t> Walker::boundary_at(std::string_view line) const {
  if (!line.starts_with("--")) return {Match::none, 0};
  std::string_view rest = line.substr(2);
  while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t')) rest.remove_suffix(1);
  // Innermost first. An outer boundary ends all parts within it (RFC 2046 §5.1.2).
  for (std::size_t i = stack_.size(); i-- > 0;) {
    const std::string& boundary = stack_[i].boundary;
    if (boundary.empty() || !rest.starts_with(boundary)) continue;
    const std::string_view tail = rest.substr(boundary.size());
    if (tail.empty()) return {Match::next_part, i};
    if (tail == "--") return {Match::last, i};
  }
  return {Match::none, 0};
}

std::string Walker::guessed_boundary(std::size_t body) const {
  // A multipart whose header has lost the boundary: the first line that can be one, near the start.
  std::size_t at = body;
  for (int lines = 0; lines < 50 && at < bytes_.size(); ++lines) {
    const Line line = line_at(bytes_, at);
    if (line.text.starts_with("--") && line.text.size() > 6 && line.text.size() < 80 &&
        line.text.find_first_not_of("-=_") != std::string_view::npos && !line.text.ends_with("--") &&
        line.text.find(' ') == std::string_view::npos) {
      return std::string(line.text.substr(2));
    }
    at = line.next;
  }
  return {};
}

std::expected<void, MessageError> Walker::walk_encoded(std::string_view body, std::size_t part) {
  // RFC 2046 §5.2.1 forbids to encode message/rfc822, RFC 6532 §3.6 allows it for message/global; both occur. Only one level is decoded, so
  // that memory stays a small multiple of the message.
  bool cut = false;
  message_.unpacked.push_back(
      std::make_unique<const std::string>(transfer_decoded(body, message_.parts[part].encoding, limits_.message, cut)));
  const std::string_view inner = *message_.unpacked.back();
  Walker walker(message_, limits_, fields_left_);
  walker.is_encoded_walk_ = true;
  walker.bytes_ = inner;
  walker.base_depth_ = message_.parts[part].depth + 1;
  const std::size_t begin = header_begin(inner);
  auto body_at = walker.entity(begin, walker.base_depth_, true, false, part);
  if (!body_at) return std::unexpected(std::move(body_at.error()));
  return walker.walk(inner.substr(*body_at));
}

void Walker::finish_leaf(std::size_t end) {
  if (!leaf_) return;
  const Leaf leaf = *leaf_;
  leaf_.reset();
  std::size_t stop = std::max(end, leaf.body);
  // The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
  if (stop < bytes_.size() && stop > leaf.body && bytes_[stop - 1] == '\n') {
    --stop;
    if (stop > leaf.body && bytes_[stop - 1] == '\r') --stop;
  }
  const std::string_view body = bytes_.substr(leaf.body, stop - leaf.body);
  if (leaf.is_encoded_message) {
    if (auto walked = walk_encoded(body, leaf.part); !walked) failed_ = std::move(walked.error());
    return;
  }
  message_.parts[leaf.part].body = body;
}

void Walker::close_down_to(std::size_t height, std::size_t end) {
  while (stack_.size() > height) {
    const Open& open = stack_.back();
    // A multipart without a single boundary: its body is read as text.
    if (!open.boundary.empty() && !open.has_children) {
      Part& part = message_.parts[open.part];
      part.body = bytes_.substr(open.body_begin, end - open.body_begin);
      part.encoding.clear();
      part.charset.clear();
    }
    stack_.pop_back();
  }
}

// Reads the header at `at` and opens the part or message that it begins. `owner`: for the root of an enclosed message, its part.
std::expected<std::size_t, MessageError> Walker::entity(std::size_t at, int depth, bool is_message_root, bool in_digest,
                                                        std::size_t owner) {
  while (true) {
    std::vector<Field> fields;
    const auto header = read_header(bytes_, at, fields_left_, limits_.header_fields, fields);
    if (!header) return std::unexpected(header.error());
    if (depth > limits_.depth) {
      return std::unexpected(
          error(MessageError::Code::too_deep, fmt::format("parts nested more than {} deep", limits_.depth)));
    }
    if (message_.parts.size() >= limits_.parts) {
      return std::unexpected(
          error(MessageError::Code::too_many_parts, fmt::format("more than {} MIME parts", limits_.parts)));
    }
    PartHeader described_part = described(fields, depth, in_digest);
    const std::size_t index = message_.parts.size();
    if (is_message_root) {
      (index == 0 ? message_.fields : message_.parts[owner].enclosed_fields) = std::move(fields);
    } else {
      described_part.part.fields = std::move(fields);
    }
    const std::string type = described_part.part.type;
    const bool encoded = is_encoded(described_part.part.encoding);
    message_.parts.push_back(std::move(described_part.part));
    at = *header;

    if (type.starts_with("multipart/")) {
      std::string boundary = described_part.boundary.substr(0, kLongestBoundary);
      while (!boundary.empty() && (boundary.back() == ' ' || boundary.back() == '\t')) boundary.pop_back();
      if (boundary.empty()) boundary = guessed_boundary(at);
      if (!boundary.empty()) {
        stack_.push_back({std::move(boundary), type == "multipart/digest", false, depth + 1, index, at});
        return at;
      }
    }
    if (encloses_message(type)) {
      if (!encoded) {
        stack_.push_back({"", false, false, depth + 1, index, at});
        at = header_begin(bytes_.substr(at)) + at;
        // The enclosed message may be truncated here.
        if (boundary_at(line_at(bytes_, std::min(at, bytes_.size())).text).first != Match::none) return at;
        ++depth;
        is_message_root = true;
        in_digest = false;
        owner = index;
        continue;
      }
      if (!is_encoded_walk_) {
        leaf_ = Leaf{index, at, true};
        return at;
      }
    }
    if (has_text(type) || type.starts_with("multipart/")) {
      leaf_ = Leaf{index, at, false};
    }
    return at;
  }
}

std::expected<void, MessageError> Walker::walk(std::string_view bytes) {
  std::size_t at = 0;
  if (!is_encoded_walk_) {
    bytes_ = bytes;
    auto body = entity(header_begin(bytes_), 0, true, false, 0);
    if (!body) return std::unexpected(std::move(body.error()));
    at = *body;
  } else {
    at = bytes_.size() - bytes.size();
  }
  while (at < bytes_.size() && !stack_.empty()) {
    const Line line = line_at(bytes_, at);
    const auto [match, level] = boundary_at(line.text);
    if (match == Match::none) {
      at = line.next;
      continue;
    }
    finish_leaf(at);
    if (failed_) return std::unexpected(std::move(*failed_));
    stack_[level].has_children = true;
    close_down_to(match == Match::last ? level : level + 1, at);
    at = line.next;
    if (match == Match::last) continue;
    const Open& open = stack_.back();
    auto body = entity(at, open.child_depth, false, open.is_digest, 0);
    if (!body) return std::unexpected(std::move(body.error()));
    at = *body;
  }
  finish_leaf(bytes_.size());
  if (failed_) return std::unexpected(std::move(*failed_));
  close_down_to(0, bytes_.size());
  return {};
}

}  // namespace

std::string_view name_of(MessageError::Code code) {
  for (const ErrorRow& row : kErrors) {
    if (row.code == code) return row.name;
  }
  assert(false);
  return "";
}

Text text_of(const Part& part, std::size_t most) {
  Text out;
  out.text = to_utf8(transfer_decoded(part.body, part.encoding, most, out.cut), part.charset);
  return out;
}

std::expected<Message, MessageError> parse(std::string_view bytes, const Limits& limits) {
  if (bytes.size() > limits.message) {
    return std::unexpected(error(MessageError::Code::too_large,
                                 fmt::format("a message of {} octets, the limit is {}", bytes.size(), limits.message)));
  }
  if (bytes.find_first_not_of(std::string_view("\r\n \t\0", 5)) == std::string_view::npos) {
    return std::unexpected(error(MessageError::Code::empty, "an empty message"));
  }
  Message message;
  std::size_t fields_left = limits.header_fields;
  Walker walker(message, limits, fields_left);
  if (auto walked = walker.walk(bytes); !walked) return std::unexpected(std::move(walked.error()));
  return message;
}

}  // namespace blowback::mail
