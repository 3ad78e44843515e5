// The language of a page: what a browser asks for, and that every language says everything.
#include "catch.h"
#include "file_text.h"
#include "folder.h"
#include "in_tree.h"
#include "page/language.h"
#include "page/texts.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

using namespace blowback::page;  // NOLINT(google-build-using-namespace): a test's own file
using Catch::Contains;

namespace {

struct Case {
  std::string header;
  Language expected;
};

std::string languages() { return blowback::test::in_tree("web/languages").string(); }

}  // namespace

TEST_CASE("the best language of Accept-Language is chosen, and English if there is none", "[page][language]") {
  const auto c = GENERATE(values<Case>({
      {"", Language::en},
      {"de", Language::de},
      {"DE-at, en;q=0.8", Language::de},
      {"fr;q=0.4, es;q=0.6", Language::es},
      {"fr, es", Language::fr},
      {"ja, nl;q=0.9, fr;q=0.1", Language::fr},
      {"de;q=0, es;q=0.001", Language::es},
      {"*", Language::en},
      {"*;q=0.5, de;q=0.2", Language::en},
      {"zh", Language::en},
      {"de;q=1.5, fr", Language::fr},     // malformed items are ignored
      {"de;q=0.1234, fr", Language::fr},  //
      {"de;level=1, fr", Language::fr},   //
      {"de_AT, fr", Language::fr},        //
      {"verylonglanguage, fr", Language::fr},
      {",,, ;q=1,fr", Language::fr},
      {"fr ; q=0.5 , de ; q=0.6", Language::de},
  }));
  CAPTURE(c.header);
  CHECK(preferred_language(c.header) == c.expected);
}

TEST_CASE("a header without end costs nothing", "[page][language]") {
  std::string many;
  for (int i = 0; i < 60; ++i) many += "ja,";
  CHECK(preferred_language(many + "de") == Language::en);  // beyond the last item that is read
  CHECK(preferred_language("de," + std::string(kLongestAcceptLanguage, 'x')) == Language::en);
}

TEST_CASE("all languages have the same texts and placeholders", "[page][texts]") {
  const auto all = AllTexts::load(languages());
  if (!all) FAIL(all.error().text);
  CHECK(all->in(Language::de).say("state.title_listed", {{"ip", "192.0.2.1"}}) == "192.0.2.1 ist gelistet");
  CHECK(all->in(Language::en).count("number.traps", 1) == "1 trap");
  CHECK(all->in(Language::en).count("number.traps", 0) == "0 independent traps");
  CHECK(all->in(Language::fr).count("time.hour", 0) == "0 heure");
  CHECK(all->in(Language::es).count("time.hour", 2) == "2 horas");
}

TEST_CASE("a language that lacks a text, or has another placeholder, is found at the start", "[page][texts]") {
  const blowback::test::Folder folder;
  std::filesystem::copy(languages(), folder.file("languages"));
  const auto file = folder.file("languages/fr.toml");
  const auto text = *text_of_file(file);
  const auto with = [&](const std::string& from, const std::string& to) {
    auto changed = text;
    changed.replace(changed.find(from), from.size(), to);
    std::ofstream(file) << changed;
    const auto loaded = AllTexts::load(folder.file("languages"));
    return loaded ? std::string() : loaded.error().text;
  };
  CHECK(with("home = ", "hom = ").ends_with("fr.toml: lacks site.home, which en.toml has; add it"));
  CHECK_THAT(with("{ip} est inscrite", "{adresse} est inscrite"), Contains("other placeholders"));
  CHECK_THAT(with("[site]\n", "[site]\nmore = \"x\"\n"), Contains("has site.more, which en.toml lacks"));
  CHECK_THAT(with("[site]\n", "[site]\nmore = 1\n"), Contains("is no text"));
  CHECK_THAT(with("[site]\n", "[site\n"), Contains("is not TOML"));
}

TEST_CASE("every text is used, and every text that is used exists", "[page][texts]") {
  const auto english = Texts::parse(*text_of_file(languages() + "/en.toml"), "en.toml");
  REQUIRE(english);
  std::string sources;
  for (const std::string folder : {"web/page", "web/templates"}) {
    for (const auto& entry : std::filesystem::directory_iterator(blowback::test::in_tree(folder))) {
      sources += *text_of_file(entry.path().string());
    }
  }
  // Keys that code puts together, by their first part.
  const std::set<std::string> composed{"kind", "cause", "code",  "time",   "message",
                                       "seen", "state", "fault", "number", "refusal"};
  for (const auto& [key, text] : english->all()) {
    auto base = key;
    for (const std::string ending : {".one", ".other"}) {
      if (base.ends_with(ending)) base.erase(base.size() - ending.size());
    }
    CAPTURE(key);
    if (!composed.contains(base.substr(0, base.find('.')))) CHECK_THAT(sources, Contains(base));
  }
  const std::regex used(R"re((?:say|count)\(\s*(?:[^"();]*\?\s*)?"([a-z_]+\.[a-z_]+)")re");
  std::size_t found = 0;
  for (std::sregex_iterator at(sources.begin(), sources.end(), used), end; at != end; ++at, ++found) {
    const auto key = (*at)[1].str();
    CAPTURE(key);
    CHECK((english->has(key) || english->has(key + ".one")));
  }
  CHECK(found > 40);
}
