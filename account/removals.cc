#include "account/removals.h"

#include "blowback/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <optional>
#include <span>
#include <utility>

namespace blowback::account {
namespace {

constexpr std::size_t kMostRequests = 20;
constexpr std::size_t kMostInText = 5;

[[nodiscard]] std::string what_became_of(const RemovalRequest& request, UnixTime now) {
  const std::string asked = fmt::format("  {}, {}:\n    ", minute(request.requested_at), proof_in_words(request));
  switch (request.state) {
    case RemovalState::pending:
      return asked + fmt::format("due {}{}.", when(request.due_at, now),
                                 request.due_at > request.requested_at ? ", if no backscatter comes until then" : "");
    case RemovalState::done:
      return asked + fmt::format("removed {}{}.", when(request.decided_at.value_or(now), now),
                                 request.undone ? ", which the operator has undone" : "");
    case RemovalState::refused:
      return asked + fmt::format("refused {}: {}.", when(request.decided_at.value_or(now), now),
                                 request.refused ? clause_of(*request.refused) : "");
  }
  return asked;
}

[[nodiscard]] std::string what_it_would_mean(const RemovalOutlook& outlook, const Policy& policy) {
  if (outlook.refused) return fmt::format("  A request would be refused now: {}.\n", clause_of(*outlook.refused));
  std::string text =
      outlook.wait == Duration{0}
          ? "  The sender can have itself removed at once.\n"
          : fmt::format(
                "  The sender can have itself removed, but waits {} after it asks, without sending "
                "backscatter,\n  since it was removed {} before.\n",
                in_words(outlook.wait), outlook.earlier == 1 ? "once" : fmt::format("{} times", outlook.earlier));
  text += fmt::format("  If it is listed again after that, the listing lasts {:g} times as long, up to {}.\n",
                      policy.repeat_factor, in_words(policy.max_listing));
  return text;
}

}  // namespace

bool Removals::concerns_a_listing() const {
  using enum RemovalRefusal;
  return !outlook.refused || *outlook.refused == network || *outlook.refused == by_operator ||
         *outlook.refused == disabled;
}

bool Removals::is_worth_saying() const {
  return !requests.empty() || (concerns_a_listing() && outlook.refused != RemovalRefusal::disabled);
}

schema::Result<Removals> removals_of(schema::Store& store, const IpAddress& address, const RemovalRules& rules,
                                     UnixTime now) {
  const auto outlook = store.removal_outlook(address, rules, now);
  if (!outlook) return std::unexpected(outlook.error());
  auto requests = store.removals({.of = address, .state = std::nullopt, .most = kMostRequests});
  if (!requests) return std::unexpected(std::move(requests).error());
  return Removals{.outlook = *outlook, .requests = *std::move(requests)};
}

std::string text_of(const Removals& removals, const Policy& policy, UnixTime now, bool bold) {
  if (!removals.is_worth_saying()) return {};
  std::string text = "\n" + heading("Removal on request", bold) + "\n";
  const std::span requests(removals.requests);
  for (const auto& request : requests.first(std::min(kMostInText, requests.size()))) {
    text += what_became_of(request, now) + "\n";
  }
  if (removals.concerns_a_listing()) text += what_it_would_mean(removals.outlook, policy);
  return text;
}

}  // namespace blowback::account
