// The parts of a session: paths and parameters, the end of data, PROXY headers.
#include "catch.h"
#include "smtp/command.h"
#include "smtp/data_reader.h"
#include "smtp/proxy_header.h"

#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace blowback;
using namespace blowback::smtp;

namespace {

/// "": it is refused.
std::string rcpt(std::string_view argument, bool utf8 = false) {
  const auto path = parse_rcpt(argument, utf8);
  return path ? path->address : "";
}

struct Read {
  std::string message;
  std::string rest;
  bool ended = false;
  friend bool operator==(const Read&, const Read&) = default;
};

/// `input` read in pieces of at most `most` octets.
Read read(std::string_view input, std::size_t most) {
  DataReader reader;
  Read result;
  while (!input.empty()) {
    const auto taken = reader.read(input.substr(0, most), result.message);
    input.remove_prefix(taken.octets);
    if (taken.ended) {
      result.ended = true;
      result.rest = input;
      return result;
    }
  }
  return result;
}

std::string proxied(std::string_view octets) {
  const auto header = parse_proxy_header(octets);
  if (!header) return header.error() == ProxyFault::incomplete ? "incomplete" : "invalid";
  return (header->client ? header->client->to_string() : "-") + " " + std::to_string(header->octets);
}

}  // namespace

TEST_CASE("paths are parsed by RFC 5321", "[smtp]") {
  CHECK(rcpt("TO:<a@example.org>") == "a@example.org");
  CHECK(rcpt("to: <A.b+c@Example.ORG>") == "A.b+c@Example.ORG");
  CHECK(rcpt("TO:<@one.example,@two.example:a@example.org>") == "a@example.org");
  CHECK(rcpt("TO:<postmaster>") == "postmaster");
  CHECK(rcpt(R"(TO:<"a b"@example.org>)") == R"("a b"@example.org)");
  CHECK(rcpt(R"(TO:<"a.b"@example.org>)") == "a.b@example.org");
  CHECK(rcpt(R"(TO:<"a\b"@example.org>)") == "ab@example.org");
  CHECK(rcpt("TO:<a@[192.0.2.1]>") == "a@[192.0.2.1]");
  CHECK(rcpt("TO:<ü@example.org>", true) == "ü@example.org");
  for (const auto* const bad :
       {"TO:a@example.org", "TO:<a@example.org", "TO:<>", "TO:<a@>", "TO:<@>", "TO:<a b@example.org>", "TO:<a@b@c>",
        "TO:<a@exa mple.org>", "TO:<a@.example.org>", "FROM:<a@example.org>", "", R"(TO:<"a@example.org>)",
        "TO:<a@example.org> NOTIFY=NEVER", "TO:<a@example.org>x", "TO:<ü@example.org>", "TO:<@one:>", "TO:<a@[]>"}) {
    CAPTURE(bad);
    CHECK(rcpt(bad).empty());
  }
  CHECK(rcpt("TO:<" + std::string(600, 'a') + "@example.org>").empty());
}

TEST_CASE("parameters of MAIL are parsed, and unknown ones refused", "[smtp]") {
  const auto path = parse_mail("FROM:<> SIZE=1000 BODY=8BITMIME SMTPUTF8");
  REQUIRE(path);
  CHECK(path->address.empty());
  CHECK(path->size == 1000);
  CHECK(path->utf8);
  for (const auto* const bad :
       {"FROM:<> SIZE=", "FROM:<> SIZE=x", "FROM:<> SIZE=99999999999999999999", "FROM:<> SIZE=-1",
        "FROM:<> BODY=BINARYMIME", "FROM:<> RET=HDRS", "FROM:<> SMTPUTF8=1", "FROM:<>x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_mail(bad));
  }
}

TEST_CASE("a message ends at CR LF . CR LF only", "[smtp]") {
  for (const auto* const false_end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r",
                                      "\r\n.\r\r\n", "\r\n\n.\r\n", "\n\r.\r\n", "\r\n. \r\n", "\r\n..\r\n"}) {
    CAPTURE(false_end);
    const std::string input = std::string("first") + false_end + "MAIL FROM:<smuggled@example.org>\r\n.\r\nQUIT\r\n";
    for (std::size_t most = 1; most < 8; ++most) {
      const auto found = read(input, most);
      CHECK(found.ended);
      CHECK(found.rest == "QUIT\r\n");
      CHECK(found.message.ends_with("MAIL FROM:<smuggled@example.org>\r\n"));
    }
  }
}

TEST_CASE("stuffed dots are removed, and nothing else", "[smtp]") {
  CHECK(read(".\r\n", 9) == Read{"", "", true});
  CHECK(read("..\r\n.\r\n", 9).message == ".\r\n");
  CHECK(read(".x\r\n.\r\n", 9).message == "x\r\n");
  CHECK(read("a\r\n\r\n.\r\n", 9).message == "a\r\n\r\n");
  CHECK(read("a\rb\nc\r\n.\r\n", 9).message == "a\rb\nc\r\n");
  CHECK(read(std::string_view("a\0b\r\n.\r\n", 8), 9).message == std::string("a\0b\r\n", 5));
  CHECK_FALSE(read("a\r\n.\r", 9).ended);
}

TEST_CASE("a message read in any pieces is the same as one read at once", "[smtp]") {
  std::mt19937 dice(1);  // NOLINT(cert-msc51-cpp): the same each time
  constexpr std::string_view kOctets = "..\r\r\n\n\r\nx";
  for (int i = 0; i < 20'000; ++i) {
    std::string input;
    const auto length = dice() % 24;
    for (unsigned k = 0; k < length; ++k) input += kOctets[dice() % kOctets.size()];
    const auto whole = read(input, input.size() + 1);
    for (std::size_t most = 1; most < 5; ++most) REQUIRE(read(input, most) == whole);
    // Sequences that look like the end.
    const auto end = ("\r\n" + input).find("\r\n.\r\n");
    REQUIRE(whole.ended == (end != std::string::npos));
    if (whole.ended) REQUIRE(whole.rest == input.substr(end + 3));
  }
}

TEST_CASE("PROXY headers of both versions name the client", "[smtp]") {
  CHECK(proxied("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO") == "192.0.2.1 44");
  CHECK(proxied("PROXY TCP6 2001:db8::1 2001:db8::2 56324 25\r\n") == "2001:db8::1 45");
  CHECK(proxied("PROXY UNKNOWN\r\n") == "- 15");
  CHECK(proxied("PROXY TCP4 192.0.2.1 198") == "incomplete");
  CHECK(proxied("") == "incomplete");
  const std::string head{"\r\n\r\n\0\r\nQUIT\n", 12};
  const std::string v4 = head + std::string("\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\xdc\4\0\x19", 16);
  CHECK(proxied(v4) == "192.0.2.1 28");
  CHECK(proxied(v4.substr(0, 20)) == "incomplete");
  CHECK(proxied(head + std::string("\x20\0\0\0", 4)) == "- 16");
  CHECK(proxied(head + std::string("\x21\x21\0\x24", 4) + std::string("\x20\1\x0d\xb8", 4) + std::string(11, '\0') +
                "\1" + std::string(20, '\0')) == "2001:db8::1 52");
}

TEST_CASE("other input is an invalid PROXY header, not an incomplete one", "[smtp]") {
  for (const auto* const bad : {"EHLO a\r\n", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP4 192.0.2.1\r\n",
                                "PROXY TCP9 192.0.2.1 192.0.2.2 1 2\r\n", "\r\n\r\nX"}) {
    CAPTURE(bad);
    CHECK(proxied(bad) == "invalid");
  }
  CHECK(proxied("PROXY " + std::string(200, 'x')) == "invalid");
  const std::string head{"\r\n\r\n\0\r\nQUIT\n", 12};
  CHECK(proxied(head + std::string("\x31\x11\0\x0c", 4)) == "invalid");
  CHECK(proxied(head + std::string("\x21\x11\xff\xff", 4)) == "invalid");
  CHECK(proxied(head + std::string("\x21\x11\0\4abcd", 8)) == "invalid");
}
