// The weights were found by hand on real mail, and checked with sets that weren't used for that; see docs/decisions.md.
#include "weigh.h"

#include "words.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace blowback::detect {
namespace {

// With a list's header fields, and no sign of a program except for the precedence, it is a post.
constexpr double kEnoughOriginOfList = 0.8;

[[nodiscard]] bool is_report(const Facts& facts) {
  return facts.root != nullptr && facts.root->type == "multipart/report";
}
[[nodiscard]] bool says_status(const Facts& facts) {
  return is_report(facts) && (facts.root->report_type == "delivery-status" || facts.root->report_type.empty());
}
[[nodiscard]] bool is_from_mailer(const Facts& facts) { return is_daemon(facts.from) || is_postmaster(facts.from); }
[[nodiscard]] bool names_an_address(const Facts& facts) { return facts.words.find('@') != std::string::npos; }
[[nodiscard]] bool has_original(const Facts& facts) {
  return facts.enclosed != nullptr || facts.enclosed_headers != nullptr || facts.quoted.begin != std::string_view::npos;
}

// RFC 3464 and RFC 8098, whole or in part.
void weigh_report(const Facts& facts, const DeliveryStatus& status, Tally& tally) {
  if (facts.status != nullptr && is_well_formed(status)) {
    // A person's mail program may forward such a part, but doesn't declare the whole message as a report.
    if (says_status(facts)) {
      tally.report("multipart-report-delivery-status", Kind::dsn);
    } else if (tally.origin() >= kEnoughOrigin) {
      tally.word("delivery-status-part", Kind::dsn, 2.5);
      tally.saw_bounce();
    }
  } else if (says_status(facts) && facts.root->report_type == "delivery-status") {
    tally.word("report-type-delivery-status", Kind::dsn, 2.0);
  }
  if (facts.disposition != nullptr || (is_report(facts) && facts.root->report_type == "disposition-notification")) {
    const bool whole = is_report(facts) && facts.disposition != nullptr &&
                       contains_ignoring_case(facts.disposition_text, "disposition:");
    if (whole) {
      tally.report("multipart-report-disposition-notification", Kind::mdn);
    } else {
      tally.word("disposition-notification", Kind::mdn, 2.0);
    }
  }
}

// What a mailer includes in a bounce: the mail itself, an SMTP reply.
void weigh_what_came_back(const Facts& facts, Tally& tally) {
  if (has_original(facts) && (is_from_mailer(facts) || facts.null_reverse_path)) {
    tally.word("returns-the-original", Kind::dsn, 0.5);
    tally.saw_bounce();
  }
  // `550 5.1.1 …` and an address: a transcript.
  if (reply_code_in(facts.words) != 0 && names_an_address(facts)) {
    tally.word("smtp-reply-in-text", Kind::dsn, 0.4);
    tally.saw_bounce();
  }
}

// Bounces and replies in any language, of any software, have no links, no attachments and no HTML.
void weigh_bareness(const Facts& facts, Tally& tally) {
  const bool has_link = contains_ignoring_case(facts.words, "http") || contains_ignoring_case(facts.words, "www.");
  if (has_link || facts.odd_attachment != nullptr || facts.has_html || facts.is_list_mail) return;
  // A mailer sends with a null reverse-path, and names an address or returns the mail.
  const bool is_another =
      tally.words(Kind::virus_notice) >= kEnoughWordsOfNotice || tally.words(Kind::challenge) >= 0.5;
  if (is_from_mailer(facts) && !facts.other_reverse_path && !says_status(facts) && !is_another &&
      (has_original(facts) || names_an_address(facts))) {
    tally.word("mailer-names-an-address", Kind::dsn, 1.0);
    tally.saw_bounce();
  }
  // A reply with a null reverse-path wants no reply (RFC 3834 §3.3): an autoresponder.
  if (!is_from_mailer(facts) && facts.null_reverse_path && facts.answers && facts.quoted_lines == 0 &&
      !is_report(facts)) {
    tally.word("answers-without-return-path", Kind::auto_reply, 0.7);
  }
}

// Replies of programs and of people.
void weigh_answering(const Facts& facts, Tally& tally) {
  // A reply with long quotations is a person's.
  if (facts.quoted_lines > 3 && !facts.null_reverse_path) tally.against("quotes-line-by-line", 1.0);
  if (facts.auto_submitted == "auto-replied" && !is_report(facts)) {
    tally.word("answers-by-itself", Kind::auto_reply, 1.5);
  }
  // A postmaster is a person, too, and answers mail.
  const bool is_letter = facts.answers && !facts.null_reverse_path && facts.auto_submitted.empty() &&
                         !is_daemon(facts.from) && starts_ignoring_case(facts.subject, "re:");
  if (is_letter && !says_status(facts)) tally.against("answers-like-a-person", Kind::dsn, 1.5);
  if (facts.answers && facts.quoted_lines == 0) {
    for (const Kind kind : {Kind::auto_reply, Kind::challenge}) tally.word("in-reply-to", kind, 0.3);
  }
}

// What spam and worms that imitate a bounce have, and mailers don't.
void weigh_dress(const Facts& facts, Tally& tally) {
  // The imitation has a bounce's subject and originator, but nothing of a bounce inside. Other kinds come from postmaster too, and needn't look
  // like one; with a bounce's subject and a reverse-path it is the same spam.
  if (tally.words(Kind::dsn) > 0 && !tally.is_report(Kind::dsn) && !tally.bounce_within()) {
    if (tally.bounce_subject() && !facts.null_reverse_path) {
      tally.against("nothing-of-a-bounce-inside", 2.0);
    } else {
      tally.against("nothing-of-a-bounce-inside", Kind::dsn, 2.0);
    }
  }
  if (facts.has_calendar) tally.against("calendar-part", 6.0);
  const bool structured = tally.is_report(Kind::dsn) || tally.is_report(Kind::mdn);
  if (facts.odd_attachment != nullptr) tally.against("attachment-no-mailer-makes", structured ? 0.5 : 3.0);
}

}  // namespace

std::optional<std::string> feedback_signal(const Facts& facts, const mail::Message& message) {
  if (facts.root != nullptr && facts.root->report_type == "feedback-report") return "report-type-feedback-report";
  if (facts.feedback != nullptr) return "feedback-report-part";
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

void weigh_origin(const Facts& facts, Tally& tally) {
  if (facts.null_reverse_path) {
    tally.origin("null-reverse-path", 1.0);
  } else if (is_daemon(facts.reverse_path)) {
    tally.origin("reverse-path-mailer-daemon", 0.8);
  }
  if (is_daemon(facts.from)) {
    tally.origin("from-mailer-daemon", 1.0);
  } else if (is_postmaster(facts.from)) {
    tally.origin("from-postmaster", 0.7);
  }
  // RFC 3834 §5: auto-replied is a reply to a message; auto-generated isn't, and DSNs may have it.
  if (facts.auto_submitted == "auto-replied") {
    tally.origin("auto-submitted-auto-replied", 1.0);
  } else if (!facts.auto_submitted.empty() && facts.auto_submitted != "no") {
    tally.origin("auto-submitted", 0.6);
  }
  if (facts.precedence == "bulk" || facts.precedence == "junk" || facts.precedence == "auto_reply") {
    tally.origin("precedence-" + facts.precedence, 0.5);
  }
  if (facts.is_list_mail) tally.against("list-header", 1.5);
  if (facts.precedence == "list") tally.against("precedence-list", 1.0);
}

std::string weigh_wording(const SignatureSet& signatures, Facts& facts, Tally& tally) {
  std::string product;
  double best_product = 0;
  const auto take = [&](Place place, std::string_view text) {
    const std::vector<const Signature*> matches = signatures.match(place, text);
    // `Undeliverable: your order`: what follows the colon is the forged mail's subject, and isn't evidence.
    const bool is_quoted = place == Place::subject && std::ranges::any_of(matches, [](const Signature* match) {
                             return match->claim == Claim::kind && match->weight >= kEnoughWords &&
                                    (match->kind == Kind::dsn || match->kind == Kind::auto_reply);
                           });
    for (const Signature* match : matches) {
      const bool is_against = match->claim == Claim::against || match->claim == Claim::against_kind;
      if (is_quoted && is_against) continue;
      switch (match->claim) {
        case Claim::kind:
          if (match->kind == Kind::dsn && place == Place::subject) tally.saw_bounce_subject();
          if (match->kind == Kind::dsn && (place == Place::text || place == Place::header)) {
            // Anybody may write about a bounce, so the envelope, an address or the mail itself is needed as well.
            const bool is_particular =
                match->weight > kEnoughWords || place == Place::header || facts.null_reverse_path;
            if (is_particular || names_an_address(facts) || has_original(facts)) tally.saw_bounce();
          }
          tally.word(match->name, match->kind, match->weight);
          break;
        case Claim::origin:
          tally.origin(match->name, match->weight);
          break;
        case Claim::against:
          tally.against(match->name, match->weight);
          break;
        case Claim::against_kind:
          tally.against(match->name, match->kind, match->weight);
          break;
        case Claim::product:
          if (match->weight > best_product) {
            best_product = match->weight;
            product = match->product;
          }
          break;
        case Claim::cause:
          break;
      }
    }
  };
  take(Place::subject, facts.subject);
  take(Place::from, facts.from_field);
  take(Place::header, facts.header);
  // The text of what only a person can have sent, or a list distributed, isn't read: that costs more than everything else.
  const bool by_program = tally.origin() >= (facts.is_list_mail ? kEnoughOriginOfList : kEnoughOrigin);
  if (!by_program && facts.status == nullptr && facts.disposition == nullptr) return product;
  read_text(facts);
  take(Place::text, facts.words);
  if (facts.status != nullptr) take(Place::status, facts.status_text);
  return product;
}

void weigh_form(const Facts& facts, const DeliveryStatus& status, Tally& tally) {
  weigh_report(facts, status, tally);
  weigh_what_came_back(facts, tally);
  weigh_bareness(facts, tally);
  weigh_answering(facts, tally);
  weigh_dress(facts, tally);
}

}  // namespace blowback::detect
