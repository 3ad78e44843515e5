// `blowback classify PATH…`: what would the judge say of these messages, and with --explain: why? Nothing is recorded.
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

  /// A message, an mbox, or a folder with such in it.
  void path(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      std::vector<fs::path> entries;
      for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        if (at->is_regular_file(error)) entries.push_back(at->path());
      }
      if (error) trouble(path.string(), error.message());
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
      trouble(path.string(), error ? error.message() : "is no file");
      return;
    }
    std::ifstream stream(path, std::ios::binary);
    std::string beginning(5, '\0');
    stream.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    // By its name one message, although mail programs like to put a `From ` line on top of it.
    const bool is_one_message = path.extension() == ".eml";
    if (!is_one_message && !stream.eof() && beginning == "From ") {
      mbox(path);
      return;
    }
    if (size > mail::Limits{}.message) {
      trouble(path.string(),
              fmt::format("{} octets are more than the {} that are judged", size, mail::Limits{}.message));
      line(path.string(), "-", "-", "-");
      return;
    }
    stream.clear();
    stream.seekg(0);
    TrapDelivery delivery;
    delivery.message.resize(size);
    stream.read(delivery.message.data(), static_cast<std::streamsize>(size));
    if (stream.gcount() != static_cast<std::streamsize>(size)) {
      trouble(path.string(), "can't be read");
      return;
    }
    message(path.string(), delivery);
  }

  void mbox(const fs::path& path) {
    // Whatever the boundaries are worth: nobody is accused here.
    auto opened = feed::open_mbox(path.string(), feed::MboxQuoting::mboxrd, std::nullopt);
    if (!opened) {
      trouble(path.string(), opened.error().text);
      return;
    }
    while (true) {
      const auto chunk = (*opened)->next({});
      if (!chunk) {
        trouble(path.string(), chunk.error().text);
        return;
      }
      for (const auto& item : chunk->items) {
        const std::string where = path.string() + ":" + item.where;
        if (const auto* delivery = std::get_if<TrapDelivery>(&item.content)) {
          message(where, *delivery);
        } else {
          trouble(where, std::get<feed::Unreadable>(item.content).detail);
          line(where, "-", "-", "-");
        }
      }
      if (chunk->drained && chunk->items.empty()) return;
      if (const auto taken = (*opened)->committed(); !taken) {
        trouble(path.string(), taken.error().text);
        return;
      }
    }
  }

  void message(const std::string& where, const TrapDelivery& delivery) {
    const auto parsed = mail::parse(delivery.message, {});
    if (!parsed) {
      trouble(where, parsed.error().text);
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
    if (!client) note("client", client.error().text);
  }

  /// What decided, for a person: below its line, set in.
  void explain(const Verdict& verdict) const {
    note("subject", verdict.subject);
    note("confidence", fmt::format("{:.2f}{}", verdict.confidence,
                                   verdict.claims_trap ? ", the returned mail claims to come from its recipient" : ""));
    for (const Signal& signal : verdict.signals) {
      note("signal", fmt::format("{:+.1f}  {}", signal.weight, signal.name));
    }
    note("product", verdict.product);
    note("reporting MTA", verdict.reporting_mta);
    note("queue id", verdict.queue_id);
    if (verdict.original) explain(*verdict.original);
    note("campaign", verdict.campaign);
  }

  void explain(const ReturnedOriginal& original) const {
    note("original from", original.from);
    note("original path", original.return_path);
    note("original subject", original.subject);
    note("original id", original.message_id);
    note("original date", original.date);
    if (original.client) note("original client", original.client->to_string());
    if (original.spf_failed) note("original SPF", "had failed when the server took it: it could have refused it");
  }

  void note(std::string_view name, const std::string& value) const {
    if (!value.empty()) fmt::print(context_.world.out, "    {:<17}{}\n", name, harmless(value));
  }

  void line(const std::string& where, std::string_view kind, std::string_view cause, std::string_view client) const {
    fmt::print(context_.world.out, "{}\t{}\t{}\t{}\n", where, kind, cause, client);
  }

  void trouble(const std::string& where, const std::string& what) { context_.warn(where + ": " + harmless(what)); }

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
  auto command =
      tool.add({.name = "classify",
                .summary = "What the judge says of messages, folders, mboxes; records nothing",
                .notes = "Prints path, kind, cause and client address with tabs between, - where there is none.",
                .examples = "  blowback classify message.eml\n"
                            "  blowback classify --explain --trusted-relay 192.0.2.25 Maildir/cur\n"},
               [arguments](const Context& context) { return classify(context, *arguments); });
  command.option("PATH", arguments->paths, "Messages, folders, mboxes").required();
  command
      .option("--trusted-relay", arguments->trusted_relays,
              "Our own hop, for reading Received:; may be given several times")
      .shown_as("CIDR");
  command.flag("--explain", arguments->explains, "Say below each line what decided");
}

}  // namespace blowback::cli
