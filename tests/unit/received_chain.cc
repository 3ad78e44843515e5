// The walk down the Received: fields: what is trusted, and what isn't.
#include "mail/received_chain.h"

#include "catch.h"

#include <string>
#include <vector>

namespace blowback::mail {
namespace {

using Fields = std::vector<std::string>;

std::vector<Prefix> relays(const std::vector<std::string>& texts) {
  std::vector<Prefix> prefixes;
  for (const auto& text : texts) prefixes.push_back(Prefix::parse(text).value());
  return prefixes;
}

std::string line(const std::string& client, const std::string& by = "mx.example.net") {
  return "from helo.of." + client + ".example (unknown [" + client + "]) by " + by + " (Postfix) with ESMTP id Q; date";
}

const char* const kForged =
    "from bank.example.com (bank.example.com [203.0.113.66]) by mx.example.net (Postfix) with ESMTP id FORGED; date";

std::string told(const std::expected<Client, Doubt>& client) {
  return client ? client->address.to_string() + " at " + std::to_string(client->ours)
                : "in doubt: " + client.error().text;
}

TEST_CASE("without trusted relays the client is that of the topmost line, and nothing below is trusted", "[received]") {
  const auto client = client_of(Fields{line("198.51.100.7"), kForged}, {});
  CHECK(told(client) == "198.51.100.7 at 1");
  CHECK(client->helo == "helo.of.198.51.100.7.example");
}

TEST_CASE("a Received line below the last trusted relay is never trusted", "[received]") {
  const auto trusted = relays({"192.0.2.25"});
  CHECK(told(client_of(Fields{line("192.0.2.25"), line("198.51.100.7"), kForged}, trusted)) == "198.51.100.7 at 2");
  // Not even one that names our own relay.
  CHECK(told(client_of(Fields{line("198.51.100.7"), line("192.0.2.25"), kForged}, trusted)) == "198.51.100.7 at 1");
}

TEST_CASE("nothing that a stranger wrote below the client is parsed", "[received]") {
  CHECK(told(client_of(Fields{line("198.51.100.7"), "((((", std::string(100'000, 'x')}, {})) == "198.51.100.7 at 1");
}

TEST_CASE("trusted relays may be networks, of both families, and mapped addresses are IPv4", "[received]") {
  const auto trusted = relays({"192.0.2.0/28", "2001:db8:5::/48"});
  CHECK(told(client_of(Fields{line("192.0.2.14"), line("IPv6:2001:db8:5::25"), line("198.51.100.7")}, trusted)) ==
        "198.51.100.7 at 3");
  CHECK(told(client_of(Fields{line("::ffff:192.0.2.14"), line("198.51.100.7")}, trusted)) == "198.51.100.7 at 2");
  CHECK(told(client_of(Fields{line("192.0.2.16"), line("198.51.100.7")}, trusted)) == "192.0.2.16 at 1");
}

TEST_CASE("loopback and hand-overs on our own hosts are skipped", "[received]") {
  const Fields fields{
      "from mx.example.net by store.example.net with LMTP id 1; date",
      "from localhost (localhost [127.0.0.1]) by mx.example.net (Postfix) with ESMTP id 2; date",
      "from m.example ([127.0.0.1]) by localhost (m.example [127.0.0.1]) (amavis, port 10024) with ESMTP id 3; date",
      "from localhost (localhost [IPv6:::1]) by mx.example.net (Postfix) with ESMTP id 4; date",
      line("198.51.100.7"),
      kForged,
  };
  CHECK(told(client_of(fields, {})) == "198.51.100.7 at 5");
}

TEST_CASE("qmail's two lines are one hop", "[received]") {
  const Fields fields{
      "(qmail 11081 invoked by alias); 24 Nov 2026 10:00:00 -0000",
      "(qmail 11079 invoked from network); 24 Nov 2026 10:00:00 -0000",
      "from unknown (HELO mx.example.com) (198.51.100.7) by mx.example.net with SMTP; 24 Nov 2026 10:00:00 -0000"};
  CHECK(told(client_of(fields, {})) == "198.51.100.7 at 3");
}

TEST_CASE("a mailbox fetched by POP3 names the client of the mailbox's own server", "[received]") {
  const Fields fields{
      "from pop.example.net [203.0.113.9] by localhost with POP3 (fetchmail-6.4.37) for <a@localhost>; date",
      line("198.51.100.7")};
  CHECK(told(client_of(fields, {})) == "198.51.100.7 at 2");
}

TEST_CASE("delivery by LMTP is passed over if it comes from our own host or a trusted relay", "[received]") {
  const auto stored = [](const std::string& mta) {
    return "from mx.example.net (LHLO mx.example.net) (" + mta + ") by store.example.net with LMTP; date";
  };
  const auto trusted = relays({"192.0.2.25", "10.0.0.0/8"});
  CHECK(told(client_of(Fields{stored("127.0.0.1"), line("198.51.100.7"), kForged}, {})) == "198.51.100.7 at 2");
  CHECK(told(client_of(Fields{stored("10.0.0.5"), line("198.51.100.7"), kForged}, trusted)) == "198.51.100.7 at 2");
  CHECK(told(client_of(Fields{stored("192.0.2.25"), line("198.51.100.7"), kForged}, trusted)) == "198.51.100.7 at 2");
}

TEST_CASE("an LMTP client that isn't known to be ours is a doubt, neither the client nor passed over", "[received]") {
  const std::string stored =
      GENERATE("from mx.example.net (LHLO mx.example.net) (192.0.2.25) by store.example.net with LMTP; date",
               "from mx.example.net ([192.0.2.25]) by store.example.net with LMTP id 1; date");
  const auto client = client_of(Fields{stored, kForged}, {});
  CAPTURE(told(client));
  REQUIRE_FALSE(client.has_value());
  CHECK_THAT(client.error().text, Catch::Contains("if 192.0.2.25 is a relay of yours, add it to trusted_relays"));
}

TEST_CASE("Yahoo's and Mercury's inner hand-overs are passed over", "[received]") {
  CHECK(
      told(client_of(
          Fields{"from 10.217.135.77 by atlas.omega.yahoo.com pod-id x with HTTP; date",
                 "from 198.51.100.7 (EHLO mx.example.com) by 10.217.135.77 with SMTPs (version=TLS1_2); date", kForged},
          {})) == "198.51.100.7 at 2");
  CHECK(told(client_of(
            Fields{"from spooler by mx.example.net (Mercury/32 v4.62); date",
                   "from x (198.51.100.7) by mx.example.net (Mercury/32 v4.62) with ESMTP ID MG1; date", kForged},
            {})) == "198.51.100.7 at 2");
}

TEST_CASE("a private address that isn't a trusted relay is a doubt with a remedy", "[received]") {
  const std::string address =
      GENERATE("10.0.0.5", "192.168.1.1", "100.64.0.1", "fd00::1", "fe80::1", "169.254.1.1", "0.0.0.0");
  const auto client = client_of(Fields{line(address), line("198.51.100.7")}, {});
  CAPTURE(address);
  REQUIRE_FALSE(client.has_value());
  CHECK_THAT(client.error().text, Catch::Contains("if " + address + " is a relay of yours, add it to trusted_relays"));
}

TEST_CASE("a private address that is a trusted relay is skipped", "[received]") {
  CHECK(told(client_of(Fields{line("10.0.0.5"), line("198.51.100.7")}, relays({"10.0.0.0/8"}))) == "198.51.100.7 at 2");
}

TEST_CASE("documentation ranges are clients; whether they are listed is the policy's decision", "[received]") {
  const std::string address = GENERATE("192.0.2.1", "203.0.113.1", "2001:db8::1");
  CHECK(told(client_of(Fields{line(address)}, {})) == address + " at 1");
}

TEST_CASE("a chain without a client is a doubt", "[received]") {
  const auto trusted = relays({"192.0.2.25"});
  const Fields fields =
      GENERATE(Fields{}, Fields{""}, Fields{"from mx.example.com by mx.example.net with SMTP id 1; date"},
               Fields{"from mx.example.com by mx.example.net with SMTP id 1; date", line("198.51.100.7")},
               Fields{"nonsense", line("198.51.100.7")}, Fields{line("192.0.2.25")},
               Fields{line("192.0.2.25"), line("127.0.0.1")},
               Fields{"from localhost (localhost) by mx.example.net (8.17.1/8.17.1) id 1; date"},
               Fields{"(qmail 1 invoked for bounce); 24 Nov 2026 10:00:00 -0000"}, Fields(200, line("192.0.2.25")));
  const auto client = client_of(fields, trusted);
  CAPTURE(told(client));
  REQUIRE_FALSE(client.has_value());
  CHECK(client.error().text.size() > 40);
}

TEST_CASE("a doubt quotes the line's beginning, printable and short", "[received]") {
  const auto client = client_of(Fields{"from \x1b[31m\n" + std::string(5000, 'x')}, {});
  REQUIRE_FALSE(client.has_value());
  CHECK_THAT(client.error().quote, Catch::StartsWith("from ?[31m?xxx"));
  CHECK(client.error().quote.size() < 200);
}

TEST_CASE("a doubt's text contains nothing that a stranger wrote", "[received][fairness]") {
  const std::string received =
      GENERATE("from OCTETS by mx.example.net with SMTP id 1; date", "OCTETS OCTETS",
               "from mx.example.com ([192.0.2.1]) by mx.example.net with OCTETS id 1; date",
               "from OCTETS (mx.example.com [192.0.2.1] [203.0.113.77]) by mx.example.net with SMTP id 1; date",
               "from OCTETS ([10.0.0.5]) by mx.example.net with SMTP id 1; date",
               "from OCTETS ([192.0.2.1]) by by mx.example.net by OCTETS with SMTP id 1; date");
  const auto client = client_of(Fields{received}, {});
  CAPTURE(received);
  REQUIRE_FALSE(client.has_value());
  CHECK_THAT(client.error().text, !Catch::Contains("OCTETS") && !Catch::Contains("203.0.113.77"));
}

}  // namespace
}  // namespace blowback::mail
