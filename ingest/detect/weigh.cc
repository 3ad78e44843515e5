#include "weigh.h"

#include "blowback/text.h"
#include "words.h"

#include <algorithm>
#include <vector>

namespace blowback::detect {
namespace {

// With a list's header fields, and no sign of a program except for the precedence, it is a post.
constexpr double kEnoughOriginOfList = 0.8;
// What a subject's signature weighs if the text is to be read because of it.
constexpr double kTellingSubject = 0.5;

// Whether it is how a subject begins that ends with the subject of another mail.
[[nodiscard]] bool quotes_subject(const Signature* match) {
  return match->claim == Claim::kind && match->weight >= kEnoughWords &&
         (match->kind == Kind::dsn || match->kind == Kind::auto_reply || match->kind == Kind::mdn ||
          match->kind == Kind::challenge);
}

}  // namespace

std::optional<std::string> feedback_signal(const Facts& facts, const mail::Message& message) {
  if (facts.root != nullptr && facts.root->report_type == "feedback-report") return "report-type-feedback-report";
  // A returned letter may have been made to look like another part of the report.
  const bool is_delivery_report = facts.root != nullptr && facts.root->report_type == "delivery-status";
  if (facts.feedback != nullptr && !is_delivery_report) return "feedback-report-part";
  if (facts.root != nullptr && facts.root->report_type == "tlsrpt") return "report-type-tlsrpt";
  if (mail::find(message.fields, "TLS-Report-Domain") != nullptr) return "tls-report-domain";
  const bool is_titled =
      contains_ignoring_case(facts.subject, "report domain:") && contains_ignoring_case(facts.subject, "report-id:");
  if (facts.has_dmarc_attachment || (facts.has_report_attachment && is_titled)) return "dmarc-aggregate-report";
  // Microsoft's junk mail reports: the message in multipart/mixed, and their own header field.
  for (const std::string_view name : {"X-HmXmrOriginalRecipient", "X-MS-Exchange-JMRP"}) {
    if (mail::find(message.fields, name) != nullptr) return "junk-mail-report";
  }
  return std::nullopt;
}

bool Weighing::header() {
  match(Place::subject, facts_.subject);
  match(Place::from, facts_.from_field);
  match(Place::header, facts_.header);
  rules(Place::envelope);
  const bool is_post = facts_.is_list_mail && !facts_.is_to_list_owner;
  features_.add_if(tally_.origin() >= (is_post ? kEnoughOriginOfList : kEnoughOrigin), Feature::by_program);
  return features_.has(Feature::by_program) || features_.has(Feature::worth_reading) ||
         features_.has(Feature::glance) || facts_.status != nullptr || facts_.disposition != nullptr;
}

void Weighing::text(const DeliveryStatus& status) {
  const bool is_glanced_at = !features_.has(Feature::by_program) && !features_.has(Feature::worth_reading) &&
                             facts_.status == nullptr && facts_.disposition == nullptr;
  if (is_glanced_at) {
    match(Place::glance, facts_.own_words);
    rules(Place::glanced);
    if (!features_.has(Feature::worth_reading)) return;
  }
  add_features_of_text(facts_, status, features_);
  match(Place::text, facts_.own_words);
  if (facts_.status != nullptr) match(Place::status, facts_.status_text);
  features_.add_if(tally_.words(Kind::dsn) >= kEnoughWords, Feature::words_of_dsn);
  features_.add_if(tally_.words(Kind::virus_notice) >= kEnoughWordsOfNotice, Feature::words_of_notice);
  features_.add_if(tally_.words(Kind::challenge) >= kEnoughWords, Feature::words_of_challenge);
  features_.add_if(tally_.words(Kind::auto_reply) >= kEnoughWords, Feature::words_of_auto_reply);
  rules(Place::structure);
  tally_.count_vetoes(features_.has(Feature::proved));
}

void Weighing::match(Place place, std::string_view text) {
  clues_.push_back({.place = place, .text = text, .rule = nullptr});
  const std::vector<const Signature*> matches = signatures_.match(place, text, Purpose::verdict);
  // `Undeliverable: your order`: what follows the colon is the forged mail's subject, and isn't evidence. The same holds for a reply to nobody.
  const bool answers_nobody = facts_.null_reverse_path && (facts_.answers || features_.has(Feature::auto_replied) ||
                                                           features_.has(Feature::from_mailer));
  const bool is_quoted = place == Place::subject && (answers_nobody || std::ranges::any_of(matches, quotes_subject));
  for (const Signature* match : matches) {
    const bool is_against = match->claim == Claim::against || match->claim == Claim::against_kind;
    if (is_quoted && is_against) continue;
    if (match->claim == Claim::kind && place == Place::subject && match->weight >= kTellingSubject)
      features_.add(Feature::kind_subject);
    if (match->claim == Claim::kind && match->kind == Kind::dsn) {
      if (place == Place::subject) features_.add(Feature::bounce_subject);
      if (place == Place::text || place == Place::header) {
        // Anybody may write about a bounce, so the envelope, an address or the mail itself is needed as well.
        const bool is_particular = match->weight > kEnoughWords || place == Place::header || facts_.null_reverse_path;
        if (is_particular || features_.has(Feature::names_address) || features_.has(Feature::returned_letter))
          features_.add(Feature::bounce_within);
      }
    }
    count(*match);
  }
}

void Weighing::rules(Place place) {
  for (const Signature& rule : signatures_.rules(place)) {
    if (holds(rule, features_)) count(rule);
  }
}

void Weighing::count(const Signature& signature) {
  // The content can be a quotation; header and structure can't.
  const bool is_content = signature.place == Place::text || signature.place == Place::subject;
  switch (signature.claim) {
    case Claim::kind:
      tally_.word(signature.name, signature.kind, signature.weight);
      break;
    case Claim::origin:
      tally_.origin(signature.name, signature.weight);
      break;
    case Claim::against:
      if (is_content) {
        tally_.veto(signature.name, signature.weight);
      } else {
        tally_.against(signature.name, signature.weight);
      }
      break;
    case Claim::against_kind:
      if (is_content) {
        tally_.veto(signature.name, signature.kind, signature.weight);
      } else {
        tally_.against(signature.name, signature.kind, signature.weight);
      }
      break;
    case Claim::product:
      clues_.push_back({.place = signature.place, .text = {}, .rule = &signature});
      break;
    case Claim::feature:
      features_.add(signature.feature);
      break;
    case Claim::cause:
      break;
  }
}

std::string Weighing::product() const {
  const Signature* best = nullptr;
  const auto consider = [&](const Signature* each) {
    if (each->weight > (best == nullptr ? 0 : best->weight)) best = each;
  };
  for (const Clue& clue : clues_) {
    if (clue.rule != nullptr) {
      consider(clue.rule);
    } else {
      std::ranges::for_each(signatures_.match(clue.place, clue.text, Purpose::product), consider);
    }
  }
  return best == nullptr ? std::string() : best->product;
}

}  // namespace blowback::detect
