#include "milter/milter_feed.h"

#include "milter/watcher.h"
#include "system/descriptor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace blowback::milter {
namespace {

constexpr std::size_t kRead = 64U << 10U;
/// For the process to start and listen.
constexpr std::chrono::seconds kStartTime{10};
/// For the process to end by itself.
constexpr std::chrono::seconds kEndTime{3};
constexpr std::chrono::milliseconds kEndPause{5};
/// The longest envelope of a message.
constexpr std::size_t kEnvelope = 4U << 20U;

/// A process of this program that watches a mail server, and our end of the socket pair.
class Process {
 public:
  Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { end(); }

  /// An errno value, or 0.
  [[nodiscard]] int start() {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return errno;
    socket_ = Descriptor(ends[0]);
    const Descriptor theirs(ends[1]);
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    // No other descriptor may be inherited, such as the database's or a socket's.
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, theirs.get(), kWatcherDescriptor);
    posix_spawn_file_actions_addclosefrom_np(&files, kWatcherDescriptor + 1);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    // With a process group of its own it doesn't get a terminal's SIGINT. It ends when we do.
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    std::string name = "blowback-ingest";
    std::string option(kWatcherOption);
    std::array<char*, 3> arguments{name.data(), option.data(), nullptr};
    const int fault = posix_spawn(&pid_, "/proc/self/exe", &files, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (fault != 0) pid_ = -1;
    return fault;
  }

  [[nodiscard]] int socket() const { return socket_.get(); }

  /// Ends the process, if necessary by SIGKILL. Returns how it ended, for an error text.
  std::string end() {
    socket_.close();
    if (pid_ < 0) return "before it ran";
    int status = 0;
    const auto until = std::chrono::steady_clock::now() + kEndTime;
    pid_t ended = 0;
    while ((ended = waitpid(pid_, &status, WNOHANG)) == 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kEndPause);
    }
    if (ended == 0) {
      kill(pid_, SIGKILL);
      ended = waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    if (ended > 0 && WIFSIGNALED(status)) return fmt::format("by signal {}", WTERMSIG(status));
    if (ended > 0 && WIFEXITED(status)) return fmt::format("with exit status {}", WEXITSTATUS(status));
    return "in an unknown way";
  }

 private:
  Descriptor socket_;
  pid_t pid_ = -1;
};

class RunningMilter final : public MilterFeed {
 public:
  explicit RunningMilter(std::size_t message_octets) : reader_(message_octets + kEnvelope) {}

  [[nodiscard]] std::optional<feed::FeedError> start(const Setup& setup) {
    if (const int fault = process_.start(); fault != 0) {
      return feed::FeedError{
          fmt::format("milter: its process can't be started: {}; check that there are enough memory and processes",
                      std::generic_category().message(fault))};
    }
    const auto octets = to_octets(setup);
    if (!send(octets)) return feed::FeedError{ended()};
    const auto until = std::chrono::steady_clock::now() + kStartTime;
    while (true) {
      auto frame = reader_.next();
      if (!frame) return feed::FeedError{protocol_error(frame.error())};
      if (*frame) {
        if (const auto* const trouble = std::get_if<Trouble>(&**frame)) return feed::FeedError{trouble->text};
        return std::nullopt;
      }
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      pollfd ask{.fd = process_.socket(), .events = POLLIN, .revents = 0};
      if (left.count() <= 0 || poll(&ask, 1, static_cast<int>(left.count())) == 0) {
        return feed::FeedError{fmt::format(
            "milter: its process didn't start within {} s; check the load of the machine", kStartTime.count())};
      }
      if (!receive()) return feed::FeedError{ended()};
    }
  }

  void change(const Setup& setup) override {
    reader_.allow(setup.message_octets + kEnvelope);
    if (!send(to_octets(setup))) gone_ = true;
  }

  [[nodiscard]] std::expected<feed::Chunk, feed::FeedError> next(const feed::Bounds& bounds) override {
    feed::Chunk chunk;
    std::size_t octets = 0;
    while (chunk.items.size() < bounds.items && octets < bounds.octets) {
      auto frame = reader_.next();
      if (!frame) return std::unexpected(feed::FeedError{protocol_error(frame.error())});
      if (*frame) {
        auto* const arrived = std::get_if<Arrived>(&**frame);
        if (arrived == nullptr) continue;
        const auto* const delivery = std::get_if<TrapDelivery>(&arrived->item.content);
        octets += delivery == nullptr ? 0 : delivery->message.size();
        taken_.push_back(arrived->ticket);
        chunk.items.push_back(std::move(arrived->item));
        continue;
      }
      if (gone_) break;
      if (!receive()) gone_ = true;
      if (!got_something_) break;
    }
    if (gone_ && chunk.items.empty()) return std::unexpected(feed::FeedError{ended()});
    chunk.drained = chunk.items.empty();
    return chunk;
  }

  [[nodiscard]] std::expected<void, feed::FeedError> committed() override {
    if (taken_.empty()) return {};
    // If the process doesn't read, no mail server waits for this.
    if (!send(to_octets(Stored{std::exchange(taken_, {})}))) gone_ = true;
    return {};
  }

  [[nodiscard]] int wake_fd() const override { return process_.socket(); }

 private:
  /// Reads what is there, without waiting. False: the other end is gone.
  [[nodiscard]] bool receive() {
    std::array<char, kRead> buffer{};
    const auto got = recv(process_.socket(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    got_something_ = got > 0;
    if (got_something_) reader_.add(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  }

  [[nodiscard]] bool send(std::string_view octets) const {
    const timeval patience{.tv_sec = kEndTime.count(), .tv_usec = 0};
    setsockopt(process_.socket(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return send_all(process_.socket(), octets);
  }

  [[nodiscard]] std::string ended() {
    return fmt::format("milter: its process ended {}; another one is started, and mail isn't watched until then",
                       process_.end());
  }
  [[nodiscard]] static std::string protocol_error(std::string_view what) {
    return fmt::format("milter: its process sent {}; another one is started. Was the program replaced while it ran?",
                       what);
  }

  Process process_;
  FrameReader reader_;
  std::vector<std::uint64_t> taken_;  ///< not committed yet
  bool got_something_ = false;
  bool gone_ = false;
};

}  // namespace

std::expected<std::unique_ptr<MilterFeed>, feed::FeedError> MilterFeed::open(const Setup& setup) {
  auto feed = std::make_unique<RunningMilter>(setup.message_octets);
  if (auto fault = feed->start(setup)) return std::unexpected(std::move(*fault));
  return feed;
}

}  // namespace blowback::milter
