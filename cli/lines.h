// Lists that people keep in files, one entry per line: lines of any length, CRLF, comments, a byte order mark.
#pragma once

#include "arguments.h"
#include "context.h"

#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// A file, or standard input, which is never closed.
class Input {
 public:
  /// `file`: `-` is standard input. Fails if it can't be read.
  [[nodiscard]] static OrExit<Input> open(const Context& context, const std::string& file);

  /// Reads one line, in constant memory: the rest of a line beyond 4 KiB is dropped, and what remains is no valid entry. A byte
  /// order mark at the beginning of the file and a CR at the end of a line are removed. False: no more lines, or `failed`.
  [[nodiscard]] bool next(std::string& line);
  /// Reading ended with an error.
  [[nodiscard]] bool failed() const { return std::ferror(file_) != 0; }
  /// The number of the line that was read last, from 1.
  [[nodiscard]] std::size_t line() const { return line_; }
  /// `bad.txt`, `standard input`.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Input(std::FILE* file, std::unique_ptr<std::FILE, Close> ours, std::string name);
  [[nodiscard]] bool next_raw(std::string& line);

  std::FILE* file_;
  std::unique_ptr<std::FILE, Close> ours_;
  std::string name_;
  std::unique_ptr<char[]> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::size_t line_ = 0;
};

/// The line without blanks at either end and without a comment (from `#`, or from `;` as in files of Spamhaus). Pure.
[[nodiscard]] std::string_view entry_of(std::string_view line);

/// Reports bad lines one by one, up to twenty; `report_rest` reports how many more there are.
class BadLines {
 public:
  BadLines(const Context& context, const std::string& source) : context_(context), source_(source) {}
  /// `line` 0: a command line argument.
  void report(std::size_t line, const std::string& text);
  /// `what`: `lines that aren't understood`.
  void report_rest(std::string_view what) const;
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  const Context& context_;
  const std::string& source_;
  std::size_t count_ = 0;
};

/// The addresses or networks that a command was given, as arguments or as lines of a file.
template <typename T>
struct Given {
  struct One {
    T value;
    std::size_t line = 0;  ///< its number in `source`; 0: an argument
  };
  std::vector<One> all;  ///< without duplicates, in the order given
  std::string source;
  std::size_t refused = 0;  ///< how many weren't understood; each was reported

  /// `bad.txt:7: `; "" for an argument.
  [[nodiscard]] std::string where(const One& one) const {
    return one.line == 0 ? std::string() : source + ":" + std::to_string(one.line) + ": ";
  }
};

/// What isn't understood is reported and left out. Fails if nothing remains.
[[nodiscard]] OrExit<Given<IpAddress>> addresses(const Context& context, const SeveralArguments& several);
/// The same for networks.
[[nodiscard]] OrExit<Given<Prefix>> networks(const Context& context, const SeveralArguments& several);

}  // namespace blowback::cli
