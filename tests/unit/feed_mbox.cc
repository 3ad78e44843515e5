// The mbox feed: where messages begin and end, quoting, positions, and files that grow, are replaced or broken.
#include "feed_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <random>

namespace blowback::feed {
namespace {

constexpr const char* kFrom = "From a@example.org Tue Nov 24 10:00:00 2020\n";

std::unique_ptr<Feed> open(const std::string& path, const std::optional<std::string>& position = {},
                           MboxQuoting quoting = MboxQuoting::mboxrd) {
  return opened(open_mbox(path, quoting, position));
}

/// The items of a file with these bytes.
std::vector<Item> items_of(const std::string& bytes, const Bounds& bounds = {},
                           MboxQuoting quoting = MboxQuoting::mboxrd) {
  const Folder folder;
  write_file(folder.path("mbox"), bytes);
  std::optional<std::string> position;
  return take_all(*open(folder.path("mbox"), {}, quoting), position, bounds);
}

Words messages_of(const std::string& bytes, MboxQuoting quoting = MboxQuoting::mboxrd) {
  Words messages;
  for (const auto& item : items_of(bytes, {}, quoting)) {
    const auto words = in_words(item);
    messages.push_back(words.substr(words.find(": ") + 2));
  }
  return messages;
}

std::string line(const std::string& rest) { return "From " + rest + "\n"; }

TEST_CASE("messages of an mbox are separated by From lines after empty lines", "[feed][mbox]") {
  const std::string from = kFrom;
  CHECK(messages_of(from + "A: 1\n\nx\n\n" + from + "B: 2\n\ny\n") == Words{"A: 1\n\nx\n", "B: 2\n\ny\n"});
  CHECK(messages_of(from + "A: 1\n\nx\n\n\n" + from + "y\n\n") == Words{"A: 1\n\nx\n\n", "y\n"});
  CHECK(messages_of(from + "A: 1\n\nx\n" + from + "y\n") == Words{"A: 1\n\nx\n" + from + "y\n"});
  CHECK(messages_of(from + "A: 1\n\nFrom here on it rains.\n\nFrom a@example.org on Tuesday\n") ==
        Words{"A: 1\n\nFrom here on it rains.\n\nFrom a@example.org on Tuesday\n"});
  CHECK(messages_of("\n\n" + from + "x") == Words{"x"});
  CHECK(messages_of("").empty());
  CHECK(messages_of("\n").empty());
  CHECK(messages_of(from + from + "x\n") == Words{from + "x\n"});
  CHECK(messages_of(from + "\n" + from + "x\n") == Words{"(empty)", "x\n"});
}

TEST_CASE("CRLF is kept, and separates as LF does", "[feed][mbox]") {
  const std::string from = "From a@example.org Tue Nov 24 10:00:00 2020\r\n";
  CHECK(messages_of(from + "A: 1\r\n\r\nx\r\n\r\n" + from + "y\r\n>From z\r\n\r\n") ==
        Words{"A: 1\r\n\r\nx\r\n", "y\r\nFrom z\r\n"});
}

TEST_CASE("unquoting removes one `>`", "[feed][mbox]") {
  CHECK(messages_of(std::string(kFrom) + ">From x\n>>From y\n>>>From z\n> From w\n>Fromage\nx >From v\n") ==
        Words{"From x\n>From y\n>>From z\n> From w\n>Fromage\nx >From v\n"});
}

TEST_CASE("each form of quoting is undone, and unquoted text stays", "[feed][mbox]") {
  const std::string text = "A: 1\n\n>From x\n>>From y\n";
  const std::string file = std::string(kFrom) + text;
  CHECK(messages_of(file, MboxQuoting::mboxrd) == Words{"A: 1\n\nFrom x\n>From y\n"});
  CHECK(messages_of(file, MboxQuoting::mboxo) == Words{"A: 1\n\nFrom x\n>>From y\n"});
  CHECK(messages_of(file, MboxQuoting::none) == Words{text});
  CHECK(messages_of(file, MboxQuoting::content_length) == Words{text});
}

TEST_CASE("without quoting a boundary may be forged, so it accuses nobody", "[feed][mbox][quoting]") {
  const std::string file = std::string(kFrom) + "A: 1\n\nx\n\n" + kFrom + "B: 2\n\ny\n";
  const auto quoting = GENERATE(MboxQuoting::none, MboxQuoting::mboxrd, MboxQuoting::mboxo);
  const auto items = items_of(file, {}, quoting);
  REQUIRE(items.size() == 2);
  for (const auto& item : items) {
    CHECK(delivery(item).doubtful_boundary == (quoting == MboxQuoting::none));
    CHECK(delivery(item).mail_from.has_value() == (quoting != MboxQuoting::none));
  }
}

/// A message in mboxcl2. `length`: the field's value, if it isn't the body's length.
std::string with_length(const std::string& body, const std::string& length = {}) {
  return std::string(kFrom) + "A: 1\nContent-Length: " + (length.empty() ? std::to_string(body.size()) : length) +
         "\n\n" + body + "\n";
}

/// The bodies of the file's messages, with a `?` before those with a doubtful boundary.
Words lengthy(const std::string& file, const Bounds& bounds = {}) {
  Words words;
  for (const auto& item : items_of(file, bounds, MboxQuoting::content_length)) {
    const auto& found = delivery(item);
    CHECK(found.mail_from.has_value() != found.doubtful_boundary);
    words.push_back((found.doubtful_boundary ? "?" : "") + found.message.substr(found.message.find("\n\n") + 2));
  }
  return words;
}

TEST_CASE("a Content-Length counts if it leads to a From line or to the end", "[feed][mbox][quoting]") {
  const std::string forged = "x\n\n" + std::string(kFrom) + "Forged: 1\n\ny\n";
  CHECK(lengthy(with_length(forged) + with_length("z\n")) == Words{forged, "z\n"});
  CHECK(lengthy(with_length("x\n\n\n") + with_length("")) == Words{"x\n\n\n", ""});
  SECTION("the body's last line may have no end of its own") {
    CHECK(lengthy(with_length("no end") + "\n" + with_length("z\n")) == Words{"no end", "z\n"});
    CHECK(lengthy(with_length("no end")) == Words{"no end"});
  }
  SECTION("CRLF as well") {
    const std::string crlf = "From a@b Tue Nov 24 10:00:00 2020\r\nContent-Length: 3\r\n\r\nx\r\n\r\n";
    const auto items = items_of(crlf + crlf, {}, MboxQuoting::content_length);
    REQUIRE(items.size() == 2);
    for (const auto& item : items) {
      CHECK(delivery(item).message == "Content-Length: 3\r\n\r\nx\r\n");
      CHECK_FALSE(delivery(item).doubtful_boundary);
    }
  }
}

TEST_CASE("after a length that leads elsewhere, boundaries are doubtful to the end", "[feed][mbox][quoting]") {
  const auto length = GENERATE("0", "4", "5", "999999999", "99999999999999999999", "-2", "2 2", "", "x");
  CAPTURE(length);
  const auto file = with_length("a\n") + with_length("b\n", std::string(length).empty() ? " " : length) +
                    with_length("c\n") + with_length("d\n");
  CHECK(lengthy(file) == Words{"a\n", "?b\n", "?c\n", "?d\n"});
  SECTION("also where the feed is opened anew in between") {
    const Folder folder;
    write_file(folder.path("mbox"), file);
    std::optional<std::string> position;
    Words words;
    for (int i = 0; i < 4; ++i) {
      const auto feed = open(folder.path("mbox"), position, MboxQuoting::content_length);
      Bounds one;
      one.items = 1;
      const auto chunk = next(*feed, one);
      REQUIRE(chunk.items.size() == 1);
      words.emplace_back(delivery(chunk.items[0]).doubtful_boundary ? "?" : "");
      position = chunk.position;
    }
    CHECK(words == Words{"", "?", "?", "?"});
    append_file(folder.path("mbox"), with_length("e\n"));
    const auto feed = open(folder.path("mbox"), position, MboxQuoting::content_length);
    const auto chunk = next(*feed);
    REQUIRE(chunk.items.size() == 1);
    CHECK_FALSE(delivery(chunk.items[0]).doubtful_boundary);
  }
}

TEST_CASE("a length that a stranger may have written is ignored", "[feed][mbox][quoting]") {
  const std::string from = kFrom;
  CHECK(lengthy(from + "Content-Length: 2\nA: 1\nContent-Length: 2\n\nx\n\n") == Words{"?x\n"});
  CHECK(lengthy(from + "Content-Length: 2\n 2\n\nx\n\n") == Words{"?x\n"});
  CHECK(lengthy(from + "A: 1\n\nx\n\n") == Words{"?x\n"});
  const auto behind_junk = items_of("junk\n\n" + with_length("x\n"), {}, MboxQuoting::content_length);
  REQUIRE(behind_junk.size() == 2);
  CHECK(delivery(behind_junk[1]).doubtful_boundary);
}

TEST_CASE("a message with a length beyond the file's end waits until that is written", "[feed][mbox][quoting]") {
  const Folder folder;
  const auto path = folder.path("mbox");
  const auto whole = with_length("x\n\n" + std::string(kFrom) + "y\n");
  write_file(path, with_length("a\n") + whole.substr(0, whole.size() - 5));
  const auto feed = open(path, {}, MboxQuoting::content_length);
  {
    const int writer = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    REQUIRE(writer >= 0);
    const auto first = next(*feed);
    REQUIRE(first.items.size() == 1);
    REQUIRE(feed->committed());
    CHECK(next(*feed).items.empty());
    const auto rest = whole.substr(whole.size() - 5);
    REQUIRE(::write(writer, rest.data(), rest.size()) == 5);
    ::close(writer);
  }
  const auto second = next(*feed);
  REQUIRE(second.items.size() == 1);
  CHECK_FALSE(delivery(second.items[0]).doubtful_boundary);
}

TEST_CASE("From lines of many writers are recognized", "[feed][mbox]") {
  const std::string rest = GENERATE(
      "a@example.org Tue Nov 24 10:00:00 2020", "a@example.org  Tue Nov  3 10:00:00 2020",
      "a@example.org Tue Nov 24 10:00 2020", "- Tue Nov 24 10:00:00 2020", "MAILER-DAEMON Tue Nov 24 10:00:00 2020",
      "a Tue Nov 24 10:00:00 CET 2020", "a Tue Nov 24 10:00:00 +0100 2020", "a Tue Nov 24 10:00:00 2020 +0100",
      "a@b Tue Nov 24 10:00:00 2020 remote from c", "user at example.org  Tue Nov 24 10:00:00 2020",
      "\"a b\"@example.org Tue Nov 24 10:00:00 2020", " Tue Nov 24 10:00:00 2020",
      "1234567@xxx Tue Nov 24 10:00:00 +0000 2020");
  CAPTURE(rest);
  CHECK(messages_of(kFrom + std::string("x\n\n") + line(rest) + "y\n") == Words{"x\n", "y\n"});
}

TEST_CASE("sentences and invalid dates are no From lines", "[feed][mbox]") {
  const std::string rest =
      GENERATE("here on", "Tue to Wed", "a@example.org", "a@example.org Tue Nov 24 2020", "a Tue Nov 24 10:00:00",
               "a Tue Nov 31 10:00:00 2020", "a Tue Nov 24 24:00:00 2020", "a Tue Nov 24 10:60:00 2020",
               "a Tuesday Nov 24 10:00:00 2020", "a Tue Nov -4 10:00:00 2020", "a Tue Nov 24 10:00:00 20",
               "a Tue Nov 24 10:00:00:00 2020", "");
  CAPTURE(rest);
  CHECK(messages_of(kFrom + std::string("x\n\n") + line(rest) + "y\n") == Words{"x\n\n" + line(rest) + "y\n"});
}

TEST_CASE("the From line has the time and the reverse-path", "[feed][mbox]") {
  const auto of = [](const std::string& rest, const std::string& message = "x\n") {
    return delivery(items_of(line(rest) + message).at(0));
  };
  const auto time = [](const char* text) { return parse_iso8601(text).value(); };
  CHECK(of("a@example.org Tue Nov 24 10:00:00 2020").received_at == time("2020-11-24T10:00:00Z"));
  CHECK(of("a@example.org Tue Nov 24 10:00:00 +0130 2020").received_at == time("2020-11-24T08:30:00Z"));
  CHECK(of("a@example.org Tue Nov 24 10:00:00 2020 -0500").received_at == time("2020-11-24T15:00:00Z"));
  CHECK(of("a Mon Jan  1 00:00:00 1990").received_at == time("1990-01-01T00:00:00Z"));
  for (const char* const rest : {"a Sun Dec 31 23:59:59 1989", "a Sun Jan  1 00:00:00 2100"}) {
    const auto age = std::chrono::system_clock::now() - of(rest).received_at;
    CHECK(age < std::chrono::minutes(5));
    CHECK(age > -std::chrono::minutes(5));
  }
  CHECK(of("a@example.org Tue Nov 24 10:00:00 2020").mail_from == "a@example.org");
  CHECK(of("MAILER-DAEMON Tue Nov 24 10:00:00 2020").mail_from == "");
  CHECK(of("mailer-daemon@example.org Tue Nov 24 10:00:00 2020").mail_from == "mailer-daemon@example.org");
  for (const char* const placeholder : {"-", "???@???", "12345@xxx", ""}) {
    CHECK_FALSE(of(std::string(placeholder) + " Tue Nov 24 10:00:00 2020").mail_from.has_value());
  }
  CHECK_FALSE(
      of("a@example.org Tue Nov 24 10:00:00 2020", "Return-Path: <b@example.org>\n\nx\n").mail_from.has_value());
  CHECK(of("a@example.org Tue Nov 24 10:00:00 2020", "A: 1\n\nReturn-Path: <b@example.org>\n").mail_from ==
        "a@example.org");
  CHECK_FALSE(of("a@example.org Tue Nov 24 10:00:00 2020").time_is_told);
}

TEST_CASE("text before the first From line is reported, and the rest is read", "[feed][mbox]") {
  const auto items = items_of(std::string("junk\n\nmore\n\n") + kFrom + "x\n");
  REQUIRE(items.size() == 2);
  CHECK(items[0].where == "offset 0");
  CHECK(unreadable(items[0]).reason == "no-from-line");
  CHECK(unreadable(items[0]).bytes == "junk\n\nmore\n");
  CHECK(items[1].where == "offset 12");
  CHECK(delivery(items[1]).message == "x\n");
}

TEST_CASE("a message at the limit is read, larger ones are reported, and reading continues", "[feed][mbox]") {
  Bounds bounds;
  bounds.message = 2U << 20U;
  const std::string from = kFrom;
  const auto body = [](std::size_t size) { return std::string(size - 1, 'x') + "\n"; };
  const auto items = items_of(from + body(bounds.message) + "\n" + from + body(bounds.message + 1) + "\n" + from +
                                  body(bounds.message * 3) + "\n" + from + "y\n",
                              bounds);
  REQUIRE(items.size() == 4);
  CHECK(delivery(items[0]).message == body(bounds.message));
  CHECK(unreadable(items[1]).reason == "too-large");
  CHECK(unreadable(items[1]).bytes.size() == 1U << 20U);
  CHECK_THAT(unreadable(items[1]).detail, Catch::Contains(std::to_string(bounds.message + 1)));
  CHECK(unreadable(items[2]).reason == "too-large");
  CHECK(delivery(items[3]).message == "y\n");
}

TEST_CASE("a message of 100 MB isn't kept in memory", "[feed][mbox]") {
  const Folder folder;
  {
    std::ofstream file(folder.path("mbox"), std::ios::binary);
    file << kFrom;
    const std::string part = std::string(1000, 'x') + GENERATE("\n", "");
    for (int i = 0; i < 100'000; ++i) file << part;
    file << "\n\n" << kFrom << "y\n";
  }
  reset_peak_memory();
  const auto before = peak_memory();
  const auto words = take_all(*open(folder.path("mbox")));
  CHECK(words.size() == 2);
  CHECK(words.at(0) == "offset 0: (too-large)");
  if (kMemoryTells) CHECK(peak_memory() - before < 80U << 20U);
}

TEST_CASE("appended messages are read, by the same feed and by the next", "[feed][mbox]") {
  const Folder folder;
  const auto path = folder.path("mbox");
  write_file(path, std::string(kFrom) + "x\n\n");
  std::optional<std::string> position;
  const auto feed = open(path);
  CHECK(take_all(*feed, position).size() == 1);
  CHECK(take_all(*feed, position).empty());
  append_file(path, std::string(kFrom) + "y\n\n");
  CHECK(take_all(*feed, position).size() == 1);
  append_file(path, "\n" + std::string(kFrom) + "z\n");
  CHECK(take_all(*open(path, position)) == Words{"offset 95: z\n"});
}

TEST_CASE("without a commit the same messages are yielded again", "[feed][mbox]") {
  const Folder folder;
  write_file(folder.path("mbox"), std::string(kFrom) + "x\n\n");
  const auto feed = open(folder.path("mbox"));
  CHECK(next(*feed).items.size() == 1);
  CHECK(next(*feed).items.size() == 1);
  CHECK(feed->committed().has_value());
  CHECK(next(*feed).items.empty());
}

TEST_CASE("a replaced or truncated file is read from its start", "[feed][mbox]") {
  const Folder folder;
  const auto path = folder.path("mbox");
  write_file(path, std::string(kFrom) + "first\n\n" + kFrom + "second\n");
  std::optional<std::string> position;
  const auto feed = open(path);
  CHECK(take_all(*feed, position).size() == 2);
  const bool larger = GENERATE(false, true);
  const std::string bytes =
      std::string("From b@example.org Wed Nov 25 10:00:00 2020\n") + std::string(larger ? 500 : 1, 'z') + "\n";
  const bool renamed = GENERATE(false, true);
  if (renamed) {
    write_file(path + ".new", bytes);
    std::filesystem::rename(path + ".new", path);
  } else {
    write_file(path, bytes);
  }
  const bool reopened = GENERATE(false, true);
  CHECK(take_all(reopened ? *open(path, position) : *feed).size() == 1);
}

TEST_CASE("a copy of the file is read from the file's position on", "[feed][mbox]") {
  const Folder folder;
  write_file(folder.path("mbox"), std::string(kFrom) + "x\n\n");
  std::optional<std::string> position;
  CHECK(take_all(*open(folder.path("mbox")), position).size() == 1);
  std::filesystem::copy(folder.path("mbox"), folder.path("copy"));
  CHECK(take_all(*open(folder.path("copy"), position)).empty());
}

TEST_CASE("the last message waits until its writer has closed the file", "[feed][mbox]") {
  const Folder folder;
  const auto path = folder.path("mbox");
  const auto feed = open(path);
  {
    std::ofstream writer(path, std::ios::binary);
    writer << kFrom << "x\n\n" << kFrom << "half a mess" << std::flush;
    CHECK(take_all(*feed) == Words{"offset 0: x\n"});
    CHECK(take_all(*feed).empty());
    writer << "age\n";
  }
  CHECK(take_all(*feed) == Words{"offset 47: half a message\n"});
}

TEST_CASE("a file that was emptied and grew again with the same beginning is read from its start",
          "[feed][mbox][mishap]") {
  const Folder folder;
  const auto path = folder.path("mbox");
  // The beginning is longer than what the head's hash covers, as when a mail program rewrites a mailbox.
  const auto message = [](char letter) { return std::string(kFrom) + std::string(5000, letter) + "\n\n"; };
  write_file(path, message('a') + message('b'));
  std::optional<std::string> position;
  const auto feed = open(path);
  CHECK(take_all(*feed, position).size() == 2);
  const bool rewritten_in_place = GENERATE(true, false);
  if (!rewritten_in_place) std::filesystem::remove(path);
  write_file(path, message('a') + message('c') + message('d') + message('e'));
  const bool reopened = GENERATE(false, true);
  CHECK(take_all(reopened ? *open(path, position) : *feed).size() == 4);
}

TEST_CASE("a position of an earlier version is used", "[feed][mbox][mishap]") {
  const Folder folder;
  const auto path = folder.path("mbox");
  write_file(path, std::string(kFrom) + std::string(5000, 'a') + "\n\n");
  std::optional<std::string> position;
  CHECK(take_all(*open(path), position).size() == 1);
  const auto earlier = position->substr(0, position->rfind(' '));
  REQUIRE(std::ranges::count(earlier, ' ') == 3);
  CHECK(take_all(*open(path, earlier)).empty());
  std::ofstream(path, std::ios::app) << kFrom << "later\n";
  CHECK(take_all(*open(path, earlier)).size() == 1);
}

TEST_CASE("mbox: an invalid position is ignored", "[feed][mbox]") {
  const Folder folder;
  write_file(folder.path("mbox"), std::string(kFrom) + "x\n");
  const std::string position = GENERATE("", "nonsense", "0", "5 0 5 0", "99999999999999999999 0 0 0", "4096 0 1 0",
                                        "-1 0 0 0", "5 0 5 0000000000000000 x", "3 0 3 0 0 0", "3 0 3 zz");
  CAPTURE(position);
  CHECK(take_all(*open(folder.path("mbox"), position)).size() == 1);
}

TEST_CASE("anything but a file is an error until it is replaced, and never blocks", "[feed][mbox]") {
  const Folder folder;
  const auto path = folder.path("mbox");
  const auto feed = open(path);
  CHECK_FALSE(feed->next({}).has_value());
  std::filesystem::create_directory(path);
  CHECK_FALSE(feed->next({}).has_value());
  std::filesystem::remove(path);
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  CHECK_FALSE(feed->next({}).has_value());
  std::filesystem::remove(path);
  write_file(path, std::string(kFrom) + "x\n");
  CHECK(take_all(*feed).size() == 1);
}

TEST_CASE("progress goes from nothing to the whole file", "[feed][mbox]") {
  const Folder folder;
  write_file(folder.path("mbox"), std::string(kFrom) + "x\n\n" + kFrom + "y\n");
  const auto feed = open(folder.path("mbox"));
  Bounds bounds;
  bounds.items = 1;
  static_cast<void>(next(*feed, bounds));
  CHECK(feed->progress()->done == 47);
  CHECK(feed->progress()->total == 93);
  CHECK(feed->committed().has_value());
  static_cast<void>(next(*feed, bounds));
  CHECK(feed->progress()->done == 93);
}

/// Lines that look like separators and quotes, empty ones, binary, long ones, with LF or CRLF.
std::string random_message(std::mt19937& random) {
  static const Words lines{"",
                           "From a@example.org Tue Nov 24 10:00:00 2020",
                           ">From x",
                           ">>From y",
                           "From",
                           "From ",
                           "text",
                           "> x",
                           "\r",
                           "Subject: x",
                           std::string("\0\xff\xfe", 3),
                           ">",
                           "\t"};
  std::string message;
  const bool crlf = random() % 2 == 0;
  for (auto n = random() % 12 + 1; n > 0; --n) {
    message += random() % 40 == 0 ? std::string(random() % 700'000, 'l') : lines[random() % lines.size()];
    message += crlf ? "\r\n" : "\n";
  }
  return message;
}

std::string as_mboxrd(const std::string& message) {
  std::string quoted;
  std::size_t at = 0;
  while (at < message.size()) {
    const auto end = message.find('\n', at) + 1;
    const auto text = message.substr(at, end - at);
    if (text.find_first_not_of('>') != std::string::npos &&
        text.substr(text.find_first_not_of('>')).starts_with("From "))
      quoted += '>';
    quoted += text;
    at = end;
  }
  return kFrom + quoted + "\n";
}

TEST_CASE("random messages written as mboxrd are read back to the same octets", "[feed][mbox]") {
  std::mt19937 random(20261124);  // NOLINT(bugprone-random-generator-seed): the same messages in every run
  for (int round = 0; round < 40; ++round) {
    Words written;
    std::string bytes;
    for (auto n = random() % 20; n > 0; --n) {
      written.push_back(random_message(random));
      bytes += as_mboxrd(written.back());
    }
    Bounds bounds;
    bounds.items = random() % 3 + 1;
    bounds.octets = 1 + random() % 1000;
    Words read;
    for (const auto& item : items_of(bytes, bounds)) read.push_back(delivery(item).message);
    REQUIRE(read == written);
  }
}

TEST_CASE("random octets are read to the end of the file", "[feed][mbox]") {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same octets in every run
  for (int round = 0; round < 50; ++round) {
    std::string bytes;
    for (auto n = random() % 5000; n > 0; --n) {
      if (random() % 100 == 0) bytes += std::string("\n") + kFrom;
      bytes += static_cast<char>(random() % 4 == 0 ? '\n' : random());
    }
    const Folder folder;
    write_file(folder.path("mbox"), bytes);
    const auto feed = open(folder.path("mbox"));
    static_cast<void>(take_all(*feed));
    CHECK(feed->progress()->done == bytes.size());
  }
}

}  // namespace
}  // namespace blowback::feed
