// A session without sockets.
#pragma once

#include "blowback/text.h"
#include "catch.h"
#include "smtp/session.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::test {

inline constexpr UnixTime kSmtpNow{std::chrono::seconds{1'795'600'000}};

struct Talk {
  explicit Talk(smtp::SessionSettings with = settings(), smtp::Session::Peer peer = stranger())
      : session_settings(std::move(with)), session(session_settings, budget, peer) {
    greeting = session.take_output();
  }

  static smtp::SessionSettings settings() {
    return {.protocol = smtp::Protocol::smtp,
            .hostname = "mx.example.net",
            .witness_of = witness_of,
            .hide_traps = false,
            .offers_tls = true,
            .message_octets = 10'000};
  }
  /// One domain is one witness; of the other one each address is a witness.
  static std::string witness_of(std::string_view address) {
    const auto wanted = lower_case(address);
    if (wanted.ends_with("@trap.example.net")) return "@trap.example.net";
    return wanted.ends_with("@example.com") ? wanted : std::string();
  }
  static smtp::Session::Peer stranger() { return {.address = *IpAddress::parse("192.0.2.1"), .trusted = false}; }
  static smtp::Session::Peer relay() { return {.address = *IpAddress::parse("198.51.100.25"), .trusted = true}; }

  /// Sends octets; returns the replies.
  std::string send(std::string_view octets) {
    if (session.wants() == smtp::Session::Wants::input) session.receive(octets, kSmtpNow);
    return session.take_output();
  }
  /// Sends a command; returns the replies.
  std::string say(std::string_view command) { return send(std::string(command) + "\r\n"); }
  /// Stores the session's message; returns the reply.
  std::string store() {
    stored.push_back(session.take_message());
    session.report_storage(true, kSmtpNow);
    return session.take_output();
  }
  /// Delivers another message, which is stored.
  TrapDelivery deliver() {
    send("MAIL FROM:<>\r\nRCPT TO:<a@trap.example.net>\r\nDATA\r\nx\r\n.\r\n");
    REQUIRE(waits_for_storage());
    store();
    return stored.back();
  }
  /// The client closes its connection.
  void hang_up() { session.end("", smtp::Session::EndedBy::client, kSmtpNow); }
  [[nodiscard]] bool waits_for_storage() const { return session.wants() == smtp::Session::Wants::storage; }
  [[nodiscard]] bool closes() const { return session.wants() == smtp::Session::Wants::close; }
  [[nodiscard]] std::vector<TrapDelivery> callouts() { return session.take_callouts(); }

  smtp::SessionSettings session_settings;
  smtp::Budget budget{.most = 1U << 20U};
  smtp::Session session;
  std::string greeting;
  std::vector<TrapDelivery> stored;
};

}  // namespace blowback::test
