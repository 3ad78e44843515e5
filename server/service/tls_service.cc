#include "tls_service.h"

#include "net/sockets.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace blowback::service {

std::expected<transfer::TlsService, std::string> tls_service(const config::TransferTls& settings,
                                                             const transfer::TlsService& present) {
  transfer::TlsService service;
  if (settings.listen.empty()) return service;
  auto tls = transfer::Tls::of(settings);
  if (!tls) return std::unexpected("transfer.tls: " + tls.error());
  service.tls = std::make_shared<const transfer::Tls>(std::move(*tls));
  for (const auto& at : settings.listen) {
    const auto known = std::ranges::find(present.sockets, at, [](const auto& each) { return each->at; });
    if (known != present.sockets.end()) {
      service.sockets.push_back(*known);
      continue;
    }
    auto socket = net::sole_tcp_listener(at);
    if (!socket) return std::unexpected("transfer.tls: " + socket.error().text);
    service.sockets.push_back(std::make_shared<const transfer::Listening>(at, std::move(*socket)));
  }
  return service;
}

}  // namespace blowback::service
