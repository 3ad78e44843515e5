// Properties of the judge that no single sample shows.
#include "catch.h"
#include "detect/judge.h"
#include "mail/message.h"

#include <array>
#include <string>

using namespace blowback;

namespace {

Verdict judged(const std::string& bytes, TrapDelivery delivery = {}) {
  const auto message = mail::parse(bytes, mail::Limits{});
  REQUIRE(message.has_value());
  const std::array<std::string, 1> traps{"trap@trap.example.net"};
  return detect::judge(delivery, *message, traps);
}

std::string bounce(const std::string& original) {
  return "From: MAILER-DAEMON@mail.example.com\nSubject: failure notice\n\n"
         "Hi. This is the qmail-send program at mail.example.com.\n\n<gone@example.com>:\n"
         "Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n" +
         original;
}

}  // namespace

TEST_CASE("a callout is judged without a message", "[detect]") {
  TrapDelivery delivery;
  delivery.event = TrapDelivery::Event::callout;
  const Verdict verdict = detect::judge(delivery, mail::Message{}, {});
  CHECK(verdict.kind == Kind::callout);
  CHECK(verdict.confidence == 1.0);
}

TEST_CASE("the verdict shows whether the original claims to come from the trap, in any case", "[detect]") {
  CHECK(judged(bounce("Message-ID: <1@example.org>\nFrom: TRAP@Trap.Example.NET\nSubject: x\n\n")).claims_trap);
  CHECK(judged(bounce("Return-Path: <trap@trap.example.net>\nMessage-ID: <1@example.org>\nFrom: x@example.org\n\n"))
            .claims_trap);
  CHECK_FALSE(judged(bounce("Message-ID: <1@example.org>\nFrom: x@example.org\nSubject: trap@trap.example.net\n\n"))
                  .claims_trap);
}

TEST_CASE("bounces of one mailing are one campaign, whoever returns them", "[detect][campaign]") {
  const std::string original = "Message-ID: <one@example.org>\nFrom: a@example.org\nSubject: x\nDate: today\n\n";
  const std::string other = "Message-ID: <two@example.org>\nFrom: a@example.org\nSubject: x\nDate: today\n\n";
  const Verdict first = judged(bounce(original));
  CHECK(first.campaign.size() == 32);
  CHECK(first.campaign == judged(bounce("Received: from x by y; today\n" + original)).campaign);
  CHECK(first.campaign != judged(bounce(other)).campaign);
  const Verdict reply = judged(
      "Return-Path: <>\nFrom: bob@example.com\nSubject: Re: x\nAuto-Submitted: auto-replied\n"
      "In-Reply-To: <one@example.org>\n\nI am out of the office.\n");
  CHECK(reply.kind == Kind::auto_reply);
  CHECK(reply.campaign == first.campaign);
}

TEST_CASE("without a Message-ID the campaign is From, Subject and Date; a Subject alone is none",
          "[detect][campaign]") {
  const std::string fields = "From: a@example.org\nTo: b@example.com\nSubject: x\nDate: today\n\n";
  CHECK(judged(bounce(fields)).campaign.size() == 32);
  CHECK(judged(bounce(fields)).campaign !=
        judged(bounce("From: a@example.org\nTo: b@example.com\nSubject: y\nDate: today\n\n")).campaign);
  CHECK(judged(bounce("")).campaign.empty());
}

TEST_CASE("the envelope's null reverse-path counts if the header has none", "[detect]") {
  const std::string note = "From: bob@example.com\nSubject: Out of office\n\nI am out of the office.\n";
  CHECK(judged(note).kind == Kind::not_backscatter);
  TrapDelivery delivery;
  delivery.mail_from = "";
  CHECK(judged(note, delivery).kind == Kind::auto_reply);
}

TEST_CASE("the original's client is the host that connected to the server which returned it", "[detect]") {
  const Verdict verdict = judged(bounce(
      "Received: from localhost (localhost [127.0.0.1]) by mail.example.com (Postfix) with ESMTP id A; today\n"
      "Received: from spam.example.org (unknown [198.51.100.77]) by mail.example.com (Postfix) with ESMTP id B; today\n"
      "Received: from forged.example (forged.example [203.0.113.9]) by spam.example.org (Postfix) with ESMTP id C; "
      "today\n"
      "Message-ID: <1@example.org>\nFrom: x@example.org\n\n"));
  REQUIRE(verdict.original.has_value());
  REQUIRE(verdict.original->client.has_value());
  CHECK(verdict.original->client->to_string() == "198.51.100.77");
}

TEST_CASE("an SPF failure at the server is reported", "[detect]") {
  const std::string rest = "Message-ID: <1@example.org>\nFrom: x@example.org\n\n";
  CHECK(judged(bounce("Received-SPF: Fail (x)\n" + rest)).original->spf_failed);
  CHECK(judged(bounce("Received-SPF: softfail (x)\n" + rest)).original->spf_failed);
  CHECK(judged(bounce("Authentication-Results: mail.example.com; spf=fail smtp.mailfrom=x\n" + rest))
            .original->spf_failed);
  CHECK_FALSE(judged(bounce("Received-SPF: Pass (x)\n" + rest)).original->spf_failed);
}

TEST_CASE("what decided is recorded as named and weighted signals", "[detect]") {
  const Verdict verdict = judged(bounce("Message-ID: <1@example.org>\nFrom: x@example.org\n\n"));
  double sum = 0;
  for (const Signal& signal : verdict.signals) {
    CHECK_FALSE(signal.name.empty());
    sum += signal.weight;
  }
  CHECK(sum >= 2.0);
  CHECK(verdict.confidence < 1.0);
}

TEST_CASE("a cause is found in the text, not in addresses", "[detect][cause]") {
  const std::string address =
      GENERATE("nobody@sender.example", "policy@spf.example", "spam@example.org", "quota@full.example");
  CAPTURE(address);
  const Verdict verdict = judged(
      "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nSubject: Undelivered Mail Returned to Sender\n"
      "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
      "--b\n\nYour message could not be delivered.\n\n--b\nContent-Type: message/delivery-status\n\n"
      "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; " +
      address +
      "\nAction: failed\nStatus: 5.1.1\n"
      "Diagnostic-Code: smtp; 550 5.1.1 <" +
      address + ">: User unknown\n\n--b--\n");
  CHECK(verdict.cause == Cause::unknown_user);
}
