// `blowback check IP…`: is it listed, as the zone would answer? Exits 1 where one isn't.
#include "command.h"

#include <fmt/format.h>

namespace blowback::cli {

int check(Context& context, const std::vector<std::string>& addresses) {
  std::vector<IpAddress> parsed;
  for (const auto& text : addresses) {
    const auto ip = address(context, text);
    if (!ip) return kWrongUse;
    parsed.push_back(*ip);
  }
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  Table table({"ip", "listed", "codes", "answers"});
  bool all_listed = true;
  for (const auto& ip : parsed) {
    const auto codes = store->check(ip, context.world.now);
    if (!codes) return context.complain(codes.error());
    std::string names;
    std::string answers;
    for (const Code code : kAllCodes) {
      if (!codes->has(code)) continue;
      names += (names.empty() ? "" : " ") + std::string(name_of(code));
      answers += fmt::format("{}127.0.0.{}", answers.empty() ? "" : " ", octet_of(code));
    }
    all_listed &= !codes->empty();
    table.add({cell(ip.to_string()), Cell(!codes->empty()), Cell(names), Cell(answers)});
  }
  context.print(table);
  return all_listed ? kYes : kNo;
}

}  // namespace blowback::cli
