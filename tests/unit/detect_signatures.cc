// The wording that is data: that it is well-formed, that each line is shown by a sample, and that looking for literals first finds
// just what trying every pattern finds.
#include "../../ingest/detect/delivery_status.h"
#include "../../ingest/detect/facts.h"
#include "../../ingest/detect/signature_set.h"
#include "in_tree.h"

#include <catch2/catch.hpp>
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

// What the judge would ask the set of one sample.
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
    // What matches nothing at all would be worth nothing, what matches anything would accuse anybody.
    RE2::Options options;
    options.set_case_sensitive(false);
    CHECK_FALSE(RE2::PartialMatch("a", RE2(signature.pattern, options)));
  }
  CHECK(names.size() > 100);
}

TEST_CASE("every signature is shown by a sample", "[detect][signatures]") {
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

TEST_CASE("literals first finds what every pattern by itself finds", "[detect][signatures][property]") {
  const OneByOne one_by_one;
  std::vector<Asked> texts = asked_of_samples();
  // Texts that nobody wrote: stretches of the samples, mixed.
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
