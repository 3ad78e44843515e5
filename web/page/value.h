// What a template is filled with: texts, choices, lists, and named values within each other.
#pragma once

#include "html.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::page {

struct Value;
using List = std::vector<Value>;
using Object = std::map<std::string, Value, std::less<>>;

struct Value {
  Value() : data(false) {}
  // Not explicit: a model is written as nested braces.
  Value(bool yes) : data(yes) {}                             // NOLINT(google-explicit-constructor)
  Value(std::string text) : data(std::move(text)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string_view text) : data(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* text) : data(std::string(text)) {}       // NOLINT(google-explicit-constructor)
  Value(Marked text) : data(std::move(text)) {}              // NOLINT(google-explicit-constructor)
  Value(Html html) : data(std::move(html)) {}                // NOLINT(google-explicit-constructor)
  Value(List list) : data(std::move(list)) {}                // NOLINT(google-explicit-constructor)
  Value(Object object) : data(std::move(object)) {}          // NOLINT(google-explicit-constructor)

  std::variant<bool, std::string, Marked, Html, List, Object> data;
};

}  // namespace blowback::page
