// One table of the TOML file while it is read: each key is taken once with its type and range, what is left over is unknown.
//
// A key that isn't there leaves its default untouched. Whatever is wrong becomes a finding with its line, and reading goes
// on, so that an operator sees all that is to mend at once. The value of a key with `secret` in its name, misspelt or not, is
// shown as "…": messages end up in logs.
#pragma once

#include "blowback/unix_time.h"

#include <toml++/toml.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::config {

struct Finding {
  std::size_t line = 0;  ///< from 1; 0: concerns no line
  std::string text;      ///< `KEY = VALUE: what is wrong and how to mend it`
};

using Findings = std::vector<Finding>;

/// A range of numbers. `above` makes the lower end itself too small.
struct Range {
  double least = 0;
  double most = 0;
  bool above = false;
};

class Section {
 public:
  /// `path`: "" for the top, else `zone` or `policy.weights`. `table`, `findings` and `all_keys` must outlive it.
  Section(const toml::table& table, std::string path, std::span<const std::string_view> all_keys, Findings& findings)
      : table_(table), path_(std::move(path)), all_keys_(all_keys), findings_(findings) {}

  void text(std::string_view key, std::string& into);
  /// An array of strings.
  void texts(std::string_view key, std::vector<std::string>& into);
  void duration(std::string_view key, Duration& into, Duration least, Duration most);
  void integer(std::string_view key, int& into, int least, int most);
  /// An integer will do.
  void number(std::string_view key, double& into, Range range);
  void boolean(std::string_view key, bool& into);
  /// Reads a table within this one, if it is there.
  void section(std::string_view key, const std::function<void(Section&)>& read);
  /// Reads each element of an array of tables.
  void sections(std::string_view key, const std::function<void(Section&)>& read);
  /// Every key that was not asked for is unknown. Call last.
  void finish();

  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
  /// Whether the key was there and nothing is wrong with it so far.
  [[nodiscard]] bool is_good(std::string_view key) const;
  /// Something is wrong with that key, or with element `index` of its array. A key that isn't there is told at the table's line.
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
