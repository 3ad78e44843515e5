// What the running server knows of itself, and the JSON document that tells it.
//
// `blowback stats` reads the document, and any monitor may: names once given stay, new ones may come. How it gets out is
// status_socket.h. Counts begin at 0 with the process, and only grow.
#pragma once

#include "blowback/listing.h"
#include "blowback/unix_time.h"
#include "net/counts.h"
#include "watch/clock_doubt.h"
#include "watch/config_in_force.h"
#include "zone/listing_index.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace blowback::net {

struct Status {
  struct List {
    bool ready = false;  ///< there is a list to answer from
    bool stale = false;  ///< the database couldn't be read for `server.stale_after`: nobody is called listed
    Serial serial = 0;
    std::uint64_t entries = 0;  ///< listings and exemptions
    std::uint64_t octets = 0;   ///< of memory
    /// Since the database was last looked at with success. Some 50 ms while all is well.
    std::optional<std::chrono::milliseconds> checked_ago;
    std::optional<std::chrono::milliseconds> caught_up_ago;  ///< since nothing in the journal was left to read
    std::optional<std::chrono::milliseconds> changed_ago;    ///< since another list was published
    zone::Tally tally;                                       ///< a second old or, of a list of millions, some more
    std::optional<std::chrono::milliseconds>
        publishing;  ///< how long the last news took, from being noticed to being served
  };

  std::string version;
  std::string zone;
  UnixTime started_at{};
  UnixTime now{};
  List list;
  Counts counts;
  watch::ClockDoubt clock_doubt;
  watch::ConfigInForce config;
  /// How long ago the slowest worker, and the follower, came round.
  std::chrono::milliseconds workers_turned_ago{};
  std::optional<std::chrono::milliseconds> follower_turned_ago;
};

/// One line of JSON, ended by a line feed. What is unknown is null. Pure.
///
///     {"version": "0.1.0", "zone": "bl.example.org", "started_at": "2026-11-24T10:00:00Z", "now": …,
///      "list": {"ready": true, "stale": false, "serial": 7, "entries": 5, "octets": 4096,
///               "checked_seconds_ago": 0.021, "changed_seconds_ago": 12.5},
///      "journal": {"publish_ms": 3},
///      "queries": {"udp": {"total": 9, "outcomes": {"listed": 3, …}, "types": {"A": 8, …}, "rcodes": {"NOERROR": 3, …},
///                          "families": {"ipv4": 9, "ipv6": 0}, "hits": {"dsn": 3, …}, "cookies": {"none": 9, …},
///                          "truncated": 0, "slipped": 0, "rate_limited": 0}, "tcp": {…}},
///      "clock": {"in_doubt": false, "ahead_seconds": 0.0},
///      "config": {"read_at": "2026-11-24T10:00:00Z", "refused": null},
///      "tcp_connections": 1, "tcp_closed_idle": 0,
///      "drops": {"not_a_query": 0, "rate_limited": 0, "send_failed": 0, "kernel_buffer": 0},
///      "latency_us": [{"less_than": 1, "queries": 2}, {"less_than": 2, "queries": 7}, …, {"less_than": null, "queries": 0}]}
///
/// A step of `latency_us` holds what took less than that, and not less than the step before; by UDP alone. Every name is
/// there from the start, with 0.
[[nodiscard]] std::string to_json(const Status& status);

}  // namespace blowback::net
