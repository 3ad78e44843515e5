// The results of `doctor`, `conform` and `config check`: one line for each check with its grade, and advice if it isn't good.
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
  std::string source;  ///< the RFC and section, or the line of the config: `RFC 5782 §5`; "": none
  std::string found;
  std::string advice;  ///< "" if the grade is good
};

/// The words of a command for the parts of its findings.
struct Wording {
  std::string_view grade;                  ///< heading of the column: `state`
  std::array<std::string_view, 3> grades;  ///< in the order of Grade: `ok`, `warning`, `problem`
  std::string_view advice;                 ///< heading of the column: `mend`
  bool has_source = false;
};

class Findings {
 public:
  void good(std::string check, std::string found, std::string source = {});
  void doubtful(std::string check, std::string found, std::string advice, std::string source = {});
  void bad(std::string check, std::string found, std::string advice, std::string source = {});
  [[nodiscard]] bool any_bad() const;
  [[nodiscard]] const std::vector<Finding>& all() const { return findings_; }
  /// For people: one line each, with the advice below it, then the sums. For programs: one row each.
  void print(const Context& context, const Wording& wording) const;

 private:
  void print_for_people(const Context& context, const Wording& wording) const;

  std::vector<Finding> findings_;
};

}  // namespace blowback::cli
