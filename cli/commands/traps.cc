// `blowback traps`: which traps are hit and which are silent; and which one is to be a trap no more.
//
// The only command that shows trap addresses whole. They are the operator's secret: nothing that it prints belongs in public.
#include "blowback/text.h"
#include "command.h"
#include "trap_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace blowback::cli {
namespace {

/// Where `--silent-for` isn't given.
constexpr Duration kSilent = std::chrono::days{30};

/// Traps of the database, and those of the config that were never hit: addresses, and domains without a hit on any address.
[[nodiscard]] std::vector<schema::TrapRecord> with_configured(std::vector<schema::TrapRecord> known,
                                                              const config::Traps& configured) {
  const auto add = [&](std::string address) {
    schema::TrapRecord record;
    record.address = std::move(address);
    known.push_back(std::move(record));
  };
  const auto hit = known.size();
  const auto any_hit = [&](auto is_it) {
    return std::any_of(known.begin(), known.begin() + static_cast<std::ptrdiff_t>(hit),
                       [&](const schema::TrapRecord& record) { return is_it(record.address); });
  };
  for (const auto& address : configured.addresses) {
    if (!any_hit([&](const std::string& known_address) { return known_address == address; })) add(address);
  }
  for (const auto& domain : configured.domains) {
    if (!any_hit([&](const std::string& address) {
          return address.ends_with("@" + domain) || configured.witness_of(address) == "@" + domain;
        }))
      add("@" + domain);
  }
  return known;
}

/// Not a domain as a whole (`@trap.example.net`), nor a feed that stands for its trap (`feed:traps`).
[[nodiscard]] bool is_address(std::string_view trap) { return !trap.starts_with('@') && trap.contains('@'); }

[[nodiscard]] std::string_view state_of(const schema::TrapRecord& record, const config::Traps& configured,
                                        UnixTime silent_since) {
  if (record.retired_since) return "retired";
  if (is_address(record.address) && !configured.is_trap(record.address)) return "not configured";
  if (!record.last_at) return "never hit";
  return *record.last_at < silent_since ? "silent" : "hit";
}

[[nodiscard]] bool is_silent(std::string_view state) { return state == "silent" || state == "never hit"; }

/// `config` has the traps of the file, too.
[[nodiscard]] std::optional<TrapPlace> place_in_config(const Context& context, const std::string& trap,
                                                       const config::Config& config) {
  const auto own = context.load_config(config::TrapFile::left_out);
  const auto lines = config::lines_of(config.file);
  if (!own || !lines) return std::nullopt;
  return place_of(trap, *own, *lines, config.traps);
}

}  // namespace

int traps(Context& context, const std::string& silent_for) {
  auto silence = kSilent;
  if (!silent_for.empty()) {
    const auto parsed = parse_duration(silent_for);
    if (!parsed || *parsed <= Duration{0}) {
      return context.complain(
          fmt::format("--silent-for {}: {}", silent_for, parsed ? "must be longer than nothing" : parsed.error().text),
          kWrongUse);
    }
    silence = *parsed;
  }
  const auto config = context.config();
  if (!config) return context.failure;
  auto store = schema::Store::open(config->database, schema::Store::Mode::read);
  if (!store) return context.complain(store.error());
  auto known = store->traps();
  if (!known) return context.complain(known.error());
  Table table({"trap", "state", "incidents", "senders", "campaigns", "first_hit", "last_hit", "retired"});
  for (const auto& record : with_configured(std::move(*known), config->traps)) {
    const auto state = state_of(record, config->traps, context.world.now - silence);
    if (!silent_for.empty() && !is_silent(state)) continue;
    table.add({Cell(as_configured(record.address, config->traps)), cell(state), Cell(record.incidents),
               Cell(record.senders), Cell(record.campaigns), cell(record.first_at), cell(record.last_at),
               Cell(record.reason)});
  }
  context.print(table);
  return kYes;
}

int traps_retire(Context& context, const std::string& address, const std::string& reason) {
  const auto decided = decision(context, reason);
  if (!decided) return kWrongUse;
  const auto config = context.config();
  if (!config) return context.failure;
  auto store = schema::Store::open(config->database, schema::Store::Mode::write);
  if (!store) return context.complain(store.error());
  const auto trap = lower_case(address);
  if (const auto domain = config::trap_line(trap); domain && is_trap_domain(*domain)) {
    if (const auto place = place_in_config(context, *domain, *config)) {
      return context.complain(fmt::format("a domain can't be retired; retire addresses of it, or take {} out of {}",
                                          place->by, place->place),
                              kNo);
    }
  }
  const auto known = store->traps();
  if (!known) return context.complain(known.error());
  const bool was_hit =
      std::ranges::any_of(*known, [&](const schema::TrapRecord& record) { return record.address == trap; });
  if (!was_hit && !(is_address(trap) && config->traps.is_trap(trap))) {
    return context.complain(
        fmt::format("{} is no trap: the config doesn't name it, and it was never hit; see `blowback traps`",
                    harmless(trap)),
        kNo);
  }
  const auto retired = store->retire_trap(trap, *decided, context.world.now);
  if (!retired) return context.complain(retired.error());
  if (!*retired) return context.complain(harmless(trap) + " is retired already", kNo);
  context.say(
      fmt::format("{} is retired: what comes for it from now on is left alone; what it reported before counts on "
                  "and fades",
                  harmless(trap)));
  return kYes;
}

int traps_restore(Context& context, const std::string& address, const std::string& reason) {
  const auto decided = decision(context, reason);
  if (!decided) return kWrongUse;
  auto store = context.store(schema::Store::Mode::write);
  if (!store) return context.failure;
  const auto trap = lower_case(address);
  const auto restored = store->restore_trap(trap, *decided, context.world.now);
  if (!restored) return context.complain(restored.error());
  if (!*restored) return context.complain(harmless(trap) + " isn't retired; see `blowback traps`", kNo);
  context.say(harmless(trap) + " is a trap again");
  return kYes;
}

}  // namespace blowback::cli
