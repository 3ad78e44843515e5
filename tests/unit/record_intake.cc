// From a chunk to a batch: which trap, which client, what is let go, what goes to quarantine.
#include "record/intake.h"

#include <catch2/catch.hpp>

using namespace blowback;

namespace {

constexpr UnixTime kNow{Duration{1'780'000'000}};

/// A DSN as Postfix writes it, returning a mail that claims to come from `trap`.
std::string bounce(const std::string& received, const std::string& trap = "bob@trap.example.net", int number = 1) {
  return "Return-Path: <>\r\nDelivered-To: " + trap + "\r\n" + received +
         "Date: Tue, 24 Nov 2026 10:00:00 +0000 (UTC)\r\n"
         "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\r\n"
         "Subject: Undelivered Mail Returned to Sender\r\nTo: " +
         trap +
         "\r\nAuto-Submitted: auto-replied\r\n"
         "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"B/x\"\r\n"
         "Message-Id: <20261124100000.4F1@mx.example.org>\r\n\r\n"
         "--B/x\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
         "This is the mail system at host mx.example.org.\r\n\r\n"
         "<nobody@example.org>: host mail.example.org said: 550 5.1.1 User unknown\r\n\r\n"
         "--B/x\r\nContent-Type: message/delivery-status\r\n\r\n"
         "Reporting-MTA: dns; mx.example.org\r\nX-Postfix-Queue-ID: 4F1\r\n\r\n"
         "Final-Recipient: rfc822; nobody@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
         "--B/x\r\nContent-Type: message/rfc822\r\n\r\n"
         "From: Bob <" +
         trap + ">\r\nTo: nobody@example.org\r\nSubject: Cheap\r\nMessage-ID: <m" + std::to_string(number) +
         "@spammer.example>\r\nDate: Tue, 24 Nov 2026 09:59:00 +0000\r\n\r\nBuy.\r\n--B/x--\r\n";
}

std::string from(const std::string& client) {
  return "Received: from mx.example.org (mx.example.org [" + client +
         "])\r\n\tby mx.trap.example.net (Postfix) with ESMTP id 9A7"
         "\r\n\tfor <bob@trap.example.net>; Tue, 24 Nov 2026 10:00:01 +0000 (UTC)\r\n";
}

TrapDelivery delivery(std::string message) {
  TrapDelivery delivery;
  delivery.received_at = kNow;
  delivery.message = std::move(message);
  return delivery;
}

record::Source source() {
  record::Source source;
  source.feed = "trap";
  source.traps.domains = {"trap.example.net"};
  return source;
}

schema::Batch take(feed::Item item, const record::Source& from_source = source()) {
  feed::Chunk chunk;
  chunk.items.push_back(std::move(item));
  chunk.position = "p";
  return record::take_in(chunk, from_source, kNow);
}

schema::Batch take(TrapDelivery given, const record::Source& from_source = source()) {
  return take(feed::Item{.where = "new/1", .content = std::move(given)}, from_source);
}

}  // namespace

TEST_CASE("a bounce to a trap becomes an incident with its evidence", "[record]") {
  const auto batch = take(delivery(bounce(from("192.0.2.1"))));
  REQUIRE(batch.incidents.size() == 1);
  const auto& incident = batch.incidents[0];
  CHECK(incident.client.to_string() == "192.0.2.1");
  CHECK(incident.trap == "bob@trap.example.net");
  CHECK(incident.kind == Kind::dsn);
  CHECK(incident.cause == Cause::unknown_user);
  CHECK(incident.confidence == 1.0);
  CHECK(incident.proved);
  CHECK(incident.queue_id == "4F1");
  CHECK(incident.message_id == "20261124100000.4F1@mx.example.org");
  CHECK(incident.reporting_mta == "mx.example.org");
  CHECK(incident.product == "postfix");
  CHECK(incident.received_at == kNow);
  CHECK(incident.digest.size() == 64);
  CHECK(batch.position == "p");
  CHECK(batch.counts.deliveries == 1);
}

TEST_CASE("a delivery for no trap is counted and left alone", "[record]") {
  const auto batch = take(delivery(bounce(from("192.0.2.1"), "bob@elsewhere.example")));
  CHECK(batch.incidents.empty());
  CHECK(batch.counts.not_a_trap == 1);
}

TEST_CASE("with no traps set every recipient of the feed is one", "[record]") {
  auto everything = source();
  everything.traps = {};
  CHECK(take(delivery(bounce(from("192.0.2.1"), "bob@elsewhere.example")), everything).incidents.at(0).trap ==
        "bob@elsewhere.example");
}

TEST_CASE("innocent mail is counted and let go", "[record]") {
  const auto batch =
      take(delivery("Delivered-To: bob@trap.example.net\r\n" + from("192.0.2.1") +
                    "From: Ann <ann@example.org>\r\nTo: bob@trap.example.net\r\nSubject: Lunch?\r\n\r\nAt noon?\r\n"));
  CHECK(batch.incidents.empty());
  CHECK(batch.counts.not_backscatter == 1);
  CHECK(batch.quarantined.empty());
}

TEST_CASE("where the client is in doubt the delivery goes to quarantine with the reason", "[record]") {
  const std::string received =
      GENERATE(std::string(), from("10.0.0.5"), std::string("Received: by mx.trap.example.net; today\r\n"));
  CAPTURE(received);
  const auto batch = take(delivery(bounce(received)));
  CHECK(batch.incidents.empty());
  REQUIRE(batch.quarantined.size() == 1);
  CHECK(batch.quarantined[0].reason == "doubtful-client");
  CHECK(batch.quarantined[0].where == "new/1");
  CHECK(batch.quarantined[0].bytes == bounce(received));
  CHECK(batch.counts.quarantined == 1);
}

TEST_CASE("our own relays are walked through, and nothing below them is believed", "[record]") {
  auto relayed = source();
  relayed.trusted_relays = {*Prefix::parse("10.0.0.0/8")};
  const auto batch = take(delivery(bounce(from("10.0.0.5") + from("192.0.2.7") + from("192.0.2.66"))), relayed);
  REQUIRE(batch.incidents.size() == 1);
  CHECK(batch.incidents[0].client.to_string() == "192.0.2.7");
  CHECK(batch.incidents[0].first_received.find("192.0.2.66") != std::string::npos);
}

TEST_CASE("the connection's word counts before the trace", "[record]") {
  auto told = delivery(bounce(from("192.0.2.1")));
  told.client = IpAddress::parse("198.51.100.3").value();
  told.helo = "real.example.org";
  told.mail_from = "";
  told.rcpt_to = {"Bob@Trap.Example.NET", "eve@trap.example.net", "x@elsewhere.example"};
  const auto batch = take(told);
  REQUIRE(batch.incidents.size() == 2);
  CHECK(batch.incidents[0].client.to_string() == "198.51.100.3");
  CHECK(batch.incidents[0].helo == "real.example.org");
  CHECK(batch.incidents[0].trap == "bob@trap.example.net");
  CHECK(batch.incidents[1].trap == "eve@trap.example.net");
  CHECK(batch.incidents[0].digest != batch.incidents[1].digest);
}

TEST_CASE("a connection from our own relay accuses whom the relay spoke with, never the relay", "[record]") {
  auto relayed = source();
  relayed.trusted_relays = {*Prefix::parse("203.0.113.25")};
  auto told = delivery(bounce(from("192.0.2.1")));
  told.client = IpAddress::parse("203.0.113.25").value();
  CHECK(take(told, relayed).incidents.at(0).client.to_string() == "192.0.2.1");
  told.message = bounce("");
  CHECK(take(told, relayed).quarantined.at(0).reason == "doubtful-client");
}

TEST_CASE("a callout is an incident although there is no message", "[record]") {
  TrapDelivery callout;
  callout.event = TrapDelivery::Event::callout;
  callout.received_at = kNow;
  callout.time_is_told = true;
  callout.client = IpAddress::parse("192.0.2.1").value();
  callout.mail_from = "";
  callout.rcpt_to = {"bob@trap.example.net"};
  const auto batch = take(callout);
  REQUIRE(batch.incidents.size() == 1);
  CHECK(batch.incidents[0].kind == Kind::callout);
  CHECK_FALSE(batch.incidents[0].campaign.empty());
  callout.received_at += Duration{1};
  CHECK(take(callout).incidents.at(0).digest != batch.incidents[0].digest);
}

TEST_CASE("the same bytes found again under another time are the same delivery, unless the time was told", "[record]") {
  auto first = delivery(bounce(from("192.0.2.1")));
  auto second = first;
  second.received_at += Duration{3'600};
  CHECK(take(first).incidents.at(0).digest == take(second).incidents.at(0).digest);
  first.time_is_told = second.time_is_told = true;
  CHECK(take(first).incidents.at(0).digest != take(second).incidents.at(0).digest);
}

TEST_CASE("mail that can't be taken apart is quarantined under the limit's name", "[record]") {
  const auto nul = take(delivery(std::string("Subject: a\0b\r\n\r\nx", 17)));
  REQUIRE(nul.quarantined.size() == 1);
  CHECK(nul.quarantined[0].reason == "nul-in-header");
  auto small = source();
  small.limits.message = 100;
  CHECK(take(delivery(bounce(from("192.0.2.1"))), small).quarantined.at(0).reason == "too-large");
  const auto unreadable = take(
      feed::Item{.where = "line 3", .content = feed::Unreadable{.reason = "not-json", .detail = "…", .bytes = "{"}});
  CHECK(unreadable.quarantined.at(0).reason == "not-json");
  CHECK(unreadable.quarantined.at(0).where == "line 3");
}

TEST_CASE("what strangers wrote is stored as valid text on one line", "[record]") {
  auto told = delivery(bounce(from("192.0.2.1")));
  told.client = IpAddress::parse("198.51.100.3").value();
  told.helo = std::string("a\nb\xff\x1b[31m") + std::string(1'000, 'x');
  const auto batch = take(told);
  REQUIRE(batch.incidents.size() == 1);
  CHECK(batch.incidents[0].helo.size() <= 255);
  CHECK(batch.incidents[0].helo.find("a b\xEF\xBF\xBD [31mxxx") == 0);
}
