// The TOML file that all programs share. It is checked completely: a program starts only if it understands every key.
//
// An unknown key, a wrong type, or a value out of range is an error that names the file, the line and the key, and says what to change.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"
#include "blowback/policy.h"
#include "blowback/prefix.h"
#include "blowback/removal.h"
#include "blowback/retention.h"
#include "blowback/unix_time.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

namespace blowback::config {

/// The address of a host with a name in the zone: only this server can answer for it.
struct HostAddress {
  std::string name;  ///< lower case, without the final dot
  IpAddress address;
  friend bool operator==(const HostAddress&, const HostAddress&) = default;
};

struct Zone {
  std::string name;                      ///< lower case, without the final dot; the one key without a default
  std::vector<std::string> nameservers;  ///< without final dot; the first is the SOA's MNAME. Default: `ns.NAME`
  std::vector<HostAddress> nameserver_addresses;  ///< of those `nameservers` that are below `name`
  /// Of other hosts: one label and `name`, no part of an address's name, none of `nameservers`; each address once per name.
  std::vector<HostAddress> hosts;
  std::string hostmaster;                           ///< a mail address. Default: `hostmaster@NAME`
  Duration ttl = std::chrono::minutes{5};           ///< 0s to 1w
  Duration negative_ttl = std::chrono::minutes{1};  ///< 0s to 1d
  std::string txt;  ///< `{ip}`: the address, or a network; ASCII, <= 255 octets with the longest address, no `: `
  CodeSet codes = CodeSet::all();  ///< not empty; what isn't listed with one of these isn't in the zone
  friend bool operator==(const Zone&, const Zone&) = default;
};

/// In one config.
inline constexpr std::size_t kMostZones = 16;

/// The name servers in the zone without an address in the config: resolvers may ask this server for it, and get an answer without
/// one.
[[nodiscard]] std::vector<std::string> without_address(const Zone& zone);

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// The longest path of a unix socket, in bytes, without the zero byte at its end; see system/unix_socket.h.
inline constexpr std::size_t kSocketPathOctets = 107;

/// The key of our DNS cookies (RFC 9018 §4): 128 bits.
using CookieSecret = std::array<std::uint8_t, 16>;

/// Response rate limiting, see server/answer/rate_limit.h.
struct RateLimit {
  int responses = 0;           ///< per second, source prefix and class of answer; 0: no limit. 0 to 1,000,000
  int slip = 2;                ///< every n-th limited answer is sent truncated; 0: none. 0 to 100
  int ipv4_prefix = 24;        ///< 8 to 32
  int ipv6_prefix = 56;        ///< 16 to 128
  int table = 65536;           ///< buckets per worker, 16 octets each; 1024 to 16,777,216
  std::vector<Prefix> exempt;  ///< never limited. Default: 127.0.0.0/8 and ::1
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

/// How a message is signed (RFC 8945 §6).
enum class TsigAlgorithm : std::uint8_t { hmac_sha256, hmac_sha512 };

/// A secret that this server shares with other name servers.
struct Key {
  std::string name;  ///< lower case, without the final dot; unique
  TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256;
  std::string secret_file;           ///< has the secret in base64, and can't be read by others
  std::vector<std::uint8_t> secret;  ///< 16 to 512 octets; empty until `read_secrets`
  friend bool operator==(const Key&, const Key&) = default;
};

/// A name server that is told of changes.
struct Secondary {
  Endpoint at;
  std::string key;  ///< the name of one of the keys, which signs the messages; "": they aren't signed
  friend bool operator==(const Secondary&, const Secondary&) = default;
};

/// Transfers over TLS (RFC 9103).
struct TransferTls {
  std::vector<Endpoint> listen;  ///< TCP; empty: nowhere
  std::string certificate;       ///< PEM file; "" if and only if `listen` is empty, likewise `key`
  std::string key;               ///< PEM file that others can't read
  std::string
      clients;  ///< PEM file with the CAs of clients' certificates, which every client needs then; "": none does
  friend bool operator==(const TransferTls&, const TransferTls&) = default;
};

/// `[transfer]`: who may have the whole zone (RFC 5936), see server/transfer/transfers.h.
struct Transfer {
  std::vector<Prefix> allow;      ///< clients by address
  std::vector<Key> keys;          ///< `[[transfer.key]]`: and by the key that they sign with; neither: nobody
  std::vector<Secondary> notify;  ///< who is told of changes (RFC 1996); at most 64, at different endpoints
  int history = 1'000;   ///< versions that differences (IXFR) reach back. 0: no differences are sent; to 100,000
  int connections = 16;  ///< at a time; half of them for one client. 1 to 100
  Duration time = std::chrono::minutes{30};  ///< for one transfer; 1s to 1d
  TransferTls tls;                           ///< the keys `tls`, `tls_certificate`, …
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

struct Server {
  std::vector<Endpoint> listen;  ///< UDP and TCP. Default: 127.0.0.1:5300 and [::1]:5300
  int workers = 0;               ///< 0: one per core. 0 to 256
  std::string nsid;              ///< RFC 5001; "" sends none. At most 64 ASCII octets
  /// While the database can't be read, the last index is served for this long; after that, nobody is listed.
  Duration stale_after = std::chrono::hours{24};
  int tcp_connections = 512;                     ///< per worker; 1 to 65536
  Duration tcp_idle = std::chrono::seconds{10};  ///< 1s to 1h, between a client's queries
  std::vector<Prefix> allow;                     ///< who may ask; empty: everybody
  bool cookies = true;                           ///< RFC 7873
  /// At most two, different: the first signs new cookies, both are accepted. Empty: a random one is made at each start.
  std::vector<CookieSecret> cookie_secrets;
  RateLimit rate_limit;
  Transfer transfer;
  /// The unix socket on which the server reports its status; "": none. A path in the config has at most kSocketPathOctets; the default,
  /// the database's path and `.server`, may be longer, and then there is no socket.
  std::string status_socket;
  std::string user;     ///< the user that a server started as root becomes, see system/privileges.h; "": it stays root
  bool sandbox = true;  ///< whether system calls are restricted, see system/system_call_filter.h
};

struct Traps {
  std::vector<std::string> domains;          ///< lower case, without `*.`
  std::vector<std::string> with_subdomains;  ///< those of `domains` whose subdomains are traps, too
  std::vector<std::string> addresses;        ///< lower case
  std::string file;                          ///< a file with more traps, one per line; "": none
  /// If both lists are empty, every recipient is a trap. `address` in upper or lower case.
  [[nodiscard]] bool is_trap(std::string_view address) const;
  /// The witness of a delivery to `address`: the address itself if `addresses` has it; otherwise `@` and the trap domain, whatever local
  /// part or subdomain was hit. If both lists are empty, `@` and the recipient's domain. "" if it is no trap. `address` in upper or lower
  /// case; the result in lower case.
  [[nodiscard]] std::string witness_of(std::string_view address) const;
  /// How many witnesses there can be; absent if both lists are empty, since then every domain is one.
  [[nodiscard]] std::optional<std::size_t> witnesses() const;
  friend bool operator==(const Traps&, const Traps&) = default;
};

/// The same answers as `Traps`, in constant time: for code that is called for each recipient. Safe from any thread.
class TrapIndex {
 public:
  TrapIndex() = default;
  TrapIndex(const Traps& traps);  // NOLINT(google-explicit-constructor): the same traps, looked up faster
  [[nodiscard]] bool is_trap(std::string_view address) const { return is_empty() || !witness_of(address).empty(); }
  [[nodiscard]] std::string witness_of(std::string_view address) const;
  /// If so, every recipient is a trap.
  [[nodiscard]] bool is_empty() const { return domains_.empty() && addresses_.empty(); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

  Names domains_;
  Names with_subdomains_;
  Names addresses_;
};

enum class FeedType : std::uint8_t { maildir, mbox, jsonl, standard_input, smtp, lmtp, milter };
/// As in the config: `maildir`.
[[nodiscard]] std::string_view name_of(FeedType type);

/// Where a feed of type smtp or lmtp listens, and its limits; see ingest/feed/smtp/listener.h. A milter uses `listen` (one endpoint, for the
/// mail server to connect to), connections, message_size and callouts.
struct Listener {
  /// TCP, or the path of a unix socket. Default: port 25 of all addresses for smtp, 127.0.0.1:2424 for
  /// lmtp, 127.0.0.1:8895 for milter.
  std::vector<std::variant<Endpoint, std::string>> listen;
  std::string hostname;              ///< in the greeting; "": the system's
  std::string certificate;           ///< PEM file; "": a self-signed one is made
  std::string key;                   ///< PEM file; "" if and only if `certificate` is ""
  bool proxy_protocol = false;       ///< connections begin with a PROXY header; requires trusted_relays
  bool hide_traps = false;           ///< accepts every recipient, and ignores deliveries to others than traps
  int connections = 1000;            ///< 1 to 20,000
  int connections_per_client = 100;  ///< per IPv4 address or IPv6 /64; 1 to 20,000
  int message_size = 10 << 20;       ///< octets; 1 KiB to 32 MiB
  Duration command_time = std::chrono::minutes{1};  ///< 1s to 1h
  Duration data_time = std::chrono::minutes{10};    ///< 1s to 1h
  bool callouts = true;  ///< milter: a session that ends before DATA is reported as a callout
  friend bool operator==(const Listener&, const Listener&) = default;
};

/// See feed::MboxQuoting.
enum class MboxQuoting : std::uint8_t { none, mboxrd, mboxo, content_length };

struct Feed {
  std::string name;  ///< unique
  FeedType type = FeedType::maildir;
  std::string path;  ///< of maildir, mbox and jsonl
  std::vector<Prefix> trusted_relays;
  bool remove = false;                      ///< maildir: `after = "remove"` instead of the default `"cur"`
  MboxQuoting quoting = MboxQuoting::none;  ///< mbox: with `none`, its messages don't count against anybody
  Listener listener;                        ///< of smtp, lmtp and milter
  [[nodiscard]] bool has_listener() const {
    return type == FeedType::smtp || type == FeedType::lmtp || type == FeedType::milter;
  }
  friend bool operator==(const Feed&, const Feed&) = default;
};

enum class LogFormat : std::uint8_t { text, logfmt, json };
enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// One per core, at most 4: with more, the single writer is the bottleneck.
[[nodiscard]] int judges_by_default();

struct Ingest {
  int judges = judges_by_default();  ///< threads that judge, see ingest/record/judges.h. 1 to 64
};

/// How the judge recognises backscatter, see docs/signatures.md.
struct Detect {
  std::vector<std::string>
      signatures;  ///< files with signatures of the operator's own, in addition to the built-in ones
};

struct SignatureFile {
  std::string path;
  std::string text;
};

/// How both daemons log, see watch/log.h.
struct Log {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;  ///< this level and more serious ones
};

/// The path of a unix socket, at most kSocketPathOctets long, or an address and port.
using MetricsEndpoint = std::variant<std::string, Endpoint>;

/// Where each daemon serves metrics and health; absent: nowhere.
struct Metrics {
  std::optional<MetricsEndpoint> server;
  std::optional<MetricsEndpoint> ingest;
};

/// `[web]`: the page that explains listings, see web/site/site.h.
struct Web {
  MetricsEndpoint listen;  ///< default: 127.0.0.1:8053
  /// Clients whose X-Forwarded-For is believed, besides those of a unix socket. Default: 127.0.0.0/8 and ::1.
  std::vector<Prefix> proxies;
  std::string url;  ///< `https://…` without a final slash, as visitors see it. Default: https:// and the zone's name
  std::string contact;               ///< a mail address or an https URL. Default: zone.hostmaster
  std::string templates;             ///< a folder; "": the one that is installed with the program
  std::string user;                  ///< as server.user
  bool sandbox = true;               ///< as server.sandbox
  int connections = 2000;            ///< at a time; 16 to 50,000
  int connections_per_client = 100;  ///< of these, of one client that is no proxy; 1 to 50,000
  Duration time = std::chrono::seconds{
      20};             ///< from the beginning of a connection, or its last answer, to the end of the next; 1s to 10m
  int requests = 240;  ///< per minute and client, of pages of addresses and of the API; 0: no limit. To 1,000,000
  friend bool operator==(const Web&, const Web&) = default;
};

/// `[removal]`: how listed senders are removed at their own request.
struct Removal {
  RemovalRules rules;  ///< `remembered` is retention.removals
  /// The address to which a listed host writes, at a feed of type smtp: lower case, no trap. "": none, such mail isn't accepted.
  std::string mail;
};

struct Config {
  std::string file;  ///< where it was read from
  std::string database = "/var/lib/blowback/blowback.db";
  Zone zone;                        ///< the first, or the only one
  std::vector<Zone> further_zones;  ///< different names, of which none is below another's, or `zone`'s
  /// All of them, in their order.
  [[nodiscard]] std::vector<Zone> zones() const;
  Server server;
  Traps traps;
  std::vector<Feed> feeds;
  Ingest ingest;
  Detect detect;
  Policy policy;
  Removal removal;
  Log log;
  Metrics metrics;
  Web web;
  Retention retention;
  /// How long files of a Maildir stay in `cur/` after they were read. > 0.
  Duration maildir_kept = std::chrono::days{90};
};

struct ConfigError {
  /// `config: FILE:LINE: KEY = VALUE: what is wrong and what to do`
  std::string text;
};

/// `--config`, else BLOWBACK_CONFIG, else /etc/blowback/blowback.toml. `environment`: the variable's value or nullptr.
[[nodiscard]] std::string config_path(const std::string& option, const char* environment);

/// Whether the file that `traps.file` names is read, too. A program that needs no traps leaves it out: it may not be allowed to read it.
enum class TrapFile : std::uint8_t { read, left_out };

/// Reads the files of all keys: each has at most 4 KiB. Fails also if others can read the key of the TLS certificate, which isn't read here. Not a part of
/// `load`, since only the server needs them and may read them.
[[nodiscard]] std::expected<void, ConfigError> read_secrets(Transfer& transfer);

[[nodiscard]] std::expected<Config, ConfigError> load(const std::string& file, TrapFile trap_file = TrapFile::read);
/// Reads the files; each has at most 4 MiB. Not a part of `load`, since only the judge needs them.
[[nodiscard]] std::expected<std::vector<SignatureFile>, ConfigError> read_signature_files(const Detect& detect);
/// `traps` and those of `text`, the content of `traps.file`: one `user@example.com`, `trap.example.net` or `*.trap.example.net` per
/// line, comments after `#`. Fails if the result has no trap at all, since then every recipient would be one.
[[nodiscard]] std::expected<Traps, ConfigError> with_file(Traps traps, std::string_view text);
/// A line of that file without comment and surrounding blanks; may be empty.
[[nodiscard]] std::string_view trap_in(std::string_view line);
/// A trap in the form of that file, checked and in lower case. Fails with a clause.
[[nodiscard]] std::expected<std::string, ConfigError> trap_line(std::string_view text);
/// `present`, changed by the policy of a file, which may be a complete config or have only a [policy] section.
[[nodiscard]] std::expected<Policy, ConfigError> load_policy(const std::string& file, const Policy& present);

struct PolicyDifference {
  std::string key;  ///< `policy.weights.dsn`
  std::string one;  ///< as written in the file; likewise `other`
  std::string other;
};
/// The keys in which two policies differ, in the order of the documentation. Pure.
[[nodiscard]] std::vector<PolicyDifference> differences(const Policy& one, const Policy& other);
/// For tests, and to check text before it is written to a file. `name` is the file's name in messages.
[[nodiscard]] std::expected<Config, ConfigError> parse(std::string_view toml, const std::string& name);

}  // namespace blowback::config
