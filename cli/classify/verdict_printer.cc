#include "verdict_printer.h"

#include "output.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace blowback::cli {
namespace {

using Json = nlohmann::json;

// Lines.

void print_line(std::FILE* out, const Place& place, std::string_view kind, std::string_view cause,
                std::string_view client) {
  fmt::print(out, "{}\t{}\t{}\t{}\n", place.to_string(), kind, cause, client);
}

void print_detail(std::FILE* out, std::string_view name, const std::string& value) {
  if (!value.empty()) fmt::print(out, "    {:<17}{}\n", name, harmless(value));
}

void explain(std::FILE* out, const ReturnedOriginal& original) {
  print_detail(out, "original from", original.from);
  print_detail(out, "original path", original.return_path);
  print_detail(out, "original subject", original.subject);
  print_detail(out, "original id", original.message_id);
  print_detail(out, "original date", original.date);
  if (original.client) print_detail(out, "original client", original.client->to_string());
  if (original.spf_failed) {
    print_detail(out, "original SPF", "had failed when the server accepted the mail: it could have refused it");
  }
}

/// What decided, in indented lines below that of the message.
void explain(std::FILE* out, const Judged& judged) {
  const Verdict& verdict = judged.verdict;
  print_detail(out, "subject", verdict.subject);
  print_detail(out, "confidence",
               fmt::format("{:.2f}{}", verdict.confidence,
                           verdict.claims_trap ? ", the returned mail claims to come from its recipient" : ""));
  for (const Signal& signal : verdict.signals) {
    print_detail(out, "signal", fmt::format("{:+.1f}  {}", signal.weight, signal.name));
  }
  print_detail(out, "product", verdict.product);
  print_detail(out, "reporting MTA", verdict.reporting_mta);
  print_detail(out, "queue id", verdict.queue_id);
  if (verdict.original) explain(out, *verdict.original);
  print_detail(out, "campaign", verdict.campaign);
  if (!judged.client) print_detail(out, "client", judged.client.error().text);
}

// JSON.

/// Without the digits that binary fractions add: 0.72, not 0.7200000000000001.
[[nodiscard]] double rounded(double number) { return std::round(number * 1000) / 1000; }

/// One object on a line. It is written as text at once: a tree of values would take half as long as judging.
class JsonLine {
 public:
  JsonLine& text(std::string_view name, std::string_view value) {
    key(name);
    quote(value);
    return *this;
  }
  /// null for "", which is what an absent text is.
  JsonLine& text_or_null(std::string_view name, std::string_view value) {
    return value.empty() ? null(name) : text(name, value);
  }
  JsonLine& number(std::string_view name, double value) {
    key(name);
    fmt::format_to(std::back_inserter(line_), "{}", rounded(value));
    return *this;
  }
  JsonLine& number(std::string_view name, const std::optional<std::uint64_t>& value) {
    key(name);
    line_ += value ? std::to_string(*value) : "null";
    return *this;
  }
  JsonLine& boolean(std::string_view name, bool value) {
    key(name);
    line_ += value ? "true" : "false";
    return *this;
  }
  JsonLine& null(std::string_view name) {
    key(name);
    line_ += "null";
    return *this;
  }
  JsonLine& texts(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    line_ += '[';
    for (const auto& value : values) {
      comma();
      quote(value);
    }
    line_ += ']';
    return *this;
  }
  JsonLine& signals(std::string_view name, const std::vector<Signal>& signals) {
    key(name);
    line_ += '[';
    for (const Signal& signal : signals) {
      comma();
      line_ += '{';
      text("name", signal.name).number("weight", signal.weight);
      line_ += '}';
    }
    line_ += ']';
    return *this;
  }
  JsonLine& begin(std::string_view name) {
    key(name);
    line_ += '{';
    return *this;
  }
  JsonLine& end() {
    line_ += '}';
    return *this;
  }

  void print(std::FILE* out) const { fmt::print(out, "{}}}\n", line_); }

 private:
  void comma() {
    if (line_.back() != '{' && line_.back() != '[') line_ += ',';
  }
  void key(std::string_view name) {
    comma();
    line_ += '"';
    line_ += name;
    line_ += "\":";
  }
  /// Mail and file names may have any octets: those that aren't UTF-8 become U+FFFD.
  void quote(std::string_view value) {
    const bool is_plain =
        std::ranges::all_of(value, [](char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; });
    if (is_plain) {
      line_ += '"';
      line_ += value;
      line_ += '"';
    } else {
      line_ += Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
  }

  std::string line_ = "{";
};

void write(const Place& place, JsonLine& line) {
  const auto number = [&](Place::Form form) { return place.form == form ? place.number : std::nullopt; };
  line.text("path", place.path)
      .number("line", number(Place::Form::json_line))
      .number("offset", number(Place::Form::mbox));
}

void write(const std::optional<ReturnedOriginal>& original, JsonLine& line) {
  if (!original) {
    line.null("original");
    return;
  }
  line.begin("original")
      .text_or_null("from", original->from)
      .text_or_null("return_path", original->return_path)
      .text_or_null("subject", original->subject)
      .text_or_null("message_id", original->message_id)
      .text_or_null("date", original->date)
      .text_or_null("client_ip", original->client ? original->client->to_string() : "")
      .boolean("spf_failed", original->spf_failed)
      .end();
}

void write(const Judged& judged, JsonLine& line) {
  const Verdict& verdict = judged.verdict;
  const bool has_cause = is_backscatter(verdict.kind) && verdict.cause != Cause::none;
  line.text("kind", name_of(verdict.kind))
      .text_or_null("cause", has_cause ? name_of(verdict.cause) : "")
      .boolean("backscatter", is_backscatter(verdict.kind))
      .number("confidence", verdict.confidence)
      .boolean("claims_trap", verdict.claims_trap)
      .signals("signals", verdict.signals)
      .text_or_null("product", verdict.product)
      .text_or_null("reporting_mta", verdict.reporting_mta)
      .text_or_null("queue_id", verdict.queue_id)
      .text_or_null("mailbox", verdict.mailbox)
      .boolean("mailbox_exists", verdict.mailbox_exists)
      .text_or_null("message_id", verdict.message_id)
      .text_or_null("subject", verdict.subject)
      .number("size", std::optional(judged.size));
  if (const auto& client = judged.client) {
    line.text("client_ip", client->address.to_string())
        .text("client_source", name_of(judged.client_source))
        .null("client_doubt")
        .text_or_null("helo", client->helo);
  } else {
    line.null("client_ip").null("client_source").text("client_doubt", client.error().text).null("helo");
  }
  if (judged.mail_from) {
    line.text("mail_from", *judged.mail_from).text("mail_from_source", name_of(judged.mail_from_source));
  } else {
    line.null("mail_from").null("mail_from_source");
  }
  line.texts("rcpt_to", judged.recipients)
      .text_or_null("rcpt_to_source", judged.recipients.empty() ? "" : name_of(judged.recipients_source));
  write(verdict.original, line);
  line.text_or_null("campaign", verdict.campaign).null("error");
}

}  // namespace

std::string_view name_of(EnvelopeSource source) {
  switch (source) {
    case EnvelopeSource::option:
      return "option";
    case EnvelopeSource::json_line:
      return "json_line";
    case EnvelopeSource::from_line:
      return "from_line";
    case EnvelopeSource::return_path:
      return "return_path";
    case EnvelopeSource::received:
      return "received";
    case EnvelopeSource::header:
      return "header";
  }
  return {};
}

void VerdictPrinter::judged(const Place& place, const Judged& judged) const {
  if (printing_ == Printing::json) {
    JsonLine line;
    write(place, line);
    write(judged, line);
    line.print(out_);
    return;
  }
  const Verdict& verdict = judged.verdict;
  print_line(out_, place, name_of(verdict.kind), is_backscatter(verdict.kind) ? name_of(verdict.cause) : "-",
             judged.client ? judged.client->address.to_string() : "-");
  if (printing_ == Printing::explained) explain(out_, judged);
}

void VerdictPrinter::failed(const Place& place, std::string_view reason, std::string_view text) const {
  if (printing_ != Printing::json) return print_line(out_, place, "-", "-", "-");
  JsonLine line;
  write(place, line);
  line.null("kind").begin("error").text("name", reason).text("text", text).end().print(out_);
}

}  // namespace blowback::cli
