// Printing in three formats.
#include "output.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>

namespace blowback::cli {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

/// Characters, not octets: what a monospaced terminal counts, but for the few wide scripts.
[[nodiscard]] std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

[[nodiscard]] std::string for_people(const Cell& cell, UnixTime now) {
  return std::visit(Overloaded{[](std::monostate) { return std::string("-"); },
                               [](const std::string& text) { return text.empty() ? "-" : harmless(text); },
                               [](std::uint64_t number) { return std::to_string(number); },
                               [](double number) { return fmt::format("{:.2f}", number); },
                               [](bool yes) { return std::string(yes ? "yes" : "no"); },
                               [&](UnixTime time) { return when(time, now); }},
                    cell);
}

[[nodiscard]] nlohmann::ordered_json for_json(const Cell& cell) {
  return std::visit(Overloaded{[](std::monostate) { return nlohmann::ordered_json(); },
                               [](UnixTime time) { return nlohmann::ordered_json(to_iso8601(time)); },
                               [](const auto& value) { return nlohmann::ordered_json(value); }},
                    cell);
}

/// RFC 4180 §2: quoted where it holds a quote, a comma or a line end.
[[nodiscard]] std::string for_csv(const Cell& cell) {
  std::string text = std::visit(
      Overloaded{[](std::monostate) { return std::string(); }, [](const std::string& value) { return value; },
                 [](std::uint64_t number) { return std::to_string(number); },
                 [](double number) { return fmt::format("{}", number); },
                 [](bool yes) { return std::string(yes ? "true" : "false"); },
                 [](UnixTime time) { return to_iso8601(time); }},
      cell);
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

/// Throws std::system_error where it can't write (tool.cc).
void put(std::FILE* out, const std::string& text) { fmt::print(out, "{}", text); }

}  // namespace

void Table::print(std::FILE* out, Format format, UnixTime now, bool bold) const {
  switch (format) {
    case Format::json: {
      put(out, "[");
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        nlohmann::ordered_json object;
        for (std::size_t column = 0; column < columns_.size(); ++column) {
          object[columns_[column]] = for_json(rows_[i][column]);
        }
        // Stored text is valid UTF-8; should a byte of it not be, it is replaced rather than the output refused.
        put(out,
            (i == 0 ? "\n " : ",\n ") + object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
      }
      put(out, rows_.empty() ? "]\n" : "\n]\n");
      return;
    }
    case Format::csv: {
      const auto line = [&](const auto& cells, auto text_of) {
        std::string text;
        for (std::size_t i = 0; i < cells.size(); ++i) text += (i == 0 ? "" : ",") + text_of(cells[i]);
        put(out, text + "\r\n");
      };
      line(columns_, [](const std::string& name) { return for_csv(Cell(name)); });
      for (const auto& row : rows_) line(row, [](const Cell& value) { return for_csv(value); });
      return;
    }
    case Format::table:
      break;
  }
  std::vector<std::vector<std::string>> shown;
  std::vector<std::size_t> widths;
  widths.reserve(columns_.size());
  for (const auto& name : columns_) widths.push_back(width_of(name));
  for (const auto& row : rows_) {
    auto& texts = shown.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      texts.push_back(for_people(row[i], now));
      widths[i] = std::max(widths[i], width_of(texts.back()));
    }
  }
  const auto line = [&](const std::vector<std::string>& texts, bool is_heading) {
    std::string text;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      text += texts[i];
      if (i + 1 < texts.size()) text += std::string(widths[i] - width_of(texts[i]) + 2, ' ');
    }
    put(out, (is_heading ? heading(text, bold) : text) + "\n");
  };
  std::vector<std::string> names = columns_;
  for (auto& name : names) std::ranges::replace(name, '_', ' ');
  line(names, true);
  for (const auto& texts : shown) line(texts, false);
}

std::string heading(std::string_view text, bool bold) {
  return bold ? "\033[1m" + std::string(text) + "\033[0m" : std::string(text);
}

std::string minute(UnixTime time) {
  std::string text = to_iso8601(time).substr(0, 16);
  text[10] = ' ';
  return text;
}

std::string when(UnixTime time, UnixTime now) {
  if (time > now) return minute(time) + " (in " + in_words(time - now) + ")";
  return minute(time) + " (" + in_words(now - time) + " ago)";
}

std::string harmless(std::string_view text, std::size_t most) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const bool continues = (octet & 0xc0U) == 0x80;
    if (shown.size() >= most && !continues) return shown + "…";
    // C0 and DEL; C1 controls (U+0080 to U+009F) are C2 80 to C2 9F in UTF-8.
    const bool c1 = octet == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (octet < 0x20 || octet == 0x7f) {
      shown += ' ';
    } else if (c1) {
      shown += ' ';
      ++i;
    } else {
      shown += text[i];
    }
  }
  return shown;
}

}  // namespace blowback::cli
