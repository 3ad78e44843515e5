// What the judge finds in a message's envelope, structure and text, besides wording: the names that conditions in signature tables use
// (docs/signatures.md). Tables can define more, by `feature:NAME`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace blowback::detect {

enum class Feature : std::uint8_t {
  // The envelope and the header.
  null_reverse_path,
  set_reverse_path,
  daemon_reverse_path,
  from_daemon,
  from_postmaster,
  from_mailer,
  from_nobody,
  from_role,
  from_own_domain,
  own_reverse_path,
  auto_replied,
  auto_submitted,
  precedence_bulk,
  precedence_junk,
  precedence_auto_reply,
  precedence_list,
  list_mail,
  to_list_owner,
  answers,
  subject_re,
  html,
  calendar,
  odd_attachment,
  report,
  kind_subject,
  small,
  glance,
  worth_reading,
  // The text and what is returned in it.
  by_program,
  delivery_report,
  delivery_report_type,
  delivery_status,
  delivery_fields,
  disposition_report,
  disposition,
  returned_letter,
  letter_from_recipient,
  letter_in_text,
  smtp_reply,
  names_address,
  failed_address,
  names_only_recipient,
  link,
  quotes,
  quotes_much,
  short_text,
  // Sums of the wording.
  words_of_dsn,
  words_of_notice,
  words_of_challenge,
  words_of_auto_reply,
  bounce_subject,
  bounce_within,
  proved,
  // Of the diagnostic, for the cause.
  warns_of_delay,
  reason_passes,
};

/// In the order of the enumeration.
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Feature::reason_passes) + 1> kFeatureNames{
    "null-reverse-path",
    "set-reverse-path",
    "daemon-reverse-path",
    "from-daemon",
    "from-postmaster",
    "from-mailer",
    "from-nobody",
    "from-role",
    "from-own-domain",
    "own-reverse-path",
    "auto-replied",
    "auto-submitted",
    "precedence-bulk",
    "precedence-junk",
    "precedence-auto_reply",
    "precedence-list",
    "list-mail",
    "to-list-owner",
    "answers",
    "subject-re",
    "html",
    "calendar",
    "odd-attachment",
    "report",
    "kind-subject",
    "small",
    "glance",
    "worth-reading",
    "by-program",
    "delivery-report",
    "delivery-report-type",
    "delivery-status",
    "delivery-fields",
    "disposition-report",
    "disposition",
    "returned-letter",
    "letter-from-recipient",
    "letter-in-text",
    "smtp-reply",
    "names-address",
    "failed-address",
    "names-only-recipient",
    "link",
    "quotes",
    "quotes-much",
    "short-text",
    "words-of-dsn",
    "words-of-notice",
    "words-of-challenge",
    "words-of-auto_reply",
    "bounce-subject",
    "bounce-within",
    "proved",
    "warns-of-delay",
    "reason-passes"};

/// The features of one message, by number: those above, then those that tables define.
class FeatureSet {
 public:
  void add(std::size_t number) {
    if (number >= has_.size()) has_.resize(number + 1);
    has_[number] = true;
  }
  void add(Feature feature) { add(static_cast<std::size_t>(feature)); }
  void add_if(bool holds, Feature feature) {
    if (holds) add(feature);
  }
  [[nodiscard]] bool has(std::size_t number) const { return number < has_.size() && has_[number]; }
  [[nodiscard]] bool has(Feature feature) const { return has(static_cast<std::size_t>(feature)); }

 private:
  std::vector<bool> has_ = std::vector<bool>(kFeatureNames.size());
};

}  // namespace blowback::detect
