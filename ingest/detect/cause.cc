// The wording is in signatures/cause.tsv, the codes are here.
#include "cause.h"

#include "features.h"
#include "words.h"

#include <algorithm>
#include <array>
#include <optional>
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

// What words or a code tell, and how sure it is.
struct Told {
  Cause cause = Cause::none;
  double weight = 0;
};

[[nodiscard]] Told best_of(const std::vector<const Signature*>& matches) {
  Told best;
  for (const Signature* match : matches) {
    if (match->claim == Claim::cause && match->weight > best.weight) best = {match->cause, match->weight};
  }
  return best;
}

[[nodiscard]] std::ptrdiff_t how_many(const std::vector<const Signature*>& matches, Feature feature) {
  return std::ranges::count_if(matches, [&](const Signature* match) {
    return match->claim == Claim::feature && match->feature == static_cast<std::size_t>(feature);
  });
}

// Of two sentences of three (not yet delivered, we go on trying, nothing to do), one could be in any bounce.
[[nodiscard]] bool warns_of_delay(const std::vector<const Signature*>& matches) {
  return how_many(matches, Feature::warns_of_delay) >= 2;
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
  return best_of(signatures.match(Place::diagnostic, without_addresses(words))).cause;
}

namespace {

// The first recipient that failed, else the first one. Entries without an address continue the one before: some mailers write blank lines
// between the fields of one recipient.
[[nodiscard]] std::optional<RecipientStatus> first_failed(const DeliveryStatus& status) {
  std::vector<RecipientStatus> joined;
  for (const RecipientStatus& each : status.recipients) {
    const bool continues = each.final_recipient.empty() && each.original_recipient.empty() && !joined.empty();
    const auto fits = [](const std::string& before, const std::string& more) { return before.empty() || more.empty(); };
    if (continues && fits(joined.back().action, each.action) && fits(joined.back().status, each.status) &&
        fits(joined.back().diagnostic, each.diagnostic)) {
      joined.back().action += each.action;
      joined.back().status += each.status;
      joined.back().diagnostic += each.diagnostic;
    } else {
      joined.push_back(each);
    }
  }
  const auto failed = std::ranges::find(joined, "failed", &RecipientStatus::action);
  if (failed != joined.end()) return *failed;
  if (joined.empty()) return std::nullopt;
  return joined.front();
}

// The reply was to MAIL FROM, so what doesn't exist is the originator's address or domain.
[[nodiscard]] bool refuses_originator(std::string_view words) {
  constexpr std::array<std::string_view, 3> kAtMail{"after mail from", "after pipelined mail from",
                                                    "reply to mail from"};
  constexpr std::array<std::string_view, 3> kAtRcpt{"after rcpt to", "after pipelined rcpt to", "reply to rcpt to"};
  const auto is_in = [&](std::string_view what) { return contains_ignoring_case(words, what); };
  return std::ranges::any_of(kAtMail, is_in) && std::ranges::none_of(kAtRcpt, is_in);
}

// Weights of codes, between those of words: a code is more certain than a general word, less than a sentence about the cause.
constexpr double kCode = 4;
constexpr double kCertainTrouble = 6.5;

[[nodiscard]] Told told_by_status(std::string_view enhanced_status) {
  return {cause_of_status(enhanced_status), kCode};
}

// The cause is named by the code itself, and no mailer writes this code for anything else.
[[nodiscard]] bool is_specific(std::string_view enhanced_status) {
  constexpr std::array<std::string_view, 7> kSpecific{"1.1", "1.6", "1.10", "2.1", "2.2", "3.4", "4.6"};
  const std::size_t dot = enhanced_status.find('.');
  return dot != std::string_view::npos && enhanced_status.starts_with('5') &&
         std::ranges::find(kSpecific, enhanced_status.substr(dot + 1)) != kSpecific.end();
}

[[nodiscard]] Told told_by_reply_code(std::string_view text) {
  // RFC 5321 §4.2.3. Only replies with a single meaning: 550 can mean anything.
  switch (reply_code_in(text)) {
    case 422:
    case 552:
      return {Cause::over_quota, 1};
    case 421:
    case 432:
    case 451:
    case 452:
    case 454:
      return {Cause::system, 1};
    case 551:
    case 553:
      return {Cause::unknown_user, 1};
    case 530:
    case 534:
    case 535:
    case 538:
      return {Cause::policy, 1};
    default:
      return {};
  }
}

[[nodiscard]] Told told(const SignatureSet& signatures, const std::optional<RecipientStatus>& recipient,
                        std::string_view lines, const std::string& words, const Told& by_words) {
  if (recipient && !recipient->diagnostic.empty()) {
    const Told told = best_of(signatures.match(Place::diagnostic, without_addresses(recipient->diagnostic)));
    if (told.cause != Cause::none) return told;
    const Told code = told_by_status(enhanced_status_in(recipient->diagnostic));
    if (code.cause != Cause::none) return code;
  } else {
    const std::string reply = without_addresses(first_reply(lines));
    const Told told = best_of(signatures.match(Place::diagnostic, reply));
    if (told.cause != Cause::none) return told;
    // Below a mailer's few words there may be anything, such as a scanner's advertisement.
    if (recipient && reply.empty() && is_specific(recipient->status) && by_words.weight < 7)
      return told_by_status(recipient->status);
    const Told code = told_by_status(enhanced_status_in(reply));
    if (code.cause != Cause::none) return code;
    if (by_words.cause != Cause::none) return by_words;
  }
  if (recipient) {
    if (recipient->action == "delayed") return {};
    const Told code = told_by_status(recipient->status);
    if (code.cause != Cause::none) return code;
    if (by_words.cause != Cause::none) return by_words;
  }
  const Told code = told_by_status(enhanced_status_in(words));
  if (code.cause != Cause::none) return code;
  return told_by_reply_code(recipient && !recipient->diagnostic.empty() ? recipient->diagnostic : words);
}

}  // namespace

Cause cause_of(const SignatureSet& signatures, const DeliveryStatus& status, std::string_view lines,
               std::string_view words_as_written) {
  const std::string words = without_addresses(words_as_written);
  const std::vector<const Signature*> in_words = signatures.match(Place::diagnostic, words);
  const std::optional<RecipientStatus> recipient = first_failed(status);
  const std::string_view action = recipient ? std::string_view(recipient->action) : std::string_view();
  if (action == "delivered" || action == "relayed" || action == "expanded") return Cause::none;
  // SendGrid's own action; and a delay without a reason of the peer.
  if (action == "expired") return Cause::delayed;
  if (action == "delayed" && recipient->diagnostic.empty() && recipient->status.ends_with(".4.7"))
    return Cause::delayed;

  const Told why = told(signatures, recipient, lines, words, best_of(in_words));
  if ((why.cause == Cause::unknown_user || why.cause == Cause::other) && refuses_originator(words_as_written))
    return Cause::policy;
  if (action == "delayed" || (action.empty() && warns_of_delay(in_words))) {
    // The message is still in the queue, unless the peer said what will not change by itself. That it is out of order, busy, or doesn't know the
    // client yet isn't that.
    const bool is_trouble = why.cause == Cause::system || why.cause == Cause::none;
    if (is_trouble && why.weight < kCertainTrouble) return Cause::delayed;
    if (why.cause == Cause::policy && how_many(in_words, Feature::reason_passes) > 0) return Cause::delayed;
  }
  return why.cause;
}

}  // namespace blowback::detect
