// Metrics as Prometheus reads them: its text exposition format, version 0.0.4.
//
// A document is built family by family: HELP, TYPE, then the samples. Names and types are whoever's who counts; here is the
// form alone, and that no label value, whoever wrote it, can break out of its quotes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::watch {

/// What goes with the document as its Content-Type.
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

class MetricsText {
 public:
  /// Name and value. Octets of a value that aren't UTF-8 become U+FFFD.
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  enum class Type : std::uint8_t { counter, gauge, histogram };

  /// Begins a family; samples that follow are of it. `name` ends in `_total` exactly if it is a counter of ours; `help` is one
  /// sentence without a line feed.
  void family(std::string_view name, Type type, std::string_view help);
  void sample(std::uint64_t value, Labels labels = {});
  /// NaN where there is none; whole numbers are written whole.
  void sample(double value, Labels labels = {});
  /// Of a family of one sample.
  void single(std::string_view name, Type type, std::string_view help, double value);
  void single(std::string_view name, Type type, std::string_view help, std::uint64_t value);

  /// A bucket that holds what isn't in those before it; `up_to` in seconds.
  struct Bucket {
    double up_to = 0;
    std::uint64_t count = 0;
  };
  /// All samples of a histogram. `beyond`: what is in none of the buckets, which ascend.
  void histogram(std::span<const Bucket> buckets, std::uint64_t beyond, double sum);

  [[nodiscard]] std::string done() && { return std::move(text_); }

 private:
  void begin_sample(std::string_view suffix, Labels labels);
  std::string text_;
  std::string name_;
};

/// What every program tells of itself under the names that Prometheus's own libraries use: version, start, processor time,
/// memory. `started_at` in seconds since 1970. Reads /proc; where that is shut, memory is left out.
void add_process(MetricsText& text, std::string_view program, std::string_view version, double started_at);

}  // namespace blowback::watch
