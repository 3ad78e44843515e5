// The steps of an answer: read, decide, build, and count it against the client's rate. quick_answer.h does the first three at once for
// the most frequent questions; spliced_answer.h builds all others without ldns's objects; answer_plainly uses neither.
#include "answer/answer.h"

#include "answer/transfer_request.h"
#include "answer/wire_format.h"
#include "decide.h"
#include "edns.h"
#include "plain_answer.h"
#include "query.h"
#include "quick_answer.h"
#include "spliced_answer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

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
    case Outcome::transfer:
    case Outcome::notauth:
    case Outcome::dropped:
      break;
  }
  return AnswerClass::error;
}

/// Reduces a reply that slips past the limit to header, question and OPT, with TC set: a real client asks again over TCP.
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

/// The state of a query's cookie, and the data of the reply's.
struct Cookies {
  CookieState state = CookieState::none;
  std::array<std::uint8_t, kCookieOctets> given;  // filled as far as `size` says
  std::size_t size = 0;

  [[nodiscard]] Wire to_give() const { return std::span(given).first(size); }
};

[[nodiscard]] Cookies cookies_of(const Asked& asked, const std::optional<Edns>& edns, const ServedZone& zone,
                                 UnixTime now) {
  Cookies cookies;
  if (!zone.cookies || !edns || !edns->cookie) return cookies;
  const auto check = check_cookie(*edns->cookie, asked.client, now, *zone.cookies);
  cookies.state = check.state;
  if (check.state == CookieState::malformed) return cookies;
  cookies.size = kCookieOctets;
  // RFC 7873 §5.2.3 and the following: a client with a valid cookie gets it back, any other gets a new one.
  if (check.renew) {
    cookies.given = make_cookie(check.client_cookie, asked.client, now, *zone.cookies);
  } else {
    std::copy_n(edns->cookie->data(), kCookieOctets, cookies.given.data());
  }
  return cookies;
}

/// `key`: that the query is signed with; nullptr: none.
[[nodiscard]] Asker asker_of(const Asked& asked, const ServedZone& zone, const TsigKey* key) {
  const bool may_transfer = key != nullptr || zone.transfer.contains(asked.client);
  return {.may_ask = may_transfer || zone.access.allows(asked.client),
          .may_transfer = may_transfer,
          .tcp = asked.transport == Transport::tcp};
}

/// The query as the quick path reads it; absent: it is for the general path.
[[nodiscard]] std::optional<QuickQuestion> quick_question_of(const Asked& asked, const ServedZones& zones,
                                                             const zone::View& view) {
  if (asked.transport == Transport::tcp || !view.index || view.stale || !zones.main().access.allows(asked.client))
    return std::nullopt;
  return quick_question(asked.message, zones);
}

struct Signature {
  TsigCheck check;
  std::optional<TsigSigner> signer;  ///< absent: the query has no signature, or is malformed

  [[nodiscard]] const TsigKey* key() const { return check.state == TsigState::good ? check.key : nullptr; }
};

/// Checks the query's signature. If that shows that the query is malformed, its form becomes so.
[[nodiscard]] Signature signature_of(Wire message, Query& query, const ServedZone& zone, UnixTime now) {
  Signature signature;
  if (!query.tsig_at || (query.form != Query::Form::good && query.form != Query::Form::badvers)) return signature;
  const auto tsig = read_tsig(message, *query.tsig_at);
  const auto check = tsig ? check_tsig(message, *query.tsig_at, *tsig, zone.keys, now) : std::nullopt;
  if (!check) {
    query.form = Query::Form::formerr;
    return signature;
  }
  signature.check = *check;
  signature.signer.emplace(*tsig, *check);
  return signature;
}

/// Everything but the rate limit; `opt_size`: the OPT and TSIG at the reply's end.
[[nodiscard]] Answer unlimited(Way way, const Asked& asked, const std::optional<QuickQuestion>& quick,
                               const ServedZones& zones, const zone::View& view, const Moment& moment,
                               std::span<std::uint8_t> reply, std::size_t& opt_size) {
  const bool tcp = asked.transport == Transport::tcp;
  if (quick && !quick->edns) return quick_answer(asked.message, *quick, view, {}, reply);
  if (quick) {  // except for a malformed cookie, which is an error
    const auto cookies = cookies_of(asked, quick->edns, *quick->zone, moment.now);
    if (cookies.state != CookieState::malformed) {
      const auto opt = opt_record(quick->edns, *quick->zone, cookies.to_give(), tcp, Rcode::noerror, std::nullopt);
      opt_size = opt.octets().size();
      auto answer = quick_answer(asked.message, *quick, view, opt.octets(), reply);
      answer.cookie = cookies.state;
      return answer;
    }
  }
  auto query = read_query(asked.message);
  if (query.form == Query::Form::silence) return {};
  const auto& zone = zone_of(query, zones);
  auto signature = signature_of(asked.message, query, zone, moment.now);
  Cookies cookies;
  if (query.form != Query::Form::formerr) cookies = cookies_of(asked, query.edns, zone, moment.now);
  if (cookies.state == CookieState::malformed && query.form == Query::Form::good) query.form = Query::Form::formerr;
  const auto state = signature.check.state;
  const auto decision = state == TsigState::none || state == TsigState::good
                            ? decide(query, asker_of(asked, zone, signature.key()), zone, view)
                            : Decision{.rcode = Rcode::notauth, .outcome = Outcome::notauth};
  if (decision.outcome == Outcome::transfer)
    return {.outcome = decision.outcome, .type = query.question->type, .cookie = cookies.state, .tsig = state};
  const auto opt = opt_record(query.edns, zone, cookies.to_give(), tcp, decision.rcode, decision.extended_error);
  opt_size = opt.octets().size();
  const auto tsig_size = signature.signer ? signature.signer->size() : 0;
  const auto limit = reply_limit(query.edns, tcp) - std::min(tsig_size, reply_limit(query.edns, tcp));
  Answer answer{.outcome = decision.outcome,
                .rcode = static_cast<std::uint8_t>(static_cast<unsigned>(decision.rcode) & 0xfU),
                .type = query.question ? query.question->type : std::uint16_t{0},
                .codes = decision.outcome == Outcome::listed ? decision.codes : CodeSet(),
                .cookie = cookies.state,
                .tsig = state};
  if (way == Way::plain) {
    const auto built = plain_answer(query, decision, zone, opt.octets(), limit);
    std::ranges::copy(built.octets, reply.begin());
    answer.size = built.octets.size();
    answer.truncated = built.truncated;
  } else {
    const auto spliced = spliced_answer(query, decision, zone, opt.octets(), limit, reply);
    answer.size = spliced.size;
    answer.truncated = spliced.truncated;
  }
  if (signature.signer) {
    answer.size = signature.signer->sign(reply, answer.size, moment.now);
    opt_size += tsig_size;
  }
  return answer;
}

[[nodiscard]] Answer answer_by(Way way, const Asked& asked, const std::optional<QuickQuestion>& quick,
                               const ServedZones& zones, const zone::View& view, const Moment& moment,
                               RateLimiter* limiter, std::span<std::uint8_t> reply) {
  std::size_t opt_size = 0;
  auto answer = unlimited(way, asked, quick, zones, view, moment, reply, opt_size);
  // Over TCP, and with a valid cookie, the client's address can't be forged. Whoever has a key is known.
  const bool is_known =
      answer.cookie == CookieState::good ||
      (answer.tsig != TsigState::none && answer.tsig != TsigState::badkey && answer.tsig != TsigState::badsig);
  if (limiter == nullptr || answer.size == 0 || asked.transport == Transport::tcp || is_known) return answer;
  switch (limiter->account(asked.client, class_of(answer.outcome), moment.steady)) {
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

std::optional<TransferRequest> read_transfer_request(const Asked& asked, const ServedZones& zones, UnixTime now) {
  auto query = read_query(asked.message);
  const auto& zone = zone_of(query, zones);
  auto signature = signature_of(asked.message, query, zone, now);
  if (query.form != Query::Form::good) return std::nullopt;
  const auto& qname = query.question->qname;
  const auto opt = opt_record(query.edns, zone, {}, true, Rcode::noerror, std::nullopt);
  return TransferRequest{.zone = &zone,
                         .id = query.id,
                         .recursion_desired = query.recursion_desired,
                         .checking_disabled = query.checking_disabled,
                         .question = {qname.data(), qname.data() + qname.size() + kTypeAndClass},
                         .opt = {opt.octets().begin(), opt.octets().end()},
                         .since = query.question->type == kIxfr ? query.client_serial : std::nullopt,
                         .signer = std::move(signature.signer)};
}

Answer answer(const Asked& asked, const ServedZones& zones, const zone::View& view, const Moment& moment,
              RateLimiter* limiter, std::span<std::uint8_t> reply) {
  return answer_by(Way::quickest, asked, quick_question_of(asked, zones, view), zones, view, moment, limiter, reply);
}

bool refuses_transfer(const Answer& answer) {
  return answer.outcome == Outcome::refused && (answer.type == kAxfr || answer.type == kIxfr);
}

void answer_all(std::span<const Asked> asked, const ServedZones& zones, const zone::View& view, const Moment& moment,
                RateLimiter* limiter, std::span<const std::span<std::uint8_t>> replies, std::span<Answer> answers) {
  constexpr std::size_t kAtOnce = 64;
  std::array<std::optional<QuickQuestion>, kAtOnce> quick;
  std::array<std::uint32_t, kAtOnce> addresses;
  for (std::size_t begin = 0; begin < asked.size(); begin += kAtOnce) {
    const auto count = std::min(kAtOnce, asked.size() - begin);
    std::size_t known = 0;
    for (std::size_t i = 0; i < count; ++i) {
      quick[i] = quick_question_of(asked[begin + i], zones, view);
      if (quick[i]) addresses[known++] = quick[i]->address;
    }
    if (known > 1) view.index->prefetch(std::span(addresses).first(known));
    for (std::size_t i = begin; i < begin + count; ++i) {
      answers[i] = answer_by(Way::quickest, asked[i], quick[i - begin], zones, view, moment, limiter, replies[i]);
    }
  }
}

Answer answer_plainly(const Asked& asked, const ServedZones& zones, const zone::View& view, const Moment& moment,
                      RateLimiter* limiter, std::span<std::uint8_t> reply) {
  return answer_by(Way::plain, asked, std::nullopt, zones, view, moment, limiter, reply);
}

}  // namespace blowback::answer
