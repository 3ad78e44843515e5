// In this order: callouts; reports that somebody requested; reports by structure; then wording, origin and form together (weigh.cc). Each step
// adds its signal, so that a verdict can be explained.
#include "judge.h"

#include "campaign.h"
#include "cause.h"
#include "delivery_status.h"
#include "facts.h"
#include "returned_original.h"
#include "signature_set.h"
#include "tally.h"
#include "weigh.h"
#include "words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::detect {
namespace {

// The factor by which a bounce's wording must exceed a notice's, if a message has both.
constexpr double kRatherDsn = 3;

[[nodiscard]] Kind decided(const Facts& facts, const Tally& tally) {
  if (tally.is_report(Kind::mdn)) return Kind::mdn;
  // A filter's notice in the form of a DSN counts as a filter's notice, since the advice for its owner is different.
  const bool is_notice = tally.words(Kind::virus_notice) >= 1.5;
  if (tally.is_report(Kind::dsn)) {
    if (facts.odd_attachment != nullptr && tally.origin() < kEnoughOrigin) return Kind::not_backscatter;
    return is_notice ? Kind::virus_notice : Kind::dsn;
  }
  // Lists have administrative messages of their own; challenges and warnings to strangers don't come from lists.
  const bool is_post = facts.is_list_mail && !facts.null_reverse_path;
  // The more specific kinds first: challenges and virus notices are often marked as replies too.
  for (const Kind kind : {Kind::challenge, Kind::virus_notice, Kind::dsn, Kind::mdn, Kind::auto_reply}) {
    if (kind == Kind::dsn && tally.words(Kind::auto_reply) > tally.words(Kind::dsn) &&
        tally.is_enough(Kind::auto_reply))
      continue;
    if (kind == Kind::dsn && !tally.bounce_within()) continue;
    // A bounce whose reason is a virus is a bounce.
    const bool is_rather_dsn = tally.is_enough(Kind::dsn) && tally.bounce_within() &&
                               tally.words(Kind::dsn) >= kRatherDsn * tally.words(Kind::virus_notice);
    if (kind == Kind::virus_notice && is_rather_dsn) continue;
    if (is_post && (kind == Kind::challenge || kind == Kind::virus_notice)) continue;
    if (tally.is_enough(kind)) return kind;
  }
  return Kind::not_backscatter;
}

[[nodiscard]] double confidence_of(Kind kind, const Facts& facts, const Tally& tally, bool has_original) {
  if (!is_backscatter(kind)) return 1.0;
  if (tally.against(kind) == 0) {
    if (kind == Kind::mdn && tally.is_report(Kind::mdn)) return 1.0;
    if ((kind == Kind::dsn || kind == Kind::virus_notice) && tally.is_report(Kind::dsn) && has_original) return 1.0;
    if (kind == Kind::auto_reply && facts.auto_submitted == "auto-replied" && facts.answers) return 1.0;
  }
  // Otherwise by how far it exceeds the threshold: from 0.6 to 0.95.
  const double past = std::max(0.0, tally.sum(kind) - kEnough);
  return std::min(0.95, 0.6 + 0.12 * past + (has_original ? 0.05 : 0.0));
}

[[nodiscard]] std::optional<ReturnedOriginal> returned(const Facts& facts, const DeliveryStatus& status, Kind kind) {
  std::optional<ReturnedOriginal> original;
  if (facts.enclosed != nullptr) original = original_of(facts.enclosed->enclosed_fields);
  if (!original && facts.enclosed_headers != nullptr) {
    original = original_of(find_quoted_original(mail::text_of(*facts.enclosed_headers).text).fields);
  }
  if (!original) original = original_of(facts.quoted.fields);
  if (kind == Kind::mdn && facts.disposition != nullptr && (!original || original->message_id.empty())) {
    // RFC 8098 §3.2.5: Original-Message-ID.
    const std::string id = original_message_id_of(facts.disposition_text);
    if (!id.empty()) {
      if (!original) original.emplace();
      original->message_id = id;
    }
  }
  if (!status.sender.empty()) {
    if (!original) original.emplace();
    if (original->return_path.empty()) original->return_path = status.sender;
  }
  return original;
}

[[nodiscard]] bool claims_to_be(const ReturnedOriginal& original, std::span<const std::string> traps) {
  return std::ranges::any_of(traps, [&](const std::string& trap) {
    return equals_ignoring_case(original.from, trap) || equals_ignoring_case(original.return_path, trap);
  });
}

/// The mailbox in lower case, without its subaddress (RFC 5233; qmail's begins with `-`), which its owner can choose per message.
[[nodiscard]] std::string without_detail(std::string_view address) {
  const std::string lower = lower_case(trimmed(address));
  const std::size_t at = lower.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == lower.size()) return {};
  return lower.substr(0, std::min(lower.find_first_of("+-=", 1), at)) + lower.substr(at);
}

/// Addresses in text, between white space, brackets or quotation marks.
[[nodiscard]] std::vector<std::string> addresses_in(std::string_view text, std::size_t most) {
  constexpr std::string_view kBetween = " \t\r\n<>()[]\"',;:";
  std::vector<std::string> found;
  for (std::size_t at = text.find('@'); at != std::string_view::npos && found.size() < most; at = text.find('@', at)) {
    std::size_t begin = at;
    while (begin > 0 && kBetween.find(text[begin - 1]) == std::string_view::npos) --begin;
    std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    while (end > at + 1 && text[end - 1] == '.') --end;
    constexpr std::size_t kLongest = 320;
    if (begin < at && at + 1 < end && end - begin <= kLongest)
      found.push_back(lower_case(text.substr(begin, end - begin)));
    at = std::max(end, at + 1);
  }
  return found;
}

/// The address of a program (a mailer, a filter, a host), not of a user.
[[nodiscard]] bool is_role(std::string_view address) {
  static constexpr std::array<std::string_view, 24> kNames{
      "administrator", "admin",       "amavis",       "antivirus",  "av",         "bounce",
      "bounces",       "daemon",      "do-not-reply", "donotreply", "hostmaster", "mailadmin",
      "mailguard",     "mailscanner", "ndr",          "no-reply",   "noreply",    "root",
      "scanner",       "security",    "system",       "virus",      "virusalert", "virusmaster"};
  return is_daemon(address) || is_postmaster(address) ||
         std::ranges::find(kNames, address.substr(0, address.rfind('@'))) != kNames.end();
}

struct Mailbox {
  std::string address;
  bool exists = false;  ///< Verdict::mailbox_exists
};

/// Whether another server refused the mail: then this one knew the recipient and relayed the mail.
[[nodiscard]] bool is_refused_elsewhere(const Facts& facts, const RecipientStatus* recipient) {
  if (recipient != nullptr && !recipient->remote_mta.empty()) return true;
  // The wording of qmail, Postfix and Exim.
  return contains_ignoring_case(facts.words, "remote host said") || contains_ignoring_case(facts.words, " said: ") ||
         contains_ignoring_case(facts.words, "error from remote mail server");
}

// The mailbox because of which the server sent the message: it replied, or mail to it failed. A single mailbox gets nobody listed, however
// often it is provoked. A bounce names it in its report, in Exim's field, or as the first address that is neither the trap's nor a mailer's.
[[nodiscard]] Mailbox mailbox_of(const Verdict& verdict, const Facts& facts, const DeliveryStatus& status,
                                 const mail::Message& message, std::span<const std::string> traps) {
  const bool is_answer =
      verdict.kind == Kind::auto_reply || verdict.kind == Kind::challenge || verdict.kind == Kind::mdn;
  // Also for what reads like a bounce, since a user's automatic reply may have such wording. All without a usable mailbox count as one.
  if (is_answer ? !is_daemon(facts.from) : !is_role(facts.from)) {
    auto answering = without_detail(facts.from);
    return {.address = answering.empty() ? std::string("?") : std::move(answering), .exists = true};
  }
  const auto failed = std::ranges::find_if(status.recipients, [](const RecipientStatus& recipient) {
    return recipient.action != "delivered" && recipient.action != "relayed" && recipient.action != "expanded" &&
           !recipient.final_recipient.empty();
  });
  const RecipientStatus* const recipient = failed == status.recipients.end() ? nullptr : &*failed;
  Mailbox mailbox;
  mailbox.exists = verdict.cause != Cause::unknown_user || is_refused_elsewhere(facts, recipient);
  if (recipient != nullptr) {
    // Not the original recipient, which the client can choose freely (ORCPT, RFC 3461 §4.2). If it differs, there is an alias or forwarder.
    mailbox.address = without_detail(recipient->final_recipient);
    const std::string original = without_detail(recipient->original_recipient);
    if (!original.empty() && original != mailbox.address) {
      mailbox.exists = true;
      // A whole domain may be forwarded to another one, whose addresses then mean nothing.
      const auto domain = [](std::string_view address) {
        return address.substr(std::min(address.rfind('@'), address.size()));
      };
      if (domain(original) != domain(mailbox.address)) mailbox.address = domain(mailbox.address);
    }
  }
  if (const std::string* named = mail::find(message.fields, "X-Failed-Recipients");
      named != nullptr && mailbox.address.empty()) {
    mailbox.address = without_detail(mail::first_address(*named));
  }
  constexpr std::size_t kLooked = 20;
  for (const auto& address : addresses_in(facts.words_as_lines(), kLooked)) {
    if (!mailbox.address.empty()) break;
    if (is_daemon(address) || is_postmaster(address) || std::ranges::find(traps, address) != traps.end()) continue;
    mailbox.address = without_detail(address);
  }
  return mailbox;
}

[[nodiscard]] std::string unbracketed(std::string_view id) {
  const std::size_t open = id.find('<');
  if (open != std::string_view::npos) id.remove_prefix(open + 1);
  return std::string(trimmed(id.substr(0, id.find('>'))));
}

// The Message-ID of some mailers' bounces contains the queue id: Postfix `DATE.ID@host`, Sendmail `DATE.ID@host`,
// Exim `EID@host`.
[[nodiscard]] std::string queue_id_in(std::string_view message_id, std::string_view product) {
  const std::string_view local = message_id.substr(0, message_id.find('@'));
  if (product == "exim" && local.size() > 15 && local.starts_with('E')) return std::string(local.substr(1));
  const bool dated =
      local.size() > 14 && std::all_of(local.begin(), local.begin() + 12, [](char c) { return c >= '0' && c <= '9'; });
  if (dated && (product == "postfix" || product == "sendmail")) {
    const std::size_t dot = local.find('.');
    if (dot != std::string_view::npos) return std::string(local.substr(dot + 1));
  }
  return {};
}

[[nodiscard]] Verdict of_callout() {
  Verdict verdict;
  verdict.kind = Kind::callout;
  verdict.confidence = 1;
  verdict.signals.push_back({"ended-before-data", kByStructure});
  return verdict;
}

}  // namespace

Verdict judge(const TrapDelivery& delivery, const mail::Message& message, std::span<const std::string> traps) {
  if (delivery.event == TrapDelivery::Event::callout) return of_callout();

  Verdict verdict;
  Facts facts = facts_of(delivery, message);
  verdict.subject = facts.subject;
  if (const std::string* id = mail::find(message.fields, "Message-ID")) verdict.message_id = unbracketed(*id);

  if (auto feedback = feedback_signal(facts, message)) {
    verdict.kind = Kind::feedback;
    verdict.confidence = 1;
    verdict.signals.push_back({std::move(*feedback), kByStructure});
    return verdict;
  }

  const SignatureSet& signatures = SignatureSet::built_in();
  Tally tally;
  weigh_origin(facts, tally);
  verdict.product = weigh_wording(signatures, facts, tally);
  DeliveryStatus status = parse_delivery_status(facts.status_text);
  weigh_form(facts, status, tally);
  verdict.kind = decided(facts, tally);
  verdict.signals = tally.signals_for(verdict.kind);
  if (!is_backscatter(verdict.kind)) {
    verdict.confidence = 1;
    verdict.product.clear();
    return verdict;
  }

  // Some mailers write report fields in plain text.
  if (facts.status == nullptr) status = parse_delivery_status(facts.words_as_lines());
  verdict.original = returned(facts, status, verdict.kind);
  verdict.confidence = confidence_of(verdict.kind, facts, tally, verdict.original.has_value());
  if (verdict.original) {
    verdict.claims_trap = claims_to_be(*verdict.original, traps);
    verdict.campaign = campaign_of(*verdict.original);
  }
  if (verdict.campaign.empty()) {
    const std::string* answered = mail::find(message.fields, "In-Reply-To");
    if (answered != nullptr) verdict.campaign = campaign_of_message_id(unbracketed(*answered));
  }
  verdict.reporting_mta = status.reporting_mta;
  verdict.queue_id = status.queue_id.empty() ? queue_id_in(verdict.message_id, verdict.product) : status.queue_id;
  if (verdict.kind == Kind::dsn || verdict.kind == Kind::virus_notice) {
    verdict.cause = cause_of(signatures, status, facts.words_as_lines(), facts.words);
    if (verdict.cause == Cause::none && facts.status == nullptr)
      verdict.cause = cause_of_words(signatures, facts.subject);
    // Without a report there are only the filter's own words, about what it found.
    const bool by_words_alone = facts.status == nullptr || verdict.cause == Cause::none;
    if (verdict.kind == Kind::virus_notice && by_words_alone) verdict.cause = Cause::content_rejected;
  }
  auto mailbox = mailbox_of(verdict, facts, status, message, traps);
  verdict.mailbox = std::move(mailbox.address);
  verdict.mailbox_exists = mailbox.exists;
  return verdict;
}

}  // namespace blowback::detect
