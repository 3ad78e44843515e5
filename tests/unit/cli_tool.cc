// The tool as one function on a real database: exit codes, recorded authors, and error messages.
#include "catch.h"
#include "cli_list.h"
#include "in_tree.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;

TEST_CASE("wrong use exits 2 and points to the help", "[cli][tool]") {
  const List list;
  const auto arguments = GENERATE(values<std::vector<std::string>>({
      {},
      {"frobnicate"},
      {"check"},
      {"check", "192.0.2.1.5"},
      {"why", "not-an-ip"},
      {"evidence", "192.0.2.0/24"},
      {"list", "192.0.2.1/24", "--reason", "host bits"},
      {"list", "192.0.2.0/24"},
      {"list", "192.0.2.0/24", "--reason", "  "},
      {"list", "192.0.2.0/24", "--reason", "r", "--for", "7"},
      {"list", "192.0.2.0/24", "--reason", "r", "--for", "0s"},
      {"delist", "192.0.2.0/24"},
      {"exempt", "192.0.2.0/24"},
      {"import", "-"},
      {"listings", "--format", "xml"},
      {"db"},
      {"db", "frobnicate"},
  }));
  CAPTURE(arguments);
  const auto ran = list.run(arguments);
  CHECK(ran.code == 2);
  CHECK(ran.out.empty());
  CHECK_THAT(ran.err, Catch::StartsWith("blowback: "));
}

TEST_CASE("a mistyped word is named, with the command whose help has the right one", "[cli][tool]") {
  CHECK(List::bare({"lsit"}).err ==
        "blowback: there is no command `lsit`; did you mean `list`?; see `blowback --help`\n");
  CHECK(List::bare({"db", "chekc"}).err ==
        "blowback: there is no command `chekc`; did you mean `check`?; see `blowback db --help`\n");
  CHECK(List::bare({"list", "192.0.2.1", "--raeson", "x"}).err ==
        "blowback: there is no option `--raeson`; did you mean `--reason`?; see `blowback list --help`\n");
  CHECK(List::bare({"stats", "--confg=x"}).err ==
        "blowback: there is no option `--confg`; did you mean `--config`?; see `blowback stats --help`\n");
  CHECK(List::bare({"stats", "--frobnicate"}).err ==
        "blowback: there is no option `--frobnicate`; see `blowback stats --help`\n");
  CHECK(List::bare({"frobnicate"}).err == "blowback: there is no command `frobnicate`; see `blowback --help`\n");
  CHECK(List::bare({"policy", "frobnicate", "x"}).err ==
        "blowback: there is no command `frobnicate`; see `blowback policy --help`\n");
  CHECK(List::bare({"policy"}).err ==
        "blowback: `blowback policy` needs a command: simulate; see `blowback policy --help`\n");
  CHECK_THAT(List::bare({"db"}).err, Contains("needs a command: migrate, check, backup, restore or compact;"));
  CHECK(List::bare({}).err == "blowback: name a command, such as check, why or stats; see `blowback --help`\n");
  CHECK(List::bare({"traps", "ad", "x"}).err ==
        "blowback: there is no command `ad`; did you mean `add`?; see `blowback traps --help`\n");
  CHECK(List::bare({"exemptions", "a", "b"}).err ==
        "blowback: `a` is one argument too many; see `blowback exemptions --help`\n");
  CHECK(List::bare({"list", "192.0.2.1", "x"}).err == "blowback: --reason is required; see `blowback list --help`\n");
  CHECK(List::bare({"traps", "retire"}).err == "blowback: ADDRESS is required; see `blowback traps retire --help`\n");
}

TEST_CASE("an invalid value is named, with the valid ones", "[cli][tool]") {
  const std::string formats =
      "blowback: --format: unknown format `jsn`; known are table, json and csv; did you mean `json`?; see `blowback "
      "listings "
      "--help`\n";
  CHECK(List::bare({"listings", "--format", "jsn"}).err == formats);
  CHECK(List::bare({"--format", "jsn", "listings"}).err == formats);
  CHECK_THAT(List::bare({"log", "--action", "lst"}).err,
             Contains("--action: unknown action `lst`; known are list, ") && Contains("did you mean `list`?"));
  CHECK(
      List::bare({"config", "check", "--daemon", "x"}).err ==
      "blowback: --daemon: unknown daemon `x`; known are server, ingest and web; see `blowback config check --help`\n");
  CHECK(List::bare({"log", "--most", "abc"}).err ==
        "blowback: --most: `abc` is not a whole number; see `blowback log --help`\n");
  CHECK(List::bare({"log", "--most"}).err == "blowback: --most needs a value; see `blowback log --help`\n");
  CHECK_THAT(List::bare({"top", "--ipv4-prefix", "33"}).err, Contains("`33` is not a whole number from 0 to 32"));
  // Read as a number it would be another one.
  CHECK_THAT(List::bare({"undo", "99999999999999999999", "--reason", "r"}).err,
             Contains("`99999999999999999999` is not the id of an entry"));
}

TEST_CASE("a network where an address is needed is called one, with the command for networks", "[cli][tool]") {
  const List list;
  const auto command = GENERATE(std::string("check"), std::string("why"), std::string("history"));
  const auto ran = list.run({command, "192.0.2.0/24"});
  CHECK(ran.code == 2);
  CHECK(ran.err ==
        "blowback: 192.0.2.0/24 is a network; name one address of it, or see `blowback listings 192.0.2.0/24`\n");
  CHECK_THAT(list.run({command, "192.0.2.1/24"}).err, Contains("has host bits set"));
  CHECK_THAT(list.run({command, "nonsense/24"}).err, Contains("'nonsense' is no IP address"));
}

TEST_CASE("a file that can't be read is reported with the reason and what to do", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"db", "migrate"}).code == 0);
  const auto none = list.file("none.txt");
  CHECK(list.run({"import", none, "--reason", "r"}).err ==
        "blowback: " + none + ": there is no such file; check the name\n");
  CHECK(list.run({"delist", "--file", none, "--reason", "r"}).err ==
        "blowback: " + none + ": there is no such file; check the name\n");
  CHECK(list.run({"import", list.file(""), "--reason", "r"}).err ==
        "blowback: " + list.file("") + ": is a folder; name a file in it\n");
  // Not the advice for a database that the config names.
  CHECK(list.run({"--database", none, "stats"}).err ==
        "blowback: --database " + none + ": there is no database; check the name\n");
  const auto tried = list.run({"policy", "simulate", none});
  CHECK(tried.code == 2);
  CHECK(tried.err == "blowback: " + none + ": can't be read: No such file or directory; check the name\n");
}

TEST_CASE("options of all commands stand before the command as well as behind it", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"list", "198.51.100.0/24", "--reason", "r"}).code == 0);
  const auto behind = list.run({"listings", "--format", "json"}).out;
  CHECK(behind.starts_with("["));
  CHECK(list.run({"--format", "json", "listings"}).out == behind);
  CHECK(list.run({"--format", "csv", "listings", "--format", "json"}).out == behind);
  CHECK_THAT(list.run({"--format", "rbldnsd", "export"}).out, Contains("$SOA"));
  CHECK_THAT(list.run({"--format", "rbldnsd", "listings"}).err, Contains("rbldnsd") && Contains("listings --help"));
  const auto tableless = list.run({"--format", "json", "db", "check"});
  CHECK(tableless.code == 2);
  CHECK(tableless.err == "blowback: --format: `blowback db check` prints no table\n");
}

TEST_CASE("--database names another database than the config's, before the command or behind it", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"list", "198.51.100.0/24", "--reason", "r"}).code == 0);
  REQUIRE(list.run({"db", "backup", list.file("copy.db")}).code == 0);
  REQUIRE(list.run({"delist", "198.51.100.0/24", "--reason", "r"}).code == 0);
  CHECK(list.run({"check", "198.51.100.9"}).code == 1);
  CHECK(list.run({"--database", list.file("copy.db"), "check", "198.51.100.9"}).code == 0);
  CHECK(list.run({"check", "198.51.100.9", "--database", list.file("copy.db")}).code == 0);
  CHECK(list.run({"check", "198.51.100.9", "--database", list.file("none.db")}).code == 3);
}

TEST_CASE("stats is one JSON object of numbers", "[cli][tool]") {
  const List list;
  list.record_bounces();
  const auto stats = nlohmann::json::parse(list.run({"stats", "--format", "json"}).out);
  REQUIRE(stats.is_object());
  CHECK(stats["incidents"] == 4);
  CHECK(stats["feed.traps.incidents"] == 4);
}

TEST_CASE("JSON has lists as arrays and nothing as null", "[cli][tool]") {
  const List list;
  list.record_bounces();
  const auto checked = nlohmann::json::parse(list.run({"check", "192.0.2.7", "192.0.2.8", "--format", "json"}).out);
  CHECK(checked[0]["codes"] == nlohmann::json::array({"dsn"}));
  CHECK(checked[0]["answers"] == nlohmann::json::array({"127.0.0.2"}));
  CHECK(checked[1]["codes"] == nlohmann::json::array());
  const auto listings = nlohmann::json::parse(list.run({"listings", "--format", "json"}).out);
  CHECK(listings[0]["codes"] == nlohmann::json::array({"dsn"}));
  CHECK(listings[0]["reason"].is_null());
}

TEST_CASE("a feed that never delivered is in stats, marked as such", "[cli][tool]") {
  const List list;
  list.record_bounces();
  std::ofstream(list.file("blowback.toml"), std::ios::app)
      << "[[feed]]\nname = \"traps\"\n[[feed]]\nname = \"quiet\"\n";
  const auto table = list.run({"stats"}).out;
  CHECK_THAT(table, Contains("\nquiet  0 ") && Contains("  never\n"));
  const auto stats = nlohmann::json::parse(list.run({"stats", "--format", "json"}).out);
  CHECK(stats["feed.quiet.deliveries"] == 0);
  CHECK(stats["feed.traps.incidents"] == 4);
}

TEST_CASE("config show has the file of traps, and only the config's own traps", "[cli][tool]") {
  const List list;
  std::ofstream(list.file("traps")) << "c@example.com\nfoo.example\n";
  std::ofstream(list.file("blowback.toml"), std::ios::app)
      << "[traps]\ndomains = [\"trap.example.net\"]\nfile = \"" << list.file("traps") << "\"\n";
  const auto shown = list.run({"config", "show"}).out;
  CHECK_THAT(shown, Contains("domains = [\"trap.example.net\"]") && Contains("# line 8: 2 more traps there\n") &&
                        !Contains("foo.example") && !Contains("c@example.com"));
}

TEST_CASE("config check calls a feed's file that isn't there a problem, as ingest does", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"db", "migrate"}).code == 0);
  std::ofstream(list.file("blowback.toml"), std::ios::app)
      << "[[feed]]\ntype = \"jsonl\"\npath = \"" << list.file("gone.jsonl") << "\"\n";
  const auto checked = list.run({"config", "check"});
  CHECK(checked.code == 1);
  CHECK_THAT(checked.out, Contains("gone.jsonl doesn't exist") && Contains("1 problem\n"));
  std::ofstream(list.file("gone.jsonl")) << "";
  CHECK_THAT(list.run({"config", "check"}).out, Contains("0 problems\n"));
}

TEST_CASE("an address with a fixed answer can't be listed, and check shows that answer", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"db", "migrate"}).code == 0);
  const auto never = list.run({"list", "127.0.0.1", "--wide", "--reason", "x"});
  CHECK(never.code == 2);
  CHECK_THAT(never.err, Contains("127.0.0.1 is never listed") && Contains("nothing was changed"));
  CHECK_THAT(list.run({"list", "127.0.0.2", "--wide", "--reason", "x"}).err, Contains("is a test point"));
  REQUIRE(list.run({"list", "127.0.0.0/24", "--wide", "--reason", "x"}).code == 0);
  CHECK(list.run({"check", "127.0.0.1", "127.0.0.2", "127.0.0.8", "--format", "csv"}).out ==
        "ip,listed,codes,answers\r\n127.0.0.1,false,,\r\n127.0.0.2,true,dsn,127.0.0.2\r\n"
        "127.0.0.8,true,operator,127.0.0.9\r\n");
}

TEST_CASE("a config with a mistake exits 2 and names file and line", "[cli][tool]") {
  const List list;
  std::ofstream(list.file("blowback.toml")) << "[zone]\nnam = \"x\"\n";
  const auto ran = list.run({"stats"});
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, Contains("blowback.toml:2: zone.nam") && Contains("did you mean zone.name?"));
}

TEST_CASE("without a database questions exit 3 and say so", "[cli][tool]") {
  const List list;
  const auto question = GENERATE(values<std::vector<std::string>>({{"check", "192.0.2.1"},
                                                                   {"why", "192.0.2.1"},
                                                                   {"evidence", "192.0.2.1"},
                                                                   {"listings"},
                                                                   {"exemptions"},
                                                                   {"log"},
                                                                   {"quarantine"},
                                                                   {"stats"},
                                                                   {"export"},
                                                                   {"db", "check"},
                                                                   {"delist", "192.0.2.1", "--reason", "r"}}));
  CAPTURE(question);
  const auto ran = list.run(question);
  CHECK(ran.code == 3);
  CHECK(ran.out.empty());
  CHECK_THAT(ran.err, Catch::StartsWith("blowback: ") && Contains("blowback.db"));
}

TEST_CASE("list, check, listings and log tell the same", "[cli][tool]") {
  const List list;
  CHECK(list.run({"list", "198.51.100.0/24", "--reason", "ticket 12", "--for", "14d"}).code == 0);
  CHECK(list.run({"check", "198.51.100.9"}).code == 0);
  CHECK(list.run({"check", "198.51.100.9", "192.0.2.1"}).code == 1);
  const auto listings = nlohmann::json::parse(list.run({"listings", "--format", "json"}).out);
  REQUIRE(listings.size() == 1);
  CHECK(listings[0]["prefix"] == "198.51.100.0/24");
  CHECK(listings[0]["source"] == "operator");
  CHECK(listings[0]["reason"] == "ticket 12");
  CHECK(listings[0]["expires_at"] == "2026-12-08T10:00:00Z");
  const auto log = nlohmann::json::parse(list.run({"log", "--format", "json"}).out);
  REQUIRE(log.size() == 1);
  CHECK(log[0]["who"] == "olga");
  CHECK(log[0]["action"] == "list");
  CHECK(log[0]["subject"] == "198.51.100.0/24");
  CHECK(log[0]["until"] == "2026-12-08T10:00:00Z");
  // It ends to the second.
  CHECK(list.run({"check", "198.51.100.9"}, "", kNow + days(14) - Duration{1}).code == 0);
  CHECK(list.run({"check", "198.51.100.9"}, "", kNow + days(14)).code == 1);
}

TEST_CASE("exempt keeps an address from being listed until it is ended", "[cli][tool]") {
  const List list;
  CHECK(list.run({"exempt", "192.0.2.0/24", "--reason", "ours"}).code == 0);
  CHECK(list.run({"list", "192.0.2.7", "--reason", "r"}).code == 1);
  CHECK(nlohmann::json::parse(list.run({"exemptions", "--format", "json"}).out).size() == 1);
  CHECK_THAT(list.run({"why", "192.0.2.7"}).out, Contains("EXEMPT"));
  CHECK(list.run({"exempt", "192.0.2.0/25", "--end", "--reason", "r"}).code == 1);
  CHECK(list.run({"exempt", "192.0.2.0/24", "--end", "--reason", "r"}).code == 0);
  CHECK(list.run({"list", "192.0.2.7", "--reason", "r"}).code == 0);
}

TEST_CASE("why and evidence of a sender never seen exit 1", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"db", "migrate"}).code == 0);
  CHECK(list.run({"why", "192.0.2.99"}).code == 1);
  CHECK_THAT(list.run({"why", "192.0.2.99"}).out, Contains("Nothing was ever seen of 192.0.2.99"));
  const auto json = list.run({"why", "192.0.2.99", "--format", "json"});
  CHECK(json.code == 1);
  CHECK(nlohmann::json::parse(json.out)["listed"] == false);
  CHECK(list.run({"evidence", "192.0.2.99"}).code == 1);
  CHECK(list.run({"evidence", "192.0.2.99", "--format", "json"}).out == "[]\n");
}

TEST_CASE("why has the same as data and in words, and its terms add up", "[cli][tool]") {
  const List list;
  list.record_bounces();
  const auto ran = list.run({"why", "192.0.2.7", "--format", "json"});
  REQUIRE(ran.code == 0);
  const auto why = nlohmann::json::parse(ran.out);
  CHECK(why["listed"] == true);
  CHECK(why["listings"][0]["codes"][0] == "dsn");
  CHECK(why["seen"][0]["incidents"] == 4);
  CHECK(why["seen"][0]["counted"] == 4);
  CHECK(why["seen"][0]["traps"] == 4);
  CHECK(why["score"]["origins"] == 4);
  CHECK(why["contact"] == "hostmaster@bl.example.org");
  CHECK(why["listings"][0]["listed_at"] == "2026-11-24T10:00:00Z");  // not when a message was received
  CHECK(why["score"]["list_at"] == 3.0);
  double told = why["earlier"]["now"];
  for (const auto& term : why["terms"]) told += term["now"].get<double>();
  CHECK(told == Approx(why["score"]["now"].get<double>()));
  CHECK_THAT(list.run({"why", "192.0.2.7"}).out, Contains("LISTED") && !Contains("trap.example"));
}

TEST_CASE("why has nothing that the other side chose per message, in any format", "[cli][tool]") {
  const List list;
  auto store = schema::Store::open(list.file("blowback.db"), schema::Store::Mode::create);
  REQUIRE(store);
  schema::Batch batch{.feed = "traps"};
  for (int i = 0; i < 4; ++i) {
    auto one = incident(kNow - hours(1), "trap" + std::to_string(i) + "@trap.example.net", "campaign-token", 0);
    one.digest = std::string(63, 'a') + std::to_string(i);
    one.relayed = i == 3 ? Relayed::trace : Relayed::no;
    one.helo = one.reporting_mta = one.queue_id = one.message_id = one.subject = one.first_received = one.mailbox =
        one.product = "octets-of-a-stranger";
    batch.incidents.push_back(one);
  }
  REQUIRE(store->record(batch, Policy{}, &score::assess, kNow));
  for (const std::string format : {"table", "json", "csv"}) {
    const auto out = list.run({"why", "192.0.2.7", "--format", format}).out;
    CAPTURE(out);
    CHECK(out.size() > 100);
    for (const char* const chosen : {"octets", "stranger", "campaign-token", "trap.example", "09:00:01"}) {
      CHECK(out.find(chosen) == std::string::npos);
    }
  }
  CHECK_THAT(list.run({"evidence", "192.0.2.7"}).out, Contains("octets-of-a-stranger"));
  CHECK_THAT(list.run({"why", "192.0.2.7", "--format", "csv"}).out, Contains(",dsn,unknown_user,relayed,1,0,0,0"));
}

TEST_CASE("after an undo nothing of the undone decision remains in why", "[cli][tool][undo]") {
  const List list;
  list.record_bounces();
  // The serial moves with each change of the list.
  const auto why = [&] {
    return std::regex_replace(list.run({"why", "192.0.2.7", "--format", "json"}).out, std::regex(R"("serial": \d+,)"),
                              "");
  };
  const auto before = why();
  const auto decide = GENERATE(values<std::vector<std::string>>({{"delist", "192.0.2.7", "--reason", "mended"},
                                                                 {"exempt", "192.0.2.0/24", "--reason", "ours"},
                                                                 {"list", "192.0.2.0/24", "--reason", "bad"}}));
  CAPTURE(decide);
  REQUIRE(list.run(decide, "", kNow + hours(1)).code == 0);
  CHECK(why() != before);
  REQUIRE(list.run({"undo", "1", "--reason", "wrong"}, "", kNow + hours(2)).code == 0);
  CHECK(why() == before);
}

TEST_CASE("a listing by hand is known after its end, of the address and of its network", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"list", "198.51.100.0/24", "--reason", "bounces", "--for", "1d"}).code == 0);
  const auto why = list.run({"why", "198.51.100.9"}, "", kNow + days(2));
  CHECK(why.code == 0);
  CHECK_THAT(why.out, Contains("198.51.100.9 is NOT LISTED.") &&
                          Contains("had listed 198.51.100.0/24 before, from 2026-11-24 10:00 to"));
}

TEST_CASE("evidence has the allowed fields only, and masks traps in them", "[cli][tool]") {
  const List list;
  list.record_bounces();
  const auto rows = nlohmann::json::parse(list.run({"evidence", "192.0.2.7", "--format", "json"}).out);
  REQUIRE(rows.size() == 4);
  std::set<std::string> fields;
  for (const auto& [key, value] : rows[0].items()) fields.insert(key);
  CHECK(fields == std::set<std::string>{"time", "client", "helo", "kind", "cause", "counting", "relayed",
                                        "reverse_path", "origin", "mailbox", "queue_id", "message_id", "size",
                                        "first_received"});
  CHECK(rows[0]["counting"] == "counted");
  CHECK(rows[0]["origin"] == "198.51.3.0/24");
  CHECK_THAT(list.run({"evidence", "192.0.2.7"}).err, Contains("don't pass this on"));
  CHECK(list.run({"evidence", "192.0.2.8"}).err.empty());
  CHECK(rows[0]["message_id"] == "x.[trap].y@mx.sender.example");
  CHECK(rows[0]["helo"] == "mx.sender.example");
}

TEST_CASE("evidence --explain adds what decided, as it was recorded", "[cli][tool]") {
  const List list;
  list.record_bounces();
  const auto rows = nlohmann::json::parse(list.run({"evidence", "192.0.2.7", "--explain", "--format", "json"}).out);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0]["confidence"] == 1.0);
  CHECK(rows[0]["signals"] == "multipart-report-delivery-status +4.0, null-reverse-path +1.0");
}

TEST_CASE("classify --explain prints below each line what decided", "[cli][tool]") {
  const List list;
  const std::string sample = test::in_tree("tests/data/mail/dsn-postfix-unknown-user.eml").string();
  const auto plain = list.run({"classify", sample});
  CHECK(plain.out == sample + "\tdsn\tunknown_user\t192.0.2.10\n");
  const auto explained = list.run({"classify", "--explain", sample});
  CHECK(explained.out.starts_with(plain.out));
  CHECK_THAT(explained.out,
             Contains("signal           +4.0  multipart-report-delivery-status\n") &&
                 Contains("confidence       1.00, the returned mail claims to come from its recipient") &&
                 Contains("product          postfix\n") && Contains("original client  198.51.100.77\n") &&
                 Contains("original SPF"));
}

TEST_CASE("delist ends a listing and starts the sender afresh", "[cli][tool]") {
  const List list;
  list.record_bounces();
  REQUIRE(list.run({"check", "192.0.2.7"}).code == 0);
  CHECK(list.run({"delist", "192.0.2.7", "--reason", "fixed"}).code == 0);
  CHECK(list.run({"check", "192.0.2.7"}).code == 1);
  CHECK_THAT(list.run({"why", "192.0.2.7"}).out, Contains("NOT LISTED") && Contains("It was delisted"));
}

TEST_CASE("import accepts comments, CRLF and blanks, reports bad lines by number, and lists the rest", "[cli][tool]") {
  const List list;
  const auto ran =
      list.run({"import", "-", "--reason", "partner"},
               "# a list\r\n\r\n192.0.2.1\r\n  198.51.100.0/24  # net\r\n192.0.2.1\n300.1.1.1\n192.0.2.1/24\n"
               "2001:db8::/48");
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Contains(":6: ") && Contains(":7: "));
  CHECK_THAT(ran.out, Contains("3 listed") && Contains("2 not understood"));
  for (const char* const listed : {"192.0.2.1", "198.51.100.200", "2001:db8::1"}) {
    CHECK(list.run({"check", listed}).code == 0);
  }
}

TEST_CASE("an import with nothing in it changes nothing", "[cli][tool]") {
  const List list;
  REQUIRE(list.run({"db", "migrate"}).code == 0);
  CHECK(list.run({"import", "-", "--reason", "r"}, "# nothing\n").code == 1);
  CHECK(list.run({"import", list.file("none.txt"), "--reason", "r"}).code == 3);
  CHECK(list.run({"log", "--format", "json"}).out == "[]\n");
}

TEST_CASE("the database is made, checked and copied", "[cli][tool]") {
  const List list;
  CHECK_THAT(list.run({"db", "migrate"}).out, Contains("created"));
  CHECK_THAT(list.run({"db", "migrate"}).out, Contains("nothing to do"));
  list.record_bounces();
  CHECK(list.run({"db", "check"}).out == "ok\n");
  CHECK(list.run({"db", "backup", list.file("copy.db")}).code == 0);
  CHECK(std::filesystem::exists(list.file("copy.db")));
  CHECK(list.run({"db", "backup", list.file("copy.db")}).code == 0);  // replaces it
  std::ofstream(list.file("notes.txt")) << "mine";
  const auto refused = list.run({"db", "backup", list.file("notes.txt")});
  CHECK(refused.code == 3);
  CHECK_THAT(refused.err, Contains("notes.txt"));
  CHECK(list.run({"db", "compact"}).code == 0);
  const auto restored = list.run({"db", "restore", list.file("copy.db")});
  CHECK(restored.code == 0);
  CHECK_THAT(restored.out, Contains(".before-restore"));
  CHECK_THAT(restored.out, Contains("serial ") && Contains("(the backup's was "));
  CHECK(list.run({"db", "check"}).out == "ok\n");
}

TEST_CASE("help is printed on standard output, with exit code 0", "[cli][tool]") {
  const auto ran = List::bare({"--help"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Contains("Examples:") && Contains("import"));
  CHECK_THAT(List::bare({"import", "--help"}).out, Contains("--reason"));
  CHECK_THAT(List::bare({"traps", "retire", "--help"}).out, Contains("Usage: blowback traps retire [OPTIONS] ADDRESS"));
}
