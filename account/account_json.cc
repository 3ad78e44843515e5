#include "account/account_json.h"

#include "account/advice.h"

#include <nlohmann/json.hpp>

#include <optional>

namespace blowback::account {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json time_or_null(const std::optional<UnixTime>& time) { return time ? Json(to_iso8601(*time)) : Json(); }

/// Rounded to hundredths. More digits would reveal the second in which a message came.
[[nodiscard]] double rounded(double amount) { return static_cast<double>(in_hundredths(amount)) / 100; }

[[nodiscard]] Json state_of(const Account& account) {
  Json json{{"ip", account.asked.to_string()},
            {"sender", account.sender.to_string()},
            {"serial", account.serial ? Json(*account.serial) : Json()},
            {"listed", account.is_listed()},
            {"exempt", !account.exempt.empty()}};
  json["listings"] = Json::array();
  for (const auto& listing : account.in_force) {
    Json row{{"prefix", listing.prefix.to_string()},
             {"source", name_of(listing.source)},
             {"listed_at", to_iso8601(listing.listed_at)},
             {"expires_at", time_or_null(listing.expires_at)}};
    row["codes"] = Json::array();
    for (const Code code : kAllCodes) {
      if (listing.codes.has(code)) row["codes"].push_back(name_of(code));
    }
    if (!listing.reason.empty()) row["reason"] = listing.reason;
    json["listings"].push_back(std::move(row));
  }
  json["exemptions"] = Json::array();
  for (const auto& exemption : account.exempt) {
    json["exemptions"].push_back({{"prefix", exemption.prefix.to_string()},
                                  {"since", to_iso8601(exemption.since)},
                                  {"expires_at", time_or_null(exemption.expires_at)},
                                  {"reason", exemption.reason}});
  }
  json["listed_before"] = Json::array();
  for (const auto& bygone : account.bygone) {
    json["listed_before"].push_back({{"prefix", bygone.prefix.to_string()},
                                     {"source", name_of(bygone.source)},
                                     {"from", to_iso8601(bygone.from)},
                                     {"to", to_iso8601(bygone.to)},
                                     {"ended_by_operator", bygone.by_operator}});
  }
  json["unlisted"] = account.unlisted == Unlisted::none ? Json() : Json(name_of(account.unlisted));
  json["times_listed"] = account.times_listed;
  json["afresh_since"] = time_or_null(account.afresh_since);
  return json;
}

void add_what_was_seen(Json& json, const Account& account) {
  json["incidents"] = account.incidents_in_all;
  json["incidents_read"] = account.incidents_read;
  json["incidents_since"] = time_or_null(account.incidents_since);
  json["evidence_since"] = time_or_null(account.evidence_since);
  json["texts_expired"] = account.texts_expired;
  json["converting"] = account.is_converting;
  json["counted"] = account.counted;
  json["seen_itself"] = account.asked_was_seen;
  json["clients"] = Json::array();
  for (const auto& client : account.clients) json["clients"].push_back(client.to_string());
  json["more_clients"] = account.more_clients;
  json["seen"] = Json::array();
  json["advice"] = Json::array();
  for (const auto& seen : account.seen) {
    Json row{{"kind", name_of(seen.kind)},         {"cause", name_of(seen.cause)},
             {"incidents", seen.incidents},        {"first_hour", to_iso8601(seen.first)},
             {"last_hour", to_iso8601(seen.last)}, {"counted", seen.counted}};
    row["uncounted"] = Json::object();
    for (const auto& [counting, count] : seen.uncounted) row["uncounted"][std::string(name_of(counting))] = count;
    row.update({{"forgiven", seen.forgiven},
                {"traps", seen.witnesses},
                {"campaigns", seen.campaigns},
                {"origins", seen.origins},
                {"unknown_origin", seen.unknown_origin},
                {"claims_trap", seen.claims_trap},
                {"could_have_known", seen.could_have_known},
                {"product", seen.product}});
    json["seen"].push_back(std::move(row));
    if (seen.counted == 0) continue;
    json["advice"].push_back({{"kind", name_of(seen.kind)},
                              {"cause", name_of(seen.cause)},
                              {"fault", fault_of(seen.kind, seen.cause)},
                              {"steps", steps_for(seen.kind, seen.cause, seen.product)}});
  }
}

void add_the_sum(Json& json, const Account& account, const Policy& policy) {
  json["score"] = {{"now", rounded(account.score)},       {"list_at", policy.list_at},
                   {"delist_below", policy.delist_below}, {"half_life_seconds", policy.half_life.count()},
                   {"traps", account.witnesses},          {"distinct_traps", policy.distinct_traps},
                   {"campaigns", account.campaigns},      {"distinct_campaigns", policy.distinct_campaigns},
                   {"origins", account.origins},          {"trap_cap", policy.trap_cap},
                   {"campaign_cap", policy.campaign_cap}, {"origin_cap", policy.origin_cap},
                   {"mailbox_cap", policy.mailbox_cap},   {"unknown_origin", policy.unknown_origin}};
  const auto parts = in_hundredths(account);
  const auto now = [&](std::size_t i) { return static_cast<double>(parts[i]) / 100; };
  json["terms"] = Json::array();
  for (std::size_t i = 0; i < account.terms.size(); ++i) {
    const auto& term = account.terms[i];
    json["terms"].push_back({{"hour", to_iso8601(term.hour)},
                             {"kind", name_of(term.kind)},
                             {"cause", name_of(term.cause)},
                             {"unknown_origin", term.unknown_origin},
                             {"weight", rounded(term.weight)},
                             {"credit", rounded(term.credit)},
                             {"cut", term.cut != Cut::none},
                             {"cut_by", term.cut == Cut::none ? Json() : Json(name_of(term.cut))},
                             {"now", now(i)}});
  }
  json["added_nothing"] = account.added_nothing;
  json["cuts"] = Json::object();
  for (const auto& [cut, count] : account.cuts) json["cuts"][std::string(name_of(cut))] = count;
  json["earlier"] = {{"incidents", account.older_incidents}, {"now", now(account.terms.size())}};
}

[[nodiscard]] Json removal_of(const Removals& removals) {
  const auto& outlook = removals.outlook;
  Json json{{"refused", outlook.refused ? Json(name_of(*outlook.refused)) : Json()},
            {"wait_seconds", outlook.wait.count()},
            {"earlier", outlook.earlier}};
  json["requests"] = Json::array();
  for (const auto& request : removals.requests) {
    json["requests"].push_back({{"requested_at", to_iso8601(request.requested_at)},
                                {"address", request.address.to_string()},
                                {"proof", name_of(request.proof)},
                                {"due_at", to_iso8601(request.due_at)},
                                {"state", name_of(request.state)},
                                {"reason", request.refused ? Json(name_of(*request.refused)) : Json()},
                                {"decided_at", time_or_null(request.decided_at)},
                                {"undone", request.undone}});
  }
  return json;
}

}  // namespace

std::string json_of(const Account& account, const Policy& policy, const std::string& contact) {
  Json json = state_of(account);
  json["removal"] = account.removals ? removal_of(*account.removals) : Json();
  add_what_was_seen(json, account);
  add_the_sum(json, account, policy);
  json["contact"] = contact;
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace blowback::account
