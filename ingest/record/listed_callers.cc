#include "record/listed_callers.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::record {
namespace {

/// Added to the TTL: a process of a mail server may keep an answer for as long as it lives, whatever the TTL.
constexpr Duration kAnswersLinger = std::chrono::hours{1};

/// Whether the listing that `began` describes was ended before `at`.
[[nodiscard]] bool ended_between(const std::vector<ListingChange>& history, const ListingChange& began, UnixTime at) {
  return std::ranges::any_of(history, [&](const ListingChange& change) {
    using enum ListingChange::Action;
    return (change.action == delisted || change.action == expired) && change.prefix == began.prefix &&
           change.source == began.source && change.serial > began.serial && change.at <= at;
  });
}

}  // namespace

std::uint64_t remove_listed_callers(feed::Chunk& chunk,
                                    const std::function<bool(const IpAddress&, UnixTime)>& is_listed) {
  std::map<std::pair<IpAddress, std::int64_t>, bool> known;
  return std::erase_if(chunk.items, [&](const feed::Item& item) {
    const auto* const delivery = std::get_if<TrapDelivery>(&item.content);
    if (delivery == nullptr || delivery->event != TrapDelivery::Event::callout || !delivery->client) return false;
    const auto hour = std::chrono::floor<std::chrono::hours>(delivery->received_at).time_since_epoch().count();
    const auto [found, is_new] = known.try_emplace({*delivery->client, hour}, false);
    if (is_new) found->second = is_listed(*delivery->client, delivery->received_at);
    return found->second;
  });
}

bool may_have_been_refused(const schema::Dossier& client, UnixTime at, Duration ttl) {
  const auto lingers = ttl + kAnswersLinger;
  if (std::ranges::any_of(client.listings, [&](const Listing& listing) {
        return listing.listed_at <= at && (!listing.expires_at || at < *listing.expires_at + lingers);
      })) {
    return true;
  }
  return std::ranges::any_of(client.history, [&](const ListingChange& change) {
    using enum ListingChange::Action;
    const bool ended = change.action == delisted || change.action == expired;
    if (ended) return change.at <= at && at < change.at + lingers;
    const bool stood = change.action == listed || change.action == prolonged;
    return stood && change.at <= at && !ended_between(client.history, change, at) &&
           (!change.expires_at || at < *change.expires_at + lingers);
  });
}

}  // namespace blowback::record
