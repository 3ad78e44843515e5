// Which serial each secondary has, and since when it lacks ours: one thread that asks them for the SOA.
//
// An answer to NOTIFY only says that the message arrived (RFC 1996 §4.7), and a complete transfer only that it was sent. What a secondary answers its
// clients from is in its SOA. It is asked a second after a change, then after twice the time, up to a minute, until it has the zone's serial, and
// once a minute after that, so that one that loses the zone is noticed, too. With several zones it is asked for the main one: all have the same serial.
#pragma once

#include "answer/served_zone.h"
#include "config/config.h"
#include "zone/published.h"
#include "zone/view.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace blowback::transfer {

/// What is known of one secondary.
struct SecondarySerial {
  config::Endpoint secondary;
  bool answers = false;                 ///< it answered one of the last three queries, authoritatively and with a SOA
  std::optional<std::uint32_t> serial;  ///< the last one that it answered with; absent: none since the thread's start
  /// How far that is behind the zone's (RFC 1982), 0: not at all; negative: it is newer, so the secondary takes no transfer. Absent
  /// without `serial`.
  std::optional<std::int32_t> behind;
  /// Since there is a serial that the secondary isn't known to have; 0: it has the zone's. At most since the thread's start.
  std::chrono::milliseconds lag{};
};

/// A secondary lags for long, or doesn't any more.
struct LagReport {
  bool lags = false;
  SecondarySerial state;
  std::uint32_t serial = 0;  ///< the zone's
  std::string text;          ///< why it lags, a sentence; empty if it doesn't
};

class SecondarySerials {
 public:
  struct Sources {
    const zone::Published<answer::ServedZones>& zones;
    const zone::Published<zone::View>& view;
    std::function<void(const LagReport&)> report;  ///< called from the thread
    /// A longer lag is reported; half of it is the end of that.
    std::chrono::milliseconds reported_lag = std::chrono::minutes{5};
  };

  /// Starts the thread. What the sources refer to must outlive it.
  SecondarySerials(const std::vector<config::Endpoint>& secondaries, Sources sources);
  SecondarySerials(const SecondarySerials&) = delete;
  SecondarySerials& operator=(const SecondarySerials&) = delete;
  ~SecondarySerials();

  /// In the order of the config. Safe from any thread.
  [[nodiscard]] std::vector<SecondarySerial> all() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::transfer
