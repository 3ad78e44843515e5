#include "dns/serial_findings.h"

#include "dns/client.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

namespace blowback::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Asked = std::expected<DnsReply, DnsFailure>;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};
/// A resolver may have to ask several servers.
constexpr milliseconds kResolverPatience{4000};
/// A secondary follows within a second of a NOTIFY.
constexpr milliseconds kLagPatience{2000};
constexpr milliseconds kPause{50};
constexpr std::size_t kMostServers = 128;

/// The replies to all queries, each in a thread of its own, in their order.
[[nodiscard]] std::vector<Asked> ask_together(const std::vector<std::pair<config::Endpoint, DnsQuery>>& queries,
                                              milliseconds patience) {
  std::vector<Asked> replies(queries.size());
  std::vector<std::jthread> threads;
  threads.reserve(queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    threads.emplace_back([&, i] { replies[i] = ask(queries[i].first, queries[i].second, patience); });
  }
  threads.clear();  // waits for each
  return replies;
}

void add(std::vector<NamedServer>& servers, const config::Endpoint& endpoint, const std::string& name) {
  auto found = std::ranges::find(servers, endpoint, &NamedServer::endpoint);
  if (found == servers.end()) {
    if (servers.size() == kMostServers) return;
    servers.push_back({.endpoint = endpoint, .is_notified = false, .names = {}});
    found = std::prev(servers.end());
  }
  if (std::ranges::find(found->names, name) == found->names.end()) found->names.push_back(name);
}

/// RFC 1982 §3.2: from `theirs` to `ours`; negative: `theirs` is newer.
[[nodiscard]] std::int32_t distance(std::uint32_t theirs, Serial ours) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(ours & 0xffffffffU) - theirs);
}

/// Of the answer's SOA.
[[nodiscard]] std::optional<std::uint32_t> serial_in(const DnsReply& reply) {
  const auto records = reply.answers_of(RecordType::soa);
  if (reply.rcode != 0 || records.empty() || records[0].rdata.size() < 3) return std::nullopt;
  const auto& text = records[0].rdata[2];
  std::uint32_t serial = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), serial);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return serial;
}

class SerialExamination {
 public:
  SerialExamination(const std::vector<NamedServer>& servers, std::string zone,
                    const std::function<std::optional<Serial>()>& serial, Findings& findings, std::string prefix)
      : servers_(servers), zone_(std::move(zone)), serial_(serial), findings_(findings), prefix_(std::move(prefix)) {}

  void look() {
    const auto wanted = serial_();
    if (!wanted || servers_.empty()) return;  // the finding about the journal says so
    const auto until = Clock::now() + kLagPatience;
    std::vector<Asked> replies(servers_.size());
    std::vector<std::size_t> pending(servers_.size());
    for (std::size_t i = 0; i < pending.size(); ++i) pending[i] = i;
    while (true) {
      std::vector<std::pair<config::Endpoint, DnsQuery>> queries;
      queries.reserve(pending.size());
      for (const auto i : pending) {
        queries.emplace_back(servers_[i].endpoint, DnsQuery{.name = zone_, .type = RecordType::soa, .edns = Edns{}});
      }
      auto some = ask_together(queries, kPatience);
      for (std::size_t i = 0; i < some.size(); ++i) replies[pending[i]] = std::move(some[i]);
      // Only one that lags can be another a moment later.
      std::erase_if(pending, [&](std::size_t i) {
        const auto theirs = replies[i] ? serial_in(*replies[i]) : std::nullopt;
        return !theirs || distance(*theirs, *wanted) <= 0;
      });
      if (pending.empty() || Clock::now() >= until) break;
      std::this_thread::sleep_for(kPause);
    }
    const auto now = serial_().value_or(*wanted);
    for (std::size_t i = 0; i < servers_.size(); ++i) tell(servers_[i], replies[i], *wanted, now);
  }

 private:
  [[nodiscard]] std::string check_of(const NamedServer& server) const {
    const auto endpoint = to_string(server.endpoint);
    return prefix_ + (server.is_notified ? "secondary " + endpoint
                                         : fmt::format("name server {} {}", server.names.front(), endpoint));
  }

  void tell(const NamedServer& server, const Asked& reply, Serial wanted, Serial now) {
    const auto check = check_of(server);
    if (!reply) {
      tell_silence(server, reply.error());
      return;
    }
    const auto theirs = serial_in(*reply);
    if (!theirs) {
      findings_.bad(
          check, fmt::format("answers {} to a query for the SOA: it hasn't got the zone", rcode_text(reply->rcode)),
          "see its log, and the server's lines `transferred`; let it transfer (transfer.allow, transfer.key)");
      return;
    }
    if (!reply->authoritative) {
      findings_.bad(check, fmt::format("has serial {}, but its answer isn't authoritative (AA)", *theirs),
                    "make it a secondary of the zone: resolvers ignore an answer from what is a resolver itself");
      return;
    }
    if (distance(*theirs, now) < 0) {
      findings_.bad(check, fmt::format("has serial {}, newer than the zone's, {}: it takes no transfer", *theirs, now),
                    "make it transfer the zone anew, see docs/distributing.md");
      return;
    }
    const auto behind = distance(*theirs, wanted);
    if (behind <= 0) {
      findings_.good(check, fmt::format("has serial {}, the latest", *theirs));
      return;
    }
    findings_.bad(check,
                  fmt::format("has serial {}, but the zone's is {}: {} change{} behind", *theirs, wanted, behind,
                              behind == 1 ? "" : "s"),
                  server.is_notified
                      ? "see its log, and the server's lines `transferred` and `notify-unanswered`; let it be notified "
                        "by this host"
                      : "see its log; add it to transfer.notify, so that it needn't wait for the SOA's refresh of ten "
                        "minutes");
  }

  void tell_silence(const NamedServer& server, const DnsFailure& failure) {
    // Without IPv6 nothing can be said about such a server.
    if (failure.no_route && server.endpoint.address.family() == Family::ipv6) {
      findings_.doubtful(check_of(server), "not checked: this host has no IPv6", "run this on a host that has");
      return;
    }
    findings_.bad(check_of(server), failure.text,
                  server.is_notified
                      ? "start it, and check that this host can reach it; or remove it from transfer.notify"
                      : "start it, and check that it can be reached by UDP; or remove it from zone.nameservers and "
                        "from the delegation");
  }

  const std::vector<NamedServer>& servers_;
  std::string zone_;
  const std::function<std::optional<Serial>()>& serial_;
  Findings& findings_;
  std::string prefix_;
};

/// Asks the resolver for the addresses of all names.
void resolve(const std::vector<std::string>& names, const Lookup& lookup, std::vector<NamedServer>& servers,
             Findings& findings, const std::string& prefix) {
  if (names.empty()) return;
  if (!lookup.resolver) {
    findings.doubtful(prefix + "name servers", "not checked: /etc/resolv.conf has no resolver",
                      "name one with --resolver");
    return;
  }
  constexpr std::array kTypes{RecordType::a, RecordType::aaaa};
  std::vector<std::pair<config::Endpoint, DnsQuery>> queries;
  for (const auto& name : names) {
    for (const auto type : kTypes) {
      queries.emplace_back(*lookup.resolver,
                           DnsQuery{.name = name, .type = type, .recursion_desired = true, .edns = Edns{}});
    }
  }
  const auto replies = ask_together(queries, kResolverPatience);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& name = names[i];
    bool has_address = false;
    for (std::size_t j = 0; j < kTypes.size(); ++j) {
      const auto& reply = replies[i * kTypes.size() + j];
      if (!reply) continue;
      for (const auto& record : reply->answers_of(kTypes.at(j))) {
        const auto address = record.rdata.empty() ? std::nullopt : std::optional(IpAddress::parse(record.rdata[0]));
        if (!address || !*address) continue;
        has_address = true;
        add(servers, {.address = **address, .port = lookup.port}, name);
      }
    }
    if (has_address) continue;
    const auto& reply = replies[i * kTypes.size()];
    const auto found = !reply              ? reply.error().text
                       : reply->rcode == 0 ? "has no address"
                                           : "its address isn't found: " + rcode_text(reply->rcode);
    const auto* const mend =
        "create its address records, or correct zone.nameservers and the delegation: Unbound counts name "
        "servers that don't exist, and after a few answers SERVFAIL to its clients";
    if (lookup.is_chosen) {
      findings.bad(prefix + "name server " + name, found, mend);
    } else {
      findings.doubtful(prefix + "name server " + name, found, mend);
    }
  }
}

}  // namespace

std::string prefix_of(const std::string& zone, const config::Config& config) {
  return zone == config.zone.name ? std::string() : zone + " ";
}

std::vector<NamedServer> find_name_servers(const config::Config& config, const config::Zone& zone, const Lookup& lookup,
                                           Findings& findings) {
  std::vector<NamedServer> servers;
  for (const auto& secondary : config.server.transfer.notify)
    servers.push_back({.endpoint = secondary.at, .is_notified = true, .names = {}});
  const auto zones = config.zones();
  std::vector<std::string> elsewhere;
  for (const auto& name : zone.nameservers) {
    const bool is_in_zone = std::ranges::any_of(
        zones, [&](const auto& each) { return name == each.name || name.ends_with("." + each.name); });
    if (!is_in_zone) elsewhere.push_back(name);
  }
  // A further zone's name servers may be in the first one.
  for (const auto& each : zones) {
    for (const auto& host : each.nameserver_addresses) {
      if (std::ranges::find(zone.nameservers, host.name) != zone.nameservers.end())
        add(servers, {.address = host.address, .port = lookup.port}, host.name);
    }
  }
  resolve(elsewhere, lookup, servers, findings, prefix_of(zone.name, config));
  std::erase_if(servers, [&](const NamedServer& server) {
    return !server.is_notified &&
           std::ranges::find(config.server.listen, server.endpoint) != config.server.listen.end();
  });
  return servers;
}

void look_at_serials(const std::vector<NamedServer>& servers, const std::string& zone,
                     const std::function<std::optional<Serial>()>& serial, Findings& findings,
                     const std::string& prefix) {
  SerialExamination(servers, zone, serial, findings, prefix).look();
}

}  // namespace blowback::cli
