// What a visitor writes as an address, and the path of its page.
#include "catch.h"
#include "page/asked.h"

using blowback::page::path_of;
using blowback::page::read_asked;

namespace {

struct Case {
  std::string text;
  std::string path;  ///< "": it is no address
};

}  // namespace

TEST_CASE("every spelling of an address leads to one path", "[page][asked]") {
  const auto c = GENERATE(values<Case>({
      {"192.0.2.10", "/192.0.2.10"},
      {"  192.0.2.10\t", "/192.0.2.10"},
      {"192.0.2.10/32", "/192.0.2.10"},
      {"::ffff:192.0.2.10", "/192.0.2.10"},
      {"::FFFF:C000:20A", "/192.0.2.10"},
      {"2001:DB8::1", "/2001:db8::1"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "/2001:db8::1"},
      {"[2001:db8::1]", "/2001:db8::1"},
      {"[2001:db8::1]/64", "/2001:db8::/64"},
      {"2001:db8::/64", "/2001:db8::/64"},
      {"192.0.2.77/24", "/192.0.2.0/24"},
      {"0.0.0.0/0", "/0.0.0.0/0"},
  }));
  CAPTURE(c.text);
  const auto asked = read_asked(c.text);
  REQUIRE(asked);
  CHECK(path_of(*asked) == c.path);
  CHECK(read_asked(path_of(*asked).substr(1)) == *asked);
}

TEST_CASE("what is no address is refused with a clause", "[page][asked]") {
  const auto text =
      GENERATE(as<std::string>{}, "", " ", "/", "192.0.2", "192.0.2.256", "192.0.2.010", "192.0.2.1.", "192.0.2.0/33",
               "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/024", "192.0.2.0/24/8", "[192.0.2.1]", "[2001:db8::1",
               "2001:db8::1%eth0", "2001:db8:::1", "fe80::/129", "example.org", "192.0.2.1:80", "1e3.0.2.1", "<script>",
               "../../etc/passwd", "192.0.2.1 192.0.2.2", "\xff\xfe");
  CAPTURE(text);
  const auto asked = read_asked(text);
  REQUIRE_FALSE(asked);
  CHECK_FALSE(asked.error().text.empty());
}

TEST_CASE("a text that is longer than any address isn't read", "[page][asked]") {
  CHECK(read_asked(std::string(20, ' ') + "2001:db8::1"));
  CHECK_FALSE(read_asked(std::string(blowback::page::kLongestAsked, ' ') + "2001:db8::1"));
}
