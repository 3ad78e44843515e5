// Each sample in tests/data/mail is judged as its .expected file says.
#include "catch.h"
#include "detect/judge.h"
#include "detect_rendering.h"
#include "in_tree.h"
#include "mail/message.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using namespace blowback;

namespace {

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> samples() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(blowback::test::in_tree("tests/data/mail"))) {
    if (entry.path().extension() == ".eml") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Verdict judged(const std::string& bytes) {
  const auto message = mail::parse(bytes, mail::Limits{});
  REQUIRE(message.has_value());
  const std::array traps{detect::kTrap};
  return detect::judge(TrapDelivery{}, *message, traps);
}

}  // namespace

TEST_CASE("every golden sample is judged as expected", "[detect][golden]") {
  REQUIRE(samples().size() > 80);
  for (const fs::path& sample : samples()) {
    CAPTURE(sample.filename().string());
    fs::path expected = sample;
    expected.replace_extension(".expected");
    CHECK(detect::rendered(judged(contents(sample))) == contents(expected));
  }
}

TEST_CASE("line ends make no difference to the verdict", "[detect][golden]") {
  for (const fs::path& sample : samples()) {
    CAPTURE(sample.filename().string());
    std::string lf = contents(sample);
    std::erase(lf, '\r');
    std::string crlf;
    for (const char c : lf) {
      if (c == '\n') crlf += '\r';
      crlf += c;
    }
    CHECK(detect::rendered(judged(lf)) == detect::rendered(judged(crlf)));
  }
}

TEST_CASE("a message cut off anywhere is judged without harm", "[detect][golden]") {
  for (const fs::path& sample : samples()) {
    const std::string whole = contents(sample);
    for (std::size_t length = 1; length < whole.size(); length += 97) {
      const auto message = mail::parse(std::string_view(whole).substr(0, length), mail::Limits{});
      if (!message) continue;
      const Verdict verdict = detect::judge(TrapDelivery{}, *message, {});
      CHECK(verdict.confidence >= 0);
      CHECK(verdict.confidence <= 1);
    }
  }
}
