#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::config {
namespace {

struct FeedTypeName {
  std::string_view name;
  FeedType type;
  std::string_view default_path;
};

constexpr std::array<FeedTypeName, 7> kFeedTypes{{{"maildir", FeedType::maildir, "/var/spool/blowback/Maildir"},
                                                  {"mbox", FeedType::mbox, "/var/spool/blowback/mbox"},
                                                  {"jsonl", FeedType::jsonl, "-"},
                                                  {"stdin", FeedType::standard_input, ""},
                                                  {"smtp", FeedType::smtp, ""},
                                                  {"lmtp", FeedType::lmtp, ""},
                                                  {"milter", FeedType::milter, ""}}};

/// `192.0.2.1:25`, `[2001:db8::1]:25`, or `unix:/path`.
[[nodiscard]] std::expected<std::variant<Endpoint, std::string>, NameError> listener_endpoint(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (!text.starts_with(kUnix)) {
    auto at = endpoint(text);
    if (!at) return std::unexpected(std::move(at).error());
    return *at;
  }
  const auto path = text.substr(kUnix.size());
  if (path.empty() || path.front() != '/' || path.size() > kSocketPathOctets || path.contains('\0')) {
    return std::unexpected(
        NameError{fmt::format("needs an absolute path of at most {} octets after unix:", kSocketPathOctets)});
  }
  return std::string(path);
}

void read_listener(Section& section, const Feed& feed, Listener& listener) {
  const bool is_milter = feed.type == FeedType::milter;
  if (is_milter || feed.type == FeedType::lmtp) {
    listener.listen = {*endpoint(is_milter ? "127.0.0.1:8895" : "127.0.0.1:2424")};
  } else {
    listener.listen = {*endpoint("0.0.0.0:25"), *endpoint("[::]:25")};
  }
  parsed_texts(section, "listen", listener.listen, [](const std::string& text) { return listener_endpoint(text); });
  section.text("hostname", listener.hostname);
  if (section.is_good("hostname")) {
    if (const auto name = dns_name(listener.hostname); !name) section.complain("hostname", name.error().text);
  }
  section.text("certificate", listener.certificate);
  section.text("key", listener.key);
  if (listener.certificate.empty() != listener.key.empty()) {
    section.complain(listener.key.empty() ? "certificate" : "key",
                     "needs the other one, too: `certificate` and `key` are two PEM files that belong together");
  }
  section.boolean("proxy_protocol", listener.proxy_protocol);
  if (listener.proxy_protocol && feed.trusted_relays.empty()) {
    section.complain(
        "proxy_protocol",
        "lets the proxy name the client, so the proxy has to be trusted: add its address to trusted_relays");
  }
  section.boolean("hide_traps", listener.hide_traps);
  section.integer("connections", listener.connections, 1, 20'000);
  section.integer("connections_per_client", listener.connections_per_client, 1, 20'000);
  section.integer("message_size", listener.message_size, 1 << 10, 32 << 20);
  section.duration("command_time", listener.command_time, std::chrono::seconds{1}, std::chrono::hours{1});
  section.duration("data_time", listener.data_time, std::chrono::seconds{1}, std::chrono::hours{1});
  section.boolean("callouts", listener.callouts);
  if (is_milter && listener.listen.size() > 1) {
    section.complain("listen", "has several endpoints, but a milter has one; write a feed for each");
  }
  if (!is_milter && section.is_good("callouts")) {
    section.complain("callouts", "concerns feeds of type milter only; remove the key");
  }
  if (feed.has_listener() && !is_milter) return;
  for (const auto* const key : {"hostname", "certificate", "key", "proxy_protocol", "hide_traps",
                                "connections_per_client", "command_time", "data_time"}) {
    if (section.is_good(key)) section.complain(key, "concerns feeds of type smtp and lmtp only; remove the key");
  }
  if (is_milter) return;
  for (const auto* const key : {"listen", "connections", "message_size"}) {
    if (section.is_good(key)) {
      section.complain(key, "concerns feeds of type smtp and lmtp only, and milter; remove the key");
    }
  }
}

}  // namespace

std::string_view name_of(FeedType type) { return std::ranges::find(kFeedTypes, type, &FeedTypeName::type)->name; }

void read_feed(Section& section, std::vector<Feed>& feeds) {
  Feed feed;
  std::string type = "maildir";
  section.text("type", type);
  const auto* known = std::ranges::find(kFeedTypes, type, &FeedTypeName::name);
  if (known == kFeedTypes.end()) {
    section.complain(
        "type", R"(is no type of feed; there are "maildir", "mbox", "jsonl", "stdin", "smtp", "lmtp" and "milter")");
    known = kFeedTypes.begin();
  }
  feed.type = known->type;

  feed.name = type;
  section.text("name", feed.name);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (feed.name.empty() || feed.name.size() > 64 || std::ranges::any_of(feed.name, is_control)) {
    section.complain("name", "needs 1 to 64 octets without control characters, since logs and statistics show it");
  } else if (std::ranges::find(feeds, feed.name, &Feed::name) != feeds.end()) {
    section.complain("name", fmt::format("is also the name of an earlier feed; give each feed another name{}",
                                         section.has("name") ? "" : fmt::format(" (without one it is \"{}\")", type)));
  }

  feed.path = known->default_path;
  section.text("path", feed.path);
  if (section.is_good("path")) {
    if (feed.type == FeedType::standard_input) {
      section.complain("path", "has no effect, since a stdin feed reads standard input; remove the key");
    } else if (feed.has_listener()) {
      section.complain("path",
                       "has no effect, since this feed listens for connections; remove the key, or set `listen`");
    } else if (feed.path.empty() || feed.path.find('\0') != std::string::npos) {
      section.complain("path", "is no path; name the folder or file where the mail is");
    } else if (feed.path == "-" && feed.type != FeedType::jsonl) {
      section.complain("path",
                       R"(is standard input, which only "jsonl" reads; name a folder or file, or use type = "stdin")");
    }
  }
  prefixes(section, "trusted_relays", feed.trusted_relays);
  read_listener(section, feed, feed.listener);
  std::string after = "cur";
  section.text("after", after);
  if (section.is_good("after")) {
    if (feed.type != FeedType::maildir) {
      section.complain("after", "concerns a maildir only; remove the key");
    } else if (after != "cur" && after != "remove") {
      section.complain("after",
                       R"(is what happens to a file after it was read: "cur" moves it to cur/, "remove" removes it)");
    }
  }
  feed.remove = after == "remove";
  if (section.has("quoting") && feed.type != FeedType::mbox) {
    section.complain("quoting", "concerns an mbox only; remove the key");
  }
  choice(section, "quoting", feed.quoting, kQuotings);
  feeds.push_back(std::move(feed));
}

}  // namespace blowback::config
