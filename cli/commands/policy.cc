// `blowback policy simulate FILE`: replays the recorded incidents under another policy, and shows how the list would change.
#include "account/codes.h"
#include "arguments.h"
#include "commands.h"
#include "score/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

/// Score and listing of a sender under one policy.
struct Outlook {
  double score = 0;
  std::optional<UnixTime> until;  ///< absent: not listed
  CodeSet codes;
};

[[nodiscard]] Outlook outlook(const Standing& standing, const std::optional<Listing>& listing, const Policy& policy,
                              UnixTime now) {
  Outlook made{.score = faded(standing.score, now, policy.half_life), .until = {}, .codes = {}};
  if (listing && listing->in_force(now)) {
    made.until = listing->expires_at;
    made.codes = listing->codes;
  }
  return made;
}

enum class Change : std::uint8_t { listed, gone, stays };

[[nodiscard]] std::string_view name_of(Change change) {
  switch (change) {
    case Change::listed:
      return "listed";
    case Change::gone:
      return "gone";
    case Change::stays:
      return "stays";
  }
  return "";
}

struct Row {
  Change change = Change::stays;
  Prefix sender;
  Outlook before;
  Outlook after;

  [[nodiscard]] bool is_the_same() const { return before.until == after.until && before.codes == after.codes; }
};

struct Outcome {
  std::uint64_t incidents = 0;
  std::uint64_t senders = 0;
  std::vector<Row> rows;  ///< of senders that are listed or would be
};

[[nodiscard]] schema::Result<Outcome> simulate(schema::Store& store, const Policy& present, const Policy& tried,
                                               UnixTime now) {
  const auto past = store.decisions(now);
  if (!past) return std::unexpected(past.error());
  const score::Decisions decisions(*past);
  Outcome outcome;
  const auto visited = store.for_each_sender(now, [&](const schema::SenderRecord& record) {
    if (record.accusations.empty() && record.from.as_of == UnixTime::min()) return;
    const Prefix& sender = record.standing->sender;
    ++outcome.senders;
    outcome.incidents += record.accusations.size();
    const auto reckoned = score::reckon(tried, record.from, record.accusations, decisions.of(sender), now);
    Row row{.change = Change::stays,
            .sender = sender,
            .before = outlook(*record.standing, record.listing, present, now),
            .after = outlook(reckoned.standing, reckoned.listing, tried, now)};
    if (!row.before.until && !row.after.until) return;
    if (!row.before.until) row.change = Change::listed;
    if (!row.after.until) row.change = Change::gone;
    outcome.rows.push_back(row);
  });
  if (!visited) return std::unexpected(visited.error());
  std::ranges::stable_sort(outcome.rows, {}, &Row::change);
  return outcome;
}

[[nodiscard]] std::string summary(const Outcome& outcome) {
  std::uint64_t listed = 0;
  std::uint64_t gone = 0;
  std::uint64_t longer = 0;
  std::uint64_t shorter = 0;
  for (const auto& row : outcome.rows) {
    listed += row.change == Change::listed ? 1 : 0;
    gone += row.change == Change::gone ? 1 : 0;
    if (row.change != Change::stays) continue;
    longer += *row.after.until > *row.before.until ? 1 : 0;
    shorter += *row.after.until < *row.before.until ? 1 : 0;
  }
  const auto stay = outcome.rows.size() - listed - gone;
  return fmt::format(
      "{} incidents of {} senders replayed: {} listed now, {} would be; {} would be listed, {} would go, {} stay ({} "
      "longer, {} shorter)",
      outcome.incidents, outcome.senders, stay + gone, stay + listed, listed, gone, stay, longer, shorter);
}

/// Prints `policy.list_at = 4 instead of 3`, one line for each key that differs.
void print_differences(std::FILE* out, const Policy& present, const Policy& tried) {
  const auto differing = config::differences(present, tried);
  for (const auto& [key, now, then] : differing) fmt::print(out, "{} = {} instead of {}\n", key, then, now);
  if (differing.empty()) fmt::print(out, "no key differs from the policy in force\n");
}

struct Arguments {
  std::string file;
  bool only_changes = false;  ///< leave out senders that stay listed just as they are
};

int policy_simulate(const Context& context, const Arguments& arguments) {
  const auto config = context.config();
  if (!config) return config.error();
  const auto tried = config::load_policy(arguments.file, config->policy);
  if (!tried) return context.fail(tried.error().text, kWrongUse);
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  const auto outcome = simulate(opened->store, config->policy, *tried, context.world.now);
  if (!outcome) return context.fail(outcome.error());

  const bool for_people = context.format == Format::table;
  // On standard output programs get the table only.
  std::FILE* const beside = for_people ? context.world.out : context.world.err;
  print_differences(beside, config->policy, *tried);
  const auto time = [&](std::optional<UnixTime> at) {
    return at && for_people ? Cell(minute(*at)) : cell(at);  // without "in 11 days", since there are two such columns
  };
  Table table({"change", "sender", "score_before", "score_after", "until_before", "until_after", "codes"});
  for (const auto& row : outcome->rows) {
    if (arguments.only_changes && row.change == Change::stays && row.is_the_same()) continue;
    table.add({cell(name_of(row.change)), cell(row.sender.to_string()), Cell(row.before.score), Cell(row.after.score),
               time(row.before.until), time(row.after.until),
               Cell(account::names_of(row.after.until ? row.after.codes : row.before.codes))});
  }
  context.print(table);
  fmt::print(beside, "{}\n", summary(*outcome));
  return kYes;
}

}  // namespace

void add_policy(Command& tool) {
  auto policy = tool.add_group({.name = "policy",
                                .summary = "Try another policy before it is in force",
                                .notes = {},
                                .examples = "  blowback policy simulate stricter.toml\n"});
  const auto arguments = std::make_shared<Arguments>();
  auto command = policy.add(
      {.name = "simulate",
       .summary = "Replay all recorded incidents: which senders would be listed or delisted",
       .notes =
           "Changes nothing. Delistings and exemptions are replayed, too; listings by operators aren't considered.",
       .examples = "  printf '[policy]\\nlist_at = 4.0\\ndistinct_traps = 3\\n' > stricter.toml\n"
                   "  blowback policy simulate stricter.toml\n"
                   "  blowback policy simulate stricter.toml --changed --format csv > difference.csv\n"},
      [arguments](const Context& context) { return policy_simulate(context, *arguments); });
  command.option("FILE", arguments->file, "A config, or a file with a [policy]; other keys keep their values")
      .required();
  command.flag("--changed", arguments->only_changes, "Leave out senders whose listing doesn't change");
  command.format();
}

}  // namespace blowback::cli
