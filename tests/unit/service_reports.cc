// The server's log lines about its secondaries, as they are on standard error.
#include "catch.h"
#include "reports.h"
#include "system/descriptor.h"
#include "watch/log.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

using namespace blowback;
using namespace std::chrono_literals;

namespace {

/// What `run` writes to standard error.
std::string logged(const std::function<void()>& run) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  const Descriptor former(dup(STDERR_FILENO));
  REQUIRE(dup2(fileno(file.get()), STDERR_FILENO) == STDERR_FILENO);
  watch::log_by({});
  run();
  watch::log_by({.level = config::LogLevel::error});  // as the other tests of this program
  REQUIRE(dup2(former.get(), STDERR_FILENO) == STDERR_FILENO);
  std::string text(static_cast<std::size_t>(lseek(fileno(file.get()), 0, SEEK_END)), '\0');
  REQUIRE(pread(fileno(file.get()), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  return text;
}

}  // namespace

TEST_CASE("a secondary that lags is a warning with both serials, and its end is none", "[service][log]") {
  transfer::LagReport report{.lags = true,
                             .state = {.secondary = {.address = *IpAddress::parse("2001:db8::53"), .port = 53},
                                       .answers = true,
                                       .serial = 5,
                                       .behind = 2,
                                       .lag = 301'900ms},
                             .serial = 7,
                             .text = "it answers, but doesn't transfer the zone"};
  CHECK_THAT(logged([&] { service::log_lag(report); }),
             Catch::EndsWith(" warning secondary-lags secondary=[2001:db8::53]:53 serial=7 theirs=5 seconds=301 "
                             "detail=\"it answers, but doesn't transfer the zone\"\n"));
  report.state.serial.reset();
  CHECK_THAT(logged([&] { service::log_lag(report); }), !Catch::Contains("theirs"));
  report = {.lags = false, .state = report.state, .serial = 7, .text = {}};
  report.state.serial = 7;
  report.state.lag = {};
  CHECK_THAT(logged([&] { service::log_lag(report); }),
             Catch::EndsWith(" info secondary-follows secondary=[2001:db8::53]:53 serial=7 theirs=7 seconds=0\n"));
}
