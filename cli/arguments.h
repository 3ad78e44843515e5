// Options and arguments that several commands have: how they are declared, and how their values are read.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "blowback/reach.h"
#include "command.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// The default of `--most`: how many lines of a list are shown.
inline constexpr std::size_t kMostLines = 100;

/// Addresses or networks: as arguments, one per line in a file, or both.
struct SeveralArguments {
  std::vector<std::string> texts;  ///< `-`: standard input
  std::string file;                ///< of --file; "": none
};
/// `name`: of the positional argument, such as `CIDR`.
void add_several(Command& command, SeveralArguments& several, const std::string& name, const std::string& help);

/// Which lines of a list are shown. What is empty restricts nothing.
struct ListArguments {
  std::string who;
  std::string since;  ///< `7d`
  std::optional<std::size_t> most;
};
/// `who` and `since`: the help of these options.
void add_list_options(Command& command, ListArguments& arguments, const std::string& who, const std::string& since);
/// `--most`, with its default in the help.
void add_most(Command& command, std::size_t& most);

/// What all decisions of a person have. Not every decision has a `duration`, `wide` and `dry_run`.
struct DecisionArguments {
  std::string reason;
  std::string duration;  ///< `14d`; "": no end
  bool wide = false;
  bool dry_run = false;  ///< print what the decision would do, and change nothing
  [[nodiscard]] Permission permission() const { return wide ? Permission::wide : Permission::narrow_only; }
};
void add_reason(Command& command, std::string& reason);
void add_duration(Command& command, std::string& duration);
void add_wide(Command& command, bool& wide);
void add_dry_run(Command& command, bool& dry_run);

/// What a person decided, as it goes on record. Fails without a reason.
[[nodiscard]] OrExit<schema::Decision> decision(const Context& context, const std::string& reason);
/// A duration above zero. `option`: its name for the error message, `--since`.
[[nodiscard]] OrExit<Duration> duration(const Context& context, std::string_view option, const std::string& text);
/// `--for 14d` as a point in time; absent for "".
[[nodiscard]] OrExit<std::optional<UnixTime>> until(const Context& context, const std::string& text);
/// `--since 7d` as a point in time; absent for "".
[[nodiscard]] OrExit<std::optional<UnixTime>> since(const Context& context, const std::string& text);
[[nodiscard]] OrExit<IpAddress> address(const Context& context, const std::string& text);
[[nodiscard]] OrExit<Prefix> prefix(const Context& context, const std::string& text);

/// Why IpAddress::parse refuses `text`: for a network, it points to the command for networks. Pure.
[[nodiscard]] std::string why_no_address(std::string_view text);

/// Why a listing by hand would change no answer: for 127.0.0.1 and the zone's test points. Absent: it would. Pure.
[[nodiscard]] std::optional<std::string> why_never_listed(const Prefix& network);

/// Whether `permission` covers a decision about `network`. If not, an error with the number of addresses and the way out has
/// been printed. `would`: what the decision would do to them, `list`. `where`: `bad.txt:7: `, or nothing.
[[nodiscard]] bool may_reach(const Context& context, const Prefix& network, Permission permission,
                             std::string_view would, const std::string& where = {});

}  // namespace blowback::cli
