// The walk: from the top of the Received: fields down through our own relays to the first hop that isn't ours.
#include "received_chain.h"

#include "received_words.h"

#include <fmt/format.h>

#include <algorithm>

namespace blowback::mail {
namespace {

/// RFC 5321 §6.3 bids MTAs to expect loops at 100 hops; our own part is never longer than that.
constexpr std::size_t kMostHops = 100;

constexpr std::size_t kShown = 120;

/// A field as a terminal may have it: its beginning, printable.
std::string shown(std::string_view value) {
  std::string text(value.substr(0, kShown));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  }
  return value.size() > kShown ? text + "…" : text;
}

}  // namespace

// From the top down: each of our relays vouches for the hop it spoke with, and for nothing below. The first hop that isn't
// ours is the client. A stranger can write every line beneath it, also ones that look like our own relay's.
//
// A line that names no client is passed over only here, while every line above it was ours: then the same host of ours
// wrote the next one as well. The walk ends with the first client, so nothing a stranger wrote is even parsed.
std::expected<Client, Doubt> client_of(std::span<const std::string> received, std::span<const Prefix> trusted_relays) {
  if (received.empty()) {
    return std::unexpected(
        Doubt{.text = "there is no Received: field, so who connected isn't known; let your mail server add one, "
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
      return std::unexpected(
          Doubt{.text = fmt::format("Received: field {} names no client's address, let its writer add it", i + 1),
                .quote = shown(received[i])});
    }
    const IpAddress address = *hop->client;
    const bool is_ours = is_loopback(address) || std::ranges::any_of(trusted_relays, [&](const Prefix& relay) {
                           return relay.contains(address);
                         });
    if (is_ours) continue;
    if (use_of(address) == AddressUse::special) {
      return std::unexpected(
          Doubt{.text = fmt::format("{} connected (Received: field {}), which is no public address; if {} is a "
                                    "relay of yours, add it to trusted_relays",
                                    address.to_string(), i + 1, address.to_string()),
                .quote = ""});
    }
    return Client{.address = address, .helo = std::move(hop->helo), .ours = i + 1};
  }
  return std::unexpected(
      Doubt{.text = "all of its Received: fields are by hosts of yours, so the message began there; if it came "
                    "from elsewhere, look whether trusted_relays names too much",
            .quote = ""});
}

}  // namespace blowback::mail
