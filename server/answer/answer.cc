// The three steps of an answer: read, decide, build.
#include "answer/answer.h"

#include "decide.h"
#include "plain_answer.h"
#include "query.h"

#include <utility>

namespace blowback::answer {

Answer answer(std::span<const std::uint8_t> query, Transport transport, const ServedZone& zone, const zone::View& view,
              UnixTime now) {
  const auto asked = read_query(query);
  if (asked.form == Query::Form::silence) return {};
  const auto decision = decide(asked, zone, view, now);
  auto built = plain_answer(asked, decision, zone, transport == Transport::tcp);
  return {.reply = std::move(built.octets), .outcome = decision.outcome, .truncated = built.truncated};
}

}  // namespace blowback::answer
