// What a stranger may try through HELO, DNS name, ident, certificate and reverse-path: the line names his true address, or
// is in doubt, but never the address he wrote.
#include "catch.h"
#include "mail/received_chain.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace blowback::mail {
namespace {

constexpr const char* kTrue = "198.51.100.7";
constexpr const char* kFalse = "192.0.2.9";

/// A writer that copies everything as it comes, in the frame of one mail server.
struct Writer {
  std::string name;
  std::function<std::string(const std::string& helo, const std::string& rdns)> write;
};

const std::vector<Writer>& careless_writers() {
  static const std::vector<Writer> writers{
      {"Postfix, Sendmail, OpenSMTPD, Haraka",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + helo + " (" + rdns + " [198.51.100.7]) by mx.example.net (Haraka/2.8) with ESMTP id 1; date";
       }},
      {"Sendmail, forged",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + helo + " (" + rdns +
                " [198.51.100.7] (may be forged)) by mx.example.net (8.9.3) with SMTP id 1";
       }},
      {"Courier",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + helo + " (" + rdns + " [::ffff:198.51.100.7]) by mx.example.net with ESMTP; date";
       }},
      {"no name",
       [](const std::string& helo, const std::string&) {
         return "from " + helo + " ([198.51.100.7]) by mx.example.net with ESMTP id 1; date";
       }},
      {"Exim with a name",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " ([198.51.100.7] helo=" + helo +
                ") by mx.example.net with esmtp (Exim 4.96) id 1; date";
       }},
      {"Exim without a name",
       [](const std::string& helo, const std::string&) {
         return "from [198.51.100.7] (helo=" + helo + ") by mx.example.net with esmtp (Exim 4.96) id 1; date";
       }},
      {"Exim with ident",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " ([198.51.100.7] helo=x ident=" + helo +
                ") by mx.example.net with esmtp (Exim 4.6) id 1";
       }},
      {"qmail",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " (HELO " + helo + ") (198.51.100.7) by mx.example.net with SMTP; date";
       }},
      {"qmail with ident",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " (HELO x) (" + helo + "@198.51.100.7) by mx.example.net with SMTP; date";
       }},
      {"Exchange",
       [](const std::string& helo, const std::string&) {
         return "from " + helo +
                " (198.51.100.7) by ex.example.net (203.0.113.5) with Microsoft SMTP Server id 15.1.2507.6";
       }},
      {"a certificate's name",
       [](const std::string& helo, const std::string& rdns) {
         return "from mx.example.com (" + rdns + " [198.51.100.7]) (Client CN \"" + helo +
                "\", Issuer \"x\" (verified OK)) by mx.example.net (Postfix) with ESMTPS id 1; date";
       }},
      {"the reverse-path at the end",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " ([198.51.100.7]) by mx.example.net with esmtp (Exim 4.96) (envelope-from <" + helo +
                ">) id 1; date";
       }},
  };
  return writers;
}

/// True where the line was read and told something else than the true address.
bool misled(const std::string& line) {
  const auto hop = parse_received(line);
  if (!hop) return false;
  return hop->local_handover || (hop->client && hop->client->to_string() != kTrue);
}

const std::vector<std::string>& attacks() {
  static const std::vector<std::string> texts{"192.0.2.9",
                                              "[192.0.2.9]",
                                              "[IPv6:2001:db8::9]",
                                              "2001:db8::9",
                                              "foo)",
                                              "(foo",
                                              "foo(",
                                              ")",
                                              "(",
                                              "\\",
                                              "foo\\",
                                              "\"",
                                              "\"foo",
                                              "foo (bar [192.0.2.9])",
                                              "foo (bar [192.0.2.9]) by x",
                                              "foo (bar [192.0.2.9]) by x (",
                                              "foo (bar [192.0.2.9]) by x y",
                                              "foo (bar [192.0.2.9]) by x with SMTP id y; date",
                                              "foo (bar [192.0.2.9]) by x with SMTP id y; date (",
                                              "foo (bar [192.0.2.9]) by x (Postfix) with ESMTP id q for",
                                              "x (y [192.0.2.9]",
                                              "x ([192.0.2.9])",
                                              "x (192.0.2.9)",
                                              "unknown (HELO x) (192.0.2.9)",
                                              "unknown (HELO x) (192.0.2.9) by y",
                                              "[192.0.2.9] (helo=x)",
                                              "[192.0.2.9] (helo=x",
                                              "x helo=[192.0.2.9]",
                                              "x ([192.0.2.9] helo=y)",
                                              "x ([192.0.2.9] helo=",
                                              "x ([192.0.2.9] helo=y ident=",
                                              "[192.0.2.9] helo=x",
                                              "by",
                                              "from",
                                              "by x",
                                              "x by y",
                                              "x by y with LMTP id z",
                                              "x by y with LMTP id z;",
                                              "localhost (localhost) by y id z",
                                              "localhost",
                                              "localhost (localhost)",
                                              "x (y [local]) by z",
                                              "x (y [unix socket]) by z with LMTP",
                                              "(qmail 1 invoked from network); x",
                                              "(qmail 1 invoked by uid 0)",
                                              "mail pickup service by x",
                                              "x [192.0.2.9] by localhost with POP3 (fetchmail-6.4) for y",
                                              "x\\) (y [192.0.2.9])",
                                              "x\\(",
                                              "(x \\) (y [192.0.2.9])",
                                              "x@192.0.2.9) by y (",
                                              "192.0.2.9) (",
                                              "x) (HELO y) (192.0.2.9",
                                              "x) (y@192.0.2.9",
                                              "x) (bar [192.0.2.9]",
                                              "y [192.0.2.9]) (z",
                                              "[192.0.2.9]) (z",
                                              "192.0.2.9:25",
                                              "[192.0.2.9]:25",
                                              "::ffff:192.0.2.9",
                                              "?192.0.2.9?",
                                              "x;",
                                              ";",
                                              "x; date (",
                                              "IDENT: x, y [192.0.2.9]",
                                              "IDENT:x@y",
                                              "x@[192.0.2.9]",
                                              "a b",
                                              "a\tb",
                                              "Exim 4.96",
                                              "x (Exim 4.96)"};
  return texts;
}

TEST_CASE("a hostile HELO never becomes the client", "[received]") {
  for (const auto& writer : careless_writers()) {
    for (const auto& helo : attacks()) {
      const auto line = writer.write(helo, "mail.example.com");
      CAPTURE(writer.name, line);
      CHECK_FALSE(misled(line));
    }
  }
}

TEST_CASE("a hostile DNS name never becomes the client", "[received]") {
  for (const auto& writer : careless_writers()) {
    for (const auto& rdns : attacks()) {
      const auto line = writer.write("mx.example.com", rdns);
      CAPTURE(writer.name, line);
      CHECK_FALSE(misled(line));
    }
  }
}

TEST_CASE("a hostile HELO and a hostile DNS name together never become the client", "[received]") {
  std::size_t read = 0;
  for (const auto& writer : careless_writers()) {
    for (const auto& helo : attacks()) {
      for (const auto& rdns : attacks()) {
        const auto line = writer.write(helo, rdns);
        if (parse_received(line)) ++read;
        if (!misled(line)) continue;
        CAPTURE(writer.name, line);
        FAIL_CHECK();
      }
    }
  }
  CHECK(read > 1000);  // the harmless ones among them are read, so the test isn't empty
}

TEST_CASE("no mixture of the alphabet of such lines becomes the client", "[received]") {
  const std::vector<std::string> pieces{"(",
                                        ")",
                                        "[",
                                        "]",
                                        " ",
                                        "192.0.2.9",
                                        "by",
                                        "from",
                                        "HELO",
                                        "helo=",
                                        "x",
                                        ";",
                                        "with",
                                        "SMTP",
                                        "LMTP",
                                        "\\",
                                        "@",
                                        "\"",
                                        "id",
                                        "y",
                                        " (",
                                        ") ",
                                        " by ",
                                        "[192.0.2.9]",
                                        "(z [192.0.2.9])",
                                        " with SMTP id q",
                                        "[local]",
                                        "localhost",
                                        ":25"};
  std::mt19937 random(20261124);  // NOLINT(bugprone-random-generator-seed): the same texts in every run
  const auto text = [&] {
    std::string made;
    for (auto n = random() % 9; n > 0; --n) made += pieces[random() % pieces.size()];
    return made;
  };
  for (int i = 0; i < 40'000; ++i) {
    const auto& writer = careless_writers()[random() % careless_writers().size()];
    const auto line = writer.write(text(), random() % 3 == 0 ? text() : "mail.example.com");
    if (!misled(line)) continue;
    CAPTURE(writer.name, line);
    FAIL_CHECK();
  }
}

TEST_CASE("a HELO of 255 octets is read, a longer one is in doubt", "[received]") {
  const auto line = [](std::size_t size) {
    return careless_writers()[0].write(std::string(size, 'a'), "mail.example.com");
  };
  CHECK(parse_received(line(255)).has_value());
  CHECK_FALSE(parse_received(line(256)).has_value());
  CHECK_FALSE(parse_received(line(10'000)).has_value());
}

TEST_CASE("control characters put a line in doubt", "[received]") {
  const char control = GENERATE('\0', '\r', '\n', '\x1b', '\x7f', '\b');
  const auto line = careless_writers()[0].write(std::string("foo") + control + "bar", "mail.example.com");
  CHECK_FALSE(parse_received(line).has_value());
}

TEST_CASE("the reverse-path that a content filter writes behind from is no client", "[received]") {
  const std::string path =
      GENERATE("x (y [192.0.2.9])", "x (y [192.0.2.9]) by z with SMTP id q", "[192.0.2.9] (helo=x)");
  const auto line =
      "from " + path + " by mail.example.net with qmail-scanner-1.23 (clamscan: 0.9. Clear:.); 24 Nov 2026";
  CAPTURE(line);
  CHECK_FALSE(parse_received(line).has_value());
}

TEST_CASE("a HELO that imitates Exim's literal is in doubt where the address is missing", "[received]") {
  CHECK_FALSE(parse_received(std::string("from [") + kFalse + "] by mx.example.net with ESMTP id 1; date").has_value());
  CHECK_FALSE(parse_received(std::string("from [") + kFalse +
                             "] (unknown [unknown]) by mx.example.net (Postfix) with ESMTP id 1")
                  .has_value());
}

TEST_CASE("an address literal before an address in parentheses has two readings", "[received]") {
  CHECK_FALSE(parse_received("from [192.0.2.9] (198.51.100.7) by mx.example.net with SMTP; date").has_value());
}

}  // namespace
}  // namespace blowback::mail
