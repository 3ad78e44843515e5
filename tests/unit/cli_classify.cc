// `classify`: the envelope from options, JSON lines in and out, and what can't be read.
#include "catch.h"
#include "cli_list.h"
#include "folder.h"
#include "in_tree.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using Catch::Contains;
using nlohmann::json;

namespace {

const std::string kSample = test::in_tree("tests/data/mail/dsn-postfix-unknown-user.eml").string();

[[nodiscard]] Ran classify(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), "classify");
  return List::bare(arguments, input);
}

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

[[nodiscard]] std::vector<json> objects(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), {"--format", "json"});
  const auto ran = classify(arguments, input);
  CAPTURE(ran.err);
  REQUIRE(ran.code == 0);
  std::vector<json> all;
  for (const auto& line : lines_of(ran.out)) all.push_back(json::parse(line));
  return all;
}

[[nodiscard]] json object(std::vector<std::string> arguments, const std::string& input = "") {
  const auto all = objects(std::move(arguments), input);
  REQUIRE(all.size() == 1);
  return all[0];
}

[[nodiscard]] bool has_signal(const json& of, const std::string& name) {
  return std::ranges::any_of(of["signals"], [&](const json& signal) { return signal["name"] == name; });
}

[[nodiscard]] std::string write(const test::Folder& folder, const std::string& name, const std::string& bytes) {
  std::ofstream(folder.file(name), std::ios::binary) << bytes;
  return folder.file(name);
}

[[nodiscard]] std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A JSON line with the sample's message.
[[nodiscard]] std::string line_of_sample(json fields = json::object()) {
  fields["received_at"] = "2026-11-24T10:00:00Z";
  fields["message"] = bytes_of(kSample);
  return fields.dump() + "\n";
}

constexpr const char* kCallout =
    R"({"received_at": "2026-11-24T10:00:00Z", "client_ip": "198.51.100.70", "mail_from": "", )"
    R"("rcpt_to": ["a@trap.example.net"], "event": "callout"})"
    "\n";

/// A letter between people, without a trace.
const std::string kLetter = "From: a@example.org\nTo: Trap@Trap.example.net\nSubject: Lunch\n\nAt noon?\n";

}  // namespace

TEST_CASE("a JSON object has all that --explain shows, and where the envelope is from", "[cli][classify]") {
  const auto is = object({kSample});
  CHECK(is["path"] == kSample);
  CHECK(is["line"].is_null());
  CHECK(is["offset"].is_null());
  CHECK(is["kind"] == "dsn");
  CHECK(is["cause"] == "unknown_user");
  CHECK(is["backscatter"] == true);
  CHECK(is["confidence"] == 1.0);
  CHECK(is["claims_trap"] == true);
  CHECK(has_signal(is, "multipart-report-delivery-status"));
  CHECK(is["product"] == "postfix");
  CHECK(is["reporting_mta"] == "mail.example.com");
  CHECK(is["queue_id"] == "9ABCD");
  CHECK(is["mailbox"] == "gone@example.com");
  CHECK(is["subject"] == "Undelivered Mail Returned to Sender");
  CHECK(is["size"] == std::filesystem::file_size(kSample));
  CHECK(is["client_ip"] == "192.0.2.10");
  CHECK(is["client_source"] == "received");
  CHECK(is["client_doubt"].is_null());
  CHECK(is["helo"] == "mail.example.com");
  CHECK(is["mail_from"] == "");
  CHECK(is["mail_from_source"] == "return_path");
  CHECK(is["rcpt_to"] == json{"trap@trap.example.net"});
  CHECK(is["rcpt_to_source"] == "header");
  CHECK(is["original"]["from"] == "trap@trap.example.net");
  CHECK(is["original"]["client_ip"] == "198.51.100.77");
  CHECK(is["original"]["spf_failed"] == true);
  CHECK(is["campaign"].is_string());
  CHECK(is["error"].is_null());
}

TEST_CASE("every name in the JSON objects is in the manual page", "[cli][classify]") {
  const auto page = bytes_of(test::in_tree("docs/man/blowback.1.scd").string());
  auto all = objects({kSample});
  all.push_back(objects({"--jsonl", "-"}, "{}\n").at(0));
  const auto check = [&](const auto& self, const json& of) -> void {
    for (const auto& [name, value] : of.items()) {
      CAPTURE(name);
      CHECK_THAT(page, Contains("*" + name + "*"));
      if (value.is_object()) self(self, value);
      if (value.is_array() && !value.empty() && value[0].is_object()) self(self, value[0]);
    }
  };
  for (const auto& each : all) check(check, each);
}

TEST_CASE("what isn't known is null, and what isn't backscatter has no cause", "[cli][classify]") {
  const test::Folder folder;
  const auto is = object({write(folder, "letter", kLetter)});
  CHECK(is["kind"] == "not_backscatter");
  CHECK(is["backscatter"] == false);
  CHECK(is["client_ip"].is_null());
  CHECK(is["client_source"].is_null());
  CHECK_THAT(is["client_doubt"].get<std::string>(), Contains("no Received: field"));
  CHECK(is["rcpt_to"] == json{"trap@trap.example.net"});
  for (const char* const name : {"cause", "product", "mail_from", "mail_from_source", "original", "campaign"}) {
    CAPTURE(name);
    CHECK(is[name].is_null());
  }
}

TEST_CASE("--sender is the reverse-path, and '' and '<>' are the null reverse-path", "[cli][classify]") {
  const auto& [sender, mail_from, is_null] = GENERATE(table<std::string, std::string, bool>({
      {"", "", true},
      {"<>", "", true},
      {"MAILER-DAEMON", "", true},
      {"a@example.org", "a@example.org", false},
      {"<a@example.org>", "a@example.org", false},
  }));
  CAPTURE(sender);
  const auto is = object({"--sender", sender, kSample});
  CHECK(is["mail_from"] == mail_from);
  CHECK(is["mail_from_source"] == "option");
  CHECK(has_signal(is, "null-reverse-path") == is_null);
}

TEST_CASE("a Return-Path: below the trace isn't reported, since a stranger may have written it", "[cli][classify]") {
  const test::Folder folder;
  const std::string trace =
      "Received: from a.example (a.example [192.0.2.7]) by mx.example; Tue, 24 Nov 2026 10:00:00 +0000\n";
  const std::string path = "Return-Path: <b@example.org>\n";
  CHECK(object({write(folder, "above", path + trace + kLetter)})["mail_from"] == "b@example.org");
  CHECK(object({write(folder, "below", trace + path + kLetter)})["mail_from"].is_null());
}

TEST_CASE("--recipient names the traps, in lower case and once each", "[cli][classify]") {
  const auto is = object({"--recipient", "Other@example.net", "--recipient", "<TRAP@trap.example.net>", "--recipient",
                          "other@EXAMPLE.net", kSample});
  CHECK(is["rcpt_to"] == json{"other@example.net", "trap@trap.example.net"});
  CHECK(is["rcpt_to_source"] == "option");
  CHECK(is["claims_trap"] == true);
  CHECK(object({"--recipient", "other@example.net", kSample})["claims_trap"] == false);
}

TEST_CASE("--client-ip replaces what Received: says, as an address that a feed states", "[cli][classify]") {
  const auto is = object({"--client-ip", "2001:db8::7", kSample});
  CHECK(is["client_ip"] == "2001:db8::7");
  CHECK(is["client_source"] == "option");
  CHECK(classify({"--client-ip", "2001:db8::7", kSample}).out == kSample + "\tdsn\tunknown_user\t2001:db8::7\n");
  // If it is our own relay, the trace has the client.
  const auto relayed = object({"--client-ip", "198.51.100.9", "--trusted-relay", "198.51.100.9", kSample});
  CHECK(relayed["client_ip"] == "192.0.2.10");
  CHECK(relayed["client_source"] == "received");
  const auto private_address = object({"--client-ip", "10.0.0.5", kSample});
  CHECK(private_address["client_ip"].is_null());
  CHECK_THAT(private_address["client_doubt"].get<std::string>(), Contains("10.0.0.5"));
}

TEST_CASE("an envelope that can't be is wrong use", "[cli][classify]") {
  const auto& [arguments, error] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"--sender", "a b@example.org"}, "--sender: `a b@example.org` is not an address"},
      {{"--sender", "nobody"}, "--sender: `nobody` is not an address"},
      {{"--sender", "a@example.org", "--sender", ""}, "--sender: give it once"},
      {{"--recipient", ""}, "--recipient: `` is not an address"},
      {{"--recipient", "message.eml"}, "--recipient: `message.eml` is not an address"},
      {{"--recipient", "@example.net"}, "is not an address"},
      {{"--client-ip", "192.0.2"}, "'192.0.2' is no IP address"},
      {{"--format", "csv"}, "unknown format `csv`; known are table and json"},
  }));
  CAPTURE(arguments);
  auto all = arguments;
  all.push_back(kSample);
  const auto ran = classify(all);
  CHECK(ran.code == 2);
  CHECK(ran.out.empty());
  CHECK_THAT(ran.err, Contains(error));
}

TEST_CASE("an option that may be repeated doesn't take the paths after its value", "[cli][classify]") {
  const std::string option = GENERATE("--trusted-relay", "--recipient", "--sender");
  CAPTURE(option);
  const auto ran =
      classify({option, option == "--trusted-relay" ? "192.0.2.99" : "trap@trap.example.net", kSample, kSample});
  CHECK(ran.code == 0);
  CHECK(lines_of(ran.out).size() == 2);
}

TEST_CASE("a message on standard input is judged as the same message in a file", "[cli][classify]") {
  const auto from_file = classify({kSample});
  const auto from_stdin = classify({"-"}, bytes_of(kSample));
  CHECK(from_stdin.out == "standard input" + from_file.out.substr(kSample.size()));
  const auto nothing = classify({"-"});
  CHECK(nothing.out.empty());
  CHECK(nothing.err == "blowback: standard input: it is empty\n");
}

TEST_CASE("JSON lines have their own envelope, in a file and on standard input", "[cli][classify]") {
  const test::Folder folder;
  const auto lines = line_of_sample({{"client_ip", "198.51.100.3"},
                                     {"helo", "mx.sender.example"},
                                     {"mail_from", "x@example.org"},
                                     {"rcpt_to", "Other@example.net"}}) +
                     "\n" + kCallout;
  const bool in_file = GENERATE(true, false);
  const auto all = in_file ? objects({"--jsonl", write(folder, "a.jsonl", lines)}) : objects({"--jsonl", "-"}, lines);
  REQUIRE(all.size() == 2);
  CHECK(all[0]["path"] == (in_file ? folder.file("a.jsonl") : "standard input"));
  CHECK(all[0]["line"] == 1);
  CHECK(all[0]["kind"] == "dsn");
  CHECK(all[0]["client_ip"] == "198.51.100.3");
  CHECK(all[0]["client_source"] == "json_line");
  CHECK(all[0]["helo"] == "mx.sender.example");
  CHECK(all[0]["mail_from"] == "x@example.org");
  CHECK(all[0]["mail_from_source"] == "json_line");
  CHECK(all[0]["rcpt_to"] == json{"other@example.net"});
  CHECK(all[0]["rcpt_to_source"] == "json_line");
  CHECK(all[0]["claims_trap"] == false);
  CHECK_FALSE(has_signal(all[0], "null-reverse-path"));
  CHECK(all[1]["line"] == 3);
  CHECK(all[1]["kind"] == "callout");
  CHECK(all[1]["mail_from"] == "");
}

TEST_CASE("a JSON line without an envelope is judged as the same message in a file", "[cli][classify]") {
  auto from_file = object({kSample});
  auto from_line = object({"--jsonl", "-"}, line_of_sample());
  for (auto* const each : {&from_file, &from_line}) {
    each->erase("path");
    each->erase("line");
  }
  CHECK(from_line == from_file);
}

TEST_CASE("options take precedence over the envelope of a JSON line", "[cli][classify]") {
  const auto is = object(
      {"--jsonl", "--sender", "", "--recipient", "trap@trap.example.net", "--client-ip", "192.0.2.8", "-"},
      line_of_sample({{"client_ip", "198.51.100.3"}, {"mail_from", "x@example.org"}, {"rcpt_to", "y@example.org"}}));
  CHECK(is["mail_from"] == "");
  CHECK(is["rcpt_to"] == json{"trap@trap.example.net"});
  CHECK(is["client_ip"] == "192.0.2.8");
  for (const char* const name : {"mail_from_source", "rcpt_to_source", "client_source"}) CHECK(is[name] == "option");
}

TEST_CASE("a bad JSON line is reported by file and line, and the next ones are read", "[cli][classify]") {
  const test::Folder folder;
  // The last line has no newline.
  const auto path =
      write(folder, "a.jsonl",
            std::string("hello\n\n{}\n") + kCallout + R"({"received_at": "2026-11-24T10:00:00Z", "message": ")");
  const auto ran = classify({"--jsonl", path});
  CHECK(ran.code == 0);
  CHECK(ran.out ==
        fmt::format("{0}:1\t-\t-\t-\n{0}:3\t-\t-\t-\n{0}:4\tcallout\t-\t198.51.100.70\n{0}:5\t-\t-\t-\n", path));
  CHECK(ran.err == fmt::format("blowback: {0}:1: it isn't JSON: it begins with 'h'\n"
                               "blowback: {0}:3: `received_at` is missing; write it like 2026-11-24T10:00:00Z\n"
                               "blowback: {0}:5: it isn't JSON: it ends before its object does\n",
                               path));
  const auto all = objects({"--jsonl", path});
  REQUIRE(all.size() == 4);
  CHECK(all[0] == json{{"path", path},
                       {"line", 1},
                       {"offset", nullptr},
                       {"kind", nullptr},
                       {"error", {{"name", "not-json"}, {"text", "it isn't JSON: it begins with 'h'"}}}});
  CHECK(all[1]["error"]["name"] == "bad-field");
  CHECK(all[2]["error"].is_null());
}

TEST_CASE("a folder of JSON lines is read file by file", "[cli][classify]") {
  const test::Folder folder;
  const auto b = write(folder, "b", kCallout);
  const auto a = write(folder, "a", std::string(kCallout) + kCallout);
  const auto line = "callout\t-\t198.51.100.70\n";
  CHECK(classify({"--jsonl", folder.path().string()}).out == fmt::format("{0}:1\t{2}{0}:2\t{2}{1}:1\t{2}", a, b, line));
}

TEST_CASE("messages of an mbox are named by their offset, and their From line has the reverse-path",
          "[cli][classify]") {
  const test::Folder folder;
  const std::string first = "From MAILER-DAEMON Tue Nov 24 10:00:00 2026\n" + kLetter + "\n";
  const auto path = write(folder, "traps", first + "From b@example.org Tue Nov 24 10:00:00 2026\n" + kLetter);
  const auto all = objects({path});
  REQUIRE(all.size() == 2);
  CHECK(all[0]["offset"] == 0);
  CHECK(all[0]["mail_from"] == "");
  CHECK(all[0]["mail_from_source"] == "from_line");
  CHECK(all[1]["offset"] == first.size());
  CHECK(all[1]["mail_from"] == "b@example.org");
  CHECK(objects({"--sender", "c@example.org", path})[1]["mail_from"] == "c@example.org");
  CHECK(
      classify({path}).out ==
      fmt::format("{0}:offset 0\tnot_backscatter\t-\t-\n{0}:offset {1}\tnot_backscatter\t-\t-\n", path, first.size()));
}

TEST_CASE("octets that aren't UTF-8 are replaced in JSON, in mail and in names of files", "[cli][classify]") {
  const test::Folder folder;
  const auto is =
      object({write(folder, "a\xff.eml", "Message-ID: <a\xff\xe2\x82@x>\nSubject: \"\xe2\x82\xac\" \\ \x7f\n\nx\n")});
  CHECK(is["path"] == folder.file("a\xef\xbf\xbd.eml"));
  CHECK_THAT(is["message_id"].get<std::string>(), Catch::StartsWith("a\xef\xbf\xbd") && Catch::EndsWith("@x"));
  CHECK(is["subject"] == "\"\xe2\x82\xac\" \\ \x7f");
}

TEST_CASE("a verdict doesn't depend on the messages before it", "[cli][classify]") {
  const test::Folder folder;
  std::vector<std::string> paths{kSample, write(folder, "letter.eml", kLetter),
                                 write(folder, "mbox", "From a@example.org Tue Nov 24 10:00:00 2026\n" + kLetter),
                                 write(folder, "empty.eml", ""),
                                 test::in_tree("tests/data/mail/dsn-postfix-unknown-user.eml").string()};
  const auto run = [&] {
    std::vector<std::string> arguments{"--format", "json"};
    arguments.insert(arguments.end(), paths.begin(), paths.end());
    auto lines = lines_of(classify(arguments).out);
    std::ranges::sort(lines);
    return lines;
  };
  const auto forwards = run();
  REQUIRE(forwards.size() == 5);
  std::ranges::reverse(paths);
  CHECK(run() == forwards);
  std::vector<std::string> alone;
  for (const auto& path : paths) alone.push_back(lines_of(classify({"--format", "json", path}).out).at(0));
  std::ranges::sort(alone);
  CHECK(alone == forwards);
}

TEST_CASE("a message that can't be judged has its reason in JSON", "[cli][classify]") {
  const test::Folder folder;
  const auto large = write(folder, "large.eml", "Subject: x\n\n");
  std::filesystem::resize_file(large, (32U << 20U) + 1);
  const bool is_large = GENERATE(true, false);
  const auto path = is_large ? large : write(folder, "empty.eml", "");
  const auto is = object({path});
  CHECK(is["kind"].is_null());
  CHECK(is["error"]["name"] == (is_large ? "too-large" : "empty"));
  CHECK(classify({path}).out == path + "\t-\t-\t-\n");
}

TEST_CASE("a file that can't be read is named, and doesn't stop the others", "[cli][classify]") {
  const test::Folder folder;
  REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  const auto ran = classify({folder.file("fifo"), kSample});
  CHECK(ran.err == "blowback: " + folder.file("fifo") + ": not a file\n");
  CHECK(ran.out == kSample + "\tdsn\tunknown_user\t192.0.2.10\n");
}
