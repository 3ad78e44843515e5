// `blowback traps`: which traps are hit and which are silent; adds, removes, retires and restores traps.
//
// The only command that prints trap addresses unmasked. They are the operator's secret, so its output must not become public.
#include "arguments.h"
#include "blowback/text.h"
#include "commands.h"
#include "trap_file.h"
#include "trap_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace blowback::cli {
namespace {

/// The default of --silent-for.
constexpr Duration kSilent = std::chrono::days{30};

/// The traps in the database, and those in the config that were never hit: addresses, and domains of which no address was hit.
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

/// False for a whole domain (`@trap.example.net`), and for a feed that is one trap (`feed:traps`).
[[nodiscard]] bool is_address(std::string_view trap) { return !trap.starts_with('@') && trap.contains('@'); }

[[nodiscard]] std::string_view state_of(const schema::TrapRecord& record, const config::Traps& configured,
                                        UnixTime silent_since) {
  if (record.retired_since) return "retired";
  if (is_address(record.address) && !configured.is_trap(record.address)) return "not configured";
  if (!record.last_at) return "never hit";
  return *record.last_at < silent_since ? "silent" : "hit";
}

[[nodiscard]] bool is_silent(std::string_view state) { return state == "silent" || state == "never hit"; }

/// `config`: with the traps of the file.
[[nodiscard]] std::optional<TrapPlace> place_in_config(const Context& context, const std::string& trap,
                                                       const config::Config& config) {
  const auto own = context.load_config(config::TrapFile::left_out);
  const auto lines = config::lines_of(config.file);
  if (!own || !lines) return std::nullopt;
  return place_of(trap, *own, *lines, config.traps);
}

int traps(const Context& context, const std::string& silent_for) {
  auto silence = kSilent;
  if (!silent_for.empty()) {
    const auto given = duration(context, "--silent-for", silent_for);
    if (!given) return given.error();
    silence = *given;
  }
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  auto known = store.traps();
  if (!known) return context.fail(known.error());
  Table table({"trap", "state", "incidents", "senders", "campaigns", "first_hit", "last_hit", "retired"});
  for (const auto& record : with_configured(std::move(*known), config.traps)) {
    const auto state = state_of(record, config.traps, context.world.now - silence);
    if (!silent_for.empty() && !is_silent(state)) continue;
    table.add({Cell(as_configured(record.address, config.traps)), cell(state), Cell(record.incidents),
               Cell(record.senders), Cell(record.campaigns), cell(record.first_at), cell(record.last_at),
               Cell(record.reason)});
  }
  context.print(table);
  return kYes;
}

struct OneTrap {
  std::string address;
  std::string reason;
};

int retire(const Context& context, const OneTrap& arguments) {
  const auto decided = decision(context, arguments.reason);
  if (!decided) return decided.error();
  auto opened = context.open(schema::Store::Mode::write);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const auto trap = lower_case(arguments.address);
  if (const auto domain = config::trap_line(trap); domain && is_trap_domain(*domain)) {
    if (const auto place = place_in_config(context, *domain, config)) {
      return context.fail(
          fmt::format("a domain can't be retired; retire its addresses, or remove {} from {}", place->by, place->place),
          kNo);
    }
  }
  const auto known = store.traps();
  if (!known) return context.fail(known.error());
  const bool was_hit =
      std::ranges::any_of(*known, [&](const schema::TrapRecord& record) { return record.address == trap; });
  if (!was_hit && !(is_address(trap) && config.traps.is_trap(trap))) {
    return context.fail(
        fmt::format("{} isn't a trap: it isn't in the config, and was never hit; see `blowback traps`", harmless(trap)),
        kNo);
  }
  const auto retired = store.retire_trap(trap, *decided, context.world.now);
  if (!retired) return context.fail(retired.error());
  if (!*retired) return context.fail(harmless(trap) + " is retired already", kNo);
  context.print_line(
      fmt::format("{} is retired: mail for it is ignored from now on; its earlier reports still count, and "
                  "fade",
                  harmless(trap)));
  return kYes;
}

int restore(const Context& context, const OneTrap& arguments) {
  const auto decided = decision(context, arguments.reason);
  if (!decided) return decided.error();
  auto opened = context.open(schema::Store::Mode::write);
  if (!opened) return opened.error();
  auto& store = opened->store;
  const auto trap = lower_case(arguments.address);
  const auto restored = store.restore_trap(trap, *decided, context.world.now);
  if (!restored) return context.fail(restored.error());
  if (!*restored) return context.fail(harmless(trap) + " isn't retired; see `blowback traps`", kNo);
  context.print_line(harmless(trap) + " is a trap again");
  return kYes;
}

}  // namespace

void add_traps(Command& tool) {
  const auto silent_for = std::make_shared<std::string>();
  auto command = tool.add({.name = "traps",
                           .summary = "Which traps are hit and which are silent",
                           .notes = "Prints trap addresses unmasked: keep its output secret.",
                           .examples = "  blowback traps\n"
                                       "  blowback traps --silent-for 90d\n"},
                          [silent_for](const Context& context) { return traps(context, *silent_for); });
  command.option("--silent-for", *silent_for, "Only those without a hit for this long, such as 30d");
  command.format();

  constexpr const char* kTrap = "An address, a domain, or *. and a domain to include all names below it";
  constexpr const char* kFile = "The file is traps.file in the config. Ingest reads it at a reload.";
  const auto added = std::make_shared<std::string>();
  command
      .add({.name = "add",
            .summary = "Add a trap to the file of traps",
            .notes = kFile,
            .examples = "  blowback traps add old.user@example.com && systemctl reload blowback-ingest\n"
                        "  blowback traps add '*.trap.example.net'\n"},
           [added](const Context& context) { return add_to_trap_file(context, *added); })
      .option("TRAP", *added, kTrap)
      .required();
  const auto removed = std::make_shared<std::string>();
  command
      .add({.name = "remove",
            .summary = "Remove a trap from the file of traps",
            .notes = kFile,
            .examples = "  blowback traps remove old.user@example.com\n"},
           [removed](const Context& context) { return remove_from_trap_file(context, *removed); })
      .option("TRAP", *removed, kTrap)
      .required();

  const auto retired = std::make_shared<OneTrap>();
  auto retiring =
      command.add({.name = "retire",
                   .summary = "Ignore mail for this trap from now on",
                   .notes = "Its earlier reports still count, and fade. `traps restore` or `undo` reverses it.",
                   .examples = "  blowback traps retire old.user@example.com --reason 'the address is in use again'\n"},
                  [retired](const Context& context) { return retire(context, *retired); });
  retiring.option("ADDRESS", retired->address, "The trap's address").required();
  add_reason(retiring, retired->reason);
  const auto restored = std::make_shared<OneTrap>();
  auto restoring =
      command.add({.name = "restore",
                   .summary = "Count mail for a retired trap again",
                   .notes = {},
                   .examples = "  blowback traps restore old.user@example.com --reason 'it is free again'\n"},
                  [restored](const Context& context) { return restore(context, *restored); });
  restoring.option("ADDRESS", restored->address, "The trap's address").required();
  add_reason(restoring, restored->reason);
}

}  // namespace blowback::cli
