// The order of the checks matters: first whether the client may ask; then the zone, before the question, so that nothing is revealed about
// other zones; then whether there is an index, before the name, so that a server that isn't ready never answers "not listed".
#include "decide.h"

#include "answer/owner_name.h"
#include "blowback/test_points.h"
#include "blowback/wildcard.h"
#include "letter_case.h"
#include "wildcard.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <variant>

namespace blowback::answer {
namespace {

/// Labels left of the apex; absent if the QNAME isn't in the zone.
[[nodiscard]] std::optional<Wire> below_apex(const Question& question, const ServedZone& zone) {
  if (question.labels < zone.apex_labels) return std::nullopt;
  const auto own = question.labels - zone.apex_labels;
  const std::size_t begin = own == question.labels ? question.qname.size() - 1 : question.label_at[own];
  const auto tail = question.qname.subspan(begin);
  if (tail.size() != zone.apex.size()) return std::nullopt;
  // Most queries have the zone's own case: the cheap comparison first.
  if (std::memcmp(tail.data(), zone.apex.data(), tail.size()) != 0 &&
      !std::equal(tail.begin(), tail.end(), zone.apex.begin(), equal_ignoring_case)) {
    return std::nullopt;
  }
  return question.qname.first(begin);
}

[[nodiscard]] Decision refusal(ExtendedError why) {
  return {.rcode = Rcode::refused, .extended_error = why, .outcome = Outcome::refused};
}

/// An authoritative answer without a record.
[[nodiscard]] Decision negative(Rcode rcode, Outcome outcome) {
  return {.rcode = rcode, .authoritative = true, .negative = true, .outcome = outcome};
}

[[nodiscard]] Decision at_apex(std::uint16_t type) {
  // No A record, on purpose: a client that forgets to add the reversed address would take it for a listing.
  Decision decision = negative(Rcode::noerror, Outcome::apex);
  if (type == kSoa || type == kAny) decision.answer = Decision::RrSet::soa;
  if (type == kNs) decision.answer = Decision::RrSet::ns;
  decision.negative = decision.answer == Decision::RrSet::none;
  return decision;
}

[[nodiscard]] Decision at_listed(std::uint16_t type, const Prefix& subject, CodeSet codes, Outcome outcome) {
  Decision decision = negative(Rcode::noerror, Outcome::nodata);
  // ANY gets one RRset, not all (RFC 8482 §4.1): the most useful one.
  if (type == kA || type == kAny) decision.answer = Decision::RrSet::a;
  if (type == kTxt) decision.answer = Decision::RrSet::txt;
  if (decision.answer == Decision::RrSet::none) return decision;
  decision.negative = false;
  decision.outcome = outcome;
  decision.codes = codes;
  decision.subject = subject;
  return decision;
}

[[nodiscard]] Decision at_wildcard(std::uint16_t type, const Wildcard& wildcard) {
  return at_listed(type, wildcard.network, wildcard.codes, Outcome::listed);
}

/// What the zone has at a network of one label less than `network`, as a wildcard for it.
[[nodiscard]] std::optional<Wildcard> wildcard_above(const Prefix& network, CodeSet codes, const zone::View& view) {
  const int length = network.length() - bits_of_label(network.family());
  if (view.stale || length <= 0) return std::nullopt;
  return wildcard_around(Prefix::covering(network.first(), length), *view.index, view.as_of, codes);
}

/// `codes`: those of the zone.
[[nodiscard]] Decision at_address_name(std::uint16_t type, const AddressName& name, CodeSet codes,
                                       const zone::View& view) {
  if (name.address) {
    const auto& address = *name.address;
    if (const auto code = test_point(address, codes))
      return at_listed(type, Prefix::of(address), *code, Outcome::test_point);
    if (!view.stale && !is_never_listed(address)) {
      const auto cover = view.index->cover_of(address, view.as_of, codes);
      if (!cover.codes.empty()) {
        const auto subject = type == kTxt ? subject_of(address, cover, *view.index, view.as_of, codes) : Prefix();
        return at_listed(type, subject, cover.codes, Outcome::listed);
      }
    }
  }
  bool exists = false;
  for (const auto* const network : {&name.octets, &name.nibbles}) {
    if (!*network) continue;
    // RFC 8020: a name exists if there is any name below it.
    exists = exists || holds_test_point(**network, codes);
    if (network == &name.nibbles && (*network)->family() == Family::ipv4) {
      if (!(*network)->is_single_address()) continue;
      if (const auto code = test_point((*network)->first(), codes))
        return at_listed(type, **network, *code, Outcome::test_point);
      continue;
    }
    if (const auto wildcard = wildcard_above(**network, codes, view)) return at_wildcard(type, *wildcard);
    exists = exists || (!view.stale && view.index->anything_within(**network, view.as_of, codes));
  }
  return exists ? negative(Rcode::noerror, Outcome::nodata) : negative(Rcode::nxdomain, Outcome::nxdomain);
}

[[nodiscard]] Decision at_host(std::uint16_t type, const ZoneHost& host) {
  const auto has = [&](Family family) {
    return std::ranges::any_of(host.addresses, [&](const IpAddress& one) { return one.family() == family; });
  };
  Decision decision = negative(Rcode::noerror, Outcome::apex);
  if ((type == kA || type == kAny) && has(Family::ipv4)) {
    decision.answer = Decision::RrSet::host_a;
  } else if ((type == kAaaa || type == kAny) && has(Family::ipv6)) {
    decision.answer = Decision::RrSet::host_aaaa;
  }
  decision.host = &host;
  decision.negative = decision.answer == Decision::RrSet::none;
  return decision;
}

/// Whether `labels` are the name itself, or above it.
[[nodiscard]] bool is_at_or_above(Wire labels, Wire name) {
  // Label by label: the text of a label may contain octets that look like another label.
  for (; !name.empty(); name = name.subspan(std::size_t{1} + name[0])) {
    if (std::ranges::equal(name, labels, equal_ignoring_case)) return true;
  }
  return false;
}

/// The wildcard that answers for a name that is no address, but begins like one.
[[nodiscard]] std::optional<Wildcard> wildcard_for(const std::optional<OtherName::Beginning>& beginning, CodeSet codes,
                                                   const zone::View& view) {
  if (!beginning || view.stale) return std::nullopt;
  auto wildcard = wildcard_around(beginning->network, *view.index, view.as_of, codes);
  // The wildcard's own name exists, so names below it aren't synthesized (RFC 4592 §2.2.1, §3.3.1). A wider network's wildcard has another name.
  if (wildcard && beginning->below_asterisk && wildcard->network == beginning->network) return std::nullopt;
  return wildcard;
}

/// For a name that stands for no address: a host's, a name above one (RFC 8020), a name below a wildcard's parent, or none. No host's is below a part
/// of an address (config/names.h).
[[nodiscard]] Decision at_other_name(std::uint16_t type, Wire labels, const OtherName& name, const ServedZone& zone,
                                     const zone::View& view) {
  bool is_above = false;
  for (const auto& host : zone.hosts) {
    if (!is_at_or_above(labels, host.below_apex)) continue;
    if (host.below_apex.size() == labels.size()) return at_host(type, host);
    is_above = true;
  }
  if (is_above) return negative(Rcode::noerror, Outcome::nodata);
  for (const auto& beginning : {name.octets, name.nibbles}) {
    if (const auto wildcard = wildcard_for(beginning, zone.codes, view)) return at_wildcard(type, *wildcard);
  }
  return negative(Rcode::nxdomain, Outcome::misuse);
}

[[nodiscard]] Decision in_zone(std::uint16_t type, Wire labels, const ServedZone& zone, const zone::View& view) {
  const auto name = owner_name(labels);
  if (std::holds_alternative<Apex>(name)) return at_apex(type);
  if (const auto* address_name = std::get_if<AddressName>(&name))
    return at_address_name(type, *address_name, zone.codes, view);
  return at_other_name(type, labels, std::get<OtherName>(name), zone, view);
}

/// Whether a secondary with the serial `theirs` lacks something of `ours` (RFC 1982 §3.2). Where that is undefined, it does.
[[nodiscard]] bool is_behind(std::uint32_t theirs, std::uint32_t ours) {
  const std::uint32_t ahead = ours - theirs;
  return ahead != 0 && ahead <= 0x80000000U;
}

[[nodiscard]] Decision transfer(const Query& query, const Asker& asker, bool below_apex, std::uint32_t serial) {
  if (below_apex) return {.rcode = Rcode::notauth, .outcome = Outcome::notauth};
  const bool is_axfr = query.question->type == kAxfr;
  // RFC 5936 §4.2 leaves AXFR over UDP undefined.
  if (is_axfr ? !asker.tcp : !query.client_serial) return {.rcode = Rcode::formerr, .outcome = Outcome::formerr};
  if (is_axfr || (asker.tcp && is_behind(*query.client_serial, serial)))
    return {.authoritative = true, .outcome = Outcome::transfer};
  // RFC 1995 §2: the SOA alone states that there is nothing newer or, over UDP, that the client should ask over TCP.
  return {.authoritative = true, .answer = Decision::RrSet::soa, .serial = serial, .outcome = Outcome::apex};
}

}  // namespace

const ServedZone& zone_of(const Query& query, const ServedZones& zones) {
  const auto& all = zones.all;
  if (all.size() == 1 || !query.question) return zones.main();
  const auto zone =
      std::ranges::find_if(all, [&](const ServedZone& each) { return below_apex(*query.question, each).has_value(); });
  return zone == all.end() ? zones.main() : *zone;
}

Decision decide(const Query& query, const Asker& asker, const ServedZone& zone, const zone::View& view) {
  switch (query.form) {
    case Query::Form::silence:
      break;
    case Query::Form::notimp:
      return {.rcode = Rcode::notimp, .outcome = Outcome::notimp};
    case Query::Form::formerr:
      return {.rcode = Rcode::formerr, .outcome = Outcome::formerr};
    case Query::Form::badvers:
      return {.rcode = Rcode::badvers, .outcome = Outcome::badvers};
    case Query::Form::good: {
      if (!asker.may_ask) return refusal(ExtendedError::prohibited);
      const auto& question = *query.question;
      // CHAOS, too: the server's identity is available by NSID only.
      if (question.klass != kClassIn) return refusal(ExtendedError::not_authoritative);
      const auto labels = below_apex(question, zone);
      if (!labels) return refusal(ExtendedError::not_authoritative);
      const bool is_transfer = question.type == kAxfr || question.type == kIxfr;
      if (is_transfer && !asker.may_transfer) return refusal(ExtendedError::prohibited);
      // A secondary keeps its zone for a while; the list of a server that lost its database is empty.
      if (!view.index || (is_transfer && view.stale)) {
        return {.rcode = Rcode::servfail, .extended_error = ExtendedError::not_ready, .outcome = Outcome::servfail};
      }
      if (is_transfer) return transfer(query, asker, !labels->empty(), view.soa_serial());
      auto decision = in_zone(question.type, *labels, zone, view);
      decision.serial = view.soa_serial();
      if (view.stale) decision.extended_error = ExtendedError::stale_answer;
      return decision;
    }
  }
  assert(false);
  return {};
}

}  // namespace blowback::answer
