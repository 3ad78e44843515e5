// Runs the parser and the judge over real mail: prints `path<TAB>kind<TAB>cause` for each message, and how fast it went.
//
//   judge_quality [--explain] [--repeat N] PATH…     files and folders; without any, paths from standard input, one a line
//
// Parsing alone is timed too, so that the judge's own share can be read. The lines feed a scorer; the figures go to
// standard error.
#include "blowback/kind.h"
#include "blowback/trap_delivery.h"
#include "detect/judge.h"
#include "mail/message.h"
#include "samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void explain(const blowback::Verdict& verdict) {
  fmt::print("  confidence {:.2f} product {} mta {} queue {} campaign {}\n", verdict.confidence,
             verdict.product.empty() ? "-" : verdict.product, verdict.reporting_mta, verdict.queue_id,
             verdict.campaign);
  if (verdict.original) {
    fmt::print("  original id {} from {} path {} client {} subject {}\n", verdict.original->message_id,
               verdict.original->from, verdict.original->return_path,
               verdict.original->client ? verdict.original->client->to_string() : "-", verdict.original->subject);
  }
  for (const blowback::Signal& signal : verdict.signals) fmt::print("  {:+.1f} {}\n", signal.weight, signal.name);
}

}  // namespace

int main(int argc, char** argv) try {
  bool explains = false;
  int repeat = 1;
  std::vector<blowback::bench::Sample> samples;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  bool has_paths = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--explain") {
      explains = true;
    } else if (arguments[i] == "--repeat" && i + 1 < arguments.size()) {
      repeat = std::max(1, std::atoi(arguments[++i].c_str()));
    } else {
      has_paths = true;
      blowback::bench::add_samples(arguments[i], samples);
    }
  }
  for (std::string line; !has_paths && std::getline(std::cin, line);) blowback::bench::add_samples(line, samples);

  std::uint64_t octets = 0;
  std::size_t failed = 0;
  Clock::duration parsing{};
  Clock::duration judging{};
  const blowback::mail::Limits limits;
  for (int round = 0; round < repeat; ++round) {
    for (const blowback::bench::Sample& sample : samples) {
      const auto start = Clock::now();
      const auto message = blowback::mail::parse(sample.bytes, limits);
      const auto parsed = Clock::now();
      parsing += parsed - start;
      octets += sample.bytes.size();
      if (!message) {
        ++failed;
        if (round == 0) fmt::print("{}\t-\t-\n", sample.path);
        continue;
      }
      const auto verdict = blowback::detect::judge({}, *message, {});
      judging += Clock::now() - parsed;
      if (round > 0) continue;
      fmt::print("{}\t{}\t{}\n", sample.path, blowback::name_of(verdict.kind), blowback::name_of(verdict.cause));
      if (explains) explain(verdict);
    }
  }
  const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  const double messages = static_cast<double>(samples.size()) * repeat;
  const double both = seconds(parsing) + seconds(judging);
  fmt::print(stderr,
             "{:.0f} messages, {:.1f} MB, {} unreadable: {:.0f} messages/s ({:.1f} MB/s); parsed {:.1f} µs each, "
             "judged {:.1f} µs each\n",
             messages, static_cast<double>(octets) / 1e6, failed, messages / both,
             static_cast<double>(octets) / 1e6 / both, seconds(parsing) * 1e6 / messages,
             seconds(judging) * 1e6 / messages);
  return 0;
} catch (const std::exception& problem) {
  fmt::print(stderr, "judge_quality: {}\n", problem.what());
  return 3;
}
