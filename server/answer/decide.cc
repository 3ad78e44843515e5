// The order of the checks matters: first whether the client may ask; then the zone, before the question, so that nothing is revealed about
// other zones; then whether there is an index, before the name, so that a server that isn't ready never answers "not listed".
#include "decide.h"

#include "answer/owner_name.h"
#include "letter_case.h"
#include "test_points.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <variant>

namespace blowback::answer {
namespace {

/// The SOA serial is the low half of the journal's. Zero is a valid serial (RFC 1982 §3): an empty list has it, and for a secondary
/// with 0xffffffff it is newer. After the restoration of a backup it is lower than before: secondaries wait until the journal has caught
/// up, unless the operator makes them transfer the zone again.
[[nodiscard]] std::uint32_t soa_serial(const zone::ListingIndex& index) {
  return static_cast<std::uint32_t>(index.serial() & 0xffffffffU);
}

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

[[nodiscard]] Decision at_listed(std::uint16_t type, const IpAddress& address, CodeSet codes, Outcome outcome) {
  Decision decision = negative(Rcode::noerror, Outcome::nodata);
  // ANY gets one RRset, not all (RFC 8482 §4.1): the most useful one.
  if (type == kA || type == kAny) decision.answer = Decision::RrSet::a;
  if (type == kTxt) decision.answer = Decision::RrSet::txt;
  if (decision.answer == Decision::RrSet::none) return decision;
  decision.negative = false;
  decision.outcome = outcome;
  decision.codes = codes;
  decision.address = address;
  return decision;
}

[[nodiscard]] Decision at_address_name(std::uint16_t type, const AddressName& name, const zone::View& view,
                                       UnixTime now) {
  if (name.address) {
    if (const auto code = test_point(*name.address)) return at_listed(type, *name.address, *code, Outcome::test_point);
    if (!view.stale && !is_never_listed(*name.address)) {
      const auto codes = view.index->codes_at(*name.address, now);
      if (!codes.empty()) return at_listed(type, *name.address, codes, Outcome::listed);
    }
  }
  // RFC 8020: a name exists if there is any name below it.
  const auto exists = [&](const std::optional<Prefix>& network) {
    return network && (holds_test_point(*network) || (!view.stale && view.index->anything_within(*network, now)));
  };
  if (exists(name.octets) || exists(name.nibbles)) return negative(Rcode::noerror, Outcome::nodata);
  return negative(Rcode::nxdomain, Outcome::nxdomain);
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

/// For a name that stands for no address: a name server's, a name above one (RFC 8020), or none.
[[nodiscard]] Decision at_other_name(std::uint16_t type, Wire labels, const ServedZone& zone) {
  bool is_above = false;
  for (const auto& host : zone.hosts) {
    if (!is_at_or_above(labels, host.below_apex)) continue;
    if (host.below_apex.size() == labels.size()) return at_host(type, host);
    is_above = true;
  }
  return is_above ? negative(Rcode::noerror, Outcome::nodata) : negative(Rcode::nxdomain, Outcome::misuse);
}

[[nodiscard]] Decision in_zone(std::uint16_t type, Wire labels, const ServedZone& zone, const zone::View& view,
                               UnixTime now) {
  const auto name = owner_name(labels);
  if (std::holds_alternative<Apex>(name)) return at_apex(type);
  if (const auto* address_name = std::get_if<AddressName>(&name))
    return at_address_name(type, *address_name, view, now);
  return at_other_name(type, labels, zone);
}

}  // namespace

Decision decide(const Query& query, bool allowed, const ServedZone& zone, const zone::View& view, UnixTime now) {
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
      if (!allowed) return refusal(ExtendedError::prohibited);
      const auto& question = *query.question;
      // CHAOS, too: the server's identity is available by NSID only.
      if (question.klass != kClassIn) return refusal(ExtendedError::not_authoritative);
      const auto labels = below_apex(question, zone);
      if (!labels) return refusal(ExtendedError::not_authoritative);
      if (question.type == kAxfr || question.type == kIxfr) return refusal(ExtendedError::not_supported);
      if (!view.index) {
        return {.rcode = Rcode::servfail, .extended_error = ExtendedError::not_ready, .outcome = Outcome::servfail};
      }
      auto decision = in_zone(question.type, *labels, zone, view, now);
      decision.serial = soa_serial(*view.index);
      if (view.stale) decision.extended_error = ExtendedError::stale_answer;
      return decision;
    }
  }
  assert(false);
  return {};
}

}  // namespace blowback::answer
