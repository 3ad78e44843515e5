#include "catch.h"
#include "watch/health.h"
#include "watch/metrics_text.h"

#include <array>
#include <cstdint>
#include <limits>

using blowback::watch::MetricsText;
using Type = MetricsText::Type;

TEST_CASE("a family is help, type and its samples", "[watch][metrics]") {
  MetricsText text;
  text.family("x_total", Type::counter, "What is counted.");
  text.sample(std::uint64_t{1} << 63U, {{"a", "1"}, {"b", "2"}});
  text.single("y", Type::gauge, "What is.", 0.5);
  text.single("z", Type::gauge, "Not known.", std::numeric_limits<double>::quiet_NaN());
  CHECK(std::move(text).done() ==
        "# HELP x_total What is counted.\n# TYPE x_total counter\nx_total{a=\"1\",b=\"2\"} 9223372036854775808\n"
        "# HELP y What is.\n# TYPE y gauge\ny 0.5\n# HELP z Not known.\n# TYPE z gauge\nz NaN\n");
}

TEST_CASE("a label's value can't break out of its quotes, and is UTF-8", "[watch][metrics][hostile]") {
  MetricsText text;
  text.family("x", Type::gauge, "X.");
  text.sample(std::uint64_t{1}, {{"feed", "a\"} 7\nx{feed=\"b\\\xff"}});
  CHECK(std::move(text).done() ==
        "# HELP x X.\n# TYPE x gauge\nx{feed=\"a\\\"} 7\\nx{feed=\\\"b\\\\\xEF\xBF\xBD\"} 1\n");
}

TEST_CASE("a histogram's buckets add up to its count", "[watch][metrics]") {
  MetricsText text;
  text.family("t_seconds", Type::histogram, "T.");
  const std::array<MetricsText::Bucket, 2> buckets{{{.up_to = 0.001, .count = 2}, {.up_to = 1, .count = 3}}};
  text.histogram(buckets, 4, 12.25);
  CHECK(std::move(text).done() ==
        "# HELP t_seconds T.\n# TYPE t_seconds histogram\nt_seconds_bucket{le=\"0.001\"} 2\nt_seconds_bucket{le=\"1\"} "
        "5\n"
        "t_seconds_bucket{le=\"+Inf\"} 9\nt_seconds_sum 12.25\nt_seconds_count 9\n");
}

TEST_CASE("health names the problem and the remedy", "[watch][health]") {
  CHECK(blowback::watch::to_json({}) == "{\"status\":\"ok\",\"problems\":[]}\n");
  const blowback::watch::Health health{{.name = "a", .detail = "it \"is\" \xff", .mend = "mend it"},
                                       {.name = "b", .detail = "two", .mend = "x"}};
  CHECK(blowback::watch::to_json(health) ==
        "{\"status\":\"failing\",\"problems\":[{\"name\":\"a\",\"detail\":\"it \\\"is\\\" "
        "\xEF\xBF\xBD\",\"mend\":\"mend it\"},"
        "{\"name\":\"b\",\"detail\":\"two\",\"mend\":\"x\"}]}\n");
  CHECK(in_words(health) == "it \"is\" \xff; two");
}
