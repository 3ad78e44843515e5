// spdlog provides the time, the sink and its lock; the format of a line is made here.
//
// The format may change between `log` and the writing of the line, so a line gets its format in the sink, under its lock. spdlog hands
// the formatter one string, in which the fields are packed.
#include "watch/log.h"

#include "log_text.h"

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>
#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

namespace blowback::watch {
namespace {

// Separators of a field's parts and of fields in that string. append_packed removes them from values; keys don't have them.
constexpr char kBetweenParts = '\x1f';
constexpr char kBetweenFields = '\x1e';

[[nodiscard]] std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
    case Level::critical:
      return "critical";
  }
  return "";
}

[[nodiscard]] spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::critical:
      return spdlog::level::critical;
  }
  return spdlog::level::off;
}

[[nodiscard]] Level our_level(spdlog::level::level_enum level) {
  if (level <= spdlog::level::debug) return Level::debug;
  if (level == spdlog::level::info) return Level::info;
  if (level == spdlog::level::warn) return Level::warning;
  return level == spdlog::level::err ? Level::error : Level::critical;
}

[[nodiscard]] spdlog::level::level_enum spdlog_level(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      return spdlog::level::info;
    case config::LogLevel::warning:
      return spdlog::level::warn;
    case config::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void append_packed(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == kBetweenParts || c == kBetweenFields) {
      out += "\xEF\xBF\xBD";  // U+FFFD
    } else {
      out += c;
    }
  }
}

/// The inverse of packing. A line from another user of spdlog has no separators: its first word is the event, the rest its detail.
[[nodiscard]] std::pair<std::string, std::vector<Field>> unpacked(std::string_view payload) {
  std::vector<Field> fields;
  const auto end = payload.find(kBetweenFields);
  if (end == std::string_view::npos) {
    const auto blank = payload.find(' ');
    if (blank != std::string_view::npos) fields.push_back(Field::sentence("detail", payload.substr(blank + 1)));
    return {std::string(payload.substr(0, blank)), std::move(fields)};
  }
  std::string event(payload.substr(0, end));
  payload.remove_prefix(end + 1);
  while (!payload.empty()) {
    const auto field_end = std::min(payload.find(kBetweenFields), payload.size());
    const auto field = payload.substr(0, field_end);
    payload.remove_prefix(std::min(field_end + 1, payload.size()));
    const auto key_end = field.find(kBetweenParts);
    if (key_end == std::string_view::npos || key_end + 1 >= field.size()) continue;
    const auto key = field.substr(0, key_end);
    const auto value = field.substr(key_end + 2);
    switch (static_cast<Field::Form>(field[key_end + 1] - '0')) {
      case Field::Form::word:
        fields.emplace_back(key, value);
        break;
      case Field::Form::number:
        fields.push_back(Field::number(key, value));
        break;
      case Field::Form::sentence:
        fields.push_back(Field::sentence(key, value));
        break;
    }
  }
  return {std::move(event), std::move(fields)};
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(config::LogFormat format) : format_(format) {}
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto time =
        fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(message.time)));
    const auto [event, fields] = unpacked({message.payload.data(), message.payload.size()});
    const auto line = log_line(format_, time, our_level(message.level), event, fields) + '\n';
    out.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<formatter> clone() const override { return std::make_unique<LineFormatter>(format_); }

 private:
  config::LogFormat format_;
};

[[nodiscard]] std::string plain_line(std::string_view before, std::string_view event, std::span<const Field> fields,
                                     bool quotes_sentences) {
  std::string line(before);
  line += is_bare(event) ? std::string(event) : in_quotes(event);
  for (const auto& field : fields) {
    line += ' ';
    line += field.key();
    line += '=';
    const bool as_it_is = is_bare(field.value()) && (!quotes_sentences || field.form() != Field::Form::sentence);
    line += as_it_is ? field.value() : in_quotes(field.value());
  }
  return line;
}

[[nodiscard]] std::string json_line(std::string_view time, Level level, std::string_view event,
                                    std::span<const Field> fields) {
  using Json = nlohmann::json;
  // JSON allows DEL and C1 unescaped, but a terminal interprets them.
  const auto text = [](std::string_view value) {
    const auto dumped = Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string out;
    for (std::size_t i = 0; i < dumped.size(); ++i) {
      const auto octet = static_cast<std::uint8_t>(dumped[i]);
      const auto next = i + 1 < dumped.size() ? static_cast<std::uint8_t>(dumped[i + 1]) : 0;
      if (octet == 0x7F) {
        out += "\\u007f";
      } else if (octet == 0xC2 && next < 0xA0) {
        out += fmt::format("\\u{:04x}", next);
        ++i;
      } else {
        out += dumped[i];
      }
    }
    return out;
  };
  std::string line = fmt::format(R"({{"time":{},"level":{},"event":{})", text(time), text(name_of(level)), text(event));
  for (const auto& field : fields) {
    line += ',';
    line += text(field.key());
    line += ':';
    line += field.form() == Field::Form::number ? field.value() : text(field.value());
  }
  return line + '}';
}

}  // namespace

std::string log_line(config::LogFormat format, std::string_view time, Level level, std::string_view event,
                     std::span<const Field> fields) {
  switch (format) {
    case config::LogFormat::text:
      return plain_line(fmt::format("{} {} ", time, name_of(level)), event, fields, true);
    case config::LogFormat::logfmt:
      return plain_line(fmt::format("time={} level={} event=", time, name_of(level)), event, fields, false);
    case config::LogFormat::json:
      return json_line(time, level, event, fields);
  }
  return {};
}

void log_by(const config::Log& settings) {
  // The first call creates the logger, later ones change it: its level is atomic, and the sink changes its formatter under its lock.
  constexpr const char* kName = "blowback";
  if (spdlog::default_logger()->name() != kName) {
    auto made = std::make_shared<spdlog::logger>(kName, std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(made));
  }
  spdlog::default_logger_raw()->set_formatter(std::make_unique<LineFormatter>(settings.format));
  spdlog::default_logger_raw()->set_level(spdlog_level(settings.level));
}

void log(Level level, std::string_view event, const std::vector<Field>& fields) {
  const auto wanted = spdlog_level(level);
  auto* const logger = spdlog::default_logger_raw();
  if (!logger->should_log(wanted)) return;
  std::string payload(event);
  payload += kBetweenFields;
  for (const auto& field : fields) {
    payload += field.key();
    payload += kBetweenParts;
    payload += static_cast<char>('0' + static_cast<int>(field.form()));
    append_packed(payload, field.value());
    payload += kBetweenFields;
  }
  logger->log(wanted, spdlog::string_view_t(payload.data(), payload.size()));
}

}  // namespace blowback::watch
