#include "dns/server_findings.h"

#include "blowback/text.h"
#include "dns/bystanders.h"
#include "dns/client.h"
#include "dns/server_status.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>

namespace blowback::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};
/// A server that follows the database publishes a change within a second, so twice that is enough.
constexpr milliseconds kLagPatience{2000};
constexpr milliseconds kPause{50};
constexpr double kLongSinceRead = 5;

class ServerExamination {
 public:
  ServerExamination(const config::Config& config, schema::Store* store, UnixTime now, const Lookup& lookup,
                    Findings& findings)
      : config_(config), store_(store), began_at_(now), lookup_(lookup), findings_(findings) {}

  void look() {
    look_at_status();
    const auto latest = [&]() -> std::optional<Serial> {
      const auto found = serial();
      return found ? std::optional(*found) : std::nullopt;
    };
    for (const auto& zone : config_.zones()) {
      for (const auto& endpoint : config_.server.listen) look_at_zone(zone.name, endpoint);
      if (!store_) continue;  // nothing to compare with
      look_at_serials(find_name_servers(config_, zone, lookup_, findings_), zone.name, latest, findings_,
                      prefix_of(zone.name, config_));
    }
  }

 private:
  void look_at_status() {
    const auto& socket = config_.server.status_socket;
    if (socket.empty()) {
      findings_.doubtful("server", "not checked: server.status_socket is empty",
                         "set server.status_socket to a path, or monitor the zone in another way");
      return;
    }
    const auto status = ask_server(socket);
    if (!status) {
      findings_.bad("server", status.error().text, "start blowback-server with this config, or see its log");
      return;
    }
    const auto zone = status->value("zone");
    if (const auto* const name = std::get_if<std::string>(&zone); name != nullptr && *name != config_.zone.name) {
      findings_.bad("server", fmt::format("serves {}, but the config says {}", *name, config_.zone.name),
                    "restart it with this config");
      return;
    }
    findings_.good("server", fmt::format("answers at {}", socket));
    look_at_clock(*status);
    if (status->value("list.ready") != Cell(true)) {
      findings_.bad("index", "not loaded yet: queries get SERVFAIL",
                    "see the server's log, and the findings about the database");
      return;
    }
    if (status->value("list.stale") == Cell(true)) {
      findings_.bad("index", "stale: the database couldn't be read for so long that no address is answered as listed",
                    "give the server permission to read the database, and see its log");
      return;
    }
    const auto read = status->value("list.checked_seconds_ago");
    const auto* const seconds = std::get_if<double>(&read);
    if (seconds != nullptr && *seconds > kLongSinceRead) {
      findings_.bad("index", fmt::format("the database was last read {:.0f} seconds ago", *seconds),
                    "see the server's log: it can't read the database, and answers from its last list");
    } else {
      const auto entries = status->number("list.entries");
      findings_.good("index",
                     fmt::format("{} entr{}, up to date with the database", entries, entries == 1 ? "y" : "ies"));
    }
    look_at_lag(socket);
  }

  void look_at_clock(const ServerStatus& status) {
    if (status.value("clock.in_doubt") != Cell(true)) return;
    const auto ahead = status.value("clock.ahead_seconds");
    const auto* const seconds = std::get_if<double>(&ahead);
    const Duration off{seconds == nullptr ? 0 : static_cast<Duration::rep>(*seconds)};
    findings_.bad("clock",
                  fmt::format("in doubt: the system clock is {} of the server's own clock by {}",
                              off < Duration{} ? "behind" : "ahead", in_words(off)),
                  "set the system clock (chronyc makestep, or timedatectl set-ntp true); nothing else is needed");
  }

  /// The zone's, as of this moment: what ends meanwhile moves it.
  [[nodiscard]] schema::Result<Serial> serial() {
    const auto state = store_->zone_state(began_at_ + std::chrono::floor<Duration>(Clock::now() - began_));
    if (!state) return std::unexpected(state.error());
    return state->serial();
  }

  /// The server follows the database within a second, so its serial is read until it is the database's.
  void look_at_lag(const std::string& socket) {
    if (!store_) return;
    const auto until = Clock::now() + kLagPatience;
    Serial ours = 0;
    Serial served = 0;
    do {
      const auto found = serial();
      const auto status = ask_server(socket);
      if (!found || !status) {
        findings_.bad("journal", "the serials can't be compared", "run this again, and see the server's log");
        return;
      }
      ours = *found;
      served = status->number("list.serial");
      if (served == ours) {
        findings_.good("journal", fmt::format("the server has serial {}, the latest", served));
        return;
      }
      std::this_thread::sleep_for(kPause);
    } while (Clock::now() < until);
    if (served > ours) {
      findings_.bad("journal", fmt::format("the server has serial {}, but the database's is {}", served, ours),
                    "see the server's log: it serves a former list on if the database was replaced by an older one "
                    "(`list-held`)");
      return;
    }
    const auto lag = ours - served;
    findings_.bad("journal", fmt::format("the server is {} change{} behind the database", lag, lag == 1 ? "" : "s"),
                  "check that it follows this database (`database` in its config) and has permission to read it");
  }

  void look_at_zone(const std::string& zone, config::Endpoint endpoint) {
    const auto name = prefix_of(zone, config_) + "dns " + to_string(endpoint);
    // A server that listens on all addresses is queried on loopback.
    if (endpoint.address == IpAddress()) endpoint.address = IpAddress::from_v4(0x7f000001);
    if (endpoint.address.to_string() == "::") endpoint.address = *IpAddress::parse("::1");
    bool any_wrong = false;
    for (const bool tcp : {false, true}) {
      const auto check = name + (tcp ? " tcp" : " udp");
      if (const auto wrong = wrong_with(zone, endpoint, tcp)) {
        findings_.bad(check, wrong->found, wrong->mend);
        any_wrong = true;
      } else {
        findings_.good(check, "SOA serial is the database's, and the test points are right");
      }
    }
    if (any_wrong) return;  // its other answers would prove nothing
    std::random_device random;
    look_at_bystanders(endpoint, zone, draw_bystanders(random()), name + " bystanders", findings_);
  }

  struct Wrong {
    std::string found;
    std::string mend;
  };

  [[nodiscard]] static std::string mend_for(const DnsReply& reply) {
    if (reply.rcode == 5) return "allow 127.0.0.1 and ::1 (server.allow), and check that it serves this zone";
    return reply.rcode == 2 ? "see the server's log: it has no list yet"
                            : "check that the program that answers there is blowback-server";
  }

  [[nodiscard]] std::optional<Wrong> wrong_with(const std::string& zone, const config::Endpoint& endpoint, bool tcp) {
    const auto asked = [&](const std::string& name, RecordType type) {
      return ask(endpoint, {.name = name, .type = type, .tcp = tcp, .edns = Edns{}}, kPatience);
    };
    const auto until = Clock::now() + kLagPatience;
    while (true) {
      const auto soa = asked(zone, RecordType::soa);
      if (!soa) return Wrong{soa.error().text, "start blowback-server, and check that no packet filter blocks it"};
      const auto records = soa->answers_of(RecordType::soa);
      if (soa->rcode != 0 || records.empty() || records[0].rdata.size() < 3) {
        return Wrong{fmt::format("answers {} to a query for the SOA", rcode_text(soa->rcode)), mend_for(*soa)};
      }
      if (!store_) break;
      const auto head = serial();
      if (head && records[0].rdata[2] == std::to_string(static_cast<std::uint32_t>(*head))) break;
      if (Clock::now() >= until) {
        return Wrong{fmt::format("SOA serial is {}, but the database's is {}", records[0].rdata[2],
                                 head ? std::to_string(*head) : "unknown"),
                     "check that it follows this database"};
      }
      std::this_thread::sleep_for(kPause);
    }
    const auto listed = asked("2.0.0.127." + zone, RecordType::a);
    if (!listed) return Wrong{listed.error().text, "see the server's log"};
    if (listed->answers_of(RecordType::a).empty()) {
      return Wrong{fmt::format("127.0.0.2 isn't listed: {}", rcode_text(listed->rcode)), mend_for(*listed)};
    }
    const auto unlisted = asked("1.0.0.127." + zone, RecordType::a);
    if (!unlisted) return Wrong{unlisted.error().text, "see the server's log"};
    if (unlisted->rcode != 3) {
      return Wrong{fmt::format("127.0.0.1 isn't NXDOMAIN: {}", rcode_text(unlisted->rcode)), mend_for(*unlisted)};
    }
    return std::nullopt;
  }

  const config::Config& config_;
  schema::Store* store_;
  UnixTime began_at_;
  const Lookup& lookup_;
  Clock::time_point began_ = Clock::now();
  Findings& findings_;
};

void look_at_delegation_of(const config::Zone& zone, const std::string& name, const config::Endpoint& resolver,
                           bool is_chosen, Findings& findings) {
  // An operator who names a resolver expects it to find the zone. Without --resolver the list may be a private one.
  const auto add_bad = [&](std::string found, std::string mend) {
    if (is_chosen) {
      findings.bad(name, std::move(found), std::move(mend));
      return;
    }
    findings.doubtful(name, std::move(found), mend + "; a list only for your own servers needs no delegation");
  };
  const auto asked = [&](const std::string& what, RecordType type) {
    return ask(resolver, {.name = what, .type = type, .recursion_desired = true, .edns = Edns{}}, 2 * kPatience);
  };
  const auto servers = asked(zone.name, RecordType::ns);
  if (!servers) {
    add_bad(servers.error().text, "check that the resolver runs, or name another with --resolver");
    return;
  }
  std::set<std::string> public_names;
  for (const auto& record : servers->answers_of(RecordType::ns)) {
    if (!record.rdata.empty()) public_names.insert(lower_case(record.rdata[0]));
  }
  if (public_names.empty()) {
    add_bad(fmt::format("{} has no NS there: {}", zone.name, rcode_text(servers->rcode)),
            fmt::format("add the delegation to the parent zone: `{}. NS {}.`", zone.name, zone.nameservers.front()));
    return;
  }
  if (public_names != std::set<std::string>(zone.nameservers.begin(), zone.nameservers.end())) {
    add_bad(fmt::format("the name servers there are {}, but in the config {}", fmt::join(public_names, " "),
                        fmt::join(zone.nameservers, " ")),
            "use the same names in zone.nameservers and in the delegation");
    return;
  }
  const auto listed = asked("2.0.0.127." + zone.name, RecordType::a);
  if (!listed) {
    add_bad(listed.error().text, "check that the name servers can be reached from there");
    return;
  }
  if (listed->answers_of(RecordType::a).empty()) {
    add_bad(fmt::format("127.0.0.2 isn't listed there: {}", rcode_text(listed->rcode)),
            "check that the zone's name servers answer on port 53, UDP and TCP");
    return;
  }
  findings.good(name, fmt::format("NS {}, and 127.0.0.2 is listed", fmt::join(public_names, " ")));
}

}  // namespace

void look_at_server(const config::Config& config, schema::Store* store, UnixTime now, const Lookup& lookup,
                    Findings& findings) {
  ServerExamination(config, store, now, lookup, findings).look();
}

void look_at_delegation(const config::Config& config, const Lookup& lookup, Findings& findings) {
  const auto& resolver = lookup.resolver;
  if (!resolver) {
    findings.doubtful("delegation", "not checked: /etc/resolv.conf has no resolver", "name one with --resolver");
    return;
  }
  for (const auto& zone : config.zones())
    look_at_delegation_of(zone, prefix_of(zone.name, config) + "delegation by " + to_string(*resolver), *resolver,
                          lookup.is_chosen, findings);
}

}  // namespace blowback::cli
