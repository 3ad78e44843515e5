// `blowback db migrate|check|backup|restore|compact`.
#include "command.h"
#include "expiry/retention_clock.h"
#include "score/replay.h"

#include <fmt/format.h>

namespace blowback::cli {

namespace {

/// What ingest does bit by bit, all at once: incidents of the former format are moved to the tables of this one.
[[nodiscard]] bool convert(Context& context, schema::Store& store) {
  const auto config = context.config();
  if (!config) return false;
  expiry::KeptRetentionClock clock(store);
  while (true) {
    const auto kept = store.kept(context.world.now);
    if (kept && kept->to_convert == 0) return true;
    if (!kept) {
      context.failure = context.complain(kept.error());
      return false;
    }
    const auto expiring = clock.now(context.world.now);
    if (!expiring) {
      context.failure = context.complain(expiring.error());
      return false;
    }
    const auto done = store.keep_up(*expiring, config->policy, config->retention, &score::reckon);
    if (!done) {
      context.failure = context.complain(done.error());
      return false;
    }
  }
}

}  // namespace

int db_migrate(Context& context) {
  auto store = context.store(schema::Store::Mode::create);
  if (!store) return context.failure;
  const int found = store->version_found();
  if (!convert(context, *store)) return context.failure;
  const int now = schema::schema_version();
  std::string done = fmt::format("format {} became {}", found, now);
  if (found == now) done = fmt::format("format {}: nothing to do", now);
  if (found == 0) done = fmt::format("made, format {}", now);
  context.say(done);
  return kYes;
}

int db_check(Context& context) {
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  const auto findings = store->check_integrity();
  if (!findings) return context.complain(findings.error());
  for (const auto& finding : *findings) context.say(finding);
  if (findings->empty()) context.say("ok");
  return findings->empty() ? kYes : kNo;
}

int db_backup(Context& context, const std::string& to) {
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  context.show_progress(*store, "backup (pages)");
  const auto copied = store->backup(to);
  if (!copied) return context.complain(copied.error());
  context.say("backup written to " + to);
  return kYes;
}

int db_compact(Context& context) {
  const auto config = context.config();
  if (!config) return context.failure;
  const auto compacted = schema::Store::compact(config->database, context.progress("compact (pages)"));
  if (!compacted) return context.complain(compacted.error());
  context.say(fmt::format("{}: {} MiB, was {} MiB", compacted->built_anew ? "built anew" : "compacted",
                          compacted->octets_after >> 20U, compacted->octets_before >> 20U));
  return kYes;
}

int db_restore(Context& context, const std::string& from) {
  const auto config = context.config();
  if (!config) return context.failure;
  const auto restored = schema::Store::restore(from, config->database);
  if (!restored) return context.complain(restored.error());
  context.say(fmt::format("restored {}: format {}, serial {}", from, restored->format, restored->serial));
  if (!restored->kept.empty()) context.say("what was there before is " + restored->kept);
  return kYes;
}

}  // namespace blowback::cli
