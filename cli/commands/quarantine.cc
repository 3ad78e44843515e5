// `blowback quarantine`: what couldn't be judged or attributed, and why; `--show DIGEST` writes the thing itself out.
#include "command.h"

#include <algorithm>
#include <limits>

namespace blowback::cli {

int quarantine(Context& context, std::size_t most, const std::string& show) {
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  const auto things = store->quarantined(show.empty() ? most : std::numeric_limits<std::int64_t>::max());
  if (!things) return context.complain(things.error());
  if (!show.empty()) {
    const auto found = std::find_if(things->begin(), things->end(),
                                    [&](const auto& thing) { return thing.digest.compare(0, show.size(), show) == 0; });
    if (found == things->end()) return context.complain("nothing in quarantine begins with " + harmless(show), kNo);
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

}  // namespace blowback::cli
