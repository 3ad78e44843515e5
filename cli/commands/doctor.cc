// `blowback doctor`: one look at everything that can be wrong, each with its mend. It changes nothing.
#include "arguments.h"
#include "blowback/text.h"
#include "commands.h"
#include "dns/bystanders.h"
#include "dns/client.h"
#include "dns/server_argument.h"
#include "dns/server_status.h"
#include "feed_findings.h"
#include "findings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <thread>

namespace blowback::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};
/// A server publishes a change within a second; twice that, and it doesn't follow.
constexpr milliseconds kLagPatience{2000};
constexpr milliseconds kPause{50};
constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kLittleRoom = 1024 * kMiB;
constexpr std::uint64_t kNoRoom = 100 * kMiB;
constexpr std::uint64_t kLargeWal = 256 * kMiB;
constexpr Duration kSilence = std::chrono::days{1};
constexpr double kLongSinceRead = 5;

constexpr Wording kWording{
    .grade = "state", .grades = {"ok", "warning", "problem"}, .advice = "mend", .has_source = false};

[[nodiscard]] bool may(const fs::path& path, int mode) { return ::access(path.c_str(), mode) == 0; }

class Doctor {
 public:
  Doctor(const Context& context, const config::Config& config, Findings& findings)
      : context_(context), config_(config), findings_(findings) {}

  void look(const std::optional<config::Endpoint>& resolver) {
    look_at_name_servers(config_, {}, findings_);
    look_at_traps();
    look_at_feeds();
    look_at_database();
    look_at_server();
    for (const auto& endpoint : config_.server.listen) look_at_zone(endpoint);
    look_at_delegation(resolver);
  }

 private:
  void look_at_traps() {
    const auto& traps = config_.traps;
    if (traps.domains.empty() && traps.addresses.empty()) {
      findings_.doubtful("traps", "none are configured, so every recipient of a feed is a trap",
                         "name them in [traps], unless no feed has any mail but for traps");
    } else {
      findings_.good(
          "traps", fmt::format("{} domain{}, {} address{}", traps.domains.size(), traps.domains.size() == 1 ? "" : "s",
                               traps.addresses.size(), traps.addresses.size() == 1 ? "" : "es"));
    }
    look_at_witnesses(config_, {}, findings_);
    if (config_.policy.any_reverse_path) {
      findings_.doubtful("reverse path",
                         "policy.reverse_path is \"any\": whoever can send mail through a server can have it listed",
                         "set it to \"null\", unless nobody you don't trust can write to your traps");
    }
  }

  void look_at_feeds() {
    if (config_.feeds.empty()) {
      findings_.doubtful("feeds", "none are configured, so nothing is listed but by `list` and `import`",
                         "add a [[feed]] to the config");
    }
    cli::look_at_feeds(config_, {}, findings_);
  }

  void look_at_database() {
    look_at_files();
    auto store = schema::Store::open(config_.database, schema::Store::Mode::read);
    if (!store) {
      findings_.bad("database", store.error().text, "without it there is no list; see the message");
      return;
    }
    store_.emplace(std::move(*store));
    findings_.good("database", fmt::format("{}, format {}", config_.database, store_->version_found()));
    if (const auto wrong = store_->quick_check(); !wrong) {
      findings_.bad("integrity", wrong.error().text, "run `blowback db check`");
    } else if (!wrong->empty()) {
      findings_.bad("integrity", wrong->front(),
                    "stop both daemons and restore the last backup; `blowback db check` tells more");
    } else {
      findings_.good("integrity", "SQLite's quick check finds nothing");
    }
    look_at_disk();
    look_at_times();
    look_at_unfinished();
    look_at_news();
    look_at_reach(*store_, context_.world.now, findings_);
  }

  /// Whose the database is, with what SQLite puts beside it and what migrations keep: root may have made it, and others may read it.
  void look_at_files() {
    const fs::path database(config_.database);
    const auto folder = database.has_parent_path() ? database.parent_path() : fs::path(".");
    struct stat owner{};
    std::error_code error;
    if (::stat(folder.c_str(), &owner) != 0) return;
    std::vector<std::string> foreign;
    std::vector<std::string> open_to_all;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const auto name = entry.path().filename().string();
      const auto rest = std::string_view(name).substr(0, database.filename().string().size());
      struct stat file{};
      if (rest != database.filename() || ::stat(entry.path().c_str(), &file) != 0 || !S_ISREG(file.st_mode)) continue;
      const bool by_group = file.st_gid == owner.st_gid && (file.st_mode & S_IWGRP) != 0;
      // A folder of root's says nothing of who the daemons are.
      if (owner.st_uid != 0 && file.st_uid != owner.st_uid && !by_group) foreign.push_back(name);
      if ((file.st_mode & S_IRWXO) != 0) open_to_all.push_back(name);
    }
    if (!foreign.empty()) {
      findings_.bad(
          "owner",
          fmt::format("{}: not the folder's owner's, so blowback-ingest can't write there", fmt::join(foreign, ", ")),
          fmt::format("`chown --reference={0} {0}/{1}*`; run `blowback` as that user", folder.string(),
                      database.filename().string()));
    } else {
      findings_.good("owner", "the database's files belong to whom their folder belongs to");
    }
    if (!open_to_all.empty()) {
      findings_.doubtful(
          "privacy",
          fmt::format("{}: other users may read it, and it holds people's mail", fmt::join(open_to_all, ", ")),
          fmt::format("`chmod o-rwx {}/{}*`", folder.string(), database.filename().string()));
    } else {
      findings_.good("privacy", "only owner and group may read the database's files");
    }
  }

  void look_at_unfinished() {
    const auto entries = store_->unfinished();
    if (!entries) return;
    for (const auto& entry : *entries) {
      const bool needs_its_file = entry.action == "import" || entry.action == "list";
      findings_.doubtful(
          fmt::format("entry {}", entry.id),
          fmt::format("{} {} by {} isn't done yet: it was interrupted, or goes on right now", entry.action,
                      harmless(entry.subject), harmless(entry.who)),
          fmt::format("if nobody works on it, {}, or take it back: `blowback undo {}`",
                      needs_its_file ? "run the same command again" : "let blowback-ingest run, which goes on with it",
                      entry.id));
    }
  }

  void look_at_disk() {
    const fs::path database(config_.database);
    const auto folder = database.has_parent_path() ? database.parent_path() : fs::path(".");
    if (may(database, W_OK) && may(folder, W_OK)) {
      findings_.good("writable", "the database and its folder");
    } else {
      findings_.doubtful("writable", "this user may not write the database or its folder",
                         "run this as the user who runs blowback-ingest; if that is you, give it the folder");
    }
    struct statvfs room{};
    if (::statvfs(folder.c_str(), &room) == 0) {
      const auto free = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
      const auto text = fmt::format("{} MiB free in {}", free / kMiB, folder.string());
      constexpr auto kMend = "make room, or move the database; a full disk stops recording, nothing stored is lost";
      if (free < kNoRoom) {
        findings_.bad("disk", text, kMend);
      } else if (free < kLittleRoom) {
        findings_.doubtful("disk", text, kMend);
      } else {
        findings_.good("disk", text);
      }
    }
    std::error_code error;
    const auto size = fs::file_size(config_.database + "-wal", error);
    const auto wal = error ? 0 : static_cast<std::uint64_t>(size);
    const auto text = fmt::format("the write-ahead log has {} MiB", wal / kMiB);
    if (wal > kLargeWal) {
      findings_.doubtful(
          "wal", text,
          fmt::format("some program has been reading for very long: `fuser -v {}` names them; end it, and the "
                      "next commits make it small again",
                      config_.database));
    } else {
      findings_.good("wal", text);
    }
  }

  /// Either the clock was ahead when they were written, or it is behind now.
  void look_at_times() {
    const auto ahead = store_->times_ahead(context_.world.now);
    if (!ahead) {
      findings_.bad("times", ahead.error().text, "run `blowback db check`");
      return;
    }
    std::string found;
    const auto add = [&](std::string_view what, const std::optional<UnixTime>& at) {
      if (at) found += fmt::format("{}{} of {}", found.empty() ? "" : ", ", what, to_iso8601(*at));
    };
    add("an incident", ahead->incident);
    add("a decision", ahead->decision);
    add("a change in the journal", ahead->change);
    if (found.empty()) {
      findings_.good("times", "no time in the database lies ahead");
      return;
    }
    findings_.doubtful(
        "times", "ahead of now: " + found,
        "see that this machine's clock is right and stays so (chronyc tracking, timedatectl). If it is, it was "
        "ahead then: blowback-ingest mends what that did, but for ends that operators gave (`blowback log`)");
  }

  void look_at_clock(const ServerStatus& status) {
    if (status.value("clock.in_doubt") != Cell(true)) return;
    const auto ahead = status.value("clock.ahead_seconds");
    const auto* const seconds = std::get_if<double>(&ahead);
    const Duration off{seconds == nullptr ? 0 : static_cast<Duration::rep>(*seconds)};
    findings_.bad("clock",
                  fmt::format("in doubt: the system's clock is {} by {}, seen from the clock that the server goes by",
                              off < Duration{} ? "behind" : "ahead", in_words(off)),
                  "set the clock right (chronyc makestep, or timedatectl set-ntp true); nothing else is to be done");
  }

  void look_at_news() {
    const auto stats = store_->stats(context_.world.now);
    if (!stats) {
      findings_.bad("statistics", stats.error().text, "run `blowback db check`");
      return;
    }
    for (const auto& feed : config_.feeds) {
      const auto name = "news " + feed.name;
      const auto known = std::ranges::find(stats->feeds, feed.name, &schema::Stats::Feed::name);
      if (known == stats->feeds.end() || !known->last_delivery) {
        findings_.doubtful(name, "nothing was ever delivered by this feed",
                           "start blowback-ingest, and send a message to one of its traps; see its log");
        continue;
      }
      const auto age = context_.world.now - *known->last_delivery;
      const auto text = "last delivery " + when(*known->last_delivery, context_.world.now);
      if (age > kSilence) {
        findings_.doubtful(name, text, "see that blowback-ingest runs, and that mail for the traps still gets here");
      } else {
        findings_.good(name, text);
      }
      const auto& counts = known->counts;
      if (counts.unknown_reverse_path > counts.incidents / 2) {
        findings_.doubtful(
            "reverse path " + feed.name,
            fmt::format("{} of its {} incidents don't say with which reverse-path they came, so they accuse nobody",
                        counts.unknown_reverse_path, counts.incidents),
            "have your mail server write Return-Path: above its Received: line (Postfix's virtual and local "
            "do, its pipe with flags=R), or give the feed the reverse-path (smtp, lmtp, milter, mail_from)");
      }
    }
  }

  void look_at_server() {
    const auto& socket = config_.server.status_socket;
    if (socket.empty()) {
      findings_.doubtful("server", "can't be asked: server.status_socket is empty",
                         "set server.status_socket to a path, or watch the zone by other means");
      return;
    }
    const auto status = ask_server(socket);
    if (!status) {
      findings_.bad("server", status.error().text, "start blowback-server with this config, or see its log");
      return;
    }
    const auto zone = status->value("zone");
    if (const auto* const name = std::get_if<std::string>(&zone); name != nullptr && *name != config_.zone.name) {
      findings_.bad("server", fmt::format("serves {}, and the config says {}", *name, config_.zone.name),
                    "restart it with this config");
      return;
    }
    findings_.good("server", fmt::format("answers at {}", socket));
    look_at_clock(*status);
    if (status->value("list.ready") != Cell(true)) {
      findings_.bad("index", "not there yet: queries get SERVFAIL", "see the server's log and the database's findings");
      return;
    }
    if (status->value("list.stale") == Cell(true)) {
      findings_.bad("index", "stale: the database couldn't be read for so long that nobody is called listed",
                    "let the server read the database, see its log");
      return;
    }
    const auto read = status->value("list.checked_seconds_ago");
    const auto* const seconds = std::get_if<double>(&read);
    if (seconds != nullptr && *seconds > kLongSinceRead) {
      findings_.bad("index", fmt::format("the database was last read {:.0f} seconds ago", *seconds),
                    "see the server's log: it can't read the database, and answers from what it has");
    } else {
      const auto entries = status->number("list.entries");
      findings_.good("index",
                     fmt::format("{} entr{}, up to date with the database", entries, entries == 1 ? "y" : "ies"));
    }
    look_at_lag(socket);
  }

  /// The server's serial becomes the database's within a second: it is asked until it does.
  void look_at_lag(const std::string& socket) {
    if (!store_) return;
    const auto until = Clock::now() + kLagPatience;
    std::uint64_t lag = 0;
    do {
      const auto head = store_->serial();
      const auto status = ask_server(socket);
      if (!head || !status) {
        findings_.bad("journal", "the serials can't be compared", "run this again, see the log");
        return;
      }
      const auto served = status->number("list.serial");
      lag = *head > served ? *head - served : 0;
      if (lag == 0) {
        findings_.good("journal", fmt::format("served up to serial {}, the last", served));
        return;
      }
      std::this_thread::sleep_for(kPause);
    } while (Clock::now() < until);
    findings_.bad("journal", fmt::format("the server is {} changes behind the database", lag),
                  "see that it follows this very database (`database` in its config) and may read it");
  }

  void look_at_zone(config::Endpoint endpoint) {
    const auto name = "dns " + to_string(endpoint);
    // What listens on all addresses is asked on loopback.
    if (endpoint.address == IpAddress()) endpoint.address = IpAddress::from_v4(0x7f000001);
    if (endpoint.address.to_string() == "::") endpoint.address = *IpAddress::parse("::1");
    bool any_wrong = false;
    for (const bool tcp : {false, true}) {
      const auto told = name + (tcp ? " tcp" : " udp");
      if (const auto wrong = wrong_with(endpoint, tcp)) {
        findings_.bad(told, wrong->found, wrong->mend);
        any_wrong = true;
      } else {
        findings_.good(told, "SOA serial is the database's, test points are right");
      }
    }
    if (any_wrong) return;  // its answers to the rest would say nothing
    std::random_device random;
    look_at_bystanders(endpoint, config_.zone.name, draw_bystanders(random()), name + " bystanders", findings_);
  }

  struct Wrong {
    std::string found;
    std::string mend;
  };

  [[nodiscard]] static std::string mend_for(const DnsReply& reply) {
    if (reply.rcode == 5) return "let 127.0.0.1 and ::1 ask (server.allow), and see that it serves this zone";
    return reply.rcode == 2 ? "see the server's log: it has no list to answer from"
                            : "see that what answers there is blowback-server";
  }

  [[nodiscard]] std::optional<Wrong> wrong_with(const config::Endpoint& endpoint, bool tcp) {
    const auto asked = [&](const std::string& name, RecordType type) {
      return ask(endpoint, {.name = name, .type = type, .tcp = tcp, .edns = Edns{}}, kPatience);
    };
    const auto until = Clock::now() + kLagPatience;
    while (true) {
      const auto soa = asked(config_.zone.name, RecordType::soa);
      if (!soa) return Wrong{soa.error().text, "start blowback-server, and see that no packet filter is in between"};
      const auto records = soa->answers_of(RecordType::soa);
      if (soa->rcode != 0 || records.empty() || records[0].rdata.size() < 3) {
        return Wrong{fmt::format("asked for the SOA it says {}", rcode_text(soa->rcode)), mend_for(*soa)};
      }
      if (!store_) break;
      const auto head = store_->serial();
      if (head && records[0].rdata[2] == std::to_string(static_cast<std::uint32_t>(*head))) break;
      if (Clock::now() >= until) {
        return Wrong{fmt::format("SOA serial is {}, the database's {}", records[0].rdata[2],
                                 head ? std::to_string(*head) : "unknown"),
                     "see that it follows this very database"};
      }
      std::this_thread::sleep_for(kPause);
    }
    const auto& zone = config_.zone.name;
    const auto listed = asked("2.0.0.127." + zone, RecordType::a);
    if (!listed) return Wrong{listed.error().text, "see the server's log"};
    if (listed->answers_of(RecordType::a).empty()) {
      return Wrong{fmt::format("127.0.0.2 isn't listed but {}", rcode_text(listed->rcode)), mend_for(*listed)};
    }
    const auto unlisted = asked("1.0.0.127." + zone, RecordType::a);
    if (!unlisted) return Wrong{unlisted.error().text, "see the server's log"};
    if (unlisted->rcode != 3) {
      return Wrong{fmt::format("127.0.0.1 isn't NXDOMAIN but {}", rcode_text(unlisted->rcode)), mend_for(*unlisted)};
    }
    return std::nullopt;
  }

  void look_at_delegation(const std::optional<config::Endpoint>& chosen) {
    const auto resolver = chosen ? chosen : system_resolver();
    if (!resolver) {
      findings_.doubtful("delegation", "not looked at: /etc/resolv.conf names no resolver", "name one by --resolver");
      return;
    }
    const auto name = "delegation by " + to_string(*resolver);
    // Who names a resolver expects it to know the zone; else the list may be a private one.
    const auto tell = [&](std::string found, std::string mend) {
      if (chosen) {
        findings_.bad(name, std::move(found), std::move(mend));
        return;
      }
      findings_.doubtful(name, std::move(found), mend + "; a list for your own servers alone needs no delegation");
    };
    const auto asked = [&](const std::string& what, RecordType type) {
      return ask(*resolver, {.name = what, .type = type, .recursion_desired = true, .edns = Edns{}}, 2 * kPatience);
    };
    const auto& zone = config_.zone;
    const auto servers = asked(zone.name, RecordType::ns);
    if (!servers) {
      tell(servers.error().text, "see that the resolver runs, or name another by --resolver");
      return;
    }
    std::set<std::string> public_names;
    for (const auto& record : servers->answers_of(RecordType::ns)) {
      if (!record.rdata.empty()) public_names.insert(lower_case(record.rdata[0]));
    }
    if (public_names.empty()) {
      tell(fmt::format("{} has no NS there: {}", zone.name, rcode_text(servers->rcode)),
           fmt::format("in the zone above, delegate it: `{}. NS {}.`", zone.name, zone.nameservers.front()));
      return;
    }
    if (public_names != std::set<std::string>(zone.nameservers.begin(), zone.nameservers.end())) {
      tell(fmt::format("name servers there are {}, in the config {}", fmt::join(public_names, " "),
                       fmt::join(zone.nameservers, " ")),
           "make zone.nameservers and the delegation the same");
      return;
    }
    const auto listed = asked("2.0.0.127." + zone.name, RecordType::a);
    if (!listed) {
      tell(listed.error().text, "see that the name servers are reachable from there");
      return;
    }
    if (listed->answers_of(RecordType::a).empty()) {
      tell(fmt::format("127.0.0.2 isn't listed there but {}", rcode_text(listed->rcode)),
           "see that the name servers of the zone answer, UDP and TCP port 53");
      return;
    }
    findings_.good(name, fmt::format("NS {}, and 127.0.0.2 is listed", fmt::join(public_names, " ")));
  }

  const Context& context_;
  const config::Config& config_;
  Findings& findings_;
  std::optional<schema::Store> store_;
};

int doctor(const Context& context, const std::string& resolver) {
  std::optional<config::Endpoint> chosen;
  if (!resolver.empty()) {
    const auto given = server_argument(context, "--resolver", resolver);
    if (!given) return given.error();
    chosen = *given;
  }
  Findings findings;
  const auto config = context.load_config();
  if (config) {
    findings.good("config", fmt::format("{}, zone {}", config->file, config->zone.name));
    Doctor(context, *config, findings).look(chosen);
  } else {
    findings.bad("config", config.error().text, "as the message says; until then no program starts");
  }
  findings.print(context, kWording);
  return findings.any_bad() ? kNo : kYes;
}

}  // namespace

void add_doctor(Command& tool) {
  const auto resolver = std::make_shared<std::string>();
  auto command = tool.add({.name = "doctor",
                           .summary = "Look at everything that can be wrong, and say how to mend it",
                           .notes = {},
                           .examples = "  blowback doctor\n"
                                       "  blowback doctor --resolver 192.0.2.53 --format json\n"},
                          [resolver](const Context& context) { return doctor(context, *resolver); });
  command.option("--resolver", *resolver, "Ask this one for the zone's public name; else the system's")
      .shown_as("ADDRESS[:PORT]");
  command.format();
}

}  // namespace blowback::cli
