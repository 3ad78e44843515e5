// What a stranger may try through HELO, DNS name, ident, certificate and reverse-path: the line names his true address, or
// is in doubt, but never the address he wrote.
#include "catch.h"
#include "mail/received_chain.h"
#include "sanitized.h"

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
      {"CommuniGate",
       [](const std::string& helo, const std::string&) {
         return "from [198.51.100.7] (HELO " + helo +
                ") by mx.example.net (CommuniGate Pro SMTP 6.3.9) with ESMTPS id 88112 for a@trap.example.net; date";
       }},
      {"CommuniGate with a name",
       [](const std::string& helo, const std::string&) {
         return "from " + helo + " ([198.51.100.7] verified) by mx.example.net (CommuniGate Pro SMTP 6.3.9) with ESMTP";
       }},
      {"CommuniGate with an account",
       [](const std::string& helo, const std::string& account) {
         return "from [198.51.100.7] (account " + account + " HELO " + helo +
                ") by mx.example.net (CommuniGate Pro SMTP 6.3.9) with ESMTPSA id 1; date";
       }},
      {"CommuniGate with an account and a name",
       [](const std::string& helo, const std::string& account) {
         return "from " + helo + " (account " + account +
                " [198.51.100.7] verified) by mx.example.net (CommuniGate Pro SMTP 6.3.9) with ESMTPSA id 1; date";
       }},
      {"qpsmtpd",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " (HELO " + helo + ") (198.51.100.7) by mx.example.net (qpsmtpd/0.94) with SMTP; date";
       }},
      {"Yahoo",
       [](const std::string& helo, const std::string&) {
         return "from 198.51.100.7 (EHLO " + helo + ") by mta1.mail.yahoo.com with SMTPs (version=TLS1_2); date";
       }},
      {"Yahoo without a name",
       [](const std::string& helo, const std::string&) {
         return "from 127.0.0.1 (EHLO " + helo + ") (198.51.100.7) by mta1.mail.yahoo.com with SMTP; date";
       }},
      {"GMX",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " (EHLO " + helo + ") [198.51.100.7] by mx.example.net (mp003) with SMTP; date";
       }},
      {"James",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " (EHLO " + helo +
                ") ([198.51.100.7]) by mx.example.net (JAMES SMTP Server) with ESMTP";
       }},
      {"Kerio",
       [](const std::string& helo, const std::string& account) {
         return "from " + helo + " ([198.51.100.7]) (authenticated user " + account +
                ") by mx.example.net (Kerio MailServer 6.4.0) (using TLSv1 with cipher AES128-SHA) for a@b; date";
       }},
      {"MDaemon",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + helo + " (" + rdns +
                " [198.51.100.7]) by mx.example.net (203.0.113.5) (MDaemon PRO v26.0.2) with ESMTP id md1.msg; date";
       }},
      {"MDaemon before 8",
       [](const std::string& helo, const std::string&) {
         return "from " + helo +
                " [198.51.100.7] by mx.example.net [203.0.113.5] with SMTP (MDaemon.PRO.v5.0.6.R) for <a@b>; date";
       }},
      {"IMail",
       [](const std::string& helo, const std::string&) {
         return "from " + helo + " [198.51.100.7] by mx.example.net with ESMTP (SMTPD32-8.00) id A66B7D000DA; date";
       }},
      {"InterMail",
       [](const std::string& helo, const std::string&) {
         return "from " + helo +
                " ([198.51.100.7] [198.51.100.7]) by mx.example.net (InterMail vM.8.04) with ESMTP id "
                "<2019.HEWU7430.mx.example.net@" +
                helo + ">; date";
       }},
      {"InterMail with a literal",
       [](const std::string& helo, const std::string&) {
         return "from " + helo +
                " (really [198.51.100.7]) by mx.example.net (InterMail vM.8.04) with ESMTP id "
                "<2019.HEWU7430.mx.example.net@" +
                helo + ">; date";
       }},
      {"MailMarshal",
       [](const std::string& helo, const std::string&) {
         return "from " + helo +
                " (Not Verified[198.51.100.7]) by mx.example.net (using TLS: TLSv1.2, AES256-SHA) id <B5f50361f0000>";
       }},
      {"MailMarshal with a name",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + helo + " (" + rdns +
                "[198.51.100.7]) by mx.example.net with Trustwave SEG (v8,2,6,11305) id <B66666bfb0000>; date";
       }},
      {"hMailServer",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + helo + " (" + rdns + " [198.51.100.7]) by mx.example.net with ESMTPS ; date";
       }},
      {"hMailServer before 5",
       [](const std::string& helo, const std::string&) {
         return "from " + helo + " ([198.51.100.7]) by mx.example.net ; date";
       }},
      {"Zimbra",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " (LHLO " + helo + ") (198.51.100.7) by mx.example.net with LMTP; date";
       }},
      {"Zimbra of old",
       [](const std::string& helo, const std::string&) {
         return "from 198.51.100.7 (LHLO " + helo + ") by mx.example.net with LMTP; date";
       }},
      {"ZMailer",
       [](const std::string& helo, const std::string& rdns) {
         return "from " + rdns + " ([198.51.100.7]:60217 \"EHLO " + helo +
                "\" rhost-flags-OK-OK-OK-OK) by mx.example.net with ESMTP id S1752864 (ORCPT <rfc822;a@b>); date";
       }},
      {"IIS",
       [](const std::string& helo, const std::string&) {
         return "from " + helo + " ([198.51.100.7] RDNS failed) by mx.example.net with Microsoft SMTPSVC(6.0.3790.0)";
       }},
      {"Axigen",
       [](const std::string& helo, const std::string&) {
         return "from " + helo + " (198.51.100.7) by mx.example.net (Axigen) with ESMTP id 2B106B; date";
       }},
      {"Mercury",
       [](const std::string& helo, const std::string&) {
         return "from " + helo + " (198.51.100.7) by mx.example.net (Mercury/32 v4.52) with ESMTP ID MG003CF7; date";
       }},
      {"XMail",
       [](const std::string& helo, const std::string& path) {
         return "from " + helo +
                " ([198.51.100.7]:23198) by mx.example.net with [XMail 1.27 ESMTP Server] id <S72E> for <a@b> from <" +
                path + ">; date";
       }},
      {"maddy",
       [](const std::string& helo, const std::string& path) {
         return "from " + helo + " (mail.example.com [198.51.100.7]) by mx.example.net (envelope-sender <" + path +
                ">) with ESMTPS id 95b49b87; date";
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
                                              "x (Exim 4.96)",
                                              "y) (192.0.2.9",
                                              "y) ([192.0.2.9]",
                                              "y) ([192.0.2.9] verified",
                                              "y) ([192.0.2.9] [192.0.2.9]",
                                              "y) [192.0.2.9] (z",
                                              "y) (z[192.0.2.9]",
                                              "y) (Not Verified[192.0.2.9]",
                                              "y HELO [192.0.2.9]",
                                              "y HELO [192.0.2.9]) (z",
                                              "y [192.0.2.9] verified",
                                              "y [192.0.2.9] verified) (account z",
                                              "[192.0.2.9] verified",
                                              "[192.0.2.9] [192.0.2.9]",
                                              "[192.0.2.9] RDNS failed) (x",
                                              "x[192.0.2.9]",
                                              "x[192.0.2.9]) (y",
                                              "Not Verified[192.0.2.9]",
                                              "Not Verified[192.0.2.9]) (y",
                                              "x [192.0.2.9]",
                                              "x [192.0.2.9] (y)",
                                              "x ([192.0.2.9] verified)",
                                              "x (account y [192.0.2.9] verified)",
                                              "x (Not Verified[192.0.2.9])",
                                              "x (really [192.0.2.9])",
                                              "x (EHLO y) [192.0.2.9]",
                                              "x (LHLO y) (192.0.2.9)",
                                              "192.0.2.9 (EHLO x)",
                                              "192.0.2.9 (LHLO x)",
                                              "127.0.0.1 (EHLO x) (192.0.2.9)",
                                              "127.0.0.1",
                                              "[192.0.2.9] (HELO x)",
                                              "[192.0.2.9] (account y)",
                                              "[192.0.2.9] (account y HELO x)",
                                              "[198.51.100.7] [192.0.2.9]",
                                              "198.51.100.7 ([192.0.2.9] verified)",
                                              "[198.51.100.7] (HELO [192.0.2.9])",
                                              "x\" rhost-flags-OK) (y [192.0.2.9]",
                                              "x\") ([192.0.2.9]:25 \"EHLO y",
                                              "[192.0.2.9]:25 \"EHLO x\"",
                                              "[192.0.2.9] \"EHLO",
                                              "spooler",
                                              "x> (Mercury/32 v4) <y",
                                              "x>) (CommuniGate Pro) (y",
                                              "x>) with LMTP (y",
                                              "HELO",
                                              "EHLO",
                                              "LHLO",
                                              "account",
                                              "helo=",
                                              "port=1 helo=",
                                              "really",
                                              "Not",
                                              "10.0.0.5",
                                              "10.0.0.5 (x)"};
  return texts;
}

TEST_CASE("each of these writers' lines names the true client", "[received]") {
  for (const auto& writer : careless_writers()) {
    const auto line = writer.write("mx.example.com", "mail.example.com");
    CAPTURE(writer.name, line);
    const auto hop = parse_received(line);
    REQUIRE(hop);
    REQUIRE(hop->client);
    CHECK(hop->client->to_string() == kTrue);
  }
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
  // With a sanitizer every fifth pair, of each writer others.
  constexpr std::size_t kEvery = kIsSanitized ? 5 : 1;
  std::size_t first = 0;
  std::size_t read = 0;
  for (const auto& writer : careless_writers()) {
    std::size_t pair = first++;
    for (const auto& helo : attacks()) {
      for (const auto& rdns : attacks()) {
        if (pair++ % kEvery != 0) continue;
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
                                        ":25",
                                        "EHLO",
                                        "(EHLO y)",
                                        "(LHLO y)",
                                        "account",
                                        "verified",
                                        " verified) (",
                                        "Not Verified[192.0.2.9]",
                                        "y[192.0.2.9]",
                                        "127.0.0.1",
                                        "198.51.100.7",
                                        "spooler"};
  std::mt19937 random(20261124);  // NOLINT(bugprone-random-generator-seed): the same texts in every run
  const auto text = [&] {
    std::string made;
    for (auto n = random() % 9; n > 0; --n) made += pieces[random() % pieces.size()];
    return made;
  };
  for (int i = 0; i < (kIsSanitized ? 10'000 : 100'000); ++i) {
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

TEST_CASE("a form that needs its product's name isn't read without it", "[received]") {
  const std::string line = GENERATE(
      "from [192.0.2.9] (HELO x) by mx.example.net with SMTP id 1; date",
      "from [192.0.2.9] (account y HELO x) by mx.example.net with ESMTPSA id 1; date",
      "from x (account y [192.0.2.9] verified) by mx.example.net with ESMTPSA id 1; date",
      "from x [192.0.2.9] by mx.example.net with SMTP id 1; date", "from x [192.0.2.9] by mx.example.net id 1; date",
      "from [192.0.2.9] (198.51.100.7) by mx.example.net with ESMTP id 1; date",
      "from x (LHLO y) (192.0.2.9) by mx.example.net with ESMTP id 1; date",
      "from 192.0.2.9 (LHLO y) by mx.example.net with ESMTP id 1; date",
      "from 192.0.2.9 (EHLO y) by mx.example.net (Merak 8.0.3) with ESMTP id 1; date",
      "from x ([192.0.2.9]) by mx.example.net id 1; date", "from x ([192.0.2.9]) by mx.example.net; date");
  CAPTURE(line);
  CHECK_FALSE(parse_received(line).has_value());
}

TEST_CASE("a HELO that a stranger may choose isn't a hand-over", "[received]") {
  const std::string line =
      GENERATE("from spooler by mx.example.net with ESMTP id 1; date",
               "from spooler by mx.example.net (envelope-from <(Mercury/32 v4)@x>) with ESMTP id 1; date",
               "from 10.0.0.5 by mx.example.net with HTTP; date",
               "from 192.0.2.9 by sonic301.consmr.mail.bf2.yahoo.com with HTTP; date",
               "from mx.example.com by sonic301.consmr.mail.bf2.yahoo.com with HTTP; date");
  CAPTURE(line);
  const auto hop = parse_received(line);
  CHECK((!hop || (!hop->local_handover && !hop->client)));
}

TEST_CASE("Yahoo's placeholder for an unknown name isn't the client", "[received]") {
  CHECK_FALSE(parse_received("from 127.0.0.1 (EHLO x) by mta1.mail.yahoo.com with SMTP; date").has_value());
  CHECK_FALSE(parse_received("from 127.0.0.1 (EHLO x) (192.0.2.9) by mx.example.net with SMTP; date").has_value());
}

TEST_CASE("a name that looks like another address is a doubt", "[received]") {
  // Of qmail it is a name in DNS; of Yahoo the client, and `(192.0.2.9)` a part of the HELO.
  CHECK_FALSE(parse_received("from 198.51.100.7 (EHLO x) (192.0.2.9) by mx.example.net with SMTP; date").has_value());
  CHECK(parse_received("from 192.0.2.9 (EHLO x) (192.0.2.9) by mx.example.net with SMTP; date").has_value());
}

TEST_CASE("two different addresses where InterMail repeats one are a doubt", "[received]") {
  CHECK_FALSE(
      parse_received("from x ([192.0.2.9] [198.51.100.7]) by mx.example.net with ESMTP id 1; date").has_value());
}

TEST_CASE("an address literal before an address in parentheses has two readings", "[received]") {
  CHECK_FALSE(parse_received("from [192.0.2.9] (198.51.100.7) by mx.example.net with SMTP; date").has_value());
}

}  // namespace
}  // namespace blowback::mail
