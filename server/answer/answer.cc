// The steps of an answer: read, decide, build, and count it against its client's rate. The commonest questions take the first
// three in one stride (quick_answer.h), and most others are built without ldns's objects (spliced_answer.h); answer_plainly does
// neither.
#include "answer/answer.h"

#include "decide.h"
#include "edns.h"
#include "plain_answer.h"
#include "query.h"
#include "quick_answer.h"
#include "spliced_answer.h"
#include "wire_format.h"

#include <algorithm>
#include <array>
#include <optional>

namespace blowback::answer {
namespace {

enum class Way : std::uint8_t { quickest, plain };

[[nodiscard]] AnswerClass class_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::listed:
    case Outcome::test_point:
    case Outcome::apex:
      return AnswerClass::positive;
    case Outcome::nodata:
      return AnswerClass::nodata;
    case Outcome::nxdomain:
    case Outcome::misuse:
      return AnswerClass::nxdomain;
    case Outcome::refused:
    case Outcome::formerr:
    case Outcome::notimp:
    case Outcome::badvers:
    case Outcome::servfail:
    case Outcome::dropped:
      break;
  }
  return AnswerClass::error;
}

/// Header, question and OPT are left of a reply that slips past the limit, with TC set: a true client asks again by TCP.
void slip(Answer& answer, std::size_t opt_size, std::span<std::uint8_t> reply) {
  std::size_t at = kHeader;
  if (reply[5] != 0) {  // QDCOUNT
    while (reply[at] != 0) at += 1 + std::size_t{reply[at]};
    at += 1 + kTypeAndClass;
  }
  reply[2] |= 0x02U;  // TC
  constexpr std::size_t kAnswerAndAuthorityCounts = 6;
  std::ranges::fill(reply.subspan(kAnswerAndAuthorityCounts, 4), std::uint8_t{0});
  const auto opt = reply.subspan(answer.size - opt_size, opt_size);
  std::ranges::copy(opt, reply.begin() + static_cast<std::ptrdiff_t>(at));
  answer.size = at + opt_size;
  answer.truncated = true;
}

/// RFC 7873 §5.2.3 and after: a client that has one gets it back, any other gets one.
[[nodiscard]] std::array<std::uint8_t, kCookieOctets> cookie_for(const Asked& asked, Wire shown,
                                                                 const CookieCheck& check, const Moment& moment,
                                                                 const CookieSecrets& secrets) {
  if (check.renew) return make_cookie(check.client_cookie, asked.client, moment.now, secrets);
  std::array<std::uint8_t, kCookieOctets> same{};
  std::copy_n(shown.begin(), std::min(shown.size(), same.size()), same.begin());
  return same;
}

/// What the quick way makes of a query; absent: nothing.
[[nodiscard]] std::optional<QuickQuestion> quick_question_of(const Asked& asked, const ServedZone& zone,
                                                             const zone::View& view) {
  if (asked.transport == Transport::tcp || !view.index || view.stale || !zone.access.allows(asked.client))
    return std::nullopt;
  return quick_question(asked.message, zone);
}

/// Everything but the rate limit; `opt_size`: the OPT at the reply's end.
[[nodiscard]] Answer unlimited(Way way, const Asked& asked, const std::optional<QuickQuestion>& quick,
                               const ServedZone& zone, const zone::View& view, const Moment& moment,
                               std::span<std::uint8_t> reply, std::size_t& opt_size) {
  if (quick) {
    const auto answer = quick_answer(asked.message, *quick, zone, *view.index, moment.now, reply, opt_size);
    if (answer.size != 0) return answer;
  }
  const bool tcp = asked.transport == Transport::tcp;
  const bool allowed = zone.access.allows(asked.client);
  auto query = read_query(asked.message);
  if (query.form == Query::Form::silence) return {};
  CookieCheck check;
  std::array<std::uint8_t, kCookieOctets> cookie{};
  bool give_cookie = false;
  if (zone.cookies && query.edns && query.edns->cookie && query.form != Query::Form::formerr) {
    check = check_cookie(*query.edns->cookie, asked.client, moment.now, *zone.cookies);
    give_cookie = check.state != CookieState::malformed;
    if (!give_cookie && query.form == Query::Form::good) query.form = Query::Form::formerr;
    if (give_cookie) cookie = cookie_for(asked, *query.edns->cookie, check, moment, *zone.cookies);
  }
  const auto decision = decide(query, allowed, zone, view, moment.now);
  const auto opt = opt_record(query, zone, decision, give_cookie ? Wire(cookie) : Wire(), tcp);
  opt_size = opt.octets().size();
  const auto limit = reply_limit(query, tcp);
  Answer answer{.outcome = decision.outcome,
                .rcode = static_cast<std::uint8_t>(static_cast<unsigned>(decision.rcode) & 0xfU),
                .type = query.question ? query.question->type : std::uint16_t{0},
                .codes = decision.outcome == Outcome::listed ? decision.codes : CodeSet(),
                .cookie = check.state};
  if (way == Way::quickest) answer.size = spliced_answer(query, decision, zone, opt.octets(), limit, reply);
  if (answer.size == 0) {
    const auto built = plain_answer(query, decision, zone, opt.octets(), limit);
    std::ranges::copy(built.octets, reply.begin());
    answer.size = built.octets.size();
    answer.truncated = built.truncated;
  }
  return answer;
}

[[nodiscard]] Answer answer_by(Way way, const Asked& asked, const std::optional<QuickQuestion>& quick,
                               const ServedZone& zone, const zone::View& view, const Moment& moment,
                               RateLimiter* limiter, std::span<std::uint8_t> reply) {
  std::size_t opt_size = 0;
  auto answer = unlimited(way, asked, quick, zone, view, moment, reply, opt_size);
  // By TCP, and with a good cookie, the client's address is no forgery.
  if (limiter == nullptr || answer.size == 0 || asked.transport == Transport::tcp ||
      answer.cookie == CookieState::good) {
    return answer;
  }
  // All names count as one, or whoever asks for many would get that many times the limit.
  switch (limiter->account(asked.client, class_of(answer.outcome), 0, moment.steady)) {
    case Verdict::answer:
      break;
    case Verdict::slip:
      answer.limited = Limited::slipped;
      slip(answer, opt_size, reply);
      break;
    case Verdict::drop:
      answer.limited = Limited::dropped;
      answer.size = 0;
      break;
  }
  return answer;
}

}  // namespace

Answer answer(const Asked& asked, const ServedZone& zone, const zone::View& view, const Moment& moment,
              RateLimiter* limiter, std::span<std::uint8_t> reply) {
  return answer_by(Way::quickest, asked, quick_question_of(asked, zone, view), zone, view, moment, limiter, reply);
}

void answer_all(std::span<const Asked> asked, const ServedZone& zone, const zone::View& view, const Moment& moment,
                RateLimiter* limiter, std::span<const std::span<std::uint8_t>> replies, std::span<Answer> answers) {
  constexpr std::size_t kAtOnce = 64;
  std::array<std::optional<QuickQuestion>, kAtOnce> quick;
  std::array<std::uint32_t, kAtOnce> addresses;
  for (std::size_t begin = 0; begin < asked.size(); begin += kAtOnce) {
    const auto count = std::min(kAtOnce, asked.size() - begin);
    std::size_t known = 0;
    for (std::size_t i = 0; i < count; ++i) {
      quick[i] = quick_question_of(asked[begin + i], zone, view);
      if (quick[i]) addresses[known++] = quick[i]->address;
    }
    if (known > 1) view.index->prefetch(std::span(addresses).first(known));
    for (std::size_t i = begin; i < begin + count; ++i) {
      answers[i] = answer_by(Way::quickest, asked[i], quick[i - begin], zone, view, moment, limiter, replies[i]);
    }
  }
}

Answer answer_plainly(const Asked& asked, const ServedZone& zone, const zone::View& view, const Moment& moment,
                      RateLimiter* limiter, std::span<std::uint8_t> reply) {
  return answer_by(Way::plain, asked, std::nullopt, zone, view, moment, limiter, reply);
}

}  // namespace blowback::answer
