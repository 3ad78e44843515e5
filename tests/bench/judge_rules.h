// Rule sets for the judge's benchmarks: from files, and without some of their signatures.
#pragma once

#include "blowback/trap_delivery.h"
#include "blowback/verdict.h"
#include "detect/judge.h"
#include "detect/signature_set.h"
#include "mail/message.h"
#include "samples.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::bench {

/// Signature files. Each may define wording (`let`) for itself. Empty: the built-in ones.
struct Table {
  std::string name;
  std::string text;
};
using Tables = std::vector<Table>;

using Names = std::set<std::string, std::less<>>;

/// The rules of these tables, without the signatures of these names, which they must have.
[[nodiscard]] inline std::unique_ptr<const detect::SignatureSet> rules_of(const Tables& tables,
                                                                          const Names& left_out = {}) {
  std::string lines;
  for (const std::string& name : left_out) ((lines += "without ") += name) += '\n';
  std::vector<detect::SignatureTable> all;
  for (const Table& table : tables) all.push_back({.name = table.name, .text = table.text});
  all.push_back({.name = "left out", .text = lines});
  auto rules = tables.empty() ? detect::SignatureSet::with(all) : detect::SignatureSet::of(all);
  if (!rules) throw std::runtime_error(rules.error());
  return *std::move(rules);
}

/// What a signature does that isn't among a verdict's signals.
struct Unseen {
  bool names_cause = false;
  bool defines_feature = false;
};

/// The signatures that can change a kind or a cause, by name.
[[nodiscard]] inline std::map<std::string, Unseen> deciding(const detect::SignatureSet& rules) {
  std::map<std::string, Unseen> out;
  const auto add = [&](std::span<const detect::Signature> signatures) {
    for (const detect::Signature& signature : signatures) {
      if (signature.claim == detect::Claim::product) continue;
      Unseen& unseen = out[signature.name];
      if (signature.claim == detect::Claim::cause) unseen.names_cause = true;
      if (signature.claim == detect::Claim::feature) unseen.defines_feature = true;
    }
  };
  add(rules.all());
  add(rules.rules(detect::Place::envelope));
  add(rules.rules(detect::Place::structure));
  return out;
}

/// Absent if the message can't be read.
[[nodiscard]] inline std::optional<Verdict> verdict_on(const Sample& sample, const detect::SignatureSet& rules) {
  const auto message = mail::parse(sample.bytes, {});
  if (!message) return std::nullopt;
  return detect::judge({}, *message, {}, rules);
}

/// From files and folders with `.tsv` files. Those with conditions come last, since conditions use what the others define.
[[nodiscard]] inline Tables read_tables(const std::vector<std::string>& paths) {
  std::vector<Sample> files;
  for (const std::string& path : paths) add_samples(path, files);
  const auto has_conditions = [](const Sample& file) {
    return file.bytes.find("\tenvelope\t") != std::string::npos ||
           file.bytes.find("\tstructure\t") != std::string::npos;
  };
  std::ranges::stable_sort(files, {}, has_conditions);
  Tables out;
  for (Sample& file : files) {
    if (file.path.ends_with(".tsv")) out.push_back({.name = std::move(file.path), .text = std::move(file.bytes)});
  }
  return out;
}

/// From comment lines `# general NAME: why`: the signatures that are general although only one collection needs them.
[[nodiscard]] inline std::map<std::string, std::string> notes_in(const Tables& tables) {
  constexpr std::string_view kNote = "# general ";
  std::map<std::string, std::string> out;
  for (const Table& table : tables) {
    std::istringstream lines(table.text);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t colon = line.find(": ");
      if (!line.starts_with(kNote) || colon == std::string::npos) continue;
      out.emplace(line.substr(kNote.size(), colon - kNote.size()), line.substr(colon + 2));
    }
  }
  return out;
}

}  // namespace blowback::bench
