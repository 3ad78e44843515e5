#include "record/troubles.h"

#include <algorithm>
#include <utility>

namespace blowback::record {

std::string_view name_of(Work work) {
  switch (work) {
    case Work::file:
      return "file";
    case Work::recording:
      return "recording";
    case Work::sweeping:
      return "sweeping";
    case Work::upkeep:
      break;
  }
  return "upkeep";
}

bool Troubles::begin(Work work, const std::string& text) {
  const bool is_logged = std::ranges::any_of(
      troubles_, [&](const auto& trouble) { return trouble && trouble->is_logged && trouble->text == text; });
  auto& trouble = troubles_.at(static_cast<std::size_t>(work));
  if (trouble) {
    trouble->text = text;
    return false;
  }
  trouble = Trouble{.text = text, .is_logged = !is_logged};
  return !is_logged;
}

bool Troubles::end(Work work) {
  const auto over = std::exchange(troubles_.at(static_cast<std::size_t>(work)), std::nullopt);
  if (!over || !over->is_logged) return false;
  // Another work still has the same trouble: the logged line is its from now on.
  for (auto& other : troubles_) {
    if (!other || other->is_logged || other->text != over->text) continue;
    other->is_logged = true;
    return false;
  }
  return true;
}

std::string_view Troubles::first() const {
  const auto found = std::ranges::find_if(troubles_, [](const auto& trouble) { return trouble.has_value(); });
  return found == troubles_.end() ? std::string_view() : (*found)->text;
}

}  // namespace blowback::record
