// What `doctor` and `conform` found: a line each with a verdict, and what to do or what it breaks where the verdict isn't good.
#pragma once

#include "context.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

enum class Grade : std::uint8_t { good, doubtful, bad };

struct Finding {
  Grade grade = Grade::good;
  std::string check;
  std::string source;  ///< where it is written, such as `RFC 5782 §5`; empty: nowhere
  std::string found;
  std::string advice;  ///< empty where the verdict is good
};

/// How a command calls the parts of its findings.
struct Wording {
  std::string_view grade;                  ///< the column: `state`
  std::array<std::string_view, 3> grades;  ///< in the order of Grade: `ok`, `warning`, `problem`
  std::string_view advice;                 ///< the column: `mend`
  bool has_source = false;
};

class Findings {
 public:
  void good(std::string check, std::string found, std::string source = {});
  void doubtful(std::string check, std::string found, std::string advice, std::string source = {});
  void bad(std::string check, std::string found, std::string advice, std::string source = {});
  [[nodiscard]] bool any_bad() const;
  [[nodiscard]] const std::vector<Finding>& all() const { return findings_; }
  /// For people: a line each, the advice beneath it, and the sums. For programs: a row each.
  void print(const Context& context, const Wording& wording) const;

 private:
  void print_for_people(const Context& context, const Wording& wording) const;

  std::vector<Finding> findings_;
};

}  // namespace blowback::cli
