// The certificate for STARTTLS: the operator's, or a self-signed one that is generated at start.
#pragma once

#include <asio/ssl/context.hpp>

#include <expected>
#include <string>

namespace blowback::smtp {

struct Certificate {
  std::string chain;  ///< PEM file: our certificate, then the intermediate ones
  std::string key;    ///< PEM file
};

/// A context for TLS servers. With empty file names it generates a self-signed certificate for `hostname`, valid for ten years: mail servers
/// that deliver to a trap don't verify it. The error is a sentence that names the file and what to do.
[[nodiscard]] std::expected<asio::ssl::context, std::string> tls_context(const Certificate& files,
                                                                         const std::string& hostname);

}  // namespace blowback::smtp
