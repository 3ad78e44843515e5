// A DNS server on loopback whose answers the test decides, at a port from the kernel, by UDP and TCP.
#pragma once

#include "blowback/ip_address.h"
#include "catch.h"
#include "dns/client.h"
#include "system/descriptor.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

namespace blowback::cli_test {

/// A query, as far as the tests look at it.
struct Asked {
  std::string name;  ///< without the final dot, in the letter case of the query
  std::string wire;  ///< the same in wire format: a label may have a dot in it
  std::uint16_t type = 0;
  bool tcp = false;
  bool has_opt = false;
  std::uint8_t edns_version = 0;
  std::uint16_t edns_flags = 0;
  bool has_option = false;

  [[nodiscard]] bool is(cli::RecordType wanted) const { return type == static_cast<std::uint16_t>(wanted); }
};

struct Record {
  std::string owner;
  cli::RecordType type = cli::RecordType::a;
  std::uint32_t ttl = 300;
  std::string rdata;  ///< in wire format
};

struct Reply {
  unsigned rcode = 0;
  bool authoritative = true;
  std::string question;  ///< "": as it was asked
  std::vector<Record> answers;
  std::vector<Record> authority;
  bool has_opt = false;
  std::uint16_t edns_flags = 0;
};

inline std::string wire_number(std::uint32_t number, int octets) {
  std::string text;
  for (int i = octets - 1; i >= 0; --i) text += static_cast<char>(number >> (8U * static_cast<unsigned>(i)) & 255U);
  return text;
}

inline std::string wire_name(std::string_view name) {
  std::string text;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    text += static_cast<char>(label.size());
    text += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return text + '\0';
}

inline Record a_record(const std::string& owner, const std::string& address, std::uint32_t ttl = 300) {
  return {.owner = owner, .ttl = ttl, .rdata = wire_number(IpAddress::parse(address)->v4(), 4)};
}

inline Record txt_record(const std::string& owner, const std::vector<std::string>& strings) {
  std::string rdata;
  for (const auto& string : strings) rdata += static_cast<char>(string.size()) + string;
  return {.owner = owner, .type = cli::RecordType::txt, .rdata = rdata};
}

inline Record ns_record(const std::string& owner, const std::string& server) {
  return {.owner = owner, .type = cli::RecordType::ns, .rdata = wire_name(server)};
}

inline Record soa_record(const std::string& owner, std::uint32_t serial = 7, std::uint32_t minimum = 60) {
  std::string rdata = wire_name("ns1.example.net") + wire_name("hostmaster.example.net");
  for (const std::uint32_t number : {serial, 600U, 120U, 604800U, minimum}) rdata += wire_number(number, 4);
  return {.owner = owner, .type = cli::RecordType::soa, .ttl = minimum, .rdata = rdata};
}

class DnsServer {
 public:
  /// No reply: the query is ignored. Called in the server's own thread.
  using Answer = std::function<std::optional<Reply>(const Asked&)>;

  explicit DnsServer(Answer answer) : answer_(std::move(answer)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    REQUIRE(stop_.get() >= 0);
    bind_both();
    thread_ = std::thread([this] { serve(); });
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;
  ~DnsServer() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(stop_.get(), &one, sizeof one));
    thread_.join();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// `127.0.0.1:PORT`
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  static bool bound(const Descriptor& socket, std::uint16_t port) {
    const auto address = loopback(port);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  /// The kernel chooses the port of UDP; if it is in use by TCP, it chooses another.
  void bind_both() {
    for (int i = 0; i < 100; ++i) {
      Descriptor udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      Descriptor tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      REQUIRE(bound(udp, 0));
      sockaddr_in own{};
      socklen_t size = sizeof own;
      REQUIRE(::getsockname(udp.get(), reinterpret_cast<sockaddr*>(&own), &size) == 0);
      port_ = ntohs(own.sin_port);
      if (!bound(tcp, port_)) continue;
      REQUIRE(::listen(tcp.get(), 16) == 0);
      udp_ = std::move(udp);
      tcp_ = std::move(tcp);
      return;
    }
    FAIL("no port is free for both UDP and TCP");
  }

  void serve() {
    while (true) {
      std::array<pollfd, 3> watched{pollfd{udp_.get(), POLLIN, 0}, pollfd{tcp_.get(), POLLIN, 0},
                                    pollfd{stop_.get(), POLLIN, 0}};
      if (::poll(watched.data(), watched.size(), -1) < 0) continue;
      if (watched[2].revents != 0) return;
      if (watched[0].revents != 0) serve_udp();
      if (watched[1].revents != 0) serve_tcp();
    }
  }

  void serve_udp() const {
    std::string message(65535, '\0');
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const auto count =
        ::recvfrom(udp_.get(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (count <= 0) return;
    message.resize(static_cast<std::size_t>(count));
    const auto reply = reply_to(message, false);
    if (!reply.empty()) {
      ::sendto(udp_.get(), reply.data(), reply.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&peer), size);
    }
  }

  void serve_tcp() const {
    const Descriptor peer(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (peer.get() < 0) return;
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string length(2, '\0');
    if (::recv(peer.get(), length.data(), 2, MSG_WAITALL) != 2) return;
    std::string message(static_cast<std::size_t>(octet(length, 0) << 8U | octet(length, 1)), '\0');
    if (::recv(peer.get(), message.data(), message.size(), MSG_WAITALL) != static_cast<ssize_t>(message.size())) return;
    const auto reply = reply_to(message, true);
    if (reply.empty()) return;
    const auto framed = wire_number(static_cast<std::uint32_t>(reply.size()), 2) + reply;
    static_cast<void>(::send(peer.get(), framed.data(), framed.size(), MSG_NOSIGNAL));
  }

  static unsigned octet(const std::string& text, std::size_t at) { return static_cast<unsigned char>(text.at(at)); }
  static std::uint16_t number(const std::string& text, std::size_t at) {
    return static_cast<std::uint16_t>(octet(text, at) << 8U | octet(text, at + 1));
  }

  /// The tool writes its queries well formed: header, one question, at most an OPT.
  [[nodiscard]] static Asked parsed(const std::string& query, bool tcp) {
    Asked asked;
    asked.tcp = tcp;
    std::size_t at = 12;
    while (octet(query, at) != 0) {
      const auto length = octet(query, at);
      asked.name += (asked.name.empty() ? "" : ".") + query.substr(at + 1, length);
      at += 1 + length;
    }
    asked.wire = query.substr(12, at + 1 - 12);
    asked.type = number(query, at + 1);
    at += 5;
    if (number(query, 10) == 0) return asked;
    // OPT: root, type, UDP size, extended RCODE, version, flags, length of options (RFC 6891 §6.1.2).
    asked.has_opt = true;
    asked.edns_version = static_cast<std::uint8_t>(octet(query, at + 6));
    asked.edns_flags = number(query, at + 7);
    asked.has_option = number(query, at + 9) != 0;
    return asked;
  }

  [[nodiscard]] static std::string wire(const std::vector<Record>& records) {
    std::string text;
    for (const auto& record : records) {
      text += wire_name(record.owner) + wire_number(static_cast<std::uint16_t>(record.type), 2) + wire_number(1, 2) +
              wire_number(record.ttl, 4) + wire_number(static_cast<std::uint32_t>(record.rdata.size()), 2) +
              record.rdata;
    }
    return text;
  }

  [[nodiscard]] std::string reply_to(const std::string& query, bool tcp) const {
    const auto asked = parsed(query, tcp);
    const auto reply = answer_(asked);
    if (!reply) return {};
    std::string text = query.substr(0, 2);
    text += static_cast<char>(0x80 | (reply->authoritative ? 0x04 : 0) | (octet(query, 2) & 0x01U));
    text += static_cast<char>(reply->rcode & 15U);
    text += wire_number(1, 2) + wire_number(static_cast<std::uint32_t>(reply->answers.size()), 2) +
            wire_number(static_cast<std::uint32_t>(reply->authority.size()), 2) +
            wire_number(reply->has_opt ? 1 : 0, 2);
    text += (reply->question.empty() ? asked.wire : wire_name(reply->question)) + wire_number(asked.type, 2);
    text += wire_number(1, 2);
    text += wire(reply->answers) + wire(reply->authority);
    if (reply->has_opt) {
      text += '\0' + wire_number(41, 2) + wire_number(1232, 2) + wire_number(reply->rcode >> 4U, 1) +
              wire_number(0, 1) + wire_number(reply->edns_flags, 2) + wire_number(0, 2);
    }
    return text;
  }

  Answer answer_;
  Descriptor stop_;
  Descriptor udp_;
  Descriptor tcp_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// A blocklist that does everything right. It also stands in for a resolver, and finds its name servers outside the zone at 127.0.0.1.
class GoodList {
 public:
  explicit GoodList(std::vector<std::string> name_servers = {"ns1.example.net", "ns2.example.net"})
      : name_servers_(std::move(name_servers)) {
    for (const int last : {2, 3, 4, 5, 6, 7, 9}) {
      const auto address = *IpAddress::parse("127.0.0." + std::to_string(last));
      for (const auto& name : {cli::owner_name(address, kZone), cli::nibble_name(address, kZone)}) {
        listed_.emplace_back(name, address.to_string());
      }
    }
    add("192.0.2.1");
  }

  static constexpr std::string_view kZone = "bl.example.org";
  std::uint32_t serial = 7;

  void add(const std::string& address) {
    listed_.emplace_back(cli::owner_name(*IpAddress::parse(address), kZone), "127.0.0.2");
  }

  [[nodiscard]] Reply operator()(const Asked& asked) const {
    Reply reply;
    reply.has_opt = asked.has_opt;
    if (asked.edns_version > 0) {
      reply.rcode = 16;
      return reply;
    }
    std::string name;
    for (const char c : asked.name) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (name == kZone) {
      if (asked.is(cli::RecordType::soa)) reply.answers.push_back(soa_record(name, serial));
      if (asked.is(cli::RecordType::ns)) {
        for (const auto& server : name_servers_) reply.answers.push_back(ns_record(name, server));
      }
    } else if (std::ranges::find(name_servers_, name) != name_servers_.end() && !name.ends_with(kZone)) {
      if (asked.is(cli::RecordType::a)) reply.answers.push_back(a_record(name, "127.0.0.1"));
    } else {
      bool exists = false;
      for (const auto& [owner, answer] : listed_) {
        exists |= owner == name || owner.ends_with("." + name);
        if (owner != name) continue;
        if (asked.is(cli::RecordType::a)) reply.answers.push_back(a_record(asked.name, answer));
        if (asked.is(cli::RecordType::txt)) reply.answers.push_back(txt_record(asked.name, {"Backscatter"}));
      }
      reply.rcode = exists ? 0 : 3;
    }
    if (reply.answers.empty()) reply.authority.push_back(soa_record(std::string(kZone), serial));
    return reply;
  }

 private:
  std::vector<std::string> name_servers_;
  std::vector<std::pair<std::string, std::string>> listed_;  ///< owner name and A record
};

}  // namespace blowback::cli_test
