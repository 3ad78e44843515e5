// Templates: what is inserted is escaped, and mistakes are found when they are read.
#include "catch.h"
#include "template.h"

using namespace blowback::page;  // NOLINT(google-build-using-namespace): a test's own file
using Catch::Contains;

namespace {

Texts texts() {
  auto read = Texts::parse("[a]\nb = \"see `main.cf` of {who}\"\n", "test.toml");
  REQUIRE(read);
  return *read;
}

std::string expanded(const std::string& text, const Object& model) {
  Templates templates;
  const auto added = templates.add("page", text);
  if (!added) return added.error().text;
  const auto page = templates.expand("page", model, texts());
  return page ? *page : page.error().text;
}

std::string mistake(const std::string& text) {
  Templates templates;
  const auto added = templates.add("page", text);
  return added ? std::string() : added.error().text;
}

}  // namespace

TEST_CASE("a value is escaped between tags and in an attribute", "[page][template]") {
  const Object model{{"x", R"(<script>alert("1")</script> & 'it')"}};
  CHECK(expanded(R"(<p title="{{x}}">{{ x }}</p>)", model) ==
        "<p title=\"&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;it&#39;\">"
        "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;it&#39;</p>");
}

TEST_CASE("braces in a value are no places of a template", "[page][template]") {
  CHECK(expanded("{{x}}", {{"x", "{{secret}} {{end}} {who}"}, {"secret", "no"}}) == "{{secret}} {{end}} {who}");
  CHECK(expanded("{{t:a.b}}", {{"who", "{{x}} {who} `x`"}}) == "see <code>main.cf</code> of {{x}} {who} `x`");
}

TEST_CASE("only what code declares as HTML is HTML", "[page][template]") {
  CHECK(expanded("{{x}}", {{"x", Html{"<b>1</b>"}}}) == "<b>1</b>");
  CHECK(expanded("{{x}}", {{"x", Marked{"<b> `a<b` and ` alone"}}}) == "&lt;b&gt; <code>a&lt;b</code> and ` alone");
}

TEST_CASE("choices and lists follow the model, innermost names first", "[page][template]") {
  const Object model{{"yes", true},
                     {"no", false},
                     {"empty", ""},
                     {"name", "outer"},
                     {"all", List{Object{{"name", "one"}}, Object{{"other", "two"}}}},
                     {"texts", List{"a", "b"}}};
  CHECK(expanded("{{if yes}}1{{else}}2{{end}}{{if no}}3{{else}}4{{end}}{{if not empty}}5{{end}}{{if all}}6{{end}}",
                 model) == "1456");
  CHECK(expanded("{{each all}}{{name}};{{end}}", model) == "one;outer;");
  CHECK(expanded("{{each texts}}{{.}}{{end}}", model) == "ab");
  CHECK(expanded("{{a.b}}", {{"a", Object{{"b", "deep"}}}}) == "deep");
}

TEST_CASE("a name that doesn't exist is an error and not an empty text", "[page][template]") {
  CHECK(expanded("x\n{{nobody}}", {}) == "page.html:2: there is no nobody");
  CHECK(expanded("{{if nobody}}{{end}}", {}) == "page.html:1: there is no nobody");
  CHECK(expanded("{{each x}}{{end}}", {{"x", "text"}}) == "page.html:1: x is no list");
  CHECK(expanded("{{x}}", {{"x", List{}}}) == "page.html:1: x is no text");
  CHECK_THAT(expanded("{{t:a.b}}", {}), Contains("there is no who"));
}

TEST_CASE("a mistake in a template is found when it is read, with its line", "[page][template]") {
  CHECK(mistake("a\n{{if x}}b") == "page.html:2: {{if x}} of line 2 lacks its {{end}}");
  CHECK(mistake("{{end}}") == "page.html:1: {{end}} closes nothing");
  CHECK(mistake("{{if x}}{{else}}{{else}}{{end}}") == "page.html:1: {{if x}} of line 1 lacks its {{end}}");
  CHECK(mistake("{{x") == "page.html:1: {{ without }}");
  CHECK(mistake("{{X y}}") == "page.html:1: {{X y}} isn't understood");
  CHECK(mistake("<a href={{x}}>") == "page.html:1: {{x}} is in a tag without quotes around it");
  CHECK(mistake(R"(<a href="{{x}}">it's {{x}}</a>)").empty());
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "{{if x}}";
  CHECK_THAT(mistake(deep), Contains("too deep"));
}

TEST_CASE("a template that includes itself ends with an error", "[page][template]") {
  CHECK_THAT(expanded("{{include page}}", {}), Contains("includes itself"));
  Templates templates;
  REQUIRE(templates.add("page", "{{include other}}{{t:a.c}}"));
  CHECK(templates.check(texts()).error().text == "page.html:1: there is no other.html");
  REQUIRE(templates.add("other", ""));
  CHECK(templates.check(texts()).error().text == "page.html:1: the languages have no text a.c");
}
