// The three steps of an answer: read, decide, build. The commonest questions take them in one stride (quick_answer.h), and
// most others are built without ldns's objects (spliced_answer.h); answer_plainly does neither.
#include "answer/answer.h"

#include "decide.h"
#include "edns.h"
#include "plain_answer.h"
#include "query.h"
#include "quick_answer.h"
#include "spliced_answer.h"

#include <algorithm>

namespace blowback::answer {
namespace {

enum class Way : std::uint8_t { quickest, plain };

[[nodiscard]] Answer answer_by(Way way, const Asked& asked, const ServedZone& zone, const zone::View& view, UnixTime now,
                               std::span<std::uint8_t> reply) {
  if (way == Way::quickest && asked.transport == Transport::udp && view.index && !view.stale) {
    if (const auto question = quick_question(asked.message, zone)) {
      if (const auto answer = quick_answer(asked.message, *question, zone, *view.index, now, reply); answer.size != 0) return answer;
    }
  }
  const auto query = read_query(asked.message);
  if (query.form == Query::Form::silence) return {};
  const auto decision = decide(query, zone, view, now);
  const bool tcp = asked.transport == Transport::tcp;
  const auto opt = opt_record(query, zone, decision.rcode, decision.extended_error, tcp);
  const auto limit = reply_limit(query, tcp);
  Answer answer{.size = 0, .outcome = decision.outcome, .truncated = false};
  if (way == Way::quickest) answer.size = spliced_answer(query, decision, zone, opt.octets(), limit, reply);
  if (answer.size == 0) {
    const auto built = plain_answer(query, decision, zone, opt.octets(), limit);
    std::ranges::copy(built.octets, reply.begin());
    answer.size = built.octets.size();
    answer.truncated = built.truncated;
  }
  return answer;
}

}  // namespace

Answer answer(const Asked& asked, const ServedZone& zone, const zone::View& view, UnixTime now,
              std::span<std::uint8_t> reply) {
  return answer_by(Way::quickest, asked, zone, view, now, reply);
}

Answer answer_plainly(const Asked& asked, const ServedZone& zone, const zone::View& view, UnixTime now,
                      std::span<std::uint8_t> reply) {
  return answer_by(Way::plain, asked, zone, view, now, reply);
}

}  // namespace blowback::answer
