#include "transfer/tls.h"

#include "system/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>
#include <sys/epoll.h>
#include <utility>

namespace blowback::transfer {
namespace {

/// As in the extension (RFC 7301 §3.1): each name after its length.
constexpr std::array<unsigned char, 4> kDot{3, 'd', 'o', 't'};

/// OpenSSL asks for the choice only if the client offers something, so a client that offers nothing is refused before that.
int refuse_without_alpn(SSL* session, int* alert, void* /*data*/) {
  const unsigned char* offered = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(session, TLSEXT_TYPE_application_layer_protocol_negotiation, &offered, &size) == 1)
    return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
  return SSL_CLIENT_HELLO_ERROR;
}

int choose_dot(SSL* /*session*/, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
               unsigned offered_size, void* /*data*/) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, kDot.data(), kDot.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

class OpenSslChannel final : public TlsChannel {
 public:
  OpenSslChannel(Descriptor socket, SSL* session) : socket_(std::move(socket)), session_(session, &SSL_free) {}
  OpenSslChannel(const OpenSslChannel&) = delete;
  OpenSslChannel& operator=(const OpenSslChannel&) = delete;

  /// RFC 8446 §6.1: whoever ends its stream says so, unless it failed.
  ~OpenSslChannel() override {
    if (is_established() && failure_.empty()) SSL_shutdown(session_.get());
    ERR_clear_error();
  }

  [[nodiscard]] Moved read(std::span<std::uint8_t> into) override {
    assert(into.size() >= kReadAtLeast);
    std::size_t size = 0;
    ERR_clear_error();
    const int done = SSL_read_ex(session_.get(), into.data(), into.size(), &size);
    return result_of(done, size, before_reading_);
  }

  [[nodiscard]] Moved write(std::span<const std::uint8_t> octets) override {
    assert(!octets.empty());
    std::size_t size = 0;
    ERR_clear_error();
    const int done = SSL_write_ex(session_.get(), octets.data(), octets.size(), &size);
    return result_of(done, size, before_writing_);
  }

  [[nodiscard]] std::uint32_t before_reading() const override { return before_reading_; }
  [[nodiscard]] std::uint32_t before_writing() const override { return before_writing_; }
  [[nodiscard]] bool is_established() const override { return SSL_is_init_finished(session_.get()) == 1; }
  [[nodiscard]] const std::string& failure() const override { return failure_; }

 private:
  [[nodiscard]] Moved result_of(int done, std::size_t size, std::uint32_t& waits_for) {
    using enum Moved::State;
    if (done == 1) return {.state = some, .octets = size};
    switch (SSL_get_error(session_.get(), done)) {
      case SSL_ERROR_WANT_READ:
        waits_for = EPOLLIN;
        return {.state = none};
      case SSL_ERROR_WANT_WRITE:
        waits_for = EPOLLOUT;
        return {.state = none};
      case SSL_ERROR_ZERO_RETURN:
        if (is_established()) return {.state = ended};
        failure_ = "the client closed the connection in the handshake";
        return {.state = failed};
      default:
        failure_ = reason();
        return {.state = failed};
    }
  }

  [[nodiscard]] std::string reason() const {
    const auto code = ERR_peek_last_error();
    if (code == 0) return "the client closed the connection";
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CALLBACK_FAILED)
      return "the client doesn't offer the protocol \"dot\" (ALPN)";
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      return fmt::format("the client's certificate: {}",
                         X509_verify_cert_error_string(SSL_get_verify_result(session_.get())));
    }
    return tls_failure();
  }

  Descriptor socket_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_;
  std::uint32_t before_reading_ = EPOLLIN;
  std::uint32_t before_writing_ = EPOLLOUT;
  std::string failure_;
};

/// Whoever has a certificate of these authorities is let in, and nobody else (RFC 9103 §9.3.3).
[[nodiscard]] std::expected<void, std::string> require_clients(SSL_CTX& context, const std::string& file) {
  ERR_clear_error();
  STACK_OF(X509_NAME)* const names = SSL_load_client_CA_file(file.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(&context, file.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return std::unexpected(
        fmt::format("clients' authorities {} can't be used: {}; it has to be a PEM file with their certificates "
                    "that we may read",
                    file, tls_failure()));
  }
  SSL_CTX_set_client_CA_list(&context, names);  // which belong to the context from now on
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

}  // namespace

Tls::Tls(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}

std::expected<Tls, std::string> Tls::of(const config::TransferTls& settings) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return std::unexpected("OpenSSL can't be used: " + tls_failure());
  auto& tls = *context;
  // A client that closes the connection without saying so has the same effect as one that says so: a message has its length before it.
  SSL_CTX_set_options(&tls, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(&tls,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(&tls, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(&tls, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(&tls, 0) != 1)
    return std::unexpected("OpenSSL has no TLS 1.3");
  SSL_CTX_set_client_hello_cb(&tls, &refuse_without_alpn, nullptr);
  SSL_CTX_set_alpn_select_cb(&tls, &choose_dot, nullptr);
  if (auto used = use_certificate(tls, {.chain = settings.certificate, .key = settings.key}); !used)
    return std::unexpected(std::move(used).error());
  if (!settings.clients.empty()) {
    if (auto required = require_clients(tls, settings.clients); !required)
      return std::unexpected(std::move(required).error());
  }
  return Tls(context);
}

std::unique_ptr<TlsChannel> Tls::accept(Descriptor socket) const {
  SSL* const session = SSL_new(context_.get());
  if (session == nullptr || SSL_set_fd(session, socket.get()) != 1) {
    SSL_free(session);
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(session);
  return std::make_unique<OpenSslChannel>(std::move(socket), session);
}

}  // namespace blowback::transfer
