// A verdict as lines of text, for the golden samples in tests/data/mail: NAME.expected says what NAME.eml is.
#pragma once

#include "blowback/verdict.h"

#include <fmt/format.h>

#include <string>

namespace blowback::detect {

/// The trap that golden samples are judged for.
inline const std::string kTrap = "trap@trap.example.net";

[[nodiscard]] inline std::string rendered(const Verdict& verdict) {
  const auto or_dash = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
  std::string out =
      fmt::format("kind {}\ncause {}\ncertain {}\nclaims-trap {}\nproduct {}\nreporting-mta {}\nqueue-id {}\n",
                  name_of(verdict.kind), name_of(verdict.cause), verdict.confidence == 1.0 ? "yes" : "no",
                  verdict.claims_trap ? "yes" : "no", or_dash(verdict.product), or_dash(verdict.reporting_mta),
                  or_dash(verdict.queue_id));
  out += fmt::format("campaign {}\n", verdict.campaign.empty() ? "no" : "yes");
  if (verdict.original) {
    out += fmt::format("original-message-id {}\noriginal-from {}\noriginal-return-path {}\noriginal-client {}\n",
                       or_dash(verdict.original->message_id), or_dash(verdict.original->from),
                       or_dash(verdict.original->return_path),
                       verdict.original->client ? verdict.original->client->to_string() : "-");
    out += fmt::format("original-spf-failed {}\n", verdict.original->spf_failed ? "yes" : "no");
  }
  return out;
}

}  // namespace blowback::detect
