// What the running server says of itself on its status socket, taken in for `blowback stats`.
//
// Tool and server share nothing but the JSON, so nothing of it is taken for granted: the server may be older or newer than
// the tool, and something else may answer at that path. What isn't understood is left out, never an error.
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

/// Queries that took less than `less_than` microseconds and not less than the step before; empty: all that took longer.
struct LatencyStep {
  std::optional<std::uint64_t> less_than;
  std::uint64_t queries = 0;
};

/// A bound in microseconds on how long queries took.
struct Latency {
  std::uint64_t microseconds = 0;
  bool or_more = false;  ///< they took that long or longer; else less than that
};

/// What `per_mille` of 1000 queries stayed within, as far as the steps tell. Empty where there are no queries.
/// Requires 0 < per_mille <= 1000, and steps in ascending order. Pure.
[[nodiscard]] std::optional<Latency> percentile(std::span<const LatencyStep> steps, unsigned per_mille);

/// The document with its objects made flat: `queries.udp.types.A` and its number, in the document's order.
struct ServerStatus {
  struct Figure {
    std::string name;
    Cell value;  ///< nothing, text, a number or a bool
  };
  std::vector<Figure> figures;
  std::vector<LatencyStep> latency;

  /// 0 where there is none, or it is no whole number.
  [[nodiscard]] std::uint64_t number(std::string_view name) const;
  /// Nothing where there is none.
  [[nodiscard]] Cell value(std::string_view name) const;
};

/// Empty: it is no status of a server. Pure.
[[nodiscard]] std::optional<ServerStatus> parse_status(std::string_view document);

struct ServerSilence {
  bool nobody = false;  ///< no server listens there; else there is one, but it can't be asked
  std::string text;     ///< a line for a person
};

/// Asks at the socket `path`. Waits two seconds at most, and takes 1 MiB at most.
[[nodiscard]] std::expected<ServerStatus, ServerSilence> ask_server(const std::string& path);

/// For programs: `server.NAME` and value for all, and what follows from them. `head`: the database's serial.
void add_server_figures(Table& figures, const ServerStatus& status, std::uint64_t head);
/// For people: how the server is, without what is 0.
[[nodiscard]] Table server_table(const ServerStatus& status, std::uint64_t head);
/// For people: its queries, a column per transport, without rows that are 0 in both.
[[nodiscard]] Table queries_table(const ServerStatus& status);

}  // namespace blowback::cli
