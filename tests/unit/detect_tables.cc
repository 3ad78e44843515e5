// Tables of signatures that an operator writes: what they can do, and how their errors read.
#include "catch.h"
#include "detect/judge.h"
#include "detect/signature_set.h"
#include "mail/message.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace blowback;
using detect::SignatureSet;
using detect::SignatureTable;

namespace {

std::unique_ptr<const SignatureSet> with(std::string_view text) {
  const std::array<SignatureTable, 1> tables{{{.name = "mine.tsv", .text = text}}};
  auto made = SignatureSet::with(tables);
  if (!made) FAIL(made.error());
  return *std::move(made);
}

std::string error_of(std::string_view text) {
  const std::array<SignatureTable, 1> tables{{{.name = "mine.tsv", .text = text}}};
  const auto made = SignatureSet::with(tables);
  return made ? "" : made.error();
}

Kind judged(const std::string& text, const SignatureSet& signatures) {
  const std::string bytes =
      "Return-Path: <>\nFrom: robot@example.com\nTo: trap@trap.example.net\nSubject: hm\n\n" + text + "\n";
  const auto message = mail::parse(bytes, mail::Limits{});
  REQUIRE(message.has_value());
  return detect::judge({}, *message, {}, signatures).kind;
}

}  // namespace

TEST_CASE("a line of an operator teaches the judge a mailer", "[detect][tables]") {
  const std::string text = "Your kaboodle came back: bob@example.org";
  CHECK(judged(text, SignatureSet::built_in()) == Kind::not_backscatter);
  CHECK(judged(text, *with("mine\ttext\tkind:dsn\t2\tkaboodle came back\n")) == Kind::dsn);
}

TEST_CASE("conditions of an operator combine what his lines and the structure show", "[detect][tables]") {
  const auto set = with(
      "let thing\tkaboodle|caboodle\n"
      "mine-a\ttext\tfeature:kaboodle\t0\t%{thing}\n"
      "mine-b\tstructure\tkind:challenge\t2\tkaboodle null-reverse-path !link\n");
  CHECK(judged("the caboodle waits", *set) == Kind::challenge);
  CHECK(judged("the caboodle waits at https://example.org", *set) == Kind::not_backscatter);
  CHECK(judged("nothing waits", *set) == Kind::not_backscatter);
}

TEST_CASE("a built-in signature can be removed and written anew", "[detect][tables]") {
  const std::string text = "this is the qmail-send program. bob@example.org";
  CHECK(judged(text, SignatureSet::built_in()) == Kind::dsn);
  CHECK(judged(text, *with("without qmail-opening\nwithout product-qmail-text\n")) != Kind::dsn);
  CHECK(judged(text, *with("without qmail-opening\nqmail-opening\ttext\tkind:dsn\t2\tqmail-send\n")) == Kind::dsn);
}

TEST_CASE("an error names the file, the line, and how to mend it", "[detect][tables]") {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"# one\nmine\ttext\tkind:dsn\t2\n",
       "mine.tsv:2: it has 4 columns; a signature has five, with tabs between them"},
      {"mine text kind:dsn 2 words\n", "mine.tsv:1: it has 1 column; a signature has five"},
      {"\ttext\tkind:dsn\t2\twords\n", "mine.tsv:1: the first column, the signature's name, is empty"},
      {"mine\tbody\tkind:dsn\t2\twords\n", "no place \"body\"; it is subject, from, header, text"},
      {"mine\ttext\tkind:bounce\t2\twords\n", "no claim \"kind:bounce\"; it is kind:KIND"},
      {"mine\ttext\torigin:yes\t2\twords\n", "no claim \"origin:yes\""},
      {"mine\ttext\tfeature:\t0\twords\n", "no claim \"feature:\""},
      {"mine\ttext\tkind:dsn\tmuch\twords\n", "the weight \"much\" is no number from 0 to 20"},
      {"mine\ttext\tkind:dsn\t-1\twords\n", "the weight \"-1\" is no number"},
      {"mine\ttext\tkind:dsn\tnan\twords\n", "the weight \"nan\" is no number"},
      {"mine\ttext\tkind:dsn\t21\twords\n", "the weight \"21\" is no number from 0 to 20"},
      {"mine\ttext\tkind:dsn\t2\t\n", "the pattern is empty"},
      {"mine\ttext\tkind:dsn\t2\t(words\n", "not a pattern of RE2: missing )"},
      {"mine\ttext\tkind:dsn\t2\t(words)?\n", "matches an empty text"},
      {"mine\ttext\tkind:dsn\t2\t%{words}\n", "no wording \"words\"; a line `let NAME TAB pattern` above defines it"},
      {"let a\tone\nlet a\ttwo\n", "mine.tsv:2: the wording \"a\" is already defined above"},
      {"mine\tstructure\tkind:dsn\t2\tnull-path\n", "no feature \"null-path\"; docs/signatures.md lists them"},
      {"mine\tstructure\tkind:dsn\t2\t\n", "a condition names at least one feature"},
      {"without qmail\n", "no signature \"qmail\" that could be removed"}};
  for (const auto& [text, error] : wrong) {
    CAPTURE(text);
    CHECK_THAT(error_of(text), Catch::Contains(error) && Catch::StartsWith("mine.tsv:"));
  }
}

TEST_CASE("a table has limits", "[detect][tables]") {
  CHECK_THAT(error_of(std::string((1U << 20U) + 1, '#')), Catch::Contains("longer than 1048576 octets"));
  std::string many;
  for (int i = 0; i <= 10'000; ++i) many += "#\n";
  CHECK_THAT(error_of(many), Catch::Contains("more than 10000 lines"));
  CHECK_THAT(error_of("mine\ttext\tkind:dsn\t2\t" + std::string(40'000, 'x') + "\n"),
             Catch::Contains("longer than 32768"));
  // Each line doubles the one before.
  std::string growing = "let w0\txxxxxxxxxx\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "%{w" + std::to_string(i - 1) + "}";
    growing += "let w" + std::to_string(i) + "\t" + before + before + "\n";
  }
  CHECK_THAT(error_of(growing), Catch::Contains("longer than 32768"));
  // Few lines, many octets.
  std::string wide = "let w\t" + std::string(16'000, 'x') + "\n";
  for (int i = 0; i < 100; ++i)
    wide += "mine" + std::to_string(i) + "\ttext\tkind:dsn\t2\t%{w}" + std::to_string(i) + "\n";
  CHECK_THAT(error_of(wide),
             Catch::Contains("mine.tsv:67: with their wordings inserted, the patterns up to here are longer"));
}

TEST_CASE("a table with the line ends of Windows, or without a last one, is read", "[detect][tables]") {
  const std::string text = "Your kaboodle came back: bob@example.org";
  CHECK(judged(text, *with("# mine\r\nmine\ttext\tkind:dsn\t2\tkaboodle came back\r\n")) == Kind::dsn);
  CHECK(judged(text, *with("mine\ttext\tkind:dsn\t2\tkaboodle came back")) == Kind::dsn);
  CHECK(judged(text, *with("\xEF\xBB\xBFmine\ttext\tkind:dsn\t2\tkaboodle came back\n")) == Kind::dsn);
}
