#include "record/opened_feed.h"

#include "milter/milter_feed.h"
#include "smtp/smtp_feed.h"
#include "system/descriptor_limit.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace blowback::record {
namespace {

using Ready = std::expected<std::function<void()>, feed::FeedError>;

/// Octets of unfinished and queued messages of one feed.
constexpr std::size_t kListenerMemory = 256U << 20U;

[[nodiscard]] std::string system_hostname() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') return "localhost";
  return name.data();
}

}  // namespace

std::size_t connections_of(const config::Feed& feed) {
  constexpr std::size_t kOthers = 64;
  const auto limit = descriptor_limit();
  return std::min(static_cast<std::size_t>(feed.listener.connections), limit > 2 * kOthers ? limit - kOthers : kOthers);
}

namespace {

[[nodiscard]] smtp::ListenerSettings listener_settings(const config::Feed& feed, const FeedSurroundings& with) {
  const auto& listener = feed.listener;
  smtp::SessionSettings session{
      .protocol = feed.type == config::FeedType::lmtp ? smtp::Protocol::lmtp : smtp::Protocol::smtp,
      .hostname = listener.hostname.empty() ? system_hostname() : listener.hostname,
      .witness_of = [index = std::make_shared<const config::TrapIndex>(with.traps)](
                        std::string_view address) { return index->witness_of(address); },
      .hide_traps = listener.hide_traps,
      .offers_tls = true,
      .message_octets = static_cast<std::size_t>(listener.message_size),
      .removal_mail = with.removal_mail};
  smtp::ListenerSettings settings{
      .connection = {.session = std::move(session),
                     .proxy_protocol = listener.proxy_protocol,
                     .times = {.command = listener.command_time, .data = listener.data_time},
                     .now = with.now},
      .listen = {},
      .trusted_relays = feed.trusted_relays,
      .certificate = {.chain = listener.certificate, .key = listener.key},
      .connections = connections_of(feed),
      .connections_per_client = static_cast<std::size_t>(listener.connections_per_client),
      .memory = kListenerMemory};
  for (const auto& at : listener.listen) {
    if (const auto* path = std::get_if<std::string>(&at)) {
      settings.listen.emplace_back(*path);
    } else {
      const auto& endpoint = std::get<config::Endpoint>(at);
      settings.listen.emplace_back(smtp::InternetEndpoint{.address = endpoint.address, .port = endpoint.port});
    }
  }
  return settings;
}

[[nodiscard]] feed::MboxQuoting quoting_of(const config::Feed& feed) {
  switch (feed.quoting) {
    case config::MboxQuoting::none:
      return feed::MboxQuoting::none;
    case config::MboxQuoting::mboxrd:
      return feed::MboxQuoting::mboxrd;
    case config::MboxQuoting::mboxo:
      return feed::MboxQuoting::mboxo;
    case config::MboxQuoting::content_length:
      break;
  }
  return feed::MboxQuoting::content_length;
}

[[nodiscard]] milter::Setup milter_of(const config::Feed& feed, const config::Traps& traps) {
  const auto& listener = feed.listener;
  milter::Setup setup{.listen = {},
                      .traps = traps,
                      .trusted_relays = feed.trusted_relays,
                      .callouts = listener.callouts,
                      .connections = static_cast<std::size_t>(listener.connections),
                      .message_octets = static_cast<std::size_t>(listener.message_size),
                      .memory = kListenerMemory};
  if (const auto* path = std::get_if<std::string>(&listener.listen.front())) {
    setup.listen.path = *path;
  } else {
    const auto& endpoint = std::get<config::Endpoint>(listener.listen.front());
    setup.listen.address = endpoint.address.to_string();
    setup.listen.port = endpoint.port;
  }
  return setup;
}

[[nodiscard]] bool is_smtp_or_lmtp(const config::Feed& feed) {
  return feed.type == config::FeedType::smtp || feed.type == config::FeedType::lmtp;
}

[[nodiscard]] bool share_an_endpoint(const config::Feed& one, const config::Feed& other) {
  return std::ranges::any_of(one.listener.listen, [&](const auto& endpoint) {
    return std::ranges::find(other.listener.listen, endpoint) != other.listener.listen.end();
  });
}

}  // namespace

OpenedFeed::OpenedFeed(config::Feed by, const config::Traps& traps) : settings(std::move(by)) { set(settings, traps); }

void OpenedFeed::set(const config::Feed& other, const config::Traps& traps) {
  settings = other;
  source = {.feed = settings.name, .trusted_relays = settings.trusted_relays, .traps = traps, .limits = {}};
}

bool OpenedFeed::reads_standard_input() const {
  return settings.type == config::FeedType::standard_input || settings.path == "-";
}

bool OpenedFeed::can_become(const config::Feed& other) const {
  const bool has_same_name = settings.name == other.name;
  // SMTP and LMTP differ in sessions, not in sockets.
  if (is_smtp_or_lmtp(settings)) return is_smtp_or_lmtp(other) && (has_same_name || share_an_endpoint(settings, other));
  if (settings.type != other.type) return false;
  // libmilter listens once per process.
  if (settings.has_listener()) return settings.listener.listen == other.listener.listen;
  if (reads_standard_input()) return settings.path == other.path;
  // The database has the position in a file under the feed's name.
  return has_same_name && settings.path == other.path && settings.remove == other.remove &&
         settings.quoting == other.quoting;
}

std::expected<void, feed::FeedError> OpenedFeed::open(const FeedSurroundings& with,
                                                      const std::optional<std::string>& position) {
  auto opened = [&]() -> std::expected<std::unique_ptr<feed::Feed>, feed::FeedError> {
    switch (settings.type) {
      case config::FeedType::maildir:
        return feed::open_maildir(
            settings.path, settings.remove ? feed::AfterCommit::remove : feed::AfterCommit::move_to_cur, position);
      case config::FeedType::mbox:
        return feed::open_mbox(settings.path, quoting_of(settings), position);
      case config::FeedType::jsonl:
        return feed::open_jsonl(settings.path, position);
      case config::FeedType::smtp:
      case config::FeedType::lmtp: {
        auto smtp = smtp::SmtpFeed::open(listener_settings(settings, with));
        if (!smtp) return std::unexpected(std::move(smtp).error());
        prepare_listener_ = [&feed = **smtp](const config::Feed& other, const FeedSurroundings& then) {
          return feed.prepare(listener_settings(other, then));
        };
        return std::move(*smtp);
      }
      case config::FeedType::milter: {
        auto milter = milter::MilterFeed::open(milter_of(settings, with.traps));
        if (!milter) return std::unexpected(std::move(milter).error());
        prepare_listener_ = [&feed = **milter](const config::Feed& other, const FeedSurroundings& then) -> Ready {
          return [&feed, setup = milter_of(other, then.traps)] { feed.change(setup); };
        };
        return std::move(*milter);
      }
      case config::FeedType::standard_input:
        break;
    }
    return feed::open_stdin(STDIN_FILENO, with.stdin_envelope, with.now());
  }();
  if (!opened) return std::unexpected(std::move(opened).error());
  feed = std::move(*opened);
  return {};
}

Ready OpenedFeed::prepare(const config::Feed& other, const FeedSurroundings& with) {
  std::function<void()> apply = [] {};
  if (feed && prepare_listener_) {
    auto ready = prepare_listener_(other, with);
    if (!ready) return ready;
    apply = std::move(*ready);
  }
  return [this, apply = std::move(apply), other, traps = with.traps] {
    apply();
    set(other, traps);
  };
}

}  // namespace blowback::record
