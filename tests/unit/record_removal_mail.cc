// Which messages ask for a removal, and what the host that sent one is told.
#include "catch.h"
#include "record/removal_mail.h"

#include <chrono>
#include <string>

using namespace blowback;
using namespace std::chrono_literals;

namespace {

std::string objection(const std::string& header) { return record::objection_to(header).value_or("none"); }

schema::RemovalFiled refused(RemovalRefusal why) { return {.outlook = {.refused = why}, .request = std::nullopt}; }

}  // namespace

TEST_CASE("a new message whose subject begins with delist is a request", "[record][removal]") {
  const auto header =
      GENERATE("Subject: delist\r\n\r\nplease\r\n", "From: x@example.com\r\nsubject: DELIST 192.0.2.1\r\n",
               "Auto-Submitted: no\r\nSubject:\r\n delist please\r\n\r\n", "Subject: Delist\n\n");
  CHECK(objection(header) == "none");
}

TEST_CASE("an answer, a bounce or a mailing is no request, whatever its subject is", "[record][removal]") {
  const auto field = GENERATE("Auto-Submitted: auto-replied", "Auto-Submitted: no\r\nAuto-Submitted: auto-generated",
                              "Precedence: bulk", "Precedence: auto_reply", "In-Reply-To: <1@bl.example.org>",
                              "References: <1@bl.example.org>", "List-Id: <a.example>", "X-Autoreply: yes",
                              "X-Failed-Recipients: a@example.com", "Content-Type: Multipart/Report; boundary=x");
  CAPTURE(field);
  CHECK(objection("Subject: delist\r\n" + std::string(field) + "\r\n\r\n").starts_with("550 5.7.1 This looks like"));
}

TEST_CASE("without the word at the beginning of its subject a message is no request", "[record][removal]") {
  const auto header = GENERATE("", "\r\n", "X-A: b\r\n\r\nSubject: delist\r\n", "Subject: Re: delist\r\n\r\n",
                               "Subject: Automatic reply: delist\r\n\r\n", "X-Subject: delist\r\n\r\n",
                               "Subject: deli\r\n", "Subject: Re: x\r\nSubject: delist\r\n\r\n");
  CAPTURE(std::string(header));
  CHECK(objection(header).starts_with("550 5.7.1 To ask for removal"));
}

TEST_CASE("the reply says what will happen, or why nothing will", "[record][removal]") {
  const auto client = *IpAddress::parse("192.0.2.1");
  const UnixTime now{1'795'600'000s};
  RemovalRequest request{.address = client, .requested_at = now, .due_at = now};
  CHECK(record::reply_to(client, schema::RemovalFiled{.outlook = {}, .request = request}) ==
        "250 2.0.0 192.0.2.1 will be removed within a minute");
  request.due_at = now + 24h;
  CHECK(record::reply_to(client, schema::RemovalFiled{.outlook = {}, .request = request}) ==
        "250 2.0.0 192.0.2.1 will be removed at " + to_iso8601(now + 24h) +
            " if no backscatter comes from it until then");
  CHECK(record::reply_to(client, refused(RemovalRefusal::not_listed)) ==
        "550 5.7.1 192.0.2.1 is not removed: it is not listed");
  CHECK(record::reply_to(client, refused(RemovalRefusal::too_many)).starts_with("451 4.3.2 "));
  CHECK(record::reply_to(client, std::unexpected(schema::StoreError{.text = "/secret/path: locked"})) ==
        "451 4.3.0 The request can't be stored now; try again later");
}
