// `blowback import FILE`: a list from elsewhere, one address or network per line, millions of lines.
#include "command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

namespace blowback::cli {
namespace {

/// Bad lines are told one by one up to here, and counted beyond.
constexpr std::size_t kTold = 20;
/// No address is longer; what is, is cut in messages.
constexpr std::size_t kShown = 60;

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// Reads lines of any length in constant memory: of a longer one the beginning is kept, enough to refuse it.
class Lines {
 public:
  explicit Lines(std::FILE* file) : file_(file) {}
  [[nodiscard]] bool next(std::string& line) {
    line.clear();
    while (true) {
      if (at_ == end_) {
        if (std::feof(file_) != 0 || std::ferror(file_) != 0) return !line.empty();
        end_ = std::fread(buffer_.get(), 1, kBuffer, file_);
        at_ = 0;
        if (end_ == 0) return !line.empty();
      }
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

 private:
  static constexpr std::size_t kBuffer = 1U << 20U;
  static constexpr std::size_t kLongest = 4096;
  std::FILE* file_;
  std::unique_ptr<char[]> buffer_ = std::make_unique<char[]>(kBuffer);
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

/// Without blanks around it and a comment behind it.
[[nodiscard]] std::string_view entry_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace

int import(Context& context, const std::string& file, const DecisionArguments& arguments) {
  const auto decided = decision(context, arguments.reason);
  const auto ends = until(context, arguments.duration);
  if (!decided || !ends) return kWrongUse;
  const bool from_input = file == "-";
  // Standard input isn't ours to close.
  const std::unique_ptr<std::FILE, Close> opened(from_input ? nullptr : std::fopen(file.c_str(), "rb"));
  std::FILE* const source = from_input ? context.world.in : opened.get();
  if (source == nullptr) return context.complain(file + ": can't be read; check the name and its permissions", kFailed);

  std::vector<Prefix> prefixes;
  std::string line;
  std::size_t number = 0;
  std::size_t bad = 0;
  for (Lines lines(source); lines.next(line);) {
    ++number;
    const auto entry = entry_of(line);
    if (entry.empty()) continue;
    if (auto parsed = Prefix::parse(entry)) {
      prefixes.push_back(*parsed);
    } else if (++bad <= kTold) {
      context.complain(fmt::format("{}:{}: {}", from_input ? "standard input" : file, number,
                                   harmless(parsed.error().text, 2 * kShown)),
                       kNo);
    }
  }
  if (std::ferror(source) != 0)
    return context.complain(file + ": reading failed half-way; nothing was imported", kFailed);
  if (bad > kTold) context.complain(fmt::format("… and {} more lines like these", bad - kTold), kNo);
  if (prefixes.empty()) return context.complain(fmt::format("{}: no address or network in it", file), kNo);

  std::ranges::sort(prefixes);
  prefixes.erase(std::ranges::unique(prefixes).begin(), prefixes.end());
  auto store = context.store(schema::Store::Mode::create);
  if (!store) return context.failure;
  const auto listed = store->list(prefixes, *ends, *decided, context.world.now, from_input ? "standard input" : file);
  if (!listed) return context.complain(listed.error());
  context.say(fmt::format("{} lines: {} listed, {} exempt, {} not understood", number, *listed,
                          prefixes.size() - *listed, bad));
  return bad == 0 ? kYes : kNo;
}

}  // namespace blowback::cli
