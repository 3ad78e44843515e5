// The thread that sends transfers, with a list to send, and what it reports.
#pragma once

#include "transfer/transfers.h"
#include "transfer_fixture.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace blowback::test {

inline constexpr auto kApex = "bl.example.org";

inline Bytes with_length(const Bytes& message) {
  Bytes bytes;
  put16(bytes, static_cast<unsigned>(message.size()));
  bytes.insert(bytes.end(), message.begin(), message.end());
  return bytes;
}

inline zone::ListingIndex list_of(unsigned addresses, Serial serial = 1) {
  std::vector<Listing> listings;
  for (unsigned i = 0; i < addresses; ++i)
    listings.push_back(listed(IpAddress::from_v4(0x0b000000U + 3 * i).to_string()));
  return index_of(listings, {}, serial);
}

inline const Bytes kAxfrQuery = with_length(query({.name = kApex, .type = LDNS_RR_TYPE_AXFR}));

class RunningTransfers {
 public:
  /// `more`: clients that may transfer, besides kClient.
  explicit RunningTransfers(zone::ListingIndex list, const transfer::Limits& limits = {},
                            std::vector<Prefix> more = {}) {
    auto served = Transferable({}).zones;
    more.push_back(Prefix::of(kClient));
    for (auto& zone : served.all) zone.transfer = answer::PrefixSet(more);
    zones_.publish(std::move(served));
    publish(std::move(list));
    transfers_.emplace(limits, transfer::Transfers::Sources{.zones = zones_,
                                                            .view = view_,
                                                            .history = history_,
                                                            .clock = [] { return kNow; },
                                                            .report =
                                                                [this](const transfer::Report& report) {
                                                                  const std::scoped_lock lock(mutex_);
                                                                  reports_.push_back(report);
                                                                  changed_.notify_all();
                                                                }});
  }

  void publish(zone::ListingIndex list) { view_.publish(view_of(std::move(list))); }
  zone::History& history() { return history_; }

  [[nodiscard]] transfer::Report report() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds{60}, [&] { return !reports_.empty(); }));
    const auto first = reports_.front();
    reports_.erase(reports_.begin());
    return first;
  }
  transfer::Transfers& transfers() { return *transfers_; }
  void end() { transfers_.reset(); }

 private:
  zone::Published<answer::ServedZones> zones_;
  zone::Published<zone::View> view_;
  zone::History history_{10};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<transfer::Report> reports_;
  std::optional<transfer::Transfers> transfers_;
};

}  // namespace blowback::test
