// Transfers over TLS: what a client of OpenSSL gets, and how connections are limited before anything is known of them.
#include "folder.h"
#include "system/descriptor.h"
#include "system/socket_address.h"
#include "transfer/tls.h"
#include "transfer_running.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>

using namespace blowback;
using namespace blowback::test;
using namespace std::chrono_literals;
using transfer::Carrier;
using transfer::Ending;

namespace {

/// A self-signed certificate and its key in a folder.
config::TransferTls self_signed(const Folder& folder) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  REQUIRE(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0);
  const config::TransferTls tls{
      .listen = {}, .certificate = folder.file("tls.pem"), .key = folder.file("tls.key"), .clients = {}};
  const auto write = [](const std::string& file, auto print) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(file.c_str(), "we"), &std::fclose);
    REQUIRE(out);
    REQUIRE(print(out.get()) == 1);
  };
  write(tls.certificate, [&](std::FILE* out) { return PEM_write_X509(out, certificate.get()); });
  write(tls.key,
        [&](std::FILE* out) { return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return tls;
}

/// The same key with a passphrase.
void encrypt(const std::string& from, const std::string& to) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(from.c_str(), "re"), &std::fclose);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_PrivateKey(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(to.c_str(), "we"), &std::fclose);
  constexpr std::array<unsigned char, 4> kPassphrase{'p', 'a', 's', 's'};
  REQUIRE(PEM_write_PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), kPassphrase.data(), kPassphrase.size(), nullptr,
                               nullptr) == 1);
}

/// A TCP connection to the server from an address of this host.
Descriptor connected(const config::Endpoint& to, const std::string& from = "127.0.0.1") {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto own = socket_address(ip(from), 0);
  REQUIRE(bind(socket.get(), own.get(), own.size) == 0);
  // Small buffers: the server has to wait for room again and again.
  constexpr int kBuffer = 4096;
  REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kBuffer, sizeof kBuffer) == 0);
  const timeval patience{.tv_sec = 60, .tv_usec = 0};
  REQUIRE(setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
  const auto address = socket_address(to.address, to.port);
  REQUIRE(connect(socket.get(), address.get(), address.size) == 0);
  return socket;
}

bool is_closed(const Descriptor& socket) {
  std::uint8_t octet = 0;
  const auto size = recv(socket.get(), &octet, 1, 0);
  return size == 0 || (size < 0 && errno != EAGAIN);
}
/// At present.
bool is_open(const Descriptor& socket) {
  std::uint8_t octet = 0;
  return recv(socket.get(), &octet, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

class TlsClient {
 public:
  explicit TlsClient(Descriptor socket)
      : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
        session_(SSL_new(context_.get()), &SSL_free),
        socket_(std::move(socket)) {
    constexpr std::array<unsigned char, 4> kDot{3, 'd', 'o', 't'};
    REQUIRE(SSL_set_alpn_protos(session_.get(), kDot.data(), kDot.size()) == 0);
    SSL_set_fd(session_.get(), socket_.get());
    REQUIRE(SSL_connect(session_.get()) == 1);
  }

  void send(const Bytes& octets) const {
    REQUIRE(SSL_write(session_.get(), octets.data(), static_cast<int>(octets.size())) ==
            static_cast<int>(octets.size()));
  }
  /// Empty: the server ended the connection, and said so.
  [[nodiscard]] Bytes message() const {
    const auto head = octets(2);
    return head.empty() ? Bytes() : octets(static_cast<std::size_t>(head[0] << 8U | head[1]));
  }
  [[nodiscard]] std::vector<Bytes> transfer() const {
    std::vector<Bytes> all;
    for (int soas = 0; soas < 2;) {
      all.push_back(message());
      REQUIRE_FALSE(all.back().empty());
      for (const auto& record : Reply(all.back()).answers())
        soas += record.find("\tSOA\t") != std::string::npos ? 1 : 0;
    }
    return all;
  }
  [[nodiscard]] SSL* session() const { return session_.get(); }

 private:
  [[nodiscard]] Bytes octets(std::size_t count) const {
    Bytes bytes(count);
    for (std::size_t have = 0; have < count;) {
      const int size = SSL_read(session_.get(), bytes.data() + have, static_cast<int>(count - have));
      if (size <= 0) {
        CHECK(SSL_get_error(session_.get(), size) == SSL_ERROR_ZERO_RETURN);
        return {};
      }
      have += static_cast<std::size_t>(size);
    }
    return bytes;
  }

  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_;
  Descriptor socket_;
};

/// With an endpoint for TLS on loopback. Its clients come from there, and may transfer.
class RunningTls : public RunningTransfers {
 public:
  explicit RunningTls(zone::ListingIndex list, const transfer::Limits& limits = {})
      : RunningTransfers(std::move(list), limits, {*Prefix::parse("127.0.0.0/30")}) {
    // The test's own writes; the server's thread blocks the signal itself.
    std::signal(SIGPIPE, SIG_IGN);
    auto tls = transfer::Tls::of(self_signed(folder_));
    if (!tls) FAIL(tls.error());
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = socket_address(ip("127.0.0.1"), 0);
    REQUIRE(bind(socket.get(), address.get(), address.size) == 0);
    REQUIRE(listen(socket.get(), 100) == 0);
    at_ = {.address = ip("127.0.0.1"), .port = bound_port(socket.get())};
    transfers().accept_from({.tls = std::make_shared<const transfer::Tls>(std::move(*tls)),
                             .sockets = {std::make_shared<const transfer::Listening>(at_, std::move(socket))}});
  }
  [[nodiscard]] Descriptor connect(const std::string& from = "127.0.0.1") const { return connected(at_, from); }
  [[nodiscard]] TlsClient client(const std::string& from = "127.0.0.1") const { return TlsClient(connect(from)); }
  [[nodiscard]] transfer::Counts::Carried by_tls() {
    return transfers().counts().by_carrier.at(static_cast<std::size_t>(Carrier::tls));
  }

 private:
  Folder folder_;
  config::Endpoint at_;
};

}  // namespace

TEST_CASE("a client of TLS that reads slowly gets the whole zone, and others between its reads", "[transfer][tls]") {
  RunningTls running(list_of(20'000));
  const auto client = running.client();
  client.send(kAxfrQuery);
  CHECK_FALSE(client.message().empty());
  const auto other = running.client();
  other.send(kAxfrQuery);
  CHECK(records_of(other.transfer()).size() == 2 + 2 + 4 * kAllCodes.size() + 40'000);
  auto report = running.report();
  CHECK(report.ending == Ending::complete);
  CHECK(report.carrier == Carrier::tls);
  for (int soas = 1; soas < 2;) {
    for (const auto& record : Reply(client.message()).answers())
      soas += record.find("\tSOA\t") != std::string::npos ? 1 : 0;
  }
  CHECK(running.report().records == report.records);
  CHECK(running.by_tls().by_ending.at(static_cast<std::size_t>(Ending::complete)) == 2);
  CHECK(running.transfers().counts().handshakes == 2);
  CHECK(running.transfers().counts().failed_handshakes == 0);
}

TEST_CASE("what comes in one record is answered, however much it is, and new keys change nothing", "[transfer][tls]") {
  RunningTls running(list_of(10));
  const auto client = running.client();
  const auto soa = with_length(query({.name = kApex, .type = LDNS_RR_TYPE_SOA}));
  constexpr std::size_t kQueries = 1'500;
  Bytes all;
  for (std::size_t i = 0; i < kQueries; ++i) all.insert(all.end(), soa.begin(), soa.end());
  REQUIRE(all.size() > 2 * transfer::kReadAtLeast);
  // The server's socket has room for all of it.
  client.send(all);
  for (std::size_t i = 0; i < kQueries; ++i) REQUIRE(Reply(client.message()).answers().size() == 1);
  // RFC 8446 §4.6.3: the server has to answer by new keys of its own.
  REQUIRE(SSL_key_update(client.session(), SSL_KEY_UPDATE_REQUESTED) == 1);
  client.send(kAxfrQuery);
  CHECK(client.transfer().size() == 1);
  client.send(soa);
  CHECK(client.message().size() > 12);
}

TEST_CASE("of guests the one that was idle longest makes room, of its own client first", "[transfer][tls]") {
  RunningTls running(list_of(60'000), {.connections = 4, .time = 60s, .idle = 60s});
  const auto admitted = running.client("127.0.0.2");
  admitted.send(kAxfrQuery);
  CHECK_FALSE(admitted.message().empty());
  std::vector<Descriptor> guests;
  for (std::size_t i = 0; i < transfer::Limits::kGuestsPerClient; ++i) guests.push_back(running.connect("127.0.0.2"));
  CHECK(is_open(guests.front()));
  guests.push_back(running.connect("127.0.0.2"));
  CHECK(is_closed(guests.front()));
  CHECK(is_open(guests.back()));
  for (std::size_t i = transfer::Limits::kGuestsPerClient; i < transfer::Limits::kGuests; ++i)
    guests.push_back(running.connect("127.0.1." + std::to_string(i)));
  CHECK(is_open(guests.at(1)));
  const auto last = running.client("127.0.0.3");
  CHECK(is_closed(guests.at(1)));
  CHECK(running.by_tls().turned_away == 2);
  CHECK(running.transfers().counts().failed_handshakes == 2);
  // None of this concerns the one with a transfer.
  running.end();
  CHECK(running.report().ending == Ending::broken);
}

TEST_CASE("a transfer over TLS takes a place like one over TCP, and a refused one takes none", "[transfer][tls]") {
  RunningTls running(list_of(60'000), {.connections = 2, .time = 60s, .idle = 60s});
  const auto first = running.client("127.0.0.1");
  first.send(kAxfrQuery);
  CHECK_FALSE(first.message().empty());
  // One of the two places is for one client.
  const auto second = running.client("127.0.0.1");
  second.send(kAxfrQuery);
  CHECK(second.message().empty());
  CHECK(running.by_tls().turned_away == 1);
  const auto stranger = running.client("127.0.0.9");
  stranger.send(kAxfrQuery);
  CHECK(Reply(stranger.message()).rcode() == LDNS_RCODE_REFUSED);
  CHECK(running.by_tls().refused == 1);
  const auto third = running.client("127.0.0.2");
  third.send(kAxfrQuery);
  CHECK(third.transfer().size() > 10);
}

TEST_CASE("a handshake that takes too long, and a client that goes away in it, are counted", "[transfer][tls]") {
  RunningTls running(list_of(1), {.connections = 4, .time = 1s, .idle = 1s});
  const auto silent = running.connect();
  {
    const auto gone = running.connect();
    REQUIRE(send(gone.get(), "\x16\x03\x01", 3, MSG_NOSIGNAL) == 3);
  }
  CHECK(is_closed(silent));
  for (const auto end = std::chrono::steady_clock::now() + 60s; running.transfers().counts().failed_handshakes < 2;) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    std::this_thread::yield();
  }
  CHECK(running.transfers().counts().handshakes == 0);
}

TEST_CASE("files that can't be used are named, with what to do", "[transfer][tls]") {
  const Folder folder;
  auto tls = self_signed(folder);
  CHECK(transfer::Tls::of(tls));
  tls.clients = folder.file("none.pem");
  CHECK(transfer::Tls::of(tls).error().find("none.pem can't be used: No such file") != std::string::npos);
  tls.clients = tls.key;
  CHECK(transfer::Tls::of(tls).error().find("tls.key can't be used: ") != std::string::npos);
  tls.clients = tls.certificate;
  CHECK(transfer::Tls::of(tls));
  // OpenSSL would ask at the terminal.
  const auto open_key = tls.key;
  tls.key = folder.file("secret.key");
  encrypt(open_key, tls.key);
  CHECK(transfer::Tls::of(tls).error().find("without a passphrase") != std::string::npos);
  tls.certificate = folder.file("none.pem");
  CHECK(transfer::Tls::of(tls).error().find("certificate " + tls.certificate) != std::string::npos);
}
