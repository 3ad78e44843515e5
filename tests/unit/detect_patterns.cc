// Patterns taken apart, and the literals that a match requires.
#include "../../ingest/detect/alternatives.h"
#include "../../ingest/detect/known_literals.h"
#include "../../ingest/detect/literal_set.h"
#include "../../ingest/detect/pattern_matcher.h"
#include "../../ingest/detect/signature_reader.h"
#include "../../ingest/detect/telling_literals.h"
#include "catch.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace blowback::detect;  // NOLINT(google-build-using-namespace): a test's own file

namespace {

[[nodiscard]] std::vector<std::string> patterns_of(std::string_view pattern) {
  std::vector<std::string> out;
  for (Alternative& alternative : alternatives_of(pattern)) out.push_back(std::move(alternative.pattern));
  return out;
}

[[nodiscard]] std::string beginning_of(std::string_view pattern) {
  const std::vector<Alternative> all = alternatives_of(pattern);
  REQUIRE(all.size() == 1);
  return all.front().beginning;
}

[[nodiscard]] std::optional<Telling> none(std::string_view /*alternative*/) { return std::nullopt; }

// Whether a matcher with this pattern alone finds it.
[[nodiscard]] bool matches(std::string_view pattern, std::string_view text, bool is_by_line = false) {
  PatternMatcher matcher(is_by_line, none);
  matcher.add(pattern, 0);
  return !matcher.match(text).empty();
}

[[nodiscard]] bool matches_by_itself(std::string_view pattern, std::string_view text) {
  RE2::Options any_case;
  any_case.set_case_sensitive(false);
  const RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), any_case);
  REQUIRE(compiled.ok());
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), compiled);
}

// Random patterns and texts of few letters, so that many match.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  std::size_t below(std::size_t end) { return engine_() % end; }

  std::string pattern(int depth = 0) {
    std::string out;
    if (depth == 0 && below(2) == 0) out = "^";
    for (std::size_t pieces = 1 + below(3); pieces > 0; --pieces) {
      std::string piece = word();
      if (depth < 3 && below(2) == 0) {
        piece = (below(2) == 0 ? "(" : "(?:") + pattern(depth + 1);
        for (std::size_t more = below(3); more > 0; --more) piece += "|" + pattern(depth + 1);
        piece += ")";
      }
      constexpr std::array<std::string_view, 8> kRepetitions{"", "", "", "", "?", "*", "+", "{1,2}"};
      out += piece;
      out += kRepetitions.at(below(kRepetitions.size()));
    }
    return out;
  }

  std::string text() {
    std::string out;
    for (std::size_t words = 1 + below(5); words > 0; --words) out += word();
    return out;
  }

 private:
  std::string word() {
    constexpr std::array<std::string_view, 12> kWords{"a", "b", "abc", "cab", "B",    "ABC",
                                                      " ", "ä", "Ä",   "退",  "bcab", "cabc"};
    return std::string(kWords.at(below(kWords.size())));
  }

  std::mt19937 engine_;  // NOLINT: the same each run
};

}  // namespace

TEST_CASE("a pattern is taken apart where it consists of alternatives", "[detect][patterns]") {
  CHECK(patterns_of("one|two (three|four)") == std::vector<std::string>{"one", "two (three|four)"});
  CHECK(patterns_of("(?m)^(from|reply-(to|by)): x") ==
        std::vector<std::string>{"(?m)^from: x", "(?m)^reply-(to|by): x"});
  CHECK(patterns_of("^(|re: ?)(out|away)") == std::vector<std::string>{"^out", "^away", "^re: ?(out|away)"});
  CHECK(patterns_of("(^|[<|\" ])(news|info)@") == std::vector<std::string>{"^news@", "^info@", "[<|\" ](news|info)@"});
  CHECK(patterns_of("^(a|b)?c") == std::vector<std::string>{"^(a|b)?c"});
  CHECK(patterns_of("Ä[B|C]\\|D|(?P<Name>E)|\\PL") == std::vector<std::string>{"ä[b|c]\\|d", "(?P<Name>e)", "\\PL"});
}

TEST_CASE("a text that matches begins with the letters after the anchor", "[detect][patterns]") {
  CHECK(beginning_of("^Out of office") == "out of office");
  CHECK(beginning_of("(?m)^X-Failed\\.: *y") == "x-failed.:");
  CHECK(beginning_of("^colou?r") == "colo");
  CHECK(beginning_of("^fällä*") == "fäll");
  CHECK(beginning_of("^ab{0,2}") == "a");
  CHECK(beginning_of("^ab+") == "ab");
  CHECK(beginning_of("^a\\b") == "a");
  CHECK(beginning_of("out of office").empty());
}

TEST_CASE("a pattern of characters alone needs no automaton", "[detect][patterns]") {
  const auto plain = [](std::string_view pattern) { return alternatives_of(pattern).front().plain; };
  CHECK(plain("Out of \\(the\\) office") == "out of (the) office");
  CHECK(plain("^Ärger: ") == "ärger: ");
  CHECK(plain("(?m)^x-loop") == "x-loop");
  CHECK(plain("out.of office").empty());
  CHECK(plain("offices?").empty());
  CHECK(plain("office$").empty());
  CHECK(plain("\\bout").empty());
  CHECK(plain("(?s)out").empty());
  CHECK(plain("\\[:alpha:]").empty());
}

TEST_CASE("how far a match of a pattern reaches is known", "[detect][patterns]") {
  const auto octets = [](std::string_view pattern) { return alternatives_of(pattern).front().reach.octets; };
  const auto blanks = [](std::string_view pattern) { return alternatives_of(pattern).front().reach.blanks; };
  CHECK(octets("out of office") == 13);
  CHECK(octets("^colou?r$") == 6);
  CHECK(octets("a(b|cde|(?:f|gh){1,2})?x") == 6);
  CHECK(octets("x(a|bcd){1,3}(?P<Name>y)") == 11);
  CHECK(octets("ä{2}") == 4);
  CHECK(octets("a.[b-d|)(]") >= 9);
  CHECK(octets("\\(\\{\\d") >= 3);
  CHECK(blanks("out of [^ .]* office") == 3);
  CHECK(blanks("your(?: [^ .;]+){0,4} (mail|letter)") == 5);
  CHECK(blanks("[a-z]+\\w*\\b\\d+\\S+ ") == 1);
  CHECK(blanks("a.") == 1);
  CHECK(octets("a(b|cde|(?:f|gh){1,2})+?x") == Reach::kUnlimited);
  for (const std::string_view pattern :
       {"a.*b", "a[^b]+", "[ab ]{3,}", "([^b]{2,})?", " {,2}", " {b}", " {12", "(?s) ", "\\x20", "[^[:alpha:]]+",
        "[[:blank:]]+", "[\\s]+", "\\W+", "\\s*", "(((.{1000}){1000}))"}) {
    CAPTURE(pattern);
    CHECK(octets(pattern) == Reach::kUnlimited);
    CHECK(blanks(pattern) == Reach::kUnlimited);
  }
}

TEST_CASE("a pattern finds the same whether all of a text is tried or only what a match can reach",
          "[detect][patterns][property]") {
  Random random(20261129);
  int matching = 0;
  for (int i = 0; i < 600; ++i) {
    constexpr std::array<std::string_view, 4> kGaps{"", "[^ ]*", "(?: [^ .]*){0,2} ?", ".*"};
    constexpr std::array<std::string_view, 4> kEnds{"", "", "$", "\\b"};
    const std::string pattern = random.pattern() + std::string(kGaps.at(random.below(kGaps.size()))) +
                                random.pattern(1) + std::string(kEnds.at(random.below(kEnds.size())));
    PatternMatcher matcher(false, none);
    matcher.add(pattern, 0);
    for (int j = 0; j < 10; ++j) {
      std::string text;
      for (std::size_t pieces = random.below(4); pieces > 0; --pieces)
        text += random.text() + std::string(random.below(40), random.below(2) == 0 ? 'z' : ' ');
      text += random.text();
      const bool is_match = matches_by_itself(pattern, text);
      matching += is_match ? 1 : 0;
      CAPTURE(pattern, text);
      if (matcher.match(text).empty() == is_match) CHECK(!matcher.match(text).empty() == is_match);
    }
  }
  CHECK(matching > 400);
}

TEST_CASE("a pattern finds the same whether or not it is taken apart", "[detect][patterns][property]") {
  Random random(20261128);
  int matching = 0;
  for (int i = 0; i < 600; ++i) {
    const std::string pattern = random.pattern();
    PatternMatcher matcher(false, none);
    matcher.add(pattern, 0);
    PatternMatcher by_line(true, none);
    by_line.add("(?m)" + pattern + "$", 0);
    for (int j = 0; j < 10; ++j) {
      const std::string text = random.text();
      const bool is_match = matches_by_itself(pattern, text);
      matching += is_match ? 1 : 0;
      CAPTURE(pattern, text);
      if (matcher.match(text).empty() == is_match) CHECK(!matcher.match(text).empty() == is_match);
      const std::string lines = text + "\n" + random.text() + "\n";
      const bool is_in_line = matches_by_itself("(?m)" + pattern + "$", lines);
      if (by_line.match(lines).empty() == is_in_line) CHECK(!by_line.match(lines).empty() == is_in_line);
    }
  }
  CHECK(matching > 600);
}

TEST_CASE("case is ignored in patterns that name letters by code or property", "[detect][patterns]") {
  CHECK(matches("\\x41bsent", "absent"));
  CHECK(matches("[[:upper:]]bc", "abc"));
  CHECK(matches("\\p{Lu}BC", "Abc"));
  CHECK(matches("ABSENT", "absent"));
  CHECK(matches("absent", "ABSENT"));
}

TEST_CASE("flags, quotations and ranges hold for the whole pattern", "[detect][patterns]") {
  CHECK(matches("(?im)^no such|^action: failed", "Reporting-MTA: x\nAction: failed\n"));
  CHECK(matches("(?s)no such|arrival.*failed", "Arrival: today\nfailed"));
  CHECK(matches("\\Qa|b", "A|B"));
  CHECK_FALSE(matches("\\Qa|b", "b"));
  CHECK(matches("[A-z]bc", "_BC"));
  CHECK_FALSE(matches("[!-Z]bc", "_bc"));
  CHECK(matches("[Ё-я]лка", "ЁЛКА"));
  CHECK(matches("[(?!]FOO", "?foo"));
  CHECK(matches("^([[:digit:])]a|b)c", "8AC"));
  CHECK(matches("[[:alpha:]|]x", "|X"));
}

TEST_CASE("letters of less common alphabets have both cases", "[detect][patterns]") {
  CHECK(matches("Ərtaf", "əRTAF"));
  CHECK(matches("Әлем", "әлем"));
  CHECK(matches("ӨЛЗИЙ", "өлзий"));
  CHECK(matches("հաղորդ", "ՀԱՂՈՐԴ"));
  CHECK(matches("ｅｒｒｏｒ", "ＥＲＲＯＲ"));
}

TEST_CASE("a group that would become too much text stays together", "[detect][patterns]") {
  std::string group = "^(a0";
  for (int i = 1; i < 290; ++i) group += "|a" + std::to_string(i);
  CHECK(alternatives_of(group + ")x").size() == 290);
  CHECK(alternatives_of(group + ")" + std::string(10'000, 'x')).size() == 1);
  for (int i = 290; i < 3000; ++i) group += "|a" + std::to_string(i);
  CHECK(alternatives_of(group + ")x").size() == 1);
}

TEST_CASE("with (?m) a pattern begins at any line of a text", "[detect][patterns]") {
  CHECK(matches("(?m)^action: failed", "Reporting-MTA: x\nAction: failed\n"));
  CHECK_FALSE(matches("^action: failed", "Reporting-MTA: x\nAction: failed\n"));
  CHECK(matches("(?m)^x-[a-z-]*scanner: found", "To: a\nX-My-Scanner: found\n", true));
}

TEST_CASE("the literals of every built-in pattern are known without compiling it", "[detect][patterns]") {
  const BuiltInTables built_in = built_in_tables();
  SignatureReader reader;
  for (const SignatureTable& table : built_in.tables) REQUIRE(reader.table(table, false).empty());
  std::size_t known = 0;
  for (const auto& matcher : matchers_for(reader.signatures, none)) {
    for (const std::string& alternative : matcher->alternatives()) {
      CAPTURE(alternative);
      const auto telling = known_literals(alternative);
      REQUIRE(telling.has_value());
      ++known;
      // Each literal is folded, and long enough to be searched.
      for (const std::vector<std::string>& one_of : *telling) {
        CHECK_FALSE(one_of.empty());
        for (const std::string& literal : one_of) {
          CHECK(literal.size() >= LiteralSet::kShortest);
          std::string folded;
          fold(literal, folded);
          CHECK(folded == literal);
        }
      }
    }
  }
  CHECK(known > 1000);
  CHECK_FALSE(known_literals("a pattern of an operator").has_value());
}

TEST_CASE("the literals that a match requires are alternatives within lists of which each is needed",
          "[detect][patterns]") {
  const std::array<std::string, 3> alternatives{"your .*(bounced|failed)", "[0-9]+", "mailbox.*full"};
  const std::vector<Telling> found = telling_literals(alternatives);
  REQUIRE(found.size() == 3);
  REQUIRE(found[0].size() == 2);
  CHECK(found[0][0].size() + found[0][1].size() == 3);
  CHECK(found[1].empty());
  CHECK(found[2].size() == 2);
}
