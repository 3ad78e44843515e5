// What hinders the work, what is only to be mended, and a config that was refused.
#include "catch.h"
#include "watch/config_in_force.h"
#include "watch/health.h"

#include <string>

namespace blowback::watch {
namespace {

constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};  // 2026-11-24T10:00:00Z

const Trouble kDatabase{.name = "database-trouble", .detail = "the disk is full", .mend = "make room"};

ConfigInForce refused() {
  return after_reload({.read_at = kNow - std::chrono::hours{1}, .refused = {}, .refused_at = {}}, "blowback.toml",
                      "blowback.toml:1: is not TOML", kNow);
}

}  // namespace

TEST_CASE("a refused config is reported, and hinders nothing", "[watch][health]") {
  Health health;
  add_config(health, refused());
  REQUIRE(health.size() == 1);
  CHECK(is_well(health));
  CHECK_THAT(to_json(health), Catch::StartsWith(R"({"status":"ok","problems":[{"name":"config-refused",)"));
  CHECK(health.front().detail ==
        "the config was refused at 2026-11-24T10:00:00Z, the one read at 2026-11-24T09:00:00Z is in force: "
        "blowback.toml:1: is not TOML");
  health.push_back(kDatabase);
  CHECK_FALSE(is_well(health));
  CHECK_THAT(to_json(health), Catch::StartsWith(R"({"status":"failing",)"));
}

TEST_CASE("an accepted config is in force from then on", "[watch][health]") {
  const auto config = after_reload(refused(), "blowback.toml", std::nullopt, kNow + std::chrono::minutes{1});
  CHECK(config.read_at == kNow + std::chrono::minutes{1});
  Health health;
  add_config(health, config);
  CHECK(health.empty());
}

TEST_CASE("metrics show when the config was read, and whether a later one was refused", "[watch][metrics]") {
  MetricsText text;
  add_config(text, refused());
  const auto document = std::move(text).done();
  CHECK_THAT(document, Catch::Contains("\nblowback_config_last_reload_successful 0\n"));
  CHECK_THAT(document, Catch::Contains("\nblowback_config_last_reload_success_timestamp_seconds 1795510800\n"));
}

TEST_CASE("the status is the daemon's work, or what hinders it", "[watch][health]") {
  CHECK(status_sentence("reading", {}) == "reading");
  CHECK(status_sentence("reading", {{.name = "x", .detail = "y is to mend", .mend = "mend y", .hinders = false}}) ==
        "reading; y is to mend");
  CHECK(status_sentence("reading", {kDatabase}) == "the disk is full");
}

}  // namespace blowback::watch
