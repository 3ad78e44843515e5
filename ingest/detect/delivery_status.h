// The fields of a delivery status notification: RFC 3464 §2, and RFC 6533 §3 for the internationalised form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// The fields of one recipient (RFC 3464 §2.3), without their types (`rfc822;`, `dns;`). "": absent.
struct RecipientStatus {
  std::string final_recipient;
  std::string original_recipient;
  std::string action;  ///< lower case: failed, delayed, delivered, relayed, expanded
  std::string status;  ///< `5.1.1`
  std::string diagnostic;
  std::string remote_mta;
};

struct DeliveryStatus {
  std::string reporting_mta;
  std::string queue_id;                     ///< X-Postfix-Queue-ID and similar fields
  std::string sender;                       ///< X-Postfix-Sender and similar fields: the original's reverse-path
  std::vector<RecipientStatus> recipients;  ///< at most 100
};

/// Parses the decoded text of a message/delivery-status or message/global-delivery-status part, or report fields in plain text. Accepts
/// missing and additional blank lines between recipients, and white space before the colon. Pure.
[[nodiscard]] DeliveryStatus parse_delivery_status(std::string_view text);

/// The Original-Message-ID of a disposition notification (RFC 8098 §3.2.5), without angle brackets, or "". Pure.
[[nodiscard]] std::string original_message_id_of(std::string_view text);

/// Whether it is a delivery status: a recipient has an Action or a Status, or there are recipients and a reporting MTA.
[[nodiscard]] bool is_well_formed(const DeliveryStatus& status);

/// The first enhanced status code (RFC 3463) in `text`, or "": `5.1.1` in `550 5.1.1 <x>… User unknown`.
[[nodiscard]] std::string enhanced_status_in(std::string_view text);

/// The SMTP reply code in `text`: 400 to 599, or 0.
[[nodiscard]] int reply_code_in(std::string_view text);

}  // namespace blowback::detect
