// `blowback undo ID`: takes back what an entry of the log did.
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
      return fmt::format("{} was undone already, by entry {}", what, entry.undone_by.value_or(0));
    case Outcome::is_undo:
      return fmt::format("{} is an undo itself and can't be undone; make the change of entry {} again", what,
                         entry.undoes.value_or(0));
    case Outcome::too_old:
      return fmt::format(
          "{} is too old: what it changed is on record from {} on ([retention] incidents and journal); make the "
          "opposite "
          "change instead",
          what, undone.reaches_back_to ? to_iso8601(*undone.reaches_back_to) : "now");
    case Outcome::superseded:
      return fmt::format(
          "nothing of {} is in force any more: it ended by itself, or a later decision replaced it; see `blowback log`",
          what);
  }
  return {};
}

/// Of the listings that an entry of action list or import made, those in force. Each stands there with the entry's terms.
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

/// What undoing an entry would come to, as far as that can be counted without doing it.
[[nodiscard]] schema::Result<std::string> prospect(schema::Store& store, const schema::AuditEntry& entry,
                                                   UnixTime now) {
  const auto& action = entry.action;
  const auto subject = harmless(entry.subject);
  const std::string back =
      "what it ended comes back, unless it would be over by now or something else stands there; the senders within it "
      "are reckoned anew from recorded incidents";
  if (action == "list" || action == "import") {
    const auto ending = in_force(store, entry, now);
    if (!ending) return std::unexpected(ending.error());
    return counted(*ending, "would end") + "; what it replaced comes back, unless it would be over by now";
  }
  if (action == "end-exemption") {
    const auto network = Prefix::parse(entry.subject);
    const auto ending = network ? listings_within(store, *network, now) : schema::Result<std::uint64_t>(0);
    if (!ending) return std::unexpected(ending.error());
    return fmt::format("{} would be exempt again; {}", subject, counted(*ending, "would end"));
  }
  if (action == "exempt") return fmt::format("{} would be exempt no more; {}", subject, back);
  if (action == "delist") return fmt::format("it ended {}; {}", counted(entry.changes, "in all"), back);
  if (action == "retire-trap") return subject + " would be a trap again";
  if (action == "restore-trap") return subject + " would be retired again";
  return std::string();
}

/// What undoing did to the thing itself, beside listings; "" where listings are all.
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
  if (found == exemptions->end()) return subject + " is exempt no more";
  return fmt::format("{} is exempt again{} ({})", subject,
                     found->expires_at ? ", until " + when(*found->expires_at, now) : std::string(),
                     harmless(found->reason));
}

/// What it did stands in its entry; what of it is in force still is found out by doing it.
int foretell(const Context& context, schema::Store& store, std::uint64_t id) {
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
  if (dry_run) return foretell(context, store, id);
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
  if (undone->moved > 0) effect += ", " + counted(undone->moved, "became what it was");
  if (undone->reckoned > 0) {
    effect += fmt::format("; {} sender{} reckoned anew from recorded incidents", undone->reckoned,
                          undone->reckoned == 1 ? "" : "s");
  }
  context.print_line(effect);
  if (undone->left_alone > 0) {
    context.print_line(
        fmt::format("{} sender{} left as {}: so much came from {} since that what was recorded before the decision is "
                    "no longer kept",
                    undone->left_alone, undone->left_alone == 1 ? " is" : "s are",
                    undone->left_alone == 1 ? "it is" : "they are", undone->left_alone == 1 ? "it" : "each"));
  }
  if (undone->listed == 0 && undone->reckoned > 0) {
    context.print_line(
        "what an exemption ended, or what is over by now, doesn't come back: the next incident that counts "
        "lists a sender again whose score is enough");
  }
  return kYes;
}

}  // namespace

void add_undo(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add(
      {.name = "undo",
       .summary = "Take back what an entry of the log did",
       .notes = "list, import    ends what it listed, unless a later decision touched it; what it replaced comes back\n"
                "delist, exempt  what it ended comes back, unless it would be over by now; senders stand as if it had "
                "never been\n"
                "exempt --end    exempt again, with its first reason and end\n"
                "traps retire    a trap again; traps restore: retired again\n"
                "What has ended by itself, or was replaced since, can't be undone, and neither can an undo (exit code "
                "1).",
       .examples = "  blowback log --most 5\n"
                   "  blowback undo 12 --reason 'wrong file'\n"},
      [arguments](const Context& context) { return undo(context, *arguments); });
  command.option("ID", arguments->id, "The entry's id in `blowback log`").entry_id().required();
  add_reason(command, arguments->reason);
  add_dry_run(command, arguments->dry_run);
}

}  // namespace blowback::cli
