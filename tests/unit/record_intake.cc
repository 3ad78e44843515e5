// From a chunk to a batch: which trap, which client, what is dropped, and what is quarantined.
#include "catch.h"
#include "record/intake.h"
#include "record_fixture.h"

using namespace blowback;
using blowback::test::bounce;

namespace {

constexpr UnixTime kNow{Duration{1'780'000'000}};

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
  source.traps = config::Traps{.domains = {"trap.example.net"}, .addresses = {}};
  return source;
}

schema::Batch take(feed::Item item, const record::Source& from_source = source()) {
  feed::Chunk chunk;
  chunk.items.push_back(std::move(item));
  chunk.position = "p";
  return record::batch_of(chunk, from_source, kNow);
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
  CHECK(incident.claims_trap);
  CHECK(incident.witness == "@trap.example.net");
  CHECK(incident.reverse_path == ReversePath::null);
  CHECK(incident.relayed == Relayed::no);
  CHECK(incident.origin == "203.0.113.0/24");
  CHECK(incident.mailbox == "nobody@example.org");
  CHECK(incident.mailbox_exists);  // by "host … said": another server refused it, so that this one knew it
  CHECK(counting_of(incident, false) == Counting::counted);
  CHECK(incident.queue_id == "4F1");
  CHECK(incident.message_id == "20261124100000.4F1@mx.example.org");
  CHECK(incident.reporting_mta == "mx.example.org");
  CHECK(incident.product == "postfix");
  CHECK(incident.received_at == kNow);
  CHECK(incident.digest.size() == 64);
  CHECK(batch.position == "p");
  CHECK(batch.counts.deliveries == 1);
}

TEST_CASE("a delivery to other recipients is counted and ignored", "[record]") {
  const auto batch = take(delivery(bounce(from("192.0.2.1"), "bob@elsewhere.example")));
  CHECK(batch.incidents.empty());
  CHECK(batch.counts.not_a_trap == 1);
}

TEST_CASE("without configured traps every recipient of the feed is one", "[record]") {
  auto everything = source();
  everything.traps = {};
  CHECK(take(delivery(bounce(from("192.0.2.1"), "bob@elsewhere.example")), everything).incidents.at(0).trap ==
        "bob@elsewhere.example");
}

TEST_CASE("innocent mail is counted and dropped", "[record]") {
  const auto batch =
      take(delivery("Delivered-To: bob@trap.example.net\r\n" + from("192.0.2.1") +
                    "From: Ann <ann@example.org>\r\nTo: bob@trap.example.net\r\nSubject: Lunch?\r\n\r\nAt noon?\r\n"));
  CHECK(batch.incidents.empty());
  CHECK(batch.counts.not_backscatter == 1);
  CHECK(batch.quarantined.empty());
}

TEST_CASE("a delivery with a doubtful client is quarantined with the reason", "[record]") {
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

TEST_CASE("our own relays are skipped, and nothing below the client is trusted", "[record]") {
  auto relayed = source();
  relayed.trusted_relays = {*Prefix::parse("10.0.0.0/8")};
  const auto batch = take(delivery(bounce(from("10.0.0.5") + from("192.0.2.7") + from("192.0.2.66"))), relayed);
  REQUIRE(batch.incidents.size() == 1);
  CHECK(batch.incidents[0].client.to_string() == "192.0.2.7");
  CHECK(batch.incidents[0].first_received.find("192.0.2.66") != std::string::npos);
}

TEST_CASE("the client of the connection precedes the trace", "[record]") {
  auto told = delivery(bounce(from("192.0.2.1")));
  told.client = IpAddress::parse("198.51.100.3").value();
  told.helo = "real.example.org";
  told.mail_from = "";
  told.rcpt_to = {"Bob@Trap.Example.NET", "eve@trap.example.net", "x@elsewhere.example"};
  const auto batch = take(told);
  REQUIRE(batch.incidents.size() == 1);  // one message is one witness, however many recipients it has
  CHECK(batch.incidents[0].client.to_string() == "198.51.100.3");
  CHECK(batch.incidents[0].helo == "real.example.org");
  CHECK(batch.incidents[0].trap == "bob@trap.example.net");
}

TEST_CASE("a connection from our own relay accuses the relay's client, never the relay", "[record]") {
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
  // One per sender, witness and hour.
  callout.received_at -= Duration{1};
  callout.rcpt_to = {"eve@trap.example.net"};
  CHECK(take(callout).incidents.at(0).digest == batch.incidents[0].digest);
  callout.received_at -= std::chrono::hours{1};
  CHECK(take(callout).incidents.at(0).digest != batch.incidents[0].digest);
}

TEST_CASE("the same bytes with another time are the same delivery, unless the source recorded the time", "[record]") {
  auto first = delivery(bounce(from("192.0.2.1")));
  auto second = first;
  second.received_at -= Duration{3'600};
  CHECK(take(first).incidents.at(0).digest == take(second).incidents.at(0).digest);
  first.time_is_told = second.time_is_told = true;
  CHECK(take(first).incidents.at(0).digest != take(second).incidents.at(0).digest);
}

TEST_CASE("mail that exceeds a limit of the parser is quarantined under the limit's name", "[record]") {
  CHECK(take(delivery(std::string(100, '\0'))).quarantined.at(0).reason == "empty");
  auto small = source();
  small.limits.message = 100;
  CHECK(take(delivery(bounce(from("192.0.2.1"))), small).quarantined.at(0).reason == "too-large");
  const auto unreadable = take(
      feed::Item{.where = "line 3", .content = feed::Unreadable{.reason = "not-json", .detail = "…", .bytes = "{"}});
  CHECK(unreadable.quarantined.at(0).reason == "not-json");
  CHECK(unreadable.quarantined.at(0).where == "line 3");
}

TEST_CASE("the quarantine quotes strangers' text, the log doesn't", "[record][fairness]") {
  const auto trace =
      take(delivery(bounce("Received: from octets-of-a-stranger by mx.trap.example.net with SMTP id 1; date\r\n")));
  CHECK(trace.quarantined.at(0).reason == "doubtful-client");
  CHECK(trace.quarantined[0].detail.find(": from octets-of-a-stranger by mx") != std::string::npos);
  CHECK(trace.quarantined[0].detail.starts_with(trace.quarantined[0].for_log + ": "));
  CHECK(trace.quarantined[0].for_log.find("octets") == std::string::npos);
  CHECK(trace.quarantined[0].for_log.size() > 40);
  const auto line = take(feed::Item{
      .where = "line 3",
      .content = feed::Unreadable{.reason = "not-json", .detail = "line 3: no", .bytes = "{", .quote = "octets"}});
  CHECK(line.quarantined.at(0).detail == "line 3: no: octets");
  CHECK(line.quarantined[0].for_log == "line 3: no");
}

TEST_CASE("strangers' text is stored as valid UTF-8 on one line", "[record]") {
  auto told = delivery(bounce(from("192.0.2.1")));
  told.client = IpAddress::parse("198.51.100.3").value();
  told.helo = std::string("a\nb\xff\x1b[31m") + std::string(1'000, 'x');
  const auto batch = take(told);
  REQUIRE(batch.incidents.size() == 1);
  CHECK(batch.incidents[0].helo.size() <= 255);
  CHECK(batch.incidents[0].helo.find("a b\xEF\xBF\xBD [31mxxx") == 0);
}

TEST_CASE("each configured address is a witness, and each domain is one witness", "[record][fairness]") {
  auto named = source();
  named.traps = config::Traps{.domains = {"trap.example.net"}, .addresses = {"bob@trap.example.net"}};
  CHECK(take(delivery(bounce(from("192.0.2.1"))), named).incidents.at(0).witness == "bob@trap.example.net");
  CHECK(take(delivery(bounce(from("192.0.2.1"), "x1@trap.example.net")), named).incidents.at(0).witness ==
        "@trap.example.net");
  named.traps = {};
  CHECK(take(delivery(bounce(from("192.0.2.1"), "x1@any.example")), named).incidents.at(0).witness == "@any.example");
}

TEST_CASE("recipient and reverse-path are read above our topmost Received: only", "[record][fairness]") {
  const std::string text = bounce("");
  const auto header = text.substr(0, text.find("Date:"));
  const auto rest = text.substr(header.size());
  SECTION("a stranger's copies below it name no trap") {
    const auto below =
        take(delivery("Return-Path: <>\r\nDelivered-To: anna@example.org\r\n" + from("192.0.2.1") +
                      "X-Original-To: bob@trap.example.net\r\nEnvelope-To: bob@trap.example.net\r\n" + rest));
    CHECK(below.incidents.empty());
    CHECK(below.counts.not_a_trap == 1);
  }
  SECTION("nor do they make a reverse-path null") {
    const auto below =
        take(delivery("Delivered-To: bob@trap.example.net\r\n" + from("192.0.2.1") + "Return-Path: <>\r\n" + rest));
    CHECK(below.incidents.at(0).reverse_path == ReversePath::unknown);
  }
  SECTION("a set one above it says that it was set") {
    const auto set = take(delivery("Return-Path: <eve@example.org>\r\nDelivered-To: bob@trap.example.net\r\n" +
                                   from("192.0.2.1") + "Return-Path: <>\r\n" + rest));
    CHECK(set.incidents.at(0).reverse_path == ReversePath::set);
  }
  SECTION("the envelope's word comes first") {
    auto told = delivery(bounce(from("192.0.2.1")));
    told.mail_from = "eve@example.org";
    CHECK(take(told).incidents.at(0).reverse_path == ReversePath::set);
    told.mail_from = "";
    CHECK(take(told).incidents.at(0).reverse_path == ReversePath::null);
  }
}

TEST_CASE("a relayed message is recorded as relayed", "[record][fairness]") {
  const auto relayed = [](const std::string& below, const std::string& to = "bob@trap.example.net") {
    std::string text = bounce(from("192.0.2.1") + below);
    const auto field = text.find("To: bob@trap.example.net\r\nAuto-Submitted");
    text.replace(field, std::string("To: bob@trap.example.net").size(), "To: " + to);
    return take(delivery(text)).incidents.at(0).relayed;
  };
  CHECK(relayed("") == Relayed::no);
  CHECK(relayed("Received: by mx.example.org (Postfix) id 4F1; today\r\n") == Relayed::no);
  CHECK(
      relayed("Received: from store.example.org (store.example.org [10.0.0.7]) by mx.example.org (Postfix) with ESMTP "
              "id 1; today\r\n") == Relayed::no);
  CHECK(
      relayed("Received: from evil.example (evil.example [198.51.100.66]) by mx.example.org (Postfix) with ESMTP id 1; "
              "today\r\n") == Relayed::trace);
  CHECK(relayed(
            "Received: from anna.example.org (anna.example.org [192.0.2.77]) by mx.example.org (Postfix) with ESMTPSA "
            "id 1; today\r\n") == Relayed::submission);
  CHECK(relayed("List-Id: <dev.example.org>\r\n") == Relayed::mailing_list);
  CHECK(relayed("Resent-From: anna@example.org\r\n") == Relayed::forwarder);
  CHECK(relayed("X-Forwarded-For: anna@example.org bob@trap.example.net\r\n") == Relayed::forwarder);
  CHECK(relayed("ARC-Authentication-Results: i=1; mx.example.org; spf=fail smtp.mailfrom=x\r\n") == Relayed::forwarder);
  CHECK(relayed("ARC-Authentication-Results: i=1; mx.example.org 1; spf=none; dmarc=none; dkim=none; arc=none\r\n") ==
        Relayed::no);
  CHECK(relayed("ARC-Authentication-Results: i=1; mx.trap.example.net; spf=pass\r\n") == Relayed::no);
  CHECK(relayed("", "anna@example.org") == Relayed::recipient);
  CHECK(relayed("", "Anna <anna@example.org>, bob@trap.example.net") == Relayed::no);
  CHECK(relayed("Received: from store.example.org ([10.0.0.7]) by mx.example.org (Postfix) with ESMTP id 1 for "
                "<anna@example.org>; today\r\n") == Relayed::recipient);
}

TEST_CASE("fields of mail readers, and our own trace, don't change a delivery's identity", "[record][fairness]") {
  const auto digest = [](const std::string& text) { return take(delivery(text)).incidents.at(0).digest; };
  const std::string text = bounce(from("192.0.2.1"));
  const auto at = text.find("Date:");
  const std::string once = digest(text);
  for (const auto* const field : {"Status: RO\r\n", "X-Status: A\r\n", "X-Keywords: Junk\r\n", "X-UID: 12\r\n",
                                  "Content-Length: 1234\r\n", "X-Mozilla-Status: 0001\r\n"}) {
    CAPTURE(field);
    CHECK(digest(std::string(text).insert(at, field)) == once);
  }
  CHECK(digest("X-Spam-Score: 3\r\n" + text) == once);
  CHECK(digest(text + "\r\n") == once);
  std::string unix_lines = text;
  std::erase(unix_lines, '\r');
  CHECK(digest(unix_lines) == once);
  CHECK(digest(std::string(text).insert(at, "X-Other: 1\r\n")) != once);
}

TEST_CASE("a delivery dated in the future counts as received now", "[record][fairness]") {
  auto ahead = delivery(bounce(from("192.0.2.1")));
  ahead.received_at = kNow + std::chrono::days{10'000};
  const auto batch = take(ahead);
  CHECK(batch.incidents.at(0).received_at == kNow);
  CHECK(batch.dated_ahead == 1);
  ahead.received_at = kNow + Duration{30};
  const auto slightly = take(ahead);
  CHECK(slightly.incidents.at(0).received_at == kNow);
  CHECK(slightly.dated_ahead == 0);
}
