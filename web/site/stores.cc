#include "stores.h"

namespace blowback::site {
namespace {

constexpr std::chrono::milliseconds kTurnWithin{200};

}  // namespace

schema::Result<schema::RemovalFiled> Stores::request_removal(const schema::RemovalWish& wish, const RemovalRules& rules,
                                                             UnixTime now) {
  using Filed = schema::RemovalFiled;
  auto known = ask<Filed>([&](schema::Store& store) -> schema::Result<Filed> {
    const auto outlook = store.removal_outlook(wish.address, rules, now);
    if (!outlook) return std::unexpected(outlook.error());
    Filed filed{.outlook = *outlook, .request = std::nullopt};
    if (filed.outlook.refused) return filed;
    const auto pending = store.removals({.of = wish.address, .state = RemovalState::pending, .most = 1});
    if (!pending) return std::unexpected(pending.error());
    if (!pending->empty()) filed.request = pending->front();
    return filed;
  });
  if (!known || known->outlook.refused || known->request) return known;
  const std::unique_lock turn(requesting_, kTurnWithin);
  if (!turn.owns_lock()) {
    return std::unexpected(schema::StoreError{schema::StoreError::Code::busy,
                                              database_ + ": another request for removal is being written"});
  }
  auto store = schema::Store::open(database_, schema::Store::Mode::request);
  if (!store) return std::unexpected(std::move(store).error());
  return store->request_removal(wish, rules, now);
}

schema::Result<schema::Store> Stores::take() {
  std::optional<schema::Store> store;
  {
    const std::scoped_lock lock(mutex_);
    if (!free_.empty()) {
      store = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (store && store->is_in_place() && !store->is_overtaken()) return *std::move(store);
  store.reset();
  return schema::Store::open(database_, schema::Store::Mode::follow);
}

void Stores::give_back(schema::Store store) {
  const std::scoped_lock lock(mutex_);
  free_.push_back(std::move(store));
}

}  // namespace blowback::site
