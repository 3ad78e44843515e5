#include "passage.h"

#include "blowback/prefix.h"
#include "header.h"
#include "received_chain.h"
#include "received_words.h"
#include "registered_domain.h"

#include <algorithm>
#include <array>

namespace blowback::mail {
namespace {

/// By RFC 5321 §6.3 an MTA may treat 100 hops as a loop.
constexpr std::size_t kMostHops = 100;
/// Hops of a returned message within the server that returned it: gateway, filter, mailbox store.
constexpr std::size_t kMostOwnHops = 8;

[[nodiscard]] bool is_same_network(const IpAddress& a, const IpAddress& b, int ipv4_length, int ipv6_length) {
  if (a.family() != b.family()) return false;
  const int length = a.family() == Family::ipv4 ? ipv4_length : ipv6_length;
  return Prefix::covering(a, length).contains(b);
}

[[nodiscard]] bool is_neighbour(const IpAddress& a, const IpAddress& b) { return is_same_network(a, b, 24, 48); }
/// IPv6 addresses of one allocation: within a provider, Exchange relays between those, and it doesn't confirm names.
[[nodiscard]] bool is_of_one_provider(const IpAddress& a, const IpAddress& b) { return is_same_network(a, b, 24, 32); }

/// An address that isn't reachable on the Internet: private (RFC 1918, RFC 4193), shared (RFC 6598), link-local, loopback. Not every
/// special-use address: strangers have 6to4 and Teredo addresses, and those that translators (RFC 6052) write for IPv4.
[[nodiscard]] bool is_private(const IpAddress& address) {
  static const std::array<Prefix, 9> kPrivate{
      *Prefix::parse("10.0.0.0/8"),    *Prefix::parse("172.16.0.0/12"), *Prefix::parse("192.168.0.0/16"),
      *Prefix::parse("100.64.0.0/10"), *Prefix::parse("127.0.0.0/8"),   *Prefix::parse("169.254.0.0/16"),
      *Prefix::parse("fc00::/7"),      *Prefix::parse("fe80::/10"),     *Prefix::parse("::1")};
  return std::ranges::any_of(kPrivate, [&](const Prefix& network) { return network.contains(address); });
}

[[nodiscard]] bool is_inside(const IpAddress& address, const IpAddress& client) {
  return is_private(address) || is_neighbour(address, client);
}

[[nodiscard]] bool is_inside(const ReceivedHop& hop, const IpAddress& client) {
  if (!hop.client || is_inside(*hop.client, client)) return true;
  const std::string writer = registered_domain(hop.by);
  if (writer.empty()) return false;
  if (registered_domain(hop.name) == writer) return true;
  const bool is_beside =
      hop.by_address && (is_of_one_provider(*hop.client, client) || is_of_one_provider(*hop.client, *hop.by_address));
  return is_beside && registered_domain(hop.helo) == writer;
}

/// `(qmail 123 invoked from network)`: who connected is in the next line, by qmail-smtpd.
[[nodiscard]] bool is_qmail_network_queue(std::string_view field) {
  return field.starts_with("(qmail ") && field.find(" invoked from network)") != std::string_view::npos;
}

}  // namespace

Passage passage_of(std::span<const std::string> received, const IpAddress& client) {
  Passage passage;
  for (const auto& field : received.first(std::min(received.size(), kMostHops))) {
    const auto hop = parse_received(field);
    if (!hop) {
      passage.from_outside |= std::ranges::any_of(addresses_in(field), [&](std::string_view text) {
        const auto address = bare_address(text);
        return address && !is_inside(*address, client);
      });
      continue;
    }
    passage.from_outside |= !is_inside(*hop, client);
    // OpenSMTPD writes that for its own bounces, too, which aren't submitted.
    passage.is_submission |= hop->is_submission && hop->client && !is_loopback(*hop->client);
    if (!hop->recipient.empty()) passage.recipients.push_back(lower_case(hop->recipient));
  }
  return passage;
}

std::optional<IpAddress> handed_in_by(std::span<const std::string> received) {
  for (const auto& field : received.first(std::min(received.size(), kMostOwnHops))) {
    const auto hop = parse_received(field);
    if (!hop) return std::nullopt;
    if (!hop->client) {
      // qmail-queue's line, and delivery on the same host. A user of the host may have forged the other lines.
      if (hop->local_handover && (hop->with.starts_with("LMTP") || is_qmail_network_queue(field))) continue;
      return std::nullopt;
    }
    if (is_loopback(*hop->client)) continue;
    // By LMTP its own MTA delivered it, which may have any address.
    if (use_of(*hop->client) == AddressUse::special || hop->with.starts_with("LMTP")) return std::nullopt;
    return hop->client;
  }
  return std::nullopt;
}

std::string origin_of(const IpAddress& address) {
  return Prefix::covering(address, address.family() == Family::ipv4 ? 24 : 48).to_string();
}

}  // namespace blowback::mail
