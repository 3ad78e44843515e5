// `blowback why IP`: the answer to an accused postmaster, in sentences; with --format json all of it as data.
#include "account.h"
#include "advice.h"
#include "command.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace blowback::cli {
namespace {

constexpr std::size_t kMostIncidents = 10'000;
constexpr std::size_t kMostTerms = 20;

[[nodiscard]] nlohmann::ordered_json as_json(const IpAddress& asked, const Account& account, const Policy& policy) {
  using Json = nlohmann::ordered_json;
  Json json{{"ip", asked.to_string()},
            {"sender", account.sender.to_string()},
            {"listed", account.is_listed()},
            {"exempt", !account.exempt.empty()}};
  json["listings"] = Json::array();
  for (const auto& listing : account.in_force) {
    Json row{{"prefix", listing.prefix.to_string()},
             {"source", name_of(listing.source)},
             {"listed_at", to_iso8601(listing.listed_at)}};
    row["expires_at"] = listing.expires_at ? Json(to_iso8601(*listing.expires_at)) : Json();
    row["codes"] = Json::array();
    for (const Code code : kAllCodes) {
      if (listing.codes.has(code)) row["codes"].push_back(name_of(code));
    }
    if (!listing.reason.empty()) row["reason"] = listing.reason;
    json["listings"].push_back(std::move(row));
  }
  json["exemptions"] = Json::array();
  for (const auto& exemption : account.exempt) {
    json["exemptions"].push_back(
        {{"prefix", exemption.prefix.to_string()},
         {"since", to_iso8601(exemption.since)},
         {"expires_at", exemption.expires_at ? Json(to_iso8601(*exemption.expires_at)) : Json()},
         {"reason", exemption.reason}});
  }
  json["listed_before"] = Json::array();
  for (const auto& bygone : account.bygone) {
    json["listed_before"].push_back(
        {{"from", to_iso8601(bygone.from)}, {"to", to_iso8601(bygone.to)}, {"ended_by_operator", bygone.by_operator}});
  }
  json["incidents"] = account.incidents_in_all;
  json["seen"] = Json::array();
  json["advice"] = Json::array();
  for (const auto& seen : account.seen) {
    json["seen"].push_back({{"kind", name_of(seen.kind)},
                            {"cause", name_of(seen.cause)},
                            {"incidents", seen.incidents},
                            {"traps", seen.traps},
                            {"campaigns", seen.campaigns},
                            {"claims_trap", seen.claims_trap},
                            {"could_have_known", seen.could_have_known},
                            {"first", to_iso8601(seen.first)},
                            {"last", to_iso8601(seen.last)},
                            {"product", seen.product}});
    json["advice"].push_back({{"kind", name_of(seen.kind)},
                              {"cause", name_of(seen.cause)},
                              {"fault", fault_of(seen.kind, seen.cause)},
                              {"steps", steps_for(seen.kind, seen.cause, seen.product)}});
  }
  json["score"] = {{"now", account.score},
                   {"list_at", policy.list_at},
                   {"delist_below", policy.delist_below},
                   {"half_life_seconds", policy.half_life.count()},
                   {"traps", account.traps},
                   {"distinct_traps", policy.distinct_traps},
                   {"campaigns", account.campaigns},
                   {"distinct_campaigns", policy.distinct_campaigns},
                   {"trap_cap", policy.trap_cap},
                   {"campaign_cap", policy.campaign_cap}};
  json["terms"] = Json::array();
  for (const auto& term : account.terms) {
    json["terms"].push_back({{"at", to_iso8601(term.at)},
                             {"kind", name_of(term.kind)},
                             {"cause", name_of(term.cause)},
                             {"weight", term.weight},
                             {"credit", term.credit},
                             {"cut", is_cut(term)},
                             {"now", term.left}});
  }
  json["added_nothing"] = account.added_nothing;
  json["earlier"] = {{"incidents", account.older_incidents}, {"now", account.older}};
  json["times_listed"] = account.times_listed;
  json["afresh_since"] = account.afresh_since ? Json(to_iso8601(*account.afresh_since)) : Json();
  return json;
}

}  // namespace

int why(Context& context, const std::string& ip) {
  const auto asked = address(context, ip);
  if (!asked) return kWrongUse;
  const auto config = context.config();
  if (!config) return context.failure;
  auto store = schema::Store::open(config->database, schema::Store::Mode::read);
  if (!store) return context.complain(store.error());
  const auto dossier = store->dossier(*asked, kMostIncidents);
  if (!dossier) return context.complain(dossier.error());
  const auto account = account_of(*dossier, config->policy, context.world.now, kMostTerms);
  switch (context.format) {
    case Format::table:
      std::fputs(told(account, *asked, config->policy, context.world.now, context.bold).c_str(), context.world.out);
      break;
    case Format::json:
      context.say(as_json(*asked, account, config->policy)
                      .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
      break;
    case Format::csv: {
      Table terms({"at", "kind", "cause", "weight", "credit", "now"});
      for (const auto& term : account.terms) {
        terms.add({Cell(term.at), cell(name_of(term.kind)), cell(name_of(term.cause)), Cell(term.weight),
                   Cell(term.credit), Cell(term.left)});
      }
      context.print(terms);
      break;
    }
  }
  return account.is_known() ? kYes : kNo;
}

}  // namespace blowback::cli
