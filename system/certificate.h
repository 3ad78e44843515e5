// The certificate and key of a TLS server, from the operator's PEM files.
#pragma once

#include "blowback/unix_time.h"

#include <expected>
#include <string>

// OpenSSL's SSL_CTX: its headers are for those who use it.
struct ssl_ctx_st;

namespace blowback {

struct Certificate {
  std::string chain;  ///< PEM file: our certificate, then the intermediate ones
  std::string key;    ///< PEM file, without a passphrase
};

/// Reads both files into `context`. Fails, with a sentence that names the file and what to do, if one can't be read or isn't PEM, or if the two don't
/// belong together; `context` isn't to be used then.
[[nodiscard]] std::expected<void, std::string> use_certificate(ssl_ctx_st& context, const Certificate& files);

/// When that certificate expires. Fails as use_certificate does, or if it can't make a context.
[[nodiscard]] std::expected<UnixTime, std::string> check_certificate(const Certificate& files);

/// When the first certificate in a PEM file expires. Fails with a sentence.
[[nodiscard]] std::expected<UnixTime, std::string> expiry_of(const std::string& chain);

/// Why OpenSSL calls of this thread failed: `No such file or directory`, `wrong version number`. It forgets all failures up to now.
[[nodiscard]] std::string tls_failure();

}  // namespace blowback
