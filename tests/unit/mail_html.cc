// The words of a page, as people see them.
#include "catch.h"
#include "mail/html.h"

#include <string>

using namespace blowback::mail;  // NOLINT(google-build-using-namespace): a test's own file

TEST_CASE("HTML is reduced to its words", "[mail][html]") {
  CHECK(words_of_html("<style>p{}</style><p>Your&nbsp;mail &lt;a@example.org&gt;<br>bounced</p>") ==
        "\nYour mail <a@example.org>\nbounced\n");
  CHECK(words_of_html("a < b") == "a ");
}

TEST_CASE("styles, scripts and titles are no words, even if they never end", "[mail][html]") {
  CHECK(words_of_html("<TITLE>never shown</TITLE><SCRIPT>if (a</b) x()</SCRIPT>shown") == "shown");
  CHECK(words_of_html("a<script>never closed") == "a");
}

TEST_CASE("references to characters are decoded by name and by number", "[mail][html]") {
  CHECK(words_of_html("d&eacute;lai &Uuml;ber &szlig; &laquo;a&raquo;") == "délai Über ß «a»");
  CHECK(words_of_html("&#233;&#xE9;&#XE9; &#1087;&#x5b9b;") == "ééé п宛");
  CHECK(words_of_html("a&#160;b &amp;eacute;") == "a b &eacute;");
}

TEST_CASE("what is no reference to a character stays as written", "[mail][html]") {
  for (const std::string text : {"R&D", "a & b;", "&unknown;", "&eacute", "&;", "&#;", "&#x;", "&#0;", "&#xD800;",
                                 "&#x110000;", "&#99999999999;", "&#12a;", "&#-5;", "&"}) {
    CAPTURE(text);
    CHECK(words_of_html(text) == text);
  }
}

TEST_CASE("a header in HTML keeps its lines, and the source's line ends are blanks", "[mail][html]") {
  CHECK(words_of_html("<p>Received: from\n  mx<br>\n<b>From:</b> a@example.org<br>\nTo: b@example.org") ==
        "\nReceived: from mx\nFrom: a@example.org\nTo: b@example.org");
  CHECK(words_of_html("<pre>one\n  two</pre>") == "\none\n  two\n");
}
