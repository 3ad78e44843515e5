// The signatures' data: it is well-formed, each line has a sample, and matching by literals finds the same as every pattern by itself.
#include "../../ingest/detect/delivery_status.h"
#include "../../ingest/detect/facts.h"
#include "../../ingest/detect/literal_set.h"
#include "../../ingest/detect/signature_set.h"
#include "../../ingest/detect/weigh.h"
#include "catch.h"
#include "in_tree.h"
#include "sanitized.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace blowback;          // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::detect;  // NOLINT(google-build-using-namespace)

namespace {

namespace fs = std::filesystem;

constexpr std::array kPlacesOfRules{Place::envelope, Place::glanced, Place::structure};

// A text that the judge matches for one sample, in the order in which it does.
struct Asked {
  Place place;
  std::string text;
};

// What the judge evaluates for one sample.
struct Evaluated {
  std::vector<Asked> texts;
  std::set<std::string> rules;  ///< the names of the conditions that hold
};

Evaluated evaluated(std::string_view bytes) {
  Evaluated out;
  const auto message = mail::parse(bytes, {});
  if (!message) return out;
  const SignatureSet& signatures = SignatureSet::built_in();
  const auto add_rules = [&](Place place, const FeatureSet& features) {
    for (const Signature& rule : signatures.rules(place)) {
      if (holds(rule, features)) out.rules.insert(rule.name);
    }
  };
  const std::array<std::string, 1> traps{"trap@trap.example.net"};
  Facts facts = facts_of({}, *message, traps);
  Weighing weighing(signatures, facts);
  out.texts = {{Place::subject, facts.subject}, {Place::from, facts.from_field}, {Place::header, facts.header}};
  const bool is_read = weighing.header();
  add_rules(Place::envelope, weighing.features());
  if (!is_read) return out;
  read_text(facts);
  const bool has_report = facts.status != nullptr || facts.disposition != nullptr;
  const auto is_worth_reading = [&] {
    return has_report || weighing.features().has(Feature::by_program) ||
           weighing.features().has(Feature::worth_reading);
  };
  const bool is_glanced_at = !is_worth_reading();
  const DeliveryStatus status =
      parse_delivery_status(facts.status != nullptr ? std::string_view(facts.status_text) : facts.words_as_lines());
  weighing.text(status);
  if (is_glanced_at) {
    out.texts.push_back({Place::glance, facts.own_words});
    add_rules(Place::glanced, weighing.features());
  }
  if (!is_worth_reading()) return out;
  add_rules(Place::structure, weighing.features());
  out.texts.push_back({Place::text, facts.own_words});
  out.texts.push_back({Place::status, facts.status_text});
  for (const RecipientStatus& recipient : status.recipients)
    out.texts.push_back({Place::diagnostic, recipient.diagnostic});
  out.texts.push_back({Place::diagnostic, facts.words});
  return out;
}

const std::vector<Evaluated>& evaluated_samples() {
  static const std::vector<Evaluated> all = [] {
    std::vector<Evaluated> out;
    for (const auto& entry : fs::directory_iterator(blowback::test::in_tree("tests/data/mail"))) {
      if (entry.path().extension() != ".eml") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      out.push_back(evaluated(std::string(std::istreambuf_iterator<char>(in), {})));
    }
    return out;
  }();
  return all;
}

std::vector<Asked> asked_of_samples() {
  std::vector<Asked> out;
  for (const Evaluated& sample : evaluated_samples()) out.insert(out.end(), sample.texts.begin(), sample.texts.end());
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

TEST_CASE("every signature has a name of its own", "[detect][signatures]") {
  std::set<std::string> names;
  const auto check = [&](std::span<const Signature> signatures) {
    for (const Signature& signature : signatures) {
      CAPTURE(signature.name);
      CHECK(names.insert(signature.name).second);
    }
  };
  check(SignatureSet::built_in().all());
  for (const Place place : kPlacesOfRules) check(SignatureSet::built_in().rules(place));
  CHECK(names.size() > 100);
}

TEST_CASE("every built-in pattern is valid, and weighs something unless it defines a feature", "[detect][signatures]") {
  for (const Signature& signature : SignatureSet::built_in().all()) {
    CAPTURE(signature.name);
    CHECK((signature.weight > 0 || signature.claim == Claim::feature));
    // A pattern that matches nothing is useless, and one that matches everything would accuse anybody.
    RE2::Options options;
    options.set_case_sensitive(false);
    const RE2 pattern(signature.pattern, options);
    CHECK(pattern.ok());
    CHECK_FALSE(RE2::PartialMatch("a", pattern));
  }
  for (const Place place : kPlacesOfRules) {
    for (const Signature& rule : SignatureSet::built_in().rules(place)) {
      CAPTURE(rule.name);
      CHECK((rule.weight > 0 || rule.claim == Claim::feature));
    }
  }
}

TEST_CASE("every signature matches a sample", "[detect][signatures]") {
  std::set<std::string> shown;
  for (const Asked& asked : asked_of_samples())
    shown.merge(names_of(SignatureSet::built_in().match(asked.place, asked.text)));
  std::string missing;
  for (const Signature& signature : SignatureSet::built_in().all()) {
    if (!shown.contains(signature.name)) missing += signature.name + "\n";
  }
  INFO("signatures that no message in tests/data/mail matches:\n" << missing);
  CHECK(missing.empty());
}

TEST_CASE("every condition holds for a sample", "[detect][signatures]") {
  std::set<std::string> shown;
  for (const Evaluated& sample : evaluated_samples()) shown.insert(sample.rules.begin(), sample.rules.end());
  std::string missing;
  for (const Place place : kPlacesOfRules) {
    for (const Signature& rule : SignatureSet::built_in().rules(place)) {
      if (!shown.contains(rule.name)) missing += rule.name + "\n";
    }
  }
  INFO("conditions that hold for no message in tests/data/mail:\n" << missing);
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
    texts.push_back({static_cast<Place>(random() % 7), std::move(mixed)});
  }
  // RE2 tries thousands of patterns on each, which no sanitizer sees.
  constexpr std::size_t kEvery = kIsSanitized ? 8 : 1;
  for (std::size_t i = 0; i < texts.size(); i += kEvery) {
    const Asked& asked = texts[i];
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
    const RE2 in_any_case("(?i)" + RE2::QuoteMeta(text));
    for (const char32_t letter : letters) {
      const std::string as_written = utf8_of(letter);
      if (letter == other || !RE2::FullMatch(as_written, in_any_case)) continue;
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
    const std::string in = folded(text);
    std::multiset<int> numbers;
    for (const LiteralSet::Occurrence& each : set.found_in(in)) {
      numbers.insert(static_cast<int>(each.number));
      // It is there, and `add_beginnings` finds it there.
      std::vector<LiteralSet::Occurrence> beginnings;
      set.add_beginnings(in, each.position, beginnings);
      CHECK(std::ranges::count(beginnings, each.number, &LiteralSet::Occurrence::number) == 1);
    }
    return numbers;
  };
  CHECK(found("MAILBOX FULL") == std::multiset<int>{0, 1, 2, 3, 4});
  CHECK(found("a mail in the box, a mail") == std::multiset<int>{0, 0, 3});
  CHECK(found("mailbo") == std::multiset<int>{0});
  CHECK(found("\xC3ВЕРНУТЬ\xD0 退信") == std::multiset<int>{5, 6});
  CHECK(found("fu\xC5\xBFl Ma\xC3\xAFl").empty());
  CHECK(found("bo").empty());
  CHECK(found("box") == std::multiset<int>{3});
  CHECK(LiteralSet(std::vector<std::string>{}).found_in("mail").empty());
}

TEST_CASE("wording that patterns share has a name", "[detect][signatures]") {
  constexpr std::array<SignatureTable, 1> kTable{
      {{"own.tsv",
        "let mail\t(message|mail)\nlet sent\t%{mail} (not )?sent\n"
        "one\ttext\tkind:dsn\t1\tyour %{sent}\ntwo\tsubject\torigin\t1\t^%{mail}$\n"}}};
  const auto made = SignatureSet::of(kTable);
  REQUIRE(made.has_value());
  const SignatureSet& set = **made;
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
