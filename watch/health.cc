#include "watch/health.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace blowback::watch {

bool is_well(const Health& health) { return std::ranges::none_of(health, &Trouble::hinders); }

std::string to_json(const Health& health) {
  using Json = nlohmann::ordered_json;
  Json problems = Json::array();
  for (const auto& trouble : health) {
    problems.push_back({{"name", trouble.name}, {"detail", trouble.detail}, {"mend", trouble.mend}});
  }
  const Json document{{"status", is_well(health) ? "ok" : "failing"}, {"problems", problems}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string in_words(const Health& health) {
  std::string text;
  for (const auto& trouble : health) {
    if (!text.empty()) text += "; ";
    text += trouble.detail;
  }
  return text;
}

std::string status_sentence(std::string_view work, const Health& health) {
  if (!is_well(health)) return in_words(health);
  std::string sentence(work);
  if (!health.empty()) sentence += "; " + in_words(health);
  return sentence;
}

}  // namespace blowback::watch
