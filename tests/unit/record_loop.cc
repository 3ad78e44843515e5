// The ingest loop over real feeds and a real database: what it records, what it tries again, and what a reload keeps.
#include "catch.h"
#include "folder.h"
#include "record/ingest_loop.h"
#include "record_fixture.h"
#include "smtp_client.h"
#include "sql_by_hand.h"
#include "system/unix_socket.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/eventfd.h>
#include <utility>

namespace blowback::test {
namespace {

using Catch::Contains;
using Catch::StartsWith;
using namespace std::chrono_literals;
using record::Ended;
using record::IngestState;
using record::Request;

constexpr UnixTime kNow{2'000'000'000s};

std::string traced(const std::string& client = "192.0.2.1") {
  return "Received: from mx.example.org (mx.example.org [" + client +
         "])\r\n\tby mx.trap.example.net (Postfix) with ESMTP id 9A7; Tue, 24 Nov 2026 10:00:01 +0000 (UTC)\r\n";
}

/// A loop with its feeds and database in a folder. `run_until` gives the loop its requests.
class Ingest {
 public:
  Ingest() {
    config.file = folder.file("blowback.toml");
    config.database = folder.file("blowback.db");
    config.traps.domains = {"trap.example.net"};
    config.ingest.judges = 1;
    make_maildir("traps");
    config.feeds = {maildir("traps")};
  }
  Ingest(const Ingest&) = delete;
  Ingest& operator=(const Ingest&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return folder.file(name); }
  void make_maildir(const std::string& name) const {
    for (const auto* const part : {"new", "cur", "tmp"})
      std::filesystem::create_directories(folder.path() / name / part);
  }
  [[nodiscard]] config::Feed maildir(const std::string& name) const {
    config::Feed feed;
    feed.name = name;
    feed.path = path(name);
    return feed;
  }
  [[nodiscard]] config::Feed lmtp(const std::string& socket) const {
    config::Feed feed;
    feed.name = "lmtp";
    feed.type = config::FeedType::lmtp;
    feed.listener.listen = {path(socket)};
    return feed;
  }
  void deliver(int number, const std::string& feed = "traps") const {
    const auto name = std::to_string(number);
    const auto tmp = folder.path() / feed / "tmp" / name;
    std::ofstream(tmp, std::ios::binary) << bounce(traced(), "bob@trap.example.net", number);
    std::filesystem::rename(tmp, folder.path() / feed / "new" / name);
  }

  void open(record::LoopOptions options = {}) {
    auto store = schema::Store::open(config.database, schema::Store::Mode::create);
    REQUIRE(store.has_value());
    record::Surroundings surroundings{.now = [] { return kNow; },
                                      .clock_doubt = [] { return std::nullopt; },
                                      .requests = {.fd = readable_.get(), .next = [this] { return next_request(); }},
                                      .state = &shared,
                                      .on_turn = [this] { ++turns; },
                                      .on_first_round = [this] { ++first_rounds; }};
    loop = std::make_unique<record::IngestLoop>(config, std::move(options), std::move(*store), surroundings);
  }

  /// Runs the loop. Before each round `condition` is asked; once it is true, `request` is made.
  Ended run_until(std::function<bool(const IngestState&)> condition, Request request = Request::stop) {
    condition_ = std::move(condition);
    request_ = request;
    until_ = std::chrono::steady_clock::now() + kPatience;
    return loop->run();
  }
  Ended run_until_recorded(std::uint64_t incidents, const std::string& feed = "traps") {
    return run_until([=](const IngestState& state) {
      const auto found = state.feeds.find(feed);
      return found != state.feeds.end() && found->second.counts.incidents == incidents;
    });
  }
  [[nodiscard]] IngestState state() const { return shared.copy(); }
  [[nodiscard]] std::uint64_t recorded(const std::string& feed = "traps") const {
    return state().feeds[feed].counts.incidents;
  }

  Folder folder;
  config::Config config;
  record::SharedIngestState shared;
  std::unique_ptr<record::IngestLoop> loop;
  int turns = 0;
  int first_rounds = 0;

 private:
  [[nodiscard]] Request next_request() {
    if (condition_ && condition_(shared.copy())) return request_;
    REQUIRE(std::chrono::steady_clock::now() < until_);
    return Request::none;
  }

  Descriptor readable_{eventfd(1, EFD_CLOEXEC)};  ///< always: the loop never waits
  std::function<bool(const IngestState&)> condition_;
  Request request_ = Request::stop;
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::now() + kPatience;
};

/// A client on the unix socket of an LMTP feed.
SmtpClient lmtp_client(const std::string& path) {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UnixAddress address(path);
  REQUIRE(connect(socket.get(), address.get(), UnixAddress::size()) == 0);
  return SmtpClient(std::move(socket));
}

/// Greeting to the end of DATA. The loop's thread isn't needed for that.
SmtpClient sent_by_lmtp(const std::string& path, int number) {
  auto client = lmtp_client(path);
  REQUIRE_THAT(client.line(), StartsWith("220 "));
  REQUIRE_THAT(client.say("LHLO a"), StartsWith("250 "));
  REQUIRE_THAT(client.say("XFORWARD ADDR=192.0.2.1"), StartsWith("250 "));
  REQUIRE_THAT(client.say("MAIL FROM:<>"), StartsWith("250 "));
  REQUIRE_THAT(client.say("RCPT TO:<bob@trap.example.net>"), StartsWith("250 "));
  REQUIRE_THAT(client.say("DATA"), StartsWith("354 "));
  client.send(bounce("", "bob@trap.example.net", number) + ".\r\n");
  return client;
}

TEST_CASE("with `once` the loop ends when all feeds are drained", "[record][loop]") {
  Ingest ingest;
  for (int i = 1; i <= 3; ++i) ingest.deliver(i);
  ingest.open({.once = true});
  CHECK(ingest.loop->run() == Ended::drained);
  CHECK(ingest.recorded() == 3);
  CHECK(ingest.first_rounds == 1);
  CHECK(ingest.turns > 0);
  CHECK(std::filesystem::is_empty(ingest.path("traps") + "/new"));
}

TEST_CASE("with `once` a feed that can't be read is reported, and the others are recorded", "[record][loop]") {
  Ingest ingest;
  ingest.deliver(1);
  ingest.config.feeds.push_back(ingest.maildir("missing"));
  ingest.open({.once = true});
  CHECK(ingest.loop->run() == Ended::feed_failed);
  CHECK(ingest.recorded() == 1);
  CHECK_THAT(ingest.state().feeds["missing"].trouble, Contains(ingest.path("missing")));
}

TEST_CASE("only the selected feeds are read", "[record][loop]") {
  Ingest ingest;
  ingest.make_maildir("other");
  ingest.config.feeds.push_back(ingest.maildir("other"));
  ingest.deliver(1);
  ingest.deliver(2, "other");
  ingest.open({.once = true, .only_feeds = {"other"}});
  CHECK(ingest.loop->run() == Ended::drained);
  CHECK(ingest.state().feeds.size() == 1);
  CHECK(ingest.recorded("other") == 1);
}

TEST_CASE("a batch that can't be committed is kept and tried again", "[record][loop]") {
  Ingest ingest;
  ingest.open();
  schema_test::run_sql(ingest.config.database,
                       "CREATE TRIGGER refuses BEFORE INSERT ON incident BEGIN SELECT RAISE(ABORT, 'on purpose'); END");
  SECTION("until it succeeds") {
    ingest.deliver(1);
    CHECK(ingest.run_until([&](const IngestState& state) { return state.failed_commits >= 2; }) == Ended::stop);
    CHECK_THAT(ingest.state().database_trouble, Contains("on purpose"));
    CHECK(ingest.recorded() == 0);
    CHECK_FALSE(std::filesystem::is_empty(ingest.path("traps") + "/new"));
    schema_test::run_sql(ingest.config.database, "DROP TRIGGER refuses");
    CHECK(ingest.run_until_recorded(1) == Ended::stop);
    CHECK(ingest.state().database_trouble.empty());
    CHECK(ingest.state().feeds["traps"].counts.deliveries == 1);
  }
  SECTION("with `once` the loop ends, and the feed keeps its mail") {
    ingest.deliver(1);
    ingest.open({.once = true});
    CHECK(ingest.loop->run() == Ended::store_failed);
    CHECK_FALSE(std::filesystem::is_empty(ingest.path("traps") + "/new"));
  }
}

TEST_CASE("while the database's file is gone nothing is read, and then everything is", "[record][loop]") {
  Ingest ingest;
  ingest.open();
  ingest.deliver(1);
  CHECK(ingest.run_until_recorded(1) == Ended::stop);
  const auto moved = ingest.path("moved.db");
  std::filesystem::rename(ingest.config.database, moved);
  ingest.deliver(2);
  CHECK(ingest.run_until([](const IngestState& state) { return !state.database_trouble.empty(); }) == Ended::stop);
  CHECK(ingest.recorded() == 1);
  std::filesystem::rename(moved, ingest.config.database);
  CHECK(ingest.run_until_recorded(2) == Ended::stop);
  CHECK(ingest.state().database_trouble.empty());
}

TEST_CASE("a feed that can't be read is tried again", "[record][loop]") {
  Ingest ingest;
  ingest.config.feeds.push_back(ingest.maildir("later"));
  ingest.open();
  CHECK(ingest.run_until([](const IngestState& state) { return !state.feeds.at("later").trouble.empty(); }) ==
        Ended::stop);
  ingest.make_maildir("later");
  ingest.deliver(1, "later");
  CHECK(ingest.run_until_recorded(1, "later") == Ended::stop);
  CHECK(ingest.state().feeds["later"].trouble.empty());
}

TEST_CASE("a reload adds and removes feeds, and keeps the counts of the others", "[record][loop]") {
  Ingest ingest;
  ingest.make_maildir("other");
  ingest.open();
  ingest.deliver(1);
  CHECK(ingest.run_until([](const IngestState& state) { return state.feeds.at("traps").counts.incidents == 1; },
                         Request::reload) == Ended::reload);
  auto config = ingest.config;
  config.feeds.push_back(ingest.maildir("other"));
  REQUIRE(ingest.loop->change(config).has_value());
  ingest.deliver(2);
  ingest.deliver(3, "other");
  CHECK(ingest.run_until_recorded(1, "other") == Ended::stop);
  CHECK(ingest.run_until_recorded(2) == Ended::stop);
  config.feeds.erase(config.feeds.begin());
  REQUIRE(ingest.loop->change(config).has_value());
  CHECK(ingest.state().feeds.size() == 1);
  CHECK(ingest.recorded("other") == 1);
}

TEST_CASE("a reload that fails leaves everything as it was", "[record][loop]") {
  Ingest ingest;
  ingest.open();
  auto config = ingest.config;
  SECTION("the database can't be opened") { config.database = ingest.path("missing/blowback.db"); }
  SECTION("a new feed can't listen") { config.feeds.push_back(ingest.lmtp("missing/lmtp")); }
  const auto changed = ingest.loop->change(config);
  REQUIRE_FALSE(changed.has_value());
  CHECK_THAT(changed.error(), Contains("missing/"));
  ingest.deliver(1);
  CHECK(ingest.run_until_recorded(1) == Ended::stop);
  CHECK(ingest.state().feeds.size() == 1);
}

TEST_CASE("after a reload with another database the loop records there", "[record][loop]") {
  Ingest ingest;
  ingest.open();
  auto config = ingest.config;
  config.database = ingest.path("other.db");
  REQUIRE(ingest.loop->change(config).has_value());
  ingest.deliver(1);
  CHECK(ingest.run_until_recorded(1) == Ended::stop);
  auto store = schema::Store::open(config.database, schema::Store::Mode::read);
  REQUIRE(store.has_value());
  CHECK(store->dossier(*IpAddress::parse("192.0.2.1"), 1)->incidents_in_all == 1);
}

TEST_CASE("an LMTP client gets 250 after the commit, also from a feed that the config no longer has",
          "[record][loop]") {
  Ingest ingest;
  ingest.config.feeds.push_back(ingest.lmtp("lmtp"));
  ingest.open();
  CHECK(ingest.run_until([](const IngestState& state) { return state.turned_at.has_value(); }) == Ended::stop);
  auto first = sent_by_lmtp(ingest.path("lmtp"), 1);
  CHECK(ingest.run_until_recorded(1, "lmtp") == Ended::stop);
  CHECK(first.line() == "250 2.0.0 Ok");

  schema_test::run_sql(ingest.config.database,
                       "CREATE TRIGGER refuses BEFORE INSERT ON incident BEGIN SELECT RAISE(ABORT, 'on purpose'); END");
  auto second = sent_by_lmtp(ingest.path("lmtp"), 2);
  CHECK(ingest.run_until([](const IngestState& state) { return state.failed_commits > 0; }, Request::reload) ==
        Ended::reload);
  auto config = ingest.config;
  config.feeds.pop_back();
  REQUIRE(ingest.loop->change(config).has_value());
  schema_test::run_sql(ingest.config.database, "DROP TRIGGER refuses");
  // The feed is gone once its message is recorded; its socket's file goes with it.
  const auto is_closed = [&](const IngestState&) { return !std::filesystem::exists(ingest.path("lmtp")); };
  CHECK(ingest.run_until(is_closed) == Ended::stop);
  CHECK(second.line() == "250 2.0.0 Ok");
}

}  // namespace
}  // namespace blowback::test
