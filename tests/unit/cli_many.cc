// Commands on many addresses: arguments, files and standard input; imports of other lists; dry runs; filters.
#include "catch.h"
#include "cli_list.h"
#include "import_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;
using Json = nlohmann::json;

namespace {

std::string written(const List& list, const std::string& name, const std::string& text) {
  std::ofstream(list.file(name), std::ios::binary) << text;
  return list.file(name);
}

/// What a line means below those before it: `PREFIX|REASON|UNTIL`, `-` for nothing, or the complaint.
std::string meaning(cli::ImportParser& parser, const std::string& line) {
  const auto read = parser.read(line);
  if (!read) return read.error();
  if (!*read) return "-";
  const auto& [prefix, terms] = **read;
  return prefix.to_string() + "|" + terms.reason + "|" + (terms.until ? to_iso8601(*terms.until) : "");
}

std::string alone(const std::string& line) {
  cli::ImportParser parser({.reason = "r", .until = {}}, kNow);
  return meaning(parser, line);
}

Json data(const List& list, std::vector<std::string> arguments, UnixTime now = kNow) {
  arguments.insert(arguments.end(), {"--format", "json"});
  return Json::parse(list.run(arguments, "", now).out);
}

}  // namespace

TEST_CASE("a line to import is a network with a comment, or CSV with a reason and an end", "[cli][import]") {
  CHECK(alone("192.0.2.1") == "192.0.2.1|r|");
  CHECK(alone("1.2.3.0/24 ; SBL123, and more") == "1.2.3.0/24|r|");
  CHECK(alone("1.2.3.0/24 # a, b") == "1.2.3.0/24|r|");
  CHECK(alone("; Spamhaus DROP List, 2026") == "-");
  CHECK(alone(" \t") == "-");
  CHECK(alone("192.0.2.1,ticket #12; urgent,14d") == "192.0.2.1|ticket #12; urgent|2026-12-08T10:00:00Z");
  CHECK(alone("192.0.2.1,,2026-12-24") == "192.0.2.1|r|2026-12-24T00:00:00Z");
  CHECK(alone("192.0.2.1,x,2026-12-24T10:00:00Z") == "192.0.2.1|x|2026-12-24T10:00:00Z");
  CHECK(alone(R"("192.0.2.1" , "a ""b"", c" ,)") == R"(192.0.2.1|a "b", c|)");
}

TEST_CASE("a line that can't be taken is refused with the reason", "[cli][import]") {
  CHECK_THAT(alone("192.0.2.1/24"), Contains("host bits"));
  CHECK_THAT(alone("192.0.2.1,\"open"), Contains("a quote isn't closed"));
  CHECK_THAT(alone("192.0.2.1,\"a\"b"), Contains("a quote isn't closed"));
  CHECK_THAT(alone("192.0.2.1,a,soon"), Contains("'soon' isn't an end; write 2026-12-24"));
  CHECK_THAT(alone("192.0.2.1,a,2026-11-24"), Contains("its end, 2026-11-24, has passed"));
  CHECK_THAT(alone("192.0.2.1,a,0s"), Contains("has passed"));
  CHECK_THAT(alone(",a,b"), Contains("''"));
  CHECK_THAT(alone("192.0.2.1,x,14d,extra"), Contains("has 4 columns, and no heading that names them"));
  CHECK_THAT(alone("127.0.0.1"), Contains("127.0.0.1 is never listed"));
}

TEST_CASE("a heading names the columns, and listings come back as they were written out", "[cli][import]") {
  cli::ImportParser parser({.reason = "r", .until = {}}, kNow);
  CHECK(meaning(parser, "# list") == "-");
  CHECK(meaning(parser, "until,note,prefix,reason") == "-");
  CHECK(meaning(parser, "1d,x,192.0.2.1,bad") == "192.0.2.1|bad|2026-11-25T10:00:00Z");
  CHECK_THAT(meaning(parser, "until,note,prefix,reason"), Contains("prefix"));

  cli::ImportParser by_network({.reason = "r", .until = {}}, kNow);
  CHECK(meaning(by_network, "network,reason,until,note") == "-");
  CHECK(meaning(by_network, "192.0.2.1,bad,1d,x") == "192.0.2.1|bad|2026-11-25T10:00:00Z");

  const List list;
  REQUIRE(list.run({"list", "198.51.100.0/24", "--reason", "a, \"b\"", "--for", "14d"}).code == 0);
  const auto csv = list.run({"listings", "--format", "csv"}).out;
  const List other;
  CHECK(other.run({"import", "-", "--reason", "taken over"}, csv).code == 0);
  CHECK(other.run({"listings", "--format", "csv"}).out == csv);
}

TEST_CASE("an import's counts add up to the lines of the file, and a dry run predicts them", "[cli][import]") {
  const List list;
  REQUIRE(list.run({"exempt", "203.0.113.0/24", "--reason", "ours"}).code == 0);
  REQUIRE(list.run({"list", "192.0.2.1", "--reason", "r"}).code == 0);
  REQUIRE(list.run({"list", "192.0.2.2", "--reason", "another"}).code == 0);
  const std::string file =
      "\xEF\xBB\xBF"
      "192.0.2.1\r\n192.0.2.2\r\n; comment\r\n\r\n192.0.2.3\r\n192.0.2.3 ; again\r\n203.0.113.7\r\nnonsense\r\n"
      "192.0.2.4,with a reason,2d\r\n";
  const auto before = list.run({"log", "--format", "json"}).out;
  const auto predicted = list.run({"import", "-", "--reason", "r", "--dry-run"}, file);
  CHECK(predicted.out ==
        "9 lines: 3 would be listed, 1 unchanged, 1 exempt, 1 duplicate, 2 comments or blank, 1 not understood\n");
  CHECK(predicted.code == 1);
  CHECK(list.run({"log", "--format", "json"}).out == before);
  const auto ran = list.run({"import", "-", "--reason", "r"}, file);
  CHECK(ran.out == "9 lines: 3 listed, 1 unchanged, 1 exempt, 1 duplicate, 2 comments or blank, 1 not understood\n");
  CHECK_THAT(ran.err, Contains("standard input:8: 'nonsense'"));
  const auto listed = data(list, {"listings", "192.0.2.4"});
  REQUIRE(listed.size() == 1);
  CHECK(listed[0]["reason"] == "with a reason");
  CHECK(listed[0]["expires_at"] == "2026-11-26T10:00:00Z");
  CHECK(list.run({"import", "-", "--reason", "r"}, file).out ==
        "9 lines: 0 listed, 4 unchanged, 1 exempt, 1 duplicate, 2 comments or blank, 1 not understood\n");
}

TEST_CASE("check and why take several addresses from arguments, files and standard input", "[cli][many]") {
  const List list;
  list.record_bounces();
  const auto file = written(list, "ips.txt", "# ours\n192.0.2.7 ; seen\n192.0.2.8\nnot-an-ip\n192.0.2.7\n");
  const auto checked = list.run({"check", "192.0.2.9", "--file", file, "--format", "csv"});
  CHECK(checked.code == 2);
  CHECK(checked.out ==
        "ip,listed,codes,answers\r\n192.0.2.9,false,,\r\n192.0.2.7,true,dsn,127.0.0.2\r\n192.0.2.8,false,,\r\n");
  CHECK_THAT(checked.err, Contains("ips.txt:4: 'not-an-ip'"));
  CHECK(list.run({"check", "-"}, "192.0.2.7\n").code == 0);
  CHECK(list.run({"check", "-"}, "192.0.2.7\n192.0.2.8\n").code == 1);
  CHECK_THAT(list.run({"check", "-"}, "# nothing\n").err, Contains("standard input: no address"));
  CHECK(list.run({"check", "--file", list.file("none.txt")}).code == 3);

  const auto whys = data(list, {"why", "192.0.2.7", "192.0.2.8"});
  REQUIRE(whys.size() == 2);
  CHECK(whys[0]["listed"] == true);
  CHECK(whys[1]["listed"] == false);
  CHECK(data(list, {"why", "192.0.2.7"}).is_object());
  CHECK(data(list, {"why", "192.0.2.7"}) == whys[0]);
  CHECK_THAT(list.run({"why", "-", "--format", "csv"}, "192.0.2.7\n192.0.2.8\n").out,
             Catch::StartsWith("ip,hour,") && Contains("\r\n192.0.2.7,") && !Contains("192.0.2.8"));
  CHECK_THAT(list.run({"why", "192.0.2.7", "192.0.2.8"}).out, Contains("Nothing was ever seen of 192.0.2.8"));
}

TEST_CASE("delist and exempt take all that are named, or none where one line is wrong", "[cli][many]") {
  const List list;
  REQUIRE(list.run({"import", "-", "--reason", "r"}, "192.0.2.1\n192.0.2.2\n198.51.100.0/24\n").code == 0);
  const auto before = list.run({"listings"}).out;
  const auto wrong = written(list, "wrong.txt", "192.0.2.1\n192.0.2.2/24\n10.0.0.0/8\n");
  for (const std::string command : {"delist", "exempt"}) {
    const auto refused = list.run({command, "--file", wrong, "--reason", "mended"});
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Contains("wrong.txt:2: ") && Contains("wrong.txt:3: 10.0.0.0/8 is") &&
                                Contains("nothing was changed, of all 3 that were named"));
    CHECK(list.run({"listings"}).out == before);
  }
  CHECK(list.run({"delist", "192.0.2.1", "198.51.100.0/24", "--reason", "mended", "--dry-run"}).out ==
        "192.0.2.1: 1 listing would end; earlier incidents would no longer count\n"
        "198.51.100.0/24: 1 listing would end; earlier incidents would no longer count\n");
  CHECK(list.run({"listings"}).out == before);
  CHECK(list.run({"delist", "-", "--reason", "mended"}, "192.0.2.1\n198.51.100.0/24 # net\n").code == 0);
  CHECK(data(list, {"listings"}).size() == 1);
  CHECK(list.run({"exempt", "192.0.2.2", "203.0.113.0/24", "--reason", "ours", "--dry-run"}).code == 0);
  CHECK(data(list, {"exemptions"}).empty());
  CHECK(list.run({"exempt", "192.0.2.2", "203.0.113.0/24", "--reason", "ours"}).code == 0);
  CHECK(data(list, {"exemptions"}).size() == 2);
  CHECK(list.run({"exempt", "192.0.2.2", "192.0.2.3", "--end", "--reason", "r"}).code == 1);
  CHECK(data(list, {"exemptions"}).size() == 1);
}

TEST_CASE("a dry run of undo prints what it would reverse, and refuses what can't be undone", "[cli][many]") {
  const List list;
  REQUIRE(list.run({"list", "192.0.2.1", "--reason", "slip"}).code == 0);
  CHECK_THAT(list.run({"undo", "1", "--reason", "wrong", "--dry-run"}).out,
             Contains("would undo: list 192.0.2.1 (olga") && Contains("slip") &&
                 Contains("\n1 listing would end; listings that it replaced come back"));
  CHECK(data(list, {"listings"}).size() == 1);
  CHECK(list.run({"undo", "7", "--reason", "wrong", "--dry-run"}).code == 1);
  REQUIRE(list.run({"undo", "1", "--reason", "wrong"}).code == 0);
  CHECK_THAT(list.run({"undo", "1", "--reason", "wrong", "--dry-run"}).err,
             Contains("already been undone, by entry 2"));
  CHECK_THAT(list.run({"undo", "2", "--reason", "wrong", "--dry-run"}).err, Contains("is itself an undo"));
}

TEST_CASE("undo and its dry run say what becomes of what the entry was about", "[cli][many][undo]") {
  const List list;
  const auto predicted = [&](const std::string& id) {
    return list.run({"undo", id, "--reason", "wrong", "--dry-run"}).out;
  };
  const auto undone = [&](const std::string& id) { return list.run({"undo", id, "--reason", "wrong"}).out; };
  // 1, of which one is replaced by 2
  REQUIRE(list.run({"import", "-", "--reason", "r"}, "192.0.2.1\n192.0.2.2\n192.0.2.3\n", kNow - hours(1)).code == 0);
  REQUIRE(list.run({"list", "192.0.2.3", "--reason", "another"}).code == 0);
  CHECK_THAT(predicted("1"), Contains("\n2 listings would end;"));
  REQUIRE(list.run({"exempt", "192.0.2.8/29", "--reason", "ours", "--for", "2d"}).code == 0);  // 3
  REQUIRE(list.run({"exempt", "192.0.2.8/29", "--end", "--reason", "moved"}).code == 0);       // 4
  REQUIRE(list.run({"list", "192.0.2.9", "--reason", "r"}).code == 0);                         // 5
  CHECK_THAT(predicted("4"), Contains("\n192.0.2.8/29 would be exempt again; 1 listing would end\n"));
  CHECK_THAT(undone("4"), Contains("\n192.0.2.8/29 is exempt again, until 2026-11-26 10:00 (in 2 days) (ours)\n") &&
                              Contains("1 listing ended"));
  CHECK_THAT(predicted("3"), Contains("\n192.0.2.8/29 would no longer be exempt; listings that it ended come back"));
  CHECK_THAT(undone("3"), Contains("\n192.0.2.8/29 is no longer exempt\n"));
  REQUIRE(list.run({"delist", "192.0.2.1", "--reason", "mended"}).code == 0);
  const auto delisting = std::to_string(data(list, {"log"})[0]["id"].get<int>());
  CHECK_THAT(predicted(delisting), Contains("\nit ended 1 listing in all; listings that it ended come back"));
  list.record_bounces();
  REQUIRE(list.run({"traps", "retire", "trap1@trap.example.net", "--reason", "r"}).code == 0);
  const auto retirement = std::to_string(data(list, {"log"})[0]["id"].get<int>());
  CHECK_THAT(predicted(retirement), Contains("\ntrap1@trap.example.net would be a trap again\n"));
  CHECK(undone(retirement).ends_with("\ntrap1@trap.example.net is a trap again\n"));
}

TEST_CASE("log and listings are filtered, and history is about one address", "[cli][many]") {
  const List list;
  list.record_bounces();
  REQUIRE(list.run({"list", "198.51.100.0/24", "--reason", "old"}, "", kNow - days(9)).code == 0);
  REQUIRE(list.run({"list", "198.51.100.0/25", "--reason", "new"}).code == 0);
  REQUIRE(list.run({"delist", "198.51.100.0/25", "--reason", "mended"}).code == 0);
  const auto count = [&](std::vector<std::string> arguments) { return data(list, std::move(arguments)).size(); };
  CHECK(count({"listings"}) == 2);
  CHECK(count({"listings", "--source", "automatic"}) == 1);
  CHECK(count({"listings", "--code", "operator"}) == 1);
  CHECK(count({"listings", "--who", "olga"}) == 1);
  CHECK(count({"listings", "--who", "otto"}) == 0);
  CHECK(count({"listings", "--since", "1d"}) == 1);
  CHECK(count({"listings", "--most", "1"}) == 1);
  CHECK(count({"log"}) == 3);
  CHECK(count({"log", "--action", "list"}) == 2);
  CHECK(count({"log", "--since", "1d"}) == 2);
  CHECK(count({"log", "--subject", "/25", "--action", "list"}) == 1);
  CHECK(count({"log", "--most", "1"}) == 1);
  CHECK(list.run({"log", "--since", "soon"}).code == 2);
  CHECK(list.run({"log", "--action", "frobnicate"}).code == 2);

  const auto history = data(list, {"history", "198.51.100.9"});
  REQUIRE(history.size() == 3);
  CHECK(history[0]["change"] == "delisted");
  CHECK(history[0]["who"] == "olga");
  CHECK(history[0]["reason"] == "mended");
  CHECK(history[2]["prefix"] == "198.51.100.0/24");
  CHECK(data(list, {"history", "192.0.2.7"})[0]["who"].is_null());
  CHECK(list.run({"history", "203.0.113.9"}).code == 1);
}

TEST_CASE("traps are added to and removed from their file, but for the last", "[cli][traps]") {
  const List list;
  CHECK_THAT(list.run({"traps", "add", "a@example.com"}).err, Contains("the config has no file of traps"));
  std::ofstream(list.file("blowback.toml"), std::ios::app) << "[traps]\nfile = \"" << list.file("traps") << "\"\n";
  CHECK(list.run({"stats"}).code == 2);
  CHECK(list.run({"traps", "add", "A@example.com"}).out ==
        "a@example.com is a trap now; reload ingest to apply it: `systemctl reload blowback-ingest`\n");
  CHECK(list.run({"traps", "add", "a@EXAMPLE.com"}).code == 1);
  CHECK(list.run({"traps", "add", "not a trap"}).code == 2);
  CHECK(list.run({"traps", "add", "*.trap.example.net"}).code == 0);
  std::ofstream(list.file("traps"), std::ios::app) << "# by hand\n";
  CHECK(list.run({"traps", "remove", "a@example.com"}).code == 0);
  std::ifstream in(list.file("traps"));
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "*.trap.example.net\n# by hand\n");
  CHECK(list.run({"traps", "remove", "a@example.com"}).code == 1);
  const auto last = list.run({"traps", "remove", "*.trap.example.net"});
  CHECK(last.code == 1);
  CHECK_THAT(last.err, Contains("names no trap") && Contains("nothing was changed"));
}

TEST_CASE("a removed trap that the config still names is reported as a trap", "[cli][traps]") {
  const List list;
  const auto file = written(list, "traps", "trap.example.net\nb@example.com\nc@sub.example\n*.sub.example\n");
  std::ofstream(list.file("blowback.toml"), std::ios::app)
      << "[traps]\nfile = \"" << file << "\"\ndomains = [\"trap.example.net\"]\naddresses = [\"b@example.com\"]\n";
  const auto config = list.file("blowback.toml");
  CHECK(list.run({"traps", "remove", "@trap.example.net"}).out ==
        "trap.example.net is removed from " + file + ", but is still a trap by " + config + ":8\n");
  CHECK(list.run({"traps", "remove", "b@example.com"}).out ==
        "b@example.com is removed from " + file + ", but is still a trap by " + config + ":9\n");
  CHECK(list.run({"traps", "remove", "c@sub.example"}).out ==
        "c@sub.example is removed from " + file + ", but is still a trap by " + file + ", which names *.sub.example\n");
  CHECK(list.run({"traps", "remove", "b@example.com"}).err ==
        "blowback: b@example.com isn't in " + file + "; it is a trap by " + config + ":9\n");
  CHECK(list.run({"traps", "remove", "x@trap.example.net"}).err == "blowback: x@trap.example.net isn't in " + file +
                                                                       "; it is a trap by " + config +
                                                                       ":8, which names trap.example.net\n");
  const auto twice = list.run({"traps", "add", "trap.example.net"});
  CHECK(twice.code == 1);
  CHECK(twice.err == "blowback: trap.example.net is a trap already, by " + config + ":8\n");
  for (const std::string one_label : {"foo", "*.foo", "@foo"}) {
    const auto refused = list.run({"traps", "add", one_label});
    CHECK(refused.code == 2);
    CHECK_THAT(refused.err, Contains("has only one label"));
  }
  // An address of a domain that is a trap is a witness of its own.
  CHECK(list.run({"traps", "add", "x@trap.example.net"}).code == 0);
  CHECK(list.run({"traps", "add", "@new.example"}).out ==
        "new.example is a trap now; reload ingest to apply it: `systemctl reload blowback-ingest`\n");
}
