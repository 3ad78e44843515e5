// One message on standard input, and the envelope around it.
#include "feed_fixture.h"

#include <fcntl.h>

#include <functional>
#include <map>
#include <thread>

namespace blowback::feed {
namespace {

const UnixTime kNow = UnixTime(std::chrono::seconds(1'795'500'000));

/// A pipe whose writer runs beside the test, so that it can write more than a pipe holds.
class Pipe {
 public:
  explicit Pipe(std::string bytes) {
    REQUIRE(pipe(ends_) == 0);
    writer_ = std::thread([this, text = std::move(bytes)] {
      std::size_t at = 0;
      while (at < text.size()) {
        const auto wrote = write(ends_[1], text.data() + at, text.size() - at);
        if (wrote <= 0) break;
        at += static_cast<std::size_t>(wrote);
      }
      close(ends_[1]);
    });
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    writer_.join();
    close(ends_[0]);
  }
  [[nodiscard]] int fd() const { return ends_[0]; }

 private:
  int ends_[2]{-1, -1};
  std::thread writer_;
};

std::vector<Item> items_of(const std::string& bytes, const Envelope& envelope = {}, const Bounds& bounds = {}) {
  const Pipe input(bytes);
  const auto feed = opened(open_stdin(input.fd(), envelope, kNow));
  std::optional<std::string> position;
  auto items = take_all(*feed, position, bounds);
  CHECK_FALSE(position.has_value());
  CHECK(next(*feed).items.empty());
  CHECK(next(*feed).drained);
  return items;
}

TEST_CASE("a message on standard input has the envelope that options give", "[feed][stdin]") {
  const Envelope envelope{
      .client_ip = "192.0.2.1", .helo = "mx.example.com", .mail_from = "", .rcpt_to = {"a@trap.example.net"}};
  const auto items = items_of("A: 1\n\nx\n", envelope);
  REQUIRE(items.size() == 1);
  const auto& read = delivery(items[0]);
  CHECK(read.message == "A: 1\n\nx\n");
  CHECK(read.received_at == kNow);
  CHECK_FALSE(read.time_is_told);
  REQUIRE(read.client.has_value());
  CHECK(read.client->to_string() == "192.0.2.1");
  CHECK(read.helo == "mx.example.com");
  CHECK(read.mail_from == "");
  CHECK(read.rcpt_to == Words{"a@trap.example.net"});
}

TEST_CASE("an empty input is no delivery", "[feed][stdin]") { CHECK(items_of("").empty()); }

TEST_CASE("a From line is taken off, and its address used where nothing better is known", "[feed][stdin]") {
  const std::string from = "From b@example.org  Tue Nov 24 10:00:00 2026\n";
  auto items = items_of(from + "A: 1\n\nx\n");
  CHECK(delivery(items.at(0)).message == "A: 1\n\nx\n");
  CHECK(delivery(items.at(0)).mail_from == "b@example.org");
  items = items_of(from + "A: 1\n\nx\n", {.client_ip = {}, .helo = "", .mail_from = "", .rcpt_to = {}});
  CHECK(delivery(items.at(0)).mail_from == "");
  items = items_of(from + "Return-Path: <>\n\nx\n");
  CHECK_FALSE(delivery(items.at(0)).mail_from.has_value());
  items = items_of("From here on\n");
  CHECK(delivery(items.at(0)).message == "From here on\n");
  CHECK(in_words(items_of(from).at(0)) == "standard input: (empty)");
}

TEST_CASE("stdin: a message at the limit is taken, a larger one is told with its beginning", "[feed][stdin]") {
  Bounds bounds;
  bounds.message = 3U << 20U;
  const std::string from = GENERATE("", "From b@example.org Tue Nov 24 10:00:00 2026\n");
  auto items = items_of(from + std::string(bounds.message, 'x'), {}, bounds);
  CHECK(delivery(items.at(0)).message.size() == bounds.message);
  items = items_of(from + std::string(bounds.message + 1, 'x'), {}, bounds);
  CHECK(unreadable(items.at(0)).reason == "too-large");
  CHECK(unreadable(items.at(0)).bytes == std::string(1U << 20U, 'x'));
}

TEST_CASE("without a commit the message comes again", "[feed][stdin]") {
  const Pipe input("x\n");
  const auto feed = opened(open_stdin(input.fd(), {}, kNow));
  Chunk chunk;
  while (!chunk.drained) chunk = next(*feed);
  CHECK(in_words(chunk) == Words{"standard input: x\n"});
  CHECK(in_words(next(*feed)) == Words{"standard input: x\n"});
  CHECK(feed->wake_fd() == -1);
}

TEST_CASE("a client's address that is none is refused", "[feed][stdin]") {
  const std::string ip = GENERATE("", "nonsense", "192.0.2", "[192.0.2.1]");
  const auto feed = open_stdin(0, {.client_ip = ip, .helo = "", .mail_from = {}, .rcpt_to = {}}, kNow);
  REQUIRE_FALSE(feed.has_value());
  CHECK_THAT(feed.error().text, Catch::Contains("client"));
}

Envelope completed(const std::map<std::string, std::string>& variables, Envelope options = {}) {
  return completed_by_environment(std::move(options), [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST_CASE("the environment fills what options leave open", "[feed][stdin]") {
  const auto envelope = completed({{"CLIENT_ADDRESS", "192.0.2.1"},
                                   {"CLIENT_HELO", "mx.example.com"},
                                   {"SENDER", "b@example.org"},
                                   {"RECIPIENT", "traps@mx.example.net"},
                                   {"ORIGINAL_RECIPIENT", "a@trap.example.net"}});
  CHECK(envelope.client_ip == "192.0.2.1");
  CHECK(envelope.helo == "mx.example.com");
  CHECK(envelope.mail_from == "b@example.org");
  CHECK(envelope.rcpt_to == Words{"a@trap.example.net"});
}

TEST_CASE("options go before the environment", "[feed][stdin]") {
  const auto envelope =
      completed({{"CLIENT_ADDRESS", "192.0.2.1"},
                 {"CLIENT_HELO", "x"},
                 {"SENDER", "b@example.org"},
                 {"RECIPIENT", "c@example.net"}},
                {.client_ip = "192.0.2.2", .helo = "y", .mail_from = "", .rcpt_to = {"a@example.net"}});
  CHECK(envelope.client_ip == "192.0.2.2");
  CHECK(envelope.helo == "y");
  CHECK(envelope.mail_from == "");
  CHECK(envelope.rcpt_to == Words{"a@example.net"});
}

TEST_CASE("the null reverse-path has many spellings, and no variable is none of them", "[feed][stdin]") {
  const std::string sender = GENERATE("", "MAILER-DAEMON", "<>", "#@[]");
  CHECK(completed({{"SENDER", sender}}).mail_from == "");
  CHECK_FALSE(completed({}).mail_from.has_value());
}

TEST_CASE("an address in the environment that can't be the client's is passed over", "[feed][stdin]") {
  const std::string address = GENERATE("unknown", "", "127.0.0.1", "::1", "10.0.0.1");
  const auto envelope = completed({{"CLIENT_ADDRESS", address}, {"CLIENT_HELO", "localhost"}});
  CHECK_FALSE(envelope.client_ip.has_value());
  CHECK(envelope.helo.empty());
}

TEST_CASE("without ORIGINAL_RECIPIENT the recipient is RECIPIENT", "[feed][stdin]") {
  CHECK(completed({{"RECIPIENT", "c@example.net"}, {"ORIGINAL_RECIPIENT", ""}}).rcpt_to == Words{"c@example.net"});
  CHECK(completed({{"RECIPIENT", ""}}).rcpt_to.empty());
}

}  // namespace
}  // namespace blowback::feed
