// Log lines as events with fields, in one of three forms, on standard error.
//
//     text     2026-11-24T10:00:00Z warning quarantined feed=traps where="new/1" reason=not-json detail="…"
//     logfmt   time=2026-11-24T10:00:00Z level=warning event=quarantined feed=traps where=new/1 …
//     json     {"time":"2026-11-24T10:00:00Z","level":"warning","event":"quarantined","feed":"traps","where":"new/1",…}
//
// The events and their fields are in docs/log-lines.md. Whatever a field holds, a line stays one line.
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

/// A key and its value, as it will be written.
class Field {
 public:
  /// A word: a name, an address, a reason.
  Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  template <std::integral Number>
  Field(std::string_view key, Number value) : key_(key), value_(std::to_string(value)), form_(Form::number) {}
  /// A sentence, or what strangers wrote: in quotes also where it is a single word.
  [[nodiscard]] static Field sentence(std::string_view key, std::string_view value) {
    Field field(key, value);
    field.form_ = Form::sentence;
    return field;
  }

  /// Requires `digits` to be a number as JSON has it.
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

/// One line without its end. `time` as it is to be shown. Pure.
[[nodiscard]] std::string log_line(config::LogFormat format, std::string_view time, Level level, std::string_view event,
                                   std::span<const Field> fields);

/// From now on the process logs in this way. First before any thread logs; then again at any time: a line is written in the
/// old form or in the new one, whole.
void log_by(const config::Log& settings);

/// Logs an event, if its level is wanted. Safe from any thread.
void log(Level level, std::string_view event, const std::vector<Field>& fields = {});

}  // namespace blowback::watch
