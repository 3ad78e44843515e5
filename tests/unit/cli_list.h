// Runs the tool as a function, on a database in a temporary folder.
#pragma once

#include "account_fixture.h"
#include "catch.h"
#include "cli/tool.h"
#include "schema/store.h"
#include "score/assess.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace blowback::cli_test {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

inline std::string content(std::FILE* file) {
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  REQUIRE(std::fseek(file, 0, SEEK_SET) == 0);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// A config and a database in a temporary folder.
class List {
 public:
  List() {
    std::string pattern = (std::filesystem::temp_directory_path() / "blowback-cli-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    std::ofstream(file("blowback.toml")) << "database = \"" << file("blowback.db")
                                         << "\"\n[zone]\nname = \"bl.example.org\"\n"
                                            "[policy]\nallow_documentation = true\n";
  }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string file(const std::string& name) const { return (folder_ / name).string(); }

  Ran run(std::vector<std::string> arguments, const std::string& input = "", UnixTime now = kNow,
          std::uint16_t dns_port = 53) const {
    arguments.insert(arguments.begin(), {"--config", file("blowback.toml")});
    return bare(arguments, input, now, dns_port);
  }

  static Ran bare(const std::vector<std::string>& arguments, const std::string& input = "", UnixTime now = kNow,
                  std::uint16_t dns_port = 53) {
    const File out(std::tmpfile(), &std::fclose);
    const File err(std::tmpfile(), &std::fclose);
    const File in(std::tmpfile(), &std::fclose);
    std::fwrite(input.data(), 1, input.size(), in.get());
    REQUIRE(std::fseek(in.get(), 0, SEEK_SET) == 0);
    Ran ran;
    ran.code = cli::run(arguments, {.out = out.get(),
                                    .err = err.get(),
                                    .in = in.get(),
                                    .now = now,
                                    .who = "olga",
                                    .terminal = false,
                                    .variable = [](const char*) -> const char* { return nullptr; },
                                    .dns_port = dns_port});
    ran.out = content(out.get());
    ran.err = content(err.get());
    return ran;
  }

  /// Bounces from 192.0.2.7 to three traps: enough to be listed.
  void record_bounces() const {
    auto store = schema::Store::open(file("blowback.db"), schema::Store::Mode::create);
    REQUIRE(store);
    schema::Batch batch;
    batch.feed = "traps";
    batch.counts.deliveries = 4;
    for (int i = 0; i < 4; ++i) {
      auto one =
          incident(kNow - hours(4 - i), "trap" + std::to_string(i) + "@trap.example.net", "c" + std::to_string(i), 0);
      one.digest = std::string(63, 'a') + std::to_string(i);
      one.message_id = "x.trap1.y@mx.sender.example";
      one.helo = "mx.sender.example";
      one.origin = "198.51." + std::to_string(i) + ".0/24";
      one.confidence = 1;
      one.signals = {{"multipart-report-delivery-status", 4.0}, {"null-reverse-path", 1.0}};
      batch.incidents.push_back(one);
    }
    Policy policy;
    policy.allow_documentation = true;
    REQUIRE(store->record(batch, policy, &score::assess, kNow));
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace blowback::cli_test
