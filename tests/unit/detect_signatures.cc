// The signatures' data: it is well-formed, each line has a sample, and matching by literals finds the same as every pattern by itself.
#include "../../ingest/detect/delivery_status.h"
#include "../../ingest/detect/facts.h"
#include "../../ingest/detect/literal_set.h"
#include "../../ingest/detect/signature_set.h"
#include "catch.h"
#include "in_tree.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace blowback;          // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::detect;  // NOLINT(google-build-using-namespace)

namespace {

namespace fs = std::filesystem;

// The texts that the judge would match for one sample.
struct Asked {
  Place place;
  std::string text;
};

std::vector<Asked> asked_of_samples() {
  std::vector<Asked> out;
  for (const auto& entry : fs::directory_iterator(blowback::test::in_tree("tests/data/mail"))) {
    if (entry.path().extension() != ".eml") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    const auto message = mail::parse(bytes, {});
    if (!message) continue;
    Facts facts = facts_of({}, *message);
    read_text(facts);
    out.push_back({Place::subject, facts.subject});
    out.push_back({Place::from, facts.from_field});
    out.push_back({Place::header, facts.header});
    out.push_back({Place::text, facts.words});
    out.push_back({Place::status, facts.status_text});
    for (const RecipientStatus& recipient : parse_delivery_status(facts.status_text).recipients) {
      out.push_back({Place::diagnostic, recipient.diagnostic});
    }
    out.push_back({Place::diagnostic, facts.words});
  }
  return out;
}

std::set<std::string> names_of(const std::vector<const Signature*>& signatures) {
  std::set<std::string> out;
  for (const Signature* signature : signatures) out.insert(signature->name);
  return out;
}

std::string folded(std::string_view text) {
  std::string out;
  fold(text, out);
  return out;
}

std::string utf8_of(char32_t letter) {
  std::string out;
  const auto rest = [&](unsigned shift) { out += static_cast<char>(0x80U | ((letter >> shift) & 0x3FU)); };
  if (letter < 0x80) {
    out += static_cast<char>(letter);
  } else if (letter < 0x800) {
    out += static_cast<char>(0xC0U | (letter >> 6U));
    rest(0);
  } else if (letter < 0x10000) {
    out += static_cast<char>(0xE0U | (letter >> 12U));
    rest(6);
    rest(0);
  } else {
    out += static_cast<char>(0xF0U | (letter >> 18U));
    rest(12);
    rest(6);
    rest(0);
  }
  return out;
}

// Of valid UTF-8.
std::vector<char32_t> letters_of(std::string_view text) {
  std::vector<char32_t> out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet & 0xC0U) == 0x80U) {
      out.back() = (out.back() << 6U) | (octet & 0x3FU);
    } else {
      out.push_back(octet < 0x80 ? octet : octet & (octet < 0xE0 ? 0x1FU : octet < 0xF0 ? 0x0FU : 0x07U));
    }
  }
  return out;
}

// Every pattern by itself.
class OneByOne {
 public:
  OneByOne() {
    RE2::Options options;
    options.set_case_sensitive(false);
    for (const Signature& signature : SignatureSet::built_in().all()) {
      patterns_.push_back(std::make_unique<RE2>(signature.pattern, options));
    }
  }

  [[nodiscard]] std::set<std::string> match(const Asked& asked) const {
    std::set<std::string> out;
    const auto& all = SignatureSet::built_in().all();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].place == asked.place && RE2::PartialMatch(asked.text, *patterns_[i])) out.insert(all[i].name);
    }
    return out;
  }

 private:
  std::vector<std::unique_ptr<RE2>> patterns_;
};

}  // namespace

TEST_CASE("every signature has a name of its own, a weight and a pattern", "[detect][signatures]") {
  std::set<std::string> names;
  for (const Signature& signature : SignatureSet::built_in().all()) {
    CAPTURE(signature.name);
    CHECK(names.insert(signature.name).second);
    CHECK(signature.weight > 0);
    CHECK_FALSE(signature.pattern.empty());
    // A pattern that matches nothing is useless, and one that matches everything would accuse anybody.
    RE2::Options options;
    options.set_case_sensitive(false);
    CHECK_FALSE(RE2::PartialMatch("a", RE2(signature.pattern, options)));
  }
  CHECK(names.size() > 100);
}

TEST_CASE("every signature matches a sample", "[detect][signatures]") {
  std::set<std::string> shown;
  for (const Asked& asked : asked_of_samples()) {
    for (const std::string& name : names_of(SignatureSet::built_in().match(asked.place, asked.text)))
      shown.insert(name);
  }
  std::string missing;
  for (const Signature& signature : SignatureSet::built_in().all()) {
    if (!shown.contains(signature.name)) missing += signature.name + "\n";
  }
  INFO("signatures that no message in tests/data/mail matches:\n" << missing);
  CHECK(missing.empty());
}

TEST_CASE("matching by literals finds the same as every pattern by itself", "[detect][signatures][property]") {
  const OneByOne one_by_one;
  std::vector<Asked> texts = asked_of_samples();
  // Random texts, mixed from parts of the samples.
  std::mt19937 random(20261124);  // NOLINT: the same each run
  const std::size_t real = texts.size();
  for (int i = 0; i < 300; ++i) {
    std::string mixed;
    for (int piece = 0; piece < 6; ++piece) {
      const std::string& from = texts[random() % real].text;
      if (from.empty()) continue;
      const std::size_t begin = random() % from.size();
      mixed += from.substr(begin, random() % 300);
    }
    texts.push_back({static_cast<Place>(random() % 6), std::move(mixed)});
  }
  for (const Asked& asked : texts) {
    const auto found = names_of(SignatureSet::built_in().match(asked.place, asked.text));
    if (found != one_by_one.match(asked)) {
      CAPTURE(static_cast<int>(asked.place), asked.text);
      CHECK(found == one_by_one.match(asked));
    }
  }
}

TEST_CASE("letters are folded as by RE2, in the alphabets of all signatures", "[detect][signatures]") {
  std::set<char32_t> letters;
  for (const Signature& signature : SignatureSet::built_in().all()) {
    for (const char32_t letter : letters_of(signature.pattern)) letters.insert(letter);
  }
  std::string any;
  for (const char32_t letter : letters) any += RE2::QuoteMeta(utf8_of(letter));
  const RE2 any_of_them("(?i)^[" + any + "]$");
  REQUIRE(any_of_them.ok());
  std::size_t pairs = 0;
  for (char32_t other = 1; other < 0x20000; ++other) {
    if (other >= 0xD800 && other < 0xE000) continue;  // surrogates are no characters
    const std::string text = utf8_of(other);
    if (!RE2::PartialMatch(text, any_of_them)) continue;
    for (const char32_t letter : letters) {
      const std::string as_written = utf8_of(letter);
      if (letter == other || !RE2::FullMatch(text, "(?i)" + RE2::QuoteMeta(as_written))) continue;
      CAPTURE(as_written, text);
      CHECK(folded(as_written) == folded(text));
      ++pairs;
    }
  }
  CHECK(pairs > 100);
}

TEST_CASE("each literal is found anywhere in a text", "[detect][signatures]") {
  const LiteralSet set({"mail", "mailbox", "mailbox full", "box", "full", "вернуть", "退信"});
  const auto found = [&](std::string_view text) {
    const std::vector<int> numbers = set.found_in(folded(text));
    return std::multiset<int>(numbers.begin(), numbers.end());
  };
  CHECK(found("MAILBOX FULL") == std::multiset<int>{0, 1, 2, 3, 4});
  CHECK(found("a mail in the box, a mail") == std::multiset<int>{0, 0, 3});
  CHECK(found("mailbo") == std::multiset<int>{0});
  CHECK(found("\xC3ВЕРНУТЬ\xD0 退信") == std::multiset<int>{5, 6});
  CHECK(found("fu\xC5\xBFl Ma\xC3\xAFl").empty());
  CHECK(found("bo").empty());
  CHECK(LiteralSet(std::vector<std::string>{}).found_in("mail").empty());
}

TEST_CASE("wording that patterns share has a name", "[detect][signatures]") {
  constexpr std::array<std::string_view, 1> kTable{
      "let mail\t(message|mail)\nlet sent\t%{mail} (not )?sent\n"
      "one\ttext\tkind:dsn\t1\tyour %{sent}\ntwo\tsubject\torigin\t1\t^%{mail}$\n"};
  const SignatureSet set(kTable);
  CHECK(names_of(set.match(Place::text, "Your mail not sent")) == std::set<std::string>{"one"});
  CHECK(names_of(set.match(Place::subject, "message")) == std::set<std::string>{"two"});
  CHECK(set.match(Place::subject, "messages").empty());
  CHECK(set.all().size() == 2);
}

TEST_CASE("text made to blow up an automaton is still matched", "[detect][signatures]") {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += (i * 7919 % 13 == 0) ? "message mailbox size " : "exceeded user not ";
  CHECK_FALSE(SignatureSet::built_in().match(Place::diagnostic, text).empty());
}
