// What is known of a secondary's serial: one on loopback that follows, lags, has no zone, or says nothing.
#include "transfer/secondary_serials.h"
#include "transfer/soa_reply.h"
#include "transfer_fixture.h"
#include "transfer_secondary.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace blowback;
using namespace blowback::test;
using namespace std::chrono_literals;
using transfer::LagReport;
using transfer::SecondarySerials;

namespace {

class Running {
 public:
  explicit Running(std::chrono::milliseconds reported_lag = 5min) : reported_lag_(reported_lag) {
    zones_.publish(Transferable({}).zones);
  }
  void publish(Serial serial, bool stale = false) { view_.publish(view_of(index_of({}, {}, serial), stale)); }
  void ask(const config::Endpoint& at) {
    serials_.emplace(std::vector{at}, SecondarySerials::Sources{.zones = zones_,
                                                                .view = view_,
                                                                .report =
                                                                    [this](const auto& report) {
                                                                      const std::scoped_lock lock(mutex_);
                                                                      reports_.push_back(report);
                                                                      changed_.notify_all();
                                                                    },
                                                                .reported_lag = reported_lag_});
  }
  [[nodiscard]] LagReport report() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 60s, [&] { return !reports_.empty(); }));
    const auto first = reports_.front();
    reports_.erase(reports_.begin());
    return first;
  }
  [[nodiscard]] transfer::SecondarySerial state() const { return serials_->all().front(); }
  template <typename Condition>
  void wait(Condition condition) const {
    for (const auto end = std::chrono::steady_clock::now() + 60s; !condition(state());) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      std::this_thread::sleep_for(1ms);
    }
  }

 private:
  std::chrono::milliseconds reported_lag_;
  zone::Published<answer::ServedZones> zones_;
  zone::Published<zone::View> view_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<LagReport> reports_;
  std::optional<SecondarySerials> serials_;
};

/// What a name server of the zone with that serial replies.
Bytes reply_to(const Bytes& query, Serial serial) {
  const Transferable source(index_of({}, {}, serial));
  const auto view = view_of(index_of({}, {}, serial));
  Bytes reply(answer::kLongestTcpReply);
  const answer::Asked asked{.message = query, .client = kClient, .transport = answer::Transport::udp};
  reply.resize(answer::answer(asked, source.zones, view, {kNow, {}}, nullptr, reply).size);
  return reply;
}

}  // namespace

TEST_CASE("a secondary is asked at the start and after a change, and lags from the change until it has it",
          "[transfer][secondary]") {
  Secondary secondary;
  Running running;
  running.publish(7);
  running.ask(secondary.at());
  CHECK_FALSE(running.state().serial);
  secondary.send(reply_to(secondary.receive(), 7));
  running.wait([](const auto& state) { return state.behind == 0; });
  CHECK(running.state().answers);
  CHECK(running.state().serial == 7U);
  CHECK(running.state().lag == 0ms);

  running.publish(10);
  running.wait([](const auto& state) { return state.behind == 3; });
  running.wait([](const auto& state) { return state.lag > 0ms; });
  secondary.send(reply_to(secondary.receive(), 8));
  running.wait([](const auto& state) { return state.serial == 8U; });
  CHECK(running.state().behind == 2);
  const auto lag = running.state().lag;
  CHECK(lag > 0ms);
  secondary.send(reply_to(secondary.receive(), 10));
  running.wait([](const auto& state) { return state.behind == 0; });
  CHECK(running.state().lag == 0ms);
}

TEST_CASE("a lag that lasts is reported once, with its reason, and so is its end", "[transfer][secondary]") {
  Secondary secondary;
  Running running(2s);
  running.publish(0xffff'ffff);
  running.ask(secondary.at());
  secondary.send(reply_to(secondary.receive(), 0xffff'ffff));
  running.wait([](const auto& state) { return state.behind == 0; });
  running.publish(0x1'0000'0001);  // RFC 1982: 1, two later
  secondary.send(reply_to(secondary.receive(), 0xffff'ffff));
  const auto lags = running.report();
  CHECK(lags.lags);
  CHECK(lags.serial == 1);
  CHECK(lags.state.behind == 2);
  CHECK(lags.state.lag > 2s);
  CHECK_THAT(lags.text, Catch::Contains("doesn't transfer"));
  secondary.send(reply_to(secondary.receive(), 1));
  const auto follows = running.report();
  CHECK_FALSE(follows.lags);
  CHECK(follows.text.empty());
}

TEST_CASE("a secondary without the zone, or that says nothing, has no serial, and its lag is told from",
          "[transfer][secondary]") {
  Secondary secondary;
  Running running(2s);
  running.publish(7);
  running.ask(secondary.at());
  const bool refuses = GENERATE(true, false);
  if (refuses) {
    for (int i = 0; i < 2; ++i) secondary.answer(secondary.receive(), LDNS_RCODE_REFUSED);
  }
  const auto lags = running.report();
  CHECK(lags.lags);
  CHECK_FALSE(lags.state.serial);
  CHECK_FALSE(lags.state.behind);
  CHECK_FALSE(lags.state.answers);
  CHECK_THAT(lags.text, Catch::Contains(refuses ? "RCODE 5" : "no answer"));
}

TEST_CASE("a secondary with a newer serial than the zone's is told from one that is slow", "[transfer][secondary]") {
  Secondary secondary;
  Running running(100ms);
  running.publish(7);
  running.ask(secondary.at());
  secondary.send(reply_to(secondary.receive(), 9));
  auto report = running.report();
  // Perhaps the lag of a secondary that hasn't answered yet came first.
  if (!report.state.serial) {
    running.wait([](const auto& state) { return state.behind == -2; });
    return;
  }
  CHECK(report.state.behind == -2);
  CHECK_THAT(report.text, Catch::Contains("newer"));
}

TEST_CASE("what isn't a reply to the query is ignored", "[transfer][secondary]") {
  Secondary secondary;
  Running running;
  running.publish(7);
  running.ask(secondary.at());
  const auto query = secondary.receive();
  auto other_id = reply_to(query, 9);
  other_id[0] ^= 1U;
  secondary.send(Bytes(1));
  secondary.send(other_id);
  secondary.send(query);
  secondary.send(reply_to(query, 7));
  running.wait([](const auto& state) { return state.serial.has_value(); });
  CHECK(running.state().serial == 7U);
}

TEST_CASE("nobody is asked while the list is stale, or not there yet", "[transfer][secondary]") {
  Secondary secondary;
  Running running;
  running.ask(secondary.at());
  running.publish(7, true);
  CHECK(secondary.is_quiet(500ms));
  CHECK(running.state().lag == 0ms);
}
