// An SMTP or LMTP session: turns octets into replies and deliveries, without sockets or clocks. RFC 5321, 2033 (LMTP), 2920 (PIPELINING),
// 3030 (CHUNKING).
//
// Only recipients that are traps are accepted. A client that names a trap with a null reverse-path, and then ends the transaction by itself
// before DATA, has made a sender callout, which is delivered as such. It is no callout if we refused anything in the transaction: that
// may be why the client gave up. The reply to a message is sent when the owner of the session reports whether it is stored.
//
// A client can also ask for its own removal by a message to `removal_mail`. Only the peer's own address is a proof, so neither a relay nor
// XCLIENT can ask for others. Such a message has no other recipient, and no null reverse-path: a listed host sends bounces, and a stranger
// could have one sent to that address.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/trap_delivery.h"
#include "blowback/unix_time.h"
#include "command.h"
#include "data_reader.h"
#include "feed/callouts.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::smtp {

enum class Protocol : std::uint8_t { smtp, lmtp };

/// Limits the octets of messages that all sessions hold together.
struct Budget {
  std::size_t most = 0;
  std::size_t used = 0;
};

struct SessionSettings {
  Protocol protocol = Protocol::smtp;
  std::string hostname;            ///< in the greeting
  feed::WitnessOf witness_of;      ///< identifies the traps
  bool hide_traps = false;         ///< accept every recipient, so that nobody learns which are traps
  bool offers_tls = false;         ///< STARTTLS
  std::size_t message_octets = 0;  ///< of one message, at most
  std::string removal_mail;        ///< lower case; "": nobody can ask
};

/// A client's request for its own removal.
struct RemovalRequested {
  IpAddress client;
  UnixTime at{};
  std::string header;  ///< the beginning of the message, at most kHeaderOctets
  static constexpr std::size_t kHeaderOctets = 16U << 10U;
};

class Session {
 public:
  struct Peer {
    std::optional<IpAddress> address;  ///< absent: a unix socket
    bool trusted = false;              ///< may send XCLIENT and XFORWARD
    /// A client whose PROXY header names no address. MAIL is refused: no client could be held responsible.
    bool anonymous = false;
  };

  enum class EndedBy : std::uint8_t { client, us };

  /// What the owner has to do next.
  enum class Wants : std::uint8_t {
    input,      ///< call `receive`
    handshake,  ///< send the output, make the TLS handshake, then call `secured`
    storage,    ///< call `take_message`, store the message, then call `report_storage`
    answer,     ///< call `take_removal`, then `answer`
    close,      ///< send the output, then close the connection
  };

  /// `settings` and `budget` must outlive it. The greeting is in the output.
  Session(const SessionSettings& settings, Budget& budget, Peer peer);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Octets from the client. Requires Wants::input.
  void receive(std::string_view octets, UnixTime now);
  /// The TLS handshake succeeded.
  void secured();
  /// The message is stored, or can't be: replies 250 or 451.
  void report_storage(bool is_stored, UnixTime now);
  /// Replies to a request for removal. Does nothing unless Wants::answer.
  void answer(std::string_view reply, UnixTime now);
  /// Ends the session, with `reply` as its last line (without CR LF; "": none). A transaction counts as a callout only if the client ended
  /// it.
  void end(std::string_view reply, EndedBy by, UnixTime now);

  [[nodiscard]] Wants wants() const { return wants_; }
  /// Moves out what is to be sent now; may be empty.
  [[nodiscard]] std::string take_output();
  /// Moves out the message. Requires Wants::storage.
  [[nodiscard]] TrapDelivery take_message();
  /// Moves out the request. Requires Wants::answer.
  [[nodiscard]] RemovalRequested take_removal();
  /// Moves out the sender callouts since the last call, each with one recipient per witness.
  [[nodiscard]] std::vector<TrapDelivery> take_callouts();
  /// The client is sending a message, for which it has more time than for a command.
  [[nodiscard]] bool in_data() const { return reading_ != Reading::command; }
  /// Complete commands so far.
  [[nodiscard]] std::uint64_t commands() const { return commands_; }

 private:
  enum class Reading : std::uint8_t { command, data, chunk };

  struct Client {
    std::optional<IpAddress> address;  ///< absent: the Received: fields have to name it
    std::string helo;
  };

  /// The first trap of its witness among the recipients.
  struct Trap {
    std::string witness;
    std::string address;
  };

  void process(UnixTime now);
  [[nodiscard]] bool process_command(UnixTime now);
  void process_data(UnixTime now);
  void process_chunk(UnixTime now);
  /// Adds to the message, within the limits.
  void append(std::string_view octets);

  void execute(std::string_view line, UnixTime now);
  void hello(Verb verb, std::string_view name, UnixTime now);
  void mail(std::string_view argument);
  void rcpt(std::string_view argument);
  /// RCPT of `removal_mail`.
  void rcpt_removal();
  void data();
  void bdat(std::string_view argument, UnixTime now);
  void starttls(std::string_view argument);
  [[nodiscard]] bool parse_client(std::string_view argument, std::optional<Client>& into);
  void xclient(std::string_view argument);
  void xforward(std::string_view argument);

  void complete_message(UnixTime now);
  [[nodiscard]] std::string overflow_reply() const;
  void reply_for_message(std::string_view line);
  /// Whose transaction it is: the client that the peer named, or the peer.
  [[nodiscard]] Client client() const;
  /// Ends the transaction.
  void reset();
  /// Ends the transaction on the client's behalf, and adds a callout if it was one.
  void abandon_transaction(UnixTime now);
  void drop_message();

  void reply(std::string_view line);
  /// Replies with an error of the client; after too many the session ends.
  void refuse(std::string_view line);
  void refuse(const Refusal& refusal);
  void send_greeting();

  const SessionSettings& settings_;
  Budget& budget_;
  Peer peer_;
  std::optional<Client> by_xclient_;   ///< of this session
  std::optional<Client> by_xforward_;  ///< of this transaction, or of the next one

  Wants wants_ = Wants::input;
  Reading reading_ = Reading::command;
  std::string input_;  ///< not yet processed
  std::string output_;
  bool secured_ = false;
  std::uint64_t commands_ = 0;
  std::size_t errors_ = 0;

  std::string helo_;
  bool extended_ = false;  ///< EHLO or LHLO

  bool in_transaction_ = false;  ///< MAIL was accepted
  bool utf8_ = false;
  bool for_removal_ = false;  ///< its recipient is removal_mail
  bool data_begun_ = false;   ///< DATA or BDAT was accepted: not a callout
  bool refused_ = false;      ///< something in the transaction was refused: not a callout
  std::string sender_;
  std::vector<std::string> recipients_;
  std::vector<Trap> traps_;  ///< at most feed::CalloutGate::kMostOfSender

  DataReader data_reader_;
  std::uint64_t chunk_left_ = 0;
  bool chunk_is_last_ = false;
  bool chunk_is_refused_ = false;  ///< its octets are dropped
  std::string message_;
  std::size_t held_ = 0;  ///< octets of the budget that it uses
  enum class Overflow : std::uint8_t { none, message, memory };
  Overflow overflow_ = Overflow::none;

  std::optional<TrapDelivery> delivery_;
  std::optional<RemovalRequested> removal_;
  std::vector<TrapDelivery> callouts_;
};

}  // namespace blowback::smtp
