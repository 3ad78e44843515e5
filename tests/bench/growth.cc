// The cost of a database as it grows: octets and microseconds per incident, and whether its size levels off over five years of retention.
//
//   growth fill DATABASE INCIDENTS [DAYS]   records INCIDENTS, spread over DAYS (30) up to now; after each tenth it prints the cost of
//                                           an incident in a batch of 500, and of one recorded alone
//   growth years DATABASE PER_DAY [YEARS]   simulates YEARS (5) of PER_DAY incidents with retention and without, in DATABASE and
//                                           DATABASE.whole; prints the size per year, and whether both list the same in the end
//
// The distribution of senders is realistic: a few send most, and most send once. tests/bench/growth.py measures the rest on the result of `fill`.
#include "schema/store.h"
#include "score/assess.h"
#include "score/replay.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace blowback;

constexpr std::size_t kBatch = 500;
constexpr Duration kDay = std::chrono::days{1};

template <typename T>
T value(schema::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

class Senders {
 public:
  explicit Senders(std::uint64_t seed) : random_(seed) {}

  /// `number` must be different for each delivery.
  Incident next(std::uint64_t number, UnixTime at) {
    Incident incident;
    incident.digest = fmt::format("{:048x}{:016x}", 0, number * 0x9E3779B97F4A7C15U);
    incident.received_at = at;
    // The sender of rank r sends about 1/r of what the first does, among ten million.
    const auto rank = static_cast<std::uint32_t>(std::exp(uniform() * std::log(1e7)));
    incident.client = IpAddress::from_v4(0x2d000000U + rank * 2654435761U % 0x10000000U);
    incident.helo = fmt::format("mx{}.sender.example", rank % 1000);
    incident.feed = "traps";
    incident.trap = fmt::format("user{}@trap{}.example.net", random_() % 500, random_() % 8);
    incident.witness = incident.trap.substr(incident.trap.find('@'));
    incident.reverse_path = random_() % 10 == 0 ? ReversePath::set : ReversePath::null;
    incident.campaign = fmt::format("{:032x}", number / 50 + random_() % 40);
    if (random_() % 3 != 0) incident.origin = fmt::format("203.{}.{}.0/24", random_() % 256, random_() % 256);
    if (random_() % 2 == 0) {
      incident.mailbox = fmt::format("user{}@sender.example", random_() % 100'000);
      incident.mailbox_exists = true;
    }
    incident.kind = static_cast<Kind>(random_() % 6);
    incident.cause = Cause::unknown_user;
    incident.confidence = random_() % 2 == 0 ? 1.0 : 0.9;
    incident.reporting_mta = incident.helo;
    incident.product = "postfix";
    incident.queue_id = fmt::format("4X{:08X}", number);
    incident.message_id = fmt::format("{}.{}@{}", number, random_() % 1'000'000, incident.helo);
    incident.subject = "Undelivered Mail Returned to Sender";
    incident.first_received =
        fmt::format("from unknown (HELO x) (203.0.113.9) by {} with SMTP id {}; Tue, 24 Nov 2026 10:00:00 +0000",
                    incident.helo, incident.queue_id);
    incident.size = 3'000 + random_() % 5'000;
    incident.signals = {{"report-type-delivery-status", 5}, {"null-reverse-path", 1.5}, {"subject-undelivered", 1}};
    return incident;
  }

 private:
  double uniform() { return static_cast<double>(random_() >> 11U) * 0x1p-53; }
  std::mt19937_64 random_;
};

/// The work that ingest does between batches.
void keep_up(schema::Store& store, UnixTime now, const Policy& policy) {
  while (value(store.keep_up(now, policy, {}, &score::reckon)).more) {
  }
}

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

/// Fills a database in order of time.
class Filling {
 public:
  Filling(const std::string& file, std::uint64_t incidents, int days)
      : store_(value(schema::Store::open(file, schema::Store::Mode::create))),
        incidents_(incidents),
        days_(days),
        begin_(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) - days * kDay) {}

  [[nodiscard]] std::uint64_t recorded() const { return recorded_; }

  /// Records up to `upto` incidents in total, in batches of `batch_size`. Returns seconds per incident.
  double record(std::uint64_t upto, std::size_t batch_size) {
    const std::uint64_t first = recorded_;
    double seconds = 0;
    while (recorded_ < upto) {
      schema::Batch batch;
      batch.feed = "traps";
      UnixTime at{};
      for (std::size_t i = 0; i < batch_size && recorded_ < upto; ++i, ++recorded_) {
        at = begin_ +
             Duration{static_cast<std::int64_t>(static_cast<double>((days_ * kDay).count()) *
                                                static_cast<double>(recorded_) / static_cast<double>(incidents_))};
        batch.incidents.push_back(senders_.next(recorded_, at));
      }
      batch.counts.deliveries = batch.incidents.size();
      const auto began = std::chrono::steady_clock::now();
      value(store_.record(batch, policy_, &score::assess, at));
      seconds += seconds_since(began);
      now_ = at;
    }
    return seconds / static_cast<double>(std::max<std::uint64_t>(recorded_ - first, 1));
  }

  /// The seconds of ingest's other work.
  double keep_up() {
    const auto began = std::chrono::steady_clock::now();
    value(store_.expire(now_));
    ::keep_up(store_, now_, policy_);
    return seconds_since(began);
  }

 private:
  schema::Store store_;
  Policy policy_;
  std::uint64_t incidents_;
  int days_;
  UnixTime begin_;
  UnixTime now_ = begin_;
  Senders senders_{1};
  std::uint64_t recorded_ = 0;
};

/// Each batch size is measured on this many incidents at the end of each tenth; the rest is recorded in large batches.
void fill(const std::string& file, std::uint64_t incidents, int days) {
  const std::uint64_t together = std::min<std::uint64_t>(20 * kBatch, incidents / 40);
  const std::uint64_t alone = std::min<std::uint64_t>(1'000, incidents / 40);
  constexpr std::size_t kLargeBatch = 10'000;
  Filling filling(file, incidents, days);
  fmt::print("{:>12} {:>20} {:>16} {:>24}\n", "incidents", "µs, 500 in a batch", "µs, alone",
             "µs of upkeep, by 10,000");
  const auto print_row = [&](double upkeep) {
    const double by_batch = filling.record(filling.recorded() + together, kBatch);
    const double by_one = filling.record(filling.recorded() + alone, 1);
    fmt::print("{:>12} {:>20.1f} {:>16.1f} {:>24.1f}\n", filling.recorded(), by_batch * 1e6, by_one * 1e6,
               upkeep * 1e6);
    std::fflush(stdout);
  };
  print_row(0);
  for (std::uint64_t tenth = 1; tenth <= 10; ++tenth) {
    double upkeep = 0;
    const std::uint64_t first = filling.recorded();
    const std::uint64_t upto = incidents * tenth / 10 - together - alone;
    while (filling.recorded() < upto) {
      filling.record(std::min<std::uint64_t>(filling.recorded() + kLargeBatch, upto), kLargeBatch);
      upkeep += filling.keep_up();
    }
    print_row(upkeep / static_cast<double>(std::max<std::uint64_t>(upto - first, 1)));
  }
}

using Listed = std::map<std::string, std::string>;

Listed listed_in(schema::Store& store, UnixTime now) {
  Listed listed;
  value(store.for_each_listing({}, now, [&](const Listing& listing) {
    listed[listing.prefix.to_string()] =
        fmt::format("{} {}", listing.expires_at->time_since_epoch().count(), listing.codes.bits());
  }));
  return listed;
}

int years(const std::string& file, std::uint64_t per_day, int count) {
  auto kept = value(schema::Store::open(file, schema::Store::Mode::create));
  auto whole = value(schema::Store::open(file + ".whole", schema::Store::Mode::create));
  const Policy policy;
  const UnixTime begin{Duration{1'800'000'000}};
  Senders senders(2);
  std::uint64_t number = 0;
  fmt::print("{:>6} {:>14} {:>18} {:>18}\n", "day", "incidents", "MB with retention", "MB without");
  const auto megabytes = [](schema::Store& store, UnixTime now) {
    const auto size = value(store.kept(now));
    return static_cast<double>(size.octets - size.free_octets) / 1e6;
  };
  UnixTime now{};
  for (int day = 0; day < count * 365; ++day) {
    now = begin + day * kDay;
    schema::Batch batch;
    batch.feed = "traps";
    for (std::uint64_t i = 0; i < per_day; ++i) {
      batch.incidents.push_back(senders.next(
          number++, now + Duration{static_cast<std::int64_t>(86'399 * i / std::max<std::uint64_t>(per_day, 1))}));
    }
    now += Duration{86'399};
    for (auto* const store : {&kept, &whole}) {
      value(store->record(batch, policy, &score::assess, now));
      value(store->expire(now));
    }
    keep_up(kept, now, policy);
    if (day % 73 == 72) {
      fmt::print("{:>6} {:>14} {:>18.1f} {:>18.1f}\n", day + 1, number, megabytes(kept, now), megabytes(whole, now));
      std::fflush(stdout);
    }
  }
  const auto one = listed_in(kept, now);
  const auto other = listed_in(whole, now);
  fmt::print("listed with retention {}, without {}: {}\n", one.size(), other.size(),
             one == other ? "equal" : "DIFFERENT");
  return one == other ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  const auto number = [&](std::size_t i, std::uint64_t otherwise) {
    std::uint64_t parsed = otherwise;
    if (i < arguments.size()) std::from_chars(arguments[i].data(), arguments[i].data() + arguments[i].size(), parsed);
    return parsed;
  };
  if (arguments.size() < 3 || number(2, 0) == 0 || (arguments[0] != "fill" && arguments[0] != "years")) {
    fmt::print(stderr, "growth fill DATABASE INCIDENTS [DAYS] | growth years DATABASE PER_DAY [YEARS]\n");
    return 2;
  }
  try {
    const std::string file(arguments[1]);
    if (arguments[0] == "years") return years(file, number(2, 0), static_cast<int>(number(3, 5)));
    fill(file, number(2, 0), static_cast<int>(number(3, 30)));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "growth: {}\n", error.what());
    return 3;
  }
}
