// One client's SMTP or LMTP session, from its octets to replies and deliveries: RFC 5321, 2033, 2920, 3030, without sockets or clocks.
//
// Only traps are accepted. A client that names a trap for a null reverse-path and of its own accord goes no further is a sender
// callout, and is delivered as that. Whatever we did or said in that transaction may be why it left: then it is none. A message is
// answered for once whoever holds the session says that it is stored.
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

/// Octets of messages that all sessions together hold, so that many large ones can't fill the memory.
struct Budget {
  std::size_t most = 0;
  std::size_t used = 0;
};

/// What is the same for all sessions of a listener.
struct SessionSettings {
  Protocol protocol = Protocol::smtp;
  std::string hostname;            ///< as we call ourselves in the greeting
  feed::WitnessOf witness_of;      ///< tells the traps, and by whose word a callout to one of them counts
  bool hide_traps = false;         ///< take every recipient, so that nobody learns which are traps
  bool offers_tls = false;         ///< STARTTLS
  std::size_t message_octets = 0;  ///< of one message at most
};

class Session {
 public:
  /// Who speaks to us. `address` is absent for a unix socket.
  struct Peer {
    std::optional<IpAddress> address;
    bool trusted = false;  ///< may tell for whom it speaks: XCLIENT and XFORWARD
    /// A stranger behind a proxy that didn't say who: all may be asked and nothing delivered, since nobody could be named for it.
    bool anonymous = false;
  };

  /// Whose doing the end of a session is.
  enum class EndedBy : std::uint8_t { client, us };

  /// What the session can go on with. Until it has that, it takes in no more.
  enum class Wants : std::uint8_t {
    input,       ///< more octets
    handshake,   ///< TLS, after the output is sent; then call `secured`
    settlement,  ///< `take_message`, have it stored, then call `settled`
    close,       ///< the end, after the output is sent
  };

  /// `settings` and `budget` must outlive it. The greeting is in the output at once.
  Session(const SessionSettings& settings, Budget& budget, Peer peer);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Octets from the client. Requires that it wants input.
  void receive(std::string_view octets, UnixTime now);
  /// The TLS handshake is done.
  void secured();
  /// The message that was taken is stored, or can't be.
  void settled(bool stored, UnixTime now);
  /// The client is gone, or is to go: `reply` is its last line (`421 …`), or "" where nobody would read it. Only by the client's
  /// own doing is it a callout.
  void end(std::string_view reply, EndedBy by, UnixTime now);

  [[nodiscard]] Wants wants() const { return wants_; }
  /// What is to be sent now; empty: nothing.
  [[nodiscard]] std::string take_output();
  /// Requires that it wants settlement.
  [[nodiscard]] TrapDelivery take_message();
  /// Sender callouts seen since the last call, each with one recipient for each witness that it named.
  [[nodiscard]] std::vector<TrapDelivery> take_callouts();
  /// In the middle of a message's octets: these may take longer than a command.
  [[nodiscard]] bool in_data() const { return reading_ != Reading::command; }
  /// Grows with every command that was complete: what a time limit for each of them goes by.
  [[nodiscard]] std::uint64_t commands() const { return commands_; }

 private:
  enum class Reading : std::uint8_t { command, data, chunk };

  /// Who connected, as far as anybody said. Without an address the trace has to tell.
  struct Client {
    std::optional<IpAddress> address;
    std::string helo;
  };

  /// A trap among the recipients: the first of its witness.
  struct Trap {
    std::string witness;
    std::string address;
  };

  void process(UnixTime now);
  [[nodiscard]] bool process_command(UnixTime now);
  void process_data(UnixTime now);
  void process_chunk(UnixTime now);
  void keep(std::string_view octets);

  void obey(std::string_view line, UnixTime now);
  void greet(Verb verb, std::string_view name, UnixTime now);
  void mail(std::string_view argument);
  void rcpt(std::string_view argument);
  void data();
  void bdat(std::string_view argument, UnixTime now);
  void starttls(std::string_view argument);
  [[nodiscard]] bool take_client(std::string_view argument, std::optional<Client>& into);
  void xclient(std::string_view argument);
  void xforward(std::string_view argument);

  void whole_message(UnixTime now);
  [[nodiscard]] std::string too_much() const;
  void answer_for_message(std::string_view line);
  /// For whom the peer speaks in this transaction.
  [[nodiscard]] Client client() const;
  /// Ends the transaction.
  void reset();
  /// The client ends the transaction: where it was a callout, notes that.
  void leave(UnixTime now);
  void drop_message();

  void reply(std::string_view line);
  /// The client did something wrong; too many of these, and it has to go.
  void refuse(std::string_view line);
  void refuse(const Refusal& refusal);
  void hello();

  const SessionSettings& settings_;
  Budget& budget_;
  Peer peer_;
  std::optional<Client> by_xclient_;   ///< for whom the peer speaks in this session
  std::optional<Client> by_xforward_;  ///< and in this transaction, or in the one that is about to begin

  Wants wants_ = Wants::input;
  Reading reading_ = Reading::command;
  std::string input_;  ///< not yet processed
  std::string output_;
  bool secured_ = false;
  std::uint64_t commands_ = 0;
  std::size_t errors_ = 0;

  std::string helo_;
  bool extended_ = false;  ///< EHLO or LHLO

  bool in_transaction_ = false;  ///< MAIL was taken
  bool utf8_ = false;
  bool data_begun_ = false;  ///< DATA or BDAT was taken: no callout any more
  bool refused_ = false;     ///< something in it was: no callout any more, either
  std::string sender_;
  std::vector<std::string> recipients_;
  std::vector<Trap> traps_;  ///< as many as a sender's callouts may have witnesses

  DataReader data_reader_;
  std::uint64_t chunk_left_ = 0;
  bool chunk_is_last_ = false;
  bool chunk_is_refused_ = false;  ///< read past, for nothing
  std::string message_;
  std::size_t held_ = 0;  ///< of the budget
  enum class Overflow : std::uint8_t { none, message, memory };
  Overflow overflow_ = Overflow::none;

  std::optional<TrapDelivery> delivery_;
  std::vector<TrapDelivery> callouts_;
};

}  // namespace blowback::smtp
