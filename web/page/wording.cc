#include "wording.h"

#include "blowback/wording.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <string_view>

namespace blowback::page {

std::string span_in(const Texts& texts, Duration duration) {
  // Numbers and English units, alternating. Only the units' names depend on the language.
  const auto english = in_words(duration);
  std::string_view rest = english;
  std::string said;
  while (!rest.empty()) {
    const auto blank = rest.find(' ');
    std::uint64_t count = 0;
    std::from_chars(rest.data(), rest.data() + blank, count);
    rest.remove_prefix(blank + 1);
    auto unit = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(unit.size() + 1, rest.size()));
    if (unit.ends_with('s')) unit.remove_suffix(1);
    said += (said.empty() ? "" : " ") + texts.count(fmt::format("time.{}", unit), count);
  }
  return said;
}

std::string when_in(const Texts& texts, UnixTime time, UnixTime now) {
  const auto span = span_in(texts, time > now ? time - now : now - time);
  return texts.say(time > now ? "time.ahead" : "time.ago", {{"time", minute(time)}, {"span", span}});
}

std::string hour_in(const Texts& texts, UnixTime time) {
  const auto text = minute(time);
  return texts.say("time.hour_of", {{"day", text.substr(0, 10)}, {"hour", text.substr(11, 2)}});
}

std::string_view kind_in(const Texts& texts, Kind kind) {
  const auto* const text = texts.find(fmt::format("kind.{}", name_of(kind)));
  return text == nullptr ? name_of(kind) : std::string_view(*text);
}

std::string named_in(const Texts& texts, Kind kind, Cause cause) {
  if (cause == Cause::none) return std::string(kind_in(texts, kind));
  return fmt::format("{} ({})", kind_in(texts, kind), texts.say(fmt::format("cause.{}", name_of(cause))));
}

std::string code_in(const Texts& texts, Code code) { return texts.say(fmt::format("code.{}", name_of(code))); }

std::string amount(double value) {
  return fmt::format("{:.2f}", static_cast<double>(account::in_hundredths(value)) / 100);
}

}  // namespace blowback::page
