// Measures how fast mail gets from a feed to the database, on one core, stage by stage; and a bare GMime parse of the same bytes
// for comparison, alternating in the same run.
//
//   judge_speed [--deliveries N] [--judges N] [--new-names] PATH…
//
// PATH: files and folders of messages. The defaults are 100,000 deliveries and one judge. --new-names: gives the addresses in each delivery
// other local parts, as in real mail; without it, the same texts are repeated.
//
// The messages are written to an mbox in a temporary folder, which the feed reads repeatedly; each delivery
// comes from another client, at another time, to one of several traps, so that none is a duplicate. The database is a real one.
#include "blowback/ip_address.h"
#include "blowback/policy.h"
#include "detect/judge.h"
#include "feed/feed.h"
#include "mail/message.h"
#include "record/intake.h"
#include "record/judges.h"
#include "samples.h"
#include "schema/store.h"
#include "score/assess.h"

#include <fmt/format.h>
#include <gmime/gmime.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace blowback;
namespace fs = std::filesystem;

// Processor time of this thread, in seconds: independent of other programs on the machine. It doesn't include waiting for the disk;
// `Stopwatch` measures both.
[[nodiscard]] double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Spent {
  double processor = 0;
  double wall = 0;
};

template <typename Work>
void timed(Spent& spent, Work work) {
  const double processor = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  const double wall = seconds_of(CLOCK_MONOTONIC);
  work();
  spent.processor += seconds_of(CLOCK_THREAD_CPUTIME_ID) - processor;
  spent.wall += seconds_of(CLOCK_MONOTONIC) - wall;
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "judge_speed.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder can be made");
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

void write_mbox(const std::vector<bench::Sample>& samples, const std::string& path) {
  std::ofstream out(path, std::ios::binary);
  for (const bench::Sample& sample : samples) {
    std::string_view bytes = sample.bytes;
    if (bytes.starts_with("From ")) bytes.remove_prefix(std::min(bytes.find('\n') + 1, bytes.size()));
    out << "From sender@example.org Tue Nov 24 10:00:00 2026\n";
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      const std::string_view line = bytes.substr(0, end);
      bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
      if (line.substr(std::min(line.find_first_not_of('>'), line.size())).starts_with("From ")) out << '>';  // mboxrd
      out << line << '\n';
    }
    out << '\n';
  }
  if (!out.flush()) throw std::runtime_error(path + " can't be written");
}

void parse_by_gmime(const std::string& bytes) {
  GMimeStream* stream = g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size());
  GMimeParser* parser = g_mime_parser_new_with_stream(stream);
  GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr);
  if (message != nullptr) g_object_unref(message);
  g_object_unref(parser);
  g_object_unref(stream);
}

[[nodiscard]] IpAddress client_of(std::uint64_t number) {
  // Spread over 11.0.0.0 to 99.255.255.255: ordinary addresses, rarely neighbours.
  const auto spread = static_cast<std::uint32_t>((number * 2'654'435'761U) & 0xFFFFFFFFU);
  const auto octet = [&](unsigned shift) { return (spread >> shift) & 255U; };
  return *IpAddress::parse(fmt::format("{}.{}.{}.{}", 11 + octet(24) % 89, octet(16), octet(8), octet(0)));
}

// Replaces the letters before each `@`, except the names that mailers use, which the judge checks.
void give_new_names(std::string& message, std::mt19937& random) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (std::size_t at = message.find('@'); at != std::string::npos; at = message.find('@', at + 1)) {
    std::size_t begin = at;
    while (begin > 0 && (is_letter(message[begin - 1]) || message[begin - 1] == '-')) --begin;
    const std::string_view name = std::string_view(message).substr(begin, at - begin);
    const bool is_of_mailer = std::ranges::any_of(std::array<std::string_view, 3>{"aemon", "AEMON", "ostmaster"},
                                                  [&](std::string_view part) { return name.contains(part); });
    if (is_of_mailer) continue;
    for (; begin < at; ++begin) message[begin] = static_cast<char>('a' + random() % 26);
  }
}

struct Figures {
  std::uint64_t deliveries = 0;
  std::uint64_t octets = 0;
  std::uint64_t incidents = 0;
  Spent read, gmime, parse, judge, intake, commit;
};

void run(feed::Feed& feed, const record::Source& source, record::Judges& judges, std::mt19937* new_names,
         schema::Store& store, std::uint64_t most, Figures& to) {
  const Policy policy;
  while (to.deliveries < most) {
    std::optional<feed::Chunk> chunk;
    timed(to.read, [&] {
      auto next = feed.next({});
      if (!next) throw std::runtime_error(next.error().text);
      chunk = std::move(*next);
    });
    if (chunk->items.empty()) return;
    std::vector<TrapDelivery*> deliveries;
    for (feed::Item& item : chunk->items) {
      auto* const delivery = std::get_if<TrapDelivery>(&item.content);
      if (delivery == nullptr) continue;
      const std::uint64_t number = to.deliveries++;
      delivery->client = client_of(number / 3);
      delivery->received_at = UnixTime{std::chrono::seconds{1'795'000'000 + static_cast<std::int64_t>(number)}};
      delivery->time_is_told = true;
      delivery->rcpt_to = {fmt::format("trap{}@trap.example.net", number % 50)};
      if (new_names != nullptr) give_new_names(delivery->message, *new_names);
      to.octets += delivery->message.size();
      deliveries.push_back(delivery);
    }
    timed(to.gmime, [&] {
      for (const TrapDelivery* delivery : deliveries) parse_by_gmime(delivery->message);
    });
    std::vector<std::expected<mail::Message, mail::MessageError>> messages;
    messages.reserve(deliveries.size());
    timed(to.parse, [&] {
      for (const TrapDelivery* delivery : deliveries) messages.push_back(mail::parse(delivery->message, source.limits));
    });
    timed(to.judge, [&] {
      for (std::size_t i = 0; i < deliveries.size(); ++i) {
        if (messages[i]) static_cast<void>(detect::judge(*deliveries[i], *messages[i], deliveries[i]->rcpt_to));
      }
    });
    messages.clear();
    schema::Batch batch;
    timed(to.intake, [&] { batch = judges.batch_of(*chunk, source, UnixTime{std::chrono::seconds{1'795'200'000}}); });
    timed(to.commit, [&] {
      const auto recorded = store.record(batch, policy, &score::assess, UnixTime{std::chrono::seconds{1'795'200'000}});
      if (!recorded) throw std::runtime_error(recorded.error().text);
      to.incidents += recorded->incidents;
    });
    if (auto moved = feed.committed(); !moved) throw std::runtime_error(moved.error().text);
  }
}

void print(const Figures& is, int judges) {
  const auto count = static_cast<double>(is.deliveries);
  const double judging = is.parse.processor + is.judge.processor;
  const double rest = std::max(0.0, is.intake.processor - judging);
  const double whole = is.read.processor + is.intake.processor + is.commit.processor;
  const double whole_wall = is.read.wall + is.intake.wall + is.commit.wall;
  fmt::print("{} deliveries, {:.0f} MB, {} octets each; {} became incidents\n", is.deliveries,
             static_cast<double>(is.octets) / 1e6, is.octets / std::max<std::uint64_t>(is.deliveries, 1), is.incidents);
  fmt::print("\n{:<34}{:>14}{:>10}\n", "stage, one core", "µs a delivery", "share");
  const auto row = [&](std::string_view name, double seconds) {
    fmt::print("{:<34}{:>14.1f}{:>9.1f}%\n", name, seconds * 1e6 / count, 100 * seconds / whole);
  };
  row("read from the mbox", is.read.processor);
  row("take apart (parse)", is.parse.processor);
  row("judge", is.judge.processor);
  row("trap, client, digest, evidence", rest);
  row("score and commit to SQLite", is.commit.processor);
  row("all", whole);
  fmt::print("\njudged (parse and judge):     {:>8.0f} a second and core\n", count / judging);
  fmt::print("committed, whole way:         {:>8.0f} deliveries a second and core, {:.0f} per second of elapsed time\n",
             count / whole, count / whole_wall);
  fmt::print("read and judged by {:>2} judge{}     {:>8.0f} a second of elapsed time\n", judges,
             judges == 1 ? ": " : "s:", count / is.intake.wall);
  fmt::print("incidents committed:          {:>8.0f} a second by the store alone, {:.0f} per second of elapsed time\n",
             static_cast<double>(is.incidents) / is.commit.processor,
             static_cast<double>(is.incidents) / is.commit.wall);
  fmt::print("a bare GMime parse:           {:>8.1f} µs a delivery\n", is.gmime.processor * 1e6 / count);
  fmt::print("parse and judge, ratio:       {:>8.2f} (to GMime's parse: 2 takes twice as long)\n",
             judging / is.gmime.processor);
}

}  // namespace

int main(int argc, char** argv) try {
  std::uint64_t most = 100'000;
  int number_of_judges = 1;
  std::mt19937 random(20261127);  // NOLINT: the same in each run
  std::mt19937* new_names = nullptr;
  std::vector<bench::Sample> samples;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--deliveries" && i + 1 < arguments.size()) {
      most = std::strtoull(arguments[++i].c_str(), nullptr, 10);
    } else if (arguments[i] == "--judges" && i + 1 < arguments.size()) {
      number_of_judges = std::clamp(std::atoi(arguments[++i].c_str()), 1, 64);
    } else if (arguments[i] == "--new-names") {
      new_names = &random;
    } else {
      bench::add_samples(arguments[i], samples);
    }
  }
  if (samples.empty()) {
    fmt::print(stderr,
               "judge_speed [--deliveries N] [--judges N] [--new-names] PATH…: name files or folders of messages\n");
    return 2;
  }
  g_mime_init();
  const Folder folder;
  const std::string mbox = folder.file("traps.mbox");
  write_mbox(samples, mbox);
  auto store = schema::Store::open(folder.file("blowback.db"), schema::Store::Mode::create);
  if (!store) throw std::runtime_error(store.error().text);
  const record::Source source{.feed = "bench", .trusted_relays = {}, .traps = {}, .limits = {}};
  record::Judges judges(number_of_judges);
  Figures figures;
  while (figures.deliveries < most) {
    auto feed = feed::open_mbox(mbox, feed::MboxQuoting::mboxrd, std::nullopt);
    if (!feed) throw std::runtime_error(feed.error().text);
    const std::uint64_t before = figures.deliveries;
    run(**feed, source, judges, new_names, *store, most, figures);
    if (figures.deliveries == before) throw std::runtime_error("the feed yields nothing");
  }
  print(figures, number_of_judges);
  return 0;
} catch (const std::exception& problem) {
  fmt::print(stderr, "judge_speed: {}\n", problem.what());
  return 3;
}
