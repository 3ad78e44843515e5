#include "system/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <system_error>
#include <utility>

namespace blowback {
namespace {

/// OpenSSL would ask for the passphrase at the terminal. A daemon has none.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* /*data*/) { return -1; }

[[nodiscard]] std::unexpected<std::string> unusable_certificate(const std::string& file) {
  return std::unexpected(
      fmt::format("certificate {} can't be used: {}; it has to be a PEM file that we may read", file, tls_failure()));
}

}  // namespace

std::string tls_failure() {
  // The first one is the cause: `No such file or directory`, and not that nothing could be read.
  const auto code = ERR_peek_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

std::expected<void, std::string> use_certificate(ssl_ctx_st& context, const Certificate& files) {
  SSL_CTX_set_default_passwd_cb(&context, &no_passphrase);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(&context, files.chain.c_str()) != 1) return unusable_certificate(files.chain);
  if (SSL_CTX_use_PrivateKey_file(&context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return std::unexpected(fmt::format(
        "key {} can't be used: {}; it has to be the PEM file of the key that belongs to {}, without a passphrase, and "
        "readable for us",
        files.key, tls_failure(), files.chain));
  }
  return {};
}

std::expected<UnixTime, std::string> check_certificate(const Certificate& files) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return std::unexpected("OpenSSL can't be used: " + tls_failure());
  if (auto used = use_certificate(*context, files); !used) return std::unexpected(std::move(used).error());
  return expiry_of(files.chain);
}

std::expected<UnixTime, std::string> expiry_of(const std::string& chain) {
  ERR_clear_error();
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(chain.c_str(), "r"), &BIO_free);
  if (!file) return unusable_certificate(chain);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509_AUX(file.get(), nullptr, &no_passphrase, nullptr), &X509_free);
  if (!certificate) return unusable_certificate(chain);
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) return unusable_certificate(chain);
  return UnixTime(std::chrono::seconds(timegm(&end)));
}

}  // namespace blowback
