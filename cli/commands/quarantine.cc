// `blowback quarantine`: mail that couldn't be judged or attributed, and why; `--show ID` prints it.
#include "arguments.h"
#include "commands.h"

#include <algorithm>
#include <limits>
#include <memory>

namespace blowback::cli {
namespace {

struct Arguments {
  std::size_t most = kMostLines;
  std::string show;  ///< the beginning of an id; "": a table of all
};

int quarantine(const Context& context, const Arguments& arguments) {
  const auto& [most, show] = arguments;
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& store = opened->store;
  const auto items = store.quarantined(show.empty() ? most : std::numeric_limits<std::int64_t>::max());
  if (!items) return context.fail(items.error());
  if (!show.empty()) {
    const auto found = std::find_if(items->begin(), items->end(),
                                    [&](const auto& item) { return item.digest.compare(0, show.size(), show) == 0; });
    if (found == items->end()) return context.fail("no id in quarantine begins with " + harmless(show), kNo);
    std::fwrite(found->bytes.data(), 1, found->bytes.size(), context.world.out);
    return kYes;
  }
  Table table({"id", "at", "feed", "where", "reason", "octets", "detail"});
  for (const auto& item : *items) {
    table.add({Cell(item.digest.substr(0, 12)), Cell(item.at), Cell(item.feed), Cell(item.where), Cell(item.reason),
               Cell(static_cast<std::uint64_t>(item.bytes.size())), Cell(item.detail)});
  }
  context.print(table);
  return kYes;
}

}  // namespace

void add_quarantine(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "quarantine",
                           .summary = "Mail that couldn't be judged or attributed, and why",
                           .notes = {},
                           .examples = "  blowback quarantine --most 5\n"
                                       "  blowback quarantine --show ID | less\n"},
                          [arguments](const Context& context) { return quarantine(context, *arguments); });
  add_most(command, arguments->most);
  command.option("--show", arguments->show, "Print the mail with this id");
  command.format();
}

}  // namespace blowback::cli
