// The page of an address: what `why` says, in the visitor's language.
#include "account/account.h"
#include "account/advice.h"
#include "account/codes.h"
#include "blowback/wording.h"
#include "chart.h"
#include "models.h"
#include "wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace blowback::page {
namespace {

using account::Account;
using account::in_hundredths;

/// The fault's key in the language files; in English its text is that of account::fault_of.
[[nodiscard]] std::string_view fault_key(Kind kind, Cause cause) {
  if (kind != Kind::dsn) return name_of(kind);
  switch (cause) {
    case Cause::unknown_user:
    case Cause::over_quota:
    case Cause::content_rejected:
    case Cause::policy:
    case Cause::delayed:
      return name_of(cause);
    case Cause::system:
    case Cause::other:
    case Cause::none:
      break;
  }
  return "undeliverable";
}

/// Without a full stop at its end: the sentence has its own.
[[nodiscard]] std::string reason_of(const std::string& written) {
  std::string reason = harmless(written);
  while (reason.ends_with('.')) reason.pop_back();
  return reason;
}

[[nodiscard]] std::string shown(std::int64_t hundredths) {
  return fmt::format("{:.2f}", static_cast<double>(hundredths) / 100);
}

class AddressModel {
 public:
  AddressModel(const Account& account, const About& about, UnixTime now, const Texts& texts, std::string_view form)
      : account_(account), about_(about), policy_(about.policy), now_(now), texts_(texts), form_(form) {
    who_ = account.asked.to_string();
    if (!account.sender.is_single_address()) {
      who_ = texts.say("state.who_sender", {{"ip", who_}, {"sender", account.sender.to_string()}});
    }
  }

  void add_to(Object& model) {
    const auto always = account::always_answered(account_.asked);
    model["asked"] = account_.asked.to_string();
    model["answers"] = answers_in(texts_, always.value_or(codes()));
    const auto state_key = always ? (always->empty() ? "test_not_listed" : "test_listed") : key_of_state();
    model["state"] = state_key;
    model["state_name"] = texts_.say(always ? "state.test" : fmt::format("state.{}", state_key));
    if (always) {
      model["sentences"] = List{texts_.say(fmt::format("state.{}", state_key), {{"ip", account_.asked.to_string()}})};
    } else {
      model["sentences"] = state();
    }
    const bool is_known = account_.is_known() && !always;
    model["is_known"] = is_known;
    model["is_seen"] = is_known && !account_.seen.empty();
    model["gone"] = what_is_gone();
    model["seen"] = observations();
    model["seen_notes"] = notes();
    model["is_counted"] = is_known && account_.counted > 0;
    model["faults"] = faults();
    model["steps_lang"] = texts_.language() == Language::en ? "" : "en";
    model["bygone"] = bygone();
    model["removal"] = removal(!always);
    model["json"] = "/api/v1/ip/" + account_.asked.to_string();
    model["ttl"] = span_in(texts_, about_.ttl);
    if (is_known && account_.counted > 0) {
      add_sum(model);
    }
  }

  [[nodiscard]] std::string title() const {
    if (account::always_answered(account_.asked)) return account_.asked.to_string();
    return texts_.say(fmt::format("state.title_{}", key_of_state()), {{"ip", account_.asked.to_string()}});
  }

 private:
  [[nodiscard]] CodeSet codes() const {
    CodeSet all;
    if (!account_.exempt.empty()) return all;
    for (const auto& listing : account_.in_force) all |= listing.codes;
    return all;
  }

  [[nodiscard]] const char* key_of_state() const {
    if (!account_.exempt.empty()) return "exempt";
    if (account_.is_listed()) return "listed";
    return account_.is_known() ? "not_listed" : "never_seen";
  }

  [[nodiscard]] std::string when(UnixTime time) const { return when_in(texts_, time, now_); }

  [[nodiscard]] List state() const {
    List lines;
    const auto ip = account_.asked.to_string();
    if (!account_.is_known()) {
      lines.emplace_back(texts_.say("state.nothing_ever", {{"ip", ip}}));
      return lines;
    }
    for (const auto& exemption : account_.exempt) {
      lines.emplace_back(texts_.say("state.exempt_part", {{"who", who_},
                                                          {"network", exemption.prefix.to_string()},
                                                          {"since", when(exemption.since)},
                                                          {"reason", reason_of(exemption.reason)}}));
      lines.emplace_back(texts_.say("state.exempt_effect"));
      if (exemption.expires_at)
        lines.emplace_back(texts_.say("state.exempt_until", {{"when", when(*exemption.expires_at)}}));
    }
    if (account_.exempt.empty()) {
      if (account_.in_force.empty()) lines.emplace_back(texts_.say("state.is_not_listed", {{"who", who_}}));
      for (const auto& listing : account_.in_force) add_listing(lines, listing);
    }
    if (account_.incidents_in_all == 0) {
      lines.emplace_back(texts_.say("state.nothing_itself", {{"sender", account_.sender.to_string()}}));
    } else if (!account_.sender.is_single_address() && !account_.clients.empty()) {
      add_neighbours(lines);
    }
    if (account_.incidents_in_all > 0 && account_.counted == 0 &&
        account_.incidents_read == account_.incidents_in_all) {
      const bool is_kept = account_.is_listed() && std::ranges::any_of(account_.in_force, [](const Listing& listing) {
                             return listing.source == Source::automatic;
                           });
      lines.emplace_back(texts_.say(is_kept ? "state.kept_by_earlier" : "state.nothing_counts"));
    }
    if (account_.afresh_since) lines.emplace_back(texts_.say("state.afresh", {{"when", when(*account_.afresh_since)}}));
    switch (account_.unlisted) {
      case account::Unlisted::none:
        break;
      case account::Unlisted::was_exempt:
        lines.emplace_back(
            texts_.say(account_.ended_by_exemption() ? "state.exemption_ended" : "state.exemption_kept"));
        break;
      case account::Unlisted::special_use:
        lines.emplace_back(texts_.say("state.special_use"));
        break;
      case account::Unlisted::no_incident_since:
        lines.emplace_back(texts_.say("state.no_incident_since"));
        break;
    }
    return lines;
  }

  void add_listing(List& lines, const Listing& listing) const {
    const bool is_wider = listing.prefix.contains(account_.sender) && listing.prefix != account_.sender;
    if (listing.source == Source::automatic) {
      lines.emplace_back(texts_.say("state.listed_automatic", {{"who", who_}}));
    }
    lines.emplace_back(is_wider ? texts_.say("state.listed_as_part", {{"since", when(listing.listed_at)},
                                                                      {"network", listing.prefix.to_string()}})
                                : texts_.say("state.listed_since", {{"since", when(listing.listed_at)}}));
    switch (listing.source) {
      case Source::by_operator:
        lines.emplace_back(texts_.say(
            "state.operator_listed", {{"network", listing.prefix.to_string()}, {"reason", reason_of(listing.reason)}}));
        lines.emplace_back(listing.expires_at
                               ? texts_.say("state.operator_until", {{"when", when(*listing.expires_at)}})
                               : texts_.say("state.operator_always"));
        break;
      case Source::automatic:
        if (listing.expires_at) {
          lines.emplace_back(texts_.say("state.ends_by_itself", {{"when", when(*listing.expires_at)}}));
        }
        break;
    }
    if (listing.source == Source::automatic) lines.emplace_back(texts_.say("state.what_it_means"));
  }

  /// Which addresses of the sender's network were seen.
  void add_neighbours(List& lines) const {
    std::string clients;
    for (const auto& client : account_.clients) clients += (clients.empty() ? "" : ", ") + client.to_string();
    if (account_.more_clients > 0) {
      const auto more = texts_.count("number.addresses", account_.more_clients);
      clients = texts_.say("state.clients_more", {{"clients", clients}, {"more", more}});
    }
    lines.emplace_back(
        texts_.say(account_.counted > 0 ? "state.counts_from" : "state.seen_from", {{"clients", clients}}));
    if (account_.asked_was_seen) return;
    lines.emplace_back(
        texts_.say(account_.incidents_read < account_.incidents_in_all ? "state.not_itself_lately" : "state.not_itself",
                   {{"ip", account_.asked.to_string()}}));
  }

  [[nodiscard]] List bygone() const {
    List lines;
    for (const auto& one : account_.bygone) {
      const auto key = fmt::format("state.{}_{}", one.source == Source::automatic ? "was_listed" : "operator_was",
                                   one.by_operator ? "ended" : "expired");
      lines.emplace_back(
          texts_.say(key, {{"from", minute(one.from)}, {"to", minute(one.to)}, {"network", one.prefix.to_string()}}));
    }
    return lines;
  }

  /// What is no longer stored and so is missing.
  [[nodiscard]] List what_is_gone() const {
    List lines;
    if (account_.incidents_read < account_.incidents_in_all) {
      lines.emplace_back(texts_.say("seen.newest", {{"read", std::to_string(account_.incidents_read)},
                                                    {"all", std::to_string(account_.incidents_in_all)}}));
    }
    if (account_.incidents_since)
      lines.emplace_back(texts_.say("seen.gone", {{"since", minute(*account_.incidents_since)}}));
    if (account_.texts_expired > 0) {
      lines.emplace_back(account_.texts_expired == account_.incidents_read
                             ? texts_.say("seen.texts_expired_all")
                             : texts_.say("seen.texts_expired", {{"n", std::to_string(account_.texts_expired)}}));
    }
    if (account_.is_converting) lines.emplace_back(texts_.say("seen.converting"));
    return lines;
  }

  [[nodiscard]] List observations() const {
    List list;
    for (const auto& seen : account_.seen) {
      const auto last = hour_in(texts_, seen.last);
      List lines;
      if (seen.counted > 0) add_what_counts(lines, seen);
      for (const auto& [counting, count] : seen.uncounted) {
        std::string key(name_of(counting));
        std::ranges::replace(key, '-', '_');
        lines.emplace_back(texts_.count("seen." + key, count));
      }
      list.emplace_back(
          Object{{"what", texts_.say("seen.one", {{"n", std::to_string(seen.incidents)},
                                                  {"what", named_in(texts_, seen.kind, seen.cause)}})},
                 {"span", seen.first == seen.last
                              ? last
                              : texts_.say("time.span", {{"from", hour_in(texts_, seen.first)}, {"to", last}})},
                 {"product", seen.product.empty()
                                 ? std::string()
                                 : texts_.say("seen.written_by", {{"product", account::product_name(seen.product)}})},
                 {"lines", std::move(lines)}});
    }
    return list;
  }

  void add_what_counts(List& lines, const account::Observation& seen) const {
    const bool all_forgiven = seen.forgiven == seen.counted;
    const auto traps = texts_.count("number.traps", seen.witnesses);
    const auto mailings = texts_.count("number.mailings", seen.campaigns);
    lines.emplace_back(texts_.count(all_forgiven ? "seen.forgiven_all" : "seen.counted", seen.counted,
                                    {{"traps", traps}, {"mailings", mailings}}));
    if (seen.forgiven > 0 && !all_forgiven) lines.emplace_back(texts_.count("seen.forgiven", seen.forgiven));
    if (seen.origins > 0) {
      lines.emplace_back(
          texts_.say("seen.from_networks", {{"networks", texts_.count("number.networks", seen.origins)}}));
    }
    if (seen.unknown_origin > 0) lines.emplace_back(texts_.count("seen.no_trace", seen.unknown_origin));
    if (seen.claims_trap > 0) lines.emplace_back(texts_.count("seen.claims_trap", seen.claims_trap));
    if (seen.could_have_known > 0) lines.emplace_back(texts_.count("seen.could_have_known", seen.could_have_known));
  }

  [[nodiscard]] List notes() const {
    List lines;
    if (account_.seen.empty()) return lines;
    if (account_.is_one_mailing()) lines.emplace_back(texts_.say("seen.joe_job"));
    lines.emplace_back(texts_.say("seen.what_a_trap_is"));
    if (account_.counted < account_.incidents_read) lines.emplace_back(texts_.say("seen.what_counts"));
    if (account_.times_listed > 1) {
      lines.emplace_back(texts_.say("seen.times_listed", {{"n", std::to_string(account_.times_listed)}}));
    }
    return lines;
  }

  /// Each fault once, with the steps that no earlier fault has.
  [[nodiscard]] List faults() const {
    List list;
    std::set<std::string> said;
    for (const auto& seen : account_.seen) {
      if (seen.counted == 0) continue;
      const auto fault = texts_.say(fmt::format("fault.{}", fault_key(seen.kind, seen.cause)));
      List steps;
      for (const auto& step : account::steps_for(seen.kind, seen.cause, seen.product)) {
        if (said.insert(step).second) steps.emplace_back(Marked{step});
      }
      const bool is_new = said.insert(fault).second;
      if (!is_new && steps.empty()) continue;
      list.emplace_back(Object{
          {"fault", is_new ? fault : std::string()},
          {"steps_heading", seen.product.empty()
                                ? texts_.say("mend.steps_any")
                                : texts_.say("mend.steps_for", {{"product", account::product_name(seen.product)}})},
          {"steps", std::move(steps)}});
    }
    return list;
  }

  /// What a request means, what became of earlier ones, and how to ask. `is_real`: it is no test address.
  [[nodiscard]] Object removal(bool is_real) const {
    const auto listed_by = [&](Source source) {
      return account_.is_listed() &&
             std::ranges::find(account_.in_force, source, &Listing::source) != account_.in_force.end();
    };
    const auto* const known = is_real && account_.removals ? &*account_.removals : nullptr;
    const bool may_ask = known != nullptr && !known->outlook.refused;
    const bool asks_now = may_ask && pending_of(*known) == nullptr;
    const auto ip = account_.asked.to_string();
    return {
        {"automatic", listed_by(Source::automatic)},
        {"by_letter", listed_by(Source::automatic) && !may_ask},
        {"by_operator", listed_by(Source::by_operator)},
        {"none", !account_.is_listed()},
        {"means", asks_now ? what_it_means(known->outlook) : List{}},
        {"refused", known != nullptr && !may_ask && known->concerns_a_listing() ? refusal_in(*known->outlook.refused)
                                                                                : std::string()},
        {"requests", known == nullptr ? List{} : requests_of(*known)},
        {"form", std::string(asks_now ? form_ : std::string_view())},
        {"action", fmt::format("/{}/removal", ip)},
        {"form_lead", texts_.say("removal.form_lead", {{"ip", ip}})},
        {"button", texts_.say("removal.button", {{"ip", account_.sender.to_string()}})},
        {"itself", asks_now ? texts_.say("removal.itself", {{"ip", account_.sender.to_string()}}) : std::string()},
        {"command", fmt::format("curl -{} -X POST -H 'X-Blowback-Removal: yes' {}/api/v1/ip/{}/removal",
                                account_.asked.family() == Family::ipv4 ? 4 : 6, about_.url, ip)},
        {"by_mail", asks_now && !about_.removal_mail.empty()
                        ? texts_.say("removal.by_mail", {{"mail", about_.removal_mail}})
                        : std::string()}};
  }

  [[nodiscard]] static const RemovalRequest* pending_of(const account::Removals& known) {
    const auto found = std::ranges::find(known.requests, RemovalState::pending, &RemovalRequest::state);
    return found == known.requests.end() ? nullptr : &*found;
  }

  [[nodiscard]] List what_it_means(const RemovalOutlook& outlook) const {
    List lines;
    lines.emplace_back(texts_.say("removal.fix_first"));
    lines.emplace_back(outlook.wait == Duration{0}
                           ? texts_.say("removal.at_once")
                           : texts_.count("removal.waits", static_cast<std::uint64_t>(outlook.earlier),
                                          {{"wait", span_in(texts_, outlook.wait)}}));
    lines.emplace_back(texts_.say("removal.next_time", {{"factor", fmt::format("{:g}", policy_.repeat_factor)},
                                                        {"max", span_in(texts_, policy_.max_listing)}}));
    return lines;
  }

  [[nodiscard]] std::string refusal_in(RemovalRefusal refusal) const {
    std::string key(name_of(refusal));
    std::ranges::replace(key, '-', '_');
    return texts_.say("refusal." + key);
  }

  [[nodiscard]] List requests_of(const account::Removals& known) const {
    constexpr std::size_t kMostShown = 5;
    List lines;
    for (const auto& request : known.requests) {
      if (lines.size() == kMostShown) break;
      const auto asked = minute(request.requested_at);
      const auto decided = minute(request.decided_at.value_or(now_));
      switch (request.state) {
        case RemovalState::pending:
          lines.emplace_back(request.due_at > request.requested_at
                                 ? texts_.say("removal.waiting", {{"asked", asked}, {"due", when(request.due_at)}})
                                 : texts_.say("removal.pending", {{"asked", asked}}));
          break;
        case RemovalState::done:
          lines.emplace_back(
              texts_.say(request.undone ? "removal.undone" : "removal.done", {{"asked", asked}, {"decided", decided}}));
          break;
        case RemovalState::refused:
          lines.emplace_back(texts_.say("removal.refused",
                                        {{"asked", asked},
                                         {"decided", decided},
                                         {"reason", refusal_in(request.refused.value_or(RemovalRefusal::disabled))}}));
          break;
      }
    }
    return lines;
  }

  void add_sum(Object& model) const {
    const auto number = [](int count) { return static_cast<std::uint64_t>(count); };
    const auto list_at = amount(policy_.list_at);
    const auto delist_below = amount(policy_.delist_below);
    const auto score = shown(in_hundredths(account_.score));
    model["sum_lead"] =
        texts_.say("sum.lead", {{"half_life", span_in(texts_, policy_.half_life)},
                                {"list_at", list_at},
                                {"traps", texts_.count("number.traps", number(policy_.distinct_traps))},
                                {"mailings", texts_.count("number.mailings", number(policy_.distinct_campaigns))},
                                {"delist_below", delist_below}});
    model["sum_now"] = texts_.say("sum.now", {{"score", score}});
    model["sum_agree"] = agreement();
    add_terms(model);
    const auto ip = account_.asked.to_string();
    auto text = texts_.say(
        "chart.text", {{"score", score}, {"now", minute(now_)}, {"list_at", list_at}, {"delist_below", delist_below}});
    const auto listing = std::ranges::find(account_.in_force, Source::automatic, &Listing::source);
    if (listing != account_.in_force.end() && listing->expires_at) {
      text += " " + texts_.say("chart.text_ends", {{"ends", minute(*listing->expires_at)}});
    }
    model["chart"] = score_chart(account_, policy_, now_,
                                 {.title = texts_.say("chart.title", {{"ip", ip}}),
                                  .text = text,
                                  .now = texts_.say("chart.now"),
                                  .ends = texts_.say("chart.ends"),
                                  .listed_from = texts_.say("chart.listed_from", {{"list_at", list_at}}),
                                  .over_at = texts_.say("chart.over_at", {{"delist_below", delist_below}})});
  }

  [[nodiscard]] std::string agreement() const {
    const auto traps = texts_.count("number.traps", static_cast<std::uint64_t>(account_.witnesses));
    const auto mailings = texts_.count("number.mailings", static_cast<std::uint64_t>(account_.campaigns));
    const auto memory = span_in(texts_, policy_.memory());
    const auto needed_traps = std::to_string(policy_.distinct_traps);
    const auto needed_mailings = std::to_string(policy_.distinct_campaigns);
    const auto networks = account_.origins == 0
                              ? texts_.say("number.unknown_networks")
                              : texts_.count("number.networks", static_cast<std::uint64_t>(account_.origins));
    return texts_.say(account_.witnesses > 0 ? "sum.agree_from" : "sum.agree", {{"memory", memory},
                                                                                {"traps", traps},
                                                                                {"needed_traps", needed_traps},
                                                                                {"mailings", mailings},
                                                                                {"needed_mailings", needed_mailings},
                                                                                {"networks", networks}});
  }

  void add_terms(Object& model) const {
    const auto parts = in_hundredths(account_);
    List rows;
    bool any_unknown = false;
    bool any_rounded = false;
    const auto add_row = [&](std::string when, std::string what, std::string weight, std::string added,
                             std::int64_t left) {
      rows.emplace_back(Object{{"when", std::move(when)},
                               {"what", std::move(what)},
                               {"weight", std::move(weight)},
                               {"added", std::move(added)},
                               {"left", shown(left)}});
    };
    for (std::size_t i = 0; i < account_.terms.size(); ++i) {
      const auto& term = account_.terms[i];
      any_unknown |= term.unknown_origin;
      any_rounded |= parts[i] != in_hundredths(term.left);
      auto what = named_in(texts_, term.kind, term.cause);
      if (term.unknown_origin) what += ", " + texts_.say("sum.no_trace");
      add_row(hour_in(texts_, term.hour), std::move(what), amount(term.weight),
              amount(term.credit) + (term.cut == account::Cut::none ? "" : "*"), parts[i]);
    }
    if (account_.added_nothing > 0) {
      add_row("", texts_.count("sum.besides", account_.added_nothing), "", account_.cuts.empty() ? "0.00" : "0.00*", 0);
    }
    if (account_.older_incidents > 0) {
      add_row("", texts_.count("sum.earlier", account_.older_incidents), "", "", parts.back());
    } else if (parts.back() != 0) {
      add_row("", texts_.say("sum.earlier_policy"), "", "", parts.back());
    }
    List notes;
    if (any_rounded) notes.emplace_back(texts_.say("sum.rounded_note"));
    if (!account_.cuts.empty()) notes.emplace_back(texts_.say("sum.cut_note"));
    if (any_unknown) notes.emplace_back(texts_.say("sum.no_trace_note", {{"share", amount(policy_.unknown_origin)}}));
    model["terms"] = std::move(rows);
    model["sum_notes"] = std::move(notes);
    model["score"] = shown(in_hundredths(account_.score));
  }

  const Account& account_;
  const About& about_;
  const Policy& policy_;
  UnixTime now_;
  const Texts& texts_;
  std::string_view form_;
  std::string who_;
};

}  // namespace

Object address_model(const Account& account, const About& about, UnixTime now, const Texts& texts, const View& view,
                     std::string_view form) {
  AddressModel pages(account, about, now, texts, form);
  auto model = frame_of(about, texts, view, pages.title());
  model["time"] = minute(now);
  model["serial"] = account.serial ? std::to_string(*account.serial) : std::string();
  pages.add_to(model);
  return model;
}

}  // namespace blowback::page
