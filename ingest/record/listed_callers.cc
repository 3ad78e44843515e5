// One pass, with the answers remembered.
#include "record/listed_callers.h"

#include <chrono>
#include <map>
#include <utility>
#include <variant>

namespace blowback::record {

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

}  // namespace blowback::record
