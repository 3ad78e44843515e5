// The dialogue. Each reply has its enhanced status code (RFC 2034); none tells what a stranger needn't know.
#include "session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace blowback::smtp {
namespace {

/// RFC 5321 §4.5.3.1.8 asks for 100 recipients.
constexpr std::size_t kMostRecipients = 1000;
/// A client that doesn't understand us needn't be understood for ever. Unknown recipients count, too: who guesses is let go.
constexpr std::size_t kMostErrors = 100;
constexpr std::size_t kMostName = 255;
constexpr std::string_view kTransactionUnderWay = "503 5.5.1 A transaction is under way";
/// Who asks Postfix's way whether an address exists.
constexpr std::string_view kDoubleBounce = "double-bounce@";

[[nodiscard]] bool is_printable(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

Session::Session(const SessionSettings& settings, Budget& budget, Peer peer)
    : settings_(settings), budget_(budget), peer_(peer) {
  hello();
}

Session::~Session() { drop_message(); }

void Session::hello() {
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

/// False: there is no whole line.
bool Session::process_command(UnixTime now) {
  const auto end = input_.find('\n');
  if (end == std::string::npos && input_.size() < kMostLine) return false;
  if (end >= kMostLine) {
    this->end("500 5.5.2 Line too long", EndedBy::us, now);
    return true;
  }
  if (end == 0 || input_[end - 1] != '\r') {
    // Whose lines end otherwise than ours takes our replies for those of other commands.
    this->end("521 5.5.2 Lines have to end with CR LF", EndedBy::us, now);
    return true;
  }
  const std::string line = input_.substr(0, end - 1);
  input_.erase(0, end + 1);
  ++commands_;
  obey(line, now);
  return true;
}

void Session::process_data(UnixTime now) {
  std::string taken;
  const auto read = data_reader_.take(input_, taken);
  input_.erase(0, read.octets);
  keep(taken);
  if (read.ended) whole_message(now);
}

void Session::process_chunk(UnixTime now) {
  const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, input_.size()));
  if (!chunk_is_refused_) keep(std::string_view(input_).substr(0, take));
  input_.erase(0, take);
  chunk_left_ -= take;
  if (chunk_left_ > 0) return;
  reading_ = Reading::command;
  if (std::exchange(chunk_is_refused_, false)) return;
  if (chunk_is_last_) {
    whole_message(now);
  } else if (overflow_ == Overflow::none) {
    reply(fmt::format("250 2.0.0 {} octets", message_.size()));
  } else {
    // The rest would be read for nothing; the client may stop here.
    reply(too_much());
    reset();
  }
}

void Session::keep(std::string_view octets) {
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
  std::string().swap(message_);  // an assignment of nothing would keep the room that isn't counted any more
}

// ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────

void Session::obey(std::string_view line, UnixTime now) {
  if (line.find_first_of(std::string_view("\0\r", 2)) != std::string_view::npos) {
    return refuse("500 5.5.2 A command has no NUL and no CR in it");
  }
  const auto [verb, argument] = parse_command(line);
  switch (verb) {
    case Verb::helo:
    case Verb::ehlo:
    case Verb::lhlo:
      return greet(verb, argument, now);
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
      leave(now);
      return reply("250 2.0.0 Ok");
    case Verb::noop:
      return reply("250 2.0.0 Ok");
    case Verb::vrfy:
      return reply("252 2.5.0 Not told here; send it and see");
    case Verb::expn:
      return refuse("502 5.5.1 Not done here");
    case Verb::help:
      return reply("214 2.0.0 RFC 5321");
    case Verb::quit:
      leave(now);
      return end(fmt::format("221 2.0.0 {} says good-bye", settings_.hostname), EndedBy::client, now);
    case Verb::http:
      return end("521 5.7.0 This is no web server", EndedBy::us, now);
    case Verb::unknown:
      break;
  }
  refuse("500 5.5.2 Command not recognized");
}

void Session::greet(Verb verb, std::string_view name, UnixTime now) {
  const bool is_lmtp = settings_.protocol == Protocol::lmtp;
  if (is_lmtp != (verb == Verb::lhlo)) {
    return refuse(is_lmtp ? "500 5.5.1 This is LMTP: say LHLO" : "500 5.5.1 This is SMTP: say EHLO");
  }
  if (name.empty() || name.size() > kMostName || !is_printable(name)) {
    return refuse("501 5.5.4 Say who you are: a host name or an address literal");
  }
  leave(now);
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
  if (helo_.empty()) return refuse("503 5.5.1 Say EHLO first");
  if (in_transaction_) return refuse(kTransactionUnderWay);
  // What the peer said by XFORWARD is of this command's transaction. Where there won't be one, the next isn't the same.
  auto forwarded = std::exchange(by_xforward_, std::nullopt);
  if (peer_.anonymous) return reply("451 4.7.0 The proxy in between didn't say who you are");
  auto path = parse_mail(argument);
  if (!path) return refuse(path.error());
  if (path->size && *path->size > settings_.message_octets) {
    return refuse(fmt::format("552 5.3.4 At most {} octets", settings_.message_octets));
  }
  if (budget_.used + path->size.value_or(0) > budget_.most)
    return reply("452 4.3.1 Too much mail at once; try again later");
  by_xforward_ = std::move(forwarded);
  in_transaction_ = true;
  refused_ = false;
  utf8_ = path->utf8;
  sender_ = std::move(path->address);
  reply("250 2.1.0 Ok");
}

void Session::rcpt(std::string_view argument) {
  if (!in_transaction_ || data_begun_) return refuse("503 5.5.1 Say MAIL first");
  auto path = parse_rcpt(argument, utf8_);
  if (!path) return refuse(path.error());
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

void Session::data() {
  if (!in_transaction_) return refuse("503 5.5.1 Say MAIL first");
  if (data_begun_) return refuse("503 5.5.1 BDAT was used already");
  if (recipients_.empty()) return refuse("554 5.5.1 No valid recipients");
  data_begun_ = true;
  data_reader_ = {};
  reading_ = Reading::data;
  reply("354 End data with CR LF . CR LF");
}

void Session::bdat(std::string_view argument, UnixTime now) {
  const auto chunk = parse_bdat(argument);
  if (!chunk) {
    // How many octets follow can't be known, so what would follow can't be told from commands.
    return end(fmt::format("{} {}", chunk.error().code, chunk.error().text), EndedBy::us, now);
  }
  reading_ = Reading::chunk;
  chunk_left_ = chunk->size;
  chunk_is_last_ = chunk->last;
  if (!in_transaction_ || recipients_.empty()) {
    // RFC 3030 §2: the octets come all the same.
    chunk_is_refused_ = true;
    refuse(in_transaction_ ? "554 5.5.1 No valid recipients" : "503 5.5.1 Say MAIL first");
    return;
  }
  data_begun_ = true;
}

void Session::starttls(std::string_view argument) {
  if (!settings_.offers_tls) return refuse("502 5.5.1 Not offered");
  if (secured_) return refuse("503 5.5.1 TLS is on already");
  if (!argument.empty()) return refuse("501 5.5.4 STARTTLS has no parameters");
  if (in_transaction_) return refuse(kTransactionUnderWay);
  // RFC 3207 §4.2: what was said in the clear counts no more; what came behind the command was somebody else's.
  input_.clear();
  helo_.clear();
  by_xforward_.reset();
  reply("220 2.0.0 Go ahead");
  wants_ = Wants::handshake;
}

/// Takes over for whom the peer says that it speaks. False: it can't, and was told; what it said before is forgotten with it.
bool Session::take_client(std::string_view argument, std::optional<Client>& into) {
  auto client = std::exchange(into, std::nullopt).value_or(Client{});
  if (!peer_.trusted) {
    refuse("550 5.7.0 Not for you");
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
      refuse("501 5.5.4 ADDR is no address");
      return false;
    }
    client.address = *address;
  }
  into = std::move(client);
  return true;
}

void Session::xclient(std::string_view argument) {
  if (in_transaction_) return refuse(kTransactionUnderWay);
  if (!take_client(argument, by_xclient_)) return;
  by_xforward_.reset();
  helo_.clear();
  hello();
}

void Session::xforward(std::string_view argument) {
  if (in_transaction_) return refuse(kTransactionUnderWay);
  if (take_client(argument, by_xforward_)) reply("250 2.0.0 Ok");
}

Session::Client Session::client() const {
  if (by_xforward_) return *by_xforward_;
  if (by_xclient_) return *by_xclient_;
  // Our own relay's name says nothing of who connected to it, its trace does.
  return {.address = peer_.address, .helo = peer_.trusted ? std::string() : helo_};
}

// ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────

void Session::whole_message(UnixTime now) {
  reading_ = Reading::command;
  if (overflow_ != Overflow::none) return answer_for_message(too_much());
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
  wants_ = Wants::settlement;
}

TrapDelivery Session::take_message() {
  auto delivery = std::move(*delivery_);
  delivery_.reset();
  return delivery;
}

void Session::settled(bool stored, UnixTime now) {
  if (wants_ != Wants::settlement) return;
  wants_ = Wants::input;
  answer_for_message(stored ? "250 2.0.0 Ok" : "451 4.3.0 Can't be stored now; try again later");
  process(now);
}

std::string Session::too_much() const {
  if (overflow_ == Overflow::memory) return "452 4.3.1 Too much mail at once; try again later";
  return fmt::format("552 5.3.4 At most {} octets", settings_.message_octets);
}

void Session::answer_for_message(std::string_view line) {
  // RFC 2033 §4.2: LMTP answers for each recipient.
  const std::size_t replies = settings_.protocol == Protocol::lmtp ? recipients_.size() : 1;
  for (std::size_t i = 0; i < replies; ++i) reply(line);
  reset();
}

void Session::reset() {
  drop_message();
  // XFORWARD is of one transaction: on a connection that a relay uses again, the next message is another client's.
  by_xforward_.reset();
  in_transaction_ = false;
  utf8_ = false;
  data_begun_ = false;
  sender_.clear();
  recipients_.clear();
  traps_.clear();
  overflow_ = Overflow::none;
}

void Session::leave(UnixTime now) {
  const bool from_nobody = sender_.empty() || sender_.starts_with(kDoubleBounce);
  auto [address, helo] = client();
  // Our own relay, not saying for whom it asks, is no stranger.
  const bool is_told = !peer_.trusted || by_xforward_ || by_xclient_;
  if (in_transaction_ && !data_begun_ && !refused_ && !traps_.empty() && from_nobody && address && is_told) {
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

// ── the end, and what goes out ──────────────────────────────────────────────────────────────────────────────────────

void Session::secured() {
  secured_ = true;
  wants_ = Wants::input;
}

void Session::end(std::string_view reply_line, EndedBy by, UnixTime now) {
  // In the middle of a command nobody knows what the client was about to say: DATA, perhaps.
  if (by == EndedBy::client && wants_ == Wants::input && reading_ == Reading::command && input_.empty()) {
    leave(now);
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
