// What every command has: the config, the database, the world, and a way to say what went wrong.
//
// Each command is a function in a file of its own name; tool.cc knows their arguments.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "blowback/reach.h"
#include "cli/tool.h"
#include "config/config.h"
#include "output.h"
#include "schema/store.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::cli {

/// How many lines of a list are shown where nothing else is said.
inline constexpr std::size_t kMostLines = 100;

struct Context {
  const World& world;
  std::string config_file;
  std::string database;  ///< instead of the config's; "": the config's
  Format format = Format::table;
  bool bold = false;

  /// Reads the config, and takes `database` in.
  [[nodiscard]] std::expected<config::Config, config::ConfigError> load_config(
      config::TrapFile trap_file = config::TrapFile::read) const;
  /// Likewise. Empty: it was told on `err`; return `failure`.
  [[nodiscard]] std::optional<config::Config> config();
  /// Reads the config and opens the database. Empty likewise.
  [[nodiscard]] std::optional<schema::Store> store(schema::Store::Mode mode);
  /// What to return after `config` or `store` came back empty.
  int failure = kFailed;

  /// From now on the store's long work is told on `err`, if that is a terminal, as `what`.
  void show_progress(schema::Store& store, const std::string& what) const { store.work_in(progress(what)); }
  [[nodiscard]] schema::Slicing progress(const std::string& what) const;

  /// `blowback: text` on `err`; returns `code`.
  int complain(const std::string& text, int code) const;
  /// For a failed verb.
  int complain(const schema::StoreError& error) const;
  /// Prints a table in the format that was asked for.
  void print(const Table& table) const { table.print(world.out, look()); }
  /// How to print it.
  [[nodiscard]] Look look() const { return {.format = format, .now = world.now, .bold = bold, .width = world.columns}; }
  void say(const std::string& text) const;
};

/// What a person decided, as it goes on record. Empty: no reason was given, and that was told.
[[nodiscard]] std::optional<schema::Decision> decision(const Context& context, const std::string& reason);
/// `--for 14d` as a point in time. Outer empty: it was told on `err`.
[[nodiscard]] std::optional<std::optional<UnixTime>> until(const Context& context, const std::string& duration);
/// `--since 7d` as a point in time; absent where nothing was given. Outer empty likewise.
[[nodiscard]] std::optional<std::optional<UnixTime>> ago(const Context& context, std::string_view option,
                                                         const std::string& duration);
/// Empty: it was told on `err`.
[[nodiscard]] std::optional<IpAddress> address(const Context& context, const std::string& text);
/// For `text` that IpAddress::parse refuses: why, and where networks are asked for if it is one. Pure.
[[nodiscard]] std::string why_no_address(std::string_view text);
[[nodiscard]] std::optional<Prefix> prefix(const Context& context, const std::string& text);

/// For 127.0.0.1 and the zone's test points: why a listing by hand would change no answer. Absent: it would. Pure.
[[nodiscard]] std::optional<std::string> why_never_listed(const Prefix& network);

/// For a decision about one network: whether it may reach as far as it does. False: it may not, and that was told with
/// the number of addresses and the way on. `would`: what it would do to them, `list`. `where`: `bad.txt:7: `.
[[nodiscard]] bool may_reach(const Context& context, const Prefix& network, Permission permission,
                             std::string_view would, const std::string& where = {});

/// `dsn`, `auto_reply`, in the order of the answers.
[[nodiscard]] std::vector<std::string> names_of(CodeSet codes);

/// Addresses or networks: as arguments, a line each in `file`, or both.
struct SeveralArguments {
  std::vector<std::string> texts;  ///< `-`: standard input
  std::string file;                ///< "": none
};

// ── questions ──
int check(Context& context, const SeveralArguments& several);
int why(Context& context, const SeveralArguments& several);
/// `explains`: also how sure the judge was, and what decided.
int evidence(Context& context, const std::string& ip, std::size_t most, bool explains);
/// Which of many are shown; what is empty restricts nothing.
struct FilterArguments {
  std::string who;
  std::string since;    ///< `7d`
  std::string action;   ///< of log
  std::string subject;  ///< likewise
  std::string source;   ///< of listings: `automatic` or `operator`
  std::string code;     ///< likewise
  std::optional<std::size_t> most;
};
int listings(Context& context, const std::string& within, const FilterArguments& filter);
int exemptions(Context& context);
int log(Context& context, const FilterArguments& filter);
int history(Context& context, const std::string& ip, std::size_t most);
int quarantine(Context& context, std::size_t most, const std::string& show);
int stats(Context& context);
/// `only_changes`: without those who stay listed just as they are.
int policy_simulate(Context& context, const std::string& file, bool only_changes);
struct TopArguments {
  std::string by = "network";  ///< or `sender`, `campaign`
  std::string since = "7d";
  std::size_t most = 20;
  int ipv4_prefix = 24;
  int ipv6_prefix = 48;
};
int top(Context& context, const TopArguments& arguments);
/// `silent_for`: "" for all, else only those without a hit for so long.
int traps(Context& context, const std::string& silent_for);
/// `to`: the file that is replaced when all is written; "" is standard output.
int export_list(Context& context, const std::string& format, const std::string& to);
/// `explains`: below each line the signals that decided, the confidence, and what was read of the original.
int classify(Context& context, const std::vector<std::string>& paths, const std::vector<std::string>& trusted_relays,
             bool explains);

// ── decisions ──
struct DecisionArguments {
  std::string prefix;        ///< of list
  SeveralArguments several;  ///< of delist and exempt
  std::string reason;
  std::string duration;  ///< `14d`; "" is for good
  bool end = false;      ///< exempt: end the exemption
  bool wide = false;     ///< --wide
  bool dry_run = false;  ///< say what it would do, and change nothing
  [[nodiscard]] Permission permission() const { return wide ? Permission::wide : Permission::narrow_only; }
};
int list(Context& context, const DecisionArguments& arguments);
int delist(Context& context, const DecisionArguments& arguments);
int exempt(Context& context, const DecisionArguments& arguments);
int import(Context& context, const std::string& file, const DecisionArguments& arguments);

/// `dry_run`: only say what would be undone.
int undo(Context& context, std::uint64_t id, const std::string& reason, bool dry_run);
int traps_retire(Context& context, const std::string& address, const std::string& reason);
int traps_restore(Context& context, const std::string& address, const std::string& reason);
/// Both change the file that `traps.file` names; `trap` is an address, a domain, or `*.` and a domain.
int traps_add(Context& context, const std::string& trap);
int traps_remove(Context& context, const std::string& trap);

// ── outward ──
/// `resolver`: an address, with a port or without; "" is the system's.
int doctor(Context& context, const std::string& resolver);
struct ConformArguments {
  std::string zone;
  std::string server;  ///< an address, with a port or without; "": the zone's first name server
  std::string listed;  ///< an address that is listed; "": none is known but the test points
};
int conform(Context& context, const ConformArguments& arguments);

// ── the config ──
/// `daemon`: for `server` or `ingest` alone; "": for both.
int config_check(Context& context, const std::string& daemon);
int config_show(Context& context);

// ── upkeep ──
int db_migrate(Context& context);
int db_check(Context& context);
int db_backup(Context& context, const std::string& to);
int db_compact(Context& context);
int db_restore(Context& context, const std::string& from);

}  // namespace blowback::cli
