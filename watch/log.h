// Log lines: events with fields, in one of three formats, on standard error.
//
//     text     2026-11-24T10:00:00Z warning quarantined feed=traps where="new/1" reason=not-json detail="…"
//     logfmt   time=2026-11-24T10:00:00Z level=warning event=quarantined feed=traps where=new/1 …
//     json     {"time":"2026-11-24T10:00:00Z","level":"warning","event":"quarantined","feed":"traps","where":"new/1",…}
//
// docs/log-lines.md lists the events and their fields. Whatever a field contains, it is written in one line.
#pragma once

#include "config/config.h"

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::watch {

enum class Level : std::uint8_t { debug, info, warning, error, critical };

/// A key and a value.
class Field {
 public:
  /// A word: a name, an address, a reason.
  Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  template <std::integral Number>
  Field(std::string_view key, Number value) : key_(key), value_(std::to_string(value)), form_(Form::number) {}
  /// A sentence, or text from outside: always in quotes.
  [[nodiscard]] static Field sentence(std::string_view key, std::string_view value) {
    Field field(key, value);
    field.form_ = Form::sentence;
    return field;
  }

  /// Requires that `digits` is a JSON number.
  [[nodiscard]] static Field number(std::string_view key, std::string_view digits) {
    Field field(key, digits);
    field.form_ = Form::number;
    return field;
  }

  enum class Form : std::uint8_t { word, number, sentence };
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const std::string& value() const { return value_; }
  [[nodiscard]] Form form() const { return form_; }

 private:
  std::string key_;
  std::string value_;
  Form form_ = Form::word;
};

/// One line without line feed. `time` in the form to be shown. Pure.
[[nodiscard]] std::string log_line(config::LogFormat format, std::string_view time, Level level, std::string_view event,
                                   std::span<const Field> fields);

/// Sets format and level for the process. To be called before any thread logs, and again at any time: each line is completely in the old
/// format or in the new one.
void log_by(const config::Log& settings);

/// Logs an event, unless its level is below the one that is set. Safe from any thread.
void log(Level level, std::string_view event, const std::vector<Field>& fields = {});

}  // namespace blowback::watch
