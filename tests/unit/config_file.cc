// The config as a file: the one that is shipped starts as it is, and one that can't be read is named.
#include "catch.h"
#include "config/config.h"
#include "folder.h"
#include "in_tree.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using blowback::test::Folder;

namespace {

std::string error_of(const std::string& file) {
  const auto config = blowback::config::load(file);
  return config ? "no error" : config.error().text;
}

}  // namespace

TEST_CASE("the shipped config is valid as it is, and equals the defaults", "[config]") {
  const auto shipped = blowback::config::load(blowback::test::in_tree("deploy/blowback.toml").string());
  if (!shipped) FAIL(shipped.error().text);
  const auto bare = blowback::config::parse("[zone]\nname = \"bl.example.org\"\n", "bare");
  REQUIRE(bare);
  CHECK(shipped->zone.name == "bl.example.org");
  CHECK(shipped->database == bare->database);
  CHECK(shipped->zone.ttl == bare->zone.ttl);
  CHECK(shipped->zone.negative_ttl == bare->zone.negative_ttl);
  CHECK(shipped->zone.txt == bare->zone.txt);
  CHECK(shipped->server.listen.size() == bare->server.listen.size());
  CHECK(shipped->server.stale_after == bare->server.stale_after);
  CHECK(shipped->server.tcp_connections == bare->server.tcp_connections);
  CHECK(shipped->server.tcp_idle == bare->server.tcp_idle);
  CHECK(shipped->server.allow == bare->server.allow);
  CHECK(shipped->server.cookies == bare->server.cookies);
  CHECK(shipped->server.cookie_secrets == bare->server.cookie_secrets);
  CHECK(shipped->server.status_socket == bare->server.status_socket);
  CHECK(shipped->server.user == bare->server.user);
  CHECK(shipped->server.sandbox == bare->server.sandbox);
  CHECK(shipped->server.rate_limit.responses == bare->server.rate_limit.responses);
  CHECK(shipped->server.rate_limit.slip == bare->server.rate_limit.slip);
  CHECK(shipped->server.rate_limit.ipv4_prefix == bare->server.rate_limit.ipv4_prefix);
  CHECK(shipped->server.rate_limit.ipv6_prefix == bare->server.rate_limit.ipv6_prefix);
  CHECK(shipped->server.rate_limit.table == bare->server.rate_limit.table);
  CHECK(shipped->server.rate_limit.exempt == bare->server.rate_limit.exempt);
  CHECK(shipped->policy.half_life == bare->policy.half_life);
  CHECK(shipped->policy.list_at == bare->policy.list_at);
  CHECK(shipped->policy.delist_below == bare->policy.delist_below);
  CHECK(shipped->policy.distinct_traps == bare->policy.distinct_traps);
  CHECK(shipped->policy.distinct_campaigns == bare->policy.distinct_campaigns);
  CHECK(shipped->policy.trap_cap == bare->policy.trap_cap);
  CHECK(shipped->policy.campaign_cap == bare->policy.campaign_cap);
  CHECK(shipped->policy.max_listing == bare->policy.max_listing);
  CHECK(shipped->policy.repeat_factor == bare->policy.repeat_factor);
  CHECK(shipped->policy.allow_documentation == bare->policy.allow_documentation);
  CHECK(shipped->policy.weights == bare->policy.weights);
}

TEST_CASE("the feeds that the shipped config shows in comments work once uncommented", "[config]") {
  std::ifstream in(blowback::test::in_tree("deploy/blowback.toml"));
  std::string text;
  for (std::string line; std::getline(in, line);) {
    const bool commented_feed = line.starts_with("#") && line.size() > 1 && line[1] != ' ';
    text += commented_feed ? line.substr(1) : line;
    text += '\n';
  }
  const auto config = blowback::config::parse(text, "uncommented");
  if (!config) FAIL(config.error().text);
  CHECK(config->feeds.size() == 6);
}

TEST_CASE("a missing config file is named, with what to do", "[config]") {
  const Folder folder;
  const std::string file = folder.file("none.toml");
  CHECK_THAT(error_of(file), Catch::StartsWith("config: " + file + ": can't be read: ") &&
                                 Catch::Contains("No such file") && Catch::Contains("--config"));
}

TEST_CASE("a folder given as config is named, with what to do", "[config]") {
  const Folder folder;
  CHECK_THAT(error_of(folder.file("")), Catch::Contains("can't be read") && Catch::Contains("not its folder"));
}

TEST_CASE("an unreadable config file is named, with what to do", "[config]") {
  if (::geteuid() == 0) return;  // root reads everything
  const Folder folder;
  const std::string file = folder.file("secret.toml");
  std::ofstream(file) << "[zone]\nname = \"bl.example.org\"\n";
  std::filesystem::permissions(file, std::filesystem::perms::none);
  CHECK_THAT(error_of(file), Catch::Contains("can't be read") && Catch::Contains("change its mode"));
}

TEST_CASE("a file far too large for a config is refused", "[config]") {
  const Folder folder;
  const std::string file = folder.file("large.toml");
  std::ofstream(file) << std::string((4U << 20U) + 1, '#');
  CHECK_THAT(error_of(file), Catch::Contains("larger than 4 MiB"));
}

TEST_CASE("a config file in UTF-8 with a byte order mark and CRLF line ends is read", "[config]") {
  const Folder folder;
  const std::string file = folder.file("dos.toml");
  std::ofstream(file) << "\xEF\xBB\xBF[zone]\r\nname = \"bl.example.org\"\r\n";
  CHECK(error_of(file) == "no error");
}

TEST_CASE("a file of traps is read with the config, and each of its errors is named", "[config][traps]") {
  const Folder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.file(name)) << text;
  };
  write("b.toml", "[zone]\nname = \"bl.example.org\"\n[traps]\nfile = \"" + folder.file("traps") + "\"\n");
  CHECK_THAT(error_of(folder.file("b.toml")), Catch::Contains("b.toml:4: traps.file = ") &&
                                                  Catch::Contains("traps\": can't be read: No such file") &&
                                                  Catch::Contains("traps add"));
  CHECK(blowback::config::load(folder.file("b.toml"), blowback::config::TrapFile::left_out));
  write("traps", "# ours\n\n");
  CHECK_THAT(error_of(folder.file("b.toml")), Catch::Contains("traps: names no trap"));
  write("traps", "# ours\na@example.com\nnot a trap\n");
  CHECK_THAT(error_of(folder.file("b.toml")),
             Catch::Contains("traps:3: \"not a trap\" has a blank, which a name here can't have"));
  write("traps", "a@example.com\nb\xC3\xA9@example.com\n");
  CHECK_THAT(error_of(folder.file("b.toml")), Catch::Contains("traps:2: \"b??@example.com\" has the octet 0xC3"));
  write("traps", "\xEF\xBB\xBFmarked@example.com\r\n");
  const auto marked = blowback::config::load(folder.file("b.toml"));
  REQUIRE(marked);
  CHECK(marked->traps.addresses == std::vector<std::string>{"marked@example.com"});
  write("traps", "# ours\r\nOld.User@example.com # gone\r\ntrap.example.net\r\n*.tree.example.net\r\ntrap.example.net");
  const auto config = blowback::config::load(folder.file("b.toml"));
  REQUIRE(config);
  CHECK(config->traps.addresses == std::vector<std::string>{"old.user@example.com"});
  CHECK(config->traps.domains == std::vector<std::string>{"trap.example.net", "tree.example.net"});
  CHECK(config->traps.is_trap("x@a.tree.example.net"));
}

TEST_CASE("an address for requests that the file of traps names is refused, with its line", "[config][removal]") {
  const Folder folder;
  std::ofstream(folder.file("traps")) << "delist@bl.example.org\n";
  std::ofstream(folder.file("c.toml")) << "[zone]\nname = \"bl.example.org\"\n[traps]\nfile = \""
                                       << folder.file("traps") << "\"\n[removal]\nmail = \"delist@bl.example.org\"\n";
  CHECK_THAT(error_of(folder.file("c.toml")),
             Catch::Contains("c.toml:6: removal.mail = ") && Catch::Contains("is a trap"));
}
