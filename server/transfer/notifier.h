// Tells secondaries that the zones have changed (RFC 1996), so that they need not wait for the SOA's refresh: one thread, and one message under way for
// each secondary and zone.
//
// A secondary that doesn't answer is told again after one second, then after twice the time, up to a minute, always of the newest serial, until it
// answers. What changes while a message is under way is told by the next one. With a key (RFC 8945) messages are signed, and only an answer that is signed
// with the same key counts.
#pragma once

#include "answer/served_zone.h"
#include "blowback/unix_time.h"
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

/// What is known of one secondary of one zone. Counts are since the thread's start.
struct Notified {
  config::Endpoint secondary;
  std::string zone;
  std::uint64_t sent = 0;      ///< messages
  std::uint64_t repeated = 0;  ///< of these, to a secondary that hadn't answered the one before
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;            ///< of these, with an error
  std::optional<std::uint32_t> told;    ///< the newest serial that it answered for
  std::chrono::milliseconds waiting{};  ///< since there is a serial that it didn't answer for; 0: there is none
};

/// A secondary began or ceased to answer, or to refuse.
struct NotifierReport {
  enum class Event : std::uint8_t {
    silent,   ///< several messages in a row have no answer
    refuses,  ///< it answers with an error, or without the signature that it has to have
    answers,  ///< it does again
  };
  Event event = Event::answers;
  config::Endpoint secondary;
  std::string zone;
  std::uint32_t serial = 0;
  std::string text;  ///< a sentence; may be empty
};

class Notifier {
 public:
  struct Sources {
    const zone::Published<answer::ServedZones>& zones;
    const zone::Published<zone::View>& view;
    std::function<UnixTime()> clock;                    ///< called from the thread
    std::function<void(const NotifierReport&)> report;  ///< likewise
  };

  /// Starts the thread, which tells all secondaries of the present serial of all zones. Requires that zones were published; if others are, a notifier of
  /// its own is needed for them. What the sources refer to must outlive it. The secondaries' keys are those of the published zones; while these lack
  /// one, its secondary isn't told.
  Notifier(const std::vector<config::Secondary>& secondaries, Sources sources);
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  ~Notifier();

  /// By secondary, then by zone. Safe from any thread.
  [[nodiscard]] std::vector<Notified> notified() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace blowback::transfer
