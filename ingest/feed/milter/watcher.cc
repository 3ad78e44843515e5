// The callbacks pass everything on to the session. Each of them accepts the mail, whatever happens.
#include "milter/watcher.h"

#include "milter/frame.h"
#include "milter/session.h"
#include "system/socket_address.h"
#include "system/unix_socket.h"

#include <fmt/format.h>
#include <libmilter/mfapi.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::milter {
namespace {

/// How long a mail server waits at the end of a message for the database, at most.
constexpr std::chrono::seconds kPatience{10};
/// Sessions that wait at once, at most; further ones don't wait. Each occupies a thread.
constexpr std::size_t kMostWaiting = 64;
/// Messages queued for ingest, at most. The budget limits their octets.
constexpr std::size_t kMostMessages = 10'000;
constexpr std::size_t kMostCallouts = 1'000;
/// Enough for all the traps that fit into a config of 4 MiB.
constexpr std::size_t kLongestSetup = 16U << 20U;
constexpr std::size_t kRead = 64U << 10U;
/// The mailer of a recipient that the mail server refused.
constexpr std::string_view kErrorMailer = "error";

/// The next frame. Absent: the other end is gone, or isn't blowback-ingest.
[[nodiscard]] std::optional<Frame> receive(int socket, FrameReader& reader) {
  std::array<char, kRead> buffer{};
  while (true) {
    auto frame = reader.next();
    if (!frame) return std::nullopt;
    if (*frame) return std::move(*frame);
    const auto got = recv(socket, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    reader.add(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
  }
}

/// The queue from the sessions to ingest. Messages, for which mail servers wait, are sent before callouts. Safe from any thread.
class Outbox {
 public:
  Outbox(int socket, Budget& budget, feed::WitnessOf witness_of)
      : socket_(socket), budget_(budget), gate_(std::move(witness_of)) {}

  /// Queues a message, and waits until it is in the database, for `patience` at most.
  void add(Session::Report message, std::chrono::seconds patience) {
    std::unique_lock lock(mutex_);
    if (messages_.size() >= kMostMessages) return;
    const auto ticket = ++last_ticket_;
    const bool waits = waiting_.size() < kMostWaiting;
    if (waits) waiting_.insert(ticket);
    messages_.push_back({.ticket = ticket, .report = std::move(message)});
    queued_.notify_one();
    if (!waits) return;
    stored_.wait_for(lock, patience, [&] { return !waiting_.contains(ticket); });
    waiting_.erase(ticket);
  }

  /// Queues a callout; drops it where feed::CalloutGate does, or if kMostCallouts are queued.
  void add_callout(Session::Report callout) {
    const std::scoped_lock lock(mutex_);
    if (callouts_.size() >= kMostCallouts || !gate_.admits(std::get<TrapDelivery>(callout.item.content))) return;
    callouts_.push_back({.ticket = ++last_ticket_, .report = std::move(callout)});
    queued_.notify_one();
  }

  void set_witness_of(feed::WitnessOf witness_of) {
    const std::scoped_lock lock(mutex_);
    gate_.set_witness_of(std::move(witness_of));
  }

  void stored(const std::vector<std::uint64_t>& tickets) {
    const std::scoped_lock lock(mutex_);
    for (const auto ticket : tickets) waiting_.erase(ticket);
    stored_.notify_all();
  }

  /// Sends until the other end is gone.
  void run() {
    while (true) {
      std::unique_lock lock(mutex_);
      queued_.wait(lock, [&] { return !messages_.empty() || !callouts_.empty(); });
      auto& queue = messages_.empty() ? callouts_ : messages_;
      auto queued = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      queued.report.item.where = fmt::format("transaction {}", queued.ticket);
      const auto octets = to_octets(Arrived{.ticket = queued.ticket, .item = std::move(queued.report.item)});
      if (!send_all(socket_, octets)) return;
    }
  }

  [[nodiscard]] Budget& budget() { return budget_; }

 private:
  struct Queued {
    std::uint64_t ticket = 0;
    Session::Report report;
  };

  int socket_;
  Budget& budget_;
  std::mutex mutex_;  ///< guards what follows
  std::condition_variable queued_;
  std::condition_variable stored_;
  std::deque<Queued> messages_;
  std::deque<Queued> callouts_;
  feed::CalloutGate gate_;
  std::set<std::uint64_t> waiting_;
  std::uint64_t last_ticket_ = 0;
};

/// What the callbacks need.
struct Watcher {
  Watcher(std::shared_ptr<const SessionSettings> first, Outbox& to, std::function<UnixTime()> clock, std::size_t most)
      : outbox(to), now(std::move(clock)), most_connections(most), settings_(std::move(first)) {}

  /// The settings of a session that begins now.
  [[nodiscard]] std::shared_ptr<const SessionSettings> settings() {
    const std::scoped_lock lock(mutex_);
    return settings_;
  }
  void change(const Setup& setup);

  Outbox& outbox;
  std::function<UnixTime()> now;
  std::atomic<std::size_t> most_connections;
  std::atomic<std::size_t> connections = 0;

 private:
  std::mutex mutex_;  ///< guards settings_
  std::shared_ptr<const SessionSettings> settings_;
};

struct Watched {
  std::shared_ptr<const SessionSettings> settings;
  Session session;
};

[[nodiscard]] std::shared_ptr<const SessionSettings> settings_of(const Setup& setup) {
  return std::make_shared<const SessionSettings>(
      SessionSettings{.witness_of = [traps = std::make_shared<const config::TrapIndex>(setup.traps)](
                                        std::string_view address) { return traps->witness_of(address); },
                      .trusted_relays = setup.trusted_relays,
                      .callouts = setup.callouts,
                      .message_octets = setup.message_octets});
}

void Watcher::change(const Setup& setup) {
  auto other = settings_of(setup);
  outbox.set_witness_of(other->witness_of);
  most_connections = setup.connections;
  const std::scoped_lock lock(mutex_);
  settings_ = std::move(other);
}

/// libmilter passes no argument of ours to its callbacks, so they use this variable. Set once, before the first call.
Watcher* watcher = nullptr;

[[nodiscard]] Watched* watched_of(SMFICTX* context) { return static_cast<Watched*>(smfi_getpriv(context)); }
[[nodiscard]] Session* session_of(SMFICTX* context) {
  auto* const watched = watched_of(context);
  return watched == nullptr ? nullptr : &watched->session;
}

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long offered, unsigned long /*more*/,
                      unsigned long /*still_more*/, unsigned long* wanted_actions, unsigned long* wanted,
                      unsigned long* wanted_more, unsigned long* wanted_still_more) {
  // We change nothing. We ask for refused recipients only if the mail server will certainly send the macro that marks them.
  *wanted_actions = actions & SMFIF_SETSYMLIST;
  *wanted = offered & (SMFIP_HDR_LEADSPC | SMFIP_NOUNKNOWN);
  std::string macros = "{rcpt_mailer}";
  if (*wanted_actions != 0 && smfi_setsymlist(context, SMFIM_ENVRCPT, macros.data()) == MI_SUCCESS) {
    *wanted |= offered & SMFIP_RCPT_REJ;
  }
  *wanted_more = 0;
  *wanted_still_more = 0;
  return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX* context, char* /*hostname*/, sockaddr* from) {
  // Mail from this host itself has no address.
  const auto client = address_of(from);
  if (!client || watcher->connections >= watcher->most_connections) return SMFIS_ACCEPT;
  ++watcher->connections;
  const auto settings = watcher->settings();
  auto watched = std::make_unique<Watched>(settings, Session(*settings, watcher->outbox.budget(), *client));
  if (smfi_setpriv(context, watched.get()) != MI_SUCCESS) {
    --watcher->connections;
    return SMFIS_ACCEPT;
  }
  static_cast<void>(watched.release());  // NOLINT(bugprone-unused-return-value): libmilter has it, until on_close
  return SMFIS_CONTINUE;
}

// NOLINTBEGIN(readability-non-const-parameter): the parameters are as libmilter has them
sfsistat on_hello(SMFICTX* context, char* name) {
  auto* const session = session_of(context);
  if (session == nullptr) return SMFIS_ACCEPT;
  session->hello(name == nullptr ? "" : name);
  return SMFIS_CONTINUE;
}

sfsistat on_mail(SMFICTX* context, char** arguments) {
  auto* const session = session_of(context);
  if (session == nullptr) return SMFIS_ACCEPT;
  // An authenticated client is one of the operator's users, not a stranger's mail server.
  std::string login = "{auth_authen}";
  const char* const user = smfi_getsymval(context, login.data());
  if (user != nullptr && *user != '\0') return SMFIS_ACCEPT;
  session->mail(arguments[0] == nullptr ? "" : arguments[0]);
  return SMFIS_CONTINUE;
}

sfsistat on_recipient(SMFICTX* context, char** arguments) {
  auto* const session = session_of(context);
  if (session == nullptr || arguments[0] == nullptr) return SMFIS_CONTINUE;
  std::string mailer = "{rcpt_mailer}";
  const char* const name = smfi_getsymval(context, mailer.data());
  if (name != nullptr && std::string_view(name) == kErrorMailer) {
    session->refused_recipient();
  } else {
    session->recipient(arguments[0], watcher->now());
  }
  return SMFIS_CONTINUE;
}

sfsistat on_data(SMFICTX* context) {
  auto* const session = session_of(context);
  return session != nullptr && session->data() ? SMFIS_CONTINUE : SMFIS_ACCEPT;
}

sfsistat on_header(SMFICTX* context, char* name, char* value) {
  if (auto* const session = session_of(context)) session->header(name, value == nullptr ? "" : value);
  return SMFIS_CONTINUE;
}

// NOLINTEND(readability-non-const-parameter)

sfsistat on_end_of_header(SMFICTX* context) {
  if (auto* const session = session_of(context)) session->end_of_header();
  return SMFIS_CONTINUE;
}

sfsistat on_body(SMFICTX* context, unsigned char* octets, std::size_t size) {
  if (auto* const session = session_of(context)) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets are octets
    session->body(std::string_view(reinterpret_cast<const char*>(octets), size));
  }
  return SMFIS_CONTINUE;
}

sfsistat on_end_of_message(SMFICTX* context) {
  if (auto* const session = session_of(context)) {
    if (auto report = session->end_of_message(watcher->now())) watcher->outbox.add(std::move(*report), kPatience);
  }
  return SMFIS_ACCEPT;
}

sfsistat on_abort(SMFICTX* context) {
  if (auto* const session = session_of(context)) {
    if (auto callout = session->abort(watcher->now())) watcher->outbox.add_callout(std::move(*callout));
  }
  return SMFIS_CONTINUE;
}

sfsistat on_close(SMFICTX* context) {
  const std::unique_ptr<Watched> watched(watched_of(context));
  if (watched) {
    smfi_setpriv(context, nullptr);
    --watcher->connections;
  }
  return SMFIS_CONTINUE;
}

/// Absent: it listens.
[[nodiscard]] std::optional<Trouble> listen(const Endpoint& at) {
  const bool is_v6 = at.address.contains(':');
  std::string connection =
      at.address.empty() ? "unix:" + at.path : fmt::format("{}:{}@{}", is_v6 ? "inet6" : "inet", at.port, at.address);
  const auto cant = [&](std::string_view why) {
    return Trouble{fmt::format("can't listen on {}: {}",
                               at.address.empty() ? "unix:" + at.path : endpoint_text(at.address, at.port), why)};
  };
  constexpr std::string_view kTaken =
      "Address already in use; another program listens there: stop it, or set another address";
  if (at.address.empty() && !remove_dead_socket(at.path)) return cant(kTaken);
  std::string name = "blowback";
  const smfiDesc description{.xxfi_name = name.data(),
                             .xxfi_version = SMFI_VERSION,
                             .xxfi_flags = SMFIF_NONE,
                             .xxfi_connect = on_connect,
                             .xxfi_helo = on_hello,
                             .xxfi_envfrom = on_mail,
                             .xxfi_envrcpt = on_recipient,
                             .xxfi_header = on_header,
                             .xxfi_eoh = on_end_of_header,
                             .xxfi_body = on_body,
                             .xxfi_eom = on_end_of_message,
                             .xxfi_abort = on_abort,
                             .xxfi_close = on_close,
                             .xxfi_unknown = nullptr,
                             .xxfi_data = on_data,
                             .xxfi_negotiate = on_negotiate};
  if (smfi_setconn(connection.data()) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS) {
    return cant("libmilter refuses the address");
  }
  errno = 0;
  if (smfi_opensocket(false) == MI_SUCCESS) return std::nullopt;
  if (errno == EADDRINUSE) return cant(kTaken);
  if (at.address.empty()) {
    return cant(
        fmt::format("{}; the folder must exist and be writable for this user only, and no other file may be "
                    "at the socket's path",
                    std::generic_category().message(errno)));
  }
  return cant(
      fmt::format("{}; set an address of this host and a port above 1024", std::generic_category().message(errno)));
}

void block_signals() {
  // One of libmilter's threads waits for these signals. Ours must not receive them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

[[noreturn]] void leave(const Endpoint& at) {
  // The mail server sees the connections of its sessions close and continues without us. smfi_stop() would wait for up to five seconds for
  // a lock that libmilter holds while it listens.
  if (at.address.empty()) unlink(at.path.c_str());
  _exit(0);
}

}  // namespace

int watch_mail_server(int socket, std::function<UnixTime()> now) {
  FrameReader reader(kLongestSetup);
  const auto first = receive(socket, reader);
  const auto* const setup = first ? std::get_if<Setup>(&*first) : nullptr;
  if (setup == nullptr) {
    std::fputs("blowback-ingest: this option is internal to feeds of type milter; start the program without it\n",
               stderr);
    return 2;
  }
  // We end when the socket is closed. This covers the case that another process has it open.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "blowback-milter");
  block_signals();

  const auto settings = settings_of(*setup);
  Budget budget(setup->memory);
  Outbox outbox(socket, budget, settings->witness_of);
  Watcher here(settings, outbox, std::move(now), setup->connections);
  watcher = &here;
  if (const auto trouble = listen(setup->listen)) {
    static_cast<void>(send_all(socket, to_octets(*trouble)));
    return 0;
  }
  if (!send_all(socket, to_octets(Listening{}))) leave(setup->listen);
  std::thread([&] {
    outbox.run();
    leave(setup->listen);
  }).detach();
  std::thread([&] {
    while (const auto frame = receive(socket, reader)) {
      if (const auto* const stored = std::get_if<Stored>(&*frame)) outbox.stored(stored->tickets);
      if (const auto* const changed = std::get_if<Setup>(&*frame)) here.change(*changed);
    }
    leave(setup->listen);
  }).detach();
  smfi_main();
  leave(setup->listen);
}

}  // namespace blowback::milter
