// Measures the judge on labelled mail: a table of expected and actual kinds, every mistake by name, and whether the result is good enough.
//
//   judge_quality PATH…                     prints `path<TAB>kind<TAB>cause` for each; `blowback classify --explain` prints the reasons
//   judge_quality --labels LABELS PATH…     files and folders of messages; again for other labels and their messages
//   judge_quality --signatures PATH …       judges with the signatures of this file, or of the `.tsv` files of this folder; may be repeated
//   judge_quality --leave-one-out …         also shows which collections need which signatures, see below; some 0.5 s a signature
//
// A line of LABELS is `file<TAB>kind<TAB>cause`; further columns are ignored. `a|b` accepts either; the cause `-` isn't checked.
// The labels `feedback`, `not_backscatter`, `ham` and `spam` accept both kinds that the judge has for mail that is not backscatter.
//
// A message's collection is the part of its file's name before `__`, or its folder. With several collections each has a table, and shares with
// their 95 % intervals (Wilson).
//
// Signatures are made by hand, so a collection can't be left out of their making afterwards. Instead, every signature is left out once: a
// collection needs it if a right verdict gets wrong without it. A signature that only one collection needs may be an answer that was learned
// by heart. These are named, with what speaks against that: that it supports right verdicts on other collections, too, or a comment
// `# general NAME: why` in the signatures. Then each collection is judged without those that it alone needs and no other one supports, about as if
// nobody had seen it.
//
// Exits 1 if the result is below the requirement: 99.5 % found, 98 % of the right kind, 95 % of the right cause, no false positive; with
// --leave-one-out also if there is a signature that one collection alone needs, without use elsewhere or comment.
#include "blowback/kind.h"
#include "blowback/verdict.h"
#include "judge_rules.h"
#include "judge_score.h"
#include "samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace blowback;

struct Labelled {
  const bench::Sample* sample = nullptr;
  const bench::Label* label = nullptr;
  std::string file;
  std::string collection;
  std::optional<Verdict> verdict;  ///< with all signatures
};

[[nodiscard]] std::string collection_of(const std::filesystem::path& path) {
  const std::string file = path.filename().string();
  const std::size_t end = file.find("__");
  if (end != std::string::npos && end > 0) return file.substr(0, end);
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).parent_path().filename().string();
}

[[nodiscard]] std::string_view kind_in(const std::optional<Verdict>& verdict) {
  return verdict ? name_of(verdict->kind) : "-";
}
[[nodiscard]] std::string_view cause_in(const std::optional<Verdict>& verdict) {
  return verdict ? name_of(verdict->cause) : "-";
}
[[nodiscard]] bool is_backscatter(const std::optional<Verdict>& verdict) {
  return verdict && is_backscatter(verdict->kind);
}
[[nodiscard]] bool is_right(const std::optional<Verdict>& verdict, const bench::Label& label) {
  if (!verdict) return !label.is_backscatter();
  return label.kind_is_right(verdict->kind) && label.cause_is_right(verdict->cause);
}

void count(const Labelled& message, const std::optional<Verdict>& verdict, bench::Score& score) {
  score.count(message.file, *message.label, kind_in(verdict), is_backscatter(verdict), cause_in(verdict));
}

/// By signature and collection.
using Counts = std::map<std::string, std::map<std::string, std::size_t>>;

struct LeftOut {
  std::size_t tried = 0;
  Counts needs;                              ///< right verdicts that get wrong without it
  Counts uses;                               ///< right verdicts that it supports, needed or not
  std::map<std::string, std::size_t> harms;  ///< wrong verdicts that get right without it
};

using Signatures = std::vector<std::pair<std::string, bench::Unseen>>;

/// Calls `work` for 0 to `count` - 1, on all cores.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++) work(at);
    });
  }
}

/// The messages whose verdict can change without the signature. A verdict of not_backscatter names all that had a weight; others only those of
/// their own kind, and none tells the signatures that define features or causes.
[[nodiscard]] std::vector<const Labelled*> touched_by(const std::string& name, const bench::Unseen& unseen,
                                                      const std::vector<Labelled>& messages) {
  std::vector<const Labelled*> out;
  for (const Labelled& message : messages) {
    if (!message.verdict || message.verdict->kind == Kind::feedback) continue;
    const auto is_it = [&](const Signal& signal) { return signal.name == name; };
    if (unseen.defines_feature || is_backscatter(message.verdict) ||
        std::ranges::any_of(message.verdict->signals, is_it)) {
      out.push_back(&message);
    }
  }
  return out;
}

/// Without each signature in turn.
void find_needs(const bench::Tables& tables, const std::vector<Labelled>& messages, const Signatures& signatures,
                LeftOut& out) {
  struct Found {
    std::map<std::string, std::size_t> needs;
    std::size_t harms = 0;
  };
  std::vector<Found> found(signatures.size());
  in_parallel(signatures.size(), [&](std::size_t i) {
    const auto& [name, unseen] = signatures[i];
    const auto touched = touched_by(name, unseen, messages);
    if (touched.empty()) return;
    const auto rules = bench::rules_of(tables, {name});
    for (const Labelled* message : touched) {
      const bool was_right = is_right(message->verdict, *message->label);
      const bool now_right = is_right(bench::verdict_on(*message->sample, *rules), *message->label);
      if (was_right && !now_right) ++found[i].needs[message->collection];
      if (!was_right && now_right) ++found[i].harms;
    }
  });
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    if (!found[i].needs.empty()) out.needs[signatures[i].first] = std::move(found[i].needs);
    if (found[i].harms > 0) out.harms[signatures[i].first] = found[i].harms;
  }
}

/// Signals for right verdicts show which collections use a signature. One for a cause is used where it gives the right cause as the only one of its
/// kind, and without it nothing does; this is looked at for those that one collection alone needs.
void find_uses(const bench::Tables& tables, const std::vector<Labelled>& messages, const Signatures& signatures,
               LeftOut& out) {
  std::vector<const Labelled*> with_cause;
  for (const Labelled& message : messages) {
    if (!message.verdict || !is_right(message.verdict, *message.label)) continue;
    for (const Signal& signal : message.verdict->signals) {
      if (signal.weight > 0) ++out.uses[signal.name][message.collection];
    }
    if (message.label->has_cause()) with_cause.push_back(&message);
  }
  bench::Names causes;
  std::vector<std::string> looked_at;
  for (const auto& [name, unseen] : signatures) {
    if (!unseen.names_cause) continue;
    causes.insert(name);
    const auto needs = out.needs.find(name);
    if (needs != out.needs.end() && needs->second.size() == 1) looked_at.push_back(name);
  }
  if (looked_at.empty()) return;
  const auto none = bench::rules_of(tables, causes);
  std::erase_if(with_cause, [&](const Labelled* message) {
    return is_right(bench::verdict_on(*message->sample, *none), *message->label);
  });
  std::vector<std::map<std::string, std::size_t>> found(looked_at.size());
  in_parallel(looked_at.size(), [&](std::size_t i) {
    bench::Names others = causes;
    others.erase(looked_at[i]);
    const auto rules = bench::rules_of(tables, others);
    for (const Labelled* message : with_cause) {
      if (is_right(bench::verdict_on(*message->sample, *rules), *message->label)) ++found[i][message->collection];
    }
  });
  for (std::size_t i = 0; i < looked_at.size(); ++i) out.uses[looked_at[i]] = std::move(found[i]);
}

[[nodiscard]] LeftOut leave_each_out(const bench::Tables& tables, const std::vector<Labelled>& messages) {
  const auto deciding = bench::deciding(*bench::rules_of(tables));
  const Signatures signatures(deciding.begin(), deciding.end());
  LeftOut out;
  out.tried = signatures.size();
  find_needs(tables, messages, signatures, out);
  find_uses(tables, messages, signatures, out);
  return out;
}

/// `used in a 3, b 1`: collections besides `collection`; "": none.
[[nodiscard]] std::string other_uses(const LeftOut& left_out, const std::string& name, const std::string& collection) {
  std::string out;
  const auto uses = left_out.uses.find(name);
  if (uses == left_out.uses.end()) return out;
  for (const auto& [other, times] : uses->second) {
    if (other != collection) out += fmt::format("{}{} {}", out.empty() ? "used in " : ", ", other, times);
  }
  return out;
}

/// Whether every signature that one collection alone needs is used in another one or has a note.
[[nodiscard]] bool print_needs(const LeftOut& left_out, const std::set<std::string>& collections,
                               const std::map<std::string, std::string>& notes) {
  fmt::print("\nright verdicts that get wrong without a signature\n{:<34}", "");
  for (const std::string& collection : collections) fmt::print("{:>14}", collection);
  fmt::print("\n");
  for (const auto& [name, needs] : left_out.needs) {
    fmt::print("{:<34}", name);
    for (const std::string& collection : collections) {
      const auto cell = needs.find(collection);
      fmt::print("{:>14}", cell == needs.end() ? std::string(".") : std::to_string(cell->second));
    }
    fmt::print("\n");
  }
  if (!left_out.harms.empty()) fmt::print("\nwrong verdicts that get right without a signature\n");
  for (const auto& [name, harms] : left_out.harms) fmt::print("{:<34}{:>14}\n", name, harms);
  std::size_t alone = 0;
  std::size_t unexplained = 0;
  fmt::print("\nneeded by one collection alone\n");
  for (const auto& [name, needs] : left_out.needs) {
    if (needs.size() != 1) continue;
    ++alone;
    const std::string& collection = needs.begin()->first;
    const auto note = notes.find(name);
    std::string why = note != notes.end() ? note->second : other_uses(left_out, name, collection);
    if (why.empty()) {
      ++unexplained;
      why = "NO NOTE";
    }
    fmt::print("{:<14}  {:<34}{}\n", collection, name, why);
  }
  fmt::print(
      "{} signatures left out one by one; {} are needed, {} of these by one collection alone, {} without a use "
      "elsewhere or a note\n",
      left_out.tried, left_out.needs.size(), alone, unexplained);
  return unexplained == 0;
}

void print_unseen(const bench::Tables& tables, const std::vector<Labelled>& messages, const LeftOut& left_out,
                  const std::set<std::string>& collections) {
  bench::Score::print_head("as if never seen");
  for (const std::string& collection : collections) {
    bench::Names own;
    for (const auto& [name, by] : left_out.needs) {
      const bool is_own = by.size() == 1 && by.begin()->first == collection;
      if (is_own && other_uses(left_out, name, collection).empty()) own.insert(name);
    }
    const auto rules = bench::rules_of(tables, own);
    bench::Score score;
    for (const Labelled& message : messages) {
      if (message.collection == collection) count(message, bench::verdict_on(*message.sample, *rules), score);
    }
    score.print_row(fmt::format("{} ({} less)", collection, own.size()));
  }
}

struct Group {
  std::map<std::string, bench::Label> labels;
  std::vector<bench::Sample> samples;
};

struct Options {
  std::vector<std::string> signatures;
  bool leaves_out = false;
  std::vector<bench::Sample> samples;  ///< if there are no labels
  std::vector<Group> groups;
};

[[nodiscard]] Options options_in(const std::vector<std::string>& arguments) {
  Options out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool has_value = i + 1 < arguments.size();
    if (arguments[i] == "--labels" && has_value) {
      // Messages that are named before any labels belong to the first ones.
      Group& group = out.groups.emplace_back();
      group.labels = bench::read_labels(arguments[++i]);
      group.samples = std::exchange(out.samples, {});
    } else if (arguments[i] == "--signatures" && has_value) {
      out.signatures.push_back(arguments[++i]);
    } else if (arguments[i] == "--leave-one-out") {
      out.leaves_out = true;
    } else {
      bench::add_samples(arguments[i], out.groups.empty() ? out.samples : out.groups.back().samples);
    }
  }
  return out;
}

[[nodiscard]] bool score(const Options& options, const bench::Tables& tables, const detect::SignatureSet& rules) {
  std::vector<Labelled> messages;
  std::size_t without_label = 0;
  for (const Group& group : options.groups) {
    for (const bench::Sample& sample : group.samples) {
      const std::string file = std::filesystem::path(sample.path).filename().string();
      const auto label = group.labels.find(file);
      if (label == group.labels.end()) {
        ++without_label;
        continue;
      }
      messages.push_back({&sample, &label->second, file, collection_of(sample.path), bench::verdict_on(sample, rules)});
    }
  }
  if (without_label > 0) fmt::print("{} messages have no label\n", without_label);

  bench::Score total;
  std::map<std::string, bench::Score> by_collection;
  std::set<std::string> collections;
  for (const Labelled& message : messages) {
    count(message, message.verdict, total);
    count(message, message.verdict, by_collection[message.collection]);
    collections.insert(message.collection);
  }
  total.print_mistakes();
  if (collections.size() > 1) {
    for (const auto& [collection, of] : by_collection) {
      fmt::print("\ncollection {}", collection);
      of.print_table();
    }
  }
  bench::Score::print_head("with 95 % intervals");
  for (const auto& [collection, of] : by_collection) of.print_row(collection);
  if (collections.size() > 1) total.print_row("all");
  bool is_general = true;
  if (options.leaves_out) {
    const LeftOut left_out = leave_each_out(tables, messages);
    is_general = print_needs(left_out, collections,
                             bench::notes_in(tables.empty() ? bench::read_tables({BLOWBACK_SIGNATURES}) : tables));
    print_unseen(tables, messages, left_out, collections);
  }
  total.print_table();
  return total.print_sum() && is_general;
}

}  // namespace

int main(int argc, char** argv) try {
  const Options options = options_in(std::vector<std::string>(argv + 1, argv + argc));
  const bench::Tables tables = bench::read_tables(options.signatures);
  if (!options.signatures.empty() && tables.empty()) throw std::runtime_error("--signatures: no .tsv file is there");
  const auto rules = bench::rules_of(tables);
  if (!options.groups.empty()) return score(options, tables, *rules) ? 0 : 1;
  for (const bench::Sample& sample : options.samples) {
    const auto verdict = bench::verdict_on(sample, *rules);
    fmt::print("{}\t{}\t{}\n", sample.path, kind_in(verdict), cause_in(verdict));
  }
  return 0;
} catch (const std::exception& problem) {
  fmt::print(stderr, "judge_quality: {}\n", problem.what());
  return 3;
}
