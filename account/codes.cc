#include "account/codes.h"

#include "blowback/test_points.h"

#include <fmt/format.h>

namespace blowback::account {

std::vector<std::string> names_of(CodeSet codes) {
  std::vector<std::string> names;
  for (const Code code : kAllCodes) {
    if (codes.has(code)) names.emplace_back(name_of(code));
  }
  return names;
}

std::vector<std::string> answers_of(CodeSet codes) {
  std::vector<std::string> answers;
  for (const Code code : kAllCodes) {
    if (codes.has(code)) answers.push_back(fmt::format("127.0.0.{}", octet_of(code)));
  }
  return answers;
}

std::optional<CodeSet> always_answered(const IpAddress& address) {
  if (!is_never_listed(address)) return std::nullopt;
  const auto code = test_point(address, CodeSet::all());
  return code ? CodeSet(*code) : CodeSet();
}

}  // namespace blowback::account
