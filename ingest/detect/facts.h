// The facts that the judge uses, extracted from the message once: its originator, its outer parts, its text.
//
// "Outer" parts were written by the server that sent the message: nothing within an enclosed message is evidence of its kind. A forwarded
// bounce contains a multipart/report too, but inside.
#pragma once

#include "blowback/trap_delivery.h"
#include "delivery_status.h"
#include "features.h"
#include "mail/message.h"
#include "returned_original.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

struct Facts {
  bool null_reverse_path = false;
  bool other_reverse_path = false;  ///< known, and neither null nor a mailer's; if both are false, it isn't known
  std::string reverse_path;         ///< lower case; "": null or not known
  bool from_nobody = false;         ///< `From: <>`
  std::string from;                 ///< address of From:, lower case; may be a bare `mailer-daemon`
  std::string from_field;           ///< decoded
  std::string subject;              ///< decoded
  std::string header;               ///< lines `Name: value`, for signatures
  std::string auto_submitted;       ///< RFC 3834 §5's keyword, lower case
  std::string precedence;           ///< lower case
  bool is_list_mail = false;        ///< RFC 2369, RFC 2919 fields
  bool is_to_list_owner = false;    ///< to a list's owner, or its address for bounces, by To:
  bool answers = false;             ///< In-Reply-To: or References:
  /// The envelope's recipients, and the addressees of the header: whom the letter that is returned claims to be from. Lower case.
  std::vector<std::string> recipients;

  const mail::Part* root = nullptr;
  std::vector<const mail::Part*> outer;
  /// Outer parts; nullptr: there is none.
  const mail::Part* status = nullptr;       ///< message/delivery-status, message/global-delivery-status
  const mail::Part* disposition = nullptr;  ///< message/disposition-notification
  const mail::Part* feedback = nullptr;     ///< message/feedback-report
  const mail::Part* enclosed = nullptr;     ///< message/rfc822, message/global
  const mail::Part* enclosed_headers =
      nullptr;  ///< text/rfc822-headers, message/rfc822-headers, message/global-headers
  /// A program, an archive or a web page, which mailers don't attach to bounces.
  const mail::Part* odd_attachment = nullptr;
  bool has_report_attachment = false;  ///< gzip, zip or XML of a DMARC or TLS report
  /// With a name by RFC 7489 §7.2.1.1: `receiver!domain!begin!end[!id].xml[.gz]`.
  bool has_dmarc_attachment = false;
  bool has_html = false;
  bool has_calendar = false;  ///< an invitation or a reply to one

  // Set by `read_text`.
  std::string status_text;                          ///< of `status`, decoded
  std::string disposition_text;                     ///< of `disposition`, decoded
  std::string lines;                                ///< the outer text, as lines
  QuotedOriginal quoted;                            ///< the original as found in `lines`
  std::vector<mail::Field> enclosed_header_fields;  ///< of the original, in `enclosed_headers`
  /// `lines` up to the original, without quotations, white space collapsed; at most 16 KiB.
  std::string words;
  /// `words` without the replies of other servers: what the mailer says itself.
  std::string own_words;
  /// `lines` up to the original.
  [[nodiscard]] std::string_view words_as_lines() const { return std::string_view(lines).substr(0, quoted.begin); }
  int quoted_lines = 0;  ///< lines that begin with `>`
};

/// Facts of the header and the structure, without the text. Pure. Refers to `message`, which must outlive it. `traps`: as for `judge`.
[[nodiscard]] Facts facts_of(const TrapDelivery& delivery, const mail::Message& message,
                             std::span<const std::string> traps = {});

/// Those of the envelope, the header and the structure. Pure.
[[nodiscard]] FeatureSet features_of_header(const Facts& facts);
/// Adds those of the text, which `read_text` read, and of the delivery status.
void add_features_of_text(const Facts& facts, const DeliveryStatus& status, FeatureSet& to);

/// Reads the text. This costs more than everything else, so the judge calls it only if a program may have sent the message.
void read_text(Facts& facts);

/// Whether the letter that a part or the text returns claims to be from the recipient: From:, Sender: or its reverse-path.
[[nodiscard]] bool is_from_recipient(const std::vector<mail::Field>& letter, const Facts& facts);

/// Addresses in text, between white space, brackets or quotation marks; at most `most`. Lower case.
[[nodiscard]] std::vector<std::string> addresses_in(std::string_view text, std::size_t most);
/// The address of a program (a mailer, a filter, a host), not of a user.
[[nodiscard]] bool is_role(std::string_view address);

/// Whether mailers send from this local part: mailer-daemon, postmaster…
[[nodiscard]] bool is_daemon(std::string_view address);
[[nodiscard]] bool is_postmaster(std::string_view address);

}  // namespace blowback::detect
