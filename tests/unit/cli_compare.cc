// `conform --compare` against two scripted servers of one zone: alike, different in one thing, and with serials that move.
#include "catch.h"
#include "cli_dns_server.h"
#include "cli_list.h"
#include "dns/compared_names.h"
#include "dns/comparison.h"

#include <ldns/ldns.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using cli::RecordType;

namespace {

const std::string kTestPoint = "2.0.0.127.bl.example.org";
const std::vector<cli::Question> kQuestions{{.name = "bl.example.org", .type = RecordType::ns},
                                            {.name = kTestPoint},
                                            {.name = kTestPoint, .type = RecordType::txt},
                                            {.name = "1.0.0.127.bl.example.org"}};

using Change = std::function<void(const Asked&, Reply&)>;

DnsServer::Answer with(Change change) {
  return [good = GoodList(), change = std::move(change)](const Asked& asked) {
    auto reply = good(asked);
    change(asked, reply);
    return reply;
  };
}

cli::Compared compared(const DnsServer& one, const DnsServer& other, const cli::ComparisonTime& time = {}) {
  return cli::compare({*cli::server_address(one.address()), *cli::server_address(other.address())}, "bl.example.org",
                      kQuestions, time);
}

std::string texts(const cli::Compared& compared) {
  std::string text;
  for (const auto& each : compared.differences)
    text += each.question.name + " " + each.part + ": " + each.theirs[0] + " | " + each.theirs[1] + "\n";
  return text;
}

}  // namespace

TEST_CASE("servers that answer alike have no difference, whatever the order of their records", "[cli][compare]") {
  const DnsServer one{GoodList()};
  const DnsServer other(with([](const Asked&, Reply& reply) { std::ranges::reverse(reply.answers); }));
  const auto found = compared(one, other);
  CHECK(texts(found).empty());
  CHECK(found.serial == 7U);
  CHECK(found.unsettled == 0);
  CHECK(found.failure.empty());
}

TEST_CASE("each thing in which two answers differ is named, with what each server says", "[cli][compare]") {
  struct Case {
    Change change;
    std::string expected;
  };
  const std::vector<Case> cases{
      {[](const Asked& asked, Reply& reply) {
         if (asked.name == kTestPoint && asked.is(RecordType::a)) reply.answers[0].ttl = 301;
       },
       kTestPoint + " answer: " + kTestPoint + " 300 A 127.0.0.2 | " + kTestPoint + " 301 A 127.0.0.2\n"},
      {[](const Asked& asked, Reply& reply) {
         if (asked.name == kTestPoint && asked.is(RecordType::a))
           reply.answers.push_back(a_record(asked.name, "127.0.0.9"));
       },
       kTestPoint + " answer:  | " + kTestPoint + " 300 A 127.0.0.9\n"},
      {[](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::txt)) reply.answers = {txt_record(asked.name, {"Other"})};
       },
       kTestPoint + " answer: " + kTestPoint + " 300 TXT \"Backscatter\" | " + kTestPoint + " 300 TXT \"Other\"\n"},
      {[](const Asked& asked, Reply& reply) {
         if (asked.name.starts_with("1.")) reply.rcode = 0;
       },
       "1.0.0.127.bl.example.org RCODE: NXDOMAIN | NOERROR\n"},
      {[](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::ns)) reply.authoritative = false;
       },
       "bl.example.org AA: set | not set\n"},
      {[](const Asked& asked, Reply& reply) {
         if (asked.name.starts_with("1.")) reply.authority.clear();
       },
       "1.0.0.127.bl.example.org authority: bl.example.org 60 SOA ns1.example.net hostmaster.example.net 7 600 120 "
       "604800 60 | \n"},
      // An answer may come with the zone's NS.
      {[](const Asked& asked, Reply& reply) {
         if (asked.is(RecordType::txt)) reply.authority = {ns_record("bl.example.org", "ns1.example.net")};
       },
       ""},
  };
  for (const auto& [change, expected] : cases) {
    const DnsServer one{GoodList()};
    const DnsServer other(with(change));
    CHECK(texts(compared(one, other)) == expected);
  }
}

TEST_CASE("two answers to ANY may have different RRsets, but not different records of one", "[cli][compare]") {
  const std::vector<cli::Question> any{{.name = kTestPoint, .type = RecordType::any}};
  const auto answering = [](std::vector<Record> records) {
    return with([records](const Asked& asked, Reply& reply) {
      if (asked.is(RecordType::any)) reply = {.answers = records, .has_opt = asked.has_opt};
    });
  };
  const auto differences = [&](std::vector<Record> ours, std::vector<Record> theirs) {
    const DnsServer one(answering(std::move(ours)));
    const DnsServer other(answering(std::move(theirs)));
    return cli::compare({*cli::server_address(one.address()), *cli::server_address(other.address())}, "bl.example.org",
                        any)
        .differences.size();
  };
  const auto a = a_record(kTestPoint, "127.0.0.2");
  const auto txt = txt_record(kTestPoint, {"Backscatter"});
  CHECK(differences({a}, {a, txt}) == 0);
  CHECK(differences({a}, {txt}) == 0);
  CHECK(differences({a}, {a_record(kTestPoint, "127.0.0.3"), txt}) == 1);
}

TEST_CASE("a server that doesn't answer a question differs; by TCP it may", "[cli][compare]") {
  const DnsServer one{GoodList()};
  const DnsServer limited([good = GoodList()](const Asked& asked) -> std::optional<Reply> {
    if (!asked.tcp && asked.is(RecordType::txt)) return std::nullopt;
    return good(asked);
  });
  CHECK(texts(compared(one, limited)).empty());
  const DnsServer silent([good = GoodList()](const Asked& asked) -> std::optional<Reply> {
    if (asked.is(RecordType::txt)) return std::nullopt;
    return good(asked);
  });
  CHECK(texts(compared(one, silent)).starts_with(kTestPoint + " reply: NOERROR | "));
}

TEST_CASE("differences while the serials move are no differences, and are asked about again", "[cli][compare]") {
  std::atomic<std::uint32_t> serial = 7;
  std::atomic<int> asked_for_text = 0;
  const auto now = [&](const Asked& asked, Reply& reply) {
    if (asked.is(RecordType::soa)) reply.answers = {soa_record(asked.name, serial)};
    if (asked.is(RecordType::txt)) reply.answers = {txt_record(asked.name, {"of serial " + std::to_string(serial)})};
  };
  const DnsServer one(with([&](const Asked& asked, Reply& reply) {
    now(asked, reply);
    // The list changes right after the first server's first answer.
    if (asked.is(RecordType::txt) && ++asked_for_text == 1) ++serial;
  }));
  const DnsServer other(with(now));
  const auto found = compared(one, other);
  CHECK(texts(found).empty());
  CHECK(found.serial == 8U);
  CHECK(asked_for_text == 2);
}

TEST_CASE("servers whose serials never are the same aren't compared", "[cli][compare]") {
  GoodList newer;
  newer.serial = 9;
  const DnsServer one{GoodList()};
  const DnsServer other{newer};
  const auto found = compared(one, other, {.for_serials = std::chrono::milliseconds{300}});
  CHECK_FALSE(found.serial);
  CHECK(found.failure.starts_with("the serials aren't equal: 7 and 9"));
  const DnsServer refusing([](const Asked&) { return Reply{.rcode = 5}; });
  CHECK(compared(one, refusing).failure == refusing.address() + ": REFUSED to a query for the SOA of bl.example.org");
}

TEST_CASE("the questions have every type at the apex, the test points, both families, and are the same for a seed",
          "[cli][compare]") {
  const std::vector<Prefix> networks{*Prefix::parse("198.51.100.0/24"), *Prefix::parse("2001:db8:5::/48")};
  const auto questions = cli::draw_questions("bl.example.org", networks, 4'000, 1);
  CHECK(questions == cli::draw_questions("bl.example.org", networks, 4'000, 1));
  CHECK(questions != cli::draw_questions("bl.example.org", networks, 4'000, 2));
  const auto has = [&](const std::string& name, RecordType type = RecordType::a) {
    return std::ranges::find(questions, cli::Question{.name = name, .type = type}) != questions.end();
  };
  CHECK(has("bl.example.org", RecordType::ns));
  CHECK(has("bl.example.org", RecordType::undefined));
  CHECK(has(kTestPoint, RecordType::https));
  CHECK(has("0.0.127.bl.example.org"));
  CHECK(has(cli::nibble_name(*IpAddress::parse("127.0.0.2"), "bl.example.org")));
  std::set<std::string> names;
  for (const auto& question : questions) {
    std::string name = question.name;
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    names.insert(name);
    CAPTURE(question.name);
    // Each is a name that can be asked for, and is printed as it was written.
    ldns_rdf* made = nullptr;
    REQUIRE(ldns_str2rdf_dname(&made, question.name.c_str()) == LDNS_STATUS_OK);
    char* text = ldns_rdf2str(made);
    CHECK(std::string(text) == question.name + ".");
    std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): of ldns
    ldns_rdf_deep_free(made);
  }
  const auto some = [&](const std::string& end) {
    return std::ranges::count_if(names, [&](const std::string& name) { return name.ends_with(end); });
  };
  CHECK(some(".100.51.198.bl.example.org") > 50);
  CHECK(some(".5.0.0.0.8.b.d.0.1.0.0.2.bl.example.org") > 50);
  // The neighbours of both.
  CHECK(names.contains("255.99.51.198.bl.example.org"));
  CHECK(names.contains("0.101.51.198.bl.example.org"));
  CHECK(std::ranges::count_if(names, [](const std::string& name) { return name.contains("\\000"); }) > 0);
  CHECK(std::ranges::count_if(names, [](const std::string& name) { return name.size() > 200; }) > 0);
}

TEST_CASE("conform --compare prints each difference and exits by them", "[cli][compare]") {
  const DnsServer one{GoodList()};
  const DnsServer other(with([](const Asked& asked, Reply& reply) {
    if (asked.name == kTestPoint && asked.is(RecordType::a)) reply.answers[0].ttl = 301;
  }));
  const List list;
  const std::vector<std::string> command{"conform", "bl.example.org", "--count", "50", "--seed", "7", "--compare"};
  const auto run = [&](const DnsServer& second, std::vector<std::string> more = {}) {
    auto arguments = command;
    arguments.insert(arguments.end(), {one.address(), second.address()});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return list.run(arguments);
  };
  list.record_bounces();
  const auto same = run(one);
  CAPTURE(same.out, same.err);
  CHECK(same.code == cli::kYes);
  CHECK(same.out.starts_with("bl.example.org at " + one.address() + " and " + one.address() + "\n"));
  CHECK(same.out.contains("--seed 7; names from 1 of 1 listings and 0 of 0 exemptions in the database"));
  CHECK(same.out.ends_with("0 differences at serial 7\n"));
  const auto different = run(other);
  CHECK(different.code == cli::kNo);
  CHECK(different.out.contains("301 A 127.0.0.2"));
  const auto json = nlohmann::json::parse(run(other, {"--format", "json"}).out);
  REQUIRE(!json.empty());
  CHECK(json[0]["name"] == kTestPoint);
  CHECK(json[0]["type"] == "A");
  CHECK(json[0]["difference"] == "answer");
  CHECK(json[0]["second"] == kTestPoint + " 301 A 127.0.0.2");
  // Networks of the operator's own choice.
  std::ofstream(list.file("networks")) << "192.0.2.0/28\n2001:db8::/32\n";
  CHECK(run(one, {"--file", list.file("networks")}).out.contains("names from 2 networks in "));
}

TEST_CASE("conform --compare takes two addresses, and no other server", "[cli][compare]") {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"--compare", "127.0.0.1:1"},
                                             {"--compare", "127.0.0.1:1", "ns.example.org"},
                                             {"--compare", "127.0.0.1:1", "127.0.0.1:2", "--wait", "soon"},
                                             {"--compare", "127.0.0.1:1", "127.0.0.1:2", "--server", "127.0.0.1:3"},
                                             {"--compare", "127.0.0.1:1", "127.0.0.1:2", "--listed", "192.0.2.1"}}) {
    CAPTURE(arguments);
    std::vector<std::string> all{"conform", "bl.example.org"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto ran = List::bare(all);
    CHECK(ran.code == cli::kWrongUse);
    CHECK(ran.err.starts_with("blowback: "));
  }
}
