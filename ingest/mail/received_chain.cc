#include "received_chain.h"

#include "received_words.h"

#include <fmt/format.h>

#include <algorithm>

namespace blowback::mail {
namespace {

/// By RFC 5321 §6.3 an MTA may treat 100 hops as a loop, so our part is never longer.
constexpr std::size_t kMostHops = 100;

constexpr std::size_t kShown = 120;

/// The beginning of a field, printable.
std::string shown(std::string_view value) {
  std::string text(value.substr(0, kShown));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return value.size() > kShown ? text + "…" : text;
}

}  // namespace

// From the topmost field down: each of our relays is trusted about the host from which it received the message, and nothing below. The first
// host that isn't ours is the client. Every line below can be forged, including lines that look like those of our relays.
//
// A line that names no client is skipped only while every line above it was ours: then the same host of ours wrote the next one as well. The
// walk ends with the first client, so nothing that a stranger wrote is parsed.
//
// An LMTP client is never the stranger's host, nor is it passed over if it isn't known to be ours: a store may accept LMTP from anybody.
std::expected<Client, Doubt> client_of(std::span<const std::string> received, std::span<const Prefix> trusted_relays) {
  if (received.empty()) {
    return std::unexpected(
        Doubt{.text = "there is no Received: field, so the client isn't known; let your mail server add one, "
                      "or give the feed the client's address",
              .quote = ""});
  }
  for (std::size_t i = 0; i < received.size() && i < kMostHops; ++i) {
    auto hop = parse_received(received[i]);
    if (!hop) {
      return std::unexpected(Doubt{.text = fmt::format("Received: field {} can't be read, {}", i + 1, hop.error().text),
                                   .quote = shown(received[i])});
    }
    if (!hop->client) {
      if (hop->local_handover) continue;
      return std::unexpected(Doubt{
          .text = fmt::format(
              "Received: field {} doesn't name the client's address; let the server that wrote it add that", i + 1),
          .quote = shown(received[i])});
    }
    const IpAddress address = *hop->client;
    const bool is_ours = is_loopback(address) || std::ranges::any_of(trusted_relays, [&](const Prefix& relay) {
                           return relay.contains(address);
                         });
    if (is_ours) continue;
    if (hop->with.starts_with("LMTP")) {
      return std::unexpected(
          Doubt{.text = fmt::format("{} delivered it by LMTP (Received: field {}), which only the recipient's own mail "
                                    "servers do (RFC 2033); if {} is a relay of yours, add it to trusted_relays",
                                    address.to_string(), i + 1, address.to_string()),
                .quote = ""});
    }
    if (use_of(address) == AddressUse::special) {
      return std::unexpected(
          Doubt{.text = fmt::format("the client is {} (Received: field {}), which isn't a public address; if {} is a "
                                    "relay of yours, add it to trusted_relays",
                                    address.to_string(), i + 1, address.to_string()),
                .quote = ""});
    }
    return Client{.address = address, .helo = std::move(hop->helo), .ours = i + 1};
  }
  return std::unexpected(
      Doubt{.text = "your own hosts wrote all its Received: fields, so the message was created there; if it "
                    "came from elsewhere, check whether trusted_relays has too many hosts",
            .quote = ""});
}

}  // namespace blowback::mail
