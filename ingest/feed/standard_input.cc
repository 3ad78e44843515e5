// One message on standard input, from an MTA's pipe, procmail or Sieve, with the envelope from options and environment.
//
// It is drained at its end only, since an incomplete message isn't delivered. next() waits a tenth of a second for input.
#include "feed.h"
#include "from_line.h"
#include "line_reader.h"
#include "open_file.h"
#include "too_large.h"

#include <fmt/format.h>
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace blowback::feed {
namespace {

class StandardInput final : public Feed {
 public:
  StandardInput(int fd, Envelope envelope, std::optional<IpAddress> client, UnixTime now)
      : fd_(fd), envelope_(std::move(envelope)), client_(client), now_(now), source_(stream_source(fd)) {}

  [[nodiscard]] std::expected<Chunk, FeedError> next(const Bounds& bounds) override {
    Chunk chunk;
    if (!ended_) {
      const auto before = size_;
      auto read = read_on(bounds.message);
      // Not at the end. To ask again at once would only use processor time.
      pollfd ask{.fd = fd_, .events = POLLIN, .revents = 0};
      if (read && !ended_ && size_ == before && poll(&ask, 1, static_cast<int>(kPause.count())) > 0) {
        read = read_on(bounds.message);
      }
      if (!read) return std::unexpected(read.error());
    }
    chunk.drained = ended_;
    if (ended_ && !committed_ && size_ > 0) chunk.items.push_back(item(bounds.message));
    return chunk;
  }

  [[nodiscard]] std::expected<void, FeedError> committed() override {
    if (ended_) committed_ = true;
    return {};
  }

  [[nodiscard]] int wake_fd() const override { return ended_ ? -1 : fd_; }

 private:
  /// Reads to the end, or until the writer pauses. Octets beyond the limit are only counted.
  std::expected<void, FeedError> read_on(std::size_t limit) {
    std::vector<char> buffer(LineReader::kBuffer);
    while (true) {
      const auto got = source_(buffer);
      if (!got) {
        if (got.error() == EAGAIN) return {};
        return std::unexpected(
            FeedError{fmt::format("stdin: the message can't be read, {}", system_text(got.error()))});
      }
      if (*got == 0) {
        ended_ = true;
        return {};
      }
      size_ += *got;
      // A `From ` line may exceed the limit.
      if (bytes_.size() <= limit + kLongestFromLine) bytes_.append(buffer.data(), *got);
    }
  }

  [[nodiscard]] Item item(std::size_t limit) const {
    std::string_view message = bytes_;
    std::uint64_t size = size_;
    std::optional<std::string> mail_from = envelope_.mail_from;
    const auto end = message.find('\n');
    if (const auto from = end == std::string_view::npos ? std::nullopt : parse_from_line(message.substr(0, end))) {
      message.remove_prefix(end + 1);
      size -= end + 1;
      if (!mail_from && !has_return_path(message)) mail_from = from->reverse_path;
    }
    Item item{.where = "standard input", .content = {}};
    if (size > limit) {
      item.content = too_large_message(size, limit, std::string(message.substr(0, kKept)));
    } else if (message.empty()) {
      item.content = Unreadable{.reason = "empty", .detail = "nothing follows the From line", .bytes = ""};
    } else {
      TrapDelivery delivery;
      delivery.received_at = now_;
      delivery.client = client_;
      delivery.helo = envelope_.helo;
      delivery.mail_from = std::move(mail_from);
      delivery.rcpt_to = envelope_.rcpt_to;
      delivery.message = message;
      item.content = std::move(delivery);
    }
    return item;
  }

  static constexpr std::size_t kLongestFromLine = 4096;
  static constexpr std::chrono::milliseconds kPause{100};

  int fd_;
  Envelope envelope_;
  std::optional<IpAddress> client_;
  UnixTime now_;
  LineReader::Source source_;
  std::string bytes_;
  std::uint64_t size_ = 0;
  bool ended_ = false;
  bool committed_ = false;
};

}  // namespace

Envelope completed_by_environment(Envelope options, const std::function<const char*(const char*)>& get) {
  const auto variable = [&](const char* name) -> std::optional<std::string> {
    const char* const value = get(name);
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  if (!options.client_ip) {
    // Postfix passes 127.0.0.1 behind a content filter, and `unknown`; then the Received: fields tell more.
    const auto value = variable("CLIENT_ADDRESS");
    const auto address = value ? IpAddress::parse(*value) : std::unexpected(AddressError{});
    if (address && use_of(*address) != AddressUse::special) {
      options.client_ip = value;
      if (options.helo.empty()) options.helo = variable("CLIENT_HELO").value_or("");
    }
  }
  if (!options.mail_from) {
    if (const auto sender = variable("SENDER")) options.mail_from = reverse_path(*sender);
  }
  if (options.rcpt_to.empty()) {
    // The original address, before aliases were resolved, is the trap.
    for (const char* const name : {"ORIGINAL_RECIPIENT", "RECIPIENT"}) {
      auto recipient = variable(name);
      if (!recipient || recipient->empty()) continue;
      options.rcpt_to.push_back(std::move(*recipient));
      break;
    }
  }
  return options;
}

std::expected<std::unique_ptr<Feed>, FeedError> open_stdin(int fd, const Envelope& envelope, UnixTime now) {
  std::optional<IpAddress> client;
  if (envelope.client_ip) {
    const auto address = IpAddress::parse(*envelope.client_ip);
    if (!address) return std::unexpected(FeedError{"stdin: the client's address: " + address.error().text});
    client = *address;
  }
  return std::make_unique<StandardInput>(fd, envelope, client, now);
}

}  // namespace blowback::feed
