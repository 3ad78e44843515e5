// Each reply has its enhanced status code (RFC 2034), and discloses nothing that a stranger needn't know.
#include "session.h"

#include "blowback/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace blowback::smtp {
namespace {

/// RFC 5321 §4.5.3.1.8 asks for 100 recipients.
constexpr std::size_t kMostRecipients = 1000;
/// Refused commands after which the connection is closed. Unknown recipients count, too: a client that guesses addresses is disconnected.
constexpr std::size_t kMostErrors = 100;
constexpr std::size_t kMostName = 255;
constexpr std::string_view kOneRecipient = "452 4.5.3 A request for removal has one recipient; send this separately";
constexpr std::string_view kTransactionUnderWay = "503 5.5.1 A transaction is under way";

[[nodiscard]] bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

Session::Session(const SessionSettings& settings, Budget& budget, Peer peer)
    : settings_(settings), budget_(budget), peer_(peer) {
  send_greeting();
}

Session::~Session() { drop_message(); }

void Session::send_greeting() {
  output_ += fmt::format("220 {} {}\r\n", settings_.hostname, settings_.protocol == Protocol::lmtp ? "LMTP" : "ESMTP");
}

// ── octets ──────────────────────────────────────────────────────────────────────────────────────────────────────────

void Session::receive(std::string_view octets, UnixTime now) {
  input_ += octets;
  process(now);
}

void Session::process(UnixTime now) {
  while (wants_ == Wants::input) {
    if (reading_ == Reading::command) {
      if (!process_command(now)) return;
      continue;
    }
    if (input_.empty() && (reading_ == Reading::data || chunk_left_ > 0)) return;
    if (reading_ == Reading::data) {
      process_data(now);
    } else {
      process_chunk(now);
    }
  }
}

/// False: the line isn't complete yet.
bool Session::process_command(UnixTime now) {
  const auto end = input_.find('\n');
  if (end == std::string::npos && input_.size() < kMostLine) return false;
  if (end >= kMostLine) {
    this->end("500 5.5.2 Line too long", EndedBy::us, now);
    return true;
  }
  if (end == 0 || input_[end - 1] != '\r') {
    // A client with other line ends would attribute our replies to the wrong commands.
    this->end("521 5.5.2 Lines must end with CR LF", EndedBy::us, now);
    return true;
  }
  const std::string line = input_.substr(0, end - 1);
  input_.erase(0, end + 1);
  ++commands_;
  execute(line, now);
  return true;
}

void Session::process_data(UnixTime now) {
  std::string content;
  const auto read = data_reader_.read(input_, content);
  input_.erase(0, read.octets);
  append(content);
  if (read.ended) complete_message(now);
}

void Session::process_chunk(UnixTime now) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input_.size()));
  if (!chunk_is_refused_) append(std::string_view(input_).substr(0, size));
  input_.erase(0, size);
  chunk_left_ -= size;
  if (chunk_left_ > 0) return;
  reading_ = Reading::command;
  if (std::exchange(chunk_is_refused_, false)) return;
  if (chunk_is_last_) {
    complete_message(now);
  } else if (overflow_ == Overflow::none) {
    reply(fmt::format("250 2.0.0 {} octets", message_.size()));
  } else {
    // Further chunks would be dropped; the client needn't send them.
    reply(overflow_reply());
    reset();
  }
}

void Session::append(std::string_view octets) {
  if (overflow_ != Overflow::none) return;
  if (message_.size() + octets.size() > settings_.message_octets) {
    overflow_ = Overflow::message;
  } else if (budget_.used + octets.size() > budget_.most) {
    overflow_ = Overflow::memory;
  } else {
    budget_.used += octets.size();
    held_ += octets.size();
    message_ += octets;
    return;
  }
  drop_message();
}

void Session::drop_message() {
  budget_.used -= std::exchange(held_, 0);
  std::string().swap(message_);  // clear() would keep the memory, which is no longer counted
}

// ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────

void Session::execute(std::string_view line, UnixTime now) {
  if (line.find_first_of(std::string_view("\0\r", 2)) != std::string_view::npos) {
    return refuse("500 5.5.2 NUL or CR in a command");
  }
  const auto [verb, argument] = parse_command(line);
  switch (verb) {
    case Verb::helo:
    case Verb::ehlo:
    case Verb::lhlo:
      return hello(verb, argument, now);
    case Verb::mail:
      return mail(argument);
    case Verb::rcpt:
      return rcpt(argument);
    case Verb::data:
      return data();
    case Verb::bdat:
      return bdat(argument, now);
    case Verb::starttls:
      return starttls(argument);
    case Verb::xclient:
      return xclient(argument);
    case Verb::xforward:
      return xforward(argument);
    case Verb::rset:
      abandon_transaction(now);
      return reply("250 2.0.0 Ok");
    case Verb::noop:
      return reply("250 2.0.0 Ok");
    case Verb::vrfy:
      return reply("252 2.5.0 Cannot verify; send mail to it instead");
    case Verb::expn:
      return refuse("502 5.5.1 Command not implemented");
    case Verb::help:
      return reply("214 2.0.0 RFC 5321");
    case Verb::quit:
      abandon_transaction(now);
      return end(fmt::format("221 2.0.0 {} closing connection", settings_.hostname), EndedBy::client, now);
    case Verb::http:
      return end("521 5.7.0 This is not a web server", EndedBy::us, now);
    case Verb::unknown:
      break;
  }
  refuse("500 5.5.2 Command not recognized");
}

void Session::hello(Verb verb, std::string_view name, UnixTime now) {
  const bool is_lmtp = settings_.protocol == Protocol::lmtp;
  if (is_lmtp != (verb == Verb::lhlo)) {
    return refuse(is_lmtp ? "500 5.5.1 This is LMTP: use LHLO" : "500 5.5.1 This is SMTP: use EHLO");
  }
  if (name.empty() || name.size() > kMostName || !is_printable(name)) {
    return refuse("501 5.5.4 The argument must be a host name or an address literal");
  }
  abandon_transaction(now);
  helo_ = name;
  extended_ = verb != Verb::helo;
  if (!extended_) return reply(fmt::format("250 {}", settings_.hostname));
  std::vector<std::string> lines{settings_.hostname, "PIPELINING", fmt::format("SIZE {}", settings_.message_octets)};
  if (settings_.offers_tls && !secured_) lines.emplace_back("STARTTLS");
  if (peer_.trusted) {
    lines.emplace_back("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
    lines.emplace_back("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE");
  }
  for (const auto* const keyword : {"ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "CHUNKING"})
    lines.emplace_back(keyword);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    output_ += fmt::format("250{}{}\r\n", i + 1 < lines.size() ? '-' : ' ', lines[i]);
  }
}

void Session::mail(std::string_view argument) {
  if (helo_.empty()) return refuse("503 5.5.1 Send EHLO first");
  if (in_transaction_) return refuse(kTransactionUnderWay);
  // XFORWARD applies to the transaction that this command begins. If it fails, the next transaction may be another client's.
  auto forwarded = std::exchange(by_xforward_, std::nullopt);
  if (peer_.anonymous) return reply("451 4.7.0 The PROXY header doesn't name the client");
  auto path = parse_mail(argument);
  if (!path) return refuse(path.error());
  if (path->size && *path->size > settings_.message_octets) {
    return refuse(fmt::format("552 5.3.4 Message larger than {} octets", settings_.message_octets));
  }
  if (budget_.used + path->size.value_or(0) > budget_.most)
    return reply("452 4.3.1 Insufficient memory for this message; try again later");
  by_xforward_ = std::move(forwarded);
  in_transaction_ = true;
  refused_ = false;
  utf8_ = path->utf8;
  sender_ = std::move(path->address);
  reply("250 2.1.0 Ok");
}

void Session::rcpt(std::string_view argument) {
  if (!in_transaction_ || data_begun_) return refuse("503 5.5.1 Send MAIL first");
  auto path = parse_rcpt(argument, utf8_);
  if (!path) return refuse(path.error());
  if (!settings_.removal_mail.empty() && equals_ignoring_case(path->address, settings_.removal_mail)) {
    return rcpt_removal();
  }
  // Whether or not it is a trap, so that the reply tells nothing.
  if (for_removal_) return reply(kOneRecipient);
  auto witness = settings_.witness_of(path->address);
  if (witness.empty() && !settings_.hide_traps) return refuse("550 5.1.1 No such user here");
  if (recipients_.size() >= kMostRecipients) return reply("452 4.5.3 Too many recipients");
  const bool is_another = !witness.empty() && std::ranges::find(traps_, witness, &Trap::witness) == traps_.end();
  if (is_another && traps_.size() < feed::CalloutGate::kMostOfSender) {
    traps_.push_back({.witness = std::move(witness), .address = path->address});
  }
  recipients_.push_back(std::move(path->address));
  reply("250 2.1.5 Ok");
}

void Session::rcpt_removal() {
  const bool is_direct = settings_.protocol == Protocol::smtp && peer_.address && !peer_.trusted;
  if (!is_direct) return refuse("550 5.7.1 Removal can only be requested by the listed host itself, directly by SMTP");
  if (feed::is_probing(sender_))
    return refuse("550 5.7.1 Removal can't be requested by a bounce; use your own address");
  if (!recipients_.empty()) return reply(kOneRecipient);
  for_removal_ = true;
  recipients_.push_back(settings_.removal_mail);
  reply("250 2.1.5 Ok");
}

void Session::data() {
  if (!in_transaction_) return refuse("503 5.5.1 Send MAIL first");
  if (data_begun_) return refuse("503 5.5.1 The message was begun with BDAT");
  if (recipients_.empty()) return refuse("554 5.5.1 No valid recipients");
  data_begun_ = true;
  data_reader_ = {};
  reading_ = Reading::data;
  reply("354 End data with CR LF . CR LF");
}

void Session::bdat(std::string_view argument, UnixTime now) {
  const auto chunk = parse_bdat(argument);
  if (!chunk) {
    // The size of the chunk isn't known, so its octets can't be distinguished from commands.
    return end(fmt::format("{} {}", chunk.error().code, chunk.error().text), EndedBy::us, now);
  }
  reading_ = Reading::chunk;
  chunk_left_ = chunk->size;
  chunk_is_last_ = chunk->last;
  if (!in_transaction_ || recipients_.empty()) {
    // RFC 3030 §2: the client sends the chunk's octets whether or not BDAT is refused.
    chunk_is_refused_ = true;
    refuse(in_transaction_ ? "554 5.5.1 No valid recipients" : "503 5.5.1 Send MAIL first");
    return;
  }
  data_begun_ = true;
}

void Session::starttls(std::string_view argument) {
  if (!settings_.offers_tls) return refuse("502 5.5.1 STARTTLS is not offered");
  if (secured_) return refuse("503 5.5.1 TLS is already active");
  if (!argument.empty()) return refuse("501 5.5.4 STARTTLS has no parameters");
  if (in_transaction_) return refuse(kTransactionUnderWay);
  // RFC 3207 §4.2: what the client sent before TLS is discarded. So is input behind the command: an attacker may have inserted it.
  input_.clear();
  helo_.clear();
  by_xforward_.reset();
  reply("220 2.0.0 Ready to start TLS");
  wants_ = Wants::handshake;
}

/// Reads the attributes of XCLIENT or XFORWARD into `into`. False: the command was refused, and `into` is reset.
bool Session::parse_client(std::string_view argument, std::optional<Client>& into) {
  auto client = std::exchange(into, std::nullopt).value_or(Client{});
  if (!peer_.trusted) {
    refuse("550 5.7.0 Only trusted relays may send this");
    return false;
  }
  const auto attributes = parse_attributes(argument);
  if (!attributes) {
    refuse(attributes.error());
    return false;
  }
  for (const auto& [name, value] : *attributes) {
    if (name == "HELO") {
      const bool is_name = value && value->size() <= kMostName && is_printable(*value);
      client.helo = is_name ? *value : std::string();
    }
    if (name != "ADDR") continue;
    client.address.reset();
    if (!value) continue;
    std::string_view text = *value;
    if (text.starts_with("IPV6:") || text.starts_with("ipv6:")) text.remove_prefix(5);
    const auto address = IpAddress::parse(text);
    if (!address) {
      refuse("501 5.5.4 ADDR is not an IP address");
      return false;
    }
    client.address = *address;
  }
  into = std::move(client);
  return true;
}

void Session::xclient(std::string_view argument) {
  if (in_transaction_) return refuse(kTransactionUnderWay);
  if (!parse_client(argument, by_xclient_)) return;
  by_xforward_.reset();
  helo_.clear();
  send_greeting();
}

void Session::xforward(std::string_view argument) {
  if (in_transaction_) return refuse(kTransactionUnderWay);
  if (parse_client(argument, by_xforward_)) reply("250 2.0.0 Ok");
}

Session::Client Session::client() const {
  if (by_xforward_) return *by_xforward_;
  if (by_xclient_) return *by_xclient_;
  // A trusted relay's HELO isn't its client's. The Received: fields name the client.
  return {.address = peer_.address, .helo = peer_.trusted ? std::string() : helo_};
}

// ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

void Session::complete_message(UnixTime now) {
  reading_ = Reading::command;
  if (overflow_ != Overflow::none) return reply_for_message(overflow_reply());
  if (for_removal_) {
    removal_ = RemovalRequested{
        .client = *peer_.address, .at = now, .header = message_.substr(0, RemovalRequested::kHeaderOctets)};
    drop_message();
    wants_ = Wants::answer;
    return;
  }
  TrapDelivery delivery;
  delivery.event = TrapDelivery::Event::message;
  delivery.received_at = now;
  auto [address, helo] = client();
  delivery.client = address;
  delivery.helo = std::move(helo);
  delivery.mail_from = sender_;
  delivery.rcpt_to = recipients_;
  delivery.message = std::move(message_);
  message_.clear();
  delivery_ = std::move(delivery);
  wants_ = Wants::storage;
}

TrapDelivery Session::take_message() {
  auto delivery = std::move(*delivery_);
  delivery_.reset();
  return delivery;
}

void Session::report_storage(bool is_stored, UnixTime now) {
  if (wants_ != Wants::storage) return;
  wants_ = Wants::input;
  reply_for_message(is_stored ? "250 2.0.0 Ok" : "451 4.3.0 The message can't be stored now; try again later");
  process(now);
}

RemovalRequested Session::take_removal() {
  auto removal = std::move(*removal_);
  removal_.reset();
  return removal;
}

void Session::answer(std::string_view reply_line, UnixTime now) {
  if (wants_ != Wants::answer) return;
  wants_ = Wants::input;
  reply_for_message(reply_line);
  process(now);
}

std::string Session::overflow_reply() const {
  if (overflow_ == Overflow::memory) return "452 4.3.1 Insufficient memory for this message; try again later";
  return fmt::format("552 5.3.4 Message larger than {} octets", settings_.message_octets);
}

void Session::reply_for_message(std::string_view line) {
  // RFC 2033 §4.2: LMTP has one reply per recipient.
  const std::size_t replies = settings_.protocol == Protocol::lmtp ? recipients_.size() : 1;
  for (std::size_t i = 0; i < replies; ++i) reply(line);
  reset();
}

void Session::reset() {
  drop_message();
  // XFORWARD applies to one transaction: a relay may reuse the connection for another client's message.
  by_xforward_.reset();
  in_transaction_ = false;
  utf8_ = false;
  for_removal_ = false;
  data_begun_ = false;
  sender_.clear();
  recipients_.clear();
  traps_.clear();
  overflow_ = Overflow::none;
}

void Session::abandon_transaction(UnixTime now) {
  auto [address, helo] = client();
  // A trusted relay's own probe, without XFORWARD or XCLIENT, isn't a callout of a stranger.
  const bool names_client = !peer_.trusted || by_xforward_ || by_xclient_;
  if (in_transaction_ && !data_begun_ && !refused_ && !traps_.empty() && feed::is_probing(sender_) && address &&
      names_client) {
    TrapDelivery callout;
    callout.event = TrapDelivery::Event::callout;
    callout.received_at = now;
    callout.time_is_told = true;
    callout.client = address;
    callout.helo = std::move(helo);
    callout.mail_from = sender_;
    for (auto& trap : traps_) callout.rcpt_to.push_back(std::move(trap.address));
    callouts_.push_back(std::move(callout));
  }
  reset();
}

// ── end and output ──────────────────────────────────────────────────────────────────────────────────────────────────

void Session::secured() {
  secured_ = true;
  wants_ = Wants::input;
}

void Session::end(std::string_view reply_line, EndedBy by, UnixTime now) {
  // An incomplete command might have become DATA; then it was no callout.
  if (by == EndedBy::client && wants_ == Wants::input && reading_ == Reading::command && input_.empty()) {
    abandon_transaction(now);
  } else {
    reset();
  }
  if (!reply_line.empty()) reply(reply_line);
  wants_ = Wants::close;
}

std::string Session::take_output() { return std::exchange(output_, {}); }

std::vector<TrapDelivery> Session::take_callouts() { return std::exchange(callouts_, {}); }

void Session::reply(std::string_view line) {
  if (line.front() == '4' || line.front() == '5') refused_ = true;
  output_ += line;
  output_ += "\r\n";
}

void Session::refuse(std::string_view line) {
  reply(line);
  if (++errors_ < kMostErrors || wants_ != Wants::input) return;
  reply("421 4.7.0 Too many errors");
  wants_ = Wants::close;
}

void Session::refuse(const Refusal& refusal) { refuse(fmt::format("{} {}", refusal.code, refusal.text)); }

}  // namespace blowback::smtp
