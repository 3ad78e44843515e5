// Where UDP and TCP end: in the same answer().
#include "responder.h"

#include <cassert>

namespace blowback::net {

Responder::Responder(const Sources& sources, answer::Transport transport)
    : zone_(*sources.zone), view_(*sources.view), clock_(sources.clock), transport_(transport) {}

std::optional<std::vector<std::uint8_t>> Responder::respond(std::span<const std::uint8_t> query) {
  const auto* const zone = zone_.get();
  assert(zone != nullptr);
  const auto* const view = view_.get();
  static const zone::View not_ready;
  auto answer = answer::answer(query, transport_, *zone, view == nullptr ? not_ready : *view, clock_());
  outcomes_[static_cast<std::size_t>(answer.outcome)].add();
  if (answer.truncated) truncated_.add();
  return std::move(answer.reply);
}

void Responder::refresh() {
  static_cast<void>(zone_.get());
  static_cast<void>(view_.get());
}

answer::Tally Responder::tally() const {
  answer::Tally tally;
  for (std::size_t i = 0; i < outcomes_.size(); ++i) tally.by_outcome[i] = outcomes_[i].get();
  tally.truncated = truncated_.get();
  return tally;
}

}  // namespace blowback::net
