// What sessions received, on its way from the listener's thread to the ingest loop's.
#pragma once

#include "blowback/trap_delivery.h"
#include "connection.h"
#include "feed/callouts.h"
#include "feed/feed.h"
#include "system/descriptor.h"

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

namespace blowback::smtp {

/// Stands for "no connection": nobody waits for a callout's outcome.
inline constexpr Ticket kNoTicket = 0;

struct Arrived {
  Ticket ticket = kNoTicket;  ///< of the connection that waits for the outcome
  feed::Item item;
};

/// A request for removal; its client waits for the answer.
struct RemovalArrived {
  Ticket ticket = kNoTicket;
  RemovalRequested removal;
};

/// Messages, for which clients wait, are taken before callouts; the oldest first of each. Safe from any thread.
class ArrivalQueue {
 public:
  /// Queued callouts at most. They pile up while the database is busy; beyond this, new ones are dropped.
  static constexpr std::size_t kMostCallouts = 1'000;

  explicit ArrivalQueue(feed::WitnessOf witness_of);

  void add(Ticket ticket, TrapDelivery message);
  /// Drops it where feed::CalloutGate does, or where kMostCallouts are queued.
  void add_callout(TrapDelivery callout);
  void add_removal(Ticket ticket, RemovalRequested removal);
  /// Removes the message or request of that connection, if it is still queued.
  void remove(Ticket ticket);
  /// The traps by which later callouts are judged.
  void set_witness_of(feed::WitnessOf witness_of);

  /// Removes and returns what is queued, within the bounds.
  [[nodiscard]] std::vector<Arrived> take(const feed::Bounds& bounds);
  /// Likewise for requests, at most `most`. There are no more than connections.
  [[nodiscard]] std::vector<RemovalArrived> take_removals(std::size_t most);
  /// Readable while anything is queued. -1: the system has no descriptor left.
  [[nodiscard]] int wake_fd() const { return wake_.get(); }

 private:
  struct Message {
    Ticket ticket = kNoTicket;
    TrapDelivery delivery;
  };

  void wake() const;

  Descriptor wake_;
  std::mutex mutex_;  ///< guards what follows
  feed::CalloutGate gate_;
  std::deque<Message> messages_;
  std::deque<TrapDelivery> callouts_;
  std::deque<RemovalArrived> removals_;
};

}  // namespace blowback::smtp
