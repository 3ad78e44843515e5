// `blowback import FILE`: a list from elsewhere, one address or network per line, millions of lines.
#include "command.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

namespace blowback::cli {
namespace {

/// Lines that can't be taken are told one by one up to here, and counted beyond.
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

struct Entries {
  std::vector<Prefix> prefixes;
  std::size_t lines = 0;
  std::size_t bad = 0;   ///< lines that aren't understood
  std::size_t wide = 0;  ///< lines that need --wide and haven't it
};

/// Tells of lines that can't be taken, naming them after `source`. Whether it was read to its end is the caller's to ask.
[[nodiscard]] Entries read_entries(const Context& context, std::FILE* file, const std::string& source,
                                   Permission permission) {
  Entries entries;
  const auto tell = [&](const std::string& text) {
    context.complain(fmt::format("{}:{}: {}", source, entries.lines, text), kNo);
  };
  std::string line;
  for (Lines lines(file); lines.next(line);) {
    ++entries.lines;
    const auto entry = entry_of(line);
    if (entry.empty()) continue;
    const auto parsed = Prefix::parse(entry);
    if (!parsed) {
      if (++entries.bad <= kTold) tell(harmless(parsed.error().text, 2 * kShown));
      continue;
    }
    entries.prefixes.push_back(*parsed);
    if (permission == Permission::wide) continue;
    const auto reach = reach_of(*parsed);
    if (reach.breadth == Breadth::narrow || ++entries.wide > kTold) continue;
    tell(fmt::format("{}; this would list {}", in_words(reach), to_string(reach.addresses)));
  }
  if (entries.bad > kTold) {
    context.complain(fmt::format("… and {} more lines that aren't understood", entries.bad - kTold), kNo);
  }
  if (entries.wide > kTold) {
    context.complain(fmt::format("… and {} more lines that need --wide", entries.wide - kTold), kNo);
  }
  return entries;
}

}  // namespace

int import(Context& context, const std::string& file, const DecisionArguments& arguments) {
  const auto decided = decision(context, arguments.reason);
  const auto ends = until(context, arguments.duration);
  if (!decided || !ends) return kWrongUse;
  const bool from_input = file == "-";
  const std::string source = from_input ? "standard input" : file;
  // Standard input isn't ours to close.
  const std::unique_ptr<std::FILE, Close> opened(from_input ? nullptr : std::fopen(file.c_str(), "rb"));
  std::FILE* const input = from_input ? context.world.in : opened.get();
  if (input == nullptr) return context.complain(file + ": can't be read; check the name and its permissions", kFailed);

  auto [prefixes, lines, bad, wide] = read_entries(context, input, source, arguments.permission());
  if (std::ferror(input) != 0)
    return context.complain(file + ": reading failed half-way; nothing was imported", kFailed);
  if (prefixes.empty()) return context.complain(fmt::format("{}: no address or network in it", file), kNo);

  std::ranges::sort(prefixes);
  prefixes.erase(std::ranges::unique(prefixes).begin(), prefixes.end());
  const auto reach = reach_of(prefixes);
  if (reach.breadth != Breadth::narrow && !arguments.wide) {
    // All or nothing: of a file with such a line in it the other lines are in doubt, too.
    const auto why = wide > 0 ? fmt::format("{} line{} need{} --wide", wide, wide == 1 ? "" : "s", wide == 1 ? "s" : "")
                              : in_words(reach);
    return context.complain(fmt::format("{}: {}; the file names {}. Nothing was imported; if you mean all of it, add "
                                        "--wide, else correct the file",
                                        source, why, to_string(reach.addresses)),
                            kWrongUse);
  }
  auto store = context.store(schema::Store::Mode::create);
  if (!store) return context.failure;
  context.show_progress(*store, "import");
  const auto listed = store->list(prefixes, *ends, *decided, context.world.now, source, arguments.permission());
  if (!listed) return context.complain(listed.error());
  context.say(
      fmt::format("{} lines: {} listed, {} exempt, {} not understood", lines, *listed, prefixes.size() - *listed, bad));
  if (arguments.wide) context.say(fmt::format("{} in all", to_string(reach.addresses)));
  return bad == 0 ? kYes : kNo;
}

}  // namespace blowback::cli
