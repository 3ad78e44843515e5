// The dialogue by RFC 5321 and its extensions: what is accepted, what is refused, and what is recorded.
#include "catch.h"
#include "smtp_fixture.h"

using namespace blowback;
using namespace blowback::test;
using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("a bounce to a trap is accepted, and answered for once it is stored", "[smtp]") {
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

TEST_CASE("what can't be stored is refused for the time being", "[smtp]") {
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

TEST_CASE("where traps are hidden every recipient gets the same answers", "[smtp]") {
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

TEST_CASE("a client that names a trap for a null reverse-path and leaves by itself is a caller out",
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

TEST_CASE("who leaves after something that we did or said is no caller out", "[smtp][callout]") {
  Talk talk;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\n");
  SECTION("sent away") {
    const std::string reply =
        GENERATE("421 4.4.2 Timeout", "421 4.3.2 Too many connections", "421 4.3.2 Closing; try again later", "");
    CAPTURE(reply);
    talk.session.end(reply, smtp::Session::EndedBy::us, kSmtpNow);
  }
  SECTION("a wrong line end") { CHECK_THAT(talk.send("NOOP\n"), StartsWith("521 ")); }
  SECTION("a line too long") { CHECK_THAT(talk.send(std::string(5000, 'x')), StartsWith("500 ")); }
  SECTION("a web browser's words") { CHECK_THAT(talk.say("GET / HTTP/1.1"), StartsWith("521 ")); }
  SECTION("a size that is none") { CHECK_THAT(talk.say("BDAT x"), StartsWith("501 ")); }
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
  SECTION("and nobody knows what half a command was to be") { talk.send("DAT"); }
  talk.hang_up();
  CHECK(talk.callouts().empty());
}

TEST_CASE("what was refused in one transaction is nothing to the next", "[smtp][callout]") {
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

TEST_CASE("a command's octets may come one by one", "[smtp]") {
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

TEST_CASE("chunks make a message, dots and line ends as they are", "[smtp]") {
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
  SECTION("a chunk that nobody wants is read past") {
    CHECK_THAT(talk.send("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), StartsWith("503 ") && Contains("250 2.0.0 Ok"));
    CHECK_FALSE(talk.closes());
  }
  SECTION("DATA and BDAT don't mix") {
    talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nBDAT 2\r\nhi");
    CHECK_THAT(talk.say("DATA"), StartsWith("503 5.5.1 "));
    CHECK_THAT(talk.say("RCPT TO:<b@trap.example.net>"), StartsWith("503 5.5.1 "));
  }
  SECTION("a size that is none ends the session, since what follows can't be told from commands") {
    CHECK_THAT(talk.say("BDAT x"), StartsWith("501 5.5.4 "));
    CHECK(talk.closes());
  }
}

TEST_CASE("too large a message is refused and not held", "[smtp]") {
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

TEST_CASE("what all sessions hold together is bounded", "[smtp]") {
  Talk talk;
  talk.budget.most = 3000;
  talk.send("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\n");
  CHECK_THAT(talk.send(std::string(4000, 'x') + "\r\n.\r\n"), StartsWith("452 4.3.1 "));
  CHECK(talk.budget.used == 0);
}

TEST_CASE("a line that ends otherwise than by CR LF ends the session", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK_THAT(talk.send("NOOP\nNOOP\r\n"), StartsWith("521 5.5.2 "));
  CHECK(talk.closes());
}

TEST_CASE("a line without end is bounded", "[smtp]") {
  Talk talk;
  CHECK(talk.send(std::string(5000, 'x')) == "500 5.5.2 Line too long\r\n");
  CHECK(talk.closes());
}

TEST_CASE("NUL and CR within a command are refused", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK_THAT(talk.send(std::string_view("MAIL FROM:<>\0\r\n", 15)), StartsWith("500 5.5.2 "));
  CHECK_THAT(talk.send("NOOP\rRSET\r\n"), StartsWith("500 5.5.2 "));
}

TEST_CASE("what was said before STARTTLS and behind it counts for nothing", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK_THAT(talk.send("STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n"), StartsWith("220 2.0.0 "));
  REQUIRE(talk.session.wants() == smtp::Session::Wants::handshake);
  talk.session.secured();
  CHECK_THAT(talk.say("MAIL FROM:<>"), StartsWith("503 5.5.1 "));
  CHECK_THAT(talk.say("EHLO a"), !Contains("STARTTLS"));
  CHECK_THAT(talk.say("STARTTLS"), StartsWith("503 5.5.1 "));
}

TEST_CASE("a relay that we trust says for whom it speaks", "[smtp][client]") {
  Talk talk(Talk::settings(), Talk::relay());
  CHECK_THAT(talk.say("EHLO relay"), Contains("250-XCLIENT ") && Contains("250-XFORWARD "));
  SECTION("by XCLIENT, after which the session begins anew") {
    CHECK(talk.say("XCLIENT ADDR=203.0.113.9 HELO=mail.example.com") == "220 mx.example.net ESMTP\r\n");
    talk.send("EHLO relay\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nQUIT\r\n");
    const auto callouts = talk.callouts();
    REQUIRE(callouts.size() == 1);
    CHECK(callouts[0].client == IpAddress::parse("203.0.113.9").value());
    CHECK(callouts[0].helo == "mail.example.com");
  }
  SECTION("by XFORWARD, IPv6 and xtext too, in several commands") {
    CHECK(talk.say("XFORWARD NAME=[UNAVAILABLE] ADDR=IPv6:2001:db8::9") == "501 5.5.4 ADDR is not an IP address\r\n");
    CHECK(talk.say("XFORWARD ADDR=IPV6:2001:db8::9") == "250 2.0.0 Ok\r\n");
    CHECK(talk.say("XFORWARD HELO=a+2Db") == "250 2.0.0 Ok\r\n");
    const auto delivery = talk.deliver();
    CHECK(delivery.client == IpAddress::parse("2001:db8::9").value());
    CHECK(delivery.helo == "a-b");
  }
  SECTION("and where it doesn't, its own connection is no callout, and its name not the client's") {
    talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRSET\r\n");
    CHECK(talk.callouts().empty());
    const auto delivery = talk.deliver();
    CHECK(delivery.client == Talk::relay().address);
    CHECK(delivery.helo.empty());
  }
  SECTION("or that it doesn't know, and then nobody is named") {
    talk.say("XFORWARD ADDR=[UNAVAILABLE] HELO=a");
    CHECK_FALSE(talk.deliver().client.has_value());
  }
  SECTION("a name that is none is no name") {
    talk.say("XFORWARD ADDR=203.0.113.9 HELO=a+0Ab");
    const auto delivery = talk.deliver();
    CHECK(delivery.client == IpAddress::parse("203.0.113.9").value());
    CHECK(delivery.helo.empty());
  }
}

TEST_CASE("a stranger can't say for whom he speaks", "[smtp][client]") {
  Talk talk;
  talk.say("EHLO a");
  CHECK(talk.say("XCLIENT ADDR=203.0.113.9") == "550 5.7.0 Only trusted relays may send this\r\n");
  CHECK(talk.say("XFORWARD ADDR=203.0.113.9") == "550 5.7.0 Only trusted relays may send this\r\n");
  CHECK(talk.deliver().client == Talk::stranger().address);
}

TEST_CASE("what XFORWARD said holds for one transaction and no longer", "[smtp][client]") {
  Talk talk(Talk::settings(), Talk::relay());
  talk.say("EHLO relay");
  SECTION("behind a message") {
    talk.say("XFORWARD ADDR=203.0.113.9 HELO=mail.example.com");
    CHECK(talk.deliver().client == IpAddress::parse("203.0.113.9").value());
  }
  SECTION("behind a message that couldn't be stored") {
    talk.say("XFORWARD ADDR=203.0.113.9");
    talk.send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\nx\r\n.\r\n");
    static_cast<void>(talk.session.take_message());
    talk.session.report_storage(false, kSmtpNow);
    static_cast<void>(talk.session.take_output());
  }
  SECTION("behind one that was too large") {
    talk.send("XFORWARD ADDR=203.0.113.9\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\n");
    CHECK_THAT(talk.send(std::string(20'000, 'x') + "\r\n.\r\n"), StartsWith("552 "));
  }
  SECTION("behind RSET") { talk.send("XFORWARD ADDR=203.0.113.9\r\nRSET\r\n"); }
  SECTION("behind RSET within the transaction") {
    talk.send("XFORWARD ADDR=203.0.113.9\r\nMAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nRSET\r\n");
    CHECK(talk.callouts().at(0).client == IpAddress::parse("203.0.113.9").value());
  }
  SECTION("behind EHLO") { talk.send("XFORWARD ADDR=203.0.113.9\r\nEHLO relay\r\n"); }
  SECTION("behind a MAIL that was refused") { talk.send("XFORWARD ADDR=203.0.113.9\r\nMAIL FROM:<> SIZE=10001\r\n"); }
  SECTION("behind an XFORWARD that was refused") {
    talk.send("XFORWARD ADDR=203.0.113.9\r\nXFORWARD ADDR=nonsense\r\n");
  }
  const auto next = talk.deliver();
  CHECK(next.client == Talk::relay().address);
  CHECK(next.helo.empty());
}

TEST_CASE("XFORWARD goes before XCLIENT, for its transaction; XCLIENT stays", "[smtp][client]") {
  Talk talk(Talk::settings(), Talk::relay());
  talk.send("EHLO relay\r\nXCLIENT ADDR=203.0.113.1 HELO=one\r\nEHLO relay\r\n");
  CHECK(talk.deliver().client == IpAddress::parse("203.0.113.1").value());
  talk.say("XFORWARD ADDR=203.0.113.2 HELO=two");
  CHECK(talk.deliver().client == IpAddress::parse("203.0.113.2").value());
  const auto last = talk.deliver();
  CHECK(last.client == IpAddress::parse("203.0.113.1").value());
  CHECK(last.helo == "one");
}

TEST_CASE("a proxy that doesn't say who is behind it delivers nothing", "[smtp][client]") {
  Talk talk(Talk::settings(), {.anonymous = true});
  CHECK_THAT(talk.say("EHLO a"), !Contains("XCLIENT"));
  CHECK_THAT(talk.say("MAIL FROM:<>"), StartsWith("451 4.7.0 "));
  CHECK_THAT(talk.say("RCPT TO:<a@trap.example.net>"), StartsWith("503 "));
  CHECK_THAT(talk.say("QUIT"), StartsWith("221 "));
}

TEST_CASE("LMTP answers for each recipient", "[smtp]") {
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

TEST_CASE("recipients without end cost no memory", "[smtp]") {
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

TEST_CASE("who doesn't understand us is let go after a hundred errors", "[smtp]") {
  Talk talk;
  talk.say("EHLO a");
  int said = 0;
  while (!talk.closes() && said < 1000) {
    talk.say("HUH");
    ++said;
  }
  CHECK(said == 100);
}

TEST_CASE("a web browser is turned away at once", "[smtp]") {
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
