// `doctor` against scripted servers: an installation in which all is well, and one thing wrong at a time.
#include "catch.h"
#include "cli_dns_server.h"
#include "cli_list.h"
#include "dns/serial_findings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <poll.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <vector>

using namespace blowback;            // NOLINT(google-build-using-namespace): a test's own file
using namespace blowback::cli_test;  // NOLINT(google-build-using-namespace)
using cli::RecordType;

namespace {

/// Writes one document to whoever connects, as the server's status socket does.
class StatusServer {
 public:
  StatusServer(const std::string& path, std::string document)
      : document_(std::move(document)),
        stop_(::eventfd(0, EFD_CLOEXEC)),
        socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket_.get(), 16) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;
  ~StatusServer() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(stop_.get(), &one, sizeof one));
    thread_.join();
  }

 private:
  void serve() const {
    while (true) {
      std::array<pollfd, 2> watched{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
      if (::poll(watched.data(), watched.size(), -1) < 0) continue;
      if (watched[1].revents != 0) return;
      const Descriptor peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      static_cast<void>(::send(peer.get(), document_.data(), document_.size(), MSG_NOSIGNAL));
    }
  }

  std::string document_;
  Descriptor stop_;
  Descriptor socket_;
  std::thread thread_;
};

struct Found {
  std::string state;  ///< `ok`, `warning` or `problem`
  std::string found;
  nlohmann::json mend;
};

struct Examined {
  int code = -1;
  std::map<std::string, Found>
      findings;  ///< by check; those of DNS as `dns udp`, `dns tcp`, `dns bystanders`, `delegation`
};

/// An installation in which all is well, with fields for what a test wants to be wrong.
struct Installation {
  Installation() {
    list.record_bounces();
    std::filesystem::permissions(list.file("blowback.db"),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    for (const auto* const part : {"new", "cur", "tmp"}) {
      std::filesystem::create_directories(list.file(std::string("Maildir/") + part));
    }
    good = GoodList({"ns1.example.net"});
    document = {{"version", "0.1.0"},
                {"zone", "bl.example.org"},
                {"started_at", "2026-11-24T09:00:00Z"},
                {"list", {{"ready", true}, {"stale", false}, {"entries", 1}, {"checked_seconds_ago", 0.02}}}};
    follow();
  }

  /// Lets the scripted servers have the serial that the database has now.
  void follow() {
    serial = static_cast<std::uint32_t>(store().serial().value());
    good.serial = serial;
    document["list"]["serial"] = serial;
  }

  [[nodiscard]] schema::Store store() const {
    return std::move(schema::Store::open(list.file("blowback.db"), schema::Store::Mode::write).value());
  }

  [[nodiscard]] Examined examined() const {
    DnsServer::Answer answer = [this](const Asked& asked) -> std::optional<Reply> {
      auto reply = good(asked);
      return fault && !fault(asked, reply) ? std::nullopt : std::optional(reply);
    };
    const DnsServer dns(std::move(answer));
    const std::string socket = list.file("status");
    std::filesystem::remove(socket);
    std::optional<StatusServer> status;
    if (!document.is_null()) status.emplace(socket, document.dump());
    std::ofstream(list.file("blowback.toml"))
        << fmt::format("database = \"{}\"\n[zone]\nname = \"bl.example.org\"\nnameservers = [\"{}\"]\n",
                       list.file("blowback.db"), name_server)
        << fmt::format("[server]\nlisten = [\"{}\"]\nstatus_socket = \"{}\"\n", dns.address(), socket)
        << fmt::format("[transfer]\nnotify = [{}]\n", secondary.empty() ? "" : '"' + secondary + '"')
        << fmt::format("[traps]\n{}\n[policy]\nallow_documentation = true\n{}\n", traps, policy)
        << fmt::format(fmt::runtime(feeds), fmt::arg("folder", list.file("")));
    const auto ran = list.run({"doctor", "--resolver", dns.address(), "--format", "json"}, "", kNow,
                              dns_port == 0 ? dns.port() : dns_port);
    CAPTURE(ran.out, ran.err);
    REQUIRE(ran.err.empty());
    Examined examined{.code = ran.code, .findings = {}};
    for (const auto& row : nlohmann::json::parse(ran.out)) {
      std::string check = row["check"];
      if (const auto at = check.find(" " + dns.address()); at != std::string::npos)
        check.erase(at, dns.address().size() + 1);
      examined.findings[check] = {.state = row["state"], .found = row["found"], .mend = row["mend"]};
    }
    return examined;
  }

  List list;
  std::uint32_t serial = 0;
  GoodList good;
  nlohmann::json document;                          ///< of the status socket; null: nobody listens
  std::function<bool(const Asked&, Reply&)> fault;  ///< changes a DNS reply; false: the query is ignored
  std::string name_server = "ns1.example.net";
  std::string traps = "addresses = [\"a@example.com\", \"b@example.com\"]";
  std::string policy;
  std::string secondary;
  std::uint16_t dns_port = 0;  ///< of name servers that are found by name; 0: the server's own
  std::string feeds = "[[feed]]\nname = \"traps\"\ntype = \"maildir\"\npath = \"{folder}Maildir\"\n";
};

void check(const Installation& installation, const std::string& name, const std::string& state,
           const std::string& found) {
  const auto examined = installation.examined();
  CAPTURE(name);
  REQUIRE(examined.findings.contains(name));
  const auto& finding = examined.findings.at(name);
  CAPTURE(finding.found);
  CHECK(finding.state == state);
  CHECK(finding.found.contains(found));
  CHECK(finding.mend.is_null() == (state == "ok"));
  if (state == "problem") CHECK(examined.code == cli::kNo);
}

}  // namespace

TEST_CASE("where all is well every finding is ok, without advice", "[cli][doctor]") {
  const Installation installation;
  const auto examined = installation.examined();
  CHECK(examined.code == cli::kYes);
  std::vector<std::string> checks;
  for (const auto& [name, finding] : examined.findings) {
    checks.push_back(name);
    CAPTURE(name, finding.found);
    CHECK(finding.state == "ok");
    CHECK(finding.mend.is_null());
  }
  CHECK(checks == std::vector<std::string>{"config",   "database",   "delegation by", "disk",    "dns bystanders",
                                           "dns tcp",  "dns udp",    "feed traps",    "index",   "integrity",
                                           "journal",  "news traps", "owner",         "privacy", "reach",
                                           "server",   "times",      "traps",         "wal",     "witnesses",
                                           "writable", "zone"});
}

TEST_CASE("a secondary is asked for its serial: the latest, an older one, or none", "[cli][doctor]") {
  Installation installation;
  auto theirs = installation.good;
  bool has_zone = true;
  const DnsServer secondary([&](const Asked& asked) -> std::optional<Reply> {
    auto reply = theirs(asked);
    if (!has_zone) reply = {.rcode = 5};
    return reply;
  });
  installation.secondary = secondary.address();
  const auto name = "secondary " + secondary.address();
  check(installation, name, "ok", "the latest");
  theirs.serial -= 1;
  check(installation, name, "problem", fmt::format("has serial {}, but", theirs.serial));
  has_zone = false;
  check(installation, name, "problem", "REFUSED");
}

TEST_CASE("each name server of the zone is asked for its serial, wherever its address comes from", "[cli][doctor]") {
  Installation installation;
  auto theirs = installation.good;
  std::function<void(Reply&)> change;
  const DnsServer other([&](const Asked& asked) -> std::optional<Reply> {
    auto reply = theirs(asked);
    if (change) change(reply);
    return reply;
  });
  installation.dns_port = other.port();
  const auto in_zone = GENERATE(false, true);
  installation.name_server = in_zone ? "ns1.bl.example.org 127.0.0.1" : "ns1.example.net";
  const auto name = (in_zone ? "name server ns1.bl.example.org " : "name server ns1.example.net ") + other.address();
  check(installation, name, "ok", fmt::format("has serial {}, the latest", theirs.serial));
  theirs.serial -= 2;
  check(installation, name, "problem", "2 changes behind");
  theirs.serial += 3;
  check(installation, name, "problem", "newer than the zone's");
  theirs.serial -= 1;
  change = [](Reply& reply) { reply.authoritative = false; };
  check(installation, name, "problem", "isn't authoritative");
  change = [](Reply& reply) { reply = {.rcode = 2}; };
  check(installation, name, "problem", "SERVFAIL");
}

TEST_CASE("a name server that is notified as well is one finding", "[cli][doctor]") {
  Installation installation;
  const DnsServer other([&](const Asked& asked) -> std::optional<Reply> { return installation.good(asked); });
  installation.dns_port = other.port();
  installation.secondary = other.address();
  const auto examined = installation.examined();
  CHECK(examined.findings.at("secondary " + other.address()).state == "ok");
  CHECK(examined.findings.size() == 23);
}

TEST_CASE("a further zone's name servers have their addresses in the first zone, and its findings name it",
          "[cli][doctor]") {
  const auto theirs = GoodList({"ns1.bl.example.org"});
  const DnsServer other([&](const Asked& asked) -> std::optional<Reply> { return theirs(asked); });
  const auto at = *cli::server_address(other.address());
  config::Config config;
  config.zone.name = "bl.example.org";
  config.zone.nameservers = {"ns1.bl.example.org"};
  config.zone.nameserver_addresses = {{.name = "ns1.bl.example.org", .address = at.address}};
  config.further_zones.emplace_back();
  config.further_zones[0].name = "dsn-bl.example.org";
  config.further_zones[0].nameservers = {"ns1.bl.example.org", "ns1.example.net"};
  cli::Findings findings;
  const auto servers =
      cli::find_name_servers(config, config.further_zones[0], {.resolver = {}, .port = at.port}, findings);
  REQUIRE(servers.size() == 1);
  CHECK(servers[0].endpoint == at);
  CHECK(servers[0].names == std::vector<std::string>{"ns1.bl.example.org"});
  REQUIRE(findings.all().size() == 1);  // nobody to ask for the name elsewhere
  CHECK(findings.all()[0].check == "dsn-bl.example.org name servers");
  cli::look_at_serials(
      servers, "bl.example.org", [&] { return std::optional<Serial>(theirs.serial); }, findings,
      cli::prefix_of("dsn-bl.example.org", config));
  REQUIRE(findings.all().size() == 2);
  CHECK(findings.all()[1].check == "dsn-bl.example.org name server ns1.bl.example.org " + other.address());
  CHECK(findings.all()[1].grade == cli::Grade::good);
  CHECK(cli::prefix_of("bl.example.org", config).empty());
}

TEST_CASE("a name server whose name doesn't exist is a problem where a resolver is named", "[cli][doctor]") {
  Installation installation;
  installation.name_server = "ns9.example.net";
  check(installation, "name server ns9.example.net", "problem", "NXDOMAIN");
}

TEST_CASE("servers that don't answer are waited for together, not one after the other", "[cli][doctor]") {
  const DnsServer silent([](const Asked&) { return std::optional<Reply>(); });
  const std::vector<cli::NamedServer> servers(
      20, {.endpoint = *cli::server_address(silent.address()), .is_notified = true, .names = {}});
  cli::Findings findings;
  const auto begin = std::chrono::steady_clock::now();
  cli::look_at_serials(servers, "bl.example.org", [] { return std::optional<Serial>(7); }, findings);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{20});  // 40 one by one
  CHECK(findings.all().size() == 20);
  CHECK(findings.any_bad());
}

TEST_CASE("a config with a mistake is the only finding, with its line", "[cli][doctor]") {
  Installation installation;
  installation.policy = "list_att = 3.0";
  check(installation, "config", "problem", "policy.list_att");
  CHECK(installation.examined().findings.size() == 1);
}

TEST_CASE("a name server within the zone needs its address in the config", "[cli][doctor]") {
  Installation installation;
  installation.name_server = "ns1.bl.example.org";
  check(installation, "zone", "warning", "ns1.bl.example.org");
}

TEST_CASE("traps are enough, too few, or all recipients", "[cli][doctor]") {
  Installation installation;
  installation.traps = "addresses = [\"a@example.com\"]";
  check(installation, "witnesses", "problem", "no sender will ever be listed");
  installation.traps = "domains = []";
  check(installation, "traps", "warning", "every recipient");
  installation.policy = "reverse_path = \"any\"";
  check(installation, "reverse path", "warning", "policy.reverse_path");
}

TEST_CASE("each kind of feed is looked at where its mail comes from", "[cli][doctor]") {
  Installation installation;
  installation.feeds = "";
  check(installation, "feeds", "warning", "none are configured");
  std::filesystem::remove(installation.list.file("Maildir/cur"));
  installation.feeds = "[[feed]]\nname = \"traps\"\ntype = \"maildir\"\npath = \"{folder}Maildir\"\n";
  check(installation, "feed traps", "problem", "Maildir/cur");
  installation.feeds = "[[feed]]\nname = \"traps\"\ntype = \"mbox\"\nquoting = \"mboxrd\"\npath = \"{folder}mbox\"\n";
  check(installation, "feed traps", "problem", "doesn't exist");
  std::filesystem::create_directory(installation.list.file("mbox"));
  check(installation, "feed traps", "problem", "isn't a file");
  std::filesystem::remove(installation.list.file("mbox"));
  std::ofstream(installation.list.file("mbox")) << "";
  check(installation, "feed traps", "ok", "mbox");
  CHECK_FALSE(installation.examined().findings.contains("quoting traps"));
  installation.feeds = "[[feed]]\nname = \"traps\"\ntype = \"mbox\"\npath = \"{folder}mbox\"\n";
  check(installation, "quoting traps", "warning", "how its writer quotes");
  installation.feeds = "[[feed]]\nname = \"traps\"\ntype = \"smtp\"\nlisten = [\"127.0.0.1:2525\"]\n";
  check(installation, "feed traps", "ok", "self-signed");
  installation.feeds += "certificate = \"{folder}none.pem\"\nkey = \"{folder}none.key\"\n";
  check(installation, "feed traps", "problem", "none.pem");
  installation.feeds = "[[feed]]\nname = \"traps\"\ntype = \"milter\"\n";
  check(installation, "feed traps", "ok", "is a milter");
}

TEST_CASE("a feed without news, or without reverse-paths, is a warning", "[cli][doctor]") {
  Installation installation;
  installation.feeds += "[[feed]]\nname = \"other\"\ntype = \"stdin\"\n";
  check(installation, "news other", "warning", "never delivered anything");
  CHECK(installation.list.run({"doctor", "--format", "json"}, "", kNow + hours(25))
            .out.contains("check that blowback-ingest runs"));
  schema::Batch batch;
  batch.feed = "traps";
  for (int i = 0; i < 9; ++i) {
    auto one = incident(kNow, "trap@trap.example.net", "c", 0);
    one.digest = std::string(63, 'b') + std::to_string(i);
    one.reverse_path = ReversePath::unknown;
    batch.incidents.push_back(one);
  }
  batch.counts.deliveries = 9;
  REQUIRE(installation.store().record(batch, Policy{}, &score::assess, kNow));
  installation.follow();
  check(installation, "reverse path traps", "warning", "9 of its 13 incidents");
}

TEST_CASE("without a database the rest is still looked at", "[cli][doctor]") {
  const Installation installation;
  std::filesystem::remove(installation.list.file("blowback.db"));
  check(installation, "database", "problem", "no database there");
  const auto findings = installation.examined().findings;
  CHECK_FALSE(findings.contains("integrity"));
  CHECK_FALSE(findings.contains("journal"));
  CHECK(findings.at("server").state == "ok");
  CHECK(findings.at("dns udp").state == "ok");
}

TEST_CASE("files of the database that all may read, or that belong to another user, are found", "[cli][doctor]") {
  const Installation installation;
  const auto database = installation.list.file("blowback.db");
  REQUIRE(::chmod(database.c_str(), 0644) == 0);
  check(installation, "privacy", "warning", "blowback.db");
  if (::geteuid() != 0) return;  // only root can give a folder away
  REQUIRE(::chown(installation.list.file("").c_str(), 65534, 65534) == 0);
  check(installation, "owner", "problem", "blowback.db");
}

TEST_CASE("times ahead of the clock are a warning", "[cli][doctor]") {
  Installation installation;
  REQUIRE(installation.list.run({"list", "198.51.100.1", "--reason", "r"}, "", kNow + hours(5)).code == cli::kYes);
  installation.follow();
  check(installation, "times", "warning", "a decision of 2026-11-24T15:00:00Z");
}

TEST_CASE("a wide listing and a wide exemption are named, with the command that ends them", "[cli][doctor]") {
  Installation installation;
  REQUIRE(installation.list.run({"list", "11.0.0.0/8", "--wide", "--reason", "r"}).code == cli::kYes);
  REQUIRE(installation.list.run({"exempt", "12.0.0.0/8", "--wide", "--reason", "r"}).code == cli::kYes);
  installation.follow();
  const auto findings = installation.examined().findings;
  CHECK(findings.at("wide listing 11.0.0.0/8").state == "warning");
  CHECK(findings.at("wide listing 11.0.0.0/8").mend.get<std::string>().contains("blowback delist 11.0.0.0/8 --wide"));
  CHECK(findings.at("wide exemption 12.0.0.0/8").state == "warning");
  CHECK_FALSE(findings.contains("reach"));
}

TEST_CASE("each fault in the server's status is a problem", "[cli][doctor]") {
  Installation installation;
  const auto good = installation.document;
  installation.document["zone"] = "other.example.org";
  check(installation, "server", "problem", "serves other.example.org");
  installation.document = good;
  installation.document["list"]["ready"] = false;
  check(installation, "index", "problem", "SERVFAIL");
  installation.document = good;
  installation.document["list"]["stale"] = true;
  check(installation, "index", "problem", "stale");
  installation.document = good;
  installation.document["list"]["checked_seconds_ago"] = 5.5;
  check(installation, "index", "problem", "last read 6 seconds ago");
  installation.document["list"]["checked_seconds_ago"] = 4.5;
  check(installation, "index", "ok", "1 entry");
  installation.document = good;
  installation.document["list"]["serial"] = installation.serial - 1;
  check(installation, "journal", "problem", "1 change behind");
  installation.document = good;
  installation.document["clock"] = {{"in_doubt", true}, {"ahead_seconds", -7200.0}};
  check(installation, "clock", "problem", "behind of the server's own clock by 2 hours");
  installation.document = nullptr;
  check(installation, "server", "problem", "not running");
}

TEST_CASE("each transport of the server is asked, and its wrong answers are named", "[cli][doctor]") {
  Installation installation;
  installation.fault = [](const Asked& asked, Reply& reply) {
    if (asked.tcp) reply = Reply{.rcode = 5};
    return true;
  };
  check(installation, "dns tcp", "problem", "REFUSED");
  auto findings = installation.examined().findings;
  CHECK(findings.at("dns udp").state == "ok");
  CHECK_FALSE(findings.contains("dns bystanders"));  // its answers would mean nothing
  installation.fault = [](const Asked& asked, Reply& reply) {
    if (asked.name == "2.0.0.127.bl.example.org") {
      reply.answers.clear();
      reply.rcode = 3;
    }
    return true;
  };
  check(installation, "dns udp", "problem", "127.0.0.2 isn't listed: NXDOMAIN");
  installation.fault = [](const Asked& asked, Reply& reply) {
    if (asked.name == "1.0.0.127.bl.example.org") reply.rcode = 0;
    return true;
  };
  check(installation, "dns udp", "problem", "127.0.0.1 isn't NXDOMAIN: NOERROR");
  installation.fault = nullptr;
  installation.good.serial = installation.serial + 1;
  check(installation, "dns udp", "problem", fmt::format("SOA serial is {}", installation.serial + 1));
}

TEST_CASE("a server that never answers is a problem, for the resolver, too", "[cli][doctor]") {
  Installation installation;
  installation.fault = [](const Asked&, Reply&) { return false; };
  const auto findings = installation.examined().findings;
  for (const auto* const name : {"dns udp", "dns tcp", "delegation by"}) {
    CAPTURE(name);
    CHECK(findings.at(name).state == "problem");
    // By TCP it closes the connection instead.
    CHECK(findings.at(name).found.contains("no answer within") == (std::string(name) != "dns tcp"));
  }
}

TEST_CASE("a list that covers the world, or special-use space, is a problem", "[cli][doctor]") {
  Installation installation;
  installation.fault = [](const Asked& asked, Reply& reply) {
    // Everything but 127.0.0.1 is listed.
    if (asked.is(RecordType::a) && asked.name != "1.0.0.127.bl.example.org" && reply.answers.empty()) {
      reply = Reply{.answers = {a_record(asked.name, "127.0.0.2")}};
    }
    return true;
  };
  check(installation, "dns bystanders", "problem", "the list covers the world");
  installation.fault = [](const Asked& asked, Reply& reply) {
    if (asked.is(RecordType::a) && asked.name.ends_with(".10.bl.example.org")) {
      reply = Reply{.answers = {a_record(asked.name, "127.0.0.2")}};
    }
    return true;
  };
  check(installation, "dns bystanders", "problem", "special-use addresses");
}

TEST_CASE("the resolver that was named must know the zone by the config's name servers", "[cli][doctor]") {
  Installation installation;
  installation.good = GoodList(std::vector<std::string>{});
  installation.good.serial = installation.serial;
  check(installation, "delegation by", "problem", "bl.example.org has no NS there: NOERROR");
  installation.good = GoodList({"ns9.example.net"});
  installation.good.serial = installation.serial;
  check(installation, "delegation by", "problem", "the name servers there are ns9.example.net");
}

TEST_CASE("doctor's --resolver accepts only an address", "[cli][doctor]") {
  const auto ran = List::bare({"doctor", "--resolver", "ns1.example.net"});
  CHECK(ran.code == cli::kWrongUse);
  CHECK(ran.err.starts_with("blowback: --resolver ns1.example.net: not an address"));
}
