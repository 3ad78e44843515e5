// The ladder: a callout needs no look; reports that are owed to somebody; reports by structure; then what the words, the
// origin and the form say together. Every rung leaves its signal, so that a verdict can be read back.
#include "judge.h"

#include "campaign.h"
#include "cause.h"
#include "delivery_status.h"
#include "facts.h"
#include "returned_original.h"
#include "signature_set.h"
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

// What each kind needs besides its own words before it is believed: some sign that a program sent it.
constexpr double kEnough = 2.0;
constexpr double kEnoughWords = 1.0;
// "Your message was blocked" is what bounces say, too.
constexpr double kEnoughWordsOfNotice = 1.2;
constexpr double kEnoughOrigin = 0.5;
// Forums and monitors mark their mail as a program's too, and may quote a bounce: with no more than that it takes more words.
constexpr double kSureOrigin = 0.65;
constexpr double kEnoughOfUnsure = 2.5;
// So many times the words of a notice make a bounce of it.
constexpr double kRatherDsn = 3;
// A list's header on it, and no more than a precedence that a program may have sent it: a post.
constexpr double kEnoughOriginOfList = 0.8;
// A report in RFC 3464's or RFC 8098's own form: nothing but an odd attachment weighs against it.
constexpr double kByStructure = 4.0;

// Sums up the signals. Words speak for one kind each; the origin (who sent it, how it is marked) for all alike.
class Tally {
 public:
  void word(std::string name, Kind kind, double weight) {
    words_[static_cast<std::size_t>(kind)] += weight;
    signals_.emplace_back(kind, Signal{std::move(name), weight});
  }
  void origin(std::string name, double weight) {
    origin_ += weight;
    common_.push_back({std::move(name), weight});
  }
  void against(std::string name, double weight) {
    against_ += weight;
    common_.push_back({std::move(name), -weight});
  }
  /// Against one kind, and saying nothing of the others: a parcel that came back speaks against a bounce, not against a vacation.
  void against(std::string name, Kind kind, double weight) {
    against_kind_[static_cast<std::size_t>(kind)] += weight;
    signals_.emplace_back(kind, Signal{std::move(name), -weight});
  }

  /// It has RFC 3464's or RFC 8098's own form.
  void report(std::string name, Kind kind) {
    word(std::move(name), kind, kByStructure);
    report_ = kind;
  }
  [[nodiscard]] bool is_report(Kind kind) const { return report_ == kind; }

  /// Something besides the subject and the sender's name looks like a bounce.
  void saw_bounce() { bounce_within_ = true; }
  void saw_bounce_subject() { bounce_subject_ = true; }
  [[nodiscard]] bool bounce_subject() const { return bounce_subject_; }
  [[nodiscard]] bool bounce_within() const { return bounce_within_; }

  [[nodiscard]] double words(Kind kind) const { return words_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] double origin() const { return origin_; }
  [[nodiscard]] double against(Kind kind) const { return against_ + against_kind_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] double sum(Kind kind) const { return words(kind) + origin_ - against(kind); }
  [[nodiscard]] bool is_enough(Kind kind) const {
    const double enough = kind == Kind::dsn && origin_ < kSureOrigin ? kEnoughOfUnsure : kEnough;
    const double enough_words = kind == Kind::virus_notice ? kEnoughWordsOfNotice : kEnoughWords;
    return words(kind) >= enough_words && origin_ >= kEnoughOrigin && sum(kind) >= enough;
  }

  /// Those for `kind` and those for and against all, with the sign they have for it; for not_backscatter all are turned
  /// round except the ones against.
  [[nodiscard]] std::vector<Signal> signals_for(Kind kind) const {
    std::vector<Signal> out;
    for (const auto& [of, signal] : signals_) {
      if (of == kind)
        out.push_back(signal);
      else if (!is_backscatter(kind))
        out.push_back({signal.name, -signal.weight});
    }
    for (const Signal& signal : common_)
      out.push_back({signal.name, is_backscatter(kind) ? signal.weight : -signal.weight});
    return out;
  }

 private:
  std::array<double, 8> words_{};
  std::array<double, 8> against_kind_{};
  double origin_ = 0;
  double against_ = 0;
  bool bounce_within_ = false;
  bool bounce_subject_ = false;
  std::optional<Kind> report_;
  std::vector<std::pair<Kind, Signal>> signals_;
  std::vector<Signal> common_;
};

// ARF (RFC 5965), DMARC aggregate (RFC 7489 §7.2) and failure reports, TLS reports (RFC 8460 §5.3): sent to an address that
// asked for them in DNS or by subscription, never to a forged one.
[[nodiscard]] std::optional<std::string> feedback_signal(const Facts& facts, const mail::Message& message) {
  if (facts.root != nullptr && facts.root->report_type == "feedback-report") return "report-type-feedback-report";
  if (facts.feedback != nullptr) return "feedback-report-part";
  if (facts.root != nullptr && facts.root->report_type == "tlsrpt") return "report-type-tlsrpt";
  if (mail::find(message.fields, "TLS-Report-Domain") != nullptr) return "tls-report-domain";
  const bool is_titled =
      contains_ignoring_case(facts.subject, "report domain:") && contains_ignoring_case(facts.subject, "report-id:");
  if (facts.has_dmarc_attachment || (facts.has_report_attachment && is_titled)) return "dmarc-aggregate-report";
  // Microsoft's junk mail reports: multipart/mixed around the message, and a header field of their own.
  for (const std::string_view name : {"X-HmXmrOriginalRecipient", "X-MS-Exchange-JMRP"}) {
    if (mail::find(message.fields, name) != nullptr) return "junk-mail-report";
  }
  return std::nullopt;
}

[[nodiscard]] bool has_original(const Facts& facts) {
  return facts.enclosed != nullptr || facts.enclosed_headers != nullptr || facts.quoted.begin != std::string_view::npos;
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
  // RFC 3834 §5: auto-replied answers a message; auto-generated is a program's own idea, a DSN among them.
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

void weigh_form(const Facts& facts, const DeliveryStatus& status, Tally& tally) {
  const bool is_report = facts.root != nullptr && facts.root->type == "multipart/report";
  const bool says_status =
      is_report && (facts.root->report_type == "delivery-status" || facts.root->report_type.empty());
  const bool by_machine = tally.origin() >= kEnoughOrigin;
  // A reply that quotes at length is a person's, whatever it quotes.
  if (facts.quoted_lines > 3 && !facts.null_reverse_path) tally.against("quotes-line-by-line", 1.0);
  if (facts.status != nullptr && is_well_formed(status)) {
    // A person's mail program may forward such a part among others, but it doesn't call the whole a report.
    if (says_status) {
      tally.report("multipart-report-delivery-status", Kind::dsn);
    } else if (by_machine) {
      tally.word("delivery-status-part", Kind::dsn, 2.5);
      tally.saw_bounce();
    }
  } else if (says_status && facts.root->report_type == "delivery-status") {
    tally.word("report-type-delivery-status", Kind::dsn, 2.0);
  }
  if (facts.disposition != nullptr || (is_report && facts.root->report_type == "disposition-notification")) {
    const bool whole =
        is_report && facts.disposition != nullptr && contains_ignoring_case(facts.disposition_text, "disposition:");
    if (whole) {
      tally.report("multipart-report-disposition-notification", Kind::mdn);
    } else {
      tally.word("disposition-notification", Kind::mdn, 2.0);
    }
  }
  if (has_original(facts) && (is_daemon(facts.from) || is_postmaster(facts.from) || facts.null_reverse_path)) {
    tally.word("returns-the-original", Kind::dsn, 0.5);
    tally.saw_bounce();
  }
  // A mailer in whatever language: it sends without a return path, lures nobody anywhere, and names an address or gives the mail back.
  const bool has_link = contains_ignoring_case(facts.words, "http") || contains_ignoring_case(facts.words, "www.");
  const bool is_bare = !has_link && facts.odd_attachment == nullptr && !facts.has_html && !facts.is_list_mail;
  const bool from_mailer = is_daemon(facts.from) || is_postmaster(facts.from);
  const bool is_another =
      tally.words(Kind::virus_notice) >= kEnoughWordsOfNotice || tally.words(Kind::challenge) >= 0.5;
  if (is_bare && from_mailer && !facts.other_reverse_path && !says_status && !is_another &&
      (has_original(facts) || facts.words.find('@') != std::string::npos)) {
    tally.word("mailer-names-an-address", Kind::dsn, 1.0);
    tally.saw_bounce();
  }
  // And an autoresponder: what answers without a return path wants no answer (RFC 3834 §3.3).
  if (is_bare && !from_mailer && facts.null_reverse_path && facts.answers && facts.quoted_lines == 0 && !is_report) {
    tally.word("answers-without-return-path", Kind::auto_reply, 0.7);
  }
  // `550 5.1.1 …` beside an address is how a transcript looks.
  if (reply_code_in(facts.words) != 0 && facts.words.find('@') != std::string::npos) {
    tally.word("smtp-reply-in-text", Kind::dsn, 0.4);
    tally.saw_bounce();
  }
  if (facts.auto_submitted == "auto-replied" && !is_report) tally.word("answers-by-itself", Kind::auto_reply, 1.5);
  // A postmaster is a person, too, and answers letters.
  const bool is_letter = facts.answers && !facts.null_reverse_path && facts.auto_submitted.empty() &&
                         !is_daemon(facts.from) && starts_ignoring_case(facts.subject, "re:");
  if (is_letter && !says_status) tally.against("answers-like-a-person", Kind::dsn, 1.5);
  if (facts.answers && facts.quoted_lines == 0) {
    for (const Kind kind : {Kind::auto_reply, Kind::challenge}) tally.word("in-reply-to", kind, 0.3);
  }
  // A subject and a name are what spam dressed as a bounce has, too; inside it has nothing of one. Other kinds come from postmaster
  // likewise and needn't look like a bounce; with a bounce's subject and a return path it is the same spam.
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

// Patterns over the places; products go to `product`.
// Reads the text of `facts` where it matters.
void weigh_wording(const SignatureSet& signatures, Facts& facts, Tally& tally, std::string& product) {
  double best_product = 0;
  const auto take = [&](Place place, std::string_view text) {
    for (const Signature* match : signatures.match(place, text)) {
      switch (match->claim) {
        case Claim::kind:
          if (match->kind == Kind::dsn && place == Place::subject) tally.saw_bounce_subject();
          if (match->kind == Kind::dsn && (place == Place::text || place == Place::header)) {
            // What anybody says of a bounce needs the envelope, an address or the mail itself beside it.
            const bool is_particular =
                match->weight > kEnoughWords || place == Place::header || facts.null_reverse_path;
            if (is_particular || facts.words.find('@') != std::string::npos || has_original(facts)) tally.saw_bounce();
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
  // What nothing but a person can have sent needs no reading, nor what a list passed on: the text costs more than all the rest.
  const bool by_program = tally.origin() >= (facts.is_list_mail ? kEnoughOriginOfList : kEnoughOrigin);
  if (!by_program && facts.status == nullptr && facts.disposition == nullptr) return;
  read_text(facts);
  take(Place::text, facts.words);
  if (facts.status != nullptr) take(Place::status, facts.status_text);
}

// The ladder proper.
[[nodiscard]] Kind decided(const Facts& facts, const Tally& tally) {
  if (tally.is_report(Kind::mdn)) return Kind::mdn;
  // A filter's notice in the form of a DSN is the filter's notice: the advice for its owner is another one.
  const bool is_notice = tally.words(Kind::virus_notice) >= 1.5;
  if (tally.is_report(Kind::dsn)) {
    if (facts.odd_attachment != nullptr && tally.origin() < kEnoughOrigin) return Kind::not_backscatter;
    return is_notice ? Kind::virus_notice : Kind::dsn;
  }
  // A list has its own administration, and its members their own words; who asks or warns a stranger does so without one.
  const bool is_post = facts.is_list_mail && !facts.null_reverse_path;
  // The more particular kinds first: a challenge and a virus notice are often marked as replies too.
  for (const Kind kind : {Kind::challenge, Kind::virus_notice, Kind::dsn, Kind::mdn, Kind::auto_reply}) {
    if (kind == Kind::dsn && tally.words(Kind::auto_reply) > tally.words(Kind::dsn) &&
        tally.is_enough(Kind::auto_reply))
      continue;
    if (kind == Kind::dsn && !tally.bounce_within()) continue;
    // A bounce that tells a virus as its reason is a bounce.
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
  // The rest by how far it is past enough: 0.6 just there, 0.95 at most.
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
    return equal_ignoring_case(original.from, trap) || equal_ignoring_case(original.return_path, trap);
  });
}

[[nodiscard]] std::string unbracketed(std::string_view id) {
  const std::size_t open = id.find('<');
  if (open != std::string_view::npos) id.remove_prefix(open + 1);
  return std::string(trimmed(id.substr(0, id.find('>'))));
}

// Several mailers build the Message-ID of a bounce around the queue id: Postfix `DATE.ID@host`, Sendmail `DATE.ID@host`,
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
  weigh_wording(signatures, facts, tally, verdict.product);
  DeliveryStatus status = parse_delivery_status(facts.status_text);
  weigh_form(facts, status, tally);
  verdict.kind = decided(facts, tally);
  verdict.signals = tally.signals_for(verdict.kind);
  if (!is_backscatter(verdict.kind)) {
    verdict.confidence = 1;
    verdict.product.clear();
    return verdict;
  }

  // Report fields in plain text, as some write them, serve as well.
  if (facts.status == nullptr) status = parse_delivery_status(facts.words_as_lines());
  verdict.original = returned(facts, status, verdict.kind);
  verdict.confidence = confidence_of(verdict.kind, facts, tally, verdict.original.has_value());
  if (verdict.original) {
    verdict.proved = claims_to_be(*verdict.original, traps);
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
    // Without a report there is nothing but the filter's own word, and that is of what it found.
    const bool by_words_alone = facts.status == nullptr || verdict.cause == Cause::none;
    if (verdict.kind == Kind::virus_notice && by_words_alone) verdict.cause = Cause::content_rejected;
  }
  return verdict;
}

}  // namespace blowback::detect
