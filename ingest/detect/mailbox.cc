#include "mailbox.h"

#include "blowback/text.h"
#include "words.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace blowback::detect {
namespace {

/// The mailbox in lower case, without its subaddress (RFC 5233; qmail's begins with `-`), which its owner can choose per message.
[[nodiscard]] std::string without_detail(std::string_view address) {
  const std::string lower = lower_case(trimmed(address));
  const std::size_t at = lower.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == lower.size()) return {};
  return lower.substr(0, std::min(lower.find_first_of("+-=", 1), at)) + lower.substr(at);
}

/// Whether another server refused the mail: then this one knew the recipient and relayed the mail.
[[nodiscard]] bool is_refused_elsewhere(const Facts& facts, const RecipientStatus* recipient) {
  if (recipient != nullptr && !recipient->remote_mta.empty()) return true;
  // The wording of qmail, Postfix and Exim.
  return contains_ignoring_case(facts.words, "remote host said") || contains_ignoring_case(facts.words, " said: ") ||
         contains_ignoring_case(facts.words, "error from remote mail server");
}

}  // namespace

Mailbox mailbox_of(const Verdict& verdict, const Facts& facts, const DeliveryStatus& status,
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

}  // namespace blowback::detect
