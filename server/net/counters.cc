#include "counters.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace blowback::net {
namespace {

template <typename Counters, typename Sums>
void add(const Counters& counters, Sums& sums) {
  for (std::size_t i = 0; i < counters.size(); ++i) sums[i] += counters[i].read();
}

}  // namespace

void AnswerCounters::count(const answer::Answer& answer, Family family) {
  by_outcome_[static_cast<std::size_t>(answer.outcome)].add();
  by_family_and_type_[static_cast<std::size_t>(family)][static_cast<std::size_t>(query_type(answer.type))].add();
  by_cookie_[static_cast<std::size_t>(answer.cookie)].add();
  if (answer.size != 0) by_rcode_[answer.rcode].add();
  if (answer.truncated) truncated_.add();
  if (!answer.codes.empty()) {
    for (const auto code : kAllCodes) {
      if (answer.codes.has(code)) hits_[static_cast<std::size_t>(code)].add();
    }
  }
  if (refuses_transfer(answer)) {
    transfers_refused_.add();
  }
  if (answer.limited == answer::Limited::slipped) slipped_.add();
  if (answer.limited == answer::Limited::dropped) limited_.add();
}

void AnswerCounters::add_to(Counts::Answered& sum) const {
  add(by_outcome_, sum.by_outcome);
  add(by_rcode_, sum.by_rcode);
  for (std::size_t i = 0; i < by_family_and_type_.size(); ++i) add(by_family_and_type_[i], sum.by_family_and_type[i]);
  add(hits_, sum.hits);
  add(by_cookie_, sum.by_cookie);
  sum.truncated += truncated_.read();
  sum.slipped += slipped_.read();
  sum.rate_limited += limited_.read();
  sum.transfers_refused += transfers_refused_.read();
}

void WorkerCounters::add_to(Counts& sum) const {
  udp.add_to(sum.udp);
  tcp.add_to(sum.tcp);
  sum.tcp_connections += tcp_connections.read();
  sum.tcp_closed_idle += tcp_closed_idle.read();
  sum.send_failed += send_failed.read();
  add(latency, sum.latency);
  sum.latency_nanoseconds += latency_nanoseconds.read();
}

std::array<std::uint64_t, kQueryTypes> Counts::Answered::by_type() const {
  auto sums = by_family_and_type[0];
  std::ranges::transform(sums, by_family_and_type[1], sums.begin(), std::plus());
  return sums;
}

std::array<std::uint64_t, 2> Counts::Answered::by_family() const {
  const auto sum = [](const auto& types) { return std::accumulate(types.begin(), types.end(), std::uint64_t{0}); };
  return {sum(by_family_and_type[0]), sum(by_family_and_type[1])};
}

std::uint64_t Counts::Answered::queries() const {
  return std::accumulate(by_outcome.begin(), by_outcome.end(), std::uint64_t{0});
}

QueryType query_type(std::uint16_t type) {
  switch (type) {  // IANA's registry of RR types
    case 1:
      return QueryType::a;
    case 2:
      return QueryType::ns;
    case 6:
      return QueryType::soa;
    case 15:
      return QueryType::mx;
    case 16:
      return QueryType::txt;
    case 28:
      return QueryType::aaaa;
    case 251:
      return QueryType::ixfr;
    case 252:
      return QueryType::axfr;
    case 255:
      return QueryType::any;
    default:
      return QueryType::other;
  }
}

std::string_view name_of(QueryType type) {
  constexpr std::array<std::string_view, kQueryTypes> kNames{"A",  "AAAA", "TXT",  "NS",   "SOA",
                                                             "MX", "ANY",  "AXFR", "IXFR", "other"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view rcode_name(std::size_t rcode) {
  constexpr std::array<std::string_view, kRcodes> kNames{
      "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
      "NXRRSET", "NOTAUTH", "NOTZONE",  "RCODE11",  "RCODE12", "RCODE13", "RCODE14",  "RCODE15"};
  return kNames.at(rcode);
}

std::string_view name_of(answer::CookieState state) {
  constexpr std::array<std::string_view, kCookieStates> kNames{"none", "malformed", "client_only", "bad", "good"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace blowback::net
