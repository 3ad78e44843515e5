// The private parts of the room: status fields, codes, the original in text, wording.
#include "../../ingest/detect/cause.h"
#include "../../ingest/detect/delivery_status.h"
#include "../../ingest/detect/facts.h"
#include "../../ingest/detect/returned_original.h"
#include "catch.h"

#include <set>
#include <string>

using namespace blowback;
using namespace blowback::detect;

TEST_CASE("RFC 3464 fields are read per message and per recipient", "[detect][rfc3464]") {
  const DeliveryStatus status = parse_delivery_status(
      "Reporting-MTA: dns; mail.example.com\nX-Postfix-Queue-ID: 9ABCD\nX-Postfix-Sender: rfc822; a@example.org\n\n"
      "Final-Recipient: rfc822;one@example.com\nAction: Failed (x)\nStatus: 5.1.1 (unknown)\n"
      "Diagnostic-Code: smtp; 550 5.1.1\n  User unknown\nRemote-MTA: dns; mx.example.com\n\n"
      "Final-Recipient: rfc822; <two@example.com>\nAction: delayed\nStatus: 4.4.7\n");
  CHECK(status.reporting_mta == "mail.example.com");
  CHECK(status.queue_id == "9ABCD");
  CHECK(status.sender == "a@example.org");
  REQUIRE(status.recipients.size() == 2);
  CHECK(status.recipients[0].final_recipient == "one@example.com");
  CHECK(status.recipients[0].action == "failed");
  CHECK(status.recipients[0].status == "5.1.1");
  CHECK(status.recipients[0].diagnostic == "550 5.1.1 User unknown");
  CHECK(status.recipients[0].remote_mta == "mx.example.com");
  CHECK(status.recipients[1].final_recipient == "two@example.com");
  CHECK(status.recipients[1].action == "delayed");
  CHECK(is_well_formed(status));
}

TEST_CASE("status fields are parsed despite missing or additional blank lines", "[detect][rfc3464]") {
  const DeliveryStatus lost = parse_delivery_status(
      "Reporting-MTA : dns;mail.example.com\nFinal-Recipient : rfc822;a@example.com\nAction : failed\nStatus : 5.0.0\n"
      "Final-Recipient: rfc822;b@example.com\nAction: failed\nStatus: 5.2.2\n");
  REQUIRE(lost.recipients.size() == 2);
  CHECK(lost.recipients[1].status == "5.2.2");
  const DeliveryStatus spread =
      parse_delivery_status("Reporting-MTA: dns; x\n\n\nFinal-Recipient: rfc822; a@example.com\n\nAction: failed\n");
  REQUIRE(spread.recipients.size() == 1);
  CHECK(spread.recipients[0].action == "failed");
  CHECK_FALSE(is_well_formed(parse_delivery_status("Dear user,\nhello: world\n")));
}

TEST_CASE("of a report on a million recipients only a part is parsed", "[detect][rfc3464]") {
  std::string text = "Reporting-MTA: dns; x\n\n";
  for (int i = 0; i < 10'000; ++i) text += "Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n\n";
  CHECK(parse_delivery_status(text).recipients.size() == 100);
}

TEST_CASE("an enhanced status code is distinguished from an address or a version", "[detect][rfc3463]") {
  CHECK(enhanced_status_in("550 5.1.1 <a@example.org>... User unknown") == "5.1.1");
  CHECK(enhanced_status_in("550-5.7.26 This mail") == "5.7.26");
  CHECK(enhanced_status_in("(#4.4.1)") == "4.4.1");
  CHECK(enhanced_status_in("from [192.5.2.1] and 5.2.1.7").empty());
  CHECK(enhanced_status_in("Exim 4.92").empty());
}

TEST_CASE("a reply code is distinguished from other numbers", "[detect][rfc5321]") {
  CHECK(reply_code_in("host said: 550 User unknown") == 550);
  CHECK(reply_code_in("550-5.1.1 x") == 550);
  CHECK(reply_code_in("port:550 id-450 a5500 5500") == 0);
  CHECK(reply_code_in("200 ok") == 0);
}

TEST_CASE("codes map to causes", "[detect][cause]") {
  CHECK(cause_of_status("5.1.1") == Cause::unknown_user);
  CHECK(cause_of_status("4.2.2") == Cause::over_quota);
  CHECK(cause_of_status("5.6.0") == Cause::none);
  CHECK(cause_of_status("5.6.1") == Cause::content_rejected);
  CHECK(cause_of_status("5.7.1") == Cause::policy);
  CHECK(cause_of_status("4.4.7") == Cause::delayed);
  CHECK(cause_of_status("5.4.6") == Cause::system);
  CHECK(cause_of_status("5.0.0") == Cause::none);
  CHECK(cause_of_status("2.0.0") == Cause::none);
  CHECK(cause_of_status("nonsense") == Cause::none);
}

TEST_CASE("the original is found in text after any separator", "[detect][original]") {
  const std::string header = "Received: from a by b; today\nMessage-ID: <1@example.org>\nFrom: a@example.org\n";
  const std::string own = "Your message could not be delivered.\n\n";
  for (const std::string separator :
       {"--- Below this line is a copy of the message.\n\n", "------ This is a copy of the message ------\n\n",
        "   ----- Unsent message follows -----\n", "\n"}) {
    CAPTURE(separator);
    const std::string text = own + separator + header + "\nBuy now\n";
    const QuotedOriginal found = find_quoted_original(text);
    REQUIRE(found.fields.size() == 3);
    CHECK(found.fields[1].value == "<1@example.org>");
    CHECK(text.substr(found.begin).starts_with("Received:"));
  }
  for (const std::string indent : {"    ", "> ", "  | "}) {
    CAPTURE(indent);
    const std::string text = own + indent + "Received: from a\n" + indent + "\tby b; today\n" + indent +
                             "Message-ID: <1@example.org>\n" + indent + "From: a@example.org\n";
    const QuotedOriginal found = find_quoted_original(text);
    REQUIRE(found.fields.size() == 3);
    CHECK(found.fields[0].value == "from a by b; today");
  }
}

TEST_CASE("a mailer's summary of the original isn't taken for its beginning", "[detect][original]") {
  const QuotedOriginal found = find_quoted_original(
      "Your message\n\n  To:      a@example.com\n  Subject: x\n  Sent:    today\n\ndid not reach the recipient\n");
  CHECK(found.begin == std::string::npos);
  CHECK(found.fields.size() == 3);
}
