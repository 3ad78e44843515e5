// OpenSSL's objects behind unique pointers; nothing is written to disk.
#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

namespace blowback::smtp {
namespace {

constexpr long kTenYears = 10L * 365 * 24 * 3600;

/// False: OpenSSL couldn't.
[[nodiscard]] bool use_self_signed(SSL_CTX* context, const std::string& hostname) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  if (!key || !certificate) return false;
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U | 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kTenYears);
  X509_set_pubkey(certificate.get(), key.get());
  // A common name has at most 64 characters (RFC 5280 appendix A.1).
  const auto name = hostname.substr(0, 64);
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.data()),
                             static_cast<int>(name.size()), -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  return X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0 &&
         SSL_CTX_use_certificate(context, certificate.get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

}  // namespace

std::expected<asio::ssl::context, std::string> tls_context(const Certificate& files, const std::string& hostname) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  if (files.chain.empty()) {
    if (!use_self_signed(context.native_handle(), hostname)) {
      return std::unexpected("no self-signed certificate can be made; name one by `certificate` and `key`");
    }
    return context;
  }
  if (auto used = use_certificate(*context.native_handle(), files); !used)
    return std::unexpected(std::move(used).error());
  return context;
}

}  // namespace blowback::smtp
