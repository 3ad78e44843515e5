#include "template.h"

#include "blowback/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

namespace blowback::page {
namespace {

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

[[nodiscard]] bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

}  // namespace

/// Reads one template from its beginning to its end.
class Reader {
 public:
  using Node = Templates::Node;

  Reader(const std::string& name, std::string_view text) : name_(name), rest_(text) {}

  [[nodiscard]] std::expected<Templates::Nodes, PageError> all() {
    auto nodes = block(0);
    if (nodes && !closed_by_.empty()) return failed(fmt::format("{{{{{}}}}} closes nothing", closed_by_));
    return nodes;
  }

 private:
  [[nodiscard]] std::unexpected<PageError> failed(const std::string& what) const {
    return std::unexpected(PageError{fmt::format("{}.html:{}: {}", name_, line_, what)});
  }

  /// The next place, without braces; what is before it goes to `nodes`. Absent: the text ends.
  [[nodiscard]] std::expected<std::optional<std::string_view>, PageError> place(Templates::Nodes& nodes) {
    const auto open = rest_.find("{{");
    const auto before = rest_.substr(0, open);
    if (!before.empty()) nodes.push_back({.type = Node::Type::text, .text = std::string(before), .line = line_});
    line_ += static_cast<std::size_t>(std::ranges::count(before, '\n'));
    track_quotes(before);
    if (open == std::string_view::npos) {
      rest_ = {};
      return std::nullopt;
    }
    const auto close = rest_.find("}}", open);
    if (close == std::string_view::npos) return failed("{{ without }}");
    const auto inside = trimmed(rest_.substr(open + 2, close - open - 2));
    rest_.remove_prefix(close + 2);
    return inside;
  }

  /// Follows whether the text is in a tag, and in a quoted value there. The templates are ours: this finds mistakes, not attacks.
  void track_quotes(std::string_view text) {
    for (const char c : text) {
      if (!in_tag_) {
        in_tag_ = c == '<';
      } else if (quote_ != '\0') {
        if (c == quote_) quote_ = '\0';
      } else if (c == '"' || c == '\'') {
        quote_ = c;
      } else if (c == '>') {
        in_tag_ = false;
      }
    }
  }

  [[nodiscard]] std::expected<Templates::Nodes, PageError> block(std::size_t depth) {
    Templates::Nodes nodes;
    closed_by_ = {};
    while (true) {
      auto next = place(nodes);
      if (!next) return std::unexpected(std::move(next).error());
      if (!*next) return nodes;
      const auto inside = **next;
      if (inside == "end" || inside == "else") {
        closed_by_ = inside;
        return nodes;
      }
      auto node = read(inside, depth);
      if (!node) return std::unexpected(std::move(node).error());
      nodes.push_back(*std::move(node));
    }
  }

  [[nodiscard]] std::expected<Node, PageError> read(std::string_view inside, std::size_t depth) {
    constexpr std::string_view kIf = "if ";
    constexpr std::string_view kNot = "not ";
    constexpr std::string_view kEach = "each ";
    constexpr std::string_view kInclude = "include ";
    constexpr std::string_view kSay = "t:";
    Node node{.line = line_};
    auto rest = inside;
    const auto takes = [&](std::string_view word) {
      if (!rest.starts_with(word)) return false;
      rest = trimmed(rest.substr(word.size()));
      return true;
    };
    if (takes(kIf)) {
      node.type = Node::Type::choice;
      node.negated = takes(kNot);
    } else if (takes(kEach)) {
      node.type = Node::Type::loop;
    } else if (takes(kInclude)) {
      node.type = Node::Type::include;
    } else {
      node.type = takes(kSay) ? Node::Type::say : Node::Type::value;
      if (in_tag_ && quote_ == '\0')
        return failed(fmt::format("{{{{{}}}}} is in a tag without quotes around it", inside));
    }
    if (!is_name(rest)) return failed(fmt::format("{{{{{}}}}} isn't understood", inside));
    node.text = rest;
    if (node.type != Node::Type::choice && node.type != Node::Type::loop) return node;
    if (depth == kDeepest) return failed("too deep");
    auto then = block(depth + 1);
    if (!then) return std::unexpected(std::move(then).error());
    node.then = *std::move(then);
    if (closed_by_ == "else") {
      auto otherwise = block(depth + 1);
      if (!otherwise) return std::unexpected(std::move(otherwise).error());
      node.otherwise = *std::move(otherwise);
    }
    if (closed_by_ != "end")
      return failed(fmt::format("{{{{{}}}}} of line {} lacks its {{{{end}}}}", inside, node.line));
    closed_by_ = {};
    return node;
  }

  const std::string& name_;
  std::string_view rest_;
  std::string_view closed_by_;  ///< what ended the last block: `end`, `else`, or nothing
  std::size_t line_ = 1;
  bool in_tag_ = false;
  char quote_ = '\0';
};

/// Fills one template, and those that it includes.
class Expansion {
 public:
  using Node = Templates::Node;

  Expansion(const Templates& templates, const Object& model, const Texts& texts)
      : templates_(templates), texts_(texts) {
    scopes_.push_back(&model);
  }

  [[nodiscard]] std::expected<std::string, PageError> all(std::string_view name) && {
    include(name, 0);
    if (!error_.empty()) return std::unexpected(PageError{error_});
    return std::move(out_);
  }

 private:
  void fail(const Node& node, const std::string& what) {
    if (error_.empty()) error_ = fmt::format("{}.html:{}: {}", name_, node.line, what);
  }

  void include(std::string_view name, std::size_t depth) {
    const auto found = templates_.templates_.find(name);
    if (found == templates_.templates_.end() || depth > kDeepest) {
      error_ = fmt::format("{}.html: {}", name, depth > kDeepest ? "includes itself" : "doesn't exist");
      return;
    }
    const auto before = std::exchange(name_, name);
    expand(found->second, depth);
    name_ = before;
  }

  /// Innermost first. nullptr: there is none of that name.
  [[nodiscard]] const Value* find(std::string_view name) const {
    if (name == ".") return items_.empty() ? nullptr : items_.back();
    const auto first = name.substr(0, name.find('.'));
    const Value* found = nullptr;
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend() && found == nullptr; ++scope) {
      const auto value = (*scope)->find(first);
      if (value != (*scope)->end()) found = &value->second;
    }
    while (found != nullptr && name.contains('.')) {
      name.remove_prefix(name.find('.') + 1);
      const auto* const object = std::get_if<Object>(&found->data);
      if (object == nullptr) return nullptr;
      const auto value = object->find(name.substr(0, name.find('.')));
      found = value == object->end() ? nullptr : &value->second;
    }
    return found;
  }

  void expand(const Templates::Nodes& nodes, std::size_t depth) {
    for (const auto& node : nodes) {
      if (!error_.empty()) return;
      if (out_.size() > kLargestPage) return fail(node, "the page becomes too large");
      expand(node, depth);
    }
  }

  void expand(const Node& node, std::size_t depth) {
    switch (node.type) {
      case Node::Type::text:
        out_ += node.text;
        return;
      case Node::Type::say:
        return say(node);
      case Node::Type::include:
        return include(node.text, depth + 1);
      case Node::Type::value:
      case Node::Type::choice:
      case Node::Type::loop:
        break;
    }
    const auto* const value = find(node.text);
    if (value == nullptr) return fail(node, fmt::format("there is no {}", node.text));
    if (node.type == Node::Type::value) return insert(node, *value);
    if (node.type == Node::Type::choice)
      return expand(is_true(*value) != node.negated ? node.then : node.otherwise, depth);
    const auto* const list = std::get_if<List>(&value->data);
    if (list == nullptr) return fail(node, fmt::format("{} is no list", node.text));
    for (const auto& item : *list) {
      const auto* const object = std::get_if<Object>(&item.data);
      items_.push_back(&item);
      if (object != nullptr) scopes_.push_back(object);
      expand(node.then, depth);
      if (object != nullptr) scopes_.pop_back();
      items_.pop_back();
    }
  }

  void insert(const Node& node, const Value& value) {
    std::visit(Overloaded{[&](const std::string& text) { append_escaped(out_, text); },
                          [&](const Marked& marked) { append_marked(out_, marked.text); },
                          [&](const Html& html) { out_ += html.text; },
                          [&](const auto&) { fail(node, fmt::format("{} is no text", node.text)); }},
               value.data);
  }

  void say(const Node& node) {
    const auto* const text = texts_.find(node.text);
    if (text == nullptr) return fail(node, fmt::format("there is no text {}", node.text));
    for_each_part(
        *text, [&](std::string_view part) { append_marked(out_, part); },
        [&](std::string_view name) {
          const auto* const value = find(name);
          if (value == nullptr)
            return fail(node, fmt::format("there is no {}, which the text {} has", name, node.text));
          insert(node, *value);
        });
  }

  [[nodiscard]] static bool is_true(const Value& value) {
    return std::visit(Overloaded{[](bool yes) { return yes; }, [](const std::string& text) { return !text.empty(); },
                                 [](const Marked& marked) { return !marked.text.empty(); },
                                 [](const Html& html) { return !html.text.empty(); },
                                 [](const auto& several) { return !several.empty(); }},
                      value.data);
  }

  const Templates& templates_;
  const Texts& texts_;
  std::vector<const Object*> scopes_;
  std::vector<const Value*> items_;
  std::string_view name_;
  std::string out_;
  std::string error_;
};

std::expected<void, PageError> Templates::add(const std::string& name, std::string_view text) {
  auto nodes = Reader(name, text).all();
  if (!nodes) return std::unexpected(std::move(nodes).error());
  templates_[name] = *std::move(nodes);
  return {};
}

std::expected<void, PageError> Templates::check(const Texts& texts) const {
  for (const auto& [name, nodes] : templates_) {
    if (auto checked = check(name, nodes, texts); !checked) return checked;
  }
  return {};
}

std::expected<void, PageError> Templates::check(const std::string& name, const Nodes& nodes, const Texts& texts) const {
  for (const auto& node : nodes) {
    if (node.type == Node::Type::include && !templates_.contains(node.text)) {
      return std::unexpected(PageError{fmt::format("{}.html:{}: there is no {}.html", name, node.line, node.text)});
    }
    if (node.type == Node::Type::say && !texts.has(node.text)) {
      return std::unexpected(
          PageError{fmt::format("{}.html:{}: the languages have no text {}", name, node.line, node.text)});
    }
    for (const auto* const inner : {&node.then, &node.otherwise}) {
      if (auto checked = check(name, *inner, texts); !checked) return checked;
    }
  }
  return {};
}

std::expected<std::string, PageError> Templates::expand(std::string_view name, const Object& model,
                                                        const Texts& texts) const {
  return Expansion(*this, model, texts).all(name);
}

}  // namespace blowback::page
