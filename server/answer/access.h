// Access lists: which client addresses may ask. An IPv4-mapped IPv6 address is an IPv4 address, as everywhere.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"

#include <span>
#include <vector>

namespace blowback::answer {

/// A set of addresses, given by prefixes. Immutable. Safe from any thread.
class PrefixSet {
 public:
  PrefixSet() = default;
  /// In any order; prefixes may contain each other.
  explicit PrefixSet(std::span<const Prefix> prefixes);

  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }
  /// Whether one of the prefixes contains `address`; ::/0 contains no IPv4 address. One binary search.
  [[nodiscard]] bool contains(const IpAddress& address) const;

 private:
  struct Range {
    IpAddress first;
    IpAddress last;
  };
  using Ranges = std::vector<Range>;  // disjoint, in order

  // Separate, since IPv4 addresses in their mapped form lie within IPv6 networks such as ::/64.
  Ranges v4_;
  Ranges v6_;
};

/// The config key `server.allow`. Unlike in a PrefixSet, an empty one allows everybody. Immutable. Safe from any thread.
class AccessList {
 public:
  AccessList() = default;
  explicit AccessList(std::span<const Prefix> allowed) : allowed_(allowed) {}

  [[nodiscard]] bool allows(const IpAddress& client) const { return allowed_.empty() || allowed_.contains(client); }

 private:
  PrefixSet allowed_;
};

}  // namespace blowback::answer
