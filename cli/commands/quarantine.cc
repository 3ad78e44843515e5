// `blowback quarantine`: what couldn't be judged or attributed, and why; `--show DIGEST` writes the thing itself out.
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
  const auto things = store.quarantined(show.empty() ? most : std::numeric_limits<std::int64_t>::max());
  if (!things) return context.fail(things.error());
  if (!show.empty()) {
    const auto found = std::find_if(things->begin(), things->end(),
                                    [&](const auto& thing) { return thing.digest.compare(0, show.size(), show) == 0; });
    if (found == things->end()) return context.fail("nothing in quarantine begins with " + harmless(show), kNo);
    std::fwrite(found->bytes.data(), 1, found->bytes.size(), context.world.out);
    return kYes;
  }
  Table table({"id", "at", "feed", "where", "reason", "octets", "detail"});
  for (const auto& thing : *things) {
    table.add({Cell(thing.digest.substr(0, 12)), Cell(thing.at), Cell(thing.feed), Cell(thing.where),
               Cell(thing.reason), Cell(static_cast<std::uint64_t>(thing.bytes.size())), Cell(thing.detail)});
  }
  context.print(table);
  return kYes;
}

}  // namespace

void add_quarantine(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "quarantine",
                           .summary = "What couldn't be judged or attributed, and why",
                           .notes = {},
                           .examples = "  blowback quarantine --most 5\n"
                                       "  blowback quarantine --show ID | less\n"},
                          [arguments](const Context& context) { return quarantine(context, *arguments); });
  add_most(command, arguments->most);
  command.option("--show", arguments->show, "Write out the thing with this id");
  command.format();
}

}  // namespace blowback::cli
