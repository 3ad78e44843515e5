// `blowback classify PATH…`: the judge's verdict on messages, with --explain also the reasons. Records nothing.
#include "arguments.h"
#include "blowback/text.h"
#include "commands.h"
#include "detect/judge.h"
#include "feed/feed.h"
#include "mail/message.h"
#include "mail/received_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <variant>

namespace blowback::cli {
namespace {

namespace fs = std::filesystem;

class Classifier {
 public:
  Classifier(const Context& context, std::vector<Prefix> trusted_relays, bool explains)
      : context_(context), trusted_relays_(std::move(trusted_relays)), explains_(explains) {}

  /// A message, an mbox, or a folder of messages and mboxes.
  void path(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      std::vector<fs::path> entries;
      for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        if (at->is_regular_file(error)) entries.push_back(at->path());
      }
      if (error) warn(path.string(), error.message());
      std::ranges::sort(entries);
      for (const auto& entry : entries) file(entry);
    } else {
      file(path);
    }
  }

 private:
  void file(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error || !fs::is_regular_file(path, error)) {
      warn(path.string(), error ? error.message() : "not a file");
      return;
    }
    std::ifstream stream(path, std::ios::binary);
    std::string beginning(5, '\0');
    stream.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    // One message by its name, even if a mail program wrote a `From ` line at its beginning.
    const bool is_one_message = path.extension() == ".eml";
    if (!is_one_message && !stream.eof() && beginning == "From ") {
      mbox(path);
      return;
    }
    if (size > mail::Limits{}.message) {
      warn(path.string(), fmt::format("{} octets; the judge reads at most {}", size, mail::Limits{}.message));
      line(path.string(), "-", "-", "-");
      return;
    }
    stream.clear();
    stream.seekg(0);
    TrapDelivery delivery;
    delivery.message.resize(size);
    stream.read(delivery.message.data(), static_cast<std::streamsize>(size));
    if (stream.gcount() != static_cast<std::streamsize>(size)) {
      warn(path.string(), "can't be read");
      return;
    }
    message(path.string(), delivery);
  }

  void mbox(const fs::path& path) {
    // Whether the boundaries can be trusted doesn't matter: nobody is listed because of this.
    auto opened = feed::open_mbox(path.string(), feed::MboxQuoting::mboxrd, std::nullopt);
    if (!opened) {
      warn(path.string(), opened.error().text);
      return;
    }
    while (true) {
      const auto chunk = (*opened)->next({});
      if (!chunk) {
        warn(path.string(), chunk.error().text);
        return;
      }
      for (const auto& item : chunk->items) {
        const std::string where = path.string() + ":" + item.where;
        if (const auto* delivery = std::get_if<TrapDelivery>(&item.content)) {
          message(where, *delivery);
        } else {
          warn(where, std::get<feed::Unreadable>(item.content).detail);
          line(where, "-", "-", "-");
        }
      }
      if (chunk->drained && chunk->items.empty()) return;
      if (const auto taken = (*opened)->committed(); !taken) {
        warn(path.string(), taken.error().text);
        return;
      }
    }
  }

  void message(const std::string& where, const TrapDelivery& delivery) {
    const auto parsed = mail::parse(delivery.message, {});
    if (!parsed) {
      warn(where, parsed.error().text);
      line(where, "-", "-", "-");
      return;
    }
    std::vector<std::string> received;
    std::vector<std::string> traps;
    for (const auto& field : parsed->fields) {
      const auto name = lower_case(field.name);
      if (name == "received") received.push_back(field.value);
      if (name == "delivered-to" || name == "x-original-to" || name == "envelope-to" || name == "to") {
        if (auto address = mail::first_address(field.value); !address.empty()) traps.push_back(std::move(address));
      }
    }
    const Verdict verdict = detect::judge(delivery, *parsed, traps);
    const auto client = mail::client_of(received, trusted_relays_);
    line(where, name_of(verdict.kind), is_backscatter(verdict.kind) ? name_of(verdict.cause) : "-",
         client ? client->address.to_string() : "-");
    if (!explains_) return;
    explain(verdict);
    if (!client) detail("client", client.error().text);
  }

  /// What decided, in indented lines below that of the message.
  void explain(const Verdict& verdict) const {
    detail("subject", verdict.subject);
    detail("confidence",
           fmt::format("{:.2f}{}", verdict.confidence,
                       verdict.claims_trap ? ", the returned mail claims to come from its recipient" : ""));
    for (const Signal& signal : verdict.signals) {
      detail("signal", fmt::format("{:+.1f}  {}", signal.weight, signal.name));
    }
    detail("product", verdict.product);
    detail("reporting MTA", verdict.reporting_mta);
    detail("queue id", verdict.queue_id);
    if (verdict.original) explain(*verdict.original);
    detail("campaign", verdict.campaign);
  }

  void explain(const ReturnedOriginal& original) const {
    detail("original from", original.from);
    detail("original path", original.return_path);
    detail("original subject", original.subject);
    detail("original id", original.message_id);
    detail("original date", original.date);
    if (original.client) detail("original client", original.client->to_string());
    if (original.spf_failed)
      detail("original SPF", "had failed when the server accepted the mail: it could have refused it");
  }

  void detail(std::string_view name, const std::string& value) const {
    if (!value.empty()) fmt::print(context_.world.out, "    {:<17}{}\n", name, harmless(value));
  }

  void line(const std::string& where, std::string_view kind, std::string_view cause, std::string_view client) const {
    fmt::print(context_.world.out, "{}\t{}\t{}\t{}\n", where, kind, cause, client);
  }

  void warn(const std::string& where, const std::string& what) { context_.warn(where + ": " + harmless(what)); }

  const Context& context_;
  std::vector<Prefix> trusted_relays_;
  bool explains_ = false;
};

struct Arguments {
  std::vector<std::string> paths;
  std::vector<std::string> trusted_relays;
  bool explains = false;
};

int classify(const Context& context, const Arguments& arguments) {
  std::vector<Prefix> relays;
  for (const auto& text : arguments.trusted_relays) {
    const auto relay = prefix(context, text);
    if (!relay) return relay.error();
    relays.push_back(*relay);
  }
  std::error_code ignored;
  for (const auto& path : arguments.paths) {
    if (!fs::exists(path, ignored)) return context.fail(path + ": no such file or folder", kWrongUse);
  }
  Classifier classifier(context, std::move(relays), arguments.explains);
  for (const auto& path : arguments.paths) classifier.path(path);
  return kYes;
}

}  // namespace

void add_classify(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "classify",
                           .summary = "The judge's verdict on messages, folders, mboxes; records nothing",
                           .notes = "Prints path, kind, cause and client address, separated by tabs; - for none.",
                           .examples = "  blowback classify message.eml\n"
                                       "  blowback classify --explain --trusted-relay 192.0.2.25 Maildir/cur\n"},
                          [arguments](const Context& context) { return classify(context, *arguments); });
  command.option("PATH", arguments->paths, "Messages, folders, mboxes").required();
  command
      .option("--trusted-relay", arguments->trusted_relays,
              "A relay of your own, whose Received: is trusted; may be repeated")
      .shown_as("CIDR");
  command.flag("--explain", arguments->explains, "Also what decided, below each line");
}

}  // namespace blowback::cli
