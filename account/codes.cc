#include "account/codes.h"

#include <fmt/format.h>

#include <algorithm>

namespace blowback::account {
namespace {

constexpr std::uint32_t kLoopback = 0x7f000000;

}  // namespace

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

std::vector<TestPoint> test_points() {
  std::vector<TestPoint> points;
  points.reserve(kAllCodes.size());
  for (const Code code : kAllCodes) {
    points.push_back({.address = IpAddress::from_v4(kLoopback | octet_of(code)), .code = code});
  }
  std::ranges::sort(points, {}, &TestPoint::address);
  return points;
}

std::optional<CodeSet> always_answered(const IpAddress& address) {
  if (address == IpAddress::from_v4(kLoopback | 1U)) return CodeSet();
  for (const auto& point : test_points()) {
    if (point.address == address) return point.code;
  }
  return std::nullopt;
}

}  // namespace blowback::account
