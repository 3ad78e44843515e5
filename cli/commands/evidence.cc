// `blowback evidence IP`: the operator's own look at each incident: what was recorded of it, with traps masked as far as their
// codings are known. What the accused may see is `blowback why`.
#include "account/masked.h"
#include "command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

/// Every trap that the config names, and those that this sender hit: one report may name several.
[[nodiscard]] TrapMask mask_for(const config::Config& config, const schema::Dossier& dossier) {
  std::vector<std::string> addresses = config.traps.addresses;
  for (const auto& witness : dossier.witnesses) addresses.push_back(witness.label);
  for (const auto& incident : dossier.incidents) addresses.push_back(incident.trap);
  return {addresses, config.traps.domains};
}

/// On standard error, so that what is printed can be parsed.
constexpr const char* kWarning =
    "blowback: for your eyes: a sender who writes a token per recipient into ids, names or mailboxes learns the traps "
    "from "
    "this, whatever is masked; `blowback why` can be passed on\n";

/// What decided: the judge's own names for what it saw, which hold nothing of the mail.
[[nodiscard]] std::string signals_of(const Incident& incident) {
  std::string text;
  for (const auto& signal : incident.signals) {
    text += fmt::format("{}{} {:+.1f}", text.empty() ? "" : ", ", signal.name, signal.weight);
  }
  return text;
}

}  // namespace

int evidence(Context& context, const std::string& ip, std::size_t most, bool explains) {
  const auto asked = address(context, ip);
  if (!asked) return kWrongUse;
  const auto config = context.config();
  if (!config) return context.failure;
  auto store = schema::Store::open(config->database, schema::Store::Mode::read);
  if (!store) return context.complain(store.error());
  const auto dossier = store->dossier(*asked, most);
  if (!dossier) return context.complain(dossier.error());

  const TrapMask mask = mask_for(*config, *dossier);
  std::vector<std::string> columns{"time",     "client",     "helo",         "kind",          "cause",
                                   "counting", "relayed",    "reverse_path", "origin",        "mailbox",
                                   "queue_id", "message_id", "size",         "first_received"};
  if (explains) columns.insert(columns.end(), {"confidence", "signals"});
  Table table(columns);
  for (const auto& incident : dossier->incidents) {
    std::vector<Cell> row{Cell(incident.received_at),
                          cell(incident.client.to_string()),
                          Cell(mask.masked(incident.helo)),
                          cell(name_of(incident.kind)),
                          cell(name_of(incident.cause)),
                          cell(name_of(counting_of(incident, config->policy.any_reverse_path))),
                          cell(name_of(incident.relayed)),
                          cell(name_of(incident.reverse_path)),
                          Cell(incident.origin),
                          Cell(mask.masked(incident.mailbox)),
                          Cell(mask.masked(incident.queue_id)),
                          Cell(mask.masked(incident.message_id)),
                          Cell(incident.size),
                          Cell(mask.masked(incident.first_received))};
    if (explains) row.insert(row.end(), {Cell(incident.confidence), Cell(signals_of(incident))});
    table.add(std::move(row));
  }
  if (!table.empty()) std::fputs(kWarning, context.world.err);
  if (const auto expired = std::ranges::count(dossier->incidents, false, &Incident::evidence_kept); expired > 0) {
    fmt::print(
        context.world.err,
        "blowback: the texts of {} of these have expired; `evidence` in [retention] says for how long they are kept\n",
        expired);
  }
  if (table.empty() && context.format == Format::table) {
    context.say("Nothing was seen of " + dossier->sender.to_string() + ".");
  } else {
    context.print(table);
  }
  return table.empty() ? kNo : kYes;
}

}  // namespace blowback::cli
