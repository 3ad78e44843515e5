// --wide: without it wide decisions are refused, with the number of addresses and the way out; with it they are done.
#include "catch.h"
#include "cli_list.h"
#include "dns/bystanders.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;

namespace {

/// Everything that a refused command must leave as it is.
std::string state(const List& list) {
  return list.run({"log", "--format", "json"}).out + list.run({"listings", "--format", "json"}).out +
         list.run({"exemptions", "--format", "json"}).out;
}

}  // namespace

TEST_CASE("list, delist and exempt of what reaches far exit 2 without --wide, and change nothing", "[cli][wide]") {
  const List list;
  REQUIRE(list.run({"list", "198.51.100.0/24", "--reason", "r"}).code == 0);
  const auto before = state(list);
  const auto command = GENERATE(std::string("list"), "delist", "exempt");
  const auto [network, found, addresses] = GENERATE(table<std::string, std::string, std::string>({
      {"0.0.0.0/0", "0.0.0.0/0 is wider than /16", "4,294,967,296 IPv4 addresses"},
      {"::/0", "::/0 is wider than /32", "340,282,366,920,938,463,463,374,607,431,768,211,456 IPv6 addresses"},
      {"8.8.0.0/15", "8.8.0.0/15 is wider than /16", "131,072 IPv4 addresses"},
      {"2a00::/31", "2a00::/31 is wider than /32", "158,456,325,028,528,675,187,087,900,672 IPv6 addresses"},
      {"10.0.0.0/8", "10.0.0.0/8 is special-use space", "16,777,216 IPv4 addresses"},
      {"127.0.0.10", "127.0.0.10 is special-use space", "1 IPv4 address"},
      {"192.0.0.0/16", "192.0.0.0/16 contains special-use space", "65,536 IPv4 addresses"},
      {"::1", "::1 is special-use space", "1 IPv6 address"},
  }));
  CAPTURE(command, network);
  const auto refused = list.run({command, network, "--reason", "r"});
  CHECK(refused.code == 2);
  CHECK(refused.out.empty());
  CHECK(refused.err == "blowback: " + found + "; this would " + command + " " + addresses +
                           ". Nothing was changed; if that is intended, add --wide\n");
  CHECK(state(list) == before);
}

TEST_CASE("with --wide it is done, and the number of addresses is printed", "[cli][wide]") {
  const List list;
  const auto listed = list.run({"list", "10.0.0.0/8", "--wide", "--reason", "r"});
  CHECK(listed.code == 0);
  CHECK_THAT(listed.out, Catch::StartsWith("10.0.0.0/8 (16,777,216 IPv4 addresses) is listed until"));
  CHECK(list.run({"check", "10.1.2.3"}).code == 0);
  const auto exempt = list.run({"exempt", "2a00::/12", "--wide", "--reason", "r"});
  CHECK(exempt.code == 0);
  CHECK_THAT(exempt.out, Contains("83,076,749,736,557,242,056,487,941,267,521,536 IPv6 addresses) is exempt"));
  // Ending an exemption, and undoing a decision, need no --wide.
  CHECK(list.run({"exempt", "2a00::/12", "--end", "--reason", "r"}).code == 0);
  const auto delisted = list.run({"delist", "0.0.0.0/0", "--wide", "--reason", "r"});
  CHECK(delisted.code == 0);
  CHECK_THAT(delisted.out, Catch::StartsWith("0.0.0.0/0 (4,294,967,296 IPv4 addresses): 1 listing ended"));
  CHECK(list.run({"undo", "4", "--reason", "r"}).code == 0);
  CHECK(list.run({"check", "10.1.2.3"}).code == 0);
  CHECK(list.run({"undo", "1", "--reason", "r"}).code == 0);
  CHECK(list.run({"check", "10.1.2.3"}).code == 1);
}

TEST_CASE("a narrow decision needs no --wide", "[cli][wide]") {
  const List list;
  for (const std::string network : {"8.8.0.0/16", "2a00:1450::/32", "192.0.2.0/24", "2001:db8::/32", "203.0.113.9"}) {
    CAPTURE(network);
    const auto listed = list.run({"list", network, "--reason", "r"});
    CHECK(listed.code == 0);
    CHECK_THAT(listed.out, !Contains("addresses"));
    CHECK(list.run({"delist", network, "--reason", "r"}).code == 0);
    CHECK(list.run({"exempt", network, "--reason", "r"}).code == 0);
  }
}

TEST_CASE("an import with a line that reaches far is refused whole, naming the line", "[cli][wide]") {
  const List list;
  REQUIRE(list.run({"db", "migrate"}).code == 0);
  const auto before = state(list);
  const std::string file = "192.0.2.1\n# from a firewall\n0.0.0.0/8\nnonsense\n198.51.100.0/24\n";
  const auto refused = list.run({"import", "-", "--reason", "r"}, file);
  CHECK(refused.code == 2);
  CHECK(refused.out.empty());
  CHECK_THAT(
      refused.err,
      Contains("standard input:3: 0.0.0.0/8 is special-use space; this would list 16,777,216 IPv4 addresses\n") &&
          Contains("standard input:4: 'nonsense'") &&
          Contains("standard input: 1 line needs --wide; the file names 16,777,473 IPv4 addresses. Nothing was "
                   "imported; if that is intended, add --wide, else correct the file\n"));
  CHECK(state(list) == before);
  const auto done = list.run({"import", "-", "--wide", "--reason", "r"}, file);
  CHECK(done.code == 1);
  CHECK_THAT(done.out, Contains("3 listed") && Contains("16,777,473 IPv4 addresses in all\n"));
  CHECK(list.run({"check", "0.1.2.3"}).code == 0);
}

TEST_CASE("of many lines that reach far twenty are named, the others counted", "[cli][wide]") {
  const List list;
  std::string file;
  for (int i = 0; i < 25; ++i) file += "10.0." + std::to_string(i) + ".0/24\n";
  const auto refused = list.run({"import", "-", "--reason", "r"}, file);
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err, Contains("standard input:20: ") && !Contains("standard input:21: ") &&
                              Contains("… and 5 more lines that need --wide\n") && Contains("25 lines need --wide"));
}

TEST_CASE("an import of very many addresses needs --wide though none of its lines does by itself", "[cli][wide]") {
  const List list;
  std::string file;
  for (int i = 0; i < 300; ++i) file += std::to_string(20 + i / 256) + "." + std::to_string(i % 256) + ".0.0/16\n";
  const auto refused = list.run({"import", "-", "--reason", "r"}, file);
  CHECK(refused.code == 2);
  CHECK(refused.err ==
        "blowback: standard input: together they have more than 4,194,304 IPv4 addresses or IPv6 networks of /48; the "
        "file names 19,660,800 IPv4 addresses. Nothing was imported; if that is intended, add --wide, else correct "
        "the file\n");
  CHECK(list.run({"import", "-", "--wide", "--reason", "r"}, file).code == 0);
}

TEST_CASE("a hundred thousand single addresses are imported without --wide", "[cli][wide]") {
  const List list;
  std::string file;
  for (std::uint32_t i = 0; i < 100'000; ++i) file += IpAddress::from_v4(0x14000000U + i * 97).to_string() + "\n";
  CHECK(list.run({"import", "-", "--reason", "r"}, file).code == 0);
}

TEST_CASE("an IPv4 network in IPv6 notation doesn't get around it", "[cli][wide]") {
  const List list;
  for (const std::string network : {"::ffff:0:0/96", "::ffff:10.0.0.1", "64:ff9b::/96", "2002::/16"}) {
    CAPTURE(network);
    CHECK(list.run({"list", network, "--reason", "r"}).code == 2);
  }
}

TEST_CASE("bystanders are one of each special-use network and ordinary ones of both families, never a test point",
          "[cli][wide]") {
  const auto seed = GENERATE(std::uint64_t{0}, 1, 2, 3, 4, 5, 6, 7);
  CAPTURE(seed);
  const auto drawn = cli::draw_bystanders(seed);
  const auto networks = special_use_networks();
  REQUIRE(drawn.special_use.size() == networks.size());
  for (std::size_t i = 0; i < networks.size(); ++i) {
    CAPTURE(drawn.special_use.at(i).to_string());
    CHECK(networks.at(i).contains(drawn.special_use.at(i)));
    CHECK_FALSE(net("127.0.0.0/24").contains(drawn.special_use.at(i)));
  }
  std::size_t ipv4 = 0;
  for (const auto& address : drawn.ordinary) {
    CAPTURE(address.to_string());
    CHECK(use_of(address) == AddressUse::ordinary);
    ipv4 += address.family() == Family::ipv4 ? 1 : 0;
  }
  CHECK(ipv4 == 32);
  CHECK(drawn.ordinary.size() == 64);
  CHECK(std::set(drawn.ordinary.begin(), drawn.ordinary.end()).size() == 64);
  CHECK(cli::draw_bystanders(seed + 1).ordinary != drawn.ordinary);
}
