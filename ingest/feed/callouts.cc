#include "callouts.h"

#include <chrono>
#include <utility>

namespace blowback::feed {

bool is_probing(std::string_view reverse_path) {
  constexpr std::string_view kDoubleBounce = "double-bounce@";
  return reverse_path.empty() || reverse_path.starts_with(kDoubleBounce);
}

bool CalloutGate::admits(TrapDelivery& callout) {
  const UnixTime hour = std::chrono::floor<std::chrono::hours>(callout.received_at);
  if (hour != hour_) {
    hour_ = hour;
    witnesses_.clear();
    admitted_ = 0;
  }
  if (admitted_ >= kMost) return false;
  auto& named = witnesses_[sender_of(*callout.client)];
  if (named.size() >= kMostOfSender) return false;
  for (auto& recipient : callout.rcpt_to) {
    auto witness = witness_of_(recipient);
    if (witness.empty() || !named.insert(std::move(witness)).second) continue;
    ++admitted_;
    callout.rcpt_to = {std::exchange(recipient, {})};
    return true;
  }
  return false;
}

}  // namespace blowback::feed
