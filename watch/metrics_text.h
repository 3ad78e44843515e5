// Writes metrics in Prometheus's text exposition format, version 0.0.4.
//
// A document consists of families: HELP, TYPE, then the samples. The callers choose names and types; this class makes the format, and
// escapes label values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::watch {

/// The document's Content-Type.
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

class MetricsText {
 public:
  /// Name and value. Octets of the value that aren't UTF-8 become U+FFFD.
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::initializer_list<Label>;

  enum class Type : std::uint8_t { counter, gauge, histogram };

  /// Begins a family, to which the following samples belong. `help`: one sentence without a line feed.
  void family(std::string_view name, Type type, std::string_view help);
  void sample(std::uint64_t value, Labels labels = {});
  /// NaN: no value. Whole numbers are written without a fraction.
  void sample(double value, Labels labels = {});
  /// A family with one sample.
  void single(std::string_view name, Type type, std::string_view help, double value);
  void single(std::string_view name, Type type, std::string_view help, std::uint64_t value);

  /// A bucket with what isn't in the buckets before it; `up_to` in seconds.
  struct Bucket {
    double up_to = 0;
    std::uint64_t count = 0;
  };
  /// All samples of a histogram. The buckets ascend; `beyond`: what is in none of them.
  void histogram(std::span<const Bucket> buckets, std::uint64_t beyond, double sum);

  [[nodiscard]] std::string done() && { return std::move(text_); }

 private:
  void begin_sample(std::string_view suffix, Labels labels);
  std::string text_;
  std::string name_;
};

/// Adds the process's own metrics under the names of Prometheus's libraries: version, start, processor time, memory. `started_at` in seconds
/// since 1970. Reads /proc; if that isn't possible, memory is left out.
void add_process(MetricsText& text, std::string_view program, std::string_view version, double started_at);

}  // namespace blowback::watch
