// Fields in, fields out: the order of the two functions of each type is the format.
#include "milter/frame.h"

#include <cerrno>
#include <charconv>
#include <sys/socket.h>
#include <utility>

namespace blowback::milter {
namespace {

constexpr std::size_t kLengthOctets = 8;

void append_length(std::string& to, std::uint64_t length) {
  for (int shift = 56; shift >= 0; shift -= 8) to += static_cast<char>(length >> static_cast<unsigned>(shift) & 0xffU);
}

[[nodiscard]] std::uint64_t get_length(std::string_view octets) {
  std::uint64_t length = 0;
  for (const char c : octets.substr(0, kLengthOctets)) length = length << 8U | static_cast<unsigned char>(c);
  return length;
}

class Writer {
 public:
  explicit Writer(char kind) : octets_(kLengthOctets, '\0') { octets_ += kind; }

  void text(std::string_view text) {
    append_length(octets_, text.size());
    octets_ += text;
  }
  void number(std::int64_t number) { text(std::to_string(number)); }
  void number(std::uint64_t number) { text(std::to_string(number)); }
  template <typename Things, typename Put>
  void list(const Things& things, Put put) {
    number(std::uint64_t{things.size()});
    for (const auto& thing : things) put(thing);
  }

  [[nodiscard]] std::string done() && {
    std::string length;
    append_length(length, octets_.size() - kLengthOctets);
    octets_.replace(0, kLengthOctets, length);
    return std::move(octets_);
  }

 private:
  std::string octets_;
};

/// What is missing or isn't as it should be makes `is_good` false, and reads as nothing.
class Reader {
 public:
  explicit Reader(std::string_view octets) : rest_(octets) {}

  [[nodiscard]] bool is_good() const { return good_ && rest_.empty(); }

  [[nodiscard]] std::string text() {
    if (rest_.size() < kLengthOctets) return bad();
    const auto length = get_length(rest_);
    rest_.remove_prefix(kLengthOctets);
    if (length > rest_.size()) return bad();
    std::string taken(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return taken;
  }

  template <typename Number>
  [[nodiscard]] Number number() {
    const auto digits = text();
    Number value = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (fault != std::errc{} || end != digits.data() + digits.size()) static_cast<void>(bad());
    return value;
  }

  template <typename Get>
  void list(Get get) {
    // Each thing has at least one field, so a count that can't be is found out before anything is made of it.
    const auto count = number<std::uint64_t>();
    if (count > rest_.size() / kLengthOctets) static_cast<void>(bad());
    for (std::uint64_t i = 0; i < count && good_; ++i) get();
  }

  std::string bad() {
    good_ = false;
    rest_ = {};
    return {};
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

void put(Writer& to, const std::vector<std::string>& texts) {
  to.list(texts, [&](const std::string& text) { to.text(text); });
}

std::vector<std::string> texts(Reader& from) {
  std::vector<std::string> read;
  from.list([&] { read.push_back(from.text()); });
  return read;
}

// ── Setup ───────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string write(const Setup& setup) {
  Writer to('S');
  to.text(setup.listen.address);
  to.number(std::uint64_t{setup.listen.port});
  to.text(setup.listen.path);
  put(to, setup.traps.domains);
  put(to, setup.traps.with_subdomains);
  put(to, setup.traps.addresses);
  to.list(setup.trusted_relays, [&](const Prefix& relay) { to.text(relay.to_string()); });
  to.number(std::uint64_t{setup.callouts ? 1U : 0U});
  to.number(std::uint64_t{setup.connections});
  to.number(std::uint64_t{setup.message_octets});
  to.number(std::uint64_t{setup.memory});
  return std::move(to).done();
}

Setup read_setup(Reader& from) {
  Setup setup;
  setup.listen.address = from.text();
  setup.listen.port = from.number<std::uint16_t>();
  setup.listen.path = from.text();
  setup.traps.domains = texts(from);
  setup.traps.with_subdomains = texts(from);
  setup.traps.addresses = texts(from);
  from.list([&] {
    if (const auto relay = Prefix::parse(from.text())) {
      setup.trusted_relays.push_back(*relay);
    } else {
      from.bad();
    }
  });
  setup.callouts = from.number<unsigned>() != 0;
  setup.connections = from.number<std::size_t>();
  setup.message_octets = from.number<std::size_t>();
  setup.memory = from.number<std::size_t>();
  return setup;
}

// ── Arrived ─────────────────────────────────────────────────────────────────────────────────────────────────────────

std::string write(const Arrived& arrived) {
  const auto* delivery = std::get_if<TrapDelivery>(&arrived.item.content);
  Writer to(delivery != nullptr ? 'D' : 'U');
  to.number(arrived.ticket);
  to.text(arrived.item.where);
  if (delivery == nullptr) {
    const auto& unreadable = std::get<feed::Unreadable>(arrived.item.content);
    to.text(unreadable.reason);
    to.text(unreadable.detail);
    to.text(unreadable.bytes);
    return std::move(to).done();
  }
  to.number(std::uint64_t{delivery->event == TrapDelivery::Event::callout ? 1U : 0U});
  to.number(std::int64_t{delivery->received_at.time_since_epoch().count()});
  to.number(std::uint64_t{delivery->time_is_told ? 1U : 0U});
  to.text(delivery->client ? delivery->client->to_string() : "");
  to.text(delivery->helo);
  put(to, delivery->mail_from ? std::vector{*delivery->mail_from} : std::vector<std::string>{});
  put(to, delivery->rcpt_to);
  to.text(delivery->message);
  return std::move(to).done();
}

Arrived read_unreadable(Reader& from) {
  Arrived arrived;
  arrived.ticket = from.number<std::uint64_t>();
  arrived.item.where = from.text();
  feed::Unreadable unreadable;
  unreadable.reason = from.text();
  unreadable.detail = from.text();
  unreadable.bytes = from.text();
  arrived.item.content = std::move(unreadable);
  return arrived;
}

Arrived read_delivery(Reader& from) {
  Arrived arrived;
  arrived.ticket = from.number<std::uint64_t>();
  arrived.item.where = from.text();
  TrapDelivery delivery;
  delivery.event = from.number<unsigned>() != 0 ? TrapDelivery::Event::callout : TrapDelivery::Event::message;
  delivery.received_at = UnixTime{std::chrono::seconds{from.number<std::int64_t>()}};
  delivery.time_is_told = from.number<unsigned>() != 0;
  if (const auto text = from.text(); !text.empty()) {
    if (const auto client = IpAddress::parse(text)) {
      delivery.client = *client;
    } else {
      from.bad();
    }
  }
  delivery.helo = from.text();
  if (auto sender = texts(from); !sender.empty()) delivery.mail_from = std::move(sender.front());
  delivery.rcpt_to = texts(from);
  delivery.message = from.text();
  arrived.item.content = std::move(delivery);
  return arrived;
}

// ── the others ──────────────────────────────────────────────────────────────────────────────────────────────────────

std::string write(const Listening& /*listening*/) { return Writer('L').done(); }

std::string write(const Trouble& trouble) {
  Writer to('T');
  to.text(trouble.text);
  return std::move(to).done();
}

std::string write(const Stored& stored) {
  Writer to('K');
  to.list(stored.tickets, [&](std::uint64_t ticket) { to.number(ticket); });
  return std::move(to).done();
}

std::optional<Frame> read(std::string_view octets) {
  if (octets.empty()) return std::nullopt;
  Reader from(octets.substr(1));
  Frame frame;
  switch (octets.front()) {
    case 'S':
      frame = read_setup(from);
      break;
    case 'L':
      frame = Listening{};
      break;
    case 'T':
      frame = Trouble{from.text()};
      break;
    case 'D':
      frame = read_delivery(from);
      break;
    case 'U':
      frame = read_unreadable(from);
      break;
    case 'K': {
      Stored stored;
      from.list([&] { stored.tickets.push_back(from.number<std::uint64_t>()); });
      frame = std::move(stored);
      break;
    }
    default:
      return std::nullopt;
  }
  if (!from.is_good()) return std::nullopt;
  return frame;
}

}  // namespace

std::string to_octets(const Frame& frame) {
  return std::visit([](const auto& kind) { return write(kind); }, frame);
}

bool send_all(int socket, std::string_view octets) {
  while (!octets.empty()) {
    const auto sent = send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void FrameReader::add(std::string_view octets) {
  // What was read goes when there is more of it than of what wasn't, so that each octet is moved once or twice.
  if (begin_ > octets_.size() - begin_) {
    octets_.erase(0, begin_);
    begin_ = 0;
  }
  octets_ += octets;
}

std::expected<std::optional<Frame>, std::string> FrameReader::next() {
  const auto rest = std::string_view(octets_).substr(begin_);
  if (rest.size() < kLengthOctets) return std::optional<Frame>{};
  const auto length = get_length(rest);
  if (length > longest_) return std::unexpected("a frame of " + std::to_string(length) + " octets");
  if (rest.size() - kLengthOctets < length) return std::optional<Frame>{};
  auto frame = read(rest.substr(kLengthOctets, length));
  if (!frame) return std::unexpected(std::string("a malformed frame"));
  begin_ += kLengthOctets + length;
  if (begin_ == octets_.size()) {
    std::string().swap(octets_);  // with its room
    begin_ = 0;
  }
  return frame;
}

}  // namespace blowback::milter
