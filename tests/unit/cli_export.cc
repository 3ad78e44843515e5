// The output of each export format: for an address and a network of either family, an exemption, and the test points.
#include "catch.h"
#include "cli_list.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)

namespace {

/// Both families: an address, a network, and a network with an exemption in it. 192.0.2.7 is listed by its bounces.
class Exports : public List {
 public:
  Exports() {
    std::ofstream(file("blowback.toml"))
        << "database = \"" << file("blowback.db")
        << "\"\n[zone]\nname = \"bl.example.org\"\nnameservers = [\"ns1.example.net\", \"ns2.bl.example.org 192.0.2.53 "
           "2001:db8::53\"]\nhostmaster = \"host.master@example.net\"\ntxt = \"Costs $5, \\\"see\\\" "
           "https://bl.example.org/{ip}\"\n[policy]\nallow_documentation = true\n";
    record_bounces();
    must({"import", "-", "--reason", "r"},
         "192.0.2.1\n198.51.100.0/24\n203.0.113.64/26\n2001:db8:1::/48\n2001:db8::25\n");
    must({"exempt", "198.51.100.64/26", "--reason", "r"});
    must({"exempt", "2001:db8:1:8000::/49", "--reason", "r"});
  }

  [[nodiscard]] std::string exported(const std::string& format) const {
    return must({"export", "--format", format}).out;
  }

  /// Lines, in order, without those that begin with `comment`.
  [[nodiscard]] std::vector<std::string> lines(const std::string& format, char comment = '#') const {
    std::istringstream text(exported(format));
    std::vector<std::string> found;
    for (std::string line; std::getline(text, line);) {
      if (!line.starts_with(comment)) found.push_back(line);
    }
    return found;
  }

 private:
  Ran must(const std::vector<std::string>& arguments, const std::string& input = "") const {
    auto ran = run(arguments, input);
    CAPTURE(arguments, ran.err);
    REQUIRE(ran.code == cli::kYes);
    REQUIRE(ran.err.empty());
    return ran;
  }
};

using Lines = std::vector<std::string>;

const std::string kText = "Costs $5, \"see\" https://bl.example.org/";

bool has(const Lines& lines, const std::string& line) { return std::ranges::find(lines, line) != lines.end(); }

}  // namespace

TEST_CASE("plain has a line for each network, addresses without a length, exemptions cut out", "[cli][export]") {
  CHECK(Exports().lines("plain") == Lines{"192.0.2.1", "192.0.2.7", "198.51.100.0/26", "198.51.100.128/25",
                                          "203.0.113.64/26", "2001:db8::25", "2001:db8:1::/49"});
}

TEST_CASE("cidr has the same with a length for each", "[cli][export]") {
  CHECK(Exports().lines("cidr") == Lines{"192.0.2.1/32", "192.0.2.7/32", "198.51.100.0/26", "198.51.100.128/25",
                                         "203.0.113.64/26", "2001:db8::25/128", "2001:db8:1::/49"});
}

TEST_CASE("postfix has a reject for each, with the zone's TXT for it", "[cli][export]") {
  const auto lines = Exports().lines("postfix");
  REQUIRE(lines.size() == 7);
  CHECK(lines.front() == "192.0.2.1\tREJECT 5.7.1 " + kText + "192.0.2.1");
  CHECK(lines.back() == "2001:db8:1::/49\tREJECT 5.7.1 " + kText + "2001:db8:1::/49");
}

TEST_CASE("nft replaces two sets in one transaction, one for each family", "[cli][export]") {
  CHECK(Exports().lines("nft") == Lines{"table inet blowback {",
                                        "\tset listed4 {",
                                        "\t\ttype ipv4_addr",
                                        "\t\tflags interval",
                                        "\t}",
                                        "\tset listed6 {",
                                        "\t\ttype ipv6_addr",
                                        "\t\tflags interval",
                                        "\t}",
                                        "}",
                                        "flush set inet blowback listed4",
                                        "flush set inet blowback listed6",
                                        "add element inet blowback listed4 {",
                                        "\t192.0.2.1,",
                                        "\t192.0.2.7,",
                                        "\t198.51.100.0/26,",
                                        "\t198.51.100.128/25,",
                                        "\t203.0.113.64/26",
                                        "}",
                                        "add element inet blowback listed6 {",
                                        "\t2001:db8::25,",
                                        "\t2001:db8:1::/49",
                                        "}"});
}

TEST_CASE("nft adds at most a thousand elements by one statement", "[cli][export]") {
  for (const int count : {1000, 1001}) {
    const List list;
    std::string addresses;
    for (int i = 0; i < count; ++i) {
      // Every other address, so that no two make a network.
      addresses += "198.18." + std::to_string(2 * i / 256) + "." + std::to_string(2 * i % 256) + "\n";
    }
    REQUIRE(list.run({"import", "-", "--wide", "--reason", "r"}, addresses).code == cli::kYes);
    const auto text = list.run({"export", "--format", "nft"}).out;
    std::size_t statements = 0;
    for (auto at = text.find("add element"); at != std::string::npos; at = text.find("add element", at + 1)) {
      ++statements;
    }
    CAPTURE(count);
    CHECK(statements == (count > 1000 ? 2 : 1));
  }
}

TEST_CASE("rbldnsd has a set for each code and family, each with the test points", "[cli][export]") {
  const auto lines = Exports().lines("rbldnsd");
  CHECK(lines.at(0) ==
        "$SOA 300 ns1.example.net host.master.example.net " + lines.at(0).substr(49, 1) + " 600 120 604800 60");
  CHECK(lines.at(1) == "$NS 300 ns1.example.net ns2.bl.example.org");
  CHECK(has(lines, "$TIMESTAMP 1795514400"));
  const auto set = [&](const std::string& heading) {
    Lines found;
    auto at = std::ranges::find(lines, heading);
    REQUIRE(at != lines.end());
    for (++at; at != lines.end() && !at->starts_with("$DATASET"); ++at) found.push_back(*at);
    return found;
  };
  // A dollar sign is doubled, and {ip} becomes one, which rbldnsd replaces by the address.
  const std::string text = "Costs $$5, \"see\" https://bl.example.org/$";
  CHECK(set("$DATASET ip4set:dsn-ipv4 @") == Lines{":127.0.0.2:" + text, "127.0.0.2", "192.0.2.7"});
  CHECK(set("$DATASET ip6trie:dsn-ipv6 @") == Lines{":127.0.0.2:" + text, "0:0:0:0:0:ffff:7f00:2"});
  CHECK(set("$DATASET ip4set:operator-ipv4 @") == Lines{":127.0.0.9:" + text, "127.0.0.9", "192.0.2.1",
                                                        "198.51.100.0/26", "198.51.100.128/25", "203.0.113.64/26"});
  CHECK(set("$DATASET ip6trie:operator-ipv6 @") ==
        Lines{":127.0.0.9:" + text, "0:0:0:0:0:ffff:7f00:9", "2001:db8::25/128", "2001:db8:1::/49"});
  CHECK(std::ranges::count_if(lines, [](const auto& line) { return line.starts_with("$DATASET"); }) == 14);
}

TEST_CASE("hosts are in a zone with all addresses, and in rbldnsd's file with those of IPv4", "[cli][export]") {
  const List list;
  std::ofstream(list.file("blowback.toml"))
      << "database = \"" << list.file("blowback.db")
      << "\"\n[zone]\nname = \"bl.example.org\"\nnameservers = [\"ns1.example.net\"]\n"
         "hosts = [\"www 192.0.2.80 2001:db8::80\", \"six 2001:db8::81\", \"www 192.0.2.81\"]\n";
  REQUIRE(list.run({"db", "migrate"}).code == cli::kYes);
  const auto zone = list.run({"export", "--format", "zone"}).out;
  CHECK(
      zone.contains("\nwww.bl.example.org.\t3600\tA\t192.0.2.80\n"
                    "www.bl.example.org.\t3600\tAAAA\t2001:db8::80\n"
                    "six.bl.example.org.\t3600\tAAAA\t2001:db8::81\n"
                    "www.bl.example.org.\t3600\tA\t192.0.2.81\n"));
  const auto rbldnsd = list.run({"export", "--format", "rbldnsd"}).out;
  CHECK(rbldnsd.ends_with("\n$DATASET generic:hosts @\nwww 3600 A 192.0.2.80\nwww 3600 A 192.0.2.81\n"));
  CHECK(list.run({"export"}).out.empty());
}

TEST_CASE("a zone has SOA, NS, the addresses of its own name servers and the test points", "[cli][export]") {
  const auto lines = Exports().lines("zone", ';');
  CHECK(lines.at(0) == "$ORIGIN bl.example.org.");
  CHECK(lines.at(1) == "$TTL 300");
  // The dot in the local part is escaped (RFC 1035 §8).
  CHECK(lines.at(2).starts_with("@\tSOA\tns1.example.net. host\\.master.example.net. "));
  CHECK(lines.at(2).ends_with(" 600 120 604800 60"));
  for (const auto* const line :
       {"@\t3600\tNS\tns1.example.net.", "@\t3600\tNS\tns2.bl.example.org.", "ns2.bl.example.org.\t3600\tA\t192.0.2.53",
        "ns2.bl.example.org.\t3600\tAAAA\t2001:db8::53", "2.0.0.127\tA\t127.0.0.2", "9.0.0.127\tA\t127.0.0.9",
        "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0\tA\t127.0.0.2",
        "2.0.0.127\tTXT\t\"Costs $5, \\\"see\\\" https://bl.example.org/127.0.0.2\""}) {
    CAPTURE(line);
    CHECK(has(lines, line));
  }
  CHECK_FALSE(has(lines, "1.0.0.127\tA\t127.0.0.9"));
}

TEST_CASE("a zone has addresses by name, and networks by wildcards or the names in them", "[cli][export]") {
  const auto lines = Exports().lines("zone", ';');
  for (const auto* const owner : {"1.2.0.192", "63.100.51.198", "0.100.51.198", "128.100.51.198", "64.113.0.203",
                                  "127.113.0.203", "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2",
                                  "*.0.1.0.0.0.8.b.d.0.1.0.0.2", "*.7.1.0.0.0.8.b.d.0.1.0.0.2"}) {
    CAPTURE(owner);
    CHECK(has(lines, std::string(owner) + "\tA\t127.0.0.9"));
  }
  // 192.0.2.7 was listed by its bounces.
  CHECK(has(lines, "7.2.0.192\tA\t127.0.0.2"));
  // The exempt halves and quarters are in no name.
  for (const auto* const owner : {"64.100.51.198", "127.100.51.198", "*.8.1.0.0.0.8.b.d.0.1.0.0.2"}) {
    CAPTURE(owner);
    CHECK(std::ranges::none_of(lines, [&](const auto& line) { return line.starts_with(std::string(owner) + "\t"); }));
  }
}

TEST_CASE("a zone uses a wildcard for an IPv4 network only where no IPv6 name can lie beneath it", "[cli][export]") {
  const List list;
  REQUIRE(list.run({"import", "-", "--reason", "r"}, "5.16.3.0/24\n2.0.1.0/24\n").code == cli::kYes);
  const auto text = list.run({"export", "--format", "zone"}).out;
  CHECK(text.contains("\n*.3.16.5\tA\t127.0.0.9\n"));
  // *.1.0.2 would also answer for 2010::/12, so the 256 addresses stand there one by one.
  CHECK_FALSE(text.contains("*.1.0.2\t"));
  CHECK(text.contains("\n0.1.0.2\tA\t127.0.0.9\n"));
  CHECK(text.contains("\n255.1.0.2\tA\t127.0.0.9\n"));
}

TEST_CASE("JSON keeps listings apart, with source, codes and times, cut where an exemption lies", "[cli][export]") {
  const Exports list;
  // Within the operator's network, a listing of an address alone.
  REQUIRE(list.run({"list", "198.51.100.9", "--reason", "r", "--for", "1d"}).code == cli::kYes);
  const auto rows = nlohmann::json::parse(list.exported("json"));
  const auto row = [&](const std::string& prefix) {
    const auto found = std::ranges::find_if(rows, [&](const auto& each) { return each["prefix"] == prefix; });
    CAPTURE(prefix, rows.dump());
    REQUIRE(found != rows.end());
    return *found;
  };
  CHECK(rows.size() == 8);
  CHECK(row("192.0.2.7")["source"] == "automatic");
  CHECK(row("192.0.2.7")["codes"] == nlohmann::json{"dsn"});
  CHECK(row("192.0.2.7")["answers"] == nlohmann::json{"127.0.0.2"});
  CHECK(row("192.0.2.7")["expires_at"].is_string());
  CHECK(row("192.0.2.1")["source"] == "operator");
  CHECK(row("192.0.2.1")["answers"] == nlohmann::json{"127.0.0.9"});
  CHECK(row("192.0.2.1")["listed_at"] == "2026-11-24T10:00:00Z");
  CHECK_FALSE(row("192.0.2.1").contains("expires_at"));
  CHECK(row("198.51.100.9")["expires_at"] == "2026-11-25T10:00:00Z");
  CHECK(row("198.51.100.0/26")["source"] == "operator");
  CHECK(row("2001:db8:1::/49")["source"] == "operator");
}

TEST_CASE("an empty list is a valid file in every format", "[cli][export]") {
  const List list;
  REQUIRE(list.run({"db", "migrate"}).code == cli::kYes);
  const auto exported = [&](const std::string& format) {
    const auto ran = list.run({"export", "--format", format});
    REQUIRE(ran.code == cli::kYes);
    return ran.out;
  };
  CHECK(exported("plain").empty());
  CHECK(exported("cidr").empty());
  CHECK(nlohmann::json::parse(exported("json")).empty());
  CHECK_FALSE(exported("nft").contains("add element"));
  CHECK(exported("nft").contains("flush set inet blowback listed4"));
  CHECK(exported("postfix").starts_with("# bl.example.org: "));
  CHECK(exported("zone").contains("\n2.0.0.127\tA\t127.0.0.2\n"));
  CHECK(exported("rbldnsd").contains("\n127.0.0.2\n"));
}

TEST_CASE("an exported file replaces the former one, and a folder that isn't there changes nothing", "[cli][export]") {
  const Exports list;
  std::ofstream(list.file("out")) << "former\n";
  REQUIRE(list.run({"export", "--to", list.file("out")}).code == cli::kYes);
  std::ifstream in(list.file("out"));
  std::string first;
  REQUIRE(std::getline(in, first));
  CHECK(first == "192.0.2.1");
  const auto failed = list.run({"export", "--to", list.file("none/out")});
  CHECK(failed.code == cli::kFailed);
  CHECK(failed.out.empty());
  CHECK(failed.err.contains(list.file("none/out")));
}
