// Measures `blowback policy simulate`, and checks that its result equals that of a new ingest under that policy.
//
//   policy_replay [INCIDENTS]        INCIDENTS defaults to 100000
//
// Records the incidents, spread over some weeks, with delistings and exemptions between them, under the default policy; lets the
// tool simulate another policy; records the same into a second database under that policy; compares which senders are listed, until when, and
// with which codes. Exits 1 if they differ or 100,000 took five seconds.
#include "cli/tool.h"
#include "config/config.h"
#include "schema/store.h"
#include "score/assess.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace blowback;

constexpr UnixTime kBegin{Duration{1'790'000'000}};
constexpr Duration kWeeks = std::chrono::weeks{8};
constexpr UnixTime kNow = kBegin + kWeeks;
constexpr std::size_t kBatch = 500;
constexpr double kMostSeconds = 5;

constexpr std::string_view kTried =
    "[policy]\nhalf_life = \"4d\"\nlist_at = 2.5\ndistinct_traps = 3\nmax_listing = \"14d\"\ntrap_cap = 1.5\n"
    "[policy.weights]\nauto_reply = 1.0\nmdn = 0.1\n";

/// A delisting, or an exemption if `exempts`, of all addresses that begin with `prefix`.
struct Decided {
  UnixTime at{};
  Prefix prefix;
  bool exempts = false;
  std::optional<UnixTime> until;
};

struct Weeks {
  std::vector<Incident> incidents;  ///< in order of time
  std::vector<Decided> decisions;   ///< in order of time
};

/// Few senders send much and many send little; a tenth of them by IPv6.
Weeks some_weeks(std::size_t count) {
  std::mt19937_64 random(6);
  const auto draw = [&](std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random);
  };
  const auto senders = std::max<std::uint64_t>(count / 15, 10);
  const auto address = [&](std::uint64_t number) {
    if (number % 10 != 0) return IpAddress::from_v4(0x2d000000U + static_cast<std::uint32_t>(number) * 7);
    auto octets = IpAddress::parse("2a00::1").value().octets();
    octets[4] = static_cast<std::uint8_t>(number >> 16U);
    octets[5] = static_cast<std::uint8_t>(number >> 8U);
    octets[6] = static_cast<std::uint8_t>(number);
    octets[15] = static_cast<std::uint8_t>(1 + draw(200));
    return IpAddress::from_octets(octets);
  };
  const auto some_time = [&] { return kBegin + Duration{static_cast<std::int64_t>(draw(kWeeks.count()))}; };
  Weeks weeks;
  for (std::size_t i = 0; i < count; ++i) {
    Incident incident;
    incident.digest = fmt::format("{:064x}", i);
    incident.received_at = some_time();
    incident.client = address(std::min(draw(senders), draw(senders)));
    incident.helo = "mx.sender.example";
    incident.feed = "traps";
    incident.trap = fmt::format("user{}@trap.example.net", draw(200));
    incident.witness = draw(4) == 0 ? std::string("@trap.example.net") : incident.trap;
    incident.reverse_path = draw(10) == 0 ? ReversePath::set : ReversePath::null;
    incident.relayed = draw(20) == 0 ? Relayed::trace : Relayed::no;
    incident.campaign = fmt::format("{:032x}", draw(count / 40 + 5));
    if (draw(3) != 0) incident.origin = fmt::format("203.0.{}.0/24", draw(200));
    incident.mailbox = fmt::format("user{}@sender.example", draw(5'000));
    incident.mailbox_exists = draw(2) == 0;
    incident.kind = static_cast<Kind>(draw(6));
    incident.cause = Cause::unknown_user;
    incident.confidence = 0.5 + static_cast<double>(draw(50)) / 100;
    incident.subject = "Undelivered Mail Returned to Sender";
    incident.message_id = fmt::format("<{}.{}@mx.sender.example>", i, draw(1'000'000));
    incident.first_received =
        "from unknown (HELO x) (203.0.113.9) by mx.sender.example with SMTP; Tue, 24 Nov 2026 10:00:00";
    incident.signals = {{"report-type-delivery-status", 5}, {"null-reverse-path", 1.5}};
    weeks.incidents.push_back(std::move(incident));
  }
  std::ranges::stable_sort(weeks.incidents, {}, &Incident::received_at);
  for (int i = 0; i < 200; ++i) {
    const UnixTime at = some_time();
    const IpAddress around = address(draw(senders));
    int length = sender_of(around).length();
    if (draw(4) == 0) length = around.family() == Family::ipv4 ? 22 : 40;
    weeks.decisions.push_back({.at = at,
                               .prefix = Prefix::covering(around, length),
                               .exempts = i % 3 == 0,
                               .until = i % 2 == 0 ? std::nullopt : std::optional(at + std::chrono::days{6})});
  }
  std::ranges::stable_sort(weeks.decisions, {}, &Decided::at);
  return weeks;
}

template <typename T>
T value(schema::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text);
  return std::move(*result);
}

/// Records as ingest and an operator would have done at the time: batches end at decisions, and when an exemption ends.
void record(const std::string& file, const Weeks& weeks, const Policy& policy) {
  auto store = value(schema::Store::open(file, schema::Store::Mode::create));
  std::vector<UnixTime> turns;
  for (const auto& decision : weeks.decisions) {
    turns.push_back(decision.at);
    if (decision.until) turns.push_back(*decision.until - Duration{1});
  }
  std::ranges::sort(turns);
  std::size_t turn = 0;
  std::size_t decided = 0;
  schema::Batch batch;
  batch.feed = "traps";
  const auto commit = [&] {
    if (batch.incidents.empty()) return;
    value(store.record(batch, policy, &score::assess, batch.incidents.back().received_at));
    batch.incidents.clear();
  };
  const schema::Decision word{.who = "operator", .reason = "benchmark"};
  const auto decide_before = [&](UnixTime time) {
    if (turn < turns.size() && turns[turn] < time) commit();
    while (turn < turns.size() && turns[turn] < time) ++turn;
    for (; decided < weeks.decisions.size() && weeks.decisions[decided].at < time; ++decided) {
      const auto& [at, prefix, exempts, until] = weeks.decisions[decided];
      value(exempts ? store.exempt(prefix, until, word, at, Permission::wide)
                    : store.delist(prefix, word, at, Permission::wide));
    }
  };
  for (const auto& incident : weeks.incidents) {
    decide_before(incident.received_at);
    batch.incidents.push_back(incident);
    if (batch.incidents.size() >= kBatch) commit();
  }
  commit();
  decide_before(kNow + Duration{1});
}

/// Sender: until and codes.
using Listed = std::map<std::string, std::string>;

Listed listed_in(const std::string& file) {
  auto store = value(schema::Store::open(file, schema::Store::Mode::read));
  Listed listed;
  const auto visited = store.for_each_listing({}, kNow, [&](const Listing& listing) {
    auto codes = nlohmann::json::array();
    for (const Code code : kAllCodes) {
      if (listing.codes.has(code)) codes.push_back(name_of(code));
    }
    listed[listing.prefix.to_string()] = to_iso8601(*listing.expires_at) + " " + codes.dump();
  });
  if (!visited) throw std::runtime_error(visited.error().text);
  return listed;
}

std::string simulated(const std::string& config, const std::string& policy) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::tmpfile(), &std::fclose);
  const int code =
      cli::run({"--config", config, "policy", "simulate", policy, "--format", "json"},
               {.out = out.get(), .now = kNow, .who = "operator", .variable = [](const char*) -> const char* {
                  return nullptr;
                }});
  if (code != 0) throw std::runtime_error("policy simulate failed");
  std::string text(static_cast<std::size_t>(std::ftell(out.get())), '\0');
  if (std::fseek(out.get(), 0, SEEK_SET) != 0) throw std::runtime_error("no way back to the start of a file");
  text.resize(std::fread(text.data(), 1, text.size(), out.get()));
  return text;
}

double seconds_of(const auto& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

int compare(const std::filesystem::path& folder, std::size_t count) {
  const auto file = [&](const char* name) { return (folder / name).string(); };
  std::ofstream(file("blowback.toml")) << "database = \"" << file("first.db")
                                       << "\"\n[zone]\nname = \"bl.example.org\"\n";
  std::ofstream(file("tried.toml")) << kTried;
  const auto policy = config::load_policy(file("tried.toml"), Policy{});
  if (!policy) throw std::runtime_error(policy.error().text);

  const Weeks weeks = some_weeks(count);
  fmt::print("{} incidents of eight weeks, {} delistings and exemptions\n", weeks.incidents.size(),
             weeks.decisions.size());
  fmt::print("recorded under the present policy        {:>8.2f} s\n",
             seconds_of([&] { record(file("first.db"), weeks, Policy{}); }));
  std::string text;
  const double took = seconds_of([&] { text = simulated(file("blowback.toml"), file("tried.toml")); });
  fmt::print("policy simulate, from start to end       {:>8.2f} s\n", took);
  fmt::print("recorded again under the policy tried    {:>8.2f} s\n",
             seconds_of([&] { record(file("second.db"), weeks, *policy); }));

  const Listed first = listed_in(file("first.db"));
  const Listed second = listed_in(file("second.db"));
  Listed said;
  std::map<std::string, std::uint64_t> changes;
  std::size_t wrong = 0;
  for (const auto& row : nlohmann::json::parse(text)) {
    const auto sender = row["sender"].get<std::string>();
    const auto change = row["change"].get<std::string>();
    ++changes[change];
    const bool was = first.contains(sender);
    if (was != !row["until_before"].is_null() || (change == "listed") == was) ++wrong;
    if (change != "gone") said[sender] = row["until_after"].get<std::string>() + " " + row["codes"].dump();
  }
  fmt::print("listed before {}, after {}: {} new, {} gone, {} stay\n", first.size(), second.size(), changes["listed"],
             changes["gone"], changes["stays"]);
  const bool equal = said == second && wrong == 0;
  fmt::print("simulated result and second database: {}\n", equal ? "equal" : "DIFFERENT");
  return equal && took < kMostSeconds * static_cast<double>(std::max<std::size_t>(count, 100'000)) / 100'000 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 100'000;
  if (argc > 1) {
    const std::string_view text = argv[1];
    if (std::from_chars(text.data(), text.data() + text.size(), count).ec != std::errc{} || count == 0) {
      fmt::print(stderr, "policy_replay [INCIDENTS]: '{}' isn't a number of incidents\n", text);
      return 2;
    }
  }
  std::string folder = (std::filesystem::temp_directory_path() / "blowback-replay-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 3;
  int code = 3;
  try {
    code = compare(folder, count);
  } catch (const std::exception& error) {
    fmt::print(stderr, "policy_replay: {}\n", error.what());
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return code;
}
