// The mailbox because of which the server sent the message: it replied, or mail to it failed. A single mailbox gets nobody listed, however
// often it is provoked.
#pragma once

#include "blowback/verdict.h"
#include "delivery_status.h"
#include "facts.h"
#include "mail/message.h"

#include <span>
#include <string>

namespace blowback::detect {

struct Mailbox {
  std::string address;  ///< Verdict::mailbox
  bool exists = false;  ///< Verdict::mailbox_exists
};

/// A bounce names it in its report, in Exim's field, or as the first address that is neither the trap's nor a mailer's. Pure.
[[nodiscard]] Mailbox mailbox_of(const Verdict& verdict, const Facts& facts, const DeliveryStatus& status,
                                 const mail::Message& message, std::span<const std::string> traps);

}  // namespace blowback::detect
