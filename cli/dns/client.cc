// ldns builds and parses the messages. The sockets are our own, so that every wait has a limit.
#include "dns/client.h"

#include "system/descriptor.h"
#include "system/socket_address.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <ldns/ldns.h>
#include <poll.h>
#include <stdbool.h>  // NOLINT(modernize-deprecated-headers): without it ldns/common.h makes bool, true and false macros
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <ranges>
#include <span>
#include <sys/random.h>
#include <sys/socket.h>
#include <system_error>

namespace blowback::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostOctets = 65535;

template <typename T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* each) const { kFree(each); }
};
struct FreedMemory {
  void operator()(void* memory) const { std::free(memory); }  // NOLINT(cppcoreguidelines-no-malloc): ldns's own
};
using Packet = std::unique_ptr<ldns_pkt, Freed<ldns_pkt, ldns_pkt_free>>;
using Rdata = std::unique_ptr<ldns_rdf, Freed<ldns_rdf, ldns_rdf_deep_free>>;
template <typename T>
using Memory = std::unique_ptr<T, FreedMemory>;

[[nodiscard]] std::unexpected<DnsFailure> failed(std::string text) {
  return std::unexpected(DnsFailure{.text = std::move(text)});
}
[[nodiscard]] std::unexpected<DnsFailure> failed(int error) {
  return std::unexpected(DnsFailure{.no_route = error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT,
                                    .text = std::generic_category().message(error)});
}
[[nodiscard]] std::unexpected<DnsFailure> late(milliseconds patience) {
  return std::unexpected(
      DnsFailure{.timed_out = true,
                 .text = fmt::format("no answer within {:.2g} s", std::chrono::duration<double>(patience).count())});
}

/// False: `until` has passed.
[[nodiscard]] bool wait_for(int socket, short events, Clock::time_point until) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd watched{.fd = socket, .events = events, .revents = 0};
    if (poll(&watched, 1, static_cast<int>(left)) > 0) return true;
  }
}

[[nodiscard]] std::string text_of(const ldns_rdf* rdata) {
  const Memory<char> text(ldns_rdf2str(rdata));
  if (!text) return {};
  std::string name(text.get());
  if (ldns_rdf_get_type(rdata) == LDNS_RDF_TYPE_DNAME && name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

[[nodiscard]] DnsRecord record_of(const ldns_rr* rr) {
  DnsRecord record{.owner = text_of(ldns_rr_owner(rr)),
                   .type = static_cast<std::uint16_t>(ldns_rr_get_type(rr)),
                   .ttl = ldns_rr_ttl(rr),
                   .rdata = {}};
  for (std::size_t i = 0; i < ldns_rr_rd_count(rr); ++i) {
    const auto* const rdata = ldns_rr_rdf(rr, i);
    if (rdata == nullptr) continue;
    if (ldns_rdf_get_type(rdata) == LDNS_RDF_TYPE_STR && ldns_rdf_size(rdata) > 0) {
      // A length octet and the string.
      record.rdata.emplace_back(reinterpret_cast<const char*>(ldns_rdf_data(rdata)) + 1, ldns_rdf_size(rdata) - 1);
    } else {
      record.rdata.push_back(text_of(rdata));
    }
  }
  return record;
}

[[nodiscard]] std::vector<DnsRecord> records_of(const ldns_rr_list* list) {
  std::vector<DnsRecord> records;
  records.reserve(ldns_rr_list_rr_count(list));
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) records.push_back(record_of(ldns_rr_list_rr(list, i)));
  return records;
}

struct Written {
  std::vector<std::uint8_t> octets;
  std::uint16_t id = 0;
};

[[nodiscard]] std::expected<Written, DnsFailure> written(const DnsQuery& query) {
  ldns_rdf* name = nullptr;
  if (ldns_str2rdf_dname(&name, query.name.c_str()) != LDNS_STATUS_OK) {
    return failed(fmt::format("'{}' isn't a domain name", query.name));
  }
  const std::uint16_t flags = query.recursion_desired ? LDNS_RD : 0;
  // The packet owns the name from now on.
  const Packet packet(ldns_pkt_query_new(name, static_cast<ldns_rr_type>(query.type), LDNS_RR_CLASS_IN, flags));
  if (!packet) return failed("ldns can't build the query");
  Written done;
  // A random ID keeps others from forging the reply (RFC 5452 §9.1). If the kernel has none to give, it is 0.
  if (getrandom(&done.id, sizeof done.id, 0) != sizeof done.id) done.id = 0;
  ldns_pkt_set_id(packet.get(), done.id);
  if (query.edns) {
    ldns_pkt_set_edns_udp_size(packet.get(), query.edns->udp_size);
    ldns_pkt_set_edns_version(packet.get(), query.edns->version);
    ldns_pkt_set_edns_z(packet.get(), query.edns->flags);
    if (query.edns->option) {
      const std::array<std::uint8_t, 4> option{static_cast<std::uint8_t>(*query.edns->option >> 8U),
                                               static_cast<std::uint8_t>(*query.edns->option & 255U), 0, 0};
      ldns_pkt_set_edns_data(packet.get(), ldns_rdf_new_frm_data(LDNS_RDF_TYPE_UNKNOWN, option.size(), option.data()));
    }
  }
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  if (ldns_pkt2wire(&wire, packet.get(), &size) != LDNS_STATUS_OK) return failed("ldns can't write the query");
  const Memory<std::uint8_t> owned(wire);
  done.octets.assign(wire, wire + size);
  return done;
}

/// Absent: it is no reply to that query.
[[nodiscard]] std::optional<std::expected<DnsReply, DnsFailure>> read(std::span<const std::uint8_t> wire,
                                                                      const Written& query, const std::string& name) {
  constexpr std::size_t kHeader = 12;
  if (wire.size() < kHeader || ((wire[0] << 8U) | wire[1]) != query.id || (wire[2] & 0x80U) == 0) return std::nullopt;
  ldns_pkt* made = nullptr;
  if (const auto status = ldns_wire2pkt(&made, wire.data(), wire.size()); status != LDNS_STATUS_OK) {
    return failed(fmt::format("the reply can't be parsed: {}", ldns_get_errorstr_by_id(status)));
  }
  const Packet packet(made);
  DnsReply reply;
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  if (const auto* const questions = ldns_pkt_question(made); ldns_rr_list_rr_count(questions) > 0) {
    reply.question = text_of(ldns_rr_owner(ldns_rr_list_rr(questions, 0)));
    if (!std::ranges::equal(reply.question, name, same)) return std::nullopt;
  }
  reply.rcode =
      static_cast<unsigned>(ldns_pkt_get_rcode(made)) | static_cast<unsigned>(ldns_pkt_edns_extended_rcode(made)) << 4U;
  reply.authoritative = ldns_pkt_aa(made);
  reply.truncated = ldns_pkt_tc(made);
  reply.recursion_available = ldns_pkt_ra(made);
  reply.answers = records_of(ldns_pkt_answer(made));
  reply.authority = records_of(ldns_pkt_authority(made));
  reply.has_opt = ldns_pkt_edns(made);
  reply.edns_version = ldns_pkt_edns_version(made);
  reply.edns_flags = ldns_pkt_edns_z(made);
  return reply;
}

[[nodiscard]] std::expected<DnsReply, DnsFailure> ask_udp(int socket, const Written& query, const std::string& name,
                                                          milliseconds patience) {
  const auto start = Clock::now();
  std::vector<std::uint8_t> buffer(kMostOctets);
  for (const auto until : {start + patience / 2, start + patience}) {
    if (send(socket, query.octets.data(), query.octets.size(), MSG_NOSIGNAL) < 0) return failed(errno);
    while (wait_for(socket, POLLIN, until)) {
      const auto count = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (count < 0) return failed(errno);
      if (auto reply = read({buffer.data(), static_cast<std::size_t>(count)}, query, name)) return *std::move(reply);
    }
  }
  return late(patience);
}

/// Calls `step` with the position until all `size` octets are sent or received. Returns 0 or an errno: ETIME if `until` has
/// passed, ECONNRESET if the peer closed the connection.
template <typename Step>
[[nodiscard]] int all_of(int socket, std::size_t size, short events, Clock::time_point until, Step step) {
  for (std::size_t at = 0; at < size;) {
    if (!wait_for(socket, events, until)) return ETIME;
    const auto count = step(at);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return errno;
    if (count == 0) return ECONNRESET;
    if (count > 0) at += static_cast<std::size_t>(count);
  }
  return 0;
}

[[nodiscard]] std::expected<DnsReply, DnsFailure> ask_tcp(int socket, const Written& query, const std::string& name,
                                                          milliseconds patience) {
  const auto until = Clock::now() + patience;
  const auto failure = [&](int error) { return error == ETIME ? late(patience) : failed(error); };
  const auto receive = [&](std::vector<std::uint8_t>& into) {
    return all_of(socket, into.size(), POLLIN, until,
                  [&](std::size_t at) { return recv(socket, &into[at], into.size() - at, 0); });
  };
  if (!wait_for(socket, POLLOUT, until)) return late(patience);
  std::vector<std::uint8_t> message{static_cast<std::uint8_t>(query.octets.size() >> 8U),
                                    static_cast<std::uint8_t>(query.octets.size() & 255U)};
  message.insert(message.end(), query.octets.begin(), query.octets.end());
  const auto sent = all_of(socket, message.size(), POLLOUT, until, [&](std::size_t at) {
    return send(socket, &message[at], message.size() - at, MSG_NOSIGNAL);
  });
  if (sent != 0) return failure(sent);
  std::vector<std::uint8_t> length(2);
  if (const int error = receive(length); error != 0) return failure(error);
  std::vector<std::uint8_t> octets(static_cast<std::size_t>(length[0] << 8U | length[1]));
  if (const int error = receive(octets); error != 0) return failure(error);
  auto reply = read(octets, query, name);
  if (!reply) return failed("the reply doesn't belong to the query");
  return *std::move(reply);
}

}  // namespace

std::vector<DnsRecord> DnsReply::answers_of(RecordType type) const {
  std::vector<DnsRecord> found;
  std::ranges::copy_if(answers, std::back_inserter(found),
                       [&](const DnsRecord& each) { return each.type == static_cast<std::uint16_t>(type); });
  return found;
}

std::string rcode_text(unsigned rcode) {
  constexpr std::array<std::string_view, 6> kNames{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  if (rcode < kNames.size()) return std::string(kNames[rcode]);
  return rcode == 16 ? "BADVERS" : fmt::format("RCODE {}", rcode);
}

std::expected<DnsReply, DnsFailure> ask(const config::Endpoint& server, const DnsQuery& query, milliseconds patience) {
  const auto message = written(query);
  if (!message) return std::unexpected(message.error());
  const auto address = socket_address(server.address, server.port);
  const int kind = query.tcp ? SOCK_STREAM : SOCK_DGRAM;
  const Descriptor socket(::socket(address.storage.ss_family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return failed(errno);
  if (connect(socket.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) return failed(errno);
  return query.tcp ? ask_tcp(socket.get(), *message, query.name, patience)
                   : ask_udp(socket.get(), *message, query.name, patience);
}

std::optional<config::Endpoint> server_address(std::string_view text) {
  constexpr std::uint16_t kPort = 53;
  if (const auto address = IpAddress::parse(text)) return config::Endpoint{.address = *address, .port = kPort};
  const auto colon = text.rfind(':');
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (text.starts_with('[') && text.ends_with(']')) return server_address(text.substr(1, text.size() - 2));
  const auto address = IpAddress::parse(host);
  if (colon == std::string_view::npos || !address || bracketed != (address->family() == Family::ipv6))
    return std::nullopt;
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) return std::nullopt;
  return config::Endpoint{.address = *address, .port = port};
}

std::string to_string(const config::Endpoint& endpoint) {
  const bool is_v4 = endpoint.address.family() == Family::ipv4;
  return fmt::format("{}{}{}:{}", is_v4 ? "" : "[", endpoint.address.to_string(), is_v4 ? "" : "]", endpoint.port);
}

std::optional<config::Endpoint> first_nameserver(std::string_view resolv_conf) {
  constexpr std::string_view kKeyword = "nameserver";
  constexpr std::string_view kBlanks = " \t\r";
  while (!resolv_conf.empty()) {
    auto line = resolv_conf.substr(0, resolv_conf.find('\n'));
    resolv_conf.remove_prefix(std::min(line.size() + 1, resolv_conf.size()));
    if (!line.starts_with(kKeyword) || line.size() == kKeyword.size()) continue;
    line.remove_prefix(kKeyword.size());
    if (!kBlanks.contains(line.front())) continue;
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    if (const auto found = server_address(line.substr(0, line.find_first_of(kBlanks)))) return found;
  }
  return std::nullopt;
}

std::optional<config::Endpoint> system_resolver() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/resolv.conf", "re"), &std::fclose);
  if (!file) return std::nullopt;
  std::array<char, 16384> buffer{};
  return first_nameserver({buffer.data(), std::fread(buffer.data(), 1, buffer.size(), file.get())});
}

std::string owner_name(const IpAddress& address, std::string_view zone) {
  if (address.family() == Family::ipv6) return nibble_name(address, zone);
  const auto v4 = address.v4();
  return fmt::format("{}.{}.{}.{}.{}", v4 & 255U, v4 >> 8U & 255U, v4 >> 16U & 255U, v4 >> 24U, zone);
}

std::string nibble_name(const IpAddress& address, std::string_view zone) {
  std::string name;
  for (const auto octet : address.octets() | std::views::reverse) {
    name += fmt::format("{:x}.{:x}.", octet & 15U, octet >> 4U);
  }
  return name.append(zone);
}

}  // namespace blowback::cli
