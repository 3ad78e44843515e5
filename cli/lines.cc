#include "lines.h"

#include "blowback/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <system_error>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace blowback::cli {
namespace {

constexpr std::size_t kBuffer = 1U << 16U;
constexpr std::size_t kLongest = 4096;
/// So many bad lines are reported one by one; the others are only counted.
constexpr std::size_t kReported = 20;
/// The length of a message about a line, which quotes some of it.
constexpr std::size_t kShown = 200;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[nodiscard]] std::string why_unread(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "there is no such file; check the name";
    case EISDIR:
      return "is a folder; name a file in it";
    case EACCES:
      return "this user has no permission to read it; run as another user, or change its mode";
    default:
      return fmt::format("can't be read: {}; see that it is a readable file", std::generic_category().message(error));
  }
}

template <typename T>
[[nodiscard]] OrExit<Given<T>> given(const Context& context, const SeveralArguments& several) {
  Given<T> found;
  std::unordered_set<T> known;
  BadLines bad(context, found.source);
  const auto add = [&](std::string_view text, std::size_t line) {
    const auto parsed = T::parse(text);
    if (!parsed) {
      bad.report(line, std::is_same_v<T, IpAddress> ? why_no_address(text) : parsed.error().text);
    } else if (known.insert(*parsed).second) {
      found.all.push_back({.value = *parsed, .line = line});
    }
  };
  std::string file = several.file;
  for (const auto& text : several.texts) {
    if (text == "-" && file.empty()) {
      file = text;
    } else {
      add(text, 0);
    }
  }
  if (!file.empty()) {
    auto input = Input::open(context, file);
    if (!input) return std::unexpected(input.error());
    found.source = input->name();
    for (std::string line; input->next(line);) {
      if (const auto entry = entry_of(line); !entry.empty()) add(entry, input->line());
    }
    if (input->failed()) {
      return std::unexpected(context.fail(found.source + ": reading failed before its end; nothing was done", kFailed));
    }
  }
  bad.report_rest("that aren't understood");
  found.refused = bad.count();
  if (!found.all.empty()) return found;
  if (found.refused == 0) {
    context.warn(file.empty() ? "name an address, or a file of them by --file FILE (- is standard input)"
                              : found.source + ": no address or network in it");
  }
  return std::unexpected(int{kWrongUse});
}

}  // namespace

Input::Input(std::FILE* file, std::unique_ptr<std::FILE, Close> ours, std::string name)
    : file_(file), ours_(std::move(ours)), name_(std::move(name)), buffer_(std::make_unique<char[]>(kBuffer)) {}

OrExit<Input> Input::open(const Context& context, const std::string& file) {
  if (file == "-") return Input(context.world.in, nullptr, "standard input");
  std::unique_ptr<std::FILE, Close> opened(std::fopen(file.c_str(), "rb"));
  int error = opened ? 0 : errno;
  struct stat status{};
  // Opening a folder succeeds; only reading from it would fail.
  if (opened && ::fstat(::fileno(opened.get()), &status) == 0 && S_ISDIR(status.st_mode)) error = EISDIR;
  if (error == 0) {
    std::FILE* const raw = opened.get();
    return Input(raw, std::move(opened), file);
  }
  return std::unexpected(context.fail(fmt::format("{}: {}", file, why_unread(error)), kFailed));
}

bool Input::next_raw(std::string& line) {
  line.clear();
  bool any = false;
  while (true) {
    if (at_ == end_) {
      if (std::feof(file_) != 0 || std::ferror(file_) != 0) return any;
      end_ = std::fread(buffer_.get(), 1, kBuffer, file_);
      at_ = 0;
      if (end_ == 0) return any;
    }
    any = true;
    const char* const begin = buffer_.get() + at_;
    const char* const stop = std::find(begin, static_cast<const char*>(buffer_.get()) + end_, '\n');
    const auto length = static_cast<std::size_t>(stop - begin);
    if (line.size() < kLongest) line.append(begin, std::min(length, kLongest - line.size()));
    at_ += length;
    if (at_ == end_) continue;
    ++at_;
    return true;
  }
}

bool Input::next(std::string& line) {
  if (!next_raw(line)) return false;
  if (++line_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

std::string_view entry_of(std::string_view line) { return trimmed(line.substr(0, line.find_first_of("#;"))); }

void BadLines::report(std::size_t line, const std::string& text) {
  if (++count_ > kReported) return;
  const auto shown = harmless(text, kShown);
  context_.warn(line == 0 ? shown : fmt::format("{}:{}: {}", source_, line, shown));
}

void BadLines::report_rest(std::string_view what) const {
  if (count_ > kReported) context_.warn(fmt::format("… and {} more lines {}", count_ - kReported, what));
}

OrExit<Given<IpAddress>> addresses(const Context& context, const SeveralArguments& several) {
  return given<IpAddress>(context, several);
}

OrExit<Given<Prefix>> networks(const Context& context, const SeveralArguments& several) {
  return given<Prefix>(context, several);
}

}  // namespace blowback::cli
