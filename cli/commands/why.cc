// `blowback why IP`: why a sender is listed or not, in sentences for its postmaster; with --format json as data.
#include "account/account.h"
#include "account/advice.h"
#include "arguments.h"
#include "commands.h"
#include "lines.h"
#include "progress.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace blowback::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostIncidents = 10'000;
constexpr std::size_t kMostTerms = 20;

[[nodiscard]] Json time_or_null(const std::optional<UnixTime>& time) { return time ? Json(to_iso8601(*time)) : Json(); }

/// Rounded to hundredths. More digits would reveal the second in which a message came.
[[nodiscard]] double rounded(double amount) { return static_cast<double>(in_hundredths(amount)) / 100; }

[[nodiscard]] Json state_of(const Account& account) {
  Json json{{"ip", account.asked.to_string()},
            {"sender", account.sender.to_string()},
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

[[nodiscard]] Json as_json(const Account& account, const Policy& policy, const std::string& contact) {
  Json json = state_of(account);
  add_what_was_seen(json, account);
  add_the_sum(json, account, policy);
  json["contact"] = contact;
  return json;
}

/// One row for each term, then one for each kind, cause and reason for not counting.
void add_rows(Table& table, const Account& account, const IpAddress& ip) {
  const auto parts = in_hundredths(account);
  for (std::size_t i = 0; i < account.terms.size(); ++i) {
    const auto& term = account.terms[i];
    table.add({Cell(ip.to_string()), Cell(term.hour), cell(name_of(term.kind)), cell(name_of(term.cause)),
               cell(name_of(Counting::counted)), Cell(std::uint64_t{1}), Cell(rounded(term.weight)),
               Cell(rounded(term.credit)), Cell(static_cast<double>(parts[i]) / 100)});
  }
  for (const auto& seen : account.seen) {
    for (const auto& [counting, count] : seen.uncounted) {
      table.add({Cell(ip.to_string()), Cell(), cell(name_of(seen.kind)), cell(name_of(seen.cause)),
                 cell(name_of(counting)), Cell(count), Cell(0.0), Cell(0.0), Cell(0.0)});
    }
  }
}

int why(const Context& context, const SeveralArguments& several) {
  const auto given = addresses(context, several);
  if (!given) return given.error();
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const std::string& contact = config.zone.hostmaster;
  // One address is printed as an object; --file, or several addresses, as an array.
  const bool is_list = given->all.size() > 1 || !given->source.empty();
  Table table({"ip", "hour", "kind", "cause", "counting", "incidents", "weight", "credit", "now"});
  Progress progress(context, "why", /*prints=*/true);
  bool all_known = true;
  std::size_t done = 0;
  for (const auto& one : given->all) {
    const auto dossier = store.dossier(one.value, kMostIncidents);
    if (!dossier) return context.fail(dossier.error());
    const auto account = account_of(*dossier, config.policy, context.world.now, kMostTerms);
    all_known &= account.is_known();
    switch (context.format) {
      case Format::table:
        if (done > 0) context.print_line("");
        std::fputs(text_of(account, config.policy, context.world.now, contact, context.bold).c_str(),
                   context.world.out);
        break;
      case Format::json: {
        if (is_list) fmt::print(context.world.out, "{}\n", done == 0 ? "[" : ",");
        fmt::print(context.world.out, "{}",
                   as_json(account, config.policy, contact).dump(2, ' ', false, Json::error_handler_t::replace));
        break;
      }
      case Format::csv:
        add_rows(table, account, one.value);
        break;
    }
    progress.show(++done, given->all.size(), "addresses");
  }
  if (context.format == Format::json) context.print_line(is_list ? "\n]" : "");
  if (context.format == Format::csv) context.print(table);
  if (given->refused > 0) return kWrongUse;
  return all_known ? kYes : kNo;
}

}  // namespace

void add_why(Command& tool) {
  const auto several = std::make_shared<SeveralArguments>();
  auto command = tool.add({.name = "why",
                           .summary = "Why a sender is listed or not: incidents, score, end, and what to change",
                           .notes = {},
                           .examples = "  blowback why 192.0.2.1\n"
                                       "  blowback why 192.0.2.1 --format json\n"},
                          [several](const Context& context) { return why(context, *several); });
  add_several(command, *several, "IP", "Addresses; - for standard input");
  command.format();
}

}  // namespace blowback::cli
