// Measures how long a wide decision makes another writer wait: a million lines imported, undone, a /8 delisted, exempted, and a backup,
// each beside a second connection that records one delivery after the other. For each it prints the duration, the number of slices, the
// longest and the 99.9th percentile of the recordings, and the largest size of the WAL.
//
//   store_waits DIRECTORY [LINES]
#include "blowback/policy.h"
#include "schema/store.h"
#include "score/assess.h"
#include "score/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace blowback;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr UnixTime kNow{Duration{1'780'000'000}};
const schema::Decision kDecision{.who = "bench", .reason = "a measurement"};

template <typename T>
T value(schema::Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "store_waits: {}\n", result.error().text);
  std::exit(EXIT_FAILURE);
}

schema::Store open(const std::string& file) { return value(schema::Store::open(file, schema::Store::Mode::create)); }

Policy policy() {
  Policy policy;
  policy.allow_documentation = true;
  return policy;
}

Incident incident(const IpAddress& client, std::uint64_t number) {
  Incident incident;
  incident.client = client;
  incident.digest = fmt::format("{:064x}", number);
  incident.trap = incident.witness = fmt::format("t{}@trap.example.net", number % 3);
  incident.campaign = fmt::format("c{}", number);
  incident.origin = fmt::format("o{}", number);
  incident.reverse_path = ReversePath::null;
  incident.received_at = kNow;
  incident.feed = "bench";
  return incident;
}

void record(schema::Store& store, std::vector<Incident> incidents) {
  schema::Batch batch;
  batch.feed = "bench";
  batch.incidents = std::move(incidents);
  value(store.record(batch, policy(), &score::assess, kNow));
}

/// Records one delivery after the other until it is destroyed, and measures the time of each and the size of the WAL.
class Other {
 public:
  explicit Other(const std::string& file) : file_(file), thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void tell(const std::string& what, Clock::duration took, std::uint64_t slices) {
    thread_.request_stop();
    thread_.join();
    std::ranges::sort(waits_);
    const auto at = [&](double share) {
      return waits_.empty() ? 0
                            : waits_[static_cast<std::size_t>(share * static_cast<double>(waits_.size() - 1))].count();
    };
    fmt::print(
        "{:<28}{:>9.1f} s{:>8} slices{:>8} recorded{:>9.0f} ms longest{:>9.0f} ms p99.9{:>9.1f} ms p50{:>7.1f} MiB "
        "WAL\n",
        what, std::chrono::duration<double>(took).count(), slices, waits_.size(), at(1), at(0.999), at(0.5),
        static_cast<double>(largest_wal_) / (1U << 20U));
  }

 private:
  void run(const std::stop_token& stop) {
    static std::atomic<std::uint64_t> number = 1U << 30U;
    auto store = open(file_);
    while (!stop.stop_requested()) {
      const auto began = Clock::now();
      record(store, {incident(IpAddress::from_v4(0xc6336400U + static_cast<std::uint32_t>(number % 256)), ++number)});
      waits_.push_back(Clock::now() - began);
      std::error_code ignored;
      largest_wal_ = std::max(largest_wal_, std::filesystem::file_size(file_ + "-wal", ignored));
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
  }

  std::string file_;
  std::vector<Milliseconds> waits_;
  std::uintmax_t largest_wal_ = 0;
  std::jthread thread_;  // last: it uses the others
};

template <typename Work>
void measure(const std::string& file, const std::string& what, Work work) {
  auto store = open(file);
  std::uint64_t slices = 1;
  store.work_in({.between = [&](std::uint64_t, std::uint64_t) {
    ++slices;
    return true;
  }});
  Other other(file);
  const auto began = Clock::now();
  value(work(store));
  other.tell(what, Clock::now() - began, slices);
}

std::uint64_t latest(schema::Store& store) { return value(store.audit(1)).at(0).id; }

schema::Result<std::uint64_t> undo_latest(schema::Store& store) {
  return value(store.undo(latest(store), kDecision, policy(), &score::reckon, kNow)).ended;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: store_waits DIRECTORY [LINES]\n");
    return 2;
  }
  const std::string file = std::string(argv[1]) + "/store_waits.db";
  const auto lines = static_cast<std::uint32_t>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1'000'000);
  for (const auto* const suffix : {"", "-wal", "-shm", ".backup"}) std::filesystem::remove(file + suffix);
  std::vector<Prefix> prefixes;
  for (std::uint32_t i = 0; i < lines; ++i) prefixes.push_back(Prefix::of(IpAddress::from_v4(0x0b000000U + i)));
  const Prefix eight = *Prefix::parse("44.0.0.0/8");
  {
    auto store = open(file);
    std::uint64_t number = 0;
    for (std::uint32_t i = 0; i < lines / 10; i += 1'000) {
      std::vector<Incident> batch;
      for (std::uint32_t j = i; j < i + 1'000; ++j) {
        for (int k = 0; k < 3; ++k) batch.push_back(incident(IpAddress::from_v4(0x2c000000U + j), ++number));
      }
      record(store, std::move(batch));
    }
  }
  fmt::print("{} lines; 44.0.0.0/8 has {} listings; beside a writer of one delivery each 2 ms\n", lines, lines / 10);
  const auto wide = Permission::wide;
  measure(file, "import", [&](auto& s) { return s.list(prefixes, {}, kDecision, kNow, "lines", wide); });
  measure(file, "undo of it", undo_latest);
  measure(file, "delist of the /8", [&](auto& s) { return s.delist(eight, kDecision, kNow, wide); });
  measure(file, "undo of it", undo_latest);
  measure(file, "exempt the /8", [&](auto& s) { return s.exempt(eight, {}, kDecision, kNow, wide); });
  measure(file, "undo of it", undo_latest);
  measure(file, "snapshot in slices",
          [&](auto& s) { return s.snapshot_in_slices(kNow, [](const Listing&) {}, [](const Exemption&) {}); });
  measure(file, fmt::format("backup of {} MiB", std::filesystem::file_size(file) >> 20U),
          [&](auto& s) -> schema::Result<bool> {
            if (auto made = s.backup(file + ".backup"); !made) return std::unexpected(made.error());
            return true;
          });
  return 0;
}
