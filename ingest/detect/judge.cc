// In this order: callouts; reports that somebody requested; then the evidence together (weigh.cc), of which proof counts before wording. Each
// signal is kept, so that a verdict can be explained.
#include "judge.h"

#include "campaign.h"
#include "cause.h"
#include "delivery_status.h"
#include "facts.h"
#include "features.h"
#include "mailbox.h"
#include "returned_original.h"
#include "signature_set.h"
#include "tally.h"
#include "weigh.h"
#include "words.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::detect {
namespace {

// The factor by which a bounce's wording must exceed a notice's, if a message has both.
constexpr double kRatherDsn = 3;
// What has to speak against a delivery report that names nobody but the recipient.
constexpr double kCounterproof = 3;

[[nodiscard]] Kind decided(const Facts& facts, const FeatureSet& features, const Tally& tally) {
  if (features.has(Feature::disposition_report)) return Kind::mdn;
  // A filter's notice in the form of a DSN counts as a filter's notice, since the advice for its owner is different. So does a challenge.
  const bool is_notice = tally.words(Kind::virus_notice) >= 1.5;
  const bool is_challenge = tally.words(Kind::challenge) >= kEnough && tally.is_enough(Kind::challenge);
  if (features.has(Feature::delivery_report)) {
    if (facts.odd_attachment != nullptr && tally.origin() < kEnoughOrigin) return Kind::not_backscatter;
    // Worms and lures imitate the form.
    if (tally.sum(Kind::dsn) < kEnough) return Kind::not_backscatter;
    if (!features.has(Feature::proved) && tally.against(Kind::dsn) >= kCounterproof) return Kind::not_backscatter;
    if (is_challenge) return Kind::challenge;
    return is_notice ? Kind::virus_notice : Kind::dsn;
  }
  // Lists have administrative messages of their own; challenges and warnings to strangers don't come from lists.
  const bool is_post = facts.is_list_mail && !facts.null_reverse_path && !facts.is_to_list_owner;
  const bool has_bounce = features.has(Feature::bounce_within);
  // The more specific kinds first: challenges and virus notices are often marked as replies too.
  for (const Kind kind : {Kind::challenge, Kind::virus_notice, Kind::dsn, Kind::mdn, Kind::auto_reply}) {
    if (kind == Kind::dsn &&
        ((tally.words(Kind::auto_reply) > tally.words(Kind::dsn) && tally.is_enough(Kind::auto_reply)) ||
         (tally.words(Kind::mdn) > tally.words(Kind::dsn) && tally.is_enough(Kind::mdn))))
      continue;
    if (kind == Kind::dsn && !has_bounce) continue;
    // A receipt without the form of one has words of its own; others thank for the message as well.
    if (kind == Kind::mdn && tally.words(Kind::auto_reply) > 2 * tally.words(Kind::mdn)) continue;
    // A bounce whose reason is a virus is a bounce.
    const bool is_rather_dsn = tally.is_enough(Kind::dsn) && has_bounce &&
                               tally.words(Kind::dsn) >= kRatherDsn * tally.words(Kind::virus_notice);
    if (kind == Kind::virus_notice && is_rather_dsn) continue;
    if (is_post && (kind == Kind::challenge || kind == Kind::virus_notice)) continue;
    if (tally.is_enough(kind)) return kind;
  }
  return Kind::not_backscatter;
}

[[nodiscard]] double confidence_of(Kind kind, const Facts& facts, const FeatureSet& features, const Tally& tally,
                                   bool has_original) {
  if (!is_backscatter(kind)) return 1.0;
  if (tally.against(kind) == 0) {
    if (kind == Kind::mdn && features.has(Feature::disposition_report)) return 1.0;
    if ((kind == Kind::dsn || kind == Kind::virus_notice) && features.has(Feature::delivery_report) && has_original)
      return 1.0;
    if (kind == Kind::auto_reply && facts.auto_submitted == "auto-replied" && facts.answers) return 1.0;
  }
  // Otherwise by how far it exceeds the threshold: from 0.6 to 0.95.
  const double past = std::max(0.0, tally.sum(kind) - kEnough);
  return std::min(0.95, 0.6 + 0.12 * past + (has_original ? 0.05 : 0.0));
}

[[nodiscard]] std::optional<ReturnedOriginal> returned(const Facts& facts, const DeliveryStatus& status, Kind kind) {
  std::optional<ReturnedOriginal> original;
  if (facts.enclosed != nullptr) original = original_of(facts.enclosed->enclosed_fields);
  if (!original) original = original_of(facts.enclosed_header_fields);
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

Verdict judge(const TrapDelivery& delivery, const mail::Message& message, std::span<const std::string> traps,
              const SignatureSet& signatures) {
  if (delivery.event == TrapDelivery::Event::callout) return of_callout();

  Verdict verdict;
  Facts facts = facts_of(delivery, message, traps);
  verdict.subject = facts.subject;
  if (const std::string* id = mail::find(message.fields, "Message-ID")) verdict.message_id = unbracketed(*id);

  if (auto feedback = feedback_signal(facts, message)) {
    verdict.kind = Kind::feedback;
    verdict.confidence = 1;
    verdict.signals.push_back({std::move(*feedback), kByStructure});
    return verdict;
  }

  Weighing weighing(signatures, facts);
  DeliveryStatus status;
  if (weighing.header()) {
    read_text(facts);
    // Some mailers write report fields in plain text.
    status =
        parse_delivery_status(facts.status != nullptr ? std::string_view(facts.status_text) : facts.words_as_lines());
    weighing.text(status);
  }
  const FeatureSet& features = weighing.features();
  const Tally& tally = weighing.tally();
  verdict.kind = decided(facts, features, tally);
  verdict.signals = tally.signals_for(verdict.kind);
  if (!is_backscatter(verdict.kind)) {
    verdict.confidence = 1;
    return verdict;
  }

  verdict.product = weighing.product();
  verdict.original = returned(facts, status, verdict.kind);
  verdict.confidence = confidence_of(verdict.kind, facts, features, tally, verdict.original.has_value());
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
