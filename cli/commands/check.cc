// `blowback check IP…`: is it listed, as the zone would answer? Exits 1 where one isn't.
#include "command.h"
#include "export/formats.h"
#include "lines.h"
#include "progress.h"

#include <fmt/format.h>

namespace blowback::cli {

int check(Context& context, const SeveralArguments& several) {
  const auto given = addresses(context, several);
  if (!given) return context.failure;
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  RowPrinter table(context.world.out, {"ip", "listed", "codes", "answers"}, context.look());
  Progress progress(context, "check", /*prints=*/true);
  bool all_listed = true;
  std::size_t done = 0;
  for (const auto& one : given->all) {
    auto codes = store->check(one.value, context.world.now);
    if (!codes) return context.complain(codes.error());
    if (const auto always = always_answered(one.value)) codes = *always;
    std::vector<std::string> answers;
    for (const Code code : kAllCodes) {
      if (codes->has(code)) answers.push_back(fmt::format("127.0.0.{}", octet_of(code)));
    }
    all_listed &= !codes->empty();
    table.add({cell(one.value.to_string()), Cell(!codes->empty()), Cell(names_of(*codes)), Cell(answers)});
    progress.show(++done, given->all.size(), "addresses");
  }
  table.end();
  if (given->refused > 0) return kWrongUse;
  return all_listed ? kYes : kNo;
}

}  // namespace blowback::cli
