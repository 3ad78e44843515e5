#include "feed_findings.h"

#include "certificate_findings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace blowback::cli {
namespace {

namespace fs = std::filesystem;

[[nodiscard]] bool may(const fs::path& path, int mode) { return ::access(path.c_str(), mode) == 0; }

/// The name of a feed in findings, and the places of its keys in the config.
struct Place {
  std::string name;
  std::function<std::string(std::string_view key)> source;
};

void look_at_maildir(const Place& at, const config::Feed& feed, Findings& findings) {
  std::error_code error;
  for (const auto* const part : {"new", "cur", "tmp"}) {
    const auto folder = fs::path(feed.path) / part;
    if (!fs::is_directory(folder, error)) {
      findings.bad(at.name, folder.string() + " isn't a folder, or this user can't see it",
                   fmt::format("let the MTA create the Maildir, or `mkdir -p {}/new {}/cur {}/tmp`, or set `path`",
                               feed.path, feed.path, feed.path),
                   at.source("path"));
      return;
    }
    if (!may(folder, R_OK | W_OK | X_OK)) {
      findings.bad(at.name, folder.string() + " can't be read and written by this user",
                   "make the user who runs blowback-ingest its owner, or give that user's group rwx",
                   at.source("path"));
      return;
    }
  }
  findings.good(at.name, "Maildir " + feed.path, at.source("path"));
}

void look_at_file(const Place& at, const std::string& path, Findings& findings) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    findings.bad(
        at.name, path + " doesn't exist, so ingest can't read it and isn't ready",
        fmt::format("let the program that writes it create it, or `touch {}`, or set `path` to the mail", path),
        at.source("path"));
    return;
  }
  if (status.type() != fs::file_type::regular && status.type() != fs::file_type::fifo) {
    findings.bad(at.name, path + " isn't a file", "set `path` to a file, or `type` to the type of what is there",
                 at.source("path"));
    return;
  }
  if (!may(path, R_OK)) {
    findings.bad(at.name, path + " can't be read by this user",
                 "give the user who runs blowback-ingest permission to read it and its folder", at.source("path"));
    return;
  }
  findings.good(at.name, path, at.source("path"));
}

void look_at_quoting(const Place& at, const config::Feed& feed, Findings& findings) {
  if (feed.type != config::FeedType::mbox || feed.quoting != config::MboxQuoting::none) return;
  findings.doubtful("quoting " + feed.name,
                    "the config doesn't say how its writer quotes `From ` lines, so a sender can forge messages in it, "
                    "and none counts",
                    "set `quoting` to what its writer does: \"mboxrd\", \"mboxo\" or \"content-length\"",
                    at.source("quoting"));
}

void look_at_listener(const Place& at, const config::Feed& feed, UnixTime now, Findings& findings) {
  if (feed.type == config::FeedType::milter) {
    findings.good(at.name, "is a milter of a mail server", at.source("listen"));
    return;
  }
  const auto& listener = feed.listener;
  if (!listener.certificate.empty()) {
    const Certificate files{.chain = listener.certificate, .key = listener.key};
    if (!look_at_certificate(at.name, files, Verified::hardly_ever, "blowback-ingest", now, at.source("certificate"),
                             findings)) {
      return;
    }
  }
  // No connection is tried: a client that only connects would count as a callout. The time of the last delivery shows whether
  // it works.
  findings.good(at.name, listener.certificate.empty() ? "listens; its certificate is self-signed" : "listens",
                at.source("listen"));
}

}  // namespace

void look_at_name_servers(const config::Zone& zone, const std::string& source, Findings& findings) {
  const auto unknown = config::without_address(zone);
  if (unknown.empty()) {
    findings.good("zone", fmt::format("{} by {}", zone.name, fmt::join(zone.nameservers, " ")), source);
    return;
  }
  findings.doubtful(
      "zone",
      fmt::format("{} is in the zone, but the config has no address for it, so the server answers that it has none",
                  fmt::join(unknown, ", ")),
      fmt::format(R"(add its addresses after the name, as in nameservers = ["ns1.{} 192.0.2.53"], or use )"
                  "a name server outside of the zone",
                  zone.name),
      source);
}

void look_at_witnesses(const config::Config& config, const std::string& source, Findings& findings) {
  const auto witnesses = config.traps.witnesses();
  const auto needed = static_cast<std::size_t>(config.policy.distinct_traps);
  if (!witnesses) return;
  if (*witnesses < needed) {
    findings.bad(
        "witnesses",
        fmt::format("the traps are {} {}, and policy.distinct_traps asks for {}: no sender will ever be listed",
                    *witnesses, *witnesses == 1 ? "witness" : "witnesses", needed),
        "a whole domain is one witness: add unused addresses to traps.addresses, or another domain", source);
  } else {
    findings.good("witnesses", fmt::format("{}, of which {} must agree", *witnesses, needed), source);
  }
}

void look_at_feeds(const config::Config& config, const FeedSource& source_of, UnixTime now, Findings& findings) {
  for (std::size_t i = 0; i < config.feeds.size(); ++i) {
    const auto& feed = config.feeds.at(i);
    const Place at{.name = "feed " + feed.name,
                   .source = [&](std::string_view key) { return source_of ? source_of(i, key) : std::string(); }};
    if (feed.has_listener()) {
      look_at_listener(at, feed, now, findings);
    } else if (feed.type == config::FeedType::maildir) {
      look_at_maildir(at, feed, findings);
    } else if (feed.type == config::FeedType::standard_input || feed.path == "-") {
      findings.good(at.name, "reads standard input", at.source("type"));
    } else {
      look_at_file(at, feed.path, findings);
    }
    look_at_quoting(at, feed, findings);
  }
}

}  // namespace blowback::cli
