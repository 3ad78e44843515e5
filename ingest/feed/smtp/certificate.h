// What STARTTLS shows: the operator's certificate, or one made on the spot.
#pragma once

#include <asio/ssl/context.hpp>

#include <expected>
#include <string>

namespace blowback::smtp {

struct Certificate {
  std::string chain;  ///< PEM file: ours, then those above it
  std::string key;    ///< PEM file
};

/// A context for TLS servers. With empty file names a self-signed certificate for `hostname` is made, good for ten years: mail servers
/// that speak to a trap don't check it. The error is a sentence that names the file and the way out.
[[nodiscard]] std::expected<asio::ssl::context, std::string> tls_context(const Certificate& files,
                                                                         const std::string& hostname);

}  // namespace blowback::smtp
