// `blowback undo ID`: takes back what an entry of the log did.
#include "command.h"
#include "score/replay.h"

#include <fmt/format.h>

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

/// What it did stands in its entry; what of it is in force still is found out by doing it.
int foretell(const Context& context, schema::Store& store, std::uint64_t id) {
  const auto entries = store.audit({.most = 1, .id = id});
  if (!entries) return context.complain(entries.error());
  schema::Undone known{.outcome = Outcome::unknown, .entry = {}};
  if (!entries->empty()) {
    known.entry = entries->front();
    known.outcome = known.entry.undoes ? Outcome::is_undo : known.entry.undone_by ? Outcome::already : Outcome::undone;
  }
  if (known.outcome != Outcome::undone) return context.complain(refusal(known, id), kNo);
  const auto& entry = known.entry;
  context.say(fmt::format("would undo: {} {} ({}, {}: {}), which changed {}, as far as it is still in force",
                          entry.action, harmless(entry.subject), entry.who, minute(entry.at), harmless(entry.reason),
                          entry.changes));
  return kYes;
}

}  // namespace

int undo(Context& context, std::uint64_t id, const std::string& reason, bool dry_run) {
  const auto decided = decision(context, reason);
  if (!decided) return kWrongUse;
  const auto config = context.config();
  if (!config) return context.failure;
  auto store = schema::Store::open(config->database, dry_run ? schema::Store::Mode::read : schema::Store::Mode::write);
  if (!store) return context.complain(store.error());
  if (dry_run) return foretell(context, *store, id);
  context.show_progress(*store, "undo");
  const auto undone = store->undo(id, *decided, config->policy, &score::reckon, context.world.now);
  if (!undone) return context.complain(undone.error());
  if (undone->outcome != Outcome::undone) return context.complain(refusal(*undone, id), kNo);
  const auto& entry = undone->entry;
  context.say(fmt::format("undone: {} {} ({}, {}: {})", entry.action, harmless(entry.subject), entry.who,
                          minute(entry.at), harmless(entry.reason)));
  std::string effect = fmt::format("{}, {}", counted(undone->listed, "came back"), counted(undone->ended, "ended"));
  if (undone->moved > 0) effect += ", " + counted(undone->moved, "became what it was");
  if (undone->reckoned > 0) {
    effect += fmt::format("; {} sender{} reckoned anew from recorded incidents", undone->reckoned,
                          undone->reckoned == 1 ? "" : "s");
  }
  context.say(effect);
  if (undone->listed == 0 && undone->reckoned > 0) {
    context.say(
        "what an exemption ended, or what is over by now, doesn't come back: the next incident that counts "
        "lists a sender again whose score is enough");
  }
  return kYes;
}

}  // namespace blowback::cli
