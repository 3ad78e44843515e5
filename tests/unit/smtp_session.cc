// Sessions by RFC 5321 and its extensions: what is accepted, refused, and delivered.
#include "catch.h"
#include "smtp_fixture.h"

using namespace blowback;
using namespace blowback::test;
using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("a bounce to a trap is accepted, and gets 250 once it is stored", "[smtp]") {
  Talk talk;
  CHECK(talk.greeting == "220 mx.example.net ESMTP\r\n");
  CHECK_THAT(talk.say("EHLO mail.example.com"), Contains("250-PIPELINING\r\n") && Contains("250-SIZE 10000\r\n") &&
                                                    Contains("250-STARTTLS\r\n") && Contains("250-8BITMIME\r\n") &&
                                                    Contains("250-SMTPUTF8\r\n") && Contains("250 CHUNKING\r\n") &&
                                                    Contains("250-ENHANCEDSTATUSCODES\r\n") && !Contains("XCLIENT"));
  CHECK(talk.say("MAIL FROM:<> SIZE=500") == "250 2.1.0 Ok\r\n");
  CHECK(talk.say("RCPT TO:<a@trap.example.net>") == "250 2.1.5 Ok\r\n");
  CHECK_THAT(talk.say("DATA"), StartsWith("354 "));
  CHECK(talk.send("Subject: x\r\n\r\n..dot\r\n.\r\n").empty());
  REQUIRE(talk.waits_for_storage());
  CHECK(talk.store() == "250 2.0.0 Ok\r\n");
  const auto& delivery = talk.stored.at(0);
  CHECK(delivery.event == TrapDelivery::Event::message);
  CHECK(delivery.client == IpAddress::parse("192.0.2.1").value());
  CHECK(delivery.helo == "mail.example.com");
  CHECK(delivery.mail_from == "");
  CHECK(delivery.rcpt_to == std::vector<std::string>{"a@trap.example.net"});
  CHECK(delivery.message == "Subject: x\r\n\r\n.dot\r\n");
  CHECK_THAT(talk.say("QUIT"), StartsWith("221 2.0.0 "));
  CHECK(talk.closes());
  CHECK(talk.callouts().empty());
}

TEST_CASE("a message that can't be stored gets 451", "[smtp]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\nx\r\n.\r\n");
  REQUIRE(talk.waits_for_storage());
  static_cast<void>(talk.session.take_message());
  talk.session.report_storage(false, kSmtpNow);
  CHECK_THAT(talk.session.take_output(), StartsWith("451 4.3.0 "));
  CHECK(talk.say("NOOP") == "250 2.0.0 Ok\r\n");
}

TEST_CASE("only traps are accepted as recipients", "[smtp]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\n");
  CHECK(talk.say("RCPT TO:<someone@example.org>") == "550 5.1.1 No such user here\r\n");
  CHECK_THAT(talk.say("DATA"), StartsWith("554 5.5.1 "));
  CHECK_THAT(talk.say("RCPT TO:<a@sub.trap.example.net>"), StartsWith("550 "));
  CHECK(talk.say("RCPT TO:<B@TRAP.example.net>") == "250 2.1.5 Ok\r\n");
}

TEST_CASE("with hide_traps every recipient gets the same replies", "[smtp]") {
  auto settings = Talk::settings();
  settings.hide_traps = true;
  Talk talk(settings);
  talk.send("EHLO a\r\nMAIL FROM:<>\r\n");
  const auto of_trap = talk.say("RCPT TO:<a@trap.example.net>");
  CHECK(talk.say("RCPT TO:<someone@example.org>") == of_trap);
  CHECK(talk.say("VRFY a@trap.example.net") == talk.say("VRFY someone@example.org"));
  SECTION("and what is for no trap at all is accepted, too") {
    talk.send("RSET\r\nMAIL FROM:<>\r\nRCPT TO:<someone@example.org>\r\n");
    CHECK_THAT(talk.say("DATA"), StartsWith("354 "));
    talk.send("x\r\n.\r\n");
    CHECK(talk.store() == "250 2.0.0 Ok\r\n");
    CHECK(talk.stored.at(0).rcpt_to == std::vector<std::string>{"someone@example.org"});
  }
  SECTION("and a callout names the trap alone") {
    talk.say("QUIT");
    const auto callouts = talk.callouts();
    REQUIRE(callouts.size() == 1);
    CHECK(callouts[0].rcpt_to == std::vector<std::string>{"a@trap.example.net"});
  }
}

TEST_CASE("a client that names a trap with a null reverse-path and leaves by itself has made a callout",
          "[smtp][callout]") {
  Talk talk;
  talk.send("EHLO checker.example.com\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\n");
  SECTION("by QUIT") { talk.say("QUIT"); }
  SECTION("by QUIT, with more behind it") { talk.send("QUIT\r\nNOOP\r\n"); }
  SECTION("by RSET") { talk.say("RSET"); }
  SECTION("by another EHLO") { talk.say("EHLO checker.example.com"); }
  SECTION("by hanging up") { talk.hang_up(); }
  const auto callouts = talk.callouts();
  REQUIRE(callouts.size() == 1);
  CHECK(callouts[0].event == TrapDelivery::Event::callout);
  CHECK(callouts[0].time_is_told);
  CHECK(callouts[0].received_at == kSmtpNow);
  CHECK(callouts[0].client == IpAddress::parse("192.0.2.1").value());
  CHECK(callouts[0].helo == "checker.example.com");
  CHECK(callouts[0].rcpt_to == std::vector<std::string>{"a@trap.example.net"});
  talk.hang_up();
  CHECK(talk.callouts().empty());
}

TEST_CASE("a client that leaves after a refusal or because of us has made no callout", "[smtp][callout]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\n");
  SECTION("the listener ended the session") {
    const std::string reply =
        GENERATE("421 4.4.2 Timeout", "421 4.3.2 Too many connections", "421 4.3.2 Closing; try again later", "");
    CAPTURE(reply);
    talk.session.end(reply, smtp::Session::EndedBy::us, kSmtpNow);
  }
  SECTION("a wrong line end") { CHECK_THAT(talk.send("NOOP\n"), StartsWith("521 ")); }
  SECTION("a line too long") { CHECK_THAT(talk.send(std::string(5000, 'x')), StartsWith("500 ")); }
  SECTION("an HTTP request") { CHECK_THAT(talk.say("GET / HTTP/1.1"), StartsWith("521 ")); }
  SECTION("an invalid size") { CHECK_THAT(talk.say("BDAT x"), StartsWith("501 ")); }
  SECTION("too many errors") {
    for (int i = 0; i < 100; ++i) talk.say("HUH");
    CHECK(talk.closes());
  }
  SECTION("a recipient refused") {
    CHECK_THAT(talk.say("RCPT TO:<someone@example.org>"), StartsWith("550 "));
    talk.say("RSET");
  }
  SECTION("a recipient too many") {
    for (int i = 0; i < 1000; ++i) talk.say("RCPT TO:<a@trap.example.net>");
    talk.say("QUIT");
  }
  SECTION("any command refused in between") {
    const std::string command = GENERATE("HUH", "EHLO", "MAIL FROM:<>", "STARTTLS", "EXPN x", "RCPT TO:<");
    CAPTURE(command);
    CHECK_THAT(talk.say(command), StartsWith("5"));
    talk.say("QUIT");
  }
  SECTION("an incomplete command") { talk.send("DAT"); }
  talk.hang_up();
  CHECK(talk.callouts().empty());
}

TEST_CASE("a refusal in one transaction doesn't affect the next", "[smtp][callout]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<someone@example.org>\r\nRSET\r\n");
  CHECK(talk.callouts().empty());
  talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRSET\r\n");
  CHECK(talk.callouts().size() == 1);
}

TEST_CASE("a callout has one recipient for each witness", "[smtp][callout]") {
  Talk talk;
  talk.send(
      "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRCPT TO:<b@trap.example.net>\r\n"
      "RCPT TO:<Old.User@example.com>\r\nRCPT TO:<old.user@example.com>\r\nRCPT TO:<other@example.com>\r\nRSET\r\n");
  const auto callouts = talk.callouts();
  REQUIRE(callouts.size() == 1);
  CHECK(callouts[0].rcpt_to ==
        std::vector<std::string>{"a@trap.example.net", "Old.User@example.com", "other@example.com"});
}

TEST_CASE("Postfix's probes with its double-bounce address are sender callouts, too", "[smtp]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<double-bounce@mail.example.com>\r\nRCPT TO:<a@trap.example.net>\r\nQUIT\r\n");
  REQUIRE(talk.callouts().size() == 1);
}

TEST_CASE("a whole session in one write is answered command by command", "[smtp]") {
  Talk talk;
  const auto replies = talk.send(
      "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRCPT TO:<no@example.org>\r\nDATA\r\nhello\r\n.\r\n"
      "MAIL FROM:<>\r\nRCPT TO:<b@trap.example.net>\r\nQUIT\r\n");
  CHECK_THAT(replies, Contains("250 2.1.5 Ok\r\n550 5.1.1 No such user here\r\n354 "));
  REQUIRE(talk.waits_for_storage());
  const auto after = talk.store();
  CHECK_THAT(after, StartsWith("250 2.0.0 Ok\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n221 "));
  CHECK(talk.callouts().size() == 1);
}

TEST_CASE("commands may arrive octet by octet", "[smtp]") {
  Talk talk;
  std::string replies;
  for (const char c :
       std::string_view("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\nx\r\n.\r\n")) {
    replies += talk.send(std::string_view(&c, 1));
  }
  CHECK_THAT(replies, Contains("354 "));
  REQUIRE(talk.waits_for_storage());
  talk.store();
  CHECK(talk.stored.at(0).message == "x\r\n");
}

TEST_CASE("chunks are joined to a message, with dots and line ends unchanged", "[smtp]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\n");
  CHECK(talk.send("BDAT 7\r\n.\r\n.\r\nx") == "250 2.0.0 7 octets\r\n");
  CHECK(talk.send("BDAT 3 LAST\r\na\nb").empty());
  REQUIRE(talk.waits_for_storage());
  CHECK(talk.store() == "250 2.0.0 Ok\r\n");
  CHECK(talk.stored.at(0).message == ".\r\n.\r\nxa\nb");
  SECTION("an empty last chunk ends it") {
    talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nBDAT 2\r\nhi");
    talk.send("BDAT 0 LAST\r\n");
    REQUIRE(talk.waits_for_storage());
    talk.store();
    CHECK(talk.stored.at(1).message == "hi");
  }
  SECTION("a refused chunk is skipped") {
    CHECK_THAT(talk.send("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), StartsWith("503 ") && Contains("250 2.0.0 Ok"));
    CHECK_FALSE(talk.closes());
  }
  SECTION("DATA and BDAT don't mix") {
    talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nBDAT 2\r\nhi");
    CHECK_THAT(talk.say("DATA"), StartsWith("503 5.5.1 "));
    CHECK_THAT(talk.say("RCPT TO:<b@trap.example.net>"), StartsWith("503 5.5.1 "));
  }
  SECTION("an invalid size ends the session, since the chunk can't be distinguished from commands") {
    CHECK_THAT(talk.say("BDAT x"), StartsWith("501 5.5.4 "));
    CHECK(talk.closes());
  }
}

TEST_CASE("a message that is too large is refused and not kept in memory", "[smtp]") {
  Talk talk;
  CHECK(talk.send("EHLO a\r\nMAIL FROM:<> SIZE=10001\r\n").ends_with("552 5.3.4 Message larger than 10000 octets\r\n"));
  talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\n");
  for (int i = 0; i < 20; ++i) talk.send(std::string(998, 'x') + "\r\n");
  CHECK(talk.budget.used == 0);
  CHECK(talk.send(".\r\n") == "552 5.3.4 Message larger than 10000 octets\r\n");
  CHECK_FALSE(talk.waits_for_storage());
  CHECK(talk.callouts().empty());
  CHECK(talk.say("MAIL FROM:<>") == "250 2.1.0 Ok\r\n");
}

TEST_CASE("the octets of all sessions are bounded together", "[smtp]") {
  Talk talk;
  talk.budget.most = 3000;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\n");
  CHECK_THAT(talk.send(std::string(4000, 'x') + "\r\n.\r\n"), StartsWith("452 4.3.1 "));
  CHECK(talk.budget.used == 0);
}

TEST_CASE("a line end other than CR LF ends the session", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK_THAT(talk.send("NOOP\nNOOP\r\n"), StartsWith("521 5.5.2 "));
  CHECK(talk.closes());
}

TEST_CASE("the length of a line is bounded", "[smtp]") {
  Talk talk;
  CHECK(talk.send(std::string(5000, 'x')) == "500 5.5.2 Line too long\r\n");
  CHECK(talk.closes());
}

TEST_CASE("NUL and CR within a command are refused", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK_THAT(talk.send(std::string_view("MAIL FROM:<>\0\r\n", 15)), StartsWith("500 5.5.2 "));
  CHECK_THAT(talk.send("NOOP\rRSET\r\n"), StartsWith("500 5.5.2 "));
  CHECK_THAT(talk.send("NOOP\r\r\n"), StartsWith("500 5.5.2 "));
}

TEST_CASE("input before STARTTLS, and behind it, is discarded", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK_THAT(talk.send("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n"), StartsWith("220 2.0.0 "));
  REQUIRE(talk.session.wants() == smtp::Session::Wants::handshake);
  talk.session.secured();
  CHECK_THAT(talk.say("MAIL FROM:<>"), StartsWith("503 5.5.1 "));
  CHECK_THAT(talk.say("EHLO a"), !Contains("STARTTLS"));
  CHECK_THAT(talk.say("STARTTLS"), StartsWith("503 5.5.1 "));
}

TEST_CASE("a trusted relay names its client", "[smtp][client]") {
  Talk talk(Talk::settings(), Talk::relay());
  CHECK_THAT(talk.say("EHLO relay"), Contains("250-XCLIENT ") && Contains("250-XFORWARD "));
  SECTION("by XCLIENT, after which the session starts again") {
    CHECK(talk.say("XCLIENT ADDR=203.0.113.9 HELO=mail.example.com") == "220 mx.example.net ESMTP\r\n");
    talk.send("EHLO relay\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nQUIT\r\n");
    const auto callouts = talk.callouts();
    REQUIRE(callouts.size() == 1);
    CHECK(callouts[0].client == IpAddress::parse("203.0.113.9").value());
    CHECK(callouts[0].helo == "mail.example.com");
  }
  SECTION("by XFORWARD, also IPv6 and xtext, in several commands") {
    CHECK(talk.say("XFORWARD NAME=[UNAVAILABLE] ADDR=IPv6:2001:db8::9") == "501 5.5.4 ADDR is not an IP address\r\n");
    CHECK(talk.say("XFORWARD ADDR=IPV6:2001:db8::9") == "250 2.0.0 Ok\r\n");
    CHECK(talk.say("XFORWARD HELO=a+2Db") == "250 2.0.0 Ok\r\n");
    const auto delivery = talk.deliver();
    CHECK(delivery.client == IpAddress::parse("2001:db8::9").value());
    CHECK(delivery.helo == "a-b");
  }
  SECTION("without a name, its own transaction is no callout, and its HELO not the client's") {
    talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRSET\r\n");
    CHECK(talk.callouts().empty());
    const auto delivery = talk.deliver();
    CHECK(delivery.client == Talk::relay().address);
    CHECK(delivery.helo.empty());
  }
  SECTION("as unavailable: the client isn't known") {
    talk.say("XFORWARD ADDR=[UNAVAILABLE] HELO=a");
    CHECK_FALSE(talk.deliver().client.has_value());
  }
  SECTION("an invalid name is ignored") {
    talk.say("XFORWARD ADDR=203.0.113.9 HELO=a+0Ab");
    const auto delivery = talk.deliver();
    CHECK(delivery.client == IpAddress::parse("203.0.113.9").value());
    CHECK(delivery.helo.empty());
  }
}

TEST_CASE("a client that isn't a trusted relay can't send XCLIENT or XFORWARD", "[smtp][client]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK(talk.say("XCLIENT ADDR=203.0.113.9") == "550 5.7.0 Only trusted relays may send this\r\n");
  CHECK(talk.say("XFORWARD ADDR=203.0.113.9") == "550 5.7.0 Only trusted relays may send this\r\n");
  CHECK(talk.deliver().client == Talk::stranger().address);
}

TEST_CASE("XFORWARD applies to one transaction", "[smtp][client]") {
  Talk talk(Talk::settings(), Talk::relay());
  talk.say("EHLO relay");
  SECTION("after a message") {
    talk.say("XFORWARD ADDR=203.0.113.9 HELO=mail.example.com");
    CHECK(talk.deliver().client == IpAddress::parse("203.0.113.9").value());
  }
  SECTION("after a message that couldn't be stored") {
    talk.say("XFORWARD ADDR=203.0.113.9");
    talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\nx\r\n.\r\n");
    static_cast<void>(talk.session.take_message());
    talk.session.report_storage(false, kSmtpNow);
    static_cast<void>(talk.session.take_output());
  }
  SECTION("after one that was too large") {
    talk.send("XFORWARD ADDR=203.0.113.9\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\n");
    CHECK_THAT(talk.send(std::string(20'000, 'x') + "\r\n.\r\n"), StartsWith("552 "));
  }
  SECTION("after RSET") { talk.send("XFORWARD ADDR=203.0.113.9\r\nRSET\r\n"); }
  SECTION("after RSET within the transaction") {
    talk.send("XFORWARD ADDR=203.0.113.9\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRSET\r\n");
    CHECK(talk.callouts().at(0).client == IpAddress::parse("203.0.113.9").value());
  }
  SECTION("after EHLO") { talk.send("XFORWARD ADDR=203.0.113.9\r\nEHLO relay\r\n"); }
  SECTION("after a MAIL that was refused") { talk.send("XFORWARD ADDR=203.0.113.9\r\nMAIL FROM:<> SIZE=10001\r\n"); }
  SECTION("after an XFORWARD that was refused") {
    talk.send("XFORWARD ADDR=203.0.113.9\r\nXFORWARD ADDR=nonsense\r\n");
  }
  const auto next = talk.deliver();
  CHECK(next.client == Talk::relay().address);
  CHECK(next.helo.empty());
}

TEST_CASE("XFORWARD takes precedence over XCLIENT, for one transaction", "[smtp][client]") {
  Talk talk(Talk::settings(), Talk::relay());
  talk.send("EHLO relay\r\nXCLIENT ADDR=203.0.113.1 HELO=one\r\nEHLO relay\r\n");
  CHECK(talk.deliver().client == IpAddress::parse("203.0.113.1").value());
  talk.say("XFORWARD ADDR=203.0.113.2 HELO=two");
  CHECK(talk.deliver().client == IpAddress::parse("203.0.113.2").value());
  const auto last = talk.deliver();
  CHECK(last.client == IpAddress::parse("203.0.113.1").value());
  CHECK(last.helo == "one");
}

TEST_CASE("a client whose PROXY header has no address delivers nothing", "[smtp][client]") {
  Talk talk(Talk::settings(), {.anonymous = true});
  CHECK_THAT(talk.say("EHLO a"), !Contains("XCLIENT"));
  CHECK_THAT(talk.say("MAIL FROM:<>"), StartsWith("451 4.7.0 "));
  CHECK_THAT(talk.say("RCPT TO:<a@trap.example.net>"), StartsWith("503 "));
  CHECK_THAT(talk.say("QUIT"), StartsWith("221 "));
}

TEST_CASE("LMTP has a reply per recipient", "[smtp]") {
  auto settings = Talk::settings();
  settings.protocol = smtp::Protocol::lmtp;
  Talk talk(settings);
  CHECK(talk.greeting == "220 mx.example.net LMTP\r\n");
  CHECK_THAT(talk.say("EHLO a"), StartsWith("500 5.5.1 "));
  CHECK_THAT(talk.say("LHLO a"), StartsWith("250-mx.example.net\r\n"));
  talk.send(
      "MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRCPT TO:<b@trap.example.net>\r\nRCPT TO:<no@example.org>\r\n");
  talk.send("DATA\r\nx\r\n.\r\n");
  CHECK(talk.store() == "250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n");
}

TEST_CASE("the memory for recipients is bounded", "[smtp]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\n");
  std::string last;
  for (int i = 0; i < 100'000; ++i) last = talk.say("RCPT TO:<t" + std::to_string(i) + "@trap.example.net>");
  CHECK(last == "452 4.5.3 Too many recipients\r\n");
  CHECK_FALSE(talk.closes());
  talk.send("RSET\r\nMAIL FROM:<>\r\n");
  for (int i = 0; i < 1000; ++i) talk.say("RCPT TO:<t" + std::to_string(i) + "@example.com>");
  talk.say("QUIT");
  CHECK(talk.callouts().at(0).rcpt_to.size() == feed::CalloutGate::kMostOfSender);
}

TEST_CASE("a session ends after a hundred errors", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  int said = 0;
  while (!talk.closes() && said < 1000) {
    talk.say("HUH");
    ++said;
  }
  CHECK(said == 100);
}

TEST_CASE("an HTTP request ends the session", "[smtp]") {
  Talk talk;
  CHECK_THAT(talk.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<>\r\n"), StartsWith("521 5.7.0 "));
  CHECK(talk.closes());
}

TEST_CASE("commands in the wrong order are refused", "[smtp]") {
  Talk talk;
  CHECK_THAT(talk.say("MAIL FROM:<>"), StartsWith("503 5.5.1 "));
  CHECK_THAT(talk.say("EHLO"), StartsWith("501 5.5.4 "));
  talk.say("HELO a");
  CHECK_THAT(talk.say("RCPT TO:<a@trap.example.net>"), StartsWith("503 5.5.1 "));
  CHECK_THAT(talk.say("DATA"), StartsWith("503 5.5.1 "));
  talk.say("MAIL FROM:<>");
  CHECK_THAT(talk.say("MAIL FROM:<>"), StartsWith("503 5.5.1 "));
}

namespace {

smtp::SessionSettings with_removal() {
  auto settings = Talk::settings();
  settings.removal_mail = "delist@bl.example.org";
  return settings;
}

bool waits_for_answer(const Talk& talk) { return talk.session.wants() == smtp::Session::Wants::answer; }

constexpr std::string_view kAsk = "MAIL FROM:<me@example.com>\r\nRCPT TO:<Delist@BL.example.org>\r\n";

}  // namespace

TEST_CASE("a host asks for its removal by a message, and gets the answer as its reply", "[smtp][removal]") {
  Talk talk(with_removal());
  talk.say("EHLO mail.example.com");
  CHECK(talk.send(kAsk) == "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n");
  talk.say("DATA");
  CHECK(talk.send("Subject: delist\r\n\r\nplease\r\n.\r\nNOOP\r\n").empty());
  REQUIRE(waits_for_answer(talk));
  const auto removal = talk.session.take_removal();
  CHECK(removal.client == *IpAddress::parse("192.0.2.1"));
  CHECK(removal.header.starts_with("Subject: delist\r\n"));
  CHECK(removal.at == kSmtpNow);
  CHECK(talk.budget.used == 0);
  talk.session.answer("250 2.0.0 soon", kSmtpNow);
  CHECK(talk.session.take_output() == "250 2.0.0 soon\r\n250 2.0.0 Ok\r\n");
  CHECK(talk.callouts().empty());
  // The next transaction is an ordinary one.
  CHECK(talk.deliver().rcpt_to == std::vector<std::string>{"a@trap.example.net"});
}

TEST_CASE("the beginning of a large request is kept, and one beyond the limit refused", "[smtp][removal]") {
  auto settings = with_removal();
  settings.message_octets = 100'000;
  Talk talk(settings);
  talk.say("EHLO mail.example.com");
  talk.send(kAsk);
  talk.say("DATA");
  talk.send(std::string(50'000, 'x') + "\r\n.\r\n");
  REQUIRE(waits_for_answer(talk));
  CHECK(talk.session.take_removal().header.size() == smtp::RemovalRequested::kHeaderOctets);
  talk.session.answer("550 5.7.1 no", kSmtpNow);
  CHECK(talk.session.take_output() == "550 5.7.1 no\r\n");
  talk.send(kAsk);
  talk.say("DATA");
  CHECK_THAT(talk.send(std::string(200'000, 'x') + "\r\n.\r\n"), StartsWith("552 "));
}

TEST_CASE("a bounce is no request for removal", "[smtp][removal]") {
  const auto sender = GENERATE("", "double-bounce@example.com");
  Talk talk(with_removal());
  talk.say("EHLO mail.example.com");
  talk.say("MAIL FROM:<" + std::string(sender) + ">");
  CHECK_THAT(talk.say("RCPT TO:<delist@bl.example.org>"), StartsWith("550 5.7.1 "));
  CHECK_THAT(talk.say("DATA"), StartsWith("554 "));
  talk.say("QUIT");
  CHECK(talk.callouts().empty());
}

TEST_CASE("nobody can ask for another: not a relay, not by XCLIENT or XFORWARD, not by LMTP", "[smtp][removal]") {
  auto settings = with_removal();
  const auto way = GENERATE(0, 1, 2, 3);
  CAPTURE(way);
  if (way == 3) settings.protocol = smtp::Protocol::lmtp;
  Talk talk(settings, way == 3 ? Talk::stranger() : Talk::relay());
  talk.say(way == 3 ? "LHLO x" : "EHLO x");
  if (way == 1) {
    talk.say("XCLIENT ADDR=192.0.2.99");
    talk.say("EHLO x");
  }
  if (way == 2) talk.say("XFORWARD ADDR=192.0.2.99");
  CHECK_THAT(talk.say("MAIL FROM:<me@example.com>"), StartsWith("250 "));
  CHECK_THAT(talk.say("RCPT TO:<delist@bl.example.org>"), StartsWith("550 5.7.1 "));
  // What came by a unix socket has no address at all.
  Talk local(with_removal(), {.address = std::nullopt, .trusted = true});
  local.say("EHLO x");
  local.say("MAIL FROM:<me@example.com>");
  CHECK_THAT(local.say("RCPT TO:<delist@bl.example.org>"), StartsWith("550 5.7.1 "));
}

TEST_CASE("a request for removal has no other recipient, and the reply doesn't tell traps", "[smtp][removal]") {
  Talk talk(with_removal());
  talk.say("EHLO mail.example.com");
  talk.send(kAsk);
  const auto trap = talk.say("RCPT TO:<a@trap.example.net>");
  CHECK_THAT(trap, StartsWith("452 4.5.3 "));
  CHECK(talk.say("RCPT TO:<nobody@example.org>") == trap);
  talk.say("RSET");
  talk.say("MAIL FROM:<me@example.com>");
  CHECK_THAT(talk.say("RCPT TO:<a@trap.example.net>"), StartsWith("250 "));
  CHECK(talk.say("RCPT TO:<delist@bl.example.org>") == trap);
  talk.say("DATA");
  talk.send("Subject: delist\r\n\r\n.\r\n");
  // It was sent to the trap only.
  REQUIRE(talk.waits_for_storage());
  talk.store();
  CHECK(talk.stored.back().rcpt_to == std::vector<std::string>{"a@trap.example.net"});
}

TEST_CASE("without removal.mail, or with hide_traps, nobody learns more than before", "[smtp][removal]") {
  Talk talk;
  talk.say("EHLO mail.example.com");
  talk.say("MAIL FROM:<me@example.com>");
  CHECK_THAT(talk.say("RCPT TO:<delist@bl.example.org>"), StartsWith("550 5.1.1 "));
  auto hidden = with_removal();
  hidden.hide_traps = true;
  Talk other(hidden);
  other.say("EHLO mail.example.com");
  other.send(kAsk);
  other.say("DATA");
  other.send("Subject: delist\r\n\r\n.\r\n");
  CHECK(waits_for_answer(other));
}

TEST_CASE("a request by BDAT is one, too", "[smtp][removal]") {
  Talk talk(with_removal());
  talk.say("EHLO mail.example.com");
  talk.send(kAsk);
  talk.send("BDAT 19 LAST\r\nSubject: delist\r\n\r\n");
  REQUIRE(waits_for_answer(talk));
  CHECK(talk.session.take_removal().header == "Subject: delist\r\n\r\n");
}
