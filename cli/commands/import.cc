// `blowback import FILE`: lists the networks in a file, which may have millions of lines. Its format: import_file.h.
#include "arguments.h"
#include "blowback/exemption_set.h"
#include "commands.h"
#include "import_file.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>

namespace blowback::cli {
namespace {

/// What happened to the networks.
struct Counts {
  std::uint64_t listed = 0;     ///< listed now, or changed in reason or end
  std::uint64_t unchanged = 0;  ///< already listed with the same reason and end
  std::uint64_t exempt = 0;     ///< exempt, so not listed
};

/// Lists the networks of a file that have the same terms.
[[nodiscard]] schema::Result<Counts> list_group(schema::Store& store, const Terms& terms,
                                                const std::vector<Prefix>& prefixes, const std::string& who,
                                                const std::string& source, UnixTime now, Permission permission) {
  const auto listed = store.list(prefixes, terms.until, {.who = who, .reason = terms.reason}, now, source, permission);
  if (!listed) return std::unexpected(listed.error());
  return Counts{.listed = listed->changed,
                .unchanged = listed->standing - listed->changed,
                .exempt = prefixes.size() - listed->standing};
}

/// What listing the whole file would result in.
[[nodiscard]] schema::Result<Counts> counts_of_dry_run(schema::Store& store, const Imported& file, UnixTime now) {
  const auto exemptions = store.exemptions(now);
  if (!exemptions) return std::unexpected(exemptions.error());
  ExemptionSet exempt;
  for (const auto& exemption : *exemptions) exempt.put(exemption.prefix, exemption.expires_at);
  std::map<Prefix, const Terms*> wanted;
  Counts counts;
  for (const auto& [terms, prefixes] : file.groups) {
    for (const auto& prefix : prefixes) {
      if (exempt.covers(prefix, now)) {
        ++counts.exempt;
      } else {
        wanted.emplace(prefix, &terms);
      }
    }
  }
  const auto visited = store.for_each_listing({.source = Source::by_operator}, now, [&](const Listing& listing) {
    const auto found = wanted.find(listing.prefix);
    if (found == wanted.end()) return;
    if (found->second->reason == listing.reason && found->second->until == listing.expires_at) ++counts.unchanged;
  });
  if (!visited) return std::unexpected(visited.error());
  counts.listed = wanted.size() - counts.unchanged;
  return counts;
}

void print_counts(const Context& context, const Imported& file, const Counts& counts, bool dry_run) {
  context.print_line(
      fmt::format("{} line{}: {} {}listed, {} unchanged, {} exempt, {} duplicate{}, {} comment{} or blank, {} not "
                  "understood",
                  file.lines, file.lines == 1 ? "" : "s", counts.listed, dry_run ? "would be " : "", counts.unchanged,
                  counts.exempt, file.duplicates, file.duplicates == 1 ? "" : "s", file.comments,
                  file.comments == 1 ? "" : "s", file.refused));
}

struct Arguments {
  std::string file;
  DecisionArguments decision;
};

int import(const Context& context, const Arguments& arguments) {
  const auto& [reason, duration, wide, dry_run] = arguments.decision;
  const auto permission = arguments.decision.permission();
  const auto decided = decision(context, reason);
  const auto ends = until(context, duration);
  if (!decided || !ends) return kWrongUse;
  auto input = Input::open(context, arguments.file);
  if (!input) return input.error();
  const std::string& source = input->name();
  const auto read = read_import(context, *input, {.reason = decided->reason, .until = *ends}, permission);
  if (input->failed()) return context.fail(source + ": reading failed before its end; nothing was imported", kFailed);
  if (read.all.empty()) return context.fail(source + ": no address or network in it", kNo);

  const auto reach = reach_of(read.all);
  if (reach.breadth != Breadth::narrow && !wide) {
    // All or nothing: such a line puts the other lines of the file in doubt, too.
    const auto why = read.wide > 0 ? fmt::format("{} line{} need{} --wide", read.wide, read.wide == 1 ? "" : "s",
                                                 read.wide == 1 ? "s" : "")
                                   : in_words(reach);
    return context.fail(fmt::format("{}: {}; the file names {}. Nothing was imported; if that is intended, add "
                                    "--wide, else correct the file",
                                    source, why, to_string(reach.addresses)),
                        kWrongUse);
  }
  const UnixTime now = context.world.now;
  auto opened = context.open(dry_run ? schema::Store::Mode::read : schema::Store::Mode::create);
  if (!opened) return opened.error();
  auto& store = opened->store;
  Counts counts;
  if (dry_run) {
    const auto would_be = counts_of_dry_run(store, read, now);
    if (!would_be) return context.fail(would_be.error());
    counts = *would_be;
  } else {
    context.show_progress(store, "import");
    std::size_t done = 0;
    for (const auto& [terms, prefixes] : read.groups) {
      const auto listed = list_group(store, terms, prefixes, decided->who, source, now, permission);
      if (!listed) {
        if (done > 0) {
          context.warn(fmt::format("{}: {} of {} networks were imported; the same command goes on with the others",
                                   source, done, read.all.size()));
        }
        return context.fail(listed.error());
      }
      counts.listed += listed->listed;
      counts.unchanged += listed->unchanged;
      counts.exempt += listed->exempt;
      done += prefixes.size();
    }
  }
  print_counts(context, read, counts, dry_run);
  if (wide) context.print_line(fmt::format("{} in all", to_string(reach.addresses)));
  return read.refused == 0 ? kYes : kNo;
}

}  // namespace

void add_import(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add(
      {.name = "import",
       .summary = "List the networks in a file: one per line, or CSV with reason and end",
       .notes =
           "A line is `192.0.2.0/24`, a comment after # or ;, or CSV: `192.0.2.0/24,reason,until`, with a day "
           "(2026-12-24)\nor a duration (14d) as until. A first line such as `network,until,reason` names the columns. "
           "--reason and --for\nare for lines without their own.\n"
           "Lines that aren't understood are reported and left out (exit code 1); all others are listed.\n"
           "Lines that need --wide are reported; without it nothing is imported (exit code 2).",
       .examples = "  blowback import bad.txt --reason 'partner list' --for 30d\n"
                   "  blowback import drop.txt --reason 'Spamhaus DROP' --for 2d --dry-run\n"
                   "  grep -v ^: list.txt | blowback import - --reason 'partner list'\n"},
      [arguments](const Context& context) { return import(context, *arguments); });
  command.option("FILE", arguments->file, "File; - for standard input").required();
  add_reason(command, arguments->decision.reason);
  add_duration(command, arguments->decision.duration);
  add_wide(command, arguments->decision.wide);
  add_dry_run(command, arguments->decision.dry_run);
}

}  // namespace blowback::cli
