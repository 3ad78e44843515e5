#include "command.h"

#include "blowback/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace blowback::smtp {
namespace {

// RFC 5321 §4.5.3.1: 64 octets of local part, 255 of domain, 256 of path. SMTPUTF8 and VERP need some more.
constexpr std::size_t kMostAddress = 512;
constexpr std::size_t kMostParameters = 16;

constexpr std::array<std::pair<std::string_view, Verb>, 24> kVerbs{{
    {"HELO", Verb::helo},    {"EHLO", Verb::ehlo},         {"LHLO", Verb::lhlo},       {"MAIL", Verb::mail},
    {"RCPT", Verb::rcpt},    {"DATA", Verb::data},         {"BDAT", Verb::bdat},       {"RSET", Verb::rset},
    {"NOOP", Verb::noop},    {"QUIT", Verb::quit},         {"VRFY", Verb::vrfy},       {"EXPN", Verb::expn},
    {"HELP", Verb::help},    {"STARTTLS", Verb::starttls}, {"XCLIENT", Verb::xclient}, {"XFORWARD", Verb::xforward},
    {"GET", Verb::http},     {"POST", Verb::http},         {"PUT", Verb::http},        {"HEAD", Verb::http},
    {"OPTIONS", Verb::http}, {"CONNECT", Verb::http},      {"DELETE", Verb::http},     {"PRI", Verb::http},
}};

[[nodiscard]] char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

/// Removes the first word from `text` and returns it.
[[nodiscard]] std::string_view take_word(std::string_view& text) {
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

[[nodiscard]] std::unexpected<Refusal> refuse(int code, std::string text) {
  return std::unexpected(Refusal{.code = code, .text = std::move(text)});
}

[[nodiscard]] std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (fault != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return value;
}

[[nodiscard]] bool is_atext(char c) {
  const auto octet = static_cast<unsigned char>(c);
  if (octet >= 0x80) return true;  // the caller checks SMTPUTF8
  constexpr std::string_view kOthers = "!#$%&'*+-/=?^_`{|}~";
  return (lower_case(c) >= 'a' && lower_case(c) <= 'z') || (c >= '0' && c <= '9') || kOthers.contains(c);
}

/// `"a.b"` as `a.b` if the content needs no quotes; else as it is.
[[nodiscard]] std::string plain_local_part(std::string_view local) {
  if (local.size() < 2 || local.front() != '"') return std::string(local);
  std::string inner;
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\' && i + 2 < local.size()) ++i;
    inner += local[i];
  }
  const bool plain = !inner.empty() && inner.front() != '.' && inner.back() != '.' && !inner.contains("..") &&
                     std::ranges::all_of(inner, [](char c) { return c == '.' || is_atext(c); });
  return plain ? inner : std::string(local);
}

/// Octets of the local part at the start of `text`: a quoted string or a dot-string. 0: there is none.
[[nodiscard]] std::size_t local_part(std::string_view text) {
  if (text.starts_with('"')) {
    for (std::size_t i = 1; i < text.size(); ++i) {
      const auto octet = static_cast<unsigned char>(text[i]);
      if (octet < 0x20 || octet == 0x7f) return 0;
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        return i + 1;
      }
    }
    return 0;
  }
  std::size_t length = 0;
  while (length < text.size() && (text[length] == '.' || is_atext(text[length]))) ++length;
  return length;
}

/// A name, or an address literal in brackets. Names are checked loosely: a domain that has no traps is refused anyway.
[[nodiscard]] bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  if (text.front() == '[') {
    return text.size() > 2 && text.back() == ']' && std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
             return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '[' && c != ']';
           });
  }
  if (text.front() == '.' || text.contains("..")) return false;
  return std::ranges::all_of(text, [](char c) {
    return (lower_case(c) >= 'a' && lower_case(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || static_cast<unsigned char>(c) >= 0x80;
  });
}

/// Removes `<…>` from `text` and returns the address without its source route. Absent: it isn't a path.
[[nodiscard]] std::optional<std::string> take_path(std::string_view& text) {
  if (!text.starts_with('<')) return std::nullopt;
  text.remove_prefix(1);
  if (text.starts_with('>')) {
    text.remove_prefix(1);
    return std::string();
  }
  if (text.starts_with('@')) {
    // RFC 5321 appendix C: a source route is accepted and ignored.
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || text.substr(0, colon).find_first_of("<>\" ") != std::string_view::npos) {
      return std::nullopt;
    }
    text.remove_prefix(colon + 1);
  }
  const auto local = local_part(text);
  if (local == 0) return std::nullopt;
  std::string address = plain_local_part(text.substr(0, local));
  text.remove_prefix(local);
  if (text.starts_with('@')) {
    const auto end = text.find('>');
    if (end == std::string_view::npos || !is_domain(text.substr(1, end - 1))) return std::nullopt;
    address += text.substr(0, end);
    text.remove_prefix(end);
  }
  if (!text.starts_with('>') || address.size() > kMostAddress) return std::nullopt;
  text.remove_prefix(1);
  return address;
}

[[nodiscard]] bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The path behind `FROM:` or `TO:`; what follows it stays in `argument`.
[[nodiscard]] std::expected<std::string, Refusal> path_after(std::string_view word, std::string_view& argument) {
  if (argument.size() < word.size() || !equals_ignoring_case(argument.substr(0, word.size()), word)) {
    return refuse(501, "5.5.4 Syntax: " + std::string(word == "FROM:" ? "MAIL FROM:<address>" : "RCPT TO:<address>"));
  }
  argument = trimmed(argument.substr(word.size()));
  auto path = take_path(argument);
  if (!path || (!argument.empty() && argument.front() != ' ' && argument.front() != '\t')) {
    return refuse(501, word == "FROM:" ? "5.1.7 Not a reverse-path: MAIL FROM:<address>"
                                       : "5.1.3 Not a forward-path: RCPT TO:<address>");
  }
  argument = trimmed(argument);
  return std::move(*path);
}

[[nodiscard]] std::expected<void, Refusal> parse_parameter(std::string_view parameter, Path& path) {
  const auto equals = parameter.find('=');
  const auto keyword = parameter.substr(0, equals);
  const auto value = equals == std::string_view::npos ? std::nullopt : std::optional(parameter.substr(equals + 1));
  if (equals_ignoring_case(keyword, "SIZE") && value) {
    path.size = value->size() <= 20 ? number(*value) : std::nullopt;
    if (!path.size) return refuse(501, "5.5.4 SIZE must be a number of octets");
    return {};
  }
  if (equals_ignoring_case(keyword, "BODY") && value &&
      (equals_ignoring_case(*value, "7BIT") || equals_ignoring_case(*value, "8BITMIME")))
    return {};
  if (equals_ignoring_case(keyword, "SMTPUTF8") && !value) {
    path.utf8 = true;
    return {};
  }
  return refuse(555, "5.5.4 Parameter not recognized");
}

}  // namespace

Command parse_command(std::string_view line) {
  auto rest = trimmed(line);
  const auto word = take_word(rest);
  for (const auto& [name, verb] : kVerbs) {
    if (equals_ignoring_case(word, name)) return {.verb = verb, .argument = rest};
  }
  return {};
}

std::expected<Path, Refusal> parse_mail(std::string_view argument) {
  auto address = path_after("FROM:", argument);
  if (!address) return std::unexpected(address.error());
  Path path{.address = std::move(*address), .size = {}, .utf8 = false};
  for (std::size_t i = 0; !argument.empty(); ++i) {
    if (i == kMostParameters) return refuse(555, "5.5.4 Too many parameters");
    if (auto parsed = parse_parameter(take_word(argument), path); !parsed) return std::unexpected(parsed.error());
  }
  if (!path.utf8 && !is_ascii(path.address)) return refuse(553, "5.6.7 A non-ASCII address needs SMTPUTF8");
  return path;
}

std::expected<Path, Refusal> parse_rcpt(std::string_view argument, bool utf8) {
  auto address = path_after("TO:", argument);
  if (!address) return std::unexpected(address.error());
  if (address->empty()) return refuse(501, "5.1.3 A forward-path can't be null");
  if (!argument.empty()) return refuse(555, "5.5.4 Parameter not recognized");
  if (!utf8 && !is_ascii(*address)) return refuse(553, "5.6.7 A non-ASCII address needs SMTPUTF8");
  return Path{.address = std::move(*address), .size = {}, .utf8 = utf8};
}

std::expected<Bdat, Refusal> parse_bdat(std::string_view argument) {
  const auto size = take_word(argument);
  Bdat bdat;
  const auto octets = size.size() <= 20 ? number(size) : std::nullopt;
  if (!octets || (!argument.empty() && !equals_ignoring_case(argument, "LAST"))) {
    return refuse(501, "5.5.4 Syntax: BDAT size [LAST]");
  }
  bdat.size = *octets;
  bdat.last = !argument.empty();
  return bdat;
}

std::expected<std::vector<Attribute>, Refusal> parse_attributes(std::string_view argument) {
  std::vector<Attribute> attributes;
  while (!argument.empty()) {
    if (attributes.size() == kMostParameters) return refuse(501, "5.5.4 Too many attributes");
    const auto word = take_word(argument);
    const auto equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0) return refuse(501, "5.5.4 Syntax: attribute=value …");
    Attribute attribute;
    std::ranges::transform(word.substr(0, equals), std::back_inserter(attribute.name), upper);
    const auto coded = word.substr(equals + 1);
    if (!equals_ignoring_case(coded, "[UNAVAILABLE]") && !equals_ignoring_case(coded, "[TEMPUNAVAIL]")) {
      std::string value;
      for (std::size_t i = 0; i < coded.size(); ++i) {
        if (coded[i] != '+') {
          value += coded[i];
          continue;
        }
        unsigned octet = 0;
        if (i + 2 >= coded.size()) return refuse(501, "5.5.4 A value isn't xtext");
        const auto* const digits = coded.data() + i + 1;
        const auto [end, fault] = std::from_chars(digits, digits + 2, octet, 16);
        if (fault != std::errc{} || end != digits + 2) return refuse(501, "5.5.4 A value isn't xtext");
        value += static_cast<char>(octet);
        i += 2;
      }
      attribute.value = std::move(value);
    }
    attributes.push_back(std::move(attribute));
  }
  if (attributes.empty()) return refuse(501, "5.5.4 Syntax: attribute=value …");
  return attributes;
}

}  // namespace blowback::smtp
