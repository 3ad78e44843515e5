// One pass, with the answers remembered.
#include "record/listed_callers.h"

#include <map>
#include <variant>

namespace blowback::record {

std::uint64_t remove_listed_callers(feed::Chunk& chunk, const std::function<bool(const IpAddress&)>& is_listed) {
  std::map<IpAddress, bool> known;
  return std::erase_if(chunk.items, [&](const feed::Item& item) {
    const auto* const delivery = std::get_if<TrapDelivery>(&item.content);
    if (delivery == nullptr || delivery->event != TrapDelivery::Event::callout || !delivery->client) return false;
    const auto [found, is_new] = known.try_emplace(*delivery->client, false);
    if (is_new) found->second = is_listed(*delivery->client);
    return found->second;
  });
}

}  // namespace blowback::record
