// `blowback evidence IP`: what was recorded of each incident, for the operator only. Traps are masked as far as their codings are
// known. What the sender may see is `blowback why`.
#include "account/masked.h"
#include "arguments.h"
#include "commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

/// All traps in the config, and those that this sender hit: one report may name several.
[[nodiscard]] account::TrapMask mask_for(const config::Config& config, const schema::Dossier& dossier) {
  std::vector<std::string> addresses = config.traps.addresses;
  for (const auto& witness : dossier.witnesses) addresses.push_back(witness.label);
  for (const auto& incident : dossier.incidents) addresses.push_back(incident.trap);
  return {addresses, config.traps.domains};
}

/// On standard error, so that programs can parse standard output.
constexpr const char* kWarning =
    "blowback: don't pass this on: a sender who writes one token per recipient into ids, names or mailboxes can learn "
    "the "
    "traps from it, even with masks; `blowback why` can be passed on\n";

/// The judge's own names of the signals that decided, which contain nothing of the mail.
[[nodiscard]] std::string signals_of(const Incident& incident) {
  std::string text;
  for (const auto& signal : incident.signals) {
    text += fmt::format("{}{} {:+.1f}", text.empty() ? "" : ", ", signal.name, signal.weight);
  }
  return text;
}

struct Arguments {
  std::string ip;
  std::size_t most = kMostLines;
  bool explains = false;
};

int evidence(const Context& context, const Arguments& arguments) {
  const auto asked = address(context, arguments.ip);
  if (!asked) return asked.error();
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const auto dossier = store.dossier(*asked, arguments.most);
  if (!dossier) return context.fail(dossier.error());

  const account::TrapMask mask = mask_for(config, *dossier);
  std::vector<std::string> columns{"time",     "client",     "helo",         "kind",          "cause",
                                   "counting", "relayed",    "reverse_path", "origin",        "mailbox",
                                   "queue_id", "message_id", "size",         "first_received"};
  if (arguments.explains) columns.insert(columns.end(), {"confidence", "signals"});
  Table table(columns);
  for (const auto& incident : dossier->incidents) {
    std::vector<Cell> row{Cell(incident.received_at),
                          cell(incident.client.to_string()),
                          Cell(mask.masked(incident.helo)),
                          cell(name_of(incident.kind)),
                          cell(name_of(incident.cause)),
                          cell(name_of(counting_of(incident, config.policy.any_reverse_path))),
                          cell(name_of(incident.relayed)),
                          cell(name_of(incident.reverse_path)),
                          Cell(incident.origin),
                          Cell(mask.masked(incident.mailbox)),
                          Cell(mask.masked(incident.queue_id)),
                          Cell(mask.masked(incident.message_id)),
                          Cell(incident.size),
                          Cell(mask.masked(incident.first_received))};
    if (arguments.explains) row.insert(row.end(), {Cell(incident.confidence), Cell(signals_of(incident))});
    table.add(std::move(row));
  }
  if (!table.empty()) std::fputs(kWarning, context.world.err);
  if (const auto expired = std::ranges::count(dossier->incidents, false, &Incident::evidence_kept); expired > 0) {
    fmt::print(
        context.world.err,
        "blowback: the evidence of {} of these has expired; `evidence` in [retention] sets how long it is kept\n",
        expired);
  }
  if (table.empty() && context.format == Format::table) {
    context.print_line("Nothing was seen of " + dossier->sender.to_string() + ".");
  } else {
    context.print(table);
  }
  return table.empty() ? kNo : kYes;
}

}  // namespace

void add_evidence(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "evidence",
                           .summary = "The incidents of a sender one by one, for the operator only",
                           .notes = {},
                           .examples = "  blowback evidence 192.0.2.1 --most 10 --explain\n"},
                          [arguments](const Context& context) { return evidence(context, *arguments); });
  command.option("IP", arguments->ip, "Address").required();
  add_most(command, arguments->most);
  command.flag("--explain", arguments->explains, "Also the judge's confidence and signals");
  command.format();
}

}  // namespace blowback::cli
