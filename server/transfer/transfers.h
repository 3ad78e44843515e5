// Sends the zone to those who may have all of it: one thread for all transfers, beside the workers that answer queries.
//
// A worker that reads a query for a transfer hands the connection over. From then on all that comes on it is answered here. TLS connections (tls.h) begin
// here. Everything that a slow or hostile client could exhaust is limited: the number of connections in all and per client, some 64 KiB for each of
// them (with TLS 128 KiB), the time without progress, and the time that one transfer takes. A TLS connection on which no transfer was allowed so far is
// a guest's: guests have a limit of their own, so that a stranger takes no place from a secondary, and the one that was idle longest makes room. An IXFR gets what differs from the client's version if that is kept (zone/history.h), and the whole
// zone otherwise, or if that is about as much.
#pragma once

#include "answer/served_zone.h"
#include "blowback/ip_address.h"
#include "blowback/unix_time.h"
#include "config/config.h"
#include "system/descriptor.h"
#include "transfer/tls.h"
#include "zone/history.h"
#include "zone/published.h"
#include "zone/view.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::transfer {

/// A TCP connection, non-blocking, with what was read of it and not answered, and what was answered and not sent.
struct Handover {
  Descriptor socket;
  IpAddress client;
  std::vector<std::uint8_t> in;   ///< begins with the length of a query
  std::vector<std::uint8_t> out;  ///< to be sent first
};

/// A TCP socket that listens, non-blocking.
struct Listening {
  config::Endpoint at;
  Descriptor socket;
};

/// Where TLS connections are accepted, and how they begin.
struct TlsService {
  std::shared_ptr<const Tls> tls;  ///< nullptr only if there are no sockets
  std::vector<std::shared_ptr<const Listening>> sockets;
};

/// What carries a transfer.
enum class Carrier : std::uint8_t { tcp, tls };
inline constexpr std::size_t kCarriers = 2;
/// `tcp`, `tls`
[[nodiscard]] std::string_view name_of(Carrier carrier);

/// How a transfer ended.
enum class Ending : std::uint8_t {
  complete,
  broken,     ///< the client closed the connection, or the server stops
  timed_out,  ///< the client read nothing for too long, or the whole transfer took too long
};
inline constexpr std::size_t kEndings = 3;
/// `complete`, …
[[nodiscard]] std::string_view name_of(Ending ending);

struct Report {
  Ending ending = Ending::complete;
  IpAddress client;
  Carrier carrier = Carrier::tcp;
  std::string zone;
  std::uint32_t serial = 0;
  bool incremental = false;  ///< the client got the difference from the version that it had
  std::uint64_t records = 0;
  std::uint64_t octets = 0;  ///< sent, or given to the kernel; without what TLS adds
  std::chrono::milliseconds took{};
};

/// A TLS connection that never came to a query.
struct FailedHandshake {
  IpAddress client;
  std::string why;
};

/// Since the start, but for `under_way`.
struct Counts {
  struct Carried {
    std::array<std::uint64_t, kEndings> by_ending{};
    std::uint64_t refused = 0;      ///< queries for transfers by TLS; those by TCP are counted by the workers
    std::uint64_t turned_away = 0;  ///< connections that were closed since there were too many
  };
  std::uint64_t under_way = 0;
  std::array<Carried, kCarriers> by_carrier{};
  std::uint64_t handshakes = 0;         ///< of TLS, complete
  std::uint64_t failed_handshakes = 0;  ///< those that took too long included
  std::uint64_t incremental = 0;        ///< transfers that ended, with a difference
  std::uint64_t records = 0;
  std::uint64_t octets = 0;
};

struct Limits {
  std::size_t connections = 16;
  std::chrono::seconds time{30 * 60};  ///< for one transfer
  std::chrono::seconds idle{10};       ///< between a client's queries
  /// Without progress while the client has something to read.
  static constexpr std::chrono::seconds kStalled{30};
  /// For the handshake of TLS, or `idle` if that is less.
  static constexpr std::chrono::seconds kHandshake{10};
  /// Of one client address.
  [[nodiscard]] std::size_t per_client() const { return connections > 2 ? connections / 2 : 1; }
  /// In all, and of one client address.
  static constexpr std::size_t kGuests = 64;
  static constexpr std::size_t kGuestsPerClient = 8;
  friend bool operator==(const Limits&, const Limits&) = default;
};

class Transfers {
 public:
  struct Sources {
    const zone::Published<answer::ServedZones>& zones;
    const zone::Published<zone::View>& view;
    const zone::History& history;
    std::function<UnixTime()> clock;                               ///< called from the thread
    std::function<void(const Report&)> report;                     ///< likewise, at the end of each transfer
    std::function<void(const FailedHandshake&)> handshake_failed;  ///< likewise; may be empty
  };

  /// Starts the thread. What the sources refer to must outlive it.
  Transfers(const Limits& limits, Sources sources);
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;
  /// Ends transfers that are under way.
  ~Transfers();

  /// False: there are too many connections, and this one is closed. Safe from any thread; likewise all that follows.
  bool take(Handover handover);
  /// Connections that exceed new limits stay.
  void change(const Limits& limits);
  /// From now on TLS connections are accepted from these sockets only. Connections that were accepted before stay as they are.
  void accept_from(TlsService service);
  [[nodiscard]] Counts counts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::transfer
