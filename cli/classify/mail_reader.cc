#include "mail_reader.h"

#include "mail/message.h"
#include "system/descriptor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <span>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFromLine = "From ";
constexpr const char* kStandardInput = "standard input";

[[nodiscard]] std::string text_of(int error) { return std::generic_category().message(error); }

/// The octets from `offset` on: as many as `room` has, fewer at the end of the file, or an errno value.
[[nodiscard]] std::expected<std::size_t, int> read_at(int fd, std::size_t offset, std::span<char> room) {
  std::size_t done = 0;
  while (done < room.size()) {
    const ssize_t got = ::pread(fd, room.data() + done, room.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

[[nodiscard]] bool begins_with_from_line(int fd) {
  std::array<char, kFromLine.size()> beginning{};
  const auto got = read_at(fd, 0, beginning);
  return got && std::string_view(beginning.data(), *got) == kFromLine;
}

/// The number in `offset 4096` or `line 12`.
[[nodiscard]] std::optional<std::uint64_t> number_in(std::string_view where) {
  where.remove_prefix(std::min(where.find(' ') + 1, where.size()));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(where.data(), where.data() + where.size(), number);
  if (error != std::errc{} || end != where.data() + where.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string Place::to_string() const {
  if (!number) return path;
  return form == Form::mbox ? fmt::format("{}:offset {}", path, *number) : fmt::format("{}:{}", path, *number);
}

void MailReader::read(const std::string& path) {
  if (path == "-") {
    const int fd = ::fileno(context_.world.in);
    if (json_lines_) {
      const auto feed = feed::read_jsonl(fd, kStandardInput);
      static_cast<void>(take_all(*feed, kStandardInput, Place::Form::json_line));
    } else if (const auto feed = feed::open_stdin(fd, {}, context_.world.now)) {
      if (!take_all(**feed, kStandardInput, Place::Form::message)) takers_.failed(kStandardInput, "it is empty");
    }
    return;
  }
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    file(path);
    return;
  }
  std::vector<fs::path> entries;
  for (fs::recursive_directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file(error)) entries.push_back(at->path());
  }
  if (error) takers_.failed(path, error.message());
  std::ranges::sort(entries);
  for (const auto& entry : entries) file(entry);
}

void MailReader::file(const fs::path& path) {
  if (json_lines_) {
    json_lines(path.string());
  } else {
    message(path);
  }
}

void MailReader::message(const fs::path& path) {
  // Without O_NONBLOCK a FIFO would be waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return takers_.failed(path.string(), text_of(errno));
  if (!S_ISREG(status.st_mode)) return takers_.failed(path.string(), "not a file");
  // One message by its name, even if a mail program wrote a `From ` line at its beginning.
  if (path.extension() != ".eml" && begins_with_from_line(file.get())) return mbox(path.string());
  const auto size = static_cast<std::size_t>(status.st_size);
  const Place place{.path = path.string()};
  if (size > mail::Limits{}.message) {
    takers_.unreadable(place,
                       {.reason = "too-large",
                        .detail = fmt::format("{} octets; the judge reads at most {}", size, mail::Limits{}.message),
                        .bytes = ""});
    return;
  }
  auto bytes = std::move(delivery_.message);
  bytes.resize(size);
  delivery_ = TrapDelivery{};
  delivery_.message = std::move(bytes);
  const auto got = read_at(file.get(), 0, delivery_.message);
  if (!got) return takers_.failed(place.path, text_of(got.error()));
  if (*got != size) return takers_.failed(place.path, "it became shorter while it was read");
  takers_.message(place, delivery_);
}

void MailReader::mbox(const std::string& path) {
  // Whether the boundaries can be trusted doesn't matter: nobody is listed because of this.
  const auto feed = feed::open_mbox(path, feed::MboxQuoting::mboxrd, std::nullopt);
  if (!feed) return takers_.failed(path, feed.error().text);
  static_cast<void>(take_all(**feed, path, Place::Form::mbox));
}

void MailReader::json_lines(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return takers_.failed(path, text_of(errno));
  const auto feed = feed::read_jsonl(file.get(), "the file");
  static_cast<void>(take_all(*feed, path, Place::Form::json_line));
}

bool MailReader::take_all(feed::Feed& feed, const std::string& path, Place::Form form) {
  bool found = false;
  const auto failed = [&](const feed::FeedError& error) {
    takers_.failed(path, error.text);
    return true;
  };
  while (true) {
    auto chunk = feed.next({});
    if (!chunk) return failed(chunk.error());
    found |= !chunk->items.empty();
    for (auto& item : chunk->items) {
      const Place place{.path = path, .form = form, .number = number_in(item.where)};
      if (auto* const delivery = std::get_if<TrapDelivery>(&item.content)) {
        takers_.message(place, *delivery);
      } else {
        takers_.unreadable(place, std::get<feed::Unreadable>(item.content));
      }
    }
    if (chunk->drained && chunk->items.empty()) return found;
    if (const auto taken = feed.committed(); !taken) return failed(taken.error());
  }
}

}  // namespace blowback::cli
