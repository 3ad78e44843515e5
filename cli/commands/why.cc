// `blowback why IP`: why a sender is listed or not, in sentences for its postmaster; with --format json as data.
#include "account/account.h"
#include "account/account_json.h"
#include "arguments.h"
#include "commands.h"
#include "lines.h"
#include "progress.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>

namespace blowback::cli {
namespace {

constexpr std::size_t kMostIncidents = 10'000;

/// Rounded to hundredths. More digits would reveal the second in which a message came.
[[nodiscard]] double rounded(double amount) { return static_cast<double>(account::in_hundredths(amount)) / 100; }

/// One row for each term, then one for each kind, cause and reason for not counting.
void add_rows(Table& table, const account::Account& account, const IpAddress& ip) {
  const auto parts = account::in_hundredths(account);
  for (std::size_t i = 0; i < account.terms.size(); ++i) {
    const auto& term = account.terms[i];
    table.add({Cell(ip.to_string()), Cell(term.hour), cell(name_of(term.kind)), cell(name_of(term.cause)),
               cell(name_of(Counting::counted)), Cell(std::uint64_t{1}), Cell(rounded(term.weight)),
               Cell(rounded(term.credit)), Cell(static_cast<double>(parts[i]) / 100)});
  }
  for (const auto& seen : account.seen) {
    for (const auto& [counting, count] : seen.uncounted) {
      table.add({Cell(ip.to_string()), Cell(), cell(name_of(seen.kind)), cell(name_of(seen.cause)),
                 cell(name_of(counting)), Cell(count), Cell(0.0), Cell(0.0), Cell(0.0)});
    }
  }
}

int why(const Context& context, const SeveralArguments& several) {
  const auto given = addresses(context, several);
  if (!given) return given.error();
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const std::string& contact = config.zone.hostmaster;
  // One address is printed as an object; --file, or several addresses, as an array.
  const bool is_list = given->all.size() > 1 || !given->source.empty();
  Table table({"ip", "hour", "kind", "cause", "counting", "incidents", "weight", "credit", "now"});
  Progress progress(context, "why", /*prints=*/true);
  bool all_known = true;
  std::size_t done = 0;
  for (const auto& one : given->all) {
    const auto account =
        account::read_account(store, one.value, kMostIncidents, config.policy, config.removal.rules, context.world.now);
    if (!account) return context.fail(account.error());
    all_known &= account->is_known();
    switch (context.format) {
      case Format::table:
        if (done > 0) context.print_line("");
        std::fputs(account::text_of(*account, config.policy, context.world.now, contact, context.bold).c_str(),
                   context.world.out);
        break;
      case Format::json: {
        if (is_list) fmt::print(context.world.out, "{}\n", done == 0 ? "[" : ",");
        fmt::print(context.world.out, "{}", account::json_of(*account, config.policy, contact));
        break;
      }
      case Format::csv:
        add_rows(table, *account, one.value);
        break;
    }
    progress.show(++done, given->all.size(), "addresses");
  }
  if (context.format == Format::json) context.print_line(is_list ? "\n]" : "");
  if (context.format == Format::csv) context.print(table);
  if (given->refused > 0) return kWrongUse;
  return all_known ? kYes : kNo;
}

}  // namespace

void add_why(Command& tool) {
  const auto several = std::make_shared<SeveralArguments>();
  auto command = tool.add({.name = "why",
                           .summary = "Why a sender is listed or not: incidents, score, end, and what to change",
                           .notes = {},
                           .examples = "  blowback why 192.0.2.1\n"
                                       "  blowback why 192.0.2.1 --format json\n"},
                          [several](const Context& context) { return why(context, *several); });
  add_several(command, *several, "IP", "Addresses; - for standard input");
  command.format();
}

}  // namespace blowback::cli
