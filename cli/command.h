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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::cli {

struct Context {
  const World& world;
  std::string config_file;
  Format format = Format::table;
  bool bold = false;

  /// Reads the config. Empty: it was told on `err`; return `failure`.
  [[nodiscard]] std::optional<config::Config> config();
  /// Reads the config and opens the database. Empty likewise.
  [[nodiscard]] std::optional<schema::Store> store(schema::Store::Mode mode);
  /// What to return after `config` or `store` came back empty.
  int failure = kFailed;

  /// From now on the store's long work is told on `err`, if that is a terminal, as `what`.
  void show_progress(schema::Store& store, std::string what) const { store.work_in(progress(std::move(what))); }
  [[nodiscard]] schema::Slicing progress(std::string what) const;

  /// `blowback: text` on `err`; returns `code`.
  int complain(const std::string& text, int code) const;
  /// For a failed verb.
  int complain(const schema::StoreError& error) const {
    return complain(error.text, error.code == schema::StoreError::Code::too_wide ? kWrongUse : kFailed);
  }
  /// Prints a table in the format that was asked for.
  void print(const Table& table) const { table.print(world.out, format, world.now, bold); }
  void say(const std::string& text) const;
};

/// What a person decided, as it goes on record. Empty: no reason was given, and that was told.
[[nodiscard]] std::optional<schema::Decision> decision(const Context& context, const std::string& reason);
/// `--for 14d` as a point in time. Outer empty: it was told on `err`.
[[nodiscard]] std::optional<std::optional<UnixTime>> until(const Context& context, const std::string& duration);
/// Empty: it was told on `err`.
[[nodiscard]] std::optional<IpAddress> address(const Context& context, const std::string& text);
[[nodiscard]] std::optional<Prefix> prefix(const Context& context, const std::string& text);

/// For a decision about one network: whether it may reach as far as it does. False: it may not, and that was told with
/// the number of addresses and the way on. `would`: what it would do to them, `list`.
[[nodiscard]] bool may_reach(const Context& context, const Prefix& network, Permission permission,
                             std::string_view would);

/// `dsn auto_reply`, in the order of the answers.
[[nodiscard]] std::string names_of(CodeSet codes);

// ── questions ──
int check(Context& context, const std::vector<std::string>& addresses);
int why(Context& context, const std::string& ip);
/// `explains`: also how sure the judge was, and what decided.
int evidence(Context& context, const std::string& ip, std::size_t most, bool explains);
int listings(Context& context, const std::string& within);
int exemptions(Context& context);
int log(Context& context, std::size_t most);
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
  std::string prefix;
  std::string reason;
  std::string duration;  ///< `14d`; "" is for good
  bool end = false;      ///< exempt: end the exemption
  bool wide = false;     ///< --wide
  [[nodiscard]] Permission permission() const { return wide ? Permission::wide : Permission::narrow_only; }
};
int list(Context& context, const DecisionArguments& arguments);
int delist(Context& context, const DecisionArguments& arguments);
int exempt(Context& context, const DecisionArguments& arguments);
int import(Context& context, const std::string& file, const DecisionArguments& arguments);

int undo(Context& context, std::uint64_t id, const std::string& reason);
int traps_retire(Context& context, const std::string& address, const std::string& reason);
int traps_restore(Context& context, const std::string& address, const std::string& reason);

// ── outward ──
/// `resolver`: an address, with a port or without; "" is the system's.
int doctor(Context& context, const std::string& resolver);
struct ConformArguments {
  std::string zone;
  std::string server;  ///< an address, with a port or without; "": the zone's first name server
  std::string listed;  ///< an address that is listed; "": none is known but the test points
};
int conform(Context& context, const ConformArguments& arguments);

// ── upkeep ──
int db_migrate(Context& context);
int db_check(Context& context);
int db_backup(Context& context, const std::string& to);
int db_compact(Context& context);
int db_restore(Context& context, const std::string& from);

}  // namespace blowback::cli
