// A run of header fields is found by the fields' names: separators have a hundred wordings and get lost in transit.
#include "returned_original.h"

#include "mail/passage.h"
#include "words.h"

#include <algorithm>
#include <array>
#include <utility>

namespace blowback::detect {
namespace {

constexpr std::size_t kMostFields = 200;

struct FieldLine {
  std::string_view name;
  std::string_view value;
  std::size_t indent = 0;
};

// RFC 5322 §2.2, with any indentation and quotation marks before it.
[[nodiscard]] std::optional<FieldLine> field_line(std::string_view line) {
  std::size_t indent = 0;
  while (indent < line.size() &&
         (line[indent] == ' ' || line[indent] == '\t' || line[indent] == '>' || line[indent] == '|'))
    ++indent;
  const std::string_view rest = line.substr(indent);
  const std::size_t colon = rest.substr(0, 60).find(':');
  if (colon == std::string_view::npos || colon < 2) return std::nullopt;
  const std::string_view name = rest.substr(0, colon);
  const auto is_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (!std::ranges::all_of(name, is_name)) return std::nullopt;
  return FieldLine{name, trimmed(rest.substr(colon + 1)), indent};
}

// Which characteristic fields a block has.
struct Tally {
  bool trace = false;  // Received, Return-Path, Message-ID: only a message's own header has them
  bool from = false;
  bool to = false;
  bool subject = false;
  bool date = false;
  std::size_t known = 0;

  void count(std::string_view name) {
    const auto is = [&](std::string_view what) { return equals_ignoring_case(name, what); };
    ++known;
    if (is("Received") || is("Return-Path") || is("Message-ID")) {
      trace = true;
    } else if (is("From")) {
      from = true;
    } else if (is("To") || is("Cc")) {
      to = true;
    } else if (is("Subject")) {
      subject = true;
    } else if (is("Date") || is("Sent")) {
      date = true;
    } else if (!is("MIME-Version") && !is("Content-Type") && !is("DKIM-Signature") && !is("Reply-To") &&
               !is("User-Agent") && !is("X-Mailer") && !is("References") && !is("Authentication-Results") &&
               !is("ARC-Seal") && !is("X-Received")) {
      --known;
    }
  }
  /// The header of a message: the original begins here.
  [[nodiscard]] bool is_header() const { return (trace && known >= 2) || (from && to && subject && date); }
  /// A summary by the mailer: `Subject: … Sent: …`.
  [[nodiscard]] bool is_summary() const { return subject && (to || from || date); }
};

[[nodiscard]] std::string unbracketed(std::string_view id) {
  id = trimmed(id);
  const std::size_t open = id.find('<');
  if (open != std::string_view::npos) id.remove_prefix(open + 1);
  id = id.substr(0, id.find('>'));
  return std::string(trimmed(id));
}

// RFC 7208 §9.1 `Received-SPF: Fail (…)`, RFC 8601 `spf=fail`: what the server itself found when it accepted the mail.
[[nodiscard]] bool says_spf_failed(const std::vector<mail::Field>& fields) {
  return std::ranges::any_of(fields, [](const mail::Field& field) {
    if (equals_ignoring_case(field.name, "Received-SPF")) {
      const std::string_view result = trimmed(field.value);
      return starts_ignoring_case(result, "fail") || starts_ignoring_case(result, "softfail");
    }
    if (equals_ignoring_case(field.name, "Authentication-Results")) {
      return contains_ignoring_case(field.value, "spf=fail") || contains_ignoring_case(field.value, "spf=softfail") ||
             contains_ignoring_case(field.value, "spf=hardfail");
    }
    return false;
  });
}

[[nodiscard]] std::optional<IpAddress> handed_in_by(const std::vector<mail::Field>& fields) {
  std::vector<std::string> received;
  for (const mail::Field& field : fields) {
    if (equals_ignoring_case(field.name, "Received")) received.push_back(field.value);
  }
  return mail::handed_in_by(received);
}

}  // namespace

QuotedOriginal find_quoted_original(std::string_view text) {
  QuotedOriginal summary;
  QuotedOriginal block;
  Tally tally;
  std::size_t indent = 0;
  std::string_view rest = text;
  const auto is_complete = [&]() -> bool {
    const bool found = tally.is_header();
    if (!found) {
      if (tally.is_summary() && summary.fields.empty()) summary.fields = std::move(block.fields);
      block = {};
      tally = {};
    }
    return found;
  };
  while (!rest.empty()) {
    const std::size_t at = text.size() - rest.size();
    const std::string_view line = next_line(rest);
    if (!block.fields.empty()) {
      // Indented more than the fields: a continuation of the last one (RFC 5322 §2.2.3).
      const std::size_t own = line.find_first_not_of(" \t>|\r");
      if (own != std::string_view::npos && own > indent) {
        if (block.fields.size() < kMostFields) (block.fields.back().value += ' ') += trimmed(line.substr(own));
        continue;
      }
    }
    const auto field = field_line(line);
    if (field) {
      if (block.fields.empty()) {
        block.begin = at;
        indent = field->indent;
      }
      if (block.fields.size() < kMostFields) {
        block.fields.push_back({std::string(field->name), std::string(field->value)});
        tally.count(field->name);
      }
      continue;
    }
    if (block.fields.empty()) continue;
    if (is_complete()) return block;
  }
  if (!block.fields.empty() && is_complete()) return block;
  return summary;
}

std::optional<ReturnedOriginal> original_of(const std::vector<mail::Field>& fields) {
  if (fields.empty()) return std::nullopt;
  ReturnedOriginal out;
  const auto value = [&](std::string_view name) -> std::string {
    const std::string* found = mail::find(fields, name);
    return found == nullptr ? std::string() : *found;
  };
  out.message_id = unbracketed(value("Message-ID"));
  out.from = mail::first_address(value("From"));
  out.return_path = mail::first_address(value("Return-Path"));
  if (out.return_path.empty()) out.return_path = mail::first_address(value("X-Envelope-From"));
  if (out.return_path.empty()) out.return_path = mail::first_address(value("X-Envelope-Sender"));
  out.subject = mail::decoded(value("Subject"));
  out.date = value("Date");
  if (out.date.empty()) out.date = value("Sent");
  if (out.message_id.empty() && out.from.empty() && out.return_path.empty() && out.subject.empty() && out.date.empty())
    return std::nullopt;
  out.client = handed_in_by(fields);
  out.spf_failed = says_spf_failed(fields);
  return out;
}

}  // namespace blowback::detect
