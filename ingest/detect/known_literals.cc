#include "known_literals.h"

#include "literals.h"

#include <algorithm>
#include <string>
#include <vector>

namespace blowback::detect {
namespace {

// The next column; "" after the last.
[[nodiscard]] std::string_view next_column(std::string_view& line) {
  const std::size_t tab = std::min(line.find('\t'), line.size());
  const std::string_view column = line.substr(0, tab);
  line.remove_prefix(std::min(tab + 1, line.size()));
  return column;
}

}  // namespace

// A line of kLiterals, which is sorted: alternative TAB, then for each list its literals, each followed by a TAB, and another TAB.
std::optional<Telling> known_literals(std::string_view alternative) {
  const std::string key = std::string(alternative) += '\t';
  const auto* const found = std::ranges::lower_bound(kLiterals, key);
  if (found == kLiterals.end() || !found->starts_with(key)) return std::nullopt;
  Telling out;
  for (std::string_view rest = found->substr(key.size()); !rest.empty();) {
    std::vector<std::string>& list = out.emplace_back();
    for (std::string_view column = next_column(rest); !column.empty(); column = next_column(rest))
      list.emplace_back(column);
  }
  return out;
}

}  // namespace blowback::detect
