#include "blowback/removal.h"

#include <algorithm>

namespace blowback {

std::string_view name_of(RemovalProof proof) {
  switch (proof) {
    case RemovalProof::https:
      return "https";
    case RemovalProof::mail:
      return "mail";
    case RemovalProof::token:
      return "token";
  }
  return {};
}

std::string_view name_of(RemovalState state) {
  switch (state) {
    case RemovalState::pending:
      return "pending";
    case RemovalState::done:
      return "done";
    case RemovalState::refused:
      return "refused";
  }
  return {};
}

std::string_view name_of(RemovalRefusal refusal) {
  switch (refusal) {
    case RemovalRefusal::disabled:
      return "disabled";
    case RemovalRefusal::special_use:
      return "special-use";
    case RemovalRefusal::exempt:
      return "exempt";
    case RemovalRefusal::not_listed:
      return "not-listed";
    case RemovalRefusal::network:
      return "network";
    case RemovalRefusal::by_operator:
      return "by-operator";
    case RemovalRefusal::still_sending:
      return "still-sending";
    case RemovalRefusal::too_many:
      return "too-many";
  }
  return {};
}

std::string_view clause_of(RemovalRefusal refusal) {
  switch (refusal) {
    case RemovalRefusal::disabled:
      return "this list removes nobody on request";
    case RemovalRefusal::special_use:
      return "a special-use address proves nothing";
    case RemovalRefusal::exempt:
      return "it is exempt, so there is nothing to remove";
    case RemovalRefusal::not_listed:
      return "it is not listed";
    case RemovalRefusal::network:
      return "the operator listed a network around it; write to the operator";
    case RemovalRefusal::by_operator:
      return "it was listed by the operator; write to the operator";
    case RemovalRefusal::still_sending:
      return "backscatter came from it while the request waited; mend the host, then ask again";
    case RemovalRefusal::too_many:
      return "too many requests are pending; try again later";
  }
  return {};
}

Duration removal_waits(const RemovalRules& rules, int earlier) {
  if (earlier <= 0) return Duration{0};
  Duration wait = rules.wait;
  // Doubled step by step, so that nothing overflows.
  for (int i = 1; i < earlier && wait < rules.remembered; ++i) wait *= 2;
  return std::min(wait, rules.remembered);
}

RemovalOutlook outlook_of(const RemovalRules& rules, const RemovalCase& of) {
  const auto refused = [&]() -> std::optional<RemovalRefusal> {
    if (!rules.enabled) return RemovalRefusal::disabled;
    if (of.use == AddressUse::special) return RemovalRefusal::special_use;
    if (of.is_exempt) return RemovalRefusal::exempt;
    if (!of.is_listed) return RemovalRefusal::not_listed;
    if (of.is_by_operator && !rules.by_operator) return RemovalRefusal::by_operator;
    if (of.is_network) return RemovalRefusal::network;
    return std::nullopt;
  }();
  return {.refused = refused, .earlier = of.earlier, .wait = removal_waits(rules, of.earlier)};
}

std::string proof_in_words(const RemovalRequest& request) {
  const std::string address = request.address.to_string();
  switch (request.proof) {
    case RemovalProof::https:
      return "requested over HTTPS by " + address + " itself";
    case RemovalProof::mail:
      return "requested by a message from " + address + " itself";
    case RemovalProof::token:
      return "requested with a token that was mailed to " + request.mailed_to + " for " + address;
  }
  return {};
}

}  // namespace blowback
