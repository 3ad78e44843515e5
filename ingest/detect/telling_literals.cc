#include "telling_literals.h"

#include "alternatives.h"
#include "blowback/text.h"
#include "literal_set.h"

#include <re2/filtered_re2.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

// How common words are in mail. What is measured is how often they occur in the alternatives, which are made of what mail says.
class Commonness {
 public:
  explicit Commonness(std::span<const std::string> alternatives) {
    for (const std::string& each : alternatives) {
      for (std::size_t at = 0; at < each.size(); ++at) rests_.push_back(std::string_view(each).substr(at));
    }
    std::ranges::sort(rests_);
  }
  Commonness(const Commonness&) = delete;
  Commonness& operator=(const Commonness&) = delete;
  ~Commonness() = default;

  [[nodiscard]] double of(std::string_view word) const {
    const auto same =
        std::ranges::equal_range(rests_, word, {}, [&](std::string_view rest) { return rest.substr(0, word.size()); });
    // Alternatives have fewer of the short words (`and`, `for`) than mail has.
    return std::ldexp(static_cast<double>(std::ssize(same)), -static_cast<int>(word.size()));
  }

 private:
  std::vector<std::string_view> rests_;  ///< of all alternatives, from each octet on, sorted
};

// RE2 knows which literals a match requires together (`received: ` and `kerio`) and which as alternatives. Literals are dropped one by one
// while no match is possible with the dropped ones alone: first the most common ones, since most texts contain these. The rest is the first list.
// With these in the text, the same is done for the next list.
[[nodiscard]] Telling telling(const Compiled& alternative, const Commonness& commonness) {
  const auto may_match = [&](const std::vector<int>& literals) {
    std::vector<int> possible;
    alternative.pattern->AllPotentials(literals, &possible);
    return !possible.empty();
  };
  const auto literal_of = [&](int number) -> const std::string& {
    return alternative.literals[static_cast<std::size_t>(number)];
  };
  std::vector<double> common;
  common.reserve(alternative.literals.size());
  for (const std::string& literal : alternative.literals) common.push_back(commonness.of(trimmed(literal)));
  std::vector<int> numbers(alternative.literals.size());
  std::iota(numbers.begin(), numbers.end(), 0);  // NOLINT(modernize-use-ranges): libstdc++ 12 has no ranges::iota
  std::ranges::stable_sort(numbers, {}, [&](int number) {
    return std::pair(-common[static_cast<std::size_t>(number)], literal_of(number).size());
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
  all.reserve(alternatives.size());
  for (const std::string& alternative : alternatives) all.push_back(compiled(alternative));
  const Commonness commonness(alternatives);
  std::vector<Telling> out;
  out.reserve(all.size());
  for (const Compiled& each : all) out.push_back(telling(each, commonness));
  return out;
}

}  // namespace blowback::detect
