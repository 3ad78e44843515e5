#include "telling_literals.h"

#include "alternatives.h"
#include "literal_set.h"

#include <re2/filtered_re2.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

namespace blowback::detect {
namespace {

// Per automaton, which allocates on demand and is far smaller in practice. An automaton that reaches it is reset.
constexpr std::int64_t kAutomatonMemory = 16 << 20;

// One alternative, compiled.
struct Compiled {
  std::unique_ptr<re2::FilteredRE2> pattern;
  std::vector<std::string> literals;  ///< those that a match requires
};

[[nodiscard]] Compiled compiled(const std::string& alternative) {
  Compiled out{.pattern = std::make_unique<re2::FilteredRE2>(static_cast<int>(LiteralSet::kShortest)), .literals = {}};
  int index = 0;
  // It compiled when the table was read.
  [[maybe_unused]] const auto code = out.pattern->Add(alternative, options_for(alternative), &index);
  assert(code == RE2::NoError);
  out.pattern->Compile(&out.literals);
  return out;
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): the caller owns what `out` points to

// RE2 knows which literals a match requires together (`received: ` and `kerio`) and which as alternatives. Literals are dropped one by one
// while no match is possible with the dropped ones alone: first those that other alternatives have, too, then short ones, since most texts
// contain these. The rest is the first list. With these in the text, the same is done for the next list.
[[nodiscard]] Telling telling(const Compiled& alternative, const std::map<std::string, int>& how_many_have) {
  const auto may_match = [&](const std::vector<int>& literals) {
    std::vector<int> possible;
    alternative.pattern->AllPotentials(literals, &possible);
    return !possible.empty();
  };
  const auto literal_of = [&](int number) -> const std::string& {
    return alternative.literals[static_cast<std::size_t>(number)];
  };
  std::vector<int> numbers(alternative.literals.size());
  std::iota(numbers.begin(), numbers.end(), 0);  // NOLINT(modernize-use-ranges): libstdc++ 12 has no ranges::iota
  std::ranges::stable_sort(numbers, {}, [&](int number) {
    return std::pair(-how_many_have.at(literal_of(number)), literal_of(number).size());
  });
  Telling out;
  for (std::vector<int> known; !may_match(known);) {
    std::vector<int> present = known;
    std::vector<std::string>& list = out.emplace_back();
    for (const int number : numbers) {
      if (std::ranges::find(known, number) != known.end()) continue;
      present.push_back(number);
      if (!may_match(present)) continue;
      present.pop_back();
      known.push_back(number);
      list.push_back(literal_of(number));
    }
  }
  return out;
}

}  // namespace

RE2::Options options_for(std::string_view alternative) {
  RE2::Options made;
  made.set_case_sensitive(!has_letters_by_property(alternative));
  made.set_max_mem(kAutomatonMemory);
  made.set_log_errors(false);
  return made;
}

std::vector<Telling> telling_literals(std::span<const std::string> alternatives) {
  std::vector<Compiled> all;
  std::map<std::string, int> how_many_have;
  all.reserve(alternatives.size());
  for (const std::string& alternative : alternatives) {
    all.push_back(compiled(alternative));
    for (const std::string& literal : all.back().literals) ++how_many_have[literal];
  }
  std::vector<Telling> out;
  out.reserve(all.size());
  for (const Compiled& each : all) out.push_back(telling(each, how_many_have));
  return out;
}

}  // namespace blowback::detect
