// What distinguishes a `From ` line from a sentence is the date in the form of asctime(3), parsed strictly.
#include "from_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <vector>

namespace blowback::feed {
namespace {

constexpr std::size_t kLongestLine = 2048;

bool is_same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

/// A number of at most `most` digits, and nothing else.
std::optional<int> number(std::string_view text, std::size_t most) {
  if (text.empty() || text.size() > most) return std::nullopt;
  int value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
  return value;
}

template <std::size_t N>
std::optional<int> index_in(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto* const found = std::ranges::find_if(names, [&](std::string_view name) { return is_same(name, text); });
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin());
}

constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// `10:00` or `10:00:00`.
std::optional<Duration> time_of_day(std::string_view text) {
  std::array<int, 3> parts{};
  std::size_t count = 0;
  while (count < 3) {
    const auto colon = text.find(':');
    const auto part = number(text.substr(0, colon), 2);
    if (!part) return std::nullopt;
    parts[count++] = *part;
    if (colon == std::string_view::npos) break;
    if (count == 3) return std::nullopt;
    text.remove_prefix(colon + 1);
  }
  if (count < 2 || parts[0] > 23 || parts[1] > 59 || parts[2] > 60) return std::nullopt;  // 60: a leap second
  return std::chrono::hours(parts[0]) + std::chrono::minutes(parts[1]) + Duration(parts[2]);
}

/// `+0100`.
std::optional<Duration> zone(std::string_view text) {
  if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const auto hours = number(text.substr(1, 2), 2);
  const auto minutes = number(text.substr(3, 2), 2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  const Duration size = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return text[0] == '-' ? -size : size;
}

bool is_zone_name(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}

/// Weekday, month, day, time, then year and zone in either order.
std::optional<UnixTime> asctime_date(const std::vector<std::string_view>& words, std::size_t at) {
  if (words.size() < at + 5 || !index_in(kDays, words[at])) return std::nullopt;
  const auto month = index_in(kMonths, words[at + 1]);
  const auto day = number(words[at + 2], 2);
  const auto time = time_of_day(words[at + 3]);
  if (!month || !day || !time) return std::nullopt;
  std::size_t next = at + 4;
  Duration offset{0};
  if (const auto found = zone(words[next])) {
    offset = *found;
    ++next;
  } else if (is_zone_name(words[next])) {
    ++next;
  }
  if (next >= words.size() || words[next].size() != 4) return std::nullopt;
  const auto year = number(words[next], 4);
  if (!year) return std::nullopt;
  if (++next < words.size()) {
    if (const auto found = zone(words[next])) offset = *found;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return UnixTime(std::chrono::sys_days(date)) + *time - offset;
}

}  // namespace

std::optional<FromLine> parse_from_line(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (!line.starts_with("From ") || line.size() > kLongestLine) return std::nullopt;
  line.remove_prefix(5);
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < line.size();) {
    const auto begin = line.find_first_not_of(" \t", i);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    i = end;
  }
  // The address may be missing, or contain spaces ("a b"@example.com, or `user at example.com` in list archives).
  for (std::size_t at = 0; at + 5 <= words.size(); ++at) {
    const auto date = asctime_date(words, at);
    if (!date) continue;
    FromLine parsed{.reverse_path = std::nullopt, .date = *date};
    if (at > 0) {
      const auto address = std::string_view(words[0].begin(), words[at - 1].end());
      const bool is_placeholder = address == "-" || address == "???@???" || address.ends_with("@xxx");
      if (!is_placeholder) parsed.reverse_path = reverse_path(address);
    }
    return parsed;
  }
  return std::nullopt;
}

std::string reverse_path(std::string_view text) {
  if (text.size() >= 2 && text.front() == '<' && text.back() == '>') text = text.substr(1, text.size() - 2);
  if (is_same(text, "MAILER-DAEMON") || text == "#@[]") return "";
  return std::string(text);
}

bool has_return_path(std::string_view message) {
  constexpr std::string_view kName = "Return-Path:";
  while (!message.empty()) {
    const auto end = message.find('\n');
    const auto line = message.substr(0, end);
    if (line.empty() || line == "\r") return false;
    if (is_same(line.substr(0, kName.size()), kName)) return true;
    if (end == std::string_view::npos) return false;
    message.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace blowback::feed
