// Tokens: random, and recognised by their digest only.
#include "catch.h"
#include "system/one_time_token.h"

#include <set>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file

TEST_CASE("a token is recognised by its digest, and no two are alike", "[system][token]") {
  std::set<std::string> texts;
  for (int i = 0; i < 100; ++i) {
    const auto token = make_one_time_token();
    REQUIRE(token);
    CHECK(token->text.size() == 40);
    CHECK(digest_of_token(token->text) == token->digest);
    texts.insert(token->text);
  }
  CHECK(texts.size() == 100);
}

TEST_CASE("the digest is SHA-256 of the token's octets", "[system][token]") {
  // head -c 20 /dev/zero | sha256sum
  const auto digest = digest_of_token(std::string(40, '0'));
  REQUIRE(digest);
  CHECK((*digest)[0] == 0xde);
  CHECK((*digest)[1] == 0x47);
  CHECK((*digest)[31] == 0x90);
}

TEST_CASE("what has another form than a token has no digest", "[system][token]") {
  const auto text = GENERATE(std::string(), std::string(39, '0'), std::string(41, '0'), std::string(40, 'A'),
                             std::string(39, '0') + "g", std::string(40, '\0'), std::string(1 << 20, '0'));
  CHECK_FALSE(digest_of_token(text));
}
