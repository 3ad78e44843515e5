// A client's octets, at once and in pieces: the same replies and deliveries, nothing is held at the end, and replies are whole lines.
// The first octet chooses protocol, trust, hide_traps and the size of the pieces.
#include "smtp/session.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace blowback;

namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'600'000}};

void require(bool holds) {
  if (!holds) std::abort();
}

/// All replies and deliveries of a session.
std::string played(std::string_view octets, const smtp::SessionSettings& settings, smtp::Session::Peer peer,
                   std::size_t most) {
  smtp::Budget budget{.most = 5000};
  std::string seen;
  {
    smtp::Session session(settings, budget, peer);
    const auto store = [&] {
      if (session.wants() == smtp::Session::Wants::answer) {
        const auto removal = session.take_removal();
        require(!peer.trusted && settings.protocol == smtp::Protocol::smtp && removal.client == peer.address);
        require(removal.header.size() <= smtp::RemovalRequested::kHeaderOctets);
        seen += "\nremoval:" + removal.header + "\n";
        session.answer("250 2.0.0 Ok", kNow);
      }
      while (session.wants() == smtp::Session::Wants::storage) {
        const auto delivery = session.take_message();
        require(!delivery.rcpt_to.empty() && delivery.message.size() <= settings.message_octets);
        seen += "\nmessage:" + delivery.message + "\n";
        session.report_storage(delivery.message.size() % 2 == 0, kNow);
      }
      require(session.wants() != smtp::Session::Wants::handshake);
    };
    while (!octets.empty() && session.wants() == smtp::Session::Wants::input) {
      session.receive(octets.substr(0, most), kNow);
      octets.remove_prefix(std::min(most, octets.size()));
      store();
      require(budget.used <= budget.most);
    }
    session.end("", smtp::Session::EndedBy::client, kNow);
    for (const auto& callout : session.take_callouts()) {
      require(callout.message.empty() && !callout.rcpt_to.empty() && callout.client.has_value());
      seen += "\ncallout\n";
    }
    const auto output = session.take_output();
    require(output.ends_with("\r\n"));
    for (std::size_t i = 0; i < output.size(); ++i) require((output[i] == '\n') == (i > 0 && output[i - 1] == '\r'));
    seen += output;
  }
  require(budget.used == 0);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0];
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  const smtp::SessionSettings settings{
      .protocol = (choice & 1U) != 0 ? smtp::Protocol::lmtp : smtp::Protocol::smtp,
      .hostname = "mx.example.net",
      .witness_of = [](std::string_view address) { return std::string(address.contains("trap") ? address : ""); },
      .hide_traps = (choice & 2U) != 0,
      .offers_tls = false,
      .message_octets = 3000,
      .removal_mail = "d@a"};
  const smtp::Session::Peer peer{.address = IpAddress::from_v4(0xc0000201U), .trusted = (choice & 4U) != 0};
  const auto whole = played(octets, settings, peer, octets.size() + 1);
  require(whole == played(octets, settings, peer, 1 + (choice >> 3U)));
  return 0;
}
