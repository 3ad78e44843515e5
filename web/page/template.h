// HTML templates: text with places that are filled in. All that is inserted is escaped, unless its type says that it is HTML.
//
//     {{name}} {{item.name}}            a value; `.` is the item itself
//     {{t:key}}                         a text of the visitor's language; its placeholders are values, too
//     {{if name}} … {{else}} … {{end}}  whether it is true, or a text, list or object that isn't empty; {{if not name}}
//     {{each names}} … {{end}}          for each item of a list, whose names come first
//     {{include other}}                 another template of the folder
//
// There is nothing else: decisions are made in code. A name that doesn't exist is an error and not an empty text, and a place in an
// attribute has to be within quotes, so that escaping protects there, too.
#pragma once

#include "page/texts.h"
#include "value.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::page {

/// How deeply if, each and include may be within each other.
inline constexpr std::size_t kDeepest = 32;
/// A page that would become larger is an error, in octets.
inline constexpr std::size_t kLargestPage = 4U << 20U;

/// The templates of a folder, by name without `.html`.
class Templates {
 public:
  /// Adds one. Fails on a mistake, with the line. `name` is also for messages.
  [[nodiscard]] std::expected<void, PageError> add(const std::string& name, std::string_view text);
  /// Whether all that is included exists, and all keys of texts are among those of `texts`. To be called after the last `add`.
  [[nodiscard]] std::expected<void, PageError> check(const Texts& texts) const;
  /// Fails if a name doesn't exist or isn't of the type that the template needs. Pure.
  [[nodiscard]] std::expected<std::string, PageError> expand(std::string_view name, const Object& model,
                                                             const Texts& texts) const;

 private:
  friend class Reader;
  friend class Expansion;
  struct Node {
    enum class Type : std::uint8_t { text, value, say, choice, loop, include };
    Type type = Type::text;
    std::string text;  ///< of a text; otherwise the name or key
    bool negated = false;
    std::vector<Node> then;
    std::vector<Node> otherwise;
    std::size_t line = 0;
  };
  using Nodes = std::vector<Node>;

  [[nodiscard]] std::expected<void, PageError> check(const std::string& name, const Nodes& nodes,
                                                     const Texts& texts) const;

  std::map<std::string, Nodes, std::less<>> templates_;
};

}  // namespace blowback::page
