// The only file that uses GMime. Its MIME parser isn't used, since it recurses; message.cc has bounds instead.
#include "decoding.h"

#include "header.h"
#include "mail/message.h"
#include "utf8.h"

#include <gmime/gmime.h>
#include <uchardet/uchardet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace blowback::mail {
namespace {

// No meaningful header field is longer. Longer ones are cut, to bound GMime's work.
constexpr std::size_t kLongestField = 16U << 10U;

template <typename T>
struct Unref {
  void operator()(T* object) const { g_object_unref(object); }
};
struct Free {
  void operator()(char* text) const { g_free(text); }
};
struct CloseIconv {
  void operator()(iconv_t descriptor) const { g_mime_iconv_close(descriptor); }
};
struct EndDetector {
  void operator()(uchardet_t detector) const { uchardet_delete(detector); }
};

[[nodiscard]] std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

[[nodiscard]] GMimeContentEncoding encoding_named(std::string_view name) {
  name = trimmed(name);
  if (equals_ignoring_case(name, "base64")) return GMIME_CONTENT_ENCODING_BASE64;
  if (equals_ignoring_case(name, "quoted-printable")) return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
  for (const std::string_view uu : {"x-uuencode", "x-uue", "uuencode"}) {
    if (equals_ignoring_case(name, uu)) return GMIME_CONTENT_ENCODING_UUENCODE;
  }
  return GMIME_CONTENT_ENCODING_DEFAULT;
}

[[nodiscard]] bool is_ascii(std::string_view text) {
  // Eight octets at a time, since all text comes through here.
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
  std::uint64_t all = 0;
  while (text.size() >= sizeof all) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data(), sizeof eight);
    all |= eight;
    text.remove_prefix(sizeof eight);
  }
  return (all & kHighBits) == 0 &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// A NUL is valid UTF-8, but a problem for programs that print it.
void replace_nul(std::string& text) {
  for (std::size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', at + 1)) text[at] = ' ';
}

[[nodiscard]] bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Removes a token (RFC 2045 §5.1) from the beginning of `text`, of the characters that are used in practice.
[[nodiscard]] std::string_view take_token(std::string_view& text) {
  const auto* const end = std::ranges::find_if_not(
      text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '+'; });
  const std::string_view token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(token.size());
  return token;
}

// Removes a quoted string without escapes and encoded words from the beginning; absent: there is none.
[[nodiscard]] std::optional<std::string_view> take_plain_string(std::string_view& text) {
  const std::size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view inside = text.substr(1, end - 1);
  const bool is_plain = std::ranges::all_of(inside, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
  if (!is_plain || inside.find("=?") != std::string_view::npos) return std::nullopt;
  text.remove_prefix(end + 1);
  return inside;
}

// Parses a value without comments, continuations (RFC 2231), encoded words and errors. Absent: it is another value.
[[nodiscard]] std::optional<ContentType> plain_content_type(std::string_view value) {
  if (value.size() > kLongestField) return std::nullopt;
  ContentType out;
  const std::string_view type = take_token(value);
  if (type.empty() || !value.starts_with('/')) return std::nullopt;
  value.remove_prefix(1);
  const std::string_view subtype = take_token(value);
  if (subtype.empty()) return std::nullopt;
  out.type = lower_case(type) + '/' + lower_case(subtype);
  while (!value.empty()) {
    if (value.front() != ';') return std::nullopt;
    value = trimmed(value.substr(1));
    if (value.empty()) break;
    const std::string_view name = take_token(value);
    if (name.empty() || !value.starts_with('=')) return std::nullopt;
    value.remove_prefix(1);
    const auto content = value.starts_with('"') ? take_plain_string(value) : take_token(value);
    if (!content || content->empty()) return std::nullopt;
    for (const auto& [known, member] : {std::pair("charset", &ContentType::charset),
                                        {"boundary", &ContentType::boundary},
                                        {"report-type", &ContentType::report_type},
                                        {"name", &ContentType::name}}) {
      if (!equals_ignoring_case(name, known)) continue;
      if (!(out.*member).empty()) return std::nullopt;  // GMime decides which one counts
      out.*member = *content;
    }
  }
  out.report_type = lower_case(out.report_type);
  return out;
}

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Initializes GMime at the first call, which has to precede any other use of it. Safe from any thread.
void start_gmime() {
  static std::once_flag once;
  std::call_once(once, [] { g_mime_init(); });
}

// Converts by iconv(3), with U+FFFD for each octet that it refuses. False: there is no such charset.
[[nodiscard]] bool convert(std::string_view octets, const char* charset, std::string& out) {
  start_gmime();
  const iconv_t opened = g_mime_iconv_open("UTF-8", charset);
  if (opened == reinterpret_cast<iconv_t>(-1)) return false;  // NOLINT: iconv_open(3) returns that on errors
  const std::unique_ptr<void, CloseIconv> descriptor(opened);
  std::array<char, 4096> buffer{};
  char* in = const_cast<char*>(octets.data());  // NOLINT: iconv(3) doesn't write to it
  std::size_t in_left = octets.size();
  while (in_left > 0) {
    char* to = buffer.data();
    std::size_t to_left = buffer.size();
    const std::size_t result = iconv(descriptor.get(), &in, &in_left, &to, &to_left);
    const int error = errno;
    out.append(buffer.data(), buffer.size() - to_left);
    if (result != static_cast<std::size_t>(-1)) break;
    if (error == E2BIG) continue;
    out += kReplacement;
    if (error != EILSEQ || in_left == 0) break;  // EINVAL: the text ends within a character
    ++in;
    --in_left;
  }
  return true;
}

// The charset of a text that doesn't declare one, if most letters of its lines that aren't ASCII are not Latin; "": Latin, or not known. Mailers in
// Russia and China often write KOI8-R or GB 2312 without any MIME.
[[nodiscard]] std::string guessed_charset(std::string_view text) {
  constexpr std::size_t kEnough = 8U << 10U;
  text = text.substr(0, kEnough);
  std::string lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    if (!is_ascii(line)) lines += line;
    text.remove_prefix(line.size());
  }
  const auto high = std::ranges::count_if(lines, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  const auto latin = std::ranges::count_if(lines, is_letter_or_digit);
  // In Latin text with a few accents, uchardet finds charsets of all sorts.
  constexpr std::ptrdiff_t kFew = 4;
  if (high < kFew || high < latin) return {};
  const std::unique_ptr<uchardet, EndDetector> detector(uchardet_new());
  if (uchardet_handle_data(detector.get(), lines.data(), lines.size()) != 0) return {};
  uchardet_data_end(detector.get());
  return text_of(uchardet_get_charset(detector.get()));
}

}  // namespace

ContentType parse_content_type(std::string_view value) {
  auto plain = plain_content_type(value);
  return plain ? std::move(*plain) : parse_content_type_by_gmime(value);
}

ContentType parse_content_type_by_gmime(std::string_view value) {
  start_gmime();
  ContentType out;
  const std::string text(value.substr(0, kLongestField));
  const std::unique_ptr<GMimeContentType, Unref<GMimeContentType>> parsed(
      g_mime_content_type_parse(nullptr, text.c_str()));
  if (!parsed) return out;
  // GMime parses `text` as text/plain and nonsense as application/octet-stream. A value without a slash isn't a type.
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || slash > text.find(';')) return out;
  out.type = lower_case(text_of(g_mime_content_type_get_media_type(parsed.get())) + '/' +
                        text_of(g_mime_content_type_get_media_subtype(parsed.get())));
  const auto parameter = [&](const char* name) {
    return text_of(g_mime_content_type_get_parameter(parsed.get(), name));
  };
  out.charset = parameter("charset");
  out.boundary = parameter("boundary");
  out.report_type = lower_case(parameter("report-type"));
  out.name = valid_utf8(parameter("name"));
  return out;
}

Disposition parse_disposition(std::string_view value) {
  start_gmime();
  const std::string text(value.substr(0, kLongestField));
  const std::unique_ptr<GMimeContentDisposition, Unref<GMimeContentDisposition>> parsed(
      g_mime_content_disposition_parse(nullptr, text.c_str()));
  if (!parsed) return {};
  return {lower_case(text_of(g_mime_content_disposition_get_disposition(parsed.get()))),
          valid_utf8(text_of(g_mime_content_disposition_get_parameter(parsed.get(), "filename")))};
}

bool is_encoded(std::string_view encoding) { return encoding_named(encoding) != GMIME_CONTENT_ENCODING_DEFAULT; }

std::string transfer_decoded(std::string_view octets, std::string_view encoding, std::size_t limit, bool& cut) {
  const GMimeContentEncoding named = encoding_named(encoding);
  std::string out;
  if (named == GMIME_CONTENT_ENCODING_DEFAULT) {
    cut = octets.size() > limit;
    out = octets.substr(0, limit);
    return out;
  }
  GMimeEncoding state;
  g_mime_encoding_init_decode(&state, named);
  // In steps, so that no more of a large attachment is decoded than needed.
  constexpr std::size_t kStep = 32U << 10U;
  while (!octets.empty() && out.size() <= limit) {
    const std::string_view step = octets.substr(0, kStep);
    octets.remove_prefix(step.size());
    const std::size_t before = out.size();
    out.resize(before + g_mime_encoding_outlen(&state, step.size()));
    out.resize(before + g_mime_encoding_step(&state, step.data(), step.size(), out.data() + before));
  }
  cut = out.size() > limit || !octets.empty();
  if (out.size() > limit) out.resize(limit);
  return out;
}

std::string to_utf8(std::string octets, std::string_view charset) {
  // ISO-2022 consists of ASCII octets, so its escapes are searched first; Japanese bounces often don't declare it.
  const bool has_escape = octets.find("\x1b$") != std::string::npos || octets.find("\x1b(") != std::string::npos;
  if (has_escape) {
    std::string out;
    const bool is_japanese = charset.empty() || !lower_case(charset).starts_with("iso-2022");
    if (convert(octets, is_japanese ? "iso-2022-jp" : std::string(charset).c_str(), out)) return out;
  }
  if (is_ascii(octets)) {
    if (!charset.empty()) {
      const std::string name = lower_case(charset);
      // The few other charsets that consist of ASCII octets.
      if (name.starts_with("utf-7") || name.starts_with("utf-16") || name.starts_with("utf-32") ||
          name.starts_with("hz")) {
        std::string out;
        if (convert(octets, name.c_str(), out)) return valid_utf8(std::move(out));
      }
    }
    replace_nul(octets);
    return octets;
  }
  replace_nul(octets);
  if (g_utf8_validate_len(octets.data(), octets.size(), nullptr) != 0) return octets;
  std::string out;
  const std::string name = lower_case(charset);
  const bool says_nothing = name.empty() || name == "us-ascii" || name == "ascii" || name.starts_with("unknown");
  if (!says_nothing && name != "utf-8" && name != "utf8" && convert(octets, name.c_str(), out)) {
    return valid_utf8(std::move(out));
  }
  if (name == "utf-8" || name == "utf8") return valid_utf8(std::move(octets));
  out.clear();
  const std::string guessed = says_nothing ? guessed_charset(octets) : std::string();
  if (!guessed.empty() && convert(octets, guessed.c_str(), out)) return valid_utf8(std::move(out));
  out.clear();
  if (convert(octets, "windows-1252", out)) return out;
  return valid_utf8(std::move(octets));
}

std::string decoded(std::string_view value) {
  value = value.substr(0, kLongestField);
  if (value.find("=?") == std::string_view::npos) return to_utf8(std::string(value), "");
  start_gmime();
  const std::string text(value);
  const std::unique_ptr<char, Free> made(g_mime_utils_header_decode_text(nullptr, text.c_str()));
  return valid_utf8(text_of(made.get()));
}

}  // namespace blowback::mail
