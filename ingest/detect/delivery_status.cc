// Groups of fields are distinguished by the fields' names, not by blank lines, since some mailers lose those.
#include "delivery_status.h"

#include "mail/message.h"
#include "words.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace blowback::detect {
namespace {

constexpr std::size_t kMostRecipients = 100;
constexpr std::size_t kLongestDiagnostic = 4096;

// `rfc822;user@example.org`, `dns; mx.example.org`: what follows the type (RFC 3464 §2.1.2).
[[nodiscard]] std::string_view untyped(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon != std::string_view::npos && semicolon < 20 &&
      value.substr(0, semicolon).find('@') == std::string_view::npos) {
    value.remove_prefix(semicolon + 1);
  }
  return trimmed(value);
}

[[nodiscard]] std::string without_angles(std::string_view address) {
  if (address.starts_with('<')) address.remove_prefix(1);
  if (address.ends_with('>')) address.remove_suffix(1);
  return std::string(address);
}

[[nodiscard]] bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

DeliveryStatus parse_delivery_status(std::string_view text) {
  DeliveryStatus out;
  RecipientStatus recipient;
  bool in_recipient = false;
  const auto close = [&] {
    if (in_recipient && out.recipients.size() < kMostRecipients) out.recipients.push_back(recipient);
    recipient = {};
    in_recipient = false;
  };
  std::string name;
  std::string value;
  const auto take = [&] {
    if (name.empty()) return;
    const std::string field = lower_case(name);
    name.clear();
    if (field == "reporting-mta") {
      if (out.reporting_mta.empty()) out.reporting_mta = untyped(value);
    } else if (field.ends_with("-queue-id")) {
      if (out.queue_id.empty()) out.queue_id = trimmed(value);
    } else if (field == "x-postfix-sender" || field == "x-original-sender") {
      if (out.sender.empty()) out.sender = without_angles(untyped(value));
    } else if (field == "final-recipient" || field == "original-recipient") {
      // Either may come first; a second one of the same name begins the next recipient.
      if (field == "final-recipient" && !recipient.final_recipient.empty()) close();
      in_recipient = true;
      (field == "final-recipient" ? recipient.final_recipient : recipient.original_recipient) =
          without_angles(untyped(value));
    } else if (field == "action") {
      if (!recipient.action.empty()) close();
      in_recipient = true;
      const std::string_view word = trimmed(value);
      recipient.action = lower_case(word.substr(0, word.find_first_of(" \t(;")));
    } else if (field == "status") {
      if (!recipient.status.empty()) close();
      in_recipient = true;
      recipient.status = enhanced_status_in(value);
    } else if (field == "diagnostic-code") {
      in_recipient = true;
      if (recipient.diagnostic.empty()) recipient.diagnostic = untyped(value).substr(0, kLongestDiagnostic);
    } else if (field == "remote-mta") {
      recipient.remote_mta = untyped(value);
    }
  };
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.empty()) {
      take();
      // A blank line ends a group, unless that has only named its recipient: some mailers write blank lines anywhere.
      if (!recipient.action.empty() || !recipient.status.empty()) close();
      continue;
    }
    if ((line.front() == ' ' || line.front() == '\t') && !name.empty()) {
      if (value.size() < 2 * kLongestDiagnostic) (value += ' ') += trimmed(line);
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string_view before = trimmed(line.substr(0, colon));
    if (colon == std::string_view::npos || before.empty() || before.find(' ') != std::string_view::npos) {
      // A diagnostic that continues without folding (several replies, each on its own line).
      if (!name.empty() && value.size() < 2 * kLongestDiagnostic) (value += ' ') += trimmed(line);
      continue;
    }
    take();
    name = before;
    value = line.substr(colon + 1);
  }
  take();
  close();
  return out;
}

std::string original_message_id_of(std::string_view text) {
  constexpr std::string_view kName = "original-message-id:";
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (!starts_ignoring_case(line, kName)) continue;
    std::string_view value = trimmed(line.substr(kName.size()));
    if (value.empty() && !text.empty()) value = trimmed(next_line(text));  // folded after the colon
    return without_angles(value);
  }
  return {};
}

bool is_well_formed(const DeliveryStatus& status) {
  return std::ranges::any_of(status.recipients, [&](const RecipientStatus& recipient) {
    return !recipient.action.empty() || !recipient.status.empty() ||
           (!recipient.final_recipient.empty() && !status.reporting_mta.empty());
  });
}

std::string enhanced_status_in(std::string_view text) {
  // RFC 3463 §2: class 2, 4 or 5, subject and detail of up to three digits. Not a part of an address: without digits and dots around it.
  for (std::size_t i = 0; i + 4 < text.size(); ++i) {
    const char c = text[i];
    if ((c != '5' && c != '4' && c != '2') || text[i + 1] != '.') continue;
    if (i > 0 && (is_digit(text[i - 1]) || text[i - 1] == '.' || text[i - 1] == '-')) {
      // Google writes `550-5.1.1`.
      if (!(text[i - 1] == '-' && i >= 4 && is_digit(text[i - 2]) && is_digit(text[i - 3]))) continue;
    }
    std::size_t at = i + 2;
    const std::size_t subject = at;
    while (at < text.size() && is_digit(text[at]) && at - subject < 3) ++at;
    if (at == subject || at >= text.size() || text[at] != '.') continue;
    ++at;
    const std::size_t detail = at;
    while (at < text.size() && is_digit(text[at]) && at - detail < 3) ++at;
    if (at == detail) continue;
    if (at < text.size() && (is_digit(text[at]) || (text[at] == '.' && at + 1 < text.size() && is_digit(text[at + 1]))))
      continue;
    return std::string(text.substr(i, at - i));
  }
  return {};
}

int reply_code_in(std::string_view text) {
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    const char c = text[i];
    if ((c != '4' && c != '5') || text[i + 1] > '5' || !is_digit(text[i + 1]) || !is_digit(text[i + 2])) continue;
    if (i > 0 && (std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0 || text[i - 1] == '.' ||
                  text[i - 1] == '-' || text[i - 1] == '@' || text[i - 1] == ':' || text[i - 1] == '/')) {
      continue;
    }
    if (i + 3 < text.size() && text[i + 3] != ' ' && text[i + 3] != '-' && text[i + 3] != ':' && text[i + 3] != '\n')
      continue;
    return (c - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
  }
  return 0;
}

}  // namespace blowback::detect
