// The sockets and the certificate for transfers over TLS.
#pragma once

#include "config/config.h"
#include "transfer/transfers.h"

#include <expected>
#include <string>

namespace blowback::service {

/// Reads the files, and opens the sockets that `present` doesn't have; those that it has are kept, so that no client is refused. Fails with a sentence,
/// and leaves everything as it is.
[[nodiscard]] std::expected<transfer::TlsService, std::string> tls_service(const config::TransferTls& settings,
                                                                           const transfer::TlsService& present);

}  // namespace blowback::service
