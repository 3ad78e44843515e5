// The Levenshtein distance, with one row of its table.
#include "blowback/nearest.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace blowback {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
  const std::size_t bound = std::max<std::size_t>(2, word.size() / 3);
  const auto found =
      std::ranges::min_element(known, {}, [&](const std::string& one) { return edit_distance(word, one); });
  if (found == known.end() || edit_distance(word, *found) > bound) return std::nullopt;
  return *found;
}

}  // namespace blowback
