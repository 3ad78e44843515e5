// Folders, files and certificates, as the user who runs this can reach them.
#include "feed_findings.h"

#include "smtp/certificate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace blowback::cli {
namespace {

namespace fs = std::filesystem;

[[nodiscard]] bool may(const fs::path& path, int mode) { return ::access(path.c_str(), mode) == 0; }

/// How a feed is called in findings, and where its keys are written.
struct Place {
  std::string name;
  std::function<std::string(std::string_view key)> source;
};

void look_at_maildir(const Place& at, const config::Feed& feed, Findings& findings) {
  std::error_code error;
  for (const auto* const part : {"new", "cur", "tmp"}) {
    const auto folder = fs::path(feed.path) / part;
    if (!fs::is_directory(folder, error)) {
      findings.bad(at.name, folder.string() + " is no folder that can be seen",
                   fmt::format("let the MTA make the Maildir, or `mkdir -p {}/new {}/cur {}/tmp`, or set `path`",
                               feed.path, feed.path, feed.path),
                   at.source("path"));
      return;
    }
    if (!may(folder, R_OK | W_OK | X_OK)) {
      findings.bad(at.name, folder.string() + " can't be read and written by this user",
                   "make it the folder of the user who runs blowback-ingest, or give its group rwx", at.source("path"));
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
        at.name, path + " isn't there",
        "make it, or set `path` to where the mail is; until then ingest isn't ready, and reads it once it is there",
        at.source("path"));
    return;
  }
  if (status.type() != fs::file_type::regular && status.type() != fs::file_type::fifo) {
    findings.bad(at.name, path + " is no file", "set `path` to a file, or `type` to what is there", at.source("path"));
    return;
  }
  if (!may(path, R_OK)) {
    findings.bad(at.name, path + " can't be read by this user",
                 "let the user who runs blowback-ingest read it, and its folder", at.source("path"));
    return;
  }
  findings.good(at.name, path, at.source("path"));
}

void look_at_quoting(const Place& at, const config::Feed& feed, Findings& findings) {
  if (feed.type != config::FeedType::mbox || feed.quoting != config::MboxQuoting::none) return;
  findings.doubtful("quoting " + feed.name,
                    "nobody says how its writer quotes, so anybody can write messages into it, and none counts",
                    "set `quoting` to \"mboxrd\", \"mboxo\" or \"content-length\", whichever its writer does",
                    at.source("quoting"));
}

void look_at_door(const Place& at, const config::Feed& feed, Findings& findings) {
  if (feed.type == config::FeedType::milter) {
    findings.good(at.name, "watches a mail server that has it among its milters", at.source("listen"));
    return;
  }
  const auto& door = feed.door;
  if (!door.certificate.empty()) {
    if (const auto tls = smtp::tls_context({.chain = door.certificate, .key = door.key}, door.hostname); !tls) {
      findings.bad(at.name, tls.error(),
                   "name PEM files that the user who runs blowback-ingest may read, or take `certificate` and "
                   "`key` away for a self-signed one",
                   at.source("certificate"));
      return;
    }
  }
  // Whether somebody answers is told by what was last delivered: a client that only connects would count as a callout's.
  findings.good(at.name, door.certificate.empty() ? "listens; its certificate is self-signed" : "listens",
                at.source("listen"));
}

}  // namespace

void look_at_feeds(const config::Config& config, const FeedSource& source_of, Findings& findings) {
  for (std::size_t i = 0; i < config.feeds.size(); ++i) {
    const auto& feed = config.feeds.at(i);
    const Place at{.name = "feed " + feed.name,
                   .source = [&](std::string_view key) { return source_of ? source_of(i, key) : std::string(); }};
    if (feed.has_door()) {
      look_at_door(at, feed, findings);
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
