// `blowback db migrate|check|backup|restore|compact`.
#include "arguments.h"
#include "commands.h"
#include "expiry/retention_clock.h"
#include "score/replay.h"

#include <fmt/format.h>

#include <memory>

namespace blowback::cli {

namespace {

/// Does at once what ingest does bit by bit: moves incidents of the former format to the tables of this one. Returns kYes, or the
/// exit code of an error that was printed.
int convert(const Context& context, const config::Config& config, schema::Store& store) {
  expiry::KeptRetentionClock clock(store);
  while (true) {
    const auto kept = store.kept(context.world.now);
    if (kept && kept->to_convert == 0) return kYes;
    if (!kept) return context.fail(kept.error());
    const auto expiring = clock.now(context.world.now);
    if (!expiring) return context.fail(expiring.error());
    const auto done = store.keep_up(*expiring, config.policy, config.retention, &score::reckon);
    if (!done) return context.fail(done.error());
  }
}

int migrate(const Context& context) {
  auto opened = context.open(schema::Store::Mode::create);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const int found = store.version_found();
  if (const int code = convert(context, config, store); code != kYes) return code;
  const int now = schema::schema_version();
  std::string done = fmt::format("format {} became {}", found, now);
  if (found == now) done = fmt::format("format {}: nothing to do", now);
  if (found == 0) done = fmt::format("created, format {}", now);
  context.print_line(done);
  return kYes;
}

int check(const Context& context) {
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& store = opened->store;
  const auto findings = store.check_integrity();
  if (!findings) return context.fail(findings.error());
  for (const auto& finding : *findings) context.print_line(finding);
  if (findings->empty()) context.print_line("ok");
  return findings->empty() ? kYes : kNo;
}

int backup(const Context& context, const std::string& to) {
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& store = opened->store;
  context.show_progress(store, "backup (pages)");
  const auto copied = store.backup(to);
  if (!copied) return context.fail(copied.error());
  context.print_line("backup written to " + to);
  return kYes;
}

int compact(const Context& context) {
  const auto config = context.config();
  if (!config) return config.error();
  const auto compacted = schema::Store::compact(config->database, context.progress("compact (pages)"));
  if (!compacted) return context.fail(compacted.error());
  context.print_line(fmt::format("{}: {} MiB, was {} MiB", compacted->built_anew ? "rebuilt" : "compacted",
                                 compacted->octets_after >> 20U, compacted->octets_before >> 20U));
  return kYes;
}

int restore(const Context& context, const std::string& from) {
  const auto config = context.config();
  if (!config) return config.error();
  const auto restored = schema::Store::restore(from, config->database, context.world.now);
  if (!restored) return context.fail(restored.error());
  context.print_line(fmt::format("restored {}: format {}, serial {} (the backup's was {})", from, restored->format,
                                 restored->serial, restored->backup_serial));
  if (!restored->knows_former) {
    context.print_line(
        "the former database is lost or has another history, so the serial was moved further than it can have been");
  }
  if (!restored->kept.empty()) context.print_line("the former database is now " + restored->kept);
  return kYes;
}

}  // namespace

void add_db(Command& tool) {
  auto db = tool.add_group(
      {.name = "db", .summary = "Maintain the database", .notes = {}, .examples = "  blowback db check\n"});
  db.add({.name = "migrate",
          .summary = "Create the database, or migrate it to this program's format",
          .notes = {},
          .examples = "  blowback db migrate\n"},
         migrate);
  db.add({.name = "check",
          .summary = "Check its integrity; prints what is damaged",
          .notes = {},
          .examples = "  blowback db check && echo whole\n"},
         check);
  const auto copy = std::make_shared<std::string>();
  db.add({.name = "backup",
          .summary = "Write a consistent copy, even while others write",
          .notes = {},
          .examples = "  blowback db backup /var/backups/blowback-$(date +%F).db\n"},
         [copy](const Context& context) { return backup(context, *copy); })
      .option("FILE", *copy, "The copy; a former backup is replaced")
      .required();
  const auto from = std::make_shared<std::string>();
  db.add({.name = "restore",
          .summary = "Replace the database by a backup; stop the daemons first",
          .notes = {},
          .examples = "  blowback db restore /var/backups/blowback-2026-11-25.db\n"},
         [from](const Context& context) { return restore(context, *from); })
      .option("FILE", *from, "The backup")
      .required();
  db.add({.name = "compact",
          .summary = "Return unused space to the file system",
          .notes = {},
          .examples = "  blowback db compact\n"},
         compact);
}

}  // namespace blowback::cli
