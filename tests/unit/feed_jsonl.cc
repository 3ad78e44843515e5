// The jsonl feed: fields of a line, bad lines, torn lines, positions, and a pipe.
#include "feed_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <string>

namespace blowback::feed {
namespace {

std::unique_ptr<Feed> open(const std::string& path, const std::optional<std::string>& position = {}) {
  return opened(open_jsonl(path, position));
}

std::vector<Item> items_of(const std::string& bytes, const Bounds& bounds = {}) {
  const Folder folder;
  write_file(folder.path("lines"), bytes);
  std::optional<std::string> position;
  return take_all(*open(folder.path("lines")), position, bounds);
}

Item item_of(const std::string& line) {
  auto items = items_of(line + "\n");
  CAPTURE(line);
  REQUIRE(items.size() == 1);
  return items[0];
}

/// A valid line with additional fields.
std::string line_with(const std::string& fields) {
  return R"({"received_at": "2026-11-24T10:00:00Z", )" + fields + "}";
}
std::string line_of(const std::string& message) { return line_with(R"("message": ")" + message + "\""); }

TEST_CASE("a line's fields become a delivery", "[feed][jsonl]") {
  const auto item = item_of(
      R"({"received_at": "2026-11-24T10:00:00Z", "client_ip": "192.0.2.1", "helo": "mx.example", "mail_from": "", )"
      R"("rcpt_to": ["a@trap.example.net", "<b@trap.example.net>"], "message": "A: 1\r\n\r\nb\u00e4r\n"})");
  CHECK(item.where == "line 1");
  const auto& read = delivery(item);
  CHECK(read.event == TrapDelivery::Event::message);
  CHECK(to_iso8601(read.received_at) == "2026-11-24T10:00:00Z");
  CHECK(read.time_is_told);
  REQUIRE(read.client.has_value());
  CHECK(read.client->to_string() == "192.0.2.1");
  CHECK(read.helo == "mx.example");
  CHECK(read.mail_from == "");
  CHECK(read.rcpt_to == Words{"a@trap.example.net", "b@trap.example.net"});
  CHECK(read.message == "A: 1\r\n\r\nb\xc3\xa4r\n");
}

TEST_CASE("absent fields are unknown", "[feed][jsonl]") {
  const std::string fields = GENERATE(
      R"("message": "x")", R"("message": "x", "client_ip": null, "mail_from": null, "rcpt_to": null, "helo": null)",
      R"("message": "x", "rcpt_to": [])",
      R"("event": "message", "message": "x", "event2": [1, {"client_ip": "192.0.2.1"}])",
      R"("x": {"message": 5, "rcpt_to": [[]]}, "message": "x", "y": [[[]]], "z": 1.5, "w": true)");
  CAPTURE(fields);
  const auto item = item_of(line_with(fields));
  const auto& read = delivery(item);
  CHECK_FALSE(read.client.has_value());
  CHECK_FALSE(read.mail_from.has_value());
  CHECK(read.rcpt_to.empty());
  CHECK(read.helo.empty());
  CHECK(read.message == "x");
}

TEST_CASE("a single recipient may be a string, and a reverse-path have angle brackets", "[feed][jsonl]") {
  const auto item =
      item_of(line_with(R"("message": "x", "rcpt_to": "a@trap.example.net", "mail_from": "<b@example.org>")"));
  CHECK(delivery(item).rcpt_to == Words{"a@trap.example.net"});
  CHECK(delivery(item).mail_from == "b@example.org");
}

TEST_CASE("a message in base64 may have any octets", "[feed][jsonl]") {
  const auto decoded = [](const std::string& coded) {
    return delivery(item_of(line_with(R"("message_base64": ")" + coded + "\""))).message;
  };
  CHECK(decoded("AP8=") == std::string("\0\xff", 2));
  CHECK(decoded("YQ==") == "a");
  CHECK(decoded("YWI=") == "ab");
  CHECK(decoded("YWJj") == "abc");
  CHECK(decoded(R"(YW\r\nJj)") == "abc");
}

TEST_CASE("a callout has no message", "[feed][jsonl]") {
  const auto item = item_of(
      line_with(R"("event": "callout", "client_ip": "192.0.2.1", "mail_from": "", "rcpt_to": ["a@trap.example.net"])"));
  CHECK(delivery(item).event == TrapDelivery::Event::callout);
  CHECK(delivery(item).message.empty());
}

struct Bad {
  std::string line;
  std::string reason;
};

TEST_CASE("an invalid line is reported with its number and the error", "[feed][jsonl]") {
  const auto bad = GENERATE(values<Bad>({
      {"nonsense", "not-json"},
      {"{", "not-json"},
      {"{}x", "not-json"},
      {"[]", "not-json"},
      {"null", "not-json"},
      {"5", "not-json"},
      {"\"x\"", "not-json"},
      {"[{\"message\": \"x\"}]", "not-json"},
      {line_of("\xff"), "not-json"},
      {line_of(std::string("\0", 1)), "not-json"},
      {line_with("\"x\": " + std::string(10'000, '[')), "not-json"},
      {std::string(1'000'000, '['), "not-json"},
      {line_with("\"x\": " + std::string(64, '[') + std::string(64, ']') + R"(, "message": "x")"), "not-json"},
      {"{}", "bad-field"},
      {R"({"message": "x"})", "bad-field"},
      {R"({"received_at": "yesterday", "message": "x"})", "bad-field"},
      {R"({"received_at": 1700000000, "message": "x"})", "bad-field"},
      {line_with(R"("x": 1)"), "bad-field"},
      {line_with(R"("message": "")"), "bad-field"},
      {line_with(R"("message": 5)"), "bad-field"},
      {line_with(R"("message": ["x"])"), "bad-field"},
      {line_with(R"("message": {"x": "y"})"), "bad-field"},
      {line_with(R"("message": "x", "message_base64": "eA==")"), "bad-field"},
      {line_with(R"("message": "x", "client_ip": "nonsense")"), "bad-field"},
      {line_with(R"("message": "x", "client_ip": "")"), "bad-field"},
      {line_with(R"("message": "x", "client_ip": "192.0.2.1", "client_ip": "192.0.2.2")"), "bad-field"},
      {line_with(R"("message": "x", "rcpt_to": [5])"), "bad-field"},
      {line_with(R"("message": "x", "rcpt_to": [null, true])"), "bad-field"},
      {line_with(R"("message": "x", "rcpt_to": [["a@b"]])"), "bad-field"},
      {line_with(R"("message": "x", "rcpt_to": [{"a": "b"}])"), "bad-field"},
      {line_with(R"("message": "x", "rcpt_to": [""])"), "bad-field"},
      {line_with(R"("message": "x", "event": "bounce")"), "bad-field"},
      {line_with(R"("message": "x", "event": "callout")"), "bad-field"},
      {line_with(R"("message_base64": "!")"), "bad-base64"},
      {line_with(R"("message_base64": "YQ")"), "bad-base64"},
      {line_with(R"("message_base64": "YQ=")"), "bad-base64"},
      {line_with(R"("message_base64": "YQ===")"), "bad-base64"},
      {line_with(R"("message_base64": "Y")"), "bad-base64"},
      {line_with(R"("message_base64": "YQ==YQ==")"), "bad-base64"},
  }));
  CAPTURE(bad.line.substr(0, 200));
  const auto items = items_of(line_of("x") + "\n" + bad.line + "\n" + line_of("y") + "\n");
  REQUIRE(items.size() == 3);
  CHECK(in_words(items[0]) == "line 1: x");
  CHECK(items[1].where == "line 2");
  CHECK(unreadable(items[1]).reason == bad.reason);
  CHECK(unreadable(items[1]).detail.starts_with("line 2: "));
  CHECK(unreadable(items[1]).detail.size() > 15);
  CHECK(unreadable(items[1]).bytes == bad.line);
  CHECK(unreadable(items[1]).quote.size() <= 200);
  CHECK(in_words(items[2]) == "line 3: y");
}

TEST_CASE("the quote of an invalid line is separate from the text that is logged", "[feed][jsonl][fairness]") {
  const auto bad =
      GENERATE(as<std::string>{}, R"({"helo": "OCTETS)", "OCTETS", R"({"helo": "OCTETS\x"})",
               R"({"received_at": "2026-11-24T10:00:00Z", "client_ip": "OCTETS"})", R"({"received_at": "OCTETS"})",
               R"({"OCTETS": "OCTETS", "OCTETS")", R"({"received_at": "2026-11-24T10:00:00Z", "event": "OCTETS"})");
  CAPTURE(bad);
  const auto items = items_of(bad + "\n");
  REQUIRE(items.size() == 1);
  CHECK(unreadable(items[0]).detail.find("OCTETS") == std::string::npos);
  CHECK(unreadable(items[0]).bytes == bad);
}

TEST_CASE("invalid JSON is reported with a quote", "[feed][jsonl]") {
  const auto told = [](const std::string& line) {
    const auto item = item_of(line);
    return unreadable(item).detail + "|" + unreadable(item).quote;
  };
  CHECK(told("nonsense") == "line 1: it isn't JSON|it begins with 'no'");
  CHECK(told("{\"helo\": ") == "line 1: it isn't JSON: it ends before its object does|");
  CHECK(told("{\"helo\": \"x") == "line 1: it isn't JSON: it ends before its object does|");
  CHECK(told("{\"helo\" 5}") == "line 1: it isn't JSON at octet 9|'5'");
  CHECK_THAT(told(line_of("\xff")), Catch::Contains("it isn't UTF-8 at octet") && Catch::Contains("message_base64"));
}

TEST_CASE("nesting up to 64 is read", "[feed][jsonl]") {
  CHECK(delivery(item_of(line_with("\"x\": " + std::string(63, '[') + std::string(63, ']') + R"(, "message": "x")")))
            .message == "x");
}

TEST_CASE("empty lines are skipped and counted; CRLF and a byte order mark are accepted", "[feed][jsonl]") {
  const auto items = items_of("\xef\xbb\xbf" + line_of("x") + "\r\n\r\n \t\n" + line_of("y") + "\r\n");
  REQUIRE(items.size() == 2);
  CHECK(in_words(items[0]) == "line 1: x");
  CHECK(in_words(items[1]) == "line 4: y");
}

TEST_CASE("a message at the limit is read, a larger one reported", "[feed][jsonl]") {
  Bounds bounds;
  bounds.message = 1000;
  const auto items = items_of(line_of(std::string(1000, 'x')) + "\n" + line_of(std::string(1001, 'x')) + "\n", bounds);
  REQUIRE(items.size() == 2);
  CHECK(delivery(items[0]).message.size() == 1000);
  CHECK(unreadable(items[1]).reason == "too-large");
}

TEST_CASE("a line of 100 MB is reported and not kept in memory, and the next one is read", "[feed][jsonl]") {
  const Folder folder;
  {
    std::ofstream file(folder.path("lines"), std::ios::binary);
    const std::string part(1U << 20U, 'x');
    for (int i = 0; i < 100; ++i) file << part;
    file << "\n" << line_of("y") << "\n";
  }
  reset_peak_memory();
  const auto before = peak_memory();
  std::optional<std::string> position;
  const auto items = take_all(*open(folder.path("lines")), position);
  REQUIRE(items.size() == 2);
  CHECK(unreadable(items[0]).reason == "line-too-long");
  CHECK(unreadable(items[0]).bytes.size() == 1U << 20U);
  CHECK(in_words(items[1]) == "line 2: y");
  if (kMemoryTells) CHECK(peak_memory() - before < 130U << 20U);
}

TEST_CASE("a line without its newline is left until it is complete", "[feed][jsonl]") {
  const Folder folder;
  const auto path = folder.path("lines");
  const auto whole = line_of("x");
  write_file(path, line_of("w") + "\n" + whole.substr(0, 30));
  std::optional<std::string> position;
  const auto feed = open(path);
  CHECK(take_all(*feed, position).size() == 1);
  CHECK(take_all(*feed, position).empty());
  append_file(path, whole.substr(30));
  CHECK(take_all(*feed, position).empty());
  append_file(path, "\n" + line_of("y") + "\n");
  const bool reopened = GENERATE(false, true);
  CHECK(take_all(reopened ? *open(path, position) : *feed) == Words{"line 2: x", "line 3: y"});
}

TEST_CASE("chunks end at their bounds, and a restart continues at the next line", "[feed][jsonl]") {
  const Folder folder;
  std::string bytes;
  for (int i = 1; i <= 50; ++i) bytes += line_of(std::to_string(i)) + "\n";
  write_file(folder.path("lines"), bytes);
  Bounds bounds;
  bounds.items = 7;
  std::optional<std::string> position;
  Words read;
  for (int round = 0; round < 40; ++round) {
    const auto feed = open(folder.path("lines"), position);
    const auto chunk = next(*feed, bounds);
    CHECK(chunk.items.size() <= 7);
    if (round % 2 == 0) continue;  // killed before the commit
    for (const auto& words : in_words(chunk)) read.push_back(words);
    if (chunk.position) position = chunk.position;
  }
  REQUIRE(read.size() == 50);
  for (std::size_t i = 0; i < 50; ++i) CHECK(read[i] == "line " + std::to_string(i + 1) + ": " + std::to_string(i + 1));
}

TEST_CASE("a replaced file is read from its start", "[feed][jsonl]") {
  const Folder folder;
  const auto path = folder.path("lines");
  write_file(path, line_of("x") + "\n");
  std::optional<std::string> position;
  const auto feed = open(path);
  CHECK(take_all(*feed, position).size() == 1);
  write_file(path, line_of("y") + "\n" + line_of("z") + "\n");
  CHECK(take_all(*open(path, position)) == Words{"line 1: y", "line 2: z"});
  CHECK(take_all(*feed) == Words{"line 1: y", "line 2: z"});
}

/// Standard input, replaced by a pipe for the time of a test.
class Input {
 public:
  Input() : saved_(dup(0)) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(dup2(ends[0], 0) == 0);
    close(ends[0]);
    writer_ = ends[1];
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  ~Input() {
    finish();
    dup2(saved_, 0);
    close(saved_);
  }
  void say(const std::string& text) const {
    REQUIRE(write(writer_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void finish() {
    if (writer_ >= 0) close(std::exchange(writer_, -1));
  }

 private:
  int saved_;
  int writer_ = -1;
};

TEST_CASE("standard input is read as it arrives, and a last line needs no newline", "[feed][jsonl]") {
  Input input;
  const auto feed = open("-");
  CHECK(feed->wake_fd() == 0);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(next(*feed).items.empty());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  input.say(line_of("x") + "\n" + line_of("y").substr(0, 20));
  auto chunk = next(*feed);
  CHECK(in_words(chunk) == Words{"line 1: x"});
  CHECK_FALSE(chunk.drained);
  CHECK_FALSE(chunk.position.has_value());
  CHECK(in_words(next(*feed)) == Words{"line 1: x"});  // not committed: it can't be read again from a pipe
  CHECK(feed->committed().has_value());
  input.say(line_of("y").substr(20));
  CHECK(next(*feed).items.empty());
  input.finish();
  chunk = next(*feed);
  CHECK(in_words(chunk) == Words{"line 2: y"});
  CHECK(chunk.drained);
  CHECK(feed->wake_fd() == -1);
  CHECK(feed->committed().has_value());
  CHECK(next(*feed).items.empty());
  CHECK(next(*feed).drained);
}

TEST_CASE("standard input is drained only when all its lines were yielded", "[feed][jsonl]") {
  Input input;
  std::string bytes;
  for (int i = 0; i < 30; ++i) bytes += line_of("x") + "\n";
  input.say(bytes);
  input.finish();
  const auto feed = open("-");
  Bounds bounds;
  bounds.items = GENERATE(1U, 7U, 30U);
  std::optional<std::string> position;
  CHECK(take_all(*feed, position, bounds).size() == 30);
}

TEST_CASE("a descriptor is read to its end, a last line without newline included", "[feed][jsonl]") {
  const Folder folder;
  write_file(folder.path("lines"), line_of("x") + "\n\n" + line_of("y"));
  const int fd = ::open(folder.path("lines").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  const auto feed = read_jsonl(fd, "the file");
  std::optional<std::string> position;
  const auto items = take_all(*feed, position);
  close(fd);
  REQUIRE(items.size() == 2);
  CHECK(in_words(items[0]) == "line 1: x");
  CHECK(in_words(items[1]) == "line 3: y");
  CHECK_FALSE(position.has_value());
}

TEST_CASE("an error of a descriptor names what is read", "[feed][jsonl]") {
  const Folder folder;
  const int fd = ::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  const auto chunk = read_jsonl(fd, "the folder")->next({});
  close(fd);
  REQUIRE_FALSE(chunk.has_value());
  CHECK_THAT(chunk.error().text, Catch::Contains("the folder can't be read, "));
}

}  // namespace
}  // namespace blowback::feed
