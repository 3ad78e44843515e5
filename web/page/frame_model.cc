// What every page has around its content.
#include "account/codes.h"
#include "models.h"
#include "wording.h"

#include <fmt/format.h>

namespace blowback::page {

std::string link_to(const std::string& path, const View& view) {
  return view.chosen ? fmt::format("{}?lang={}", path, tag_of(view.language)) : path;
}

std::string link_of_contact(const std::string& contact) {
  return contact.starts_with("https://") ? contact : "mailto:" + contact;
}

Object frame_of(const About& about, const Texts& texts, const View& view, const std::string& title) {
  List languages;
  for (const Language language : kLanguages) {
    languages.emplace_back(Object{{"tag", tag_of(language)},
                                  {"name", name_of(language)},
                                  {"link", fmt::format("{}?lang={}", view.path, tag_of(language))},
                                  {"is_current", language == view.language}});
  }
  return {{"lang", tag_of(texts.language())},
          {"title", title},
          {"zone", about.zone},
          {"url", about.url},
          {"home", link_to("/", view)},
          {"chosen_language", view.chosen ? tag_of(view.language) : std::string_view()},
          {"languages_list", std::move(languages)},
          {"contact",
           Html{fmt::format("<a href=\"{}\">{}</a>", escaped(link_of_contact(about.contact)), escaped(about.contact))}},
          {"is_indexed", false},
          {"serial", ""},
          {"time", ""},
          {"asked", ""}};
}

List answers_in(const Texts& texts, CodeSet codes) {
  List answers;
  for (const Code code : kAllCodes) {
    if (!codes.has(code)) continue;
    answers.emplace_back(
        Object{{"answer", fmt::format("127.0.0.{}", octet_of(code))}, {"meaning", code_in(texts, code)}});
  }
  return answers;
}

}  // namespace blowback::page
