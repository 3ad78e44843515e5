#include "page/pages.h"

#include "blowback/wording.h"
#include "file_text.h"
#include "models.h"
#include "template.h"
#include "wording.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace blowback::page {
namespace {

constexpr std::array<std::string_view, 5> kTemplates{"address", "frame", "front", "message", "network"};
/// Parts that pages include.
constexpr std::array<std::string_view, 2> kIncluded{"foot", "look_up"};

/// As an operator reads what a stranger asked for; longer text is no address anyway.
constexpr std::size_t kMostShown = 80;

}  // namespace

struct Pages::Parts {
  AllTexts texts;
  Templates templates;
  std::string stylesheet;
};

Pages::Pages(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Pages::Pages(Pages&&) noexcept = default;
Pages& Pages::operator=(Pages&&) noexcept = default;
Pages::~Pages() = default;

std::expected<Pages, PageError> Pages::load(const std::string& folder) {
  auto parts = std::make_unique<Parts>();
  auto texts = AllTexts::load(folder + "/languages");
  if (!texts) return std::unexpected(std::move(texts).error());
  parts->texts = *std::move(texts);
  const auto add = [&](std::string_view name) -> std::expected<void, PageError> {
    const auto text = text_of_file(fmt::format("{}/templates/{}.html", folder, name));
    if (!text) return std::unexpected(text.error());
    return parts->templates.add(std::string(name), *text);
  };
  for (const auto name : kTemplates) {
    if (auto added = add(name); !added) return std::unexpected(std::move(added).error());
  }
  for (const auto name : kIncluded) {
    if (auto added = add(name); !added) return std::unexpected(std::move(added).error());
  }
  if (auto checked = parts->templates.check(parts->texts.in(Language::en)); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  auto stylesheet = text_of_file(folder + "/templates/style.css");
  if (!stylesheet) return std::unexpected(std::move(stylesheet).error());
  parts->stylesheet = *std::move(stylesheet);
  return Pages(std::move(parts));
}

const std::string& Pages::stylesheet() const { return parts_->stylesheet; }

Page Pages::front(const Figures& figures, const About& about, UnixTime now, const View& view) const {
  const auto& texts = parts_->texts.in(view.language);
  return parts_->templates.expand("front", front_model(figures, about, now, texts, view), texts);
}

Page Pages::address(const account::Account& account, const About& about, UnixTime now, const View& view,
                    std::string_view form) const {
  const auto& texts = parts_->texts.in(view.language);
  return parts_->templates.expand("address", address_model(account, about, now, texts, view, form), texts);
}

Page Pages::network(const Prefix& network, const schema::NetworkState& state, const About& about, UnixTime now,
                    const View& view) const {
  const auto& texts = parts_->texts.in(view.language);
  return parts_->templates.expand("network", network_model(network, state, about, now, texts, view), texts);
}

Page Pages::message(Message message, const About& about, const View& view, std::string_view detail,
                    std::optional<Duration> wait) const {
  const auto& texts = parts_->texts.in(view.language);
  static constexpr std::array<std::string_view, 8> kKeys{"bad_address",  "not_found",   "too_many",
                                                         "unavailable",  "method",      "removal_elsewhere",
                                                         "removal_form", "removal_busy"};
  const auto key = fmt::format("message.{}", kKeys[static_cast<std::size_t>(message)]);
  auto model = frame_of(about, texts, view, texts.say(key + "_title"));
  List lines;
  switch (message) {
    case Message::bad_address:
      lines.emplace_back(
          texts.say(key, {{"asked", harmless(detail, kMostShown)}, {"problem", texts.say("message.problem")}}));
      lines.emplace_back(Marked{texts.say("message.bad_address_how")});
      lines.emplace_back(texts.say("message.bad_address_find"));
      break;
    case Message::too_many:
      lines.emplace_back(texts.say(key, {{"span", span_in(texts, wait.value_or(Duration{60}))}}));
      break;
    case Message::removal_elsewhere:
      lines.emplace_back(texts.say(key, {{"ip", detail}}));
      break;
    case Message::not_found:
    case Message::unavailable:
    case Message::method:
    case Message::removal_form:
    case Message::removal_busy:
      lines.emplace_back(Marked{texts.say(key)});
      break;
  }
  model["lines"] = std::move(lines);
  model["asked"] = "";
  return parts_->templates.expand("message", model, texts);
}

}  // namespace blowback::page
