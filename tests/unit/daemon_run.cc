// blowback-ingest from its start to its exit status, without a process: exit codes, reloads, signals, metrics.
#include "catch.h"
#include "daemon/daemon.h"
#include "daemon/signals.h"
#include "folder.h"
#include "schema/store.h"
#include "system/exit_status.h"

#include <poll.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

namespace blowback::test {
namespace {

using Catch::Contains;
using daemon::Daemon;
using record::Request;

/// A config file with a Maildir feed, and a daemon that goes by it.
class Running {
 public:
  Running() {
    for (const auto* const part : {"new", "cur", "tmp"})
      std::filesystem::create_directories(folder.path() / "mail" / part);
    options.config_file = folder.file("blowback.toml");
    options.version = "1.2.3";
    write(feed());
  }

  [[nodiscard]] std::string feed() const {
    return "[[feed]]\nname = \"traps\"\ntype = \"maildir\"\npath = \"" + folder.file("mail") + "\"\n";
  }
  /// The rest of the config file, behind database, zone and traps.
  void write(const std::string& rest) const {
    std::ofstream(options.config_file)
        << "database = \"" << database << "\"\n"
        << top << "[zone]\nname = \"bl.example.org\"\nnameservers = [\"ns1.example.org\"]\n"
        << "hostmaster = \"hostmaster@example.org\"\n[traps]\ndomains = [\"trap.example.net\"]\n"
        << rest;
  }
  /// `next` is asked before each round.
  daemon::Exit run(std::function<Request()> next) const {
    return Daemon(options, {.fd = -1, .next = std::move(next)}, {}).run();
  }

  Folder folder;
  daemon::Options options;
  std::string database = folder.file("blowback.db");
  std::string top;
};

Request stop() { return Request::stop; }

TEST_CASE("ingest stops on request", "[daemon]") {
  const Running with;
  const auto exit = with.run(stop);
  CHECK(exit.status == 0);
  CHECK(exit.error.empty());
  CHECK(std::filesystem::exists(with.database));
}

TEST_CASE("ingest with `once` ends when its feeds are drained", "[daemon]") {
  Running with;
  with.options.loop.once = true;
  CHECK(with.run([] { return Request::none; }).status == 0);
  std::filesystem::remove_all(with.folder.path() / "mail");
  CHECK(with.run([] { return Request::none; }).status == kExitSystem);
}

TEST_CASE("a config that can't be used ends ingest at its start", "[daemon]") {
  Running with;
  SECTION("there is no such file") {
    with.options.config_file = with.folder.file("missing.toml");
    CHECK_THAT(with.run(stop).error, Contains("missing.toml"));
  }
  SECTION("it isn't TOML") {
    with.write("nonsense =");
    CHECK_THAT(with.run(stop).error, Contains("blowback.toml"));
  }
  SECTION("it has no feed") {
    with.write("");
    CHECK_THAT(with.run(stop).error, Contains("no [[feed]] in it"));
  }
  SECTION("a file of signatures is missing") {
    with.write(with.feed() + "[detect]\nsignatures = [\"" + with.folder.file("mine.tsv") + "\"]\n");
    CHECK_THAT(with.run(stop).error, Contains("signatures: ") && Contains("mine.tsv: can't be read"));
  }
  SECTION("a line of signatures is wrong") {
    std::ofstream(with.folder.file("mine.tsv")) << "# mine\nmine\ttext\tkind:bounce\t1\tkaboodle\n";
    with.write(with.feed() + "[detect]\nsignatures = [\"" + with.folder.file("mine.tsv") + "\"]\n");
    CHECK_THAT(with.run(stop).error, Contains("mine.tsv:2: no claim \"kind:bounce\""));
  }
  SECTION("it hasn't the feed of --feed") {
    with.options.loop.only_feeds = {"traps", "other"};
    CHECK_THAT(with.run(stop).error, Contains("--feed other: no such feed in"));
  }
  CHECK(with.run(stop).status == kExitConfig);
}

TEST_CASE("a database that can't be opened ends ingest, and an MTA that pipes mail tries again", "[daemon]") {
  Running with;
  with.database = with.folder.file("missing/blowback.db");
  with.write(with.feed());
  CHECK(with.run(stop).status == kExitSystem);
  CHECK_THAT(with.run(stop).error, Contains("missing/blowback.db"));
  with.write(with.feed() + "[[feed]]\nname = \"pipe\"\ntype = \"stdin\"\n");
  CHECK(with.run(stop).status == daemon::kExitTryAgain);
  with.options.loop.only_feeds = {"traps"};
  CHECK(with.run(stop).status == kExitSystem);
}

TEST_CASE("a reload applies the config, and a refused one changes nothing", "[daemon]") {
  const Running with;
  int round = 0;
  const auto exit = with.run([&] {
    switch (++round) {
      case 2:
        with.write("nonsense =");
        return Request::reload;
      case 3:
        with.write("");  // no feed
        return Request::reload;
      case 4:
        with.write(with.feed() + "[log]\nlevel = \"warning\"\n");
        return Request::reload;
      case 5:
        return Request::stop;
      default:
        return Request::none;
    }
  });
  CHECK(exit.status == 0);
  CHECK(round == 5);
}

TEST_CASE("signatures of the operator are read at the start and at a reload", "[daemon]") {
  const Running with;
  const auto write_signature = [&](const std::string& phrase, const std::string& kind) {
    std::ofstream(with.folder.file("mine.tsv")) << "mine\ttext\tkind:" << kind << "\t2\t" << phrase << "\n";
  };
  const auto deliver = [&](const std::string& phrase) {
    std::ofstream(with.folder.file("mail/new/" + phrase))
        << "Return-Path: <>\nDelivered-To: a@trap.example.net\n"
           "Received: from mx.example.com (mx.example.com [8.8.4.4]) by mx.trap.example.net (Postfix) with ESMTP id 1; "
           "today\nFrom: robot@example.com\nTo: a@trap.example.net\nSubject: hm\n\nyour "
        << phrase << " came back from bob@example.org\n";
  };
  const auto incidents = [&] {
    auto store = schema::Store::open(with.database, schema::Store::Mode::read);
    REQUIRE(store.has_value());
    const auto stats = store->stats(UnixTime{});
    REQUIRE(stats.has_value());
    return stats->incidents;
  };
  write_signature("kaboodle", "dsn");
  with.write(with.feed() + "[detect]\nsignatures = [\"" + with.folder.file("mine.tsv") + "\"]\n");
  deliver("kaboodle");
  int round = 0;
  const auto exit = with.run([&] {
    switch (++round) {
      case 3:
        CHECK(incidents() == 1);
        write_signature("caboodle", "nonsense");
        return Request::reload;  // refused
      case 4:
        deliver("kaboodle-2");
        break;
      case 6:
        CHECK(incidents() == 2);
        write_signature("caboodle", "dsn");
        return Request::reload;
      case 7:
        deliver("caboodle");
        break;
      case 9:
        CHECK(incidents() == 3);
        return Request::stop;
      default:
        break;
    }
    return Request::none;
  });
  CHECK(exit.status == 0);
}

TEST_CASE("the metrics socket follows the config", "[daemon]") {
  const Running with;
  const auto first = with.folder.file("first.sock");
  const auto second = with.folder.file("second.sock");
  const auto metrics = [](const std::string& path) { return "[metrics]\ningest = \"unix:" + path + "\"\n"; };
  with.write(metrics(first) + with.feed());
  int round = 0;
  static_cast<void>(with.run([&] {
    switch (++round) {
      case 1:
        CHECK(std::filesystem::is_socket(first));
        with.write(metrics(second) + with.feed());
        return Request::reload;
      case 2:
        CHECK_FALSE(std::filesystem::exists(first));
        CHECK(std::filesystem::is_socket(second));
        with.write(metrics(with.folder.file("missing/x.sock")) + with.feed());
        return Request::reload;
      default:
        CHECK_FALSE(std::filesystem::exists(second));
        return Request::stop;
    }
  }));
  CHECK(round == 3);
}

TEST_CASE("SIGHUP requests a reload, SIGTERM and SIGINT a stop", "[daemon]") {
  const daemon::Signals signals;
  const auto is_pending = [&] {
    pollfd watched{.fd = signals.fd(), .events = POLLIN, .revents = 0};
    return poll(&watched, 1, 0) == 1;
  };
  CHECK_FALSE(is_pending());
  CHECK(signals.next() == Request::none);
  for (const auto& [signal, request] :
       {std::pair{SIGHUP, Request::reload}, {SIGTERM, Request::stop}, {SIGINT, Request::stop}}) {
    REQUIRE(raise(signal) == 0);
    CHECK(is_pending());
    CHECK(signals.next() == request);
    CHECK_FALSE(is_pending());
  }
}

}  // namespace
}  // namespace blowback::test
