// Commands on the recorded history, and how to reverse a mistake: policy simulate, top, traps, undo.
#include "catch.h"
#include "cli_list.h"
#include "score/replay.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;
using Json = nlohmann::json;

namespace {

/// A file beside the config, with this in it.
std::string written(const List& list, const std::string& name, const std::string& text) {
  std::ofstream(list.file(name)) << text;
  return list.file(name);
}

Json answer(const List& list, std::vector<std::string> arguments, UnixTime now = kNow) {
  arguments.insert(arguments.end(), {"--format", "json"});
  const auto ran = list.run(arguments, "", now);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return Json::parse(ran.out);
}

}  // namespace

TEST_CASE("policy simulate shows who would be listed and who delisted", "[cli][policy]") {
  const List list;
  list.record_bounces();
  SECTION("under a stricter policy the only one goes") {
    const auto file = written(list, "p.toml", "[policy]\nlist_at = 9.5\nallow_documentation = true\n");
    const auto rows = answer(list, {"policy", "simulate", file});
    REQUIRE(rows.size() == 1);
    CHECK(rows[0]["change"] == "gone");
    CHECK(rows[0]["sender"] == "192.0.2.7");
    CHECK(rows[0]["until_after"].is_null());
    CHECK(rows[0]["until_before"].is_string());
    CHECK(rows[0]["score_after"].get<double>() == Approx(rows[0]["score_before"].get<double>()));
    CHECK(rows[0]["codes"] == nlohmann::json::array({"dsn"}));
    const auto told = list.run({"policy", "simulate", file});
    CHECK_THAT(told.out,
               Contains("4 incidents of 1 senders replayed: 1 listed now, 0 would be; 0 would be listed, 1 would "
                        "go, 0 stay (0 longer, 0 shorter)"));
  }
  SECTION("under the same policy nothing differs, and a whole config is as good") {
    const auto rows = answer(list, {"policy", "simulate", list.file("blowback.toml")});
    REQUIRE(rows.size() == 1);
    CHECK(rows[0]["change"] == "stays");
    CHECK(rows[0]["until_after"] == rows[0]["until_before"]);
    CHECK(answer(list, {"policy", "simulate", list.file("blowback.toml"), "--changed"}).empty());
  }
  SECTION("a delisted sender would be listed by what came since only") {
    REQUIRE(list.run({"delist", "192.0.2.7", "--reason", "mended"}).code == 0);
    const auto file = written(list, "p.toml", "[policy]\nlist_at = 1.0\nallow_documentation = true\n");
    CHECK(answer(list, {"policy", "simulate", file}).empty());
  }
  SECTION("an exempt sender wouldn't be listed") {
    REQUIRE(list.run({"exempt", "192.0.2.0/24", "--reason", "ours"}).code == 0);
    CHECK(answer(list, {"policy", "simulate", list.file("blowback.toml")}).empty());
  }
  // It changes nothing.
  CHECK(list.run({"log", "--format", "json"}).out.find("simulate") == std::string::npos);
}

TEST_CASE("policy simulate starts from the policy in force and names the keys that differ first", "[cli][policy]") {
  const List list;
  list.record_bounces();
  std::ofstream(list.file("blowback.toml"), std::ios::app) << "list_at = 2.5\nhalf_life = \"12h\"\n";
  const auto file = written(list, "p.toml", "[policy]\nlist_at = 2.75\n[policy.weights]\nmdn = 0.25\n");
  CHECK_THAT(
      list.run({"policy", "simulate", file}).out,
      Catch::StartsWith("policy.list_at = 2.75 instead of 2.5\npolicy.weights.mdn = 0.25 instead of 0.5\nchange "));
  const auto ran = list.run({"policy", "simulate", file, "--format", "csv"});
  CHECK_THAT(ran.out, Catch::StartsWith("change,"));
  CHECK_THAT(ran.err, Catch::StartsWith("policy.list_at = 2.75 instead of 2.5\n"));
  CHECK_THAT(list.run({"policy", "simulate", list.file("blowback.toml")}).out,
             Catch::StartsWith("no key differs from the policy in force\n"));
}

TEST_CASE("policy simulate reports mistakes in its file", "[cli][policy]") {
  const List list;
  list.record_bounces();
  const auto refused = [&](const std::string& text) {
    const auto ran = list.run({"policy", "simulate", written(list, "p.toml", text)});
    CHECK(ran.code == 2);
    CHECK(ran.out.empty());
    return ran.err;
  };
  CHECK_THAT(refused("[policy]\nlist_att = 2\n"), Contains("p.toml:2: policy.list_att") && Contains("did you mean"));
  CHECK_THAT(refused("[policy]\nhalf_life = \"7\"\n"), Contains("p.toml:2: policy.half_life"));
  CHECK_THAT(refused("[policy.weights]\nbounce = 1\n"), Contains("policy.weights.bounce"));
  CHECK_THAT(refused("list_at = 2\n"), Contains("[policy]"));
  CHECK_THAT(refused(""), Contains("policy: is missing"));
  // A file with more than a policy is read as a config, with its checks.
  CHECK_THAT(refused("database = \"x\"\n[policy]\nlist_at = 2\n"), Contains("zone.name"));
  CHECK_THAT(list.run({"policy", "simulate", list.file("none.toml")}).err, Contains("none.toml: can't be read"));
  CHECK(list.run({"policy", "simulate", written(list, "w.toml", "[policy.weights]\ndsn = 0.1\n")}).code == 0);
}

TEST_CASE("top shows who sends most, by network, sender and campaign", "[cli][top]") {
  const List list;
  list.record_bounces();
  const auto network = answer(list, {"top"});
  REQUIRE(network.size() == 1);
  CHECK(network[0] == Json{{"network", "192.0.2.0/24"},
                           {"incidents", 4},
                           {"counted", 4},
                           {"senders", 1},
                           {"listed", 1},
                           {"traps", 4},
                           {"campaigns", 4},
                           {"kinds", {"dsn"}},
                           {"last_seen", "2026-11-24T09:00:00Z"}});
  CHECK(answer(list, {"top", "--ipv4-prefix", "16"})[0]["network"] == "192.0.0.0/16");
  const auto sender = answer(list, {"top", "--by", "sender"});
  CHECK(sender[0]["sender"] == "192.0.2.7");
  CHECK(sender[0]["listed"] == true);
  const auto campaigns = answer(list, {"top", "--by", "campaign", "--most", "3"});
  REQUIRE(campaigns.size() == 3);
  CHECK(campaigns[0]["campaign"] == "c3");  // as many as the others, and the latest
  CHECK(campaigns[0]["traps"] == 1);
  // The last two hours only; and what is exempt isn't listed.
  CHECK(answer(list, {"top", "--since", "2h"})[0]["incidents"] == 2);
  REQUIRE(list.run({"exempt", "192.0.2.0/24", "--reason", "ours"}).code == 0);
  REQUIRE(list.run({"list", "192.0.0.0/16", "--wide", "--reason", "all of them"}).code == 0);
  CHECK(answer(list, {"top"})[0]["listed"] == 0);
  CHECK(list.run({"top", "--since", "0d"}).code == 2);
  CHECK(list.run({"top", "--by", "moon"}).code == 2);
  CHECK(list.run({"top", "--ipv4-prefix", "33"}).code == 2);
}

TEST_CASE("traps shows which are hit, silent, never hit, or no longer in the config", "[cli][traps]") {
  const List list;
  list.record_bounces();
  std::ofstream(list.file("blowback.toml"), std::ios::app)
      << "[traps]\ndomains = [\"quiet.example\"]\naddresses = [\"trap1@trap.example.net\", \"new@example.com\"]\n";
  const auto rows = answer(list, {"traps"});
  std::vector<std::string> told;
  for (const auto& row : rows) told.push_back(row["trap"].get<std::string>() + ": " + row["state"].get<std::string>());
  CHECK(told == std::vector<std::string>{"trap0@trap.example.net: not configured", "trap1@trap.example.net: hit",
                                         "trap2@trap.example.net: not configured",
                                         "trap3@trap.example.net: not configured", "new@example.com: never hit",
                                         "quiet.example: never hit"});
  CHECK(rows[1]["incidents"] == 1);
  CHECK(rows[1]["senders"] == 1);
  CHECK(rows[1]["first_hit"] == "2026-11-24T07:00:00Z");
  const auto silent = answer(list, {"traps", "--silent-for", "2h"});
  REQUIRE(silent.size() == 3);
  CHECK(silent[0]["trap"] == "trap1@trap.example.net");
  CHECK(silent[0]["state"] == "silent");
  CHECK(answer(list, {"traps", "--silent-for", "30d"}).size() == 2);
  CHECK(list.run({"traps", "--silent-for", "30"}).code == 2);
}

TEST_CASE("a trap is retired with a reason, on record, and restored", "[cli][traps]") {
  const List list;
  list.record_bounces();
  CHECK(list.run({"traps", "retire", "Trap1@Trap.Example.NET"}).code == 2);
  CHECK(list.run({"traps", "retire", "Trap1@Trap.Example.NET", "--reason", "in use again"}).code == 0);
  CHECK(answer(list, {"traps"})[1]["state"] == "retired");
  CHECK(answer(list, {"traps"})[1]["retired"] == "in use again");
  const auto again = list.run({"traps", "retire", "trap1@trap.example.net", "--reason", "r"});
  CHECK(again.code == 1);
  CHECK_THAT(again.err, Contains("retired already"));
  const auto log = answer(list, {"log"});
  REQUIRE(log.size() == 1);
  CHECK(log[0]["action"] == "retire-trap");
  CHECK(log[0]["subject"] == "trap1@trap.example.net");
  CHECK(log[0]["who"] == "olga");
  CHECK(list.run({"traps", "restore", "trap1@trap.example.net", "--reason", "free again"}).code == 0);
  CHECK(answer(list, {"traps"})[1]["state"] == "hit");
  CHECK(list.run({"traps", "restore", "trap1@trap.example.net", "--reason", "r"}).code == 1);
  std::ofstream(list.file("blowback.toml"), std::ios::app) << "[traps]\naddresses = [\"a@example.com\"]\n";
  CHECK_THAT(list.run({"traps", "retire", "b@example.com", "--reason", "r"}).err, Contains("isn't a trap"));
  CHECK(list.run({"traps", "retire", "a@example.com", "--reason", "never hit, and not wanted"}).code == 0);
}

TEST_CASE("a domain can't be retired, and the line to take it out of is named", "[cli][traps]") {
  const List list;
  list.record_bounces();
  std::ofstream(list.file("blowback.toml"), std::ios::app)
      << "[traps]\ndomains = [\"trap.example.net\", \"*.tree.example\"]\n";
  const auto refused = [&](const std::string& trap) {
    return list.run({"traps", "retire", trap, "--reason", "r"}).err;
  };
  const auto line = list.file("blowback.toml") + ":7\n";
  for (const std::string trap : {"trap.example.net", "@trap.example.net", "Trap.Example.NET"}) {
    CHECK(refused(trap) ==
          "blowback: a domain can't be retired; retire its addresses, or remove trap.example.net from " + line);
  }
  CHECK_THAT(refused("*.tree.example"), Contains("remove *.tree.example from " + line));
  CHECK_THAT(refused("sub.tree.example"), Contains("remove *.tree.example from " + line));
  CHECK_THAT(refused("other.example"), Contains("isn't a trap"));
}

TEST_CASE("undo reverses the entry of the log with that id", "[cli][undo]") {
  const List list;
  list.record_bounces();
  REQUIRE(list.run({"delist", "192.0.2.7", "--reason", "mended"}).code == 0);
  CHECK(list.run({"check", "192.0.2.7"}).code == 1);
  const auto id = std::to_string(answer(list, {"log"})[0]["id"].get<int>());
  CHECK(list.run({"undo", id}).code == 2);
  CHECK(list.run({"undo", "twelve", "--reason", "r"}).code == 2);
  const auto undone = list.run({"undo", id, "--reason", "wrong address"});
  CHECK(undone.code == 0);
  CHECK_THAT(undone.out, Contains("undone: delist 192.0.2.7 (olga, 2026-11-24 10:00: mended)") &&
                             Contains("1 listing came back, 0 listings ended") && Contains("1 sender scored again"));
  CHECK(list.run({"check", "192.0.2.7"}).code == 0);
  const auto log = answer(list, {"log"});
  CHECK(log[0]["action"] == "undo");
  CHECK(log[1]["undone_by"] == log[0]["id"]);
  // The sum that why prints is whole again.
  const auto why = answer(list, {"why", "192.0.2.7"});
  double sum = 0;
  for (const auto& term : why["terms"]) sum += term["now"].get<double>();
  CHECK(sum == Approx(why["score"]["now"].get<double>()));
  CHECK(sum > 3);

  const auto twice = list.run({"undo", id, "--reason", "r"});
  CHECK(twice.code == 1);
  CHECK_THAT(twice.err, Contains("has already been undone, by entry 2"));
  CHECK_THAT(list.run({"undo", "2", "--reason", "r"}).err, Contains("repeat the change of entry 1 instead"));
  CHECK_THAT(list.run({"undo", "99", "--reason", "r"}).err, Contains("there is no entry 99"));
}

TEST_CASE("an import of the wrong file is undone whole", "[cli][undo]") {
  const List list;
  REQUIRE(list.run({"import", "-", "--reason", "partner list"}, "192.0.2.1\n198.51.100.0/24\n2001:db8::/32\n").code ==
          0);
  CHECK(answer(list, {"listings"}).size() == 3);
  const auto undone = list.run({"undo", "1", "--reason", "wrong file"});
  CHECK_THAT(undone.out, Contains("undone: import standard input") && Contains("3 listings ended"));
  CHECK(answer(list, {"listings"}).empty());
  CHECK(list.run({"db", "check"}).out == "ok\n");
}

TEST_CASE("a decision that is refused leaves no entry in the log", "[cli][log]") {
  const List list;
  REQUIRE(list.run({"exempt", "192.0.2.0/24", "--reason", "ours"}).code == 0);
  const auto refused = list.run({"list", "192.0.2.9", "--reason", "a slip"});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, Contains("192.0.2.9 is exempt and can't be listed"));
  const auto entries = answer(list, {"log"});
  REQUIRE(entries.size() == 1);
  CHECK(entries[0]["action"] == "exempt");
}

TEST_CASE("the end of an exemption restores no listing, and says so", "[cli][exempt]") {
  const List list;
  list.record_bounces();
  REQUIRE(list.run({"exempt", "192.0.2.7", "--reason", "ours"}).code == 0);
  CHECK_THAT(list.run({"exempt", "192.0.2.7", "--end", "--reason", "no more"}).out,
             Contains("is no longer exempt; that restores no listing: senders"));
  // A delisting that ended no listing restores none, either.
  REQUIRE(list.run({"delist", "192.0.2.7", "--reason", "mended"}).code == 1);
  const auto undone = list.run({"undo", "3", "--reason", "it wasn't"});
  CHECK_THAT(undone.out, Contains("0 listings came back"));
  CHECK_THAT(undone.out,
             Contains("listings that an exemption ended, or that would have expired by now, don't come back"));
  const auto why = answer(list, {"why", "192.0.2.7"});
  CHECK(why["unlisted"] == "was-exempt");
}

TEST_CASE("history says that earlier changes are no longer stored", "[cli][history]") {
  const List list;
  REQUIRE(list.run({"list", "192.0.2.0/24", "--for", "1d", "--reason", "r"}).code == 0);
  const UnixTime later = kNow + days(200);
  CHECK_THAT(list.run({"history", "192.0.2.7"}).err, !Contains("kept"));
  {
    auto store = schema::Store::open(list.file("blowback.db"), schema::Store::Mode::write);
    REQUIRE(store);
    REQUIRE(store->expire(kNow + days(2)));
    REQUIRE(store->list(std::vector{net("198.51.100.1")}, {}, {.who = "olga", .reason = "r"}, later));
    while (store->keep_up(later, {}, {}, &score::reckon)->more) {
    }
  }
  const auto history = list.run({"history", "192.0.2.7"}, "", later);
  CHECK_THAT(history.err, Contains("of the changes before 2027-06-12") && Contains("`journal` in [retention]"));
}
