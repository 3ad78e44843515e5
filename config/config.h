// The one TOML file of all three programs, read and checked whole: a program that starts has understood every key.
//
// An unknown key, a wrong type, or a value out of range is an error that names file, line and key and how to mend it.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/policy.h"
#include "blowback/prefix.h"
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

/// Of a name server whose name lies in the zone: nobody but us can tell it.
struct NameserverAddress {
  std::string name;
  IpAddress address;
  friend bool operator==(const NameserverAddress&, const NameserverAddress&) = default;
};

struct Zone {
  std::string name;                      ///< lower case, without the final dot; the one key without a default
  std::vector<std::string> nameservers;  ///< without final dot; the first is the SOA's MNAME. Default: `ns.NAME`
  std::vector<NameserverAddress> nameserver_addresses;  ///< of names below `name` that stand in `nameservers`
  std::string hostmaster;                               ///< a mail address. Default: `hostmaster@NAME`
  Duration ttl = std::chrono::minutes{5};               ///< 0s to 1w
  Duration negative_ttl = std::chrono::minutes{1};      ///< 0s to 1d
  std::string txt;  ///< `{ip}` stands for the address asked for; ASCII, <= 255 octets with the longest address, no ": "
};

/// Those of the name servers that lie in the zone and have no address in the config, so that resolvers which ask us for one, as
/// they may, hear that there is none.
[[nodiscard]] std::vector<std::string> without_address(const Zone& zone);

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// What a sockaddr_un takes of a path, besides the zero at its end.
inline constexpr std::size_t kSocketPathOctets = 107;

/// The key of our DNS cookies (RFC 9018 §4): 128 bits.
using CookieSecret = std::array<std::uint8_t, 16>;

/// Response rate limiting, see server/answer/rate_limit.h.
struct RateLimit {
  int responses = 0;           ///< per second, source prefix and class of answer; 0: off. 0 to 1,000,000
  int slip = 2;                ///< every n-th limited answer goes out truncated; 0: none. 0 to 100
  int ipv4_prefix = 24;        ///< 8 to 32
  int ipv6_prefix = 56;        ///< 16 to 128
  int table = 65536;           ///< buckets per worker, 16 octets each; 1024 to 16,777,216
  std::vector<Prefix> exempt;  ///< never limited. Default: 127.0.0.0/8 and ::1
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

struct Server {
  std::vector<Endpoint> listen;  ///< UDP and TCP. Default: 127.0.0.1:5300 and [::1]:5300
  int workers = 0;               ///< 0: one per core. 0 to 256
  std::string nsid;              ///< RFC 5001; "" sends none. At most 64 ASCII octets
  /// How long the last good index goes on answering while the database can't be read; then nobody is listed.
  Duration stale_after = std::chrono::hours{24};
  int tcp_connections = 512;                     ///< per worker; 1 to 65536
  Duration tcp_idle = std::chrono::seconds{10};  ///< 1s to 1h, between a client's queries
  std::vector<Prefix> allow;                     ///< who may ask; empty: everybody
  bool cookies = true;                           ///< RFC 7873
  /// At most two, different: the first makes cookies, both are accepted. Empty: a random one is made at each start.
  std::vector<CookieSecret> cookie_secrets;
  RateLimit rate_limit;
  /// The unix socket on which the server tells its status; "": none. One that is written is at most kSocketPathOctets long;
  /// the default, the database's path and `.server`, may be longer, and then there can be no such socket.
  std::string status_socket;
  std::string user;     ///< whom a server started as root becomes, see system/privileges.h; "": it stays who it is
  bool sandbox = true;  ///< whether system calls are restricted, see system/system_call_filter.h
};

struct Traps {
  std::vector<std::string> domains;          ///< lower case, without `*.`
  std::vector<std::string> with_subdomains;  ///< those of `domains` in which all names below are traps, too
  std::vector<std::string> addresses;        ///< lower case
  std::string file;                          ///< names more of them, a line each; "": none
  /// With both lists empty every recipient of a feed is a trap. `address` in any case.
  [[nodiscard]] bool is_trap(std::string_view address) const;
  /// Who testifies by a delivery to `address`: an address of `addresses` is itself a witness; of a domain, `@` and the
  /// domain, however many local parts or names below it a stranger invents. With both lists empty each recipient domain is one. "" for what
  /// is no trap. `address` in any case; the result in lower case.
  [[nodiscard]] std::string witness_of(std::string_view address) const;
  /// How many witnesses there can be; absent with both lists empty, when anybody's domain is one.
  [[nodiscard]] std::optional<std::size_t> witnesses() const;
  friend bool operator==(const Traps&, const Traps&) = default;
};

/// The same answers as `Traps`, by one look-up each however many traps there are: for whoever is asked at every RCPT.
/// Safe from any thread.
class TrapIndex {
 public:
  TrapIndex() = default;
  TrapIndex(const Traps& traps);  // NOLINT(google-explicit-constructor): the same traps, looked up faster
  [[nodiscard]] bool is_trap(std::string_view address) const { return is_empty() || !witness_of(address).empty(); }
  [[nodiscard]] std::string witness_of(std::string_view address) const;
  /// Then every recipient is a trap.
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
/// As the config has it: `maildir`.
[[nodiscard]] std::string_view name_of(FeedType type);

/// Where a feed of type smtp or lmtp answers, and how much it bears. See ingest/feed/smtp/listener.h. Of a milter: where the mail
/// server finds it (one place), connections, message_size and callouts.
struct Door {
  /// TCP, or the path of a unix socket. Default: port 25 of all addresses for smtp, 127.0.0.1:2424 for lmtp,
  /// 127.0.0.1:8895 for milter.
  std::vector<std::variant<Endpoint, std::string>> listen;
  std::string hostname;                             ///< in the greeting; "": the system's
  std::string certificate;                          ///< PEM file; "": a self-signed one is made
  std::string key;                                  ///< PEM file; "" exactly where `certificate` is
  bool proxy_protocol = false;                      ///< connections begin with a PROXY header; requires trusted_relays
  bool hide_traps = false;                          ///< accepts every recipient, and leaves alone what is for no trap
  int connections = 1000;                           ///< 1 to 20,000
  int connections_per_client = 100;                 ///< of an IPv4 address or IPv6 /64; 1 to 20,000
  int message_size = 10 << 20;                      ///< octets; 1 KiB to 32 MiB
  Duration command_time = std::chrono::minutes{1};  ///< 1s to 1h
  Duration data_time = std::chrono::minutes{10};    ///< 1s to 1h
  bool callouts = true;                             ///< milter: whoever leaves before DATA is a caller out
  friend bool operator==(const Door&, const Door&) = default;
};

/// See feed::MboxQuoting.
enum class MboxQuoting : std::uint8_t { none, mboxrd, mboxo, content_length };

struct Feed {
  std::string name;  ///< unique
  FeedType type = FeedType::maildir;
  std::string path;  ///< of maildir, mbox and jsonl
  std::vector<Prefix> trusted_relays;
  bool remove = false;                      ///< maildir: `after = "remove"` instead of the default `"cur"`
  MboxQuoting quoting = MboxQuoting::none;  ///< mbox: with `none` nothing that it brings counts
  Door door;                                ///< of smtp, lmtp and milter
  [[nodiscard]] bool has_door() const {
    return type == FeedType::smtp || type == FeedType::lmtp || type == FeedType::milter;
  }
  friend bool operator==(const Feed&, const Feed&) = default;
};

enum class LogFormat : std::uint8_t { text, logfmt, json };
enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// One per core, at most 4: beyond that the one writer is what mail waits for.
[[nodiscard]] int judges_by_default();

struct Ingest {
  int judges = judges_by_default();  ///< threads that judge, see ingest/record/judges.h. 1 to 64
};

/// How both daemons log, see watch/log.h.
struct Log {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;  ///< this and what is graver
};

/// A unix socket's path, at most kSocketPathOctets long, or an address and port.
using MetricsEndpoint = std::variant<std::string, Endpoint>;

/// Where each daemon tells a monitor how it is; absent: nowhere.
struct Metrics {
  std::optional<MetricsEndpoint> server;
  std::optional<MetricsEndpoint> ingest;
};

struct Config {
  std::string file;  ///< where it was read from
  std::string database = "/var/lib/blowback/blowback.db";
  Zone zone;
  Server server;
  Traps traps;
  std::vector<Feed> feeds;
  Ingest ingest;
  Policy policy;
  Log log;
  Metrics metrics;
  Retention retention;
  /// How long a Maildir's files stay in `cur/` once they are taken. > 0.
  Duration maildir_kept = std::chrono::days{90};
};

struct ConfigError {
  /// `config: FILE:LINE: KEY = VALUE: what is wrong and how to mend it`
  std::string text;
};

/// `--config`, else BLOWBACK_CONFIG, else /etc/blowback/blowback.toml. `environment`: the variable's value or nullptr.
[[nodiscard]] std::string config_path(const std::string& option, const char* environment);

/// Whether the file that `traps.file` names is read, too. Who needs no traps leaves it out: it may not be his to read.
enum class TrapFile : std::uint8_t { read, left_out };

[[nodiscard]] std::expected<Config, ConfigError> load(const std::string& file, TrapFile trap_file = TrapFile::read);
/// `traps` and those that `text`, the content of `traps.file`, names: `user@example.com`, `trap.example.net` or
/// `*.trap.example.net` on a line, comments behind `#`. Fails where there is none in all, and so every recipient would be a trap.
[[nodiscard]] std::expected<Traps, ConfigError> with_file(Traps traps, std::string_view text);
/// What stands on a line of that file, without a comment and blanks; empty: nothing.
[[nodiscard]] std::string_view trap_in(std::string_view line);
/// A trap as it stands in that file. Fails with a clause for a person.
[[nodiscard]] std::expected<std::string, ConfigError> trap_line(std::string_view text);
/// A policy to be tried: `present`, changed by the keys of a file that is a whole config, or that has nothing but a [policy].
[[nodiscard]] std::expected<Policy, ConfigError> load_policy(const std::string& file, const Policy& present);

struct PolicyDifference {
  std::string key;  ///< `policy.weights.dsn`
  std::string one;  ///< as it would stand in the file; likewise the other
  std::string other;
};
/// The keys by which two policies differ, in the order of the documentation. Pure.
[[nodiscard]] std::vector<PolicyDifference> differences(const Policy& one, const Policy& other);
/// For tests and for checking text before it is a file. `name` stands in messages for the file.
[[nodiscard]] std::expected<Config, ConfigError> parse(std::string_view toml, const std::string& name);

}  // namespace blowback::config
