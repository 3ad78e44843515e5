// The wording is in signatures/cause.tsv, the codes are here.
#include "cause.h"

#include "words.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace blowback::detect {
namespace {

// RFC 3463 §3.2 to §3.8 and the IANA registry (RFC 5248), without the class. Other codes count by their subject, see below.
constexpr std::array<std::pair<std::string_view, Cause>, 40> kDetails{
    {{"1.0", Cause::unknown_user},  {"1.1", Cause::unknown_user},   {"1.2", Cause::other},
     {"1.3", Cause::unknown_user},  {"1.4", Cause::unknown_user},   {"1.6", Cause::unknown_user},
     {"1.7", Cause::policy},        {"1.8", Cause::policy},         {"1.9", Cause::policy},
     {"1.10", Cause::unknown_user}, {"1.351", Cause::unknown_user}, {"2.1", Cause::unknown_user},
     {"2.2", Cause::over_quota},    {"2.3", Cause::policy},         {"2.4", Cause::system},
     {"3.1", Cause::system},        {"3.2", Cause::system},         {"3.3", Cause::system},
     {"3.4", Cause::policy},        {"3.5", Cause::system},         {"4.1", Cause::system},
     {"4.2", Cause::system},        {"4.3", Cause::system},         {"4.4", Cause::other},
     {"4.5", Cause::system},        {"4.6", Cause::system},         {"4.7", Cause::delayed},
     {"5.0", Cause::none},          {"5.1", Cause::system},         {"5.2", Cause::system},
     {"5.3", Cause::policy},        {"5.4", Cause::system},         {"5.5", Cause::system},
     {"5.6", Cause::policy},        {"6.7", Cause::policy},         {"7.13", Cause::unknown_user},
     {"7.17", Cause::unknown_user}, {"7.1", Cause::policy},         {"7.0", Cause::policy},
     {"7.9", Cause::policy}}};

[[nodiscard]] Cause best_of(const std::vector<const Signature*>& matches) {
  const Signature* best = nullptr;
  for (const Signature* match : matches) {
    if (match->claim == Claim::cause && (best == nullptr || match->weight > best->weight)) best = match;
  }
  return best == nullptr ? Cause::none : best->cause;
}

// A remark of a program just before the reply, without a code: `mail.local: unknown user: bob`.
[[nodiscard]] bool is_remark(std::string_view line) {
  return !line.empty() && !line.starts_with('-') && !line.starts_with('<') && !line.starts_with('>') &&
         !line.starts_with("...") && line.find(": ") != std::string_view::npos && !line.ends_with(':');
}

// The first SMTP reply in a text, with the remark before it and its continuation lines, up to a blank line or a reply with another code, which
// is about another recipient.
[[nodiscard]] std::string first_reply(std::string_view lines) {
  constexpr int kMostLines = 6;
  std::string out;
  std::string_view before;
  int code = 0;
  int taken = 0;
  while (!lines.empty() && taken < kMostLines) {
    const std::string_view line = trimmed(next_line(lines));
    const int here = reply_code_in(line);
    if (code == 0) {
      if (here == 0) {
        before = line;
        continue;
      }
      code = here;
      if (is_remark(before)) (out += before) += ' ';
    } else if (line.empty() || (here != 0 && here != code)) {
      break;
    }
    if (taken > 0) out += ' ';
    out += line;
    ++taken;
  }
  return out;
}

// Blanks out mail addresses: words in them (`spf@…`, `…@sender.example`) aren't a cause.
[[nodiscard]] std::string without_addresses(std::string_view text) {
  const auto is_part = [](char c) {
    return static_cast<unsigned char>(c) > ' ' && std::string_view("<>()[]\",;:").find(c) == std::string_view::npos;
  };
  std::string out;
  while (!text.empty()) {
    auto length = static_cast<std::size_t>(std::ranges::find_if_not(text, is_part) - text.begin());
    std::string_view word = text.substr(0, length);
    const std::size_t at = word.find('@');
    // `bob@example.org...User unknown`: three dots end the address.
    if (const std::size_t dots = word.find("...", at); at != std::string_view::npos && dots != std::string_view::npos) {
      length = dots;
      word = word.substr(0, dots);
    }
    const bool is_address = at != std::string_view::npos && at > 0 && at + 1 < word.size();
    out += is_address ? std::string_view("@") : word;
    if (length < text.size()) out += text[length];
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return out;
}

}  // namespace

Cause cause_of_status(std::string_view enhanced_status) {
  const std::size_t dot = enhanced_status.find('.');
  if (dot == std::string_view::npos || enhanced_status.starts_with('2')) return Cause::none;
  const std::string_view detail = enhanced_status.substr(dot + 1);
  const auto* const row = std::ranges::find_if(kDetails, [&](const auto& entry) { return entry.first == detail; });
  if (row != kDetails.end()) return row->second;
  if (detail.ends_with(".0")) return Cause::none;
  // RFC 3463 §2: by the subject.
  switch (detail.front()) {
    case '1':
      return Cause::unknown_user;
    case '2':
    case '3':
    case '4':
      return Cause::system;
    case '6':
      return Cause::content_rejected;
    case '5':
    case '7':
      return Cause::policy;
    default:
      return Cause::none;
  }
}

Cause cause_of_words(const SignatureSet& signatures, std::string_view words) {
  return best_of(signatures.match(Place::diagnostic, without_addresses(words)));
}

Cause cause_of(const SignatureSet& signatures, const DeliveryStatus& status, std::string_view lines,
               std::string_view words_as_written) {
  const std::string reply_text = without_addresses(first_reply(lines));
  const std::string words = without_addresses(words_as_written);
  // The first recipient that failed, else the first one.
  const RecipientStatus* recipient = nullptr;
  for (const RecipientStatus& each : status.recipients) {
    if (recipient == nullptr) recipient = &each;
    if (each.action == "failed") {
      recipient = &each;
      break;
    }
  }
  if (recipient != nullptr) {
    const bool worked =
        recipient->action == "delivered" || recipient->action == "relayed" || recipient->action == "expanded";
    if (worked) return Cause::none;
    // SendGrid's own action; and a delay without a reason of the peer.
    if (recipient->action == "expired" ||
        (recipient->action == "delayed" && recipient->diagnostic.empty() && recipient->status.ends_with(".4.7"))) {
      return Cause::delayed;
    }
    if (const Cause told = cause_of_words(signatures, recipient->diagnostic); told != Cause::none) return told;
    const std::string in_diagnostic = enhanced_status_in(recipient->diagnostic);
    if (const Cause told = cause_of_status(in_diagnostic); told != Cause::none) return told;
  }
  if (recipient == nullptr || recipient->diagnostic.empty()) {
    if (const Cause told = best_of(signatures.match(Place::diagnostic, reply_text)); told != Cause::none) return told;
    if (const Cause told = cause_of_status(enhanced_status_in(reply_text)); told != Cause::none) return told;
    if (const Cause told = best_of(signatures.match(Place::diagnostic, words)); told != Cause::none) return told;
  }
  if (recipient != nullptr) {
    if (recipient->action == "delayed" || recipient->action == "expired") return Cause::delayed;
    if (const Cause told = cause_of_status(recipient->status); told != Cause::none) return told;
    if (const Cause told = best_of(signatures.match(Place::diagnostic, words)); told != Cause::none) return told;
  }
  const Cause by_words = cause_of_status(enhanced_status_in(words));
  if (by_words != Cause::none) return by_words;
  // RFC 5321 §4.2.3. Only replies with a single meaning: 550 can mean anything.
  const int reply = reply_code_in(
      recipient != nullptr && !recipient->diagnostic.empty() ? std::string_view(recipient->diagnostic) : words);
  switch (reply) {
    case 422:
    case 452:
    case 552:
      return Cause::over_quota;
    case 421:
    case 451:
    case 432:
    case 454:
      return Cause::system;
    case 551:
    case 553:
      return Cause::unknown_user;
    case 530:
    case 534:
    case 535:
    case 538:
      return Cause::policy;
    default:
      return Cause::none;
  }
}

}  // namespace blowback::detect
