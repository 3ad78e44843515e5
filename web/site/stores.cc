#include "stores.h"

namespace blowback::site {

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
