// A program of the build: prints literals.h, which known_literals.cc includes, for the built-in signatures.
#include "pattern_matcher.h"
#include "signature_reader.h"
#include "telling_literals.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace blowback::detect;

[[nodiscard]] std::optional<Telling> none(std::string_view /*alternative*/) { return std::nullopt; }

[[nodiscard]] std::string line_of(const std::string& alternative, const Telling& telling) {
  std::string line = alternative + "\t";
  for (const std::vector<std::string>& list : telling) {
    for (const std::string& literal : list) (line += literal) += '\t';
    line += '\t';
  }
  return line;
}

}  // namespace

int main() {
  const BuiltInTables built_in = built_in_tables();
  SignatureReader reader;
  for (const SignatureTable& table : built_in.tables) {
    if (const std::string error = reader.table(table, true); !error.empty()) {
      std::fputs((error + "\n").c_str(), stderr);
      return 1;
    }
  }
  std::set<std::string> all;
  for (const auto& matcher : matchers_for(reader.signatures, none)) {
    for (std::string& alternative : matcher->alternatives()) all.insert(std::move(alternative));
  }
  const std::vector<std::string> alternatives(all.begin(), all.end());
  const std::vector<Telling> tellings = telling_literals(alternatives);
  std::vector<std::string> lines;
  lines.reserve(alternatives.size());
  for (std::size_t i = 0; i < alternatives.size(); ++i) lines.push_back(line_of(alternatives[i], tellings[i]));
  std::ranges::sort(lines);
  std::puts(
      "// Made by the build from signatures/*.tsv (literals_of_tables.cc).\n#pragma once\n\n#include <array>\n#include "
      "<string_view>\n\n"
      "namespace blowback::detect {\n\nusing namespace std::string_view_literals;\n\n"
      "inline constexpr auto kLiterals = std::to_array<std::string_view>({");
  for (const std::string& line : lines) std::printf("    R\"tsv(%s)tsv\"sv,\n", line.c_str());
  std::puts("});\n\n}  // namespace blowback::detect");
  return 0;
}
