// The status of the running server, and its JSON document.
//
// `blowback stats` reads the document, and monitors may: its names don't change, but new ones may be added. It is served by
// status_socket.h. Counts begin at 0 with the process, and never decrease.
#pragma once

#include "blowback/listing.h"
#include "blowback/unix_time.h"
#include "net/counts.h"
#include "transfer/notifier.h"
#include "transfer/secondary_serials.h"
#include "transfer/transfers.h"
#include "watch/clock_doubt.h"
#include "watch/config_in_force.h"
#include "zone/listing_index.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback::net {

struct Status {
  struct List {
    bool ready = false;  ///< a list is served
    bool stale = false;  ///< the database couldn't be read for `server.stale_after`, so nobody is listed
    Serial serial = 0;
    std::uint64_t entries = 0;  ///< listings and exemptions
    std::uint64_t octets = 0;   ///< of memory
    /// Time since the database was last checked successfully: normally less than 50 ms.
    std::optional<std::chrono::milliseconds> checked_ago;
    std::optional<std::chrono::milliseconds> caught_up_ago;  ///< time since the whole journal was read
    std::optional<std::chrono::milliseconds> changed_ago;    ///< time since the list last changed
    zone::Tally tally;  ///< up to a second old, or a few seconds for a list of millions
    std::optional<std::chrono::milliseconds>
        publishing;  ///< how long the last change took, from noticing it to serving it
  };

  std::string version;
  std::string zone;  ///< the main one
  std::vector<std::string> further_zones;
  UnixTime started_at{};
  UnixTime now{};
  List list;
  Counts counts;
  transfer::Counts transfers;
  std::vector<transfer::Notified> notified;  ///< by secondary, then by zone, in the order of the config
  std::vector<transfer::SecondarySerial>
      secondary_serials;  ///< of the main zone; the same secondaries, in the same order
  watch::ClockDoubt clock_doubt;
  watch::ConfigInForce config;
  /// Time since the slowest worker, and the follower, completed a turn of their loops.
  std::chrono::milliseconds workers_turned_ago{};
  std::optional<std::chrono::milliseconds> follower_turned_ago;
};

/// One line of JSON, ended by a line feed. Unknown values are null. Pure.
///
///     {"version": "0.1.0", "zone": "bl.example.org", "further_zones": [], "started_at": "2026-11-24T10:00:00Z", "now": …,
///      "list": {"ready": true, "stale": false, "serial": 7, "entries": 5, "octets": 4096,
///               "checked_seconds_ago": 0.021, "changed_seconds_ago": 12.5},
///      "journal": {"publish_ms": 3},
///      "queries": {"udp": {"total": 9, "outcomes": {"listed": 3, …}, "types": {"A": 8, …}, "rcodes": {"NOERROR": 3, …},
///                          "families": {"ipv4": 9, "ipv6": 0}, "hits": {"dsn": 3, …}, "cookies": {"none": 9, …},
///                          "truncated": 0, "slipped": 0, "rate_limited": 0}, "tcp": {…}},
///      "clock": {"in_doubt": false, "ahead_seconds": 0.0},
///      "config": {"read_at": "2026-11-24T10:00:00Z", "refused": null},
///      "transfers": {"under_way": 0, "complete": 2, "broken": 0, "timed_out": 0, "refused": 1, "incremental": 1, "turned_away": 0, "complete_by_tls": 1, "failed_handshakes": 0, "records": 40, "octets": 2812},
///      "secondaries": [{"address": "192.0.2.53:53", "zone": "bl.example.org", "told": 7, "waiting_seconds": 0.0, "sent": 3, "repeated": 0, "answered": 3, "refused": 0,
///                       "answers": true, "serial": 7, "serial_behind": 0, "seconds_behind": 0.0}],
///      "tcp_connections": 1, "tcp_closed_idle": 0,
///      "drops": {"not_a_query": 0, "rate_limited": 0, "send_failed": 0, "kernel_buffer": 0},
///      "latency_us": [{"less_than": 1, "queries": 2}, {"less_than": 2, "queries": 7}, …, {"less_than": null, "queries": 0}]}
///
/// Secondaries are asked for the main zone's serial only, which is that of all zones: for others `answers` and what follows is null.
///
/// A step of `latency_us` counts UDP queries that took less than that, but at least as long as the step before. Every name is present
/// from the start, with 0.
[[nodiscard]] std::string to_json(const Status& status);

}  // namespace blowback::net
