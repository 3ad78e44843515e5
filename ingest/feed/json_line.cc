// Parsed by events, not into a tree: only the known keys of the outermost object are kept, whatever else the line contains.
#include "json_line.h"

#include "base64.h"
#include "from_line.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace blowback::feed {
namespace {

constexpr std::size_t kDeepest = 64;

enum class Key : std::uint8_t { received_at, client_ip, helo, mail_from, rcpt_to, message, message_base64, event };
constexpr std::array<std::string_view, 8> kKeys{"received_at", "client_ip", "helo",           "mail_from",
                                                "rcpt_to",     "message",   "message_base64", "event"};

/// The fields of the line, not checked yet.
struct Fields {
  std::array<std::optional<std::string>, kKeys.size()> texts;
  std::vector<std::string> rcpt_to;

  [[nodiscard]] std::optional<std::string>& operator[](Key key) { return texts[static_cast<std::size_t>(key)]; }
};

class Events final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Events(Fields& fields) : fields_(fields) {}

  [[nodiscard]] const std::optional<JsonLineError>& error() const { return error_; }

  bool null() override { return value_taken_ || is_object() ? accept() : refuse("it isn't an object"); }
  bool boolean(bool /*value*/) override { return scalar(); }
  bool number_integer(number_integer_t /*value*/) override { return scalar(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return scalar(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return scalar(); }
  bool binary(binary_t& /*value*/) override { return scalar(); }

  bool string(string_t& value) override {
    if (!is_object()) return refuse("it isn't an object");
    if (in_recipients_) {
      if (depth_ != 2) return wrong_type();
      fields_.rcpt_to.push_back(std::move(value));
    } else if (depth_ == 1 && key_) {
      if (*key_ == Key::rcpt_to)
        fields_.rcpt_to.push_back(std::move(value));
      else
        fields_[*key_] = std::move(value);
    }
    return accept();
  }

  bool start_object(std::size_t /*elements*/) override {
    if (depth_ > 0 && (in_recipients_ || (depth_ == 1 && key_))) return wrong_type();
    is_object_ = true;
    return deeper();
  }

  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    key_.reset();
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (name != kKeys[i]) continue;
      if (std::exchange(seen_[i], true)) return bad_field(fmt::format("`{}` comes twice", name));
      key_ = static_cast<Key>(i);
    }
    return true;
  }

  bool end_object() override {
    --depth_;
    return true;
  }

  bool start_array(std::size_t /*elements*/) override {
    if (!is_object()) return refuse("it isn't an object");
    if (in_recipients_) return wrong_type();
    if (depth_ == 1 && key_) {
      if (*key_ != Key::rcpt_to) return wrong_type();
      in_recipients_ = true;
    }
    return deeper();
  }

  bool end_array() override {
    if (--depth_ == 1) in_recipients_ = false;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& fault) override {
    // The library's messages are written for programmers, so most are replaced.
    const std::string_view text = fault.what();
    const auto own = text.substr(0, text.find("; last read"));
    if (own.contains("UTF-8")) {
      refuse(fmt::format("it isn't UTF-8 at octet {}; put bytes that are not UTF-8 into message_base64", position));
    } else if (own.contains("unexpected end of input") || own.contains("missing closing quote") ||
               own.contains("U+000A")) {  // the line's own end, within a string
      return refuse("it isn't JSON: it ends before its object does");
    } else if (!is_object_) {
      refuse("it isn't JSON");
      error_->quote = fmt::format("it begins with '{}'", printable(std::string_view(token).substr(0, kQuoted)));
      return false;
    } else {
      refuse(fmt::format("it isn't JSON at octet {}", position));
    }
    error_->quote = fmt::format("'{}'", printable(std::string_view(token).substr(0, kQuoted)));
    return false;
  }

 private:
  /// Octets of a token that an error quotes.
  static constexpr std::size_t kQuoted = 100;

  static std::string printable(std::string_view text) {
    std::string shown(text);
    for (char& c : shown) {
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    }
    return shown;
  }

  [[nodiscard]] bool is_object() const { return is_object_; }

  bool refuse(std::string text) {
    error_ = JsonLineError{.reason = "not-json", .text = std::move(text)};
    return false;
  }
  bool bad_field(std::string text) {
    error_ = JsonLineError{.reason = "bad-field", .text = std::move(text)};
    return false;
  }
  bool wrong_type() {
    const auto name = key_ ? kKeys[static_cast<std::size_t>(*key_)] : std::string_view("rcpt_to");
    return bad_field(fmt::format("`{}` must be a string{}", name, key_ == Key::rcpt_to ? " or a list of strings" : ""));
  }
  bool scalar() {
    if (!is_object()) return refuse("it isn't an object");
    if (in_recipients_ || (depth_ == 1 && key_)) return wrong_type();
    return accept();
  }
  bool accept() { return value_taken_ = true; }
  bool deeper() {
    if (++depth_ > kDeepest) return refuse("it nests deeper than 64");
    return true;
  }

  Fields& fields_;
  std::optional<JsonLineError> error_;
  std::array<bool, kKeys.size()> seen_{};
  std::optional<Key> key_;  ///< the known key whose value comes next, in the outermost object
  std::size_t depth_ = 0;
  bool is_object_ = false;
  bool in_recipients_ = false;
  bool value_taken_ = false;
};

std::unexpected<JsonLineError> bad_field(std::string text) {
  return std::unexpected(JsonLineError{.reason = "bad-field", .text = std::move(text)});
}

std::expected<std::string, JsonLineError> message_of(Fields& fields, std::size_t most) {
  auto& plain = fields[Key::message];
  auto& coded = fields[Key::message_base64];
  if (plain && coded) return bad_field("`message` and `message_base64` are both present; remove one");
  std::string message;
  if (plain) {
    message = std::move(*plain);
  } else if (coded) {
    auto decoded = from_base64(*coded);
    if (!decoded) {
      return std::unexpected(
          JsonLineError{.reason = "bad-base64", .text = "`message_base64` isn't base64 (RFC 4648, padded)"});
    }
    message = std::move(*decoded);
  } else {
    return bad_field(R"(`message` is missing; for a session that ended before DATA set "event": "callout")");
  }
  if (message.empty()) return bad_field("the message is empty");
  if (message.size() > most) {
    return std::unexpected(JsonLineError{
        .reason = "too-large",
        .text = fmt::format("the message has {} octets, more than the limit of {}", message.size(), most)});
  }
  return message;
}

std::string without_angles(std::string_view address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>')
    address = address.substr(1, address.size() - 2);
  return std::string(address);
}

}  // namespace

std::expected<TrapDelivery, JsonLineError> parse_json_line(std::string_view line, std::size_t most) {
  Fields fields;
  Events events(fields);
  if (!nlohmann::json::sax_parse(line, &events)) {
    return std::unexpected(events.error().value_or(JsonLineError{.reason = "not-json", .text = "it isn't JSON"}));
  }
  TrapDelivery delivery;
  delivery.time_is_told = true;

  const auto& at = fields[Key::received_at];
  if (!at) return bad_field("`received_at` is missing; write it like 2026-11-24T10:00:00Z");
  const auto time = parse_iso8601(*at);
  if (!time) return bad_field("`received_at`: " + time.error().text);
  delivery.received_at = *time;

  if (const auto& ip = fields[Key::client_ip]) {
    const auto address = IpAddress::parse(*ip);
    if (!address) {
      return std::unexpected(
          JsonLineError{.reason = "bad-field",
                        .text = "`client_ip` isn't an IP address; write it like 192.0.2.1 or 2001:db8::1",
                        .quote = address.error().text});
    }
    delivery.client = *address;
  }
  delivery.helo = fields[Key::helo].value_or("");
  if (const auto& from = fields[Key::mail_from]) delivery.mail_from = without_angles(*from);
  for (const auto& recipient : fields.rcpt_to) {
    auto address = without_angles(recipient);
    if (address.empty()) return bad_field("`rcpt_to` has an empty address");
    delivery.rcpt_to.push_back(std::move(address));
  }

  const auto& event = fields[Key::event];
  if (event && *event == "callout") {
    if (fields[Key::message] || fields[Key::message_base64]) return bad_field("a callout has no message");
    delivery.event = TrapDelivery::Event::callout;
    return delivery;
  }
  if (event && *event != "message") return bad_field("`event` must be `callout` or `message`");
  auto message = message_of(fields, most);
  if (!message) return std::unexpected(message.error());
  delivery.message = std::move(*message);
  return delivery;
}

}  // namespace blowback::feed
