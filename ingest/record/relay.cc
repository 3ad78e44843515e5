// From the most to the least reliable evidence: the trace, then fields of lists and forwarders, then the addressees.
#include "relay.h"

#include "blowback/text.h"
#include "mail/passage.h"
#include "mail/received_chain.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace blowback::record {
namespace {

using Fields = std::span<const mail::Field>;

/// Addresses in To: and Cc:, at most.
constexpr std::size_t kMostAddressees = 100;

/// The fields below the `ours`th Received: field. Our own hosts added those above.
[[nodiscard]] Fields below(Fields fields, std::size_t ours) {
  std::size_t at = 0;
  for (std::size_t seen = 0; seen < ours && at < fields.size(); ++at) {
    if (mail::is_named(fields[at], "Received")) ++seen;
  }
  return fields.subspan(at);
}

/// RFC 2369 and 2919, and the fields of older list managers.
[[nodiscard]] bool is_of_mailing_list(const mail::Field& field) {
  const std::string name = lower_case(field.name);
  static constexpr std::array<std::string_view, 3> kOlder{"mailing-list", "x-mailing-list", "x-beenthere"};
  return name.starts_with("list-") || std::ranges::find(kOlder, name) != kOlder.end();
}

[[nodiscard]] bool is_of_forwarder(const mail::Field& field) {
  const std::string name = lower_case(field.name);
  return name.starts_with("resent-") || name.starts_with("x-forwarded-");
}

/// Whether an ARC set (RFC 8617) shows that its sealer received the message from elsewhere: then it has results. With `none` only, it was
/// sealed where the message was created. Those of our own hosts don't count. `our_hosts`: the writers of our Received: fields.
[[nodiscard]] bool is_arc_of_another(const mail::Field& field, std::span<const std::string> our_hosts) {
  if (!mail::is_named(field, "ARC-Authentication-Results")) return false;
  const std::string value = lower_case(field.value);
  // `i=1; mx.example.net; spf=pass …`
  const auto first = value.find(';');
  if (first == std::string::npos) return false;
  const auto begin = value.find_first_not_of(" \t", first + 1);
  if (begin == std::string::npos) return false;
  const auto end = std::min(value.find_first_of(" \t;", begin), value.size());
  const std::string_view sealer = std::string_view(value).substr(begin, end - begin);
  if (std::ranges::find(our_hosts, sealer) != our_hosts.end()) return false;
  const std::string_view results = std::string_view(value).substr(end);
  for (const std::string_view method : {"spf=", "dkim=", "dmarc=", "arc="}) {
    for (std::size_t at = results.find(method); at != std::string_view::npos; at = results.find(method, at + 1)) {
      if (!results.substr(at + method.size()).starts_with("none")) return true;
    }
  }
  return false;
}

/// Every address in the values of To: and Cc:, lower case.
[[nodiscard]] std::vector<std::string> addressees(Fields fields) {
  std::vector<std::string> found;
  for (const auto& field : fields) {
    if (!mail::is_named(field, "To") && !mail::is_named(field, "Cc")) continue;
    std::string_view rest = field.value;
    while (!rest.empty() && found.size() < kMostAddressees) {
      // Commas in names only make additional pieces without an address, which are skipped.
      const auto piece = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(piece.size() + 1, rest.size()));
      if (piece.find('@') == std::string_view::npos) continue;
      if (auto address = mail::first_address(piece); !address.empty()) found.push_back(lower_case(address));
    }
  }
  return found;
}

[[nodiscard]] std::string_view domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

}  // namespace

Relayed relayed_by(const mail::Client& client, Fields fields, std::span<const std::string> received,
                   const config::TrapIndex& traps, std::span<const std::string> recipients) {
  const std::size_t ours = std::min(client.ours, received.size());
  const auto passage = mail::passage_of(received.subspan(ours), client.address);
  if (passage.from_outside) return Relayed::trace;
  if (passage.is_submission) return Relayed::submission;

  const Fields theirs = below(fields, ours);
  if (std::ranges::any_of(theirs, is_of_mailing_list)) return Relayed::mailing_list;
  std::vector<std::string> our_hosts;
  for (std::size_t i = 0; i < ours; ++i) {
    if (const auto hop = mail::parse_received(received[i])) our_hosts.push_back(lower_case(hop->by));
  }
  const auto is_forwarded = [&](const mail::Field& field) {
    return is_of_forwarder(field) || is_arc_of_another(field, our_hosts);
  };
  if (std::ranges::any_of(theirs, is_forwarded)) return Relayed::forwarder;

  // Without configured traps every address is one.
  if (traps.is_empty()) return Relayed::no;
  const auto is_ours = [&](const std::string& address) {
    return traps.is_trap(address) || std::ranges::any_of(recipients, [&](const std::string& recipient) {
             return domain_of(recipient) == domain_of(address);
           });
  };
  const auto named = addressees(theirs);
  if (!named.empty() && std::ranges::none_of(named, is_ours)) return Relayed::recipient;
  if (std::ranges::any_of(passage.recipients, [&](const std::string& address) { return !is_ours(address); }))
    return Relayed::recipient;
  return Relayed::no;
}

}  // namespace blowback::record
