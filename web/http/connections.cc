#include "connections.h"

#include <algorithm>
#include <sys/socket.h>

namespace blowback::http {

bool Connections::is_limited(const std::optional<IpAddress>& peer) const {
  return peer && std::ranges::none_of(limits_.proxies, [&](const Prefix& proxy) { return proxy.contains(*peer); });
}

bool Connections::admits(const std::optional<IpAddress>& peer) {
  const std::scoped_lock lock(mutex_);
  if (is_limited(peer)) {
    const auto found = by_client_.find(*peer);
    if (found != by_client_.end() && found->second >= limits_.connections_per_client) {
      ++counts_.refused;
      return false;
    }
  }
  if (all_.size() >= limits_.connections) make_room();
  return true;
}

void Connections::make_room() {
  auto* oldest = static_cast<One*>(nullptr);
  for (auto& [key, one] : all_) {
    if (one.asked || one.shut) continue;
    if (oldest == nullptr || one.since < oldest->since) oldest = &one;
  }
  if (oldest == nullptr) return;
  oldest->shut = true;
  shutdown(oldest->socket, SHUT_RDWR);
  ++counts_.refused;
}

void Connections::began(const void* key, int socket, const std::optional<IpAddress>& peer, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  all_[key] = {.socket = socket, .peer = peer, .since = now};
  if (is_limited(peer)) ++by_client_[*peer];
}

void Connections::asked(const void* key) {
  const std::scoped_lock lock(mutex_);
  const auto found = all_.find(key);
  if (found != all_.end()) found->second.asked = true;
  ++counts_.requests;
}

void Connections::answered(const void* key, Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  const auto found = all_.find(key);
  if (found == all_.end()) return;
  found->second.asked = false;
  found->second.since = now;
}

void Connections::ended(const void* key) {
  const std::scoped_lock lock(mutex_);
  const auto found = all_.find(key);
  if (found == all_.end()) return;
  if (is_limited(found->second.peer)) {
    const auto client = by_client_.find(*found->second.peer);
    if (client != by_client_.end() && --client->second == 0) by_client_.erase(client);
  }
  all_.erase(found);
}

void Connections::end_slow_ones(Clock::time_point now) {
  const std::scoped_lock lock(mutex_);
  for (auto& [key, one] : all_) {
    if (one.shut || now - one.since < limits_.time) continue;
    one.shut = true;
    shutdown(one.socket, SHUT_RDWR);
    ++counts_.too_slow;
  }
}

Counts Connections::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

}  // namespace blowback::http
