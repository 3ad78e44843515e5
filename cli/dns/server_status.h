// The status of the running server, read from its status socket, for `stats` and `doctor`.
//
// Tool and server share only the JSON document, and the server may be older or newer than the tool, or another program may answer
// at that path. So members that aren't understood are ignored.
#pragma once

#include "output.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// The number of queries that took less than `less_than` microseconds, but not less than that of the step before. Absent: no upper
/// bound.
struct LatencyStep {
  std::optional<std::uint64_t> less_than;
  std::uint64_t queries = 0;
};

/// A bound on how long queries took.
struct Latency {
  std::uint64_t microseconds = 0;
  bool or_more = false;  ///< true: that long or longer; false: less
};

/// The bound that `per_mille` of 1000 queries stayed within, as precise as the steps are. Absent if there are no queries.
/// Requires 0 < per_mille <= 1000, and steps in ascending order. Pure.
[[nodiscard]] std::optional<Latency> percentile(std::span<const LatencyStep> steps, unsigned per_mille);

/// A name server in `transfer.notify` and its serial in the main zone, as the server sees it.
struct SecondaryStatus {
  std::string address;  ///< `192.0.2.53:53`
  bool answers = false;
  std::optional<std::uint64_t> serial;  ///< the one that it had last
  double serial_behind = 0;             ///< negative: it has a newer one than the zone
  double seconds_behind = 0;            ///< since there is a serial that it isn't known to have
};

/// The document with nested objects flattened: `queries.udp.types.A` and its number, in the document's order.
struct ServerStatus {
  struct Figure {
    std::string name;
    Cell value;  ///< null, text, a number or a bool
  };
  std::vector<Figure> figures;
  std::vector<LatencyStep> latency;
  std::vector<SecondaryStatus> secondaries;

  /// 0 if there is none, or it is no integer.
  [[nodiscard]] std::uint64_t number(std::string_view name) const;
  /// An empty cell if there is none.
  [[nodiscard]] Cell value(std::string_view name) const;
};

/// Absent: it is no status of a server. Pure.
[[nodiscard]] std::optional<ServerStatus> parse_status(std::string_view document);

/// Why the server has no status to show.
struct ServerSilence {
  bool nobody = false;  ///< true: no server listens there; false: one does, but can't be asked
  std::string text;     ///< for a person
};

/// Reads the status from the unix socket at `path`. Waits at most two seconds, and reads at most 1 MiB.
[[nodiscard]] std::expected<ServerStatus, ServerSilence> ask_server(const std::string& path);

/// For programs: adds all figures as `server.NAME`, and figures derived from them. `head`: the database's serial.
void add_server_figures(Table& figures, const ServerStatus& status, std::uint64_t head);
/// For people: the state of the server, without figures that are 0.
[[nodiscard]] Table server_table(const ServerStatus& status, std::uint64_t head);
/// For people: its queries, one column per transport, without rows that are 0 in both.
[[nodiscard]] Table queries_table(const ServerStatus& status);

}  // namespace blowback::cli
