#include "import_file.h"

#include "blowback/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ranges>

namespace blowback::cli {
namespace {

/// The fields of one line (RFC 4180 §2). Absent: a quote isn't closed, or text follows a closing one.
[[nodiscard]] std::optional<std::vector<std::string>> fields_of(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    line = trimmed(line);
    std::string field;
    if (line.starts_with('"')) {
      std::size_t at = 1;
      for (;; ++at) {
        if (at >= line.size()) return std::nullopt;
        if (line[at] == '"' && !line.substr(at + 1).starts_with('"')) break;
        if (line[at] == '"') ++at;
        field += line[at];
      }
      line = trimmed(line.substr(at + 1));
      if (!line.empty() && line.front() != ',') return std::nullopt;
    } else {
      field = trimmed(line.substr(0, line.find(',')));
      line = line.substr(std::min(line.find(','), line.size()));
    }
    fields.push_back(std::move(field));
    if (line.empty()) return fields;
    line.remove_prefix(1);
  }
}

[[nodiscard]] bool is_csv(std::string_view line) {
  const auto first = line.find_first_of(",#;");
  return first != std::string_view::npos && line[first] == ',';
}

}  // namespace

bool ImportParser::is_heading(const std::vector<std::string>& fields) {
  const auto place = [&](std::string_view name) -> std::optional<std::size_t> {
    const auto found = std::ranges::find(fields, name);
    return found == fields.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - fields.begin()));
  };
  const auto prefix = place("prefix") ? place("prefix") : place("network");
  if (!prefix) return false;
  columns_ = {.prefix = *prefix, .reason = place("reason"), .until = place("until"), .are_named = true};
  if (!columns_.until) columns_.until = place("expires_at");
  return true;
}

std::expected<UnixTime, std::string> ImportParser::end_of(const std::string& text) const {
  constexpr std::size_t kDay = std::string_view("2026-12-24").size();
  const auto time = parse_iso8601(text.size() == kDay ? text + "T00:00:00Z" : text);
  const auto span = parse_duration(text);
  if (!time && !span) {
    return std::unexpected(
        fmt::format("'{}' isn't an end; write 2026-12-24, 2026-12-24T10:00:00Z or 14d", text.substr(0, 60)));
  }
  const auto end = time ? *time : now_ + *span;
  if (end <= now_) return std::unexpected(fmt::format("its end, {}, has passed", text));
  return end;
}

std::expected<std::optional<ImportLine>, std::string> ImportParser::read(std::string_view line) {
  const bool csv = is_csv(line);
  const auto entry = csv ? trimmed(line) : entry_of(line);
  if (entry.empty()) return std::nullopt;
  const auto fields = csv ? fields_of(entry) : std::optional(std::vector{std::string(entry)});
  if (!fields)
    return std::unexpected(
        "a quote isn't closed, or text follows a closing quote; write \"\" for a quote within quotes");
  if (!std::exchange(any_, true) && is_heading(*fields)) return std::nullopt;
  constexpr std::size_t kUnnamed = 3;
  if (!columns_.are_named && fields->size() > kUnnamed) {
    return std::unexpected(fmt::format(
        "has {} columns, and no heading that names them; write network, reason and until, and a text with a "
        "comma between quotes",
        fields->size()));
  }
  const auto field = [&](std::optional<std::size_t> column) {
    return column && *column < fields->size() ? fields->at(*column) : std::string();
  };
  const auto prefix = Prefix::parse(field(columns_.prefix));
  if (!prefix) return std::unexpected(prefix.error().text);
  if (auto why = why_never_listed(*prefix)) return std::unexpected(*std::move(why));
  ImportLine read{.prefix = *prefix, .terms = defaults_};
  if (auto reason = field(columns_.reason); !reason.empty()) read.terms.reason = std::move(reason);
  if (const auto until = field(columns_.until); !until.empty()) {
    const auto end = end_of(until);
    if (!end) return std::unexpected(end.error());
    read.terms.until = *end;
  }
  return read;
}

Imported read_import(const Context& context, Input& input, const Terms& defaults, Permission permission) {
  struct Entry {
    Prefix prefix;
    std::uint32_t line = 0;
    std::map<Terms, std::vector<Prefix>>::iterator group;
  };
  Imported read;
  std::vector<Entry> entries;
  BadLines bad(context, input.name());
  BadLines wide(context, input.name());
  ImportParser parser(defaults, context.world.now);
  for (std::string line; input.next(line);) {
    ++read.lines;
    auto parsed = parser.read(line);
    if (!parsed) {
      bad.report(input.line(), parsed.error());
      continue;
    }
    if (!*parsed) {
      ++read.comments;
      continue;
    }
    auto& [prefix, terms] = **parsed;
    const auto group = read.groups.try_emplace(std::move(terms)).first;
    entries.push_back({.prefix = prefix, .line = static_cast<std::uint32_t>(input.line()), .group = group});
    if (permission == Permission::wide) continue;
    const auto reach = reach_of(prefix);
    if (reach.breadth == Breadth::narrow) continue;
    wide.report(input.line(), fmt::format("{}; this would list {}", in_words(reach), to_string(reach.addresses)));
  }
  bad.report_rest("that aren't understood");
  wide.report_rest("that need --wide");
  read.refused = bad.count();
  read.wide = wide.count();
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.prefix, entry.line); });
  for (const auto& entry : entries) {
    if (!read.all.empty() && read.all.back() == entry.prefix) {
      ++read.duplicates;
      continue;
    }
    read.all.push_back(entry.prefix);
    entry.group->second.push_back(entry.prefix);
  }
  std::erase_if(read.groups, [](const auto& group) { return group.second.empty(); });
  return read;
}

}  // namespace blowback::cli
