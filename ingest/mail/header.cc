// RFC 5322 §2.2, and the deviations from it that are seen in real mail.
#include "header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace blowback::mail {
namespace {

[[nodiscard]] bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Whether a line has only white space and NUL octets, and at least one.
[[nodiscard]] bool is_filled_with_blanks(std::string_view line) {
  return !line.empty() && std::ranges::all_of(line, [](char c) { return is_blank(c) || c == '\0'; });
}

// RFC 5322 §3.6.8: printable US-ASCII except the colon. White space before the colon is obsolete (§4.5) and still seen.
// Names in use have at most some 60 octets: a longer "name" is text that contains a colon.
constexpr std::size_t kLongestName = 200;

[[nodiscard]] std::optional<std::size_t> colon_of_field(std::string_view line) {
  std::size_t i = 0;
  while (i < line.size() && i < kLongestName && line[i] > ' ' && line[i] < '\x7f' && line[i] != ':') ++i;
  // A line that starts like a MIME boundary is never a field, even if it contains a colon.
  if (i == 0 || line.starts_with("--")) return std::nullopt;
  while (i < line.size() && is_blank(line[i])) ++i;
  if (i < line.size() && line[i] == ':') return i;
  return std::nullopt;
}

// The characters that `first_address` doesn't take as they are.
constexpr auto kIsMeaningful = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("\\\"(),:;<>")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

}  // namespace

Line line_at(std::string_view bytes, std::size_t at) {
  const void* found = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
  if (found == nullptr) return {bytes.substr(at), bytes.size()};
  const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
  const std::size_t length = end > at && bytes[end - 1] == '\r' ? end - 1 - at : end - at;
  return {bytes.substr(at, length), end + 1};
}

std::size_t header_begin(std::string_view bytes) {
  std::size_t at = 0;
  // UTF-8's byte order mark, which editors and some gateways write.
  if (bytes.starts_with("\xEF\xBB\xBF")) at = 3;
  const auto skip = [&](bool skips_empty) {
    while (at < bytes.size()) {
      if (skips_empty && (bytes[at] == '\n' || bytes[at] == '\r')) {
        ++at;
        continue;
      }
      const Line line = line_at(bytes, at);
      if (!is_filled_with_blanks(line.text)) return;
      at = line.next;
    }
  };
  skip(true);
  const std::string_view rest = bytes.substr(at);
  if (rest.starts_with("From ") || rest.starts_with(">From ")) {
    at = line_at(bytes, at).next;
    skip(false);  // an empty line here ends the header
  }
  return at;
}

std::expected<std::size_t, MessageError> read_header(std::string_view bytes, std::size_t at, std::size_t& fields_left,
                                                     std::size_t fields_limit, std::vector<Field>& fields) {
  std::size_t body = at;
  const std::size_t first = fields.size();
  std::string cleaned;
  while (body < bytes.size()) {
    Line line = line_at(bytes, body);
    if (line.text.empty()) return line.next;
    // RFC 5322 §4.1 has NUL as obsolete text, which is to be accepted.
    if (line.text.find('\0') != std::string_view::npos) {
      cleaned = line.text;
      std::erase(cleaned, '\0');
      line.text = cleaned;
      if (line.text.empty()) {
        body = line.next;
        continue;
      }
    }
    const bool has_field = fields.size() > first;
    if (has_field && is_blank(line.text.front())) {
      // RFC 5322 §2.2.3: unfolding. The white space becomes one space.
      const std::string_view more = trimmed(line.text);
      if (!more.empty()) {
        std::string& value = fields.back().value;
        if (!value.empty()) value += ' ';
        value += more;
      }
      body = line.next;
      continue;
    }
    if (const auto colon = colon_of_field(line.text)) {
      if (fields_left == 0) {
        return std::unexpected(
            MessageError{MessageError::Code::too_many_fields, fmt::format("more than {} header fields", fields_limit)});
      }
      --fields_left;
      fields.push_back(
          {std::string(trimmed(line.text.substr(0, *colon))), std::string(trimmed(line.text.substr(*colon + 1)))});
      body = line.next;
      continue;
    }
    // Not a field. Some programs lose the white space of a folded line, so that `boundary=…` starts the line.
    if (has_field && fields.back().value.ends_with(';')) {
      (fields.back().value += ' ') += trimmed(line.text);
      body = line.next;
      continue;
    }
    // A single line between fields that is none (an mbox's `>From `, a broken filter's output) is skipped; else the body begins here.
    // A MIME boundary isn't skipped: it begins the next part's header.
    const bool field_follows = !line.text.starts_with("--") && line.next < bytes.size() &&
                               colon_of_field(line_at(bytes, line.next).text).has_value();
    if (!field_follows || !has_field) return body;
    body = line.next;
  }
  return body;
}

std::expected<std::vector<Field>, MessageError> parse_header(std::string_view bytes, const Limits& limits) {
  std::vector<Field> fields;
  std::size_t left = limits.header_fields;
  const auto end = read_header(bytes, header_begin(bytes), left, limits.header_fields, fields);
  if (!end) return std::unexpected(end.error());
  return fields;
}

bool is_named(const Field& field, std::string_view name) {
  return field.name.size() == name.size() && equals_ignoring_case(field.name, name);
}

const std::string* find(const std::vector<Field>& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (is_named(field, name)) return &field.value;
  }
  return nullptr;
}

std::string first_address(std::string_view value) {
  // RFC 5322 §3.4: removes comments and quoted display names. Then the address is what is in angle brackets, else the first word with an
  // `@`, else (such as a lone MAILER-DAEMON) the first word.
  std::string plain;
  plain.reserve(value.size());
  int comments = 0;
  bool quoted = false;
  bool angle = false;
  bool in_local_quotes = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\' && (quoted || comments > 0)) {
      if (in_local_quotes && i + 1 < value.size()) (plain += c) += value[i + 1];
      ++i;
    } else if (quoted) {
      if (in_local_quotes) plain += c;
      if (c == '"') {
        quoted = false;
        in_local_quotes = false;
      }
    } else if (!angle && c == '(') {
      ++comments;
    } else if (comments > 0) {
      if (c == ')') --comments;
    } else if (c == '"') {
      quoted = true;
      // A quoted local part (`"a b"@example.org`) belongs to the address; a quoted display name doesn't.
      const std::size_t close = value.find('"', i + 1);
      in_local_quotes = close != std::string_view::npos && close + 1 < value.size() && value[close + 1] == '@';
      if (in_local_quotes) plain += c;
    } else if (c == '<') {
      angle = true;
      plain.clear();
    } else if (c == '>') {
      if (angle) break;
    } else if (!angle && (c == ',' || c == ';')) {
      if (!trimmed(plain).empty()) break;
      plain.clear();
    } else if (!angle && c == ':') {
      plain.clear();  // a group's name
    } else {
      std::size_t end = i + 1;
      while (end < value.size() && !kIsMeaningful[static_cast<unsigned char>(value[end])]) ++end;
      plain += value.substr(i, end - i);
      i = end - 1;
    }
  }
  std::string_view address = trimmed(plain);
  if (angle) {
    // RFC 5322 §4.4: a source route, `@a,@b:user@c`.
    if (address.starts_with('@')) {
      const std::size_t colon = address.find(':');
      if (colon != std::string_view::npos) address.remove_prefix(colon + 1);
    }
  } else {
    // Up to a blank; a blank before the `@` ends what comes before the address.
    const std::size_t at = std::min(address.find('@'), address.size());
    std::size_t begin = at < address.size() && !address.starts_with('"') ? at : 0;
    while (begin > 0 && !is_blank(address[begin - 1])) --begin;
    std::size_t end = at < address.size() ? at : 0;
    while (end < address.size() && !is_blank(address[end])) ++end;
    address = address.substr(begin, end - begin);
  }
  std::string out(address);
  for (std::size_t at = std::min(out.rfind('@'), out.size()); at < out.size(); ++at) out[at] = lower_case(out[at]);
  return out;
}

}  // namespace blowback::mail
