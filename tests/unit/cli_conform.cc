// `conform` against a scripted server: a list that does everything right, and one fault at a time.
#include "catch.h"
#include "cli_dns_server.h"
#include "cli_list.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using cli::RecordType;

namespace {

const std::string kTestPoint = "2.0.0.127.bl.example.org";
const std::string kUnlisted = "1.0.0.127.bl.example.org";

struct Conformed {
  int code = -1;
  std::map<std::string, std::string> result;  ///< by check: `pass`, `note` or `fail`
  std::map<std::string, std::string> found;   ///< by check
};

Conformed conform(const DnsServer& server, const std::vector<std::string>& more = {"--listed", "192.0.2.1"}) {
  std::vector<std::string> arguments{"conform",    "bl.example.org", "--server", server.address(),
                                     "--resolver", server.address(), "--format", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const auto ran = List::bare(arguments);
  CAPTURE(ran.out, ran.err);
  REQUIRE(ran.err.empty());
  Conformed conformed{.code = ran.code, .result = {}, .found = {}};
  for (const auto& row : nlohmann::json::parse(ran.out)) {
    const std::string check = row["check"];
    conformed.result[check] = row["result"].get<std::string>();
    conformed.found[check] = row["found"].get<std::string>();
  }
  return conformed;
}

/// Changes the good list's answer.
using Fault = std::function<void(const Asked&, Reply&)>;

DnsServer::Answer with(Fault fault) {
  return [good = GoodList(), fault = std::move(fault)](const Asked& asked) {
    auto reply = good(asked);
    fault(asked, reply);
    return reply;
  };
}

void empty(Reply& reply, unsigned rcode) {
  reply.rcode = rcode;
  reply.answers.clear();
}

}  // namespace

TEST_CASE("a list that does everything right passes every check", "[cli][conform]") {
  const DnsServer server{GoodList()};
  const auto conformed = conform(server);
  CHECK(conformed.code == cli::kYes);
  CHECK(conformed.result.size() == 25);
  for (const auto& [check, result] : conformed.result) {
    CAPTURE(check, conformed.found.at(check));
    CHECK(result == "pass");
  }
}

TEST_CASE("each fault of a list is found by the check for it", "[cli][conform]") {
  struct Case {
    std::string check;
    std::string result;
    Fault fault;
  };
  const std::vector<Case> cases{
      {"answers are authoritative (AA)", "fail", [](const Asked&, Reply& reply) { reply.authoritative = false; }},
      {"SOA minimum: how long \"not listed\" is cached", "note",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::soa)) reply.answers = {soa_record(asked.name, 7, 0)};
       }},
      {"SOA minimum: how long \"not listed\" is cached", "note",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::soa)) reply.answers = {soa_record(asked.name, 7, 10'801)};
       }},
      {"SOA minimum: how long \"not listed\" is cached", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::soa)) reply.answers = {soa_record(asked.name, 7, 86'401)};
       }},
      {"NS at the zone's apex", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::ns)) empty(reply, 0);
       }},
      {"NS at the zone's apex", "note",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::ns)) reply.answers.resize(1);
       }},
      {"addresses of name servers in the zone", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::ns)) reply.answers.push_back(ns_record(asked.name, "ns3.bl.example.org"));
       }},
      {"addresses of name servers in the zone", "pass",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::ns)) reply.answers.push_back(ns_record(asked.name, "ns3.bl.example.org"));
         if (asked.name == "ns3.bl.example.org" && asked.is(RecordType::a)) {
           reply.rcode = 0;
           reply.answers = {a_record(asked.name, "192.0.2.53")};
         }
       }},
      {"names of name servers have addresses", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name == "ns2.example.net") empty(reply, 3);
       }},
      {"names of name servers have addresses", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name == "ns2.example.net") empty(reply, 0);
       }},
      {"names of name servers have addresses", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name == "ns2.example.net") {
           reply.answers.insert(
               reply.answers.begin(),
               {.owner = asked.name, .type = RecordType::cname, .rdata = wire_name("host.example.net")});
         }
       }},
      {"names of name servers have addresses", "note",
       [](const Asked& asked, Reply& reply) {
         if (asked.name == "ns2.example.net") empty(reply, 2);
       }},
      {"127.0.0.2 is listed", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name == kTestPoint) empty(reply, 3);
       }},
      {"127.0.0.1 is not listed: NXDOMAIN", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name == kUnlisted) empty(reply, 0);
       }},
      {"::FFFF:7F00:2 is listed", "note",
       [](const Asked& asked, Reply& reply) {
         if (asked.name.size() > 60) empty(reply, 3);
       }},
      {"::FFFF:7F00:1 is not listed: NXDOMAIN", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name.starts_with("1.0.0.0.0.0.f.7.")) reply = Reply{.answers = {a_record(asked.name, "127.0.0.2")}};
       }},
      {"A records are codes in 127.0.0.0/8", "fail",
       [](const Asked&, Reply& reply) {
         for (auto& record : reply.answers) {
           if (record.type == RecordType::a) record = a_record(record.owner, "192.0.2.80");
         }
       }},
      {"A records are codes in 127.0.0.0/8", "fail",
       [](const Asked&, Reply& reply) {
         for (auto& record : reply.answers) {
           if (record.type == RecordType::a) record = a_record(record.owner, "127.255.255.254");
         }
       }},
      {"TTL of listings", "note",
       [](const Asked&, Reply& reply) {
         for (auto& record : reply.answers) record.ttl = 0;
       }},
      {"TTL of listings", "fail",
       [](const Asked&, Reply& reply) {
         for (auto& record : reply.answers) record.ttl = 86'401;
       }},
      {"at most one TXT, of one string", "note",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::txt)) empty(reply, 0);
       }},
      {"at most one TXT, of one string", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::txt)) empty(reply, 3);
       }},
      {"at most one TXT, of one string", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::txt)) reply.answers = {txt_record(asked.name, {"one", "two"})};
       }},
      {"at most one TXT, of one string", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::txt))
           reply.answers = {txt_record(asked.name, {"Stra\xC3\x9F"
                                                    "e"})};
       }},
      {"AAAA of a listed name is NODATA", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::aaaa)) empty(reply, 3);
       }},
      {"\"not listed\" comes with the SOA", "fail", [](const Asked&, Reply& reply) { reply.authority.clear(); }},
      {"empty non-terminals are NODATA", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name == "0.0.127.bl.example.org") empty(reply, 3);
       }},
      {"the question's letter case is kept", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name.contains('B') || asked.name.contains('L')) reply.question = kTestPoint;
       }},
      {"TCP answers as UDP does", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.tcp) empty(reply, 5);
       }},
      {"EDNS: OPT is answered by OPT", "fail", [](const Asked&, Reply& reply) { reply.has_opt = false; }},
      {"EDNS: version 1 is BADVERS", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.edns_version == 1) reply.rcode = 1;
       }},
      {"EDNS: an unknown option is ignored", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.has_option) empty(reply, 1);
       }},
      {"EDNS: an unknown flag is ignored", "fail",
       [](const Asked& asked, Reply& reply) { reply.edns_flags = asked.edns_flags; }},
      {"a name that is no address is not listed", "fail",
       [](const Asked& asked, Reply& reply) {
         if (asked.name.starts_with("x")) reply = Reply{.answers = {a_record(asked.name, "127.0.0.2")}};
       }},
      {"reserved addresses are not listed", "fail",
       [](const Asked& asked, Reply& reply) {
         // 240.0.0.0/8
         if (asked.name.ends_with(".240.bl.example.org")) reply = Reply{.answers = {a_record(asked.name, "127.0.0.2")}};
       }},
      {"IPv6 isn't caught by IPv4 wildcards", "fail",
       [](const Asked& asked, Reply& reply) {
         // What a wildcard for 7.0.0.0/8 does to 7000::/4.
         if (asked.name.ends_with(".7.bl.example.org")) reply = Reply{.answers = {a_record(asked.name, "127.0.0.2")}};
       }},
  };
  for (const auto& [check, result, fault] : cases) {
    const DnsServer server(with(fault));
    const auto conformed = conform(server);
    CAPTURE(check, conformed.found);
    REQUIRE(conformed.result.contains(check));
    CHECK(conformed.result.at(check) == result);
    CHECK(conformed.code ==
          (std::ranges::any_of(conformed.result, [](const auto& each) { return each.second == "fail"; }) ? cli::kNo
                                                                                                         : cli::kYes));
  }
}

TEST_CASE("A records in changing order are found", "[cli][conform]") {
  // Only the server's thread counts.
  const DnsServer server([good = GoodList(), asked_before = 0](const Asked& asked) mutable {
    auto reply = good(asked);
    if (asked.name != kTestPoint || !asked.is(RecordType::a)) return reply;
    reply.answers.push_back(a_record(asked.name, "127.0.0.9"));
    if (++asked_before % 2 == 0) std::swap(reply.answers.front(), reply.answers.back());
    return reply;
  });
  CHECK(conform(server).result.at("A records come in one order") == "fail");
}

TEST_CASE("--listed with an address that isn't listed is a failure of its own", "[cli][conform]") {
  const DnsServer server{GoodList()};
  const auto conformed = conform(server, {"--listed", "192.0.2.99"});
  CHECK(conformed.code == cli::kNo);
  CHECK(conformed.result.at("99.2.0.192.bl.example.org is listed") == "fail");
  CHECK(conformed.result.at("empty non-terminals are NODATA") == "pass");
}

TEST_CASE("a server that never answers is one finding, within the patience for one question", "[cli][conform]") {
  const DnsServer server([](const Asked&) { return std::optional<Reply>(); });
  const auto start = std::chrono::steady_clock::now();
  const auto conformed = conform(server);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{20});
  CHECK(conformed.code == cli::kNo);
  CHECK(conformed.result == std::map<std::string, std::string>{{"SOA at the zone's apex", "fail"}});
  CHECK(conformed.found.at("SOA at the zone's apex").starts_with("no answer within"));
}

TEST_CASE("without a SOA the other checks go on, and without a test point they don't", "[cli][conform]") {
  const DnsServer no_soa(with([](const Asked& asked, Reply& reply) {
    if (asked.is(RecordType::soa)) empty(reply, 5);
  }));
  const auto conformed = conform(no_soa);
  CHECK(conformed.result.at("SOA at the zone's apex") == "fail");
  CHECK(conformed.found.at("SOA at the zone's apex") == "REFUSED");
  CHECK(conformed.result.at("127.0.0.2 is listed") == "pass");
  const DnsServer no_test_point(with([](const Asked& asked, Reply& reply) {
    if (asked.name == kTestPoint) empty(reply, 3);
  }));
  CHECK_FALSE(conform(no_test_point).result.contains("TTL of listings"));
}

TEST_CASE("for people, conform heads its findings with zone and server and ends with the sums", "[cli][conform]") {
  const DnsServer server{GoodList()};
  const auto ran =
      List::bare({"conform", "BL.example.org.", "--server", server.address(), "--resolver", server.address()});
  CAPTURE(ran.out);
  CHECK(ran.code == cli::kYes);
  CHECK(ran.out.starts_with("bl.example.org at " + server.address() + "\n"));
  CHECK(ran.out.ends_with("25 pass, 0 note, 0 fail\n"));
}

TEST_CASE("a zone, server or address that conform can't read is wrong use", "[cli][conform]") {
  const std::string long_name(200, 'a');
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"bl..example.org"},
           {".example.org"},
           {"bl example.org"},
           {""},
           {long_name},
           {"bl.example.org", "--server", "ns.example.org"},
           {"bl.example.org", "--server", "127.0.0.1:0"},
           {"bl.example.org", "--server", "127.0.0.1:5300", "--listed", "192.0.2.0/24"}}) {
    CAPTURE(arguments);
    std::vector<std::string> all{"conform"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto ran = List::bare(all);
    CHECK(ran.code == cli::kWrongUse);
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with("blowback: "));
  }
}
