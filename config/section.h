// Reads one table of the TOML file: each key once, with its type and range. Keys that nobody reads are unknown.
//
// A missing key keeps its default. Each error becomes a finding with its line, and reading continues, so that the operator sees all errors
// at once. The value of a key with `secret` in its name, even a misspelt one, is shown as "…", since messages end up in logs.
#pragma once

#include "blowback/unix_time.h"

// Only names, since the whole library takes seconds to compile. section.cc and config.cc include that.
#if __has_include(<toml++/impl/forward_declarations.hpp>)
#include <toml++/impl/forward_declarations.hpp>  // since version 3.4
#else
#include <toml++/impl/forward_declarations.h>
#endif

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::config {

struct Finding {
  std::size_t line = 0;  ///< from 1; 0: it belongs to no line
  std::string text;      ///< `KEY = VALUE: what is wrong and what to do`
};

using Findings = std::vector<Finding>;

/// A range of numbers. With `above`, `least` itself is too small.
struct Range {
  double least = 0;
  double most = 0;
  bool above = false;
};

class Section {
 public:
  /// `path`: "" for the top, otherwise `zone` or `policy.weights`. `table`, `findings` and `all_keys` must outlive it.
  Section(const toml::table& table, std::string path, std::span<const std::string_view> all_keys, Findings& findings)
      : table_(table), path_(std::move(path)), all_keys_(all_keys), findings_(findings) {}

  void text(std::string_view key, std::string& into);
  /// An array of strings.
  void texts(std::string_view key, std::vector<std::string>& into);
  void duration(std::string_view key, Duration& into, Duration least, Duration most);
  void integer(std::string_view key, int& into, int least, int most);
  /// Accepts an integer, too.
  void number(std::string_view key, double& into, Range range);
  void boolean(std::string_view key, bool& into);
  /// Reads a table within this one, if there is one.
  void section(std::string_view key, const std::function<void(Section&)>& read);
  /// Reads each element of an array of tables.
  void sections(std::string_view key, const std::function<void(Section&)>& read);
  /// Reports every key that wasn't read as unknown. To be called last.
  void finish();

  [[nodiscard]] bool has(std::string_view key) const;
  /// Whether its value is an array of tables: `[[key]]`.
  [[nodiscard]] bool has_sections(std::string_view key) const;
  /// Whether the key is present, and no error was found in it so far.
  [[nodiscard]] bool is_good(std::string_view key) const;
  /// Reports an error in that key, or in element `index` of its array; in the table's line if the key is missing.
  void complain(std::string_view key, std::string_view what);
  void complain(std::string_view key, std::size_t index, std::string_view what);

 private:
  [[nodiscard]] std::string full(std::string_view key) const;
  [[nodiscard]] const toml::node* take(std::string_view key);
  void complain(std::string_view key, const toml::node& value, std::string_view what);
  [[nodiscard]] std::string mend_for_unknown(std::string_view key) const;

  const toml::table& table_;
  std::string path_;
  std::span<const std::string_view> all_keys_;
  Findings& findings_;
  std::vector<std::string> known_;
  std::vector<std::string> bad_;
};

}  // namespace blowback::config
