// The three steps of an answer: read, decide, build.
#include "answer/answer.h"

#include "decide.h"
#include "plain_answer.h"
#include "query.h"

#include <utility>

namespace blowback::answer {

Answer answer(std::span<const std::uint8_t> octets, Transport transport, const ServedZone& zone, const zone::View& view,
              UnixTime now) {
  const auto query = read_query(octets);
  if (query.form == Query::Form::silence) return {};
  const auto decision = decide(query, zone, view, now);
  auto built = plain_answer(query, decision, zone, transport == Transport::tcp);
  return {.reply = std::move(built.octets), .outcome = decision.outcome, .truncated = built.truncated};
}

}  // namespace blowback::answer
