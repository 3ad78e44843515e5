// The order of evidence: proof, structure, wording, vetoes (docs/signatures.md).
#include "catch.h"
#include "detect/judge.h"
#include "mail/message.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

using namespace blowback;

namespace {

Verdict judged(const std::string& bytes) {
  const auto message = mail::parse(bytes, mail::Limits{});
  REQUIRE(message.has_value());
  const std::array<std::string, 1> traps{"trap@trap.example.net"};
  return detect::judge({}, *message, traps);
}

bool has_signal(const Verdict& verdict, std::string_view name) {
  return std::ranges::any_of(verdict.signals, [&](const Signal& signal) { return signal.name == name; });
}

// From a daemon with a null reverse-path, to the trap.
std::string from_daemon(const std::string& text) {
  return "Return-Path: <>\nFrom: MAILER-DAEMON@mail.example.com\nTo: trap@trap.example.net\nSubject: hm\n"
         "Content-Type: text/plain; charset=utf-8\n\n" +
         text;
}

std::string letter_of(const std::string& sender) {
  return "\nReceived: from pc by mail.example.com; Thu, 22 Oct 2026 08:59:00 +0000\nFrom: " + sender +
         "\nTo: gone@example.com\nSubject: offer\nMessage-ID: <1@example.org>\n\nbuy\n";
}

constexpr const char* kLure = "Your mailbox is full. Please verify your account: https://example.org/login\n";

}  // namespace

TEST_CASE("content that looks like a lure counts against a bounce, unless the trap's own letter is returned",
          "[detect][evidence]") {
  const Verdict returned = judged(from_daemon(kLure + letter_of("trap@trap.example.net")));
  CHECK(returned.kind == Kind::dsn);
  CHECK_FALSE(has_signal(returned, "asks-to-log-in"));
  const Verdict bare = judged(from_daemon(std::string("Mail to gone@example.com could not be delivered.\n") + kLure));
  CHECK(bare.kind == Kind::not_backscatter);
  CHECK(has_signal(bare, "asks-to-log-in"));
}

TEST_CASE("a letter that is returned in an unknown language is a bounce", "[detect][evidence]") {
  CHECK(judged(from_daemon("Qapla' jatlh: gone ghobe'\n" + letter_of("trap@trap.example.net"))).kind == Kind::dsn);
  CHECK(judged("From: no-reply@example.com\nTo: trap@trap.example.net\nSubject: hm\n\nghobe'\n" +
               letter_of("trap@trap.example.net"))
            .kind == Kind::dsn);
}

TEST_CASE("a letter that somebody wrote into a form isn't returned by a mailer", "[detect][evidence]") {
  const std::string form =
      "From: no-reply@example.com\nTo: trap@trap.example.net\nSubject: We received your message\nAuto-Submitted: "
      "auto-generated\n\n"
      "Thank you. You wrote:\n" +
      letter_of("trap@trap.example.net");
  CHECK(judged(form).kind == Kind::not_backscatter);
  CHECK(judged("Return-Path: <no-reply@example.com>\n" + form).kind == Kind::not_backscatter);
  CHECK(judged("Return-Path: <>\n" + form).kind == Kind::not_backscatter);
  // A ticket system's answer to nobody is an automatic reply, whatever the stranger wrote.
  const Verdict ticket = judged(
      "Return-Path: <>\nFrom: support@example.com\nTo: trap@trap.example.net\nSubject: [Ticket#1001] Undelivered Mail "
      "Returned to Sender\nX-OTRS-Loop: yes\n"
      "Auto-Submitted: auto-replied\n\nThank you for your message. A ticket was opened. We will reply soon.\n" +
      letter_of("trap@trap.example.net"));
  CHECK(ticket.kind == Kind::auto_reply);
}

TEST_CASE("the subject of a reply to nobody ends with the forged one, which is no evidence", "[detect][evidence]") {
  const auto reply_to = [](const std::string& subject) {
    return judged(
        "Return-Path: <>\nFrom: bob@example.com\nTo: trap@trap.example.net\nSubject: Abwesend: " + subject +
        "\nAuto-Submitted: auto-replied\n\nVielen Dank für Ihre Nachricht. Ich bin bis 7. Dezember im Urlaub.\n");
  };
  CHECK(reply_to("Angebot").kind == Kind::auto_reply);
  CHECK(reply_to("[Ticket#1] please confirm your subscription").kind == Kind::auto_reply);
}

TEST_CASE("a returned letter can't make a bounce look like a complaint", "[detect][evidence]") {
  CHECK(judged("Return-Path: <>\nFrom: MAILER-DAEMON@mail.example.com\nTo: trap@trap.example.net\nSubject: Undelivered "
               "Mail\nMIME-Version: 1.0\n"
               "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
               "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.com\n\n"
               "Final-Recipient: rfc822; gone@example.com\nAction: failed\nStatus: 5.1.1\n\n"
               "--b\nContent-Type: message/rfc822\n\nFrom: trap@trap.example.net\nSubject: offer\n\nbuy\n"
               "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--\n")
            .kind == Kind::dsn);
}

TEST_CASE("a person who sends somebody else's letter isn't a mailer", "[detect][evidence]") {
  CHECK(judged("From: bob@example.com\nTo: trap@trap.example.net\nSubject: hm\nX-Mailer: Mutt\n\nlook at this\n" +
               letter_of("alice@example.org"))
            .kind == Kind::not_backscatter);
}

TEST_CASE("what another server replied isn't what the mailer says", "[detect][evidence]") {
  const Verdict verdict = judged(
      from_daemon("This is the mail system at host mail.example.com.\n\n<gone@example.com>: host mx.example.org said:\n"
                  "    450 4.2.1 Your message is held: click https://example.org/c to confirm that you are human,\n"
                  "    and it will be delivered (in reply to RCPT TO command)\n"));
  CHECK(verdict.kind == Kind::dsn);
}

TEST_CASE("a telephone number in a vacation note isn't a server's reply", "[detect][evidence]") {
  const Verdict verdict = judged(
      "Return-Path: <>\nFrom: bob@example.com\nTo: trap@trap.example.net\nSubject: Re: hm\n"
      "Auto-Submitted: auto-replied\n\nPlease call 555 1234 meanwhile. I am out of the office until Monday.\n");
  CHECK(verdict.kind == Kind::auto_reply);
  CHECK(has_signal(verdict, "text-out-of-office"));
}

TEST_CASE("a bounce that a mailing list's owner address passed on is a bounce", "[detect][evidence]") {
  const std::string text =
      "List-Id: <talk.example.org>\nX-BeenThere: talk@example.org\nPrecedence: bulk\nSender: talk-owner@example.org\n"
      "Return-Path: <talk-owner@example.org>\nFrom: postmaster@mail.example.com\nSubject: Undeliverable mail\n";
  const std::string body =
      "\nMail to gone@example.com could not be delivered: user unknown.\n" + letter_of("talk-bounces@example.org");
  CHECK(judged(text + "To: talk-bounces@example.org\n" + body).kind == Kind::dsn);
  CHECK(judged(text + "To: talk@example.org\n" + body).kind == Kind::not_backscatter);
}

TEST_CASE("what claims to be a delivery report, but names nobody except the recipient, is a lure",
          "[detect][evidence]") {
  const auto report = [](const std::string& reverse_path, const std::string& failed) {
    return "Return-Path: <" + reverse_path +
           ">\nFrom: Mail Delivery System <alerts@trap.example.net>\nTo: trap@trap.example.net\n"
           "Subject: Undelivered Mail Returned to Sender\n"
           "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
           "--b\nContent-Type: text/plain\n\n2 messages could not be delivered: https://example.org/r\n\n"
           "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
           "Final-Recipient: rfc822; " +
           failed + "\nAction: failed\nStatus: 4.2.2\n\n--b--\n";
  };
  CHECK(judged(report("alerts@trap.example.net", "trap@trap.example.net")).kind == Kind::not_backscatter);
  CHECK(judged(report("", "gone@example.com")).kind == Kind::dsn);
}

TEST_CASE("a page with a link that names nothing that failed is no bounce", "[detect][evidence]") {
  const auto page = [](const std::string& html) {
    return "Return-Path: <>\nFrom: Mail Delivery System <mailer-daemon@example.com>\nTo: trap@trap.example.net\n"
           "Subject: Returned mail: order\nContent-Type: text/html\n\n" +
           html;
  };
  CHECK(judged(page("<a href=\"http://example.org/7\">80% off</a> returned mail user unknown")).kind ==
        Kind::not_backscatter);
  CHECK(judged(page("<p>gone@example.com: user unknown, your mail could not be delivered.")).kind == Kind::dsn);
}

TEST_CASE("mail that is only marked as automatic needs more than words to be a bounce", "[detect][evidence]") {
  CHECK(judged("Return-Path: <reviews@forge.example>\nFrom: reviews@forge.example\nTo: trap@trap.example.net\n"
               "Subject: [mailer] reword the text\nAuto-Submitted: auto-generated\n\n"
               "-  \"Delivery to the following recipient failed permanently\"\n"
               "+  \"We could not deliver your message to bob@example.com\"\n")
            .kind == Kind::not_backscatter);
}
