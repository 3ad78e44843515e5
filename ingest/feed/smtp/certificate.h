// The certificate for STARTTLS: the operator's, or a self-signed one that is generated at start.
#pragma once

#include "system/certificate.h"

#include <asio/ssl/context.hpp>

#include <expected>
#include <string>

namespace blowback::smtp {

/// A context for TLS servers. With empty file names it generates a self-signed certificate for `hostname`, valid for ten years: mail servers
/// that deliver to a trap don't verify it. The error is that of
/// use_certificate.
[[nodiscard]] std::expected<asio::ssl::context, std::string> tls_context(const Certificate& files,
                                                                         const std::string& hostname);

}  // namespace blowback::smtp
