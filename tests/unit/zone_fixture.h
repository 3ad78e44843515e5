// Short ways to write listings, exemptions and changes in tests of the zone and answer rooms.
#pragma once

#include "blowback/listing.h"
#include "zone/listing_index.h"
#include "zone/view.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blowback::test {

inline constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};  // 2026-11-24T10:00:00Z

inline Prefix net(const std::string& text) { return Prefix::parse(text).value(); }
inline IpAddress ip(const std::string& text) { return IpAddress::parse(text).value(); }

inline Listing listed(const std::string& prefix, CodeSet codes = Code::dsn,
                      std::optional<UnixTime> expires_at = std::nullopt, Source source = Source::automatic) {
  Listing listing;
  listing.prefix = net(prefix);
  listing.source = source;
  listing.codes = codes;
  listing.listed_at = kNow;
  listing.expires_at = expires_at;
  return listing;
}

inline Exemption exempt(const std::string& prefix, std::optional<UnixTime> expires_at = std::nullopt) {
  Exemption exemption;
  exemption.prefix = net(prefix);
  exemption.since = kNow;
  exemption.expires_at = expires_at;
  return exemption;
}

inline zone::ListingIndex index_of(const std::vector<Listing>& listings, const std::vector<Exemption>& exemptions = {},
                                   Serial serial = 1) {
  return zone::ListingIndex::of(serial, listings, exemptions, kNow);
}

/// It as of `kNow`, when nothing has ended that the journal doesn't know of.
inline zone::View view_of(zone::ListingIndex list, bool stale = false) {
  const auto serial = list.serial();
  return {.index = std::make_shared<const zone::ListingIndex>(std::move(list)),
          .stale = stale,
          .serial = serial,
          .as_of = kNow};
}

}  // namespace blowback::test
