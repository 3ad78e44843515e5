#include "watch/metrics_text.h"

#include "log_text.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <iterator>
#include <memory>
#include <sys/resource.h>

namespace blowback::watch {
namespace {

[[nodiscard]] std::string_view name_of(MetricsText::Type type) {
  switch (type) {
    case MetricsText::Type::counter:
      return "counter";
    case MetricsText::Type::gauge:
      return "gauge";
    case MetricsText::Type::histogram:
      return "histogram";
  }
  return "untyped";
}

/// Escapes the three octets that the format has escapes for.
void append_escaped(std::string& text, std::string_view value) {
  for (const char c : valid_utf8(value)) {
    switch (c) {
      case '\\':
        text += R"(\\)";
        break;
      case '"':
        text += R"(\")";
        break;
      case '\n':
        text += R"(\n)";
        break;
      default:
        text += c;
    }
  }
}

[[nodiscard]] std::string written(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

/// Resident memory in octets; 0: unknown.
[[nodiscard]] std::uint64_t resident_octets() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"), &std::fclose);
  unsigned long long size = 0;
  unsigned long long resident = 0;
  if (!file || std::fscanf(file.get(), "%llu %llu", &size, &resident) != 2) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void MetricsText::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, name_of(type));
}

void MetricsText::begin_sample(std::string_view suffix, Labels labels) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [name, value] : labels) {
    text_ += before;
    text_ += name;
    text_ += "=\"";
    append_escaped(text_, value);
    text_ += '"';
    before = ',';
  }
  text_ += before == '{' ? " " : "} ";
}

void MetricsText::sample(std::uint64_t value, Labels labels) {
  begin_sample("", labels);
  fmt::format_to(std::back_inserter(text_), "{}\n", value);
}

void MetricsText::sample(double value, Labels labels) {
  begin_sample("", labels);
  text_ += written(value);
  text_ += '\n';
}

void MetricsText::single(std::string_view name, Type type, std::string_view help, double value) {
  family(name, type, help);
  sample(value);
}

void MetricsText::single(std::string_view name, Type type, std::string_view help, std::uint64_t value) {
  family(name, type, help);
  sample(value);
}

void MetricsText::histogram(std::span<const Bucket> buckets, std::uint64_t beyond, double sum) {
  std::uint64_t so_far = 0;
  for (const auto& bucket : buckets) {
    so_far += bucket.count;
    begin_sample("_bucket", {{"le", written(bucket.up_to)}});
    fmt::format_to(std::back_inserter(text_), "{}\n", so_far);
  }
  so_far += beyond;
  begin_sample("_bucket", {{"le", "+Inf"}});
  fmt::format_to(std::back_inserter(text_), "{}\n", so_far);
  begin_sample("_sum", {});
  text_ += written(sum);
  text_ += '\n';
  begin_sample("_count", {});
  fmt::format_to(std::back_inserter(text_), "{}\n", so_far);
}

void add_process(MetricsText& text, std::string_view program, std::string_view version, double started_at) {
  using enum MetricsText::Type;
  text.family("blowback_build_info", gauge, "Always 1; its labels say which program of which version this is.");
  text.sample(std::uint64_t{1}, {{"program", program}, {"version", version}});
  text.single("process_start_time_seconds", gauge, "When the process began, in seconds since 1970.", started_at);
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    text.single("process_cpu_seconds_total", counter, "Processor time used, user and system together.",
                seconds(used.ru_utime) + seconds(used.ru_stime));
  }
  if (const auto octets = resident_octets(); octets > 0) {
    text.single("process_resident_memory_bytes", gauge, "Memory that is in use now.", octets);
  }
}

}  // namespace blowback::watch
