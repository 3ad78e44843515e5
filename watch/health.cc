// Writing health down.
#include "watch/health.h"

#include <nlohmann/json.hpp>

namespace blowback::watch {

std::string to_json(const Health& health) {
  using Json = nlohmann::ordered_json;
  Json problems = Json::array();
  for (const auto& trouble : health) {
    problems.push_back({{"name", trouble.name}, {"detail", trouble.detail}, {"mend", trouble.mend}});
  }
  const Json document{{"status", health.empty() ? "ok" : "failing"}, {"problems", problems}};
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

}  // namespace blowback::watch
