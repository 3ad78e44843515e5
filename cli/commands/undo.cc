// `blowback undo ID`: reverses what an entry of the log did.
#include "arguments.h"
#include "commands.h"
#include "decision.h"
#include "score/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

namespace blowback::cli {
namespace {

using Outcome = schema::Undone::Outcome;

[[nodiscard]] std::string counted(std::uint64_t count, std::string_view what) {
  return fmt::format("{} listing{} {}", count, count == 1 ? "" : "s", what);
}

[[nodiscard]] std::string refusal(const schema::Undone& undone, std::uint64_t id) {
  const auto& entry = undone.entry;
  const std::string what = fmt::format("entry {} ({} {})", id, entry.action, harmless(entry.subject));
  switch (undone.outcome) {
    case Outcome::undone:
      break;
    case Outcome::unknown:
      return fmt::format("there is no entry {}; see `blowback log`", id);
    case Outcome::already:
      return fmt::format("{} has already been undone, by entry {}", what, entry.undone_by.value_or(0));
    case Outcome::is_undo:
      return fmt::format("{} is itself an undo and can't be undone; repeat the change of entry {} instead", what,
                         entry.undoes.value_or(0));
    case Outcome::too_old:
      return fmt::format(
          "{} is too old: what it changed is recorded from {} on only ([retention] incidents and journal); make the "
          "opposite change instead",
          what, undone.reaches_back_to ? to_iso8601(*undone.reaches_back_to) : "now");
    case Outcome::superseded:
      return fmt::format(
          "nothing of {} is still in force: it expired, or a later decision replaced it; see `blowback log`", what);
  }
  return {};
}

/// How many listings by an entry with action list or import are in force. They have the entry's reason and end.
[[nodiscard]] schema::Result<std::uint64_t> in_force(schema::Store& store, const schema::AuditEntry& entry,
                                                     UnixTime now) {
  schema::ListingFilter filter{
      .within = {}, .source = Source::by_operator, .codes = {}, .since = entry.at, .who = entry.who};
  if (entry.action == "list") {
    if (const auto prefix = Prefix::parse(entry.subject)) filter.within = *prefix;
  }
  std::uint64_t count = 0;
  const auto visited = store.for_each_listing(filter, now, [&](const Listing& listing) {
    if (listing.listed_at == entry.at && listing.expires_at == entry.until && listing.reason == entry.reason) ++count;
  });
  if (!visited) return std::unexpected(visited.error());
  return count;
}

/// What undoing an entry would do, as far as that can be counted without doing it.
[[nodiscard]] schema::Result<std::string> prospect(schema::Store& store, const schema::AuditEntry& entry,
                                                   UnixTime now) {
  const auto& action = entry.action;
  const auto subject = harmless(entry.subject);
  const std::string back =
      "listings that it ended come back, unless they would have expired by now or are replaced; its "
      "senders are scored again from recorded incidents";
  if (action == "list" || action == "import") {
    const auto ending = in_force(store, entry, now);
    if (!ending) return std::unexpected(ending.error());
    return counted(*ending, "would end") +
           "; listings that it replaced come back, unless they would have expired by now";
  }
  if (action == "end-exemption") {
    const auto network = Prefix::parse(entry.subject);
    const auto ending = network ? listings_within(store, *network, now) : schema::Result<std::uint64_t>(0);
    if (!ending) return std::unexpected(ending.error());
    return fmt::format("{} would be exempt again; {}", subject, counted(*ending, "would end"));
  }
  if (action == "exempt") return fmt::format("{} would no longer be exempt; {}", subject, back);
  if (action == "delist") return fmt::format("it ended {}; {}", counted(entry.changes, "in all"), back);
  if (action == "retire-trap") return subject + " would be a trap again";
  if (action == "restore-trap") return subject + " would be retired again";
  return std::string();
}

/// What undoing did to an exemption or trap; "" if it only changed listings.
[[nodiscard]] schema::Result<std::string> result_of(schema::Store& store, const schema::AuditEntry& entry,
                                                    UnixTime now) {
  const auto& action = entry.action;
  const auto subject = harmless(entry.subject);
  if (action == "retire-trap") return subject + " is a trap again";
  if (action == "restore-trap") return subject + " is retired again";
  if (action != "exempt" && action != "end-exemption") return std::string();
  const auto exemptions = store.exemptions(now);
  if (!exemptions) return std::unexpected(exemptions.error());
  const auto found = std::ranges::find_if(
      *exemptions, [&](const Exemption& exemption) { return exemption.prefix.to_string() == entry.subject; });
  if (found == exemptions->end()) return subject + " is no longer exempt";
  return fmt::format("{} is exempt again{} ({})", subject,
                     found->expires_at ? ", until " + when(*found->expires_at, now) : std::string(),
                     harmless(found->reason));
}

/// Prints what undoing would do. How much of the entry is still in force is known only by undoing it.
int print_dry_run(const Context& context, schema::Store& store, std::uint64_t id) {
  const auto entries = store.audit({.most = 1, .id = id});
  if (!entries) return context.fail(entries.error());
  schema::Undone known{.outcome = Outcome::unknown, .entry = {}};
  if (!entries->empty()) {
    known.entry = entries->front();
    known.outcome = known.entry.undoes ? Outcome::is_undo : known.entry.undone_by ? Outcome::already : Outcome::undone;
  }
  if (known.outcome != Outcome::undone) return context.fail(refusal(known, id), kNo);
  const auto& entry = known.entry;
  const auto comes_to = prospect(store, entry, context.world.now);
  if (!comes_to) return context.fail(comes_to.error());
  context.print_line(fmt::format("would undo: {} {} ({}, {}: {}), which changed {}, as far as it is still in force",
                                 entry.action, harmless(entry.subject), entry.who, minute(entry.at),
                                 harmless(entry.reason), entry.changes));
  if (!comes_to->empty()) context.print_line(*comes_to);
  return kYes;
}

struct Arguments {
  std::uint64_t id = 0;
  std::string reason;
  bool dry_run = false;
};

int undo(const Context& context, const Arguments& arguments) {
  const auto& [id, reason, dry_run] = arguments;
  const auto decided = decision(context, reason);
  if (!decided) return decided.error();
  auto opened = context.open(dry_run ? schema::Store::Mode::read : schema::Store::Mode::write);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  if (dry_run) return print_dry_run(context, store, id);
  context.show_progress(store, "undo");
  const auto undone = store.undo(id, *decided, config.policy, &score::reckon, context.world.now);
  if (!undone) return context.fail(undone.error());
  if (undone->outcome != Outcome::undone) return context.fail(refusal(*undone, id), kNo);
  const auto& entry = undone->entry;
  context.print_line(fmt::format("undone: {} {} ({}, {}: {})", entry.action, harmless(entry.subject), entry.who,
                                 minute(entry.at), harmless(entry.reason)));
  const auto result = result_of(store, entry, context.world.now);
  if (!result) return context.fail(result.error());
  if (!result->empty()) context.print_line(*result);
  if (entry.action.ends_with("-trap")) return kYes;
  std::string effect = fmt::format("{}, {}", counted(undone->listed, "came back"), counted(undone->ended, "ended"));
  if (undone->moved > 0) effect += ", " + counted(undone->moved, "back to former reason and end");
  if (undone->reckoned > 0) {
    effect += fmt::format("; {} sender{} scored again from recorded incidents", undone->reckoned,
                          undone->reckoned == 1 ? "" : "s");
  }
  context.print_line(effect);
  if (undone->left_alone > 0) {
    context.print_line(
        fmt::format("{} sender{} left as {}: {} sent so much since then that what was recorded before the decision is "
                    "no longer stored",
                    undone->left_alone, undone->left_alone == 1 ? " is" : "s are",
                    undone->left_alone == 1 ? "it is" : "they are", undone->left_alone == 1 ? "it" : "each"));
  }
  if (undone->listed == 0 && undone->reckoned > 0) {
    context.print_line(
        "listings that an exemption ended, or that would have expired by now, don't come back: senders with a high "
        "enough score are listed again by their next incident that counts");
  }
  return kYes;
}

}  // namespace

void add_undo(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add(
      {.name = "undo",
       .summary = "Reverse what an entry of the log did",
       .notes =
           "list, import    ends its listings, unless a later decision changed them; those it replaced come back\n"
           "delist, exempt  listings that it ended come back, unless they would have expired; scores are as if it had "
           "never been made\n"
           "exempt --end    exempt again, with the former reason and end\n"
           "traps retire    a trap again; traps restore: retired again\n"
           "What has expired or was replaced since can't be undone, and neither can an undo (exit code 1).",
       .examples = "  blowback log --most 5\n"
                   "  blowback undo 12 --reason 'wrong file'\n"},
      [arguments](const Context& context) { return undo(context, *arguments); });
  command.option("ID", arguments->id, "The entry's id in `blowback log`").entry_id().required();
  add_reason(command, arguments->reason);
  add_dry_run(command, arguments->dry_run);
}

}  // namespace blowback::cli
