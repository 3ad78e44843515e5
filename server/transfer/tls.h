// TLS for transfers (RFC 9103), by OpenSSL: who we are, whom we let in, and the connections.
//
// Version 1.3 only (§7.2). Clients have to offer the protocol `dot` (ALPN, §7.1): others, such as browsers and scanners, and old secondaries, are refused in the
// handshake. There are no session tickets, so a client's certificate is checked with each connection.
#pragma once

#include "config/config.h"
#include "system/descriptor.h"
#include "transfer/channel.h"

#include <expected>
#include <memory>
#include <string>

// OpenSSL's SSL_CTX.
struct ssl_ctx_st;

namespace blowback::transfer {

/// A channel that begins with a handshake, which the first calls of `read` make.
class TlsChannel : public Channel {
 public:
  [[nodiscard]] virtual bool is_established() const = 0;
  /// Why it failed; "": it didn't.
  [[nodiscard]] virtual const std::string& failure() const = 0;
};

/// Immutable. Safe from any thread.
class Tls {
 public:
  /// Reads the files. Fails with a sentence that names the file and what to do.
  [[nodiscard]] static std::expected<Tls, std::string> of(const config::TransferTls& settings);

  /// Of a socket that is connected and non-blocking. The channel keeps what it needs of this object. nullptr: out of memory.
  /// OpenSSL writes without MSG_NOSIGNAL: the thread must ignore or block SIGPIPE.
  [[nodiscard]] std::unique_ptr<TlsChannel> accept(Descriptor socket) const;

 private:
  explicit Tls(std::shared_ptr<ssl_ctx_st> context);
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace blowback::transfer
