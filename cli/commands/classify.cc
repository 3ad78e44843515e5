// `blowback classify PATH…`: the judge's verdict on messages, with --explain also the reasons. Records nothing.
#include "arguments.h"
#include "blowback/text.h"
#include "classify/mail_reader.h"
#include "classify/verdict_printer.h"
#include "commands.h"
#include "detect/judge.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "record/signatures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace blowback::cli {
namespace {

/// What the options say of the envelope. It takes precedence over what the messages say.
struct KnownEnvelope {
  std::optional<IpAddress> client;
  std::optional<std::string> mail_from;  ///< "": the null reverse-path
  std::vector<std::string> recipients;   ///< lower case; empty: unknown
};

class Classifier {
 public:
  Classifier(const Context& context, const KnownEnvelope& envelope, const std::vector<Prefix>& trusted_relays,
             const detect::SignatureSet& signatures, Printing printing)
      : context_(context),
        envelope_(envelope),
        trusted_relays_(trusted_relays),
        signatures_(signatures),
        printer_(context.world.out, printing) {}

  void message(const Place& place, TrapDelivery& delivery) const {
    mail::Message message;
    if (delivery.event == TrapDelivery::Event::message) {
      auto parsed = mail::parse(delivery.message, {});
      if (!parsed) return failed(place, mail::name_of(parsed.error().code), parsed.error().text);
      message = std::move(*parsed);
    }
    printer_.judged(place, judged(place, delivery, message));
  }

  void unreadable(const Place& place, const feed::Unreadable& unreadable) const {
    // The place has the number of the line.
    std::string_view text = unreadable.detail;
    const auto number = place.number ? fmt::format("line {}: ", *place.number) : std::string();
    if (text.starts_with(number)) text.remove_prefix(number.size());
    failed(place, unreadable.reason,
           unreadable.quote.empty() ? std::string(text) : fmt::format("{}: {}", text, unreadable.quote));
  }

  void unreadable(const std::string& path, std::string_view why) const { warn(path, why); }

 private:
  [[nodiscard]] Judged judged(const Place& place, TrapDelivery& delivery, const mail::Message& message) const {
    Judged judged;
    judged.size = delivery.message.size();
    judged.recipients_source = complete_recipients(place, delivery, message.fields, judged.recipients);
    judged.mail_from_source = complete_mail_from(place, delivery, message.fields, judged.mail_from);
    if (envelope_.client) delivery.client = envelope_.client;
    judged.client = mail::client_of(delivery, mail::received_values(message.fields), trusted_relays_);
    if (judged.client && delivery.client == judged.client->address) {
      judged.client_source = envelope_.client ? EnvelopeSource::option : EnvelopeSource::json_line;
    }
    judged.verdict = detect::judge(delivery, message, judged.recipients, signatures_);
    return judged;
  }

  EnvelopeSource complete_recipients(const Place& place, TrapDelivery& delivery, const std::vector<mail::Field>& fields,
                                     std::vector<std::string>& recipients) const {
    if (!envelope_.recipients.empty()) {
      recipients = delivery.rcpt_to = envelope_.recipients;
      return EnvelopeSource::option;
    }
    for (const auto& address : delivery.rcpt_to) recipients.push_back(lower_case(address));
    if (!recipients.empty()) {
      return place.form == Place::Form::json_line ? EnvelopeSource::json_line : EnvelopeSource::header;
    }
    for (const auto& field : fields) {
      const bool names_recipient =
          std::ranges::any_of(kRecipientFields, [&](std::string_view name) { return mail::is_named(field, name); });
      if (!names_recipient) continue;
      auto address = lower_case(mail::first_address(field.value));
      const bool is_new = std::ranges::find(recipients, address) == recipients.end();
      if (!address.empty() && is_new) recipients.push_back(std::move(address));
    }
    return EnvelopeSource::header;
  }

  /// The judge itself reads Return-Path:, so the delivery gets only what else is known.
  EnvelopeSource complete_mail_from(const Place& place, TrapDelivery& delivery, const std::vector<mail::Field>& fields,
                                    std::optional<std::string>& mail_from) const {
    if (envelope_.mail_from) {
      mail_from = delivery.mail_from = envelope_.mail_from;
      return EnvelopeSource::option;
    }
    if (delivery.mail_from) {
      mail_from = delivery.mail_from;
      return place.form == Place::Form::json_line ? EnvelopeSource::json_line : EnvelopeSource::from_line;
    }
    mail_from = mail::return_path_of(fields);
    return EnvelopeSource::return_path;
  }

  void failed(const Place& place, std::string_view reason, std::string_view text) const {
    warn(place.to_string(), text);
    printer_.failed(place, reason, text);
  }

  void warn(const std::string& where, std::string_view what) const { context_.warn(where + ": " + harmless(what)); }

  static constexpr std::array<std::string_view, 4> kRecipientFields{"Delivered-To", "X-Original-To", "Envelope-To",
                                                                    "To"};

  const Context& context_;
  const KnownEnvelope& envelope_;
  const std::vector<Prefix>& trusted_relays_;
  const detect::SignatureSet& signatures_;
  VerdictPrinter printer_;
};

struct Arguments {
  std::vector<std::string> paths;
  std::vector<std::string> trusted_relays;
  std::vector<std::string> senders;  ///< one at most
  std::vector<std::string> recipients;
  std::string client_ip;
  std::vector<std::string> signatures;  ///< files
  std::string format = "table";
  bool json_lines = false;
  bool explains = false;
};

/// Whether it can be a mailbox: two parts around an `@`, without blanks and angle brackets. A file's name that took the place of the value can't.
[[nodiscard]] bool is_mailbox(std::string_view text) {
  const auto at = text.rfind('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '<' || c == '>';
         });
}

OrExit<KnownEnvelope> envelope_of(const Context& context, const Arguments& arguments) {
  KnownEnvelope envelope;
  if (!arguments.client_ip.empty()) {
    const auto client = address(context, arguments.client_ip);
    if (!client) return std::unexpected(client.error());
    envelope.client = *client;
  }
  if (arguments.senders.size() > 1) return std::unexpected(context.fail("--sender: give it once", kWrongUse));
  for (const auto& text : arguments.senders) {
    const auto path = mail::without_angle_brackets(text);
    // What Sendmail and mbox writers write for the null reverse-path.
    const bool is_null = path.empty() || lower_case(path) == "mailer-daemon";
    if (!is_null && !is_mailbox(path)) {
      return std::unexpected(context.fail(
          fmt::format("--sender: {} is not an address; write it like user@example.org, or '<>' for the null "
                      "reverse-path",
                      in_backquotes(text)),
          kWrongUse));
    }
    envelope.mail_from = is_null ? std::string() : std::string(path);
  }
  for (const auto& text : arguments.recipients) {
    auto recipient = lower_case(mail::without_angle_brackets(text));
    if (!is_mailbox(recipient)) {
      return std::unexpected(context.fail(
          fmt::format("--recipient: {} is not an address; write it like trap@example.org", in_backquotes(text)),
          kWrongUse));
    }
    const bool is_new = std::ranges::find(envelope.recipients, recipient) == envelope.recipients.end();
    if (is_new) envelope.recipients.push_back(std::move(recipient));
  }
  return envelope;
}

[[nodiscard]] Printing printing_of(const Arguments& arguments) {
  if (arguments.format == "json") return Printing::json;
  return arguments.explains ? Printing::explained : Printing::lines;
}

int classify(const Context& context, const Arguments& arguments) {
  std::vector<Prefix> relays;
  for (const auto& text : arguments.trusted_relays) {
    const auto relay = prefix(context, text);
    if (!relay) return relay.error();
    relays.push_back(*relay);
  }
  const auto envelope = envelope_of(context, arguments);
  if (!envelope) return envelope.error();
  std::error_code ignored;
  for (const auto& path : arguments.paths) {
    if (path != "-" && !std::filesystem::exists(path, ignored)) {
      return context.fail(path + ": no such file or folder", kWrongUse);
    }
  }
  const auto signatures = record::signatures_of({.signatures = arguments.signatures});
  if (!signatures) return context.fail(signatures.error(), kWrongUse);
  const Classifier classifier(context, *envelope, relays, *signatures ? **signatures : detect::SignatureSet::built_in(),
                              printing_of(arguments));
  MailReader reader(
      context, arguments.json_lines,
      {.message = [&](const Place& at, TrapDelivery& delivery) { classifier.message(at, delivery); },
       .unreadable = [&](const Place& at, const feed::Unreadable& it) { classifier.unreadable(at, it); },
       .failed = [&](const std::string& path, std::string_view why) { classifier.unreadable(path, why); }});
  for (const auto& path : arguments.paths) reader.read(path);
  return kYes;
}

}  // namespace

void add_classify(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command =
      tool.add({.name = "classify",
                .summary = "The judge's verdict on messages, folders, mboxes, JSON lines; records nothing",
                .notes = "Prints path, kind, cause and client address, separated by tabs; - for none. With --format "
                         "json: one object per message and line, with all that --explain shows.",
                .examples = "  blowback classify message.eml\n"
                            "  blowback classify --explain --trusted-relay 192.0.2.25 Maildir/cur\n"
                            "  blowback classify --sender '<>' --recipient a@trap.example.net --client-ip 192.0.2.1 - "
                            "< message.eml\n"
                            "  blowback classify --explain --signatures mine.tsv message.eml\n"
                            "  blowback classify --jsonl --format json partner.jsonl\n"},
               [arguments](const Context& context) { return classify(context, *arguments); });
  command.option("PATH", arguments->paths, "Messages, folders, mboxes; -: one message on standard input").required();
  command
      .option("--signatures", arguments->signatures,
              "A file with signatures of your own, as detect.signatures names it; may be repeated")
      .one_value_each()
      .shown_as("FILE");
  command
      .option("--trusted-relay", arguments->trusted_relays,
              "A relay of your own, whose Received: is trusted; may be repeated")
      .one_value_each()
      .shown_as("CIDR");
  command.option("--sender", arguments->senders, "The reverse-path of all messages; '' or '<>': the null reverse-path")
      .one_value_each()
      .shown_as("ADDRESS");
  command.option("--recipient", arguments->recipients, "A trap that all messages were sent to; may be repeated")
      .one_value_each()
      .shown_as("ADDRESS");
  command.option("--client-ip", arguments->client_ip, "The address that connected, instead of what Received: says")
      .shown_as("IP");
  command.flag("--jsonl", arguments->json_lines, "PATH has JSON lines, as for a feed of type jsonl; -: standard input");
  command.flag("--explain", arguments->explains, "Also what decided, below each line");
  command.option("--format", arguments->format, "table (the default) or json")
      .one_of("format", {"table", "json"})
      .shown_as("FORMAT")
      .shows_default();
}

}  // namespace blowback::cli
