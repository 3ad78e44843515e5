#include "dns/server_status.h"

#include "config/config.h"
#include "system/descriptor.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <set>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <system_error>
#include <utility>

namespace blowback::cli {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{2};
constexpr std::size_t kMostOctets = 1U << 20U;
/// The server's document has four levels of objects.
constexpr int kMostLevels = 8;

struct Percentile {
  std::string_view name;
  unsigned per_mille;
};
constexpr std::array<Percentile, 3> kPercentiles{{{"p50", 500}, {"p99", 990}, {"p99.9", 999}}};

/// How the groups of the document are shown before the names in them.
struct Group {
  std::string_view name;
  std::string_view shown;
};
constexpr std::array<Group, 6> kGroups{{{"outcomes.", "outcome "},
                                        {"types.", "type "},
                                        {"rcodes.", "rcode "},
                                        {"families.", "family "},
                                        {"hits.", "listed as "},
                                        {"cookies.", "cookie "}}};

[[nodiscard]] Cell cell_of(const Json& value) {
  if (value.is_string()) return Cell(value.get<std::string>());
  if (value.is_boolean()) return Cell(value.get<bool>());
  if (value.is_number_unsigned()) return Cell(value.get<std::uint64_t>());
  if (value.is_number()) return Cell(value.get<double>());
  return {};
}

void flatten(const Json& object, const std::string& before, int levels, std::vector<ServerStatus::Figure>& figures) {
  for (const auto& [key, value] : object.items()) {
    std::string name = before + key;
    if (value.is_array()) continue;
    if (!value.is_object()) {
      figures.push_back({.name = std::move(name), .value = cell_of(value)});
    } else if (levels > 1) {
      name += '.';
      flatten(value, name, levels - 1, figures);
    }
  }
}

void read_secondaries(const Json& document, std::vector<SecondaryStatus>& secondaries) {
  const auto all = document.find("secondaries");
  if (all == document.end() || !all->is_array()) return;
  for (const auto& each : *all) {
    // A server of another version may know less; of further zones it says nothing.
    if (!each.is_object() || !each.contains("seconds_behind") || each["seconds_behind"].is_null()) continue;
    const auto number = [&](const char* name) {
      const auto found = each.find(name);
      return found != each.end() && found->is_number() ? found->get<double>() : 0.0;
    };
    SecondaryStatus secondary;
    if (const auto address = each.find("address"); address != each.end() && address->is_string())
      secondary.address = *address;
    if (const auto serial = each.find("serial"); serial != each.end() && serial->is_number_unsigned())
      secondary.serial = serial->get<std::uint64_t>();
    const auto answers = each.find("answers");
    secondary.answers = answers != each.end() && *answers == true;
    secondary.serial_behind = number("serial_behind");
    secondary.seconds_behind = number("seconds_behind");
    secondaries.push_back(std::move(secondary));
  }
}

/// `has the latest serial`, `3 serials behind, for 5 minutes`.
[[nodiscard]] std::string in_words_of(const SecondaryStatus& secondary) {
  std::string text = secondary.answers ? "" : "doesn't answer for the zone, ";
  if (!secondary.serial) return text + "serial unknown";
  if (secondary.serial_behind == 0) return text + fmt::format("has serial {}, the latest", *secondary.serial);
  const auto seconds = std::clamp(secondary.seconds_behind, 0.0, 1e12);
  const auto since = in_words(Duration{static_cast<Duration::rep>(seconds)});
  if (secondary.serial_behind < 0)
    return text + fmt::format("has serial {}, newer than the zone's, for {}", *secondary.serial, since);
  return text + fmt::format("has serial {}, {} behind, for {}", *secondary.serial, secondary.serial_behind, since);
}

[[nodiscard]] std::unexpected<ServerSilence> cannot(const std::string& path, std::string_view why) {
  return std::unexpected(
      ServerSilence{.nobody = false, .text = fmt::format("server: can't be asked at {}: {}", path, why)});
}

[[nodiscard]] std::unexpected<ServerSilence> failed(const std::string& path, int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
    case ECONNRESET:  // it ended while this connection was in its queue
      return std::unexpected(
          ServerSilence{.nobody = true, .text = fmt::format("server: not running (no answer at {})", path)});
    case EACCES:
      return cannot(path, "permission denied; ask as its user, or as one of its group");
    case EAGAIN:
      return cannot(path, "it doesn't answer");
    default:
      return cannot(path, std::generic_category().message(code));
  }
}

/// Reads until the other side closes.
[[nodiscard]] std::expected<std::string, ServerSilence> read_all(int socket, const std::string& path,
                                                                 Clock::time_point deadline) {
  std::string text;
  std::array<char, 16384> buffer{};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return failed(path, EAGAIN);
    pollfd watched{.fd = socket, .events = POLLIN, .revents = 0};
    if (poll(&watched, 1, static_cast<int>(left)) <= 0) continue;
    const auto count = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count == 0) return text;
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return failed(path, errno);
    }
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > kMostOctets) return cannot(path, "what answers there is no blowback-server");
  }
}

[[nodiscard]] std::string in_words_of(const Latency& latency) {
  return fmt::format(fmt::runtime(latency.or_more ? "{} us or more" : "less than {} us"), latency.microseconds);
}

/// `0.03 seconds ago`, `5 minutes 2 seconds ago`.
[[nodiscard]] Cell ago(const Cell& seconds) {
  const auto* const number = std::get_if<double>(&seconds);
  if (number == nullptr || *number < 0 || *number >= 1e12) return {};
  if (*number < 10) return Cell(fmt::format("{:.2f} seconds ago", *number));
  return Cell(in_words(Duration{static_cast<Duration::rep>(*number)}) + " ago");
}

/// Converts text to a time if it is one.
[[nodiscard]] Cell time_of(const Cell& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) {
    if (const auto time = parse_iso8601(*text)) return Cell(*time);
  }
  return value;
}

[[nodiscard]] std::string_view condition(const ServerStatus& status) {
  if (status.value("list.ready") != Cell(true)) return "not loaded yet: queries get SERVFAIL";
  return status.value("list.stale") == Cell(true) ? "stale: no address is answered as listed" : "good";
}

/// How many serials the served list is behind the database. The server may be ahead of `head`, which was read a moment ago.
[[nodiscard]] std::uint64_t lag_of(const ServerStatus& status, std::uint64_t head) {
  const auto serial = status.number("list.serial");
  return head > serial ? head - serial : 0;
}

[[nodiscard]] std::string shown_name(std::string_view name) {
  if (name == "total") return "all";
  const auto* const group =
      std::ranges::find_if(kGroups, [&](const Group& each) { return name.starts_with(each.name); });
  std::string shown;
  if (group != kGroups.end()) {
    shown = group->shown;
    name.remove_prefix(group->name.size());
  }
  shown += name;
  std::ranges::replace(shown, '_', ' ');
  return shown;
}

}  // namespace

std::optional<Latency> percentile(std::span<const LatencyStep> steps, unsigned per_mille) {
  std::uint64_t total = 0;
  for (const auto& step : steps) total += step.queries;
  if (total == 0) return std::nullopt;
  // The rank of the query in question, from 1 on; computed in two parts, so that it can't overflow.
  const std::uint64_t rank = total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;
  std::uint64_t seen = 0;
  std::uint64_t bound = 0;
  for (const auto& step : steps) {
    seen += step.queries;
    if (seen >= rank) {
      return step.less_than ? Latency{.microseconds = *step.less_than, .or_more = false}
                            : Latency{.microseconds = bound, .or_more = true};
    }
    bound = step.less_than.value_or(bound);
  }
  return Latency{.microseconds = bound, .or_more = true};
}

Cell ServerStatus::value(std::string_view name) const {
  const auto found = std::ranges::find(figures, name, &Figure::name);
  return found == figures.end() ? Cell() : found->value;
}

std::uint64_t ServerStatus::number(std::string_view name) const {
  const auto found = value(name);
  const auto* const number = std::get_if<std::uint64_t>(&found);
  return number == nullptr ? 0 : *number;
}

std::optional<ServerStatus> parse_status(std::string_view document) {
  const auto json = Json::parse(document, nullptr, false);
  if (!json.is_object() || !json.contains("started_at")) return std::nullopt;
  ServerStatus status;
  flatten(json, "", kMostLevels, status.figures);
  read_secondaries(json, status.secondaries);
  const auto steps = json.find("latency_us");
  if (steps == json.end() || !steps->is_array()) return status;
  for (const auto& step : *steps) {
    if (!step.is_object() || !step.contains("less_than") || !step.contains("queries")) continue;
    const auto bound = cell_of(step["less_than"]);
    const auto queries = cell_of(step["queries"]);
    const auto* const number = std::get_if<std::uint64_t>(&bound);
    const auto* const count = std::get_if<std::uint64_t>(&queries);
    if (count == nullptr) continue;
    status.latency.push_back(
        {.less_than = number == nullptr ? std::nullopt : std::optional(*number), .queries = *count});
  }
  return status;
}

std::expected<ServerStatus, ServerSilence> ask_server(const std::string& path) {
  const auto deadline = Clock::now() + kPatience;
  // No server can listen at a longer path.
  if (path.empty() || path.size() > config::kSocketPathOctets) return failed(path, ENOENT);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return failed(path, errno);
  // Limits connect(), which blocks while the server's queue is full (unix(7)).
  const timeval patience{.tv_sec = kPatience.count(), .tv_usec = 0};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
      // The sockets API takes every family's address as a sockaddr.
      connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed(path, errno);
  }
  const auto document = read_all(socket.get(), path, deadline);
  if (!document) return std::unexpected(document.error());
  auto status = parse_status(*document);
  if (!status) return cannot(path, "what answers there isn't blowback-server, or is about to end");
  return std::move(*status);
}

void add_server_figures(Table& figures, const ServerStatus& status, std::uint64_t head) {
  const auto add = [&](const std::string& name, Cell value) {
    figures.add({Cell("server." + name), std::move(value)});
  };
  for (const auto& [name, value] : status.figures) add(name, value);
  add("journal.lag", Cell(lag_of(status, head)));
  for (const auto& each : status.secondaries) {
    const auto name = "secondaries." + each.address;
    add(name + ".answers", Cell(each.answers));
    add(name + ".serial", cell(each.serial));
    add(name + ".serial_behind", each.serial ? Cell(each.serial_behind) : Cell());
    add(name + ".seconds_behind", Cell(each.seconds_behind));
  }
  for (const auto& step : status.latency) {
    add(step.less_than ? fmt::format("latency_us.less_than_{}", *step.less_than) : "latency_us.longer",
        Cell(step.queries));
  }
  for (const auto& [name, per_mille] : kPercentiles) {
    const auto latency = percentile(status.latency, per_mille);
    add(fmt::format("latency_us.{}", name), latency && !latency->or_more ? Cell(latency->microseconds) : Cell());
  }
}

Table server_table(const ServerStatus& status, std::uint64_t head) {
  Table table({"server", "value"});
  const auto add = [&](std::string_view name, Cell value) { table.add({cell(name), std::move(value)}); };
  const auto add_number = [&](std::string_view name, std::string_view figure) {
    if (const auto number = status.number(figure); number != 0) add(name, Cell(number));
  };
  add("zone", status.value("zone"));
  add("version", status.value("version"));
  add("serving since", time_of(status.value("started_at")));
  add("list", cell(condition(status)));
  if (status.value("clock.in_doubt") == Cell(true)) add("clock", cell("in doubt: see `blowback doctor`"));
  add_number("list entries", "list.entries");
  add_number("list octets", "list.octets");
  add("database read", ago(status.value("list.checked_seconds_ago")));
  add("list changed", ago(status.value("list.changed_seconds_ago")));
  // The only figure that is shown even if it is 0, since 0 is the good value.
  add("journal lag", Cell(lag_of(status, head)));
  if (const auto took = status.value("journal.publish_ms"); std::holds_alternative<std::uint64_t>(took)) {
    add("last news served after", Cell(fmt::format("{} ms", std::get<std::uint64_t>(took))));
  }
  for (const auto& each : status.secondaries) add("secondary " + each.address, Cell(in_words_of(each)));
  add_number("tcp connections", "tcp_connections");
  add_number("tcp closed idle", "tcp_closed_idle");
  constexpr std::string_view kDrops = "drops.";
  for (const auto& figure : status.figures) {
    if (figure.name.starts_with(kDrops)) {
      add_number("dropped: " + shown_name(figure.name.substr(kDrops.size())), figure.name);
    }
  }
  for (const auto& [name, per_mille] : kPercentiles) {
    if (const auto latency = percentile(status.latency, per_mille)) {
      add(fmt::format("latency {}", name), Cell(in_words_of(*latency)));
    }
  }
  return table;
}

Table queries_table(const ServerStatus& status) {
  constexpr std::array<std::string_view, 2> kTransports{"queries.udp.", "queries.tcp."};
  Table table({"queries", "udp", "tcp"});
  std::set<std::string, std::less<>> done;
  for (const auto& transport : kTransports) {
    for (const auto& figure : status.figures) {
      if (!figure.name.starts_with(transport)) continue;
      const auto name = figure.name.substr(transport.size());
      if (!done.insert(name).second) continue;
      const auto udp = status.number(fmt::format("{}{}", kTransports[0], name));
      const auto tcp = status.number(fmt::format("{}{}", kTransports[1], name));
      if (udp != 0 || tcp != 0) table.add({Cell(shown_name(name)), Cell(udp), Cell(tcp)});
    }
  }
  return table;
}

}  // namespace blowback::cli
