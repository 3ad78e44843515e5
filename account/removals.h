// What is said about removal on request: what a sender asked for before, and what a request would lead to now. It may be shown to everybody.
#pragma once

#include "blowback/policy.h"
#include "blowback/removal.h"
#include "blowback/unix_time.h"
#include "schema/store.h"

#include <string>
#include <vector>

namespace blowback::account {

struct Removals {
  RemovalOutlook outlook;
  std::vector<RemovalRequest> requests;  ///< newest first, at most 20

  /// Whether something is listed, be it removable or not.
  [[nodiscard]] bool concerns_a_listing() const;
  /// Whether there is anything to say: a request, or a listing while removal isn't switched off.
  [[nodiscard]] bool is_worth_saying() const;
};

/// Reads them. Fails as the store does.
[[nodiscard]] schema::Result<Removals> removals_of(schema::Store& store, const IpAddress& address,
                                                   const RemovalRules& rules, UnixTime now);

/// Lines of at most 100 characters, after an empty one; "" if there is nothing to say. Pure.
[[nodiscard]] std::string text_of(const Removals& removals, const Policy& policy, UnixTime now, bool bold);

}  // namespace blowback::account
