#include "section.h"

#include "blowback/nearest.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace blowback::config {
namespace {

/// The value as in the file, in one line and cut to a limit.
std::string shown(const toml::node& value) {
  if (value.is_table()) return "{…}";
  if (value.is_array()) return "[…]";
  std::ostringstream out;
  if (const auto* text = value.as_string()) {
    constexpr std::size_t kMost = 80;
    std::string cut = text->get().substr(0, kMost);
    // Not in the middle of a UTF-8 sequence.
    if (text->get().size() > kMost) {
      while (!cut.empty() && (static_cast<unsigned char>(text->get()[cut.size()]) & 0xC0U) == 0x80U) cut.pop_back();
      cut += "…";
    }
    out << toml::toml_formatter{toml::value<std::string>{cut}, toml::format_flags::none};
  } else if (const auto* number = value.as_floating_point()) {
    // The shortest text that is parsed to the same number: 0.9, not 0.90000000000000002.
    const std::string digits = fmt::format("{}", number->get());
    return digits.find_first_not_of("-0123456789") == std::string::npos ? digits + ".0" : digits;
  } else {
    value.visit([&](const auto& v) { out << v; });
  }
  return std::move(out).str();
}

/// Likewise, unless it is a secret.
std::string shown_of(std::string_view key, const toml::node& value) {
  return key.find("secret") == std::string_view::npos ? shown(value) : "\"…\"";
}

std::string_view last_part(std::string_view full) { return full.substr(full.rfind('.') + 1); }

std::string bracketed(std::string_view full) {
  const std::size_t dot = full.rfind('.');
  if (dot == std::string_view::npos) return "at the top of the file, before the first section";
  const std::string_view section = full.substr(0, dot);
  return section == "feed" ? "in a [[feed]]" : fmt::format("in [{}]", section);
}

}  // namespace

std::string Section::full(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const toml::node* Section::take(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

void Section::complain(std::string_view key, const toml::node& value, std::string_view what) {
  bad_.emplace_back(key);
  findings_.push_back({value.source().begin.line, fmt::format("{} = {}: {}", full(key), shown_of(key, value), what)});
}

void Section::complain(std::string_view key, std::string_view what) {
  if (const toml::node* value = table_.get(key)) {
    complain(key, *value, what);
    return;
  }
  bad_.emplace_back(key);
  findings_.push_back({table_.source().begin.line, fmt::format("{}: {}", full(key), what)});
}

void Section::complain(std::string_view key, std::size_t index, std::string_view what) {
  const toml::node* value = table_.get(key);
  const toml::array* array = value == nullptr ? nullptr : value->as_array();
  const toml::node* element = array == nullptr ? nullptr : array->get(index);
  if (element == nullptr) {
    complain(key, what);
  } else {
    complain(key, *element, what);
  }
}

bool Section::has(std::string_view key) const { return table_.contains(key); }

bool Section::has_sections(std::string_view key) const {
  const toml::node* value = table_.get(key);
  return value != nullptr && value->is_array_of_tables();
}

bool Section::is_good(std::string_view key) const { return has(key) && std::ranges::find(bad_, key) == bad_.end(); }

void Section::text(std::string_view key, std::string& into) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  if (const auto* text = value->as_string()) {
    into = text->get();
  } else {
    complain(key, *value, "needs a text in quotes");
  }
}

void Section::texts(std::string_view key, std::vector<std::string>& into) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  const toml::array* array = value->as_array();
  if (array == nullptr) {
    complain(key, *value, R"(needs a list in brackets, for example ["one", "two"])");
    return;
  }
  std::vector<std::string> read;
  for (const toml::node& element : *array) {
    if (const auto* text = element.as_string()) {
      read.push_back(text->get());
    } else {
      complain(key, element, "needs a text in quotes for each element of the list");
    }
  }
  if (is_good(key)) into = std::move(read);
}

void Section::duration(std::string_view key, Duration& into, Duration least, Duration most) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  const auto* text = value->as_string();
  if (text == nullptr) {
    complain(key, *value, R"(needs a time span in quotes with its unit, for example "7d" or "12h")");
    return;
  }
  const auto parsed = parse_duration(text->get());
  if (!parsed) {
    complain(key, *value, parsed.error().text);
  } else if (*parsed < least || *parsed > most) {
    complain(key, *value,
             fmt::format(R"(is out of range; it may be from "{}" to "{}")", to_string(least), to_string(most)));
  } else {
    into = *parsed;
  }
}

void Section::integer(std::string_view key, int& into, int least, int most) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  const auto* whole = value->as_integer();
  if (whole == nullptr) {
    complain(key, *value, fmt::format("needs a whole number from {} to {}, without quotes", least, most));
  } else if (whole->get() < least || whole->get() > most) {
    complain(key, *value, fmt::format("is out of range; it may be from {} to {}", least, most));
  } else {
    into = static_cast<int>(whole->get());
  }
}

void Section::number(std::string_view key, double& into, Range range) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  const auto read = value->is_number() ? value->value<double>() : std::nullopt;
  const std::string allowed = fmt::format("{} {} to {}", range.above ? "above" : "from", range.least, range.most);
  if (!read) {
    complain(key, *value, fmt::format("needs a number {}, without quotes", allowed));
  } else if (!std::isfinite(*read) || *read < range.least || *read > range.most ||
             (range.above && *read <= range.least)) {
    complain(key, *value, fmt::format("is out of range; it may be {}", allowed));
  } else {
    into = *read;
  }
}

void Section::boolean(std::string_view key, bool& into) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  if (const auto* read = value->as_boolean()) {
    into = read->get();
  } else {
    complain(key, *value, "needs true or false, without quotes");
  }
}

void Section::section(std::string_view key, const std::function<void(Section&)>& read) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  const toml::table* table = value->as_table();
  if (table == nullptr) {
    complain(key, *value,
             value->is_array_of_tables()
                 ? fmt::format("stands here once only; write [{}] in single brackets", full(key))
                 : fmt::format("is a section; write [{}] and its keys below", full(key)));
    return;
  }
  Section inner(*table, full(key), all_keys_, findings_);
  read(inner);
  inner.finish();
}

void Section::sections(std::string_view key, const std::function<void(Section&)>& read) {
  const toml::node* value = take(key);
  if (value == nullptr) return;
  const toml::array* array = value->as_array();
  if (array == nullptr) {
    complain(key, *value, fmt::format("may stand more than once; write [[{}]] in double brackets", full(key)));
    return;
  }
  for (const toml::node& element : *array) {
    const toml::table* table = element.as_table();
    if (table == nullptr) {
      complain(key, element, fmt::format("write [[{}]] and its keys below for each", full(key)));
      continue;
    }
    Section inner(*table, full(key), all_keys_, findings_);
    read(inner);
    inner.finish();
  }
}

std::string Section::mend_for_unknown(std::string_view key) const {
  // The name of a key in another section is more likely misplaced than misspelt.
  for (const std::string_view other : all_keys_) {
    if (last_part(other) == key) return fmt::format("there is no such key here; {} belongs {}", key, bracketed(other));
  }
  if (const auto meant = nearest(key, known_)) {
    return fmt::format("there is no such key; did you mean {}?", full(*meant));
  }
  return fmt::format("there is no such key; known {} are {}", path_.empty() ? "ones at the top" : "ones here",
                     fmt::join(known_, ", "));
}

void Section::finish() {
  for (const auto& [key, value] : table_) {
    if (std::ranges::find(known_, key.str()) != known_.end()) continue;
    // A quoted key may have any characters: show those as TOML writes a string.
    const bool bare = std::ranges::all_of(key.str(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
    const std::string name = bare && key.str().size() <= 80 ? std::string(key.str())
                                                            : shown(toml::value<std::string>{std::string(key.str())});
    findings_.push_back({key.source().begin.line, fmt::format("{} = {}: {}", full(name), shown_of(key.str(), value),
                                                              mend_for_unknown(key.str()))});
  }
}

}  // namespace blowback::config
