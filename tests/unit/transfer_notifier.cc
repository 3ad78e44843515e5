// NOTIFY to a secondary on loopback that answers, refuses, or says nothing.
#include "answer/tsig.h"
#include "blowback/ip_address.h"
#include "transfer/notifier.h"
#include "transfer_fixture.h"
#include "transfer_secondary.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace blowback;
using namespace blowback::test;
using namespace std::chrono_literals;
using transfer::Notifier;
using transfer::NotifierReport;

namespace {

std::string serial_in(const Bytes& message) {
  const Reply read(message);
  const auto soas = read.answers();
  REQUIRE(soas.size() == 1);
  const auto rdata = read.rdata().front();
  const auto names = rdata.find(' ', rdata.find(' ') + 1) + 1;
  return rdata.substr(names, rdata.find(' ', names) - names);
}

const answer::TsigKey kKey{
    .name = wire("xfr.example"), .algorithm = config::TsigAlgorithm::hmac_sha256, .secret = Bytes(32, 7)};

/// The answer, signed with a key as the reply to a message that has that MAC.
Bytes signed_answer(const Bytes& message, unsigned rcode, const answer::TsigKey& key) {
  const auto at = answer::last_record(message).value();
  const auto tsig = answer::read_tsig(message, at).value();
  auto reply = message;
  reply.resize(at);
  reply[2] |= 0x80U;
  reply[3] = static_cast<std::uint8_t>(rcode);
  reply[11] = 0;
  reply.resize(at + answer::kLongestTsig);
  answer::TsigSigner signer(tsig, {.state = answer::TsigState::good, .key = &key});
  reply.resize(signer.sign(reply, at, kNow));
  return reply;
}

class Running {
 public:
  explicit Running(const std::vector<config::Zone>& zones = {zone_config()}) {
    auto served = answer::ServedZones::of(zones, {}, {}).value();
    for (auto& zone : served.all) zone.keys = {kKey};
    zones_.publish(std::move(served));
  }
  void publish(Serial serial, bool stale = false) { view_.publish(view_of(index_of({}, {}, serial), stale)); }
  void notify(const config::Endpoint& at, const std::string& key = {}) {
    notifier_.emplace(std::vector{config::Secondary{.at = at, .key = key}},
                      Notifier::Sources{.zones = zones_,
                                        .view = view_,
                                        .clock = [] { return kNow; },
                                        .report =
                                            [this](const auto& report) {
                                              const std::scoped_lock lock(mutex_);
                                              reports_.push_back(report);
                                              changed_.notify_all();
                                            }});
  }
  [[nodiscard]] NotifierReport report() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 60s, [&] { return !reports_.empty(); }));
    const auto first = reports_.front();
    reports_.erase(reports_.begin());
    return first;
  }
  [[nodiscard]] std::vector<transfer::Notified> all() const { return notifier_->notified(); }
  [[nodiscard]] transfer::Notified state() const { return all().front(); }
  template <typename Condition>
  void wait(Condition condition) const {
    for (const auto end = std::chrono::steady_clock::now() + 60s; !condition(state());) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      std::this_thread::yield();
    }
  }

 private:
  zone::Published<answer::ServedZones> zones_;
  zone::Published<zone::View> view_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<NotifierReport> reports_;
  std::optional<Notifier> notifier_;
};

}  // namespace

TEST_CASE("a secondary is told of the serial at the start, and of each that follows its answer", "[transfer][notify]") {
  Secondary secondary;
  Running running;
  running.publish(7);
  running.notify(secondary.at());
  const auto first = secondary.receive();
  CHECK(serial_in(first) == "7");
  const Reply read(first);
  CHECK(ldns_pkt_get_opcode(read.packet()) == LDNS_PACKET_NOTIFY);
  CHECK_FALSE(ldns_pkt_qr(read.packet()));
  CHECK(read.aa());
  CHECK(read.records(LDNS_SECTION_QUESTION) == std::vector<std::string>{"bl.example.org.\tIN\tSOA"});

  // What changes before the answer is told afterwards, the newest only.
  for (Serial serial = 8; serial < 12; ++serial) running.publish(serial);
  secondary.answer(first);
  const auto second = secondary.receive();
  CHECK(serial_in(second) == "11");
  secondary.answer(second);
  running.wait([](const auto& state) { return state.told == 11U && state.waiting == 0ms; });
  CHECK(running.state().sent == 2);
  CHECK(running.state().answered == 2);
  CHECK(running.state().repeated == 0);
  CHECK(secondary.is_quiet(200ms));
}

TEST_CASE("a secondary is told of each zone by itself", "[transfer][notify]") {
  auto other = zone_config();
  other.name = "dsn.example.net";
  other.codes = Code::dsn;
  Secondary secondary;
  Running running({zone_config(), other});
  running.publish(7);
  running.notify(secondary.at());
  const auto zone_in = [](const Bytes& message) {
    const auto question = Reply(message).records(LDNS_SECTION_QUESTION).at(0);
    return question.substr(0, question.find('\t'));
  };
  auto first = secondary.receive();
  auto second = secondary.receive();
  if (zone_in(first) != "bl.example.org.") std::swap(first, second);
  CHECK(zone_in(first) == "bl.example.org.");
  CHECK(zone_in(second) == "dsn.example.net.");
  // An answer for one zone is none for the other.
  secondary.answer(second);
  running.wait([&](const auto&) { return running.all().at(1).told == 7U; });
  CHECK_FALSE(running.all().at(0).told);
  secondary.answer(first, 5);
  const auto refused = running.report();
  CHECK(refused.event == NotifierReport::Event::refuses);
  CHECK(refused.zone == "bl.example.org");
  running.wait([&](const auto&) { return running.all().at(0).refused == 1; });
  CHECK(running.all().at(1).refused == 0);
  CHECK(running.all().at(1).zone == "dsn.example.net");
}

TEST_CASE("a message without an answer is repeated, with the newest serial; what isn't its answer doesn't end that",
          "[transfer][notify]") {
  Secondary secondary;
  Running running;
  running.publish(7);
  running.notify(secondary.at());
  auto first = secondary.receive();
  running.publish(8);
  for (const auto& wrong : {Bytes{}, Bytes(4), first}) secondary.send(wrong.empty() ? Bytes(1) : wrong);
  auto other_id = first;
  other_id[0] ^= 1U;
  secondary.answer(other_id);
  auto other_opcode = first;
  other_opcode[2] = 0;
  secondary.answer(other_opcode);
  const auto second = secondary.receive();
  CHECK(serial_in(second) == "8");
  running.wait([](const auto& state) { return state.repeated == 1; });
  CHECK(running.state().answered == 0);
  // An answer to the message before comes too late.
  if (first[0] != second[0] || first[1] != second[1]) secondary.answer(first);
  secondary.answer(second);
  running.wait([](const auto& state) { return state.told == 8U; });
  CHECK(running.state().answered == 1);
}

TEST_CASE("a refusal ends the repetitions, and is reported once", "[transfer][notify]") {
  Secondary secondary;
  Running running;
  running.publish(7);
  running.notify(secondary.at());
  secondary.answer(secondary.receive(), LDNS_RCODE_REFUSED);
  CHECK(running.report().event == NotifierReport::Event::refuses);
  running.publish(8);
  secondary.answer(secondary.receive(), LDNS_RCODE_REFUSED);
  running.wait([](const auto& state) { return state.refused == 2; });
  running.publish(9);
  secondary.answer(secondary.receive());
  CHECK(running.report().event == NotifierReport::Event::answers);
  CHECK(running.state().refused == 2);
}

TEST_CASE("with a key messages are signed, and only an answer that is signed with it counts",
          "[transfer][notify][tsig]") {
  Secondary secondary;
  Running running;
  running.publish(7);
  running.notify(secondary.at(), "xfr.example");
  const auto first = secondary.receive();
  CHECK(serial_in(first) == "7");
  const auto at = answer::last_record(first).value();
  const auto tsig = answer::read_tsig(first, at).value();
  CHECK(answer::check_tsig(first, at, tsig, std::span(&kKey, 1), kNow)->state == answer::TsigState::good);

  // Neither of these ends the repetitions; what is wrong is reported once.
  auto unsigned_one = first;
  unsigned_one.resize(at);
  unsigned_one[11] = 0;
  auto other_key = kKey;
  other_key.secret.front() ^= 1U;
  const auto forged = signed_answer(first, 0, other_key);
  SECTION("without a signature") { secondary.answer(unsigned_one); }
  SECTION("with another secret") { secondary.send(forged); }
  SECTION("with the signature of the message itself") { secondary.answer(first); }
  const auto report = running.report();
  CHECK(report.event == NotifierReport::Event::refuses);
  CHECK(report.text.find("key") != std::string::npos);
  const auto second = secondary.receive();
  CHECK(running.state().told == std::nullopt);
  // The answer to the first message has another MAC.
  secondary.send(signed_answer(second, 0, kKey));
  CHECK(running.report().event == NotifierReport::Event::answers);
  running.wait([](const auto& state) { return state.told == 7U; });
  CHECK(running.state().answered == 2);
  CHECK(running.state().refused == 1);

  running.publish(8);
  secondary.send(signed_answer(secondary.receive(), LDNS_RCODE_REFUSED, kKey));
  CHECK(running.report().event == NotifierReport::Event::refuses);
  running.wait([](const auto& state) { return state.told == 8U; });
}

TEST_CASE("with a key each zone's answer is checked against the message of that zone", "[transfer][notify][tsig]") {
  auto other = zone_config();
  other.name = "dsn.example.net";
  Secondary secondary;
  Running running({zone_config(), other});
  running.publish(7);
  running.notify(secondary.at(), "xfr.example");
  for (int i = 0; i < 2; ++i) secondary.send(signed_answer(secondary.receive(), 0, kKey));
  running.wait([&](const auto&) {
    return std::ranges::all_of(running.all(), [](const auto& state) { return state.told == 7U; });
  });
  for (const auto& state : running.all()) {
    CHECK(state.answered == 1);
    CHECK(state.refused == 0);
  }
}

TEST_CASE("a secondary whose key the zone doesn't have isn't told", "[transfer][notify][tsig]") {
  Secondary secondary;
  Running running;
  running.publish(7);
  running.notify(secondary.at(), "other.example");
  CHECK(secondary.is_quiet(200ms));
}

TEST_CASE("nobody is told of a list that is stale, or not there yet", "[transfer][notify]") {
  Secondary secondary;
  Running running;
  running.notify(secondary.at());
  running.publish(7, true);
  CHECK(secondary.is_quiet(200ms));
  CHECK(running.state().sent == 0);
}
