// Messages taken apart: the tree, the text, and what breaks a bound.
#include "catch.h"
#include "mail/message.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

using namespace blowback::mail;

namespace {

// A message and the bytes that it points into.
struct Kept : Message {
  std::unique_ptr<const std::string> bytes;
};

Kept parsed(std::string text, const Limits& limits = {}) {
  auto bytes = std::make_unique<const std::string>(std::move(text));
  auto message = parse(*bytes, limits);
  REQUIRE(message.has_value());
  return {std::move(*message), std::move(bytes)};
}

std::string first_text(std::string text) { return text_of(parsed(std::move(text)).parts[0]).text; }

bool is_read(const std::string& bytes, const Limits& limits = {}) { return parse(bytes, limits).has_value(); }

MessageError::Code refused(const std::string& bytes, const Limits& limits = {}) {
  const auto message = parse(bytes, limits);
  REQUIRE_FALSE(message.has_value());
  CHECK_FALSE(message.error().text.empty());
  return message.error().code;
}

std::string types(const Message& message) {
  std::string out;
  for (const Part& part : message.parts) {
    out += std::string(static_cast<std::size_t>(part.depth), ' ') + part.type + "\n";
  }
  return out;
}

// Bounds are on the order of magnitude; a sanitizer's build takes its time.
constexpr auto kSoon = std::chrono::seconds{20};

template <typename Action>
void in_time(Action action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  CHECK(std::chrono::steady_clock::now() - start < kSoon);
}

}  // namespace

TEST_CASE("a DSN's tree is listed in the order of the text", "[mail][message]") {
  const Kept message = parsed(
      "Content-Type: multipart/report; report-type=Delivery-Status;\n boundary=\"b1\"\nSubject: x\n\npreamble\n"
      "--b1\n\nSorry.\n--b1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nAction: failed\n\n"
      "--b1\nContent-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=b2\n\n"
      "--b2\n\ntext\n--b2--\n--b1--\nepilogue\n");
  CHECK(types(message) ==
        "multipart/report\n text/plain\n message/delivery-status\n message/rfc822\n  multipart/mixed\n   text/plain\n");
  CHECK(message.parts[0].report_type == "delivery-status");
  CHECK(text_of(message.parts[1]).text == "Sorry.");
  CHECK(text_of(message.parts[2]).text == "Reporting-MTA: dns; a\n\nAction: failed\n");
  REQUIRE(find(message.parts[3].enclosed_fields, "subject") != nullptr);
  CHECK(*find(message.parts[3].enclosed_fields, "subject") == "inner");
  CHECK(text_of(message.parts[5]).text == "text");
}

TEST_CASE("text comes as UTF-8 whatever it was written in", "[mail][message]") {
  CHECK(first_text("Content-Type: text/plain; charset=iso-8859-1\n\nna\xEFve") == "naïve");
  CHECK(first_text("Content-Type: text/plain; charset=koi8-r\n\n\xC4\xC1") == "да");
  CHECK(first_text(
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nna=C3=AFve=\n!") ==
        "naïve!");
  CHECK(first_text("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nbmHDr3Zl\n") ==
        "naïve");
  CHECK(first_text("\n\x1b$B$M$3\x1b(B") == "ねこ");
}

TEST_CASE("what can't be decoded gives what can be had", "[mail][message]") {
  CHECK(first_text("Content-Type: text/plain; charset=klingon\n\nplain") == "plain");
  CHECK(first_text("Content-Type: text/plain; charset=klingon\n\n\xFF\xFE x").find("x") != std::string::npos);
  CHECK(first_text("Content-Type: text/plain; charset=utf-8\n\na\xFFz") == "a\xEF\xBF\xBDz");
  CHECK(first_text("Content-Transfer-Encoding: base64\n\n!!aGVs*bG8=") == "hello");
  CHECK(parsed("Content-Type: nonsense\n\nhello").parts[0].type == "text/plain");
  CHECK(first_text("Content-Type: text/plain; charset=utf-8\n\na" + std::string(1, '\0') + "b") == "a b");
}

TEST_CASE("a multipart that lost its boundary is read all the same", "[mail][message]") {
  const Kept guessed = parsed("Content-Type: multipart/mixed\n\n--abc123xyz\n\none\n--abc123xyz--\n");
  CHECK(types(guessed) == "multipart/mixed\n text/plain\n");
  CHECK(text_of(guessed.parts[1]).text == "one");
  const Kept none = parsed("Content-Type: multipart/mixed; boundary=never\n\nall of the text\n");
  CHECK(text_of(none.parts[0]).text == "all of the text\n");
  const Kept unfolded = parsed("Content-Type: multipart/mixed;\nboundary=\"b1\"\n\n--b1\n\none\n--b1--\n");
  CHECK(types(unfolded) == "multipart/mixed\n text/plain\n");
}

TEST_CASE("a part cut off in its header ends at the next boundary", "[mail][message]") {
  const Kept message = parsed(
      "Content-Type: multipart/mixed; boundary=\"b:1\"\n\n--b:1\nContent-Type: message/rfc822\n\nSubject: cut\n--b:1\n"
      "Content-Type: text/html\n\nlast\n--b:1--\n");
  CHECK(types(message) == "multipart/mixed\n message/rfc822\n  text/plain\n text/html\n");
  CHECK(text_of(message.parts[3]).text == "last");
}

TEST_CASE("an outer boundary ends what is open within", "[mail][message]") {
  const Kept message = parsed(
      "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; "
      "boundary=in\n\n--in\n\none\n"
      "--out\n\ntwo\n--out--\n");
  CHECK(types(message) == "multipart/mixed\n multipart/mixed\n  text/plain\n text/plain\n");
  CHECK(text_of(message.parts[2]).text == "one");
  CHECK(text_of(message.parts[3]).text == "two");
}

TEST_CASE("a boundary that is the beginning of another one isn't mistaken for it", "[mail][message]") {
  const Kept message = parsed(
      "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; "
      "boundary=bb\n\n--bb\n\none\n--bb--\n"
      "--b\n\ntwo\n--b--\n");
  CHECK(types(message) == "multipart/mixed\n multipart/mixed\n  text/plain\n text/plain\n");
}

TEST_CASE("an enclosed message that came encoded is opened, once", "[mail][message]") {
  const Kept message =
      parsed("Content-Type: message/global\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW5uZXIKCmhlbGxvCg==\n");
  CHECK(types(message) == "message/global\n text/plain\n");
  CHECK(*find(message.parts[0].enclosed_fields, "Subject") == "inner");
  CHECK(text_of(message.parts[1]).text == "hello\n");
}

TEST_CASE("file names are decoded and attachments are known", "[mail][message]") {
  const Kept message = parsed(
      "Content-Type: application/zip; name=\"=?utf-8?Q?na=C3=AFve.zip?=\"\nContent-Disposition: Attachment\n\nPK\n");
  CHECK(message.parts[0].file_name == "naïve.zip");
  CHECK(message.parts[0].is_attachment);
  CHECK(text_of(message.parts[0]).text.empty());
  CHECK(parsed("Content-Disposition: attachment; filename*=utf-8''na%C3%AFve.exe\n\nx").parts[0].file_name ==
        "naïve.exe");
}

TEST_CASE("each limit holds on both of its sides", "[mail][message][limits]") {
  Limits limits;
  limits.message = 100;
  CHECK(is_read("Subject: x\n\n" + std::string(88, 'a'), limits));
  CHECK(refused("Subject: x\n\n" + std::string(89, 'a'), limits) == MessageError::Code::too_large);

  limits = {};
  limits.header_fields = 2;
  CHECK(is_read("A: 1\nB: 2\n\n", limits));
  CHECK(refused("A: 1\nB: 2\nC: 3\n\n", limits) == MessageError::Code::too_many_fields);
  CHECK(parse_header("A: 1\nB: 2\n\n", limits).has_value());
  CHECK_FALSE(parse_header("A: 1\nB: 2\nC: 3\n\n", limits).has_value());

  limits = {};
  limits.parts = 3;
  const std::string two = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b\n\n2\n";
  CHECK(is_read(two + "--b--\n", limits));
  CHECK(refused(two + "--b\n\n3\n--b--\n", limits) == MessageError::Code::too_many_parts);

  limits = {};
  limits.depth = 1;
  CHECK(is_read(two, limits));
  CHECK(refused("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nA: 1\n\nx\n",
                limits) == MessageError::Code::too_deep);

  const Kept eleven = parsed("A: 1\n\n" + std::string(11, 'x'));
  CHECK(text_of(eleven.parts[0], 10).text.size() == 10);
  CHECK(text_of(eleven.parts[0], 10).cut);
  CHECK_FALSE(text_of(eleven.parts[0], 11).cut);
}

TEST_CASE("NUL octets in the header are left out", "[mail][message]") {
  using namespace std::string_literals;
  const Kept message = parsed("Subject: a\0b\nX-\0A: 1\n\0\0\n\0 2\nTo: c\n\nbody\n"s);
  REQUIRE(message.fields.size() == 3);
  CHECK(message.fields[0].value == "ab");
  CHECK(message.fields[1].name == "X-A");
  CHECK(message.fields[1].value == "1 2");
  CHECK(message.fields[2].value == "c");
  CHECK(text_of(message.parts[0]).text == "body\n");
  const auto fields = parse_header("\0\0Subject: a\0\n\nx"s, {});
  REQUIRE(fields.has_value());
  REQUIRE(fields->size() == 1);
  CHECK((*fields)[0].name == "Subject");
  CHECK((*fields)[0].value == "a");
}

TEST_CASE("NUL octets in a part's header are left out, those of a body aren't", "[mail][message]") {
  using namespace std::string_literals;
  const Kept message =
      parsed("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/\0html\n\nx\0y\n--b--\n"s);
  REQUIRE(message.parts.size() == 2);
  CHECK(message.parts[1].type == "text/html");
  CHECK(message.parts[1].body == "x\0y"s);
}

TEST_CASE("lines of white space before the header are no part of it", "[mail][header]") {
  using namespace std::string_literals;
  const auto begin = GENERATE(as<std::string>{}, " \n", "\t\r\n", "   \n \t \r\n", "\r\n  \r\n\r\n", "\0\0\n"s,
                              "\xEF\xBB\xBF \n", "  \nFrom a@example.org Tue\n", "From a@example.org Tue\n   \n");
  CAPTURE(begin);
  const std::string bytes = begin + "Received: from x by y; date\nSubject: z\n\nbody\n";
  const auto fields = parse_header(bytes, {});
  REQUIRE(fields.has_value());
  REQUIRE(fields->size() == 2);
  CHECK((*fields)[0].name == "Received");
  const Kept message = parsed(bytes);
  CHECK(message.fields.size() == 2);
  CHECK(text_of(message.parts[0]).text == "body\n");
}

TEST_CASE("a header that begins with a folded line's rest, or after an empty line behind `From `, has no fields",
          "[mail][header]") {
  const auto bytes =
      GENERATE(as<std::string>{}, " rest of a line\nSubject: z\n\nbody\n", "From a@example.org Tue\n\nSubject: z\n");
  CAPTURE(bytes);
  const auto fields = parse_header(bytes, {});
  REQUIRE(fields.has_value());
  CHECK(fields->empty());
}

TEST_CASE("a message of nothing but line ends, white space and NUL octets is empty", "[mail][message][limits]") {
  using namespace std::string_literals;
  CHECK(refused("") == MessageError::Code::empty);
  CHECK(refused("\r\n\r\n") == MessageError::Code::empty);
  CHECK(refused(" \n\t\n"s) == MessageError::Code::empty);
  CHECK(refused(std::string(1000, '\0')) == MessageError::Code::empty);
  CHECK(is_read("Subject: ab\n\nx\0"s));
}

TEST_CASE("a tree 10,000 deep is refused at once", "[mail][message][hostile]") {
  std::string multiparts;
  std::string messages;
  for (int i = 0; i < 10'000; ++i) {
    const std::string b = "b" + std::to_string(i);
    multiparts += "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n";
    messages += "Content-Type: message/rfc822\n\n";
  }
  in_time([&] { CHECK(refused(multiparts) == MessageError::Code::too_deep); });
  in_time([&] { CHECK(refused(messages) == MessageError::Code::too_deep); });
}

TEST_CASE("large and strange input is read or refused in linear time", "[mail][message][hostile]") {
  Limits wide;
  wide.message = 70U << 20U;
  in_time([&] {
    const Kept line = parsed("Subject: x\n\n" + std::string(64U << 20U, 'x'), wide);
    CHECK(text_of(line.parts[0]).cut);
  });
  in_time([&] { CHECK(is_read("Subject: " + std::string(64U << 20U, 'x') + "\n\n", wide)); });
  in_time([&] { CHECK(refused(std::string(32U << 20U, '\0')) == MessageError::Code::empty); });
  in_time([&] { CHECK(is_read("Subject: " + std::string(16U << 20U, '\0') + "\n\n")); });
  in_time([&] {
    std::string blanks;
    while (blanks.size() < (16U << 20U)) blanks += " \r\n\r\r\n\t\n";
    CHECK(is_read(blanks + "Subject: x\n\n"));
    CHECK(is_read(blanks + " x\r \r"));
  });
  in_time([&] {
    std::string fields;
    for (int i = 0; i < 1'000'000; ++i) fields += "X-A: 1\n";
    CHECK(refused(fields + "\n") == MessageError::Code::too_many_fields);
  });
  in_time([&] {
    // As many boundaries as the depth allows, and lines that nearly match each.
    std::string nested;
    for (int i = 0; i < 40; ++i) {
      const std::string b = std::string(200, 'b') + std::to_string(i);
      nested += "Content-Type: multipart/mixed; boundary=" + b + "\n\n--" + b + "\n";
    }
    nested += "\n";
    const std::string near_miss = "--" + std::string(200, 'b') + "\n";
    while (nested.size() < (8U << 20U)) nested += near_miss;
    CHECK(is_read(nested));
  });
  in_time([&] {
    std::string folded = "Subject: x";
    while (folded.size() < (16U << 20U)) folded += "\n a";
    CHECK(is_read(folded + "\n\n"));
  });
}

TEST_CASE("the header is read as written, unfolded and trimmed", "[mail][header]") {
  const auto fields =
      parse_header("From a@example.org Tue\r\nSubject :  one\r\n\ttwo \r\nX-Empty:\r\n\r\nbody: no\r\n", {});
  REQUIRE(fields.has_value());
  REQUIRE(fields->size() == 2);
  CHECK((*fields)[0].name == "Subject");
  CHECK((*fields)[0].value == "one two");
  CHECK((*fields)[1].value.empty());
  CHECK(find(*fields, "sUBJECT") == &(*fields)[0].value);
  CHECK(find(*fields, "body") == nullptr);
}

TEST_CASE("a header that ends without a blank line ends at what is no field", "[mail][header]") {
  const Kept message = parsed("Subject: x\nThis is text\nand more text\n");
  CHECK(message.fields.size() == 1);
  CHECK(text_of(message.parts[0]).text == "This is text\nand more text\n");
  const auto junk = parse_header("A: 1\n>From somebody\nB: 2\n\n", {});
  REQUIRE(junk.has_value());
  CHECK(junk->size() == 2);
}

TEST_CASE("encoded words are decoded, broken ones are left", "[mail][header]") {
  CHECK(decoded("=?utf-8?Q?na=C3=AFve?= x") == "naïve x");
  CHECK(decoded("=?iso-2022-jp?B?GyRCJE0kMxsoQg==?=") == "ねこ");
  CHECK(decoded("plain") == "plain");
  CHECK(decoded("na\xEFve") == "naïve");
  CHECK(decoded("=?utf-8?Q?broken") == "=?utf-8?Q?broken");
}

TEST_CASE("the first address is found in every form", "[mail][header]") {
  CHECK(first_address("<a@Example.ORG>") == "a@example.org");
  CHECK(first_address("\"Doe, J.\" <J.Doe@example.org>, other@example.org") == "J.Doe@example.org");
  CHECK(first_address("MAILER-DAEMON@example.org (Mail Delivery System)") == "MAILER-DAEMON@example.org");
  CHECK(first_address("(comment (nested)) a@example.org") == "a@example.org");
  CHECK(first_address("Mail Delivery Subsystem <MAILER-DAEMON>") == "MAILER-DAEMON");
  CHECK(first_address("MAILER-DAEMON <>").empty());
  CHECK(first_address("<@relay.example,@b.example:a@example.org>") == "a@example.org");
  CHECK(first_address("undisclosed-recipients:;").empty());
  CHECK(first_address("friends: a@example.org, b@example.org;") == "a@example.org");
  CHECK(first_address("\"a b\"@example.org") == "\"a b\"@example.org");
  CHECK(first_address("").empty());
}
