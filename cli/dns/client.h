// A small DNS client for commands that ask servers: one query, one reply, by UDP or TCP, within a bound of time.
//
// What comes back is by strangers: it is taken apart by ldns, and shown only through `harmless`. Nothing of ldns is seen here.
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

enum class RecordType : std::uint16_t { a = 1, ns = 2, soa = 6, txt = 16, aaaa = 28 };

/// The OPT record of a query (RFC 6891).
struct Edns {
  std::uint16_t udp_size = 1232;
  std::uint8_t version = 0;
  std::uint16_t flags = 0;              ///< as on the wire; 0x8000 is DO
  std::optional<std::uint16_t> option;  ///< an empty option of this code
};

struct DnsQuery {
  std::string name;  ///< presentation format, in the case in which it is to be asked
  RecordType type = RecordType::a;
  bool tcp = false;
  bool recursion_desired = false;
  std::optional<Edns> edns;
};

struct DnsRecord {
  std::string owner;  ///< without the final dot, as it came
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::vector<std::string> rdata;  ///< its fields in presentation format; of a TXT the octets of each string
};

struct DnsReply {
  unsigned rcode = 0;  ///< with the upper bits of the OPT (RFC 6891 §6.1.3)
  bool authoritative = false;
  bool truncated = false;
  bool recursion_available = false;
  std::string question;  ///< the name in it as it came, without the final dot; empty: there is none
  std::vector<DnsRecord> answers;
  std::vector<DnsRecord> authority;
  bool has_opt = false;
  std::uint8_t edns_version = 0;
  std::uint16_t edns_flags = 0;
  [[nodiscard]] std::vector<DnsRecord> answers_of(RecordType type) const;
};

struct DnsFailure {
  bool timed_out = false;
  std::string text;  ///< a clause: `no answer within 3 s`
};

/// `NOERROR`, `NXDOMAIN`, … or the number.
[[nodiscard]] std::string rcode_text(unsigned rcode);

/// Asks once, and by UDP once more after half of the time. Replies to another question are left aside. A reply is at most
/// 65,535 octets (RFC 1035 §4.2.2). Fails where none came in time, or none that can be read. Safe from any thread.
[[nodiscard]] std::expected<DnsReply, DnsFailure> ask(const config::Endpoint& server, const DnsQuery& query,
                                                      std::chrono::milliseconds patience);

/// `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1`, `[2001:db8::1]:5300`; port 53 where there is none. Empty: it is neither.
[[nodiscard]] std::optional<config::Endpoint> server_address(std::string_view text);
[[nodiscard]] std::string to_string(const config::Endpoint& endpoint);

/// The first server in resolv.conf(5)'s form. Empty: there is none.
[[nodiscard]] std::optional<config::Endpoint> first_nameserver(std::string_view resolv_conf);
/// That of this system.
[[nodiscard]] std::optional<config::Endpoint> system_resolver();

/// The name to ask for `address` in `zone`: reversed octets or nibbles (RFC 5782 §2.1, §2.4).
[[nodiscard]] std::string owner_name(const IpAddress& address, std::string_view zone);
/// The same by nibbles, for IPv4 of its mapped form (RFC 5782 §5 has test points there).
[[nodiscard]] std::string nibble_name(const IpAddress& address, std::string_view zone);

}  // namespace blowback::cli
