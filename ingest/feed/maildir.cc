// A Maildir's new/: each file is a delivery, and is moved to cur/ or removed once it is in the database.
//
// tmp/ isn't read, and nothing in new/ is renamed before the commit. The position lists the files of the last committed chunk, one per line
// as `INODE CHANGED NAME`: if ingest was killed between the commit and the move, the next start moves them without reading them again. Inode
// and time guard against a newer file of the same name.
//
// Delivery agents rename or link complete files into new/. For those that write into new/ directly, against the convention, a file is
// skipped while it is open for writing (open_file.h finds that out by a lease), and an empty file for a minute.
#include "feed.h"
#include "open_file.h"
#include "system/descriptor.h"
#include "too_large.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <sys/inotify.h>
#include <utility>

namespace blowback::feed {
namespace {

constexpr Duration kEmptyFor = std::chrono::minutes{1};

/// Identifies a version of a file.
struct Identity {
  std::uint64_t inode = 0;
  std::int64_t changed = 0;
  friend bool operator==(const Identity&, const Identity&) = default;
};

Identity identity_of(const struct stat& file) { return {.inode = file.st_ino, .changed = change_stamp(file)}; }

/// Includes the time at which its owner or permissions changed last: once they are corrected the file is tried again.
Identity status_identity(const struct stat& file) {
  return {.inode = file.st_ino,
          .changed = static_cast<std::int64_t>(file.st_ctim.tv_sec) * 1'000'000'000 + file.st_ctim.tv_nsec};
}

using Files = std::map<std::string, Identity>;

std::string position_of(const Files& files) {
  std::string text;
  for (const auto& [name, identity] : files) text += fmt::format("{} {} {}\n", identity.inode, identity.changed, name);
  if (!text.empty()) text.pop_back();
  return text;
}

Files files_in(std::string_view position) {
  Files files;
  while (!position.empty()) {
    auto line = position.substr(0, position.find('\n'));
    position.remove_prefix(std::min(line.size() + 1, position.size()));
    Identity identity;
    const auto* const end = line.end();
    const auto inode = std::from_chars(line.begin(), end, identity.inode);
    if (inode.ec != std::errc{} || inode.ptr == end || *inode.ptr != ' ') continue;
    const auto changed = std::from_chars(inode.ptr + 1, end, identity.changed);
    if (changed.ec != std::errc{} || changed.ptr == end || *changed.ptr != ' ') continue;
    files.emplace(std::string(changed.ptr + 1, end), identity);
  }
  return files;
}

class Maildir final : public Feed {
 public:
  Maildir(std::string path, AfterCommit after, std::string_view position, Descriptor inotify)
      : path_(std::move(path)), after_(after), inotify_(std::move(inotify)), moving_(files_in(position)) {}

  [[nodiscard]] std::expected<Chunk, FeedError> next(const Bounds& bounds) override;
  [[nodiscard]] std::expected<void, FeedError> committed() override;
  [[nodiscard]] int wake_fd() const override { return inotify_.get(); }

 private:
  [[nodiscard]] FeedError error(std::string_view what) const { return {fmt::format("maildir {}: {}", path_, what)}; }
  [[nodiscard]] std::expected<void, FeedError> watch();
  [[nodiscard]] std::expected<void, FeedError> scan();
  void drain_inotify();
  /// One file; absent if it is gone or is to be skipped for now.
  [[nodiscard]] std::optional<Item> read(const std::string& name, const Bounds& bounds);
  [[nodiscard]] std::optional<Item> read_open(const std::string& name, int fd, const struct stat& status,
                                              const Bounds& bounds);
  [[nodiscard]] Item unreadable(const std::string& name, const struct stat& status, std::string detail);
  /// For a failure that isn't the file's: it is tried again next time.
  [[nodiscard]] std::nullopt_t postpone(const std::string& name, int shortage);
  void leave(const std::string& name);
  /// Moves or removes a file that is in the database. True: it is gone from new/.
  [[nodiscard]] bool move_on(const std::string& name, const Identity& identity);

  std::string path_;
  AfterCommit after_;
  Descriptor inotify_;
  int watch_ = -1;
  Descriptor new_;                     ///< new/, while it is watched
  bool changed_ = true;                ///< new/ has changed since it was listed
  bool held_back_ = false;             ///< a file in it was skipped for now
  std::deque<std::string> names_;      ///< listed, and not yet read
  Files moving_;                       ///< committed before this start, and still to be moved
  Files read_;                         ///< in the last chunk; moved once it is committed
  std::optional<FeedError> short_of_;  ///< why a file was postponed
  Files reported_;                     ///< Unreadable in the last chunk; these stay in new/
  Files left_;  ///< files that stay in new/ and were read or reported; by status_identity, as is reported_
};

std::expected<void, FeedError> Maildir::watch() {
  const std::string folder = path_ + "/new";
  if (new_.is_open()) {
    struct stat watched{};
    struct stat there{};
    if (fstat(new_.get(), &watched) == 0 && stat(folder.c_str(), &there) == 0 && watched.st_ino == there.st_ino &&
        watched.st_dev == there.st_dev) {
      return {};
    }
    // The folder was removed or replaced.
    if (watch_ >= 0) inotify_rm_watch(inotify_.get(), watch_);
    watch_ = -1;
  }
  names_.clear();
  new_ = Descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!new_.is_open()) {
    const int fault = errno;
    return std::unexpected(error(
        fmt::format("new/: {}; {}", system_text(fault),
                    fault == EACCES ? "let this user read it" : "create it (maildirmake) or correct the feed's path")));
  }
  watch_ = inotify_add_watch(inotify_.get(), folder.c_str(),
                             IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);
  if (watch_ < 0) {
    const int fault = errno;
    new_.close();
    return std::unexpected(
        error(fmt::format("new/ can't be watched, {}; if it says no space, raise "
                          "fs.inotify.max_user_watches",
                          system_text(fault))));
  }
  changed_ = true;
  for (const auto& [name, identity] : std::exchange(moving_, {})) {
    if (!move_on(name, identity)) leave(name);  // it is in the database and isn't read again
  }
  return {};
}

/// Events are read and ignored; any of them, and an overflow, means that the folder has to be listed again.
void Maildir::drain_inotify() {
  alignas(inotify_event) std::array<char, 16384> events{};
  while (::read(inotify_.get(), events.data(), events.size()) > 0) changed_ = true;
}

std::expected<void, FeedError> Maildir::scan() {
  // A second descriptor, since reading a folder moves its position.
  const int fd = openat(new_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const folder = fd >= 0 ? fdopendir(fd) : nullptr;
  if (folder == nullptr) {
    const int fault = errno;
    if (fd >= 0) close(fd);
    return std::unexpected(error(fmt::format("new/ can't be listed, {}", system_text(fault))));
  }
  std::vector<std::string> names;
  Files still_left;
  while (const dirent* const entry = readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.')) continue;
    if (const auto left = left_.find(std::string(name)); left != left_.end()) still_left.insert(*left);
    names.emplace_back(name);
  }
  closedir(folder);
  std::ranges::sort(names);
  names_.assign(std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
  left_ = std::move(still_left);
  changed_ = false;
  held_back_ = false;
  return {};
}

Item Maildir::unreadable(const std::string& name, const struct stat& status, std::string detail) {
  reported_[name] = status_identity(status);
  return {.where = name, .content = Unreadable{.reason = "unreadable-file", .detail = std::move(detail), .bytes = ""}};
}

std::nullopt_t Maildir::postpone(const std::string& name, int shortage) {
  names_.push_front(name);
  short_of_ = error(fmt::format("new/{}: {}; it is tried again. For descriptors raise the limit (LimitNOFILE=)", name,
                                system_text(shortage)));
  return std::nullopt;
}

void Maildir::leave(const std::string& name) {
  struct stat status{};
  if (fstatat(new_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) left_[name] = status_identity(status);
}

std::optional<Item> Maildir::read(const std::string& name, const Bounds& bounds) {
  struct stat status{};
  if (fstatat(new_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;  // gone
  if (const auto left = left_.find(name); left != left_.end() && left->second == status_identity(status)) {
    return std::nullopt;
  }
  // The type is checked before opening: opening a device may have effects. A link could lead anywhere on the host.
  if (!S_ISREG(status.st_mode)) {
    return unreadable(name, status, fmt::format("it is a {}, not a file; remove it from new/", file_type(status)));
  }
  if (name.contains('\n')) return unreadable(name, status, "its name contains a line break; rename it");
  // O_NONBLOCK in case it has become a FIFO since.
  const Descriptor file(openat(new_.get(), name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!file.is_open()) {
    if (errno == ENOENT) return std::nullopt;
    if (is_shortage(errno)) return postpone(name, errno);
    return unreadable(name, status, fmt::format("it can't be opened, {}; let this user read it", system_text(errno)));
  }
  if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
    return std::nullopt;  // replaced meanwhile: read next time
  if (writers_of(file.get()) == Writers::some) {
    held_back_ = true;
    return std::nullopt;
  }
  return read_open(name, file.get(), status, bounds);
}

std::optional<Item> Maildir::read_open(const std::string& name, int fd, const struct stat& status,
                                       const Bounds& bounds) {
  const auto identity = identity_of(status);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0) {
    if (time_since_change(status) < kEmptyFor) {
      held_back_ = true;
      return std::nullopt;
    }
    read_[name] = identity;
    return Item{.where = name, .content = Unreadable{.reason = "empty", .detail = "the file is empty", .bytes = ""}};
  }
  const bool too_large = size > bounds.message;
  std::string bytes(too_large ? std::min<std::uint64_t>(size, kKept) : size, '\0');
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t part = ::read(fd, bytes.data() + got, bytes.size() - got);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0 && is_shortage(errno)) return postpone(name, errno);
    if (part < 0) return unreadable(name, status, fmt::format("it can't be read, {}", system_text(errno)));
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  bytes.resize(got);
  read_[name] = identity;
  if (too_large) return Item{.where = name, .content = too_large_message(size, bounds.message, std::move(bytes))};
  TrapDelivery delivery;
  delivery.received_at = changed_at(status);
  delivery.message = std::move(bytes);
  return Item{.where = name, .content = std::move(delivery)};
}

std::expected<Chunk, FeedError> Maildir::next(const Bounds& bounds) {
  // The last chunk wasn't committed: its files are still in new/ and are read again.
  if (!read_.empty() || !reported_.empty()) {
    read_.clear();
    reported_.clear();
    changed_ = true;
    names_.clear();
  }
  if (auto watched = watch(); !watched) return std::unexpected(watched.error());
  drain_inotify();
  if (names_.empty() && (changed_ || held_back_)) {
    if (auto listed = scan(); !listed) return std::unexpected(listed.error());
  }
  Chunk chunk;
  std::size_t octets = 0;
  short_of_.reset();
  while (!names_.empty() && !short_of_ && chunk.items.size() < bounds.items && octets < bounds.octets) {
    const std::string name = std::move(names_.front());
    names_.pop_front();
    if (auto item = read(name, bounds)) {
      octets += size_of(*item);
      chunk.items.push_back(std::move(*item));
    }
  }
  // What was read before the failure is delivered first; the next call comes to the failure again.
  if (short_of_ && chunk.items.empty()) return std::unexpected(*short_of_);
  if (!read_.empty()) chunk.position = position_of(read_);
  chunk.drained = names_.empty() && !changed_;
  return chunk;
}

bool Maildir::move_on(const std::string& name, const Identity& identity) {
  struct stat status{};
  if (fstatat(new_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
  if (identity_of(status) != identity) return true;  // a newer file of that name, which will be read
  if (after_ == AfterCommit::remove) return unlinkat(new_.get(), name.c_str(), 0) == 0;
  // Without flags, since no user has seen it. A file in cur/ is never overwritten.
  const bool has_flags = name.contains(":2,");
  for (const auto& target : {has_flags ? name : name + ":2,", fmt::format("{}.{}:2,", name, identity.inode)}) {
    const std::string to = path_ + "/cur/" + target;
    if (renameat2(new_.get(), name.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == EINVAL) {  // the file system doesn't support RENAME_NOREPLACE
      if (faccessat(AT_FDCWD, to.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) continue;
      return renameat(new_.get(), name.c_str(), AT_FDCWD, to.c_str()) == 0;
    }
    if (errno != EEXIST) return false;
  }
  return false;
}

std::expected<void, FeedError> Maildir::committed() {
  left_.merge(std::exchange(reported_, {}));
  std::size_t failed = 0;
  int fault = 0;
  std::string example;
  for (auto& [name, identity] : std::exchange(read_, {})) {
    if (move_on(name, identity)) continue;
    if (failed++ == 0) {
      fault = errno;
      example = name;
    }
    leave(name);
  }
  if (failed == 0) return {};
  return std::unexpected(error(fmt::format(
      "{} of the files read can't be {} ({}: {}); let this user write to new/ and cur/. They aren't read again until "
      "the "
      "next start, and then they are known",
      failed, after_ == AfterCommit::remove ? "removed from new/" : "moved to cur/", example, system_text(fault))));
}

}  // namespace

std::expected<std::unique_ptr<Feed>, FeedError> open_maildir(const std::string& path, AfterCommit after,
                                                             const std::optional<std::string>& position) {
  Descriptor inotify(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.is_open()) {
    return std::unexpected(FeedError{fmt::format(
        "maildir {}: inotify is unavailable, {}; raise fs.inotify.max_user_instances", path, system_text(errno))});
  }
  return std::make_unique<Maildir>(path, after, position.value_or(""), std::move(inotify));
}

}  // namespace blowback::feed
