// A small DNS client for commands that query servers: one query, one reply, by UDP or TCP, within a time limit.
//
// Replies are written by strangers: ldns parses them, and they are printed only through `harmless`.
#pragma once

#include "config/config.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// Those that the tool asks for. A reply may have any other.
enum class RecordType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  ds = 43,
  rrsig = 46,
  nsec = 47,
  dnskey = 48,
  https = 65,
  any = 255,
  undefined = 65280,  ///< for private use (RFC 6895 §3.1)
};

/// The OPT record of a query (RFC 6891).
struct Edns {
  std::uint16_t udp_size = 1232;
  std::uint8_t version = 0;
  std::uint16_t flags = 0;              ///< in wire format; 0x8000 is DO
  std::optional<std::uint16_t> option;  ///< an empty option of this code
};

struct DnsQuery {
  std::string name;  ///< in presentation format; the query has its letter case
  RecordType type = RecordType::a;
  bool tcp = false;
  bool recursion_desired = false;
  std::optional<Edns> edns;
};

struct DnsRecord {
  std::string owner;  ///< without the final dot, in the letter case of the reply
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::vector<std::string> rdata;  ///< its fields in presentation format; the octets of each string of a TXT
};

struct DnsReply {
  unsigned rcode = 0;  ///< with the extended bits from the OPT (RFC 6891 §6.1.3)
  bool authoritative = false;
  bool truncated = false;
  bool recursion_available = false;
  std::string question;  ///< QNAME of the reply, without the final dot; empty: it has no question
  std::vector<DnsRecord> answers;
  std::vector<DnsRecord> authority;
  bool has_opt = false;
  std::uint8_t edns_version = 0;
  std::uint16_t edns_flags = 0;
  [[nodiscard]] std::vector<DnsRecord> answers_of(RecordType type) const;
};

struct DnsFailure {
  bool timed_out = false;
  bool no_route = false;  ///< this host can't send to that address at all: it has no such network
  std::string text;       ///< for a person: `no answer within 3 s`
};

/// `NOERROR`, `NXDOMAIN`, …, or `RCODE` and the number.
[[nodiscard]] std::string rcode_text(unsigned rcode);

/// Sends the query, by UDP a second time after half of `patience`. Replies to other queries are ignored. A reply is at most
/// 65,535 octets (RFC 1035 §4.2.2). Fails if no reply comes within `patience`, or one that can't be parsed. Safe from any thread.
[[nodiscard]] std::expected<DnsReply, DnsFailure> ask(const config::Endpoint& server, const DnsQuery& query,
                                                      std::chrono::milliseconds patience);

/// `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1`, `[2001:db8::1]:5300`; port 53 if none is given. Absent: it is no address.
[[nodiscard]] std::optional<config::Endpoint> server_address(std::string_view text);
[[nodiscard]] std::string to_string(const config::Endpoint& endpoint);

/// The first `nameserver` of a resolv.conf(5). Absent: there is none.
[[nodiscard]] std::optional<config::Endpoint> first_nameserver(std::string_view resolv_conf);
/// The first `nameserver` in /etc/resolv.conf.
[[nodiscard]] std::optional<config::Endpoint> system_resolver();

/// Where name servers are found by name.
struct Lookup {
  std::optional<config::Endpoint> resolver;  ///< absent: there is none
  bool is_chosen = false;   ///< the operator named it, so it is expected to know the zone's name servers
  std::uint16_t port = 53;  ///< of the name servers
};

/// The owner name of `address` in `zone`: reversed octets or nibbles (RFC 5782 §2.1, §2.4).
[[nodiscard]] std::string owner_name(const IpAddress& address, std::string_view zone);
/// The same in nibbles; for IPv4 those of its IPv4-mapped address, where RFC 5782 §5 has test points.
[[nodiscard]] std::string nibble_name(const IpAddress& address, std::string_view zone);

}  // namespace blowback::cli
