// A whole server in this process. The system call filter is off: it would stay for the tests that follow.
#include "catch.h"
#include "folder.h"
#include "net_fixture.h"
#include "schema/store.h"
#include "service/serve.h"
#include "service/server.h"
#include "system/unix_socket.h"
#include "watch/log.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace blowback;
using namespace blowback::test;
namespace fs = std::filesystem;

namespace {

/// The last octet of the answer for an operator's listing.
constexpr std::uint8_t kByOperator = 9;

/// Makes a database with one listing.
void make_database(const std::string& file, const std::string& prefix) {
  auto store = schema::Store::open(file, schema::Store::Mode::create);
  REQUIRE(store);
  REQUIRE(store->list(std::vector{test::net(prefix)}, std::nullopt, {.who = "operator", .reason = "a test"}, kNow));
}

using Keys = std::map<std::string, std::string>;

/// A server, its config file and its database.
class Running {
 public:
  /// `server`: keys of the [server] table besides those that the fixture sets.
  explicit Running(Keys server = {}) : server_keys(std::move(server)) {
    make_database(folder.file("blowback.db"), "192.0.2.10");
    database = folder.file("blowback.db");
    listen = {"127.0.0.1:1"};
    write_config();
    auto config = config::load(config_file(), config::TrapFile::left_out);
    if (!config) FAIL(config.error().text);
    watch::log_by(config->log);
    config->server.listen = {{.address = ip("127.0.0.1"), .port = 0}};
    if (const auto started = service.start(std::move(*config)); !started) FAIL(started.error().text);
    port = service.endpoints().at(0).port;
    listen = {"127.0.0.1:" + std::to_string(port)};
    reload();
    REQUIRE(refused().empty());
  }
  ~Running() {
    if (!has_stopped) service.stop();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] std::string config_file() const { return folder.file("blowback.toml"); }
  void write_config(const std::string& more = "") const {
    std::ofstream out(config_file());
    out << more << "database = \"" << database << "\"\n[log]\nlevel = \"error\"\n[[zone]]\nname = \"" << zone << "\"\n"
        << (further_zone.empty() ? "" : "[[zone]]\n") << further_zone << "[server]\nsandbox = false\nlisten = [";
    for (const auto& endpoint : listen) out << '"' << endpoint << "\", ";
    out << "]\n";
    for (const auto& [key, value] : server_keys) out << key << " = " << value << '\n';
    if (!metrics.empty()) out << "[metrics]\nserver = \"unix:" << metrics << "\"\n";
  }
  void reload(const std::string& more = "") {
    write_config(more);
    service.reload(config_file());
  }
  [[nodiscard]] std::string refused() { return service.status().config.refused; }
  /// The reply to a query for 192.0.2.10.
  [[nodiscard]] Bytes ask(const std::string& address = "127.0.0.1") const {
    const Client client(address, port);
    client.send(question(7));
    return client.receive();
  }
  [[nodiscard]] bool answers(const std::string& address = "127.0.0.1") const {
    return says_listed(ask(address), 7, kByOperator);
  }
  void stop() {
    service.stop();
    has_stopped = true;
  }

  Folder folder;
  std::string database;
  std::string zone = "bl.example.org";
  std::string further_zone;  ///< its keys; empty: there is none
  std::vector<std::string> listen;
  Keys server_keys;
  std::string metrics;
  service::Server service{"1.2.3", {}};
  std::uint16_t port = 0;
  bool has_stopped = false;
};

/// All that a unix socket sends after `request`; empty: nobody listens.
std::string read_socket(const std::string& path, const std::string& request = "") {
  const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UnixAddress address(path);
  if (connect(client.get(), address.get(), UnixAddress::size()) != 0) return "";
  if (!request.empty()) {
    REQUIRE(::send(client.get(), request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
  }
  std::string text;
  std::array<char, 65'536> buffer{};
  for (ssize_t size = 0; (size = recv(client.get(), buffer.data(), buffer.size(), 0)) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

int rcode_of(const Bytes& reply) { return reply.size() < 4 ? -1 : reply[3] & 0x0f; }

constexpr int kRefused = 5;

}  // namespace

TEST_CASE("a server that has started answers from its database, and its status describes that", "[service]") {
  Running running;
  CHECK(running.answers());
  const auto status = running.service.status();
  CHECK(status.version == "1.2.3");
  CHECK(status.zone == "bl.example.org");
  CHECK(status.list.ready);
  CHECK(status.list.entries == 1);
  CHECK(status.config.refused.empty());
}

TEST_CASE("a server starts without a list, and serves it once there is a database", "[service]") {
  const Folder folder;
  config::Config config;
  config.database = folder.file("blowback.db");
  config.zone = zone_settings();
  config.server.listen = {{.address = ip("127.0.0.1"), .port = 0}};
  config.server.sandbox = false;
  config.log.level = config::LogLevel::error;
  watch::log_by(config.log);
  service::Server server("1.2.3", {});
  REQUIRE(server.start(config));
  CHECK_FALSE(server.status().list.ready);
  make_database(config.database, "192.0.2.10");
  // The database may be read before it has its listing.
  CHECK(becomes_true([&] { return server.status().list.entries == 1; }));
  const Client client("127.0.0.1", server.endpoints().at(0).port);
  client.send(question(7));
  CHECK(says_listed(client.receive(), 7, kByOperator));
  server.stop();
}

TEST_CASE("what can't be served is refused at the start", "[service]") {
  Running running;
  service::Server other("1.2.3", {});
  config::Config config;
  config.database = running.database;
  config.zone = zone_settings();
  config.server.listen = running.service.endpoints();
  const auto taken = other.start(config);
  REQUIRE_FALSE(taken);
  CHECK_THAT(taken.error().text, Catch::Contains("another program has it"));
  config.zone.nameservers = {"ns..example.org"};
  service::Server unstarted("1.2.3", {});
  const auto unservable = unstarted.start(config);
  REQUIRE_FALSE(unservable);
  CHECK_THAT(unservable.error().text, Catch::Contains("zone.nameservers"));
}

TEST_CASE("a reload serves another zone on the same sockets", "[service][reload]") {
  Running running;
  running.zone = "other.example.org";
  running.reload();
  CHECK(running.refused().empty());
  CHECK(running.service.status().zone == "other.example.org");
  CHECK(rcode_of(running.ask()) == kRefused);
}

TEST_CASE("a reload adds a zone and removes it, and the first one is served all the time", "[service][reload]") {
  Running running;
  const auto rcode_of_second = [&] {
    auto bytes = question(7);
    // bl.example.org becomes xl.example.org.
    bytes.at(bytes.size() - 5 - 15 + 1) = 'x';
    const Client client("127.0.0.1", running.port);
    client.send(bytes);
    return rcode_of(client.receive());
  };
  CHECK(rcode_of_second() == kRefused);
  for (const auto& [codes, rcode] : {std::pair("operator", 0), std::pair("dsn", 3)}) {
    running.further_zone = "name = \"xl.example.org\"\ncodes = [\"" + std::string(codes) + "\"]\n";
    running.reload();
    CHECK(running.refused().empty());
    CHECK(running.service.status().further_zones == std::vector<std::string>{"xl.example.org"});
    CHECK(running.answers());
    CHECK(rcode_of_second() == rcode);
  }
  running.further_zone.clear();
  running.reload();
  CHECK(running.service.status().further_zones.empty());
  CHECK(running.answers());
  CHECK(rcode_of_second() == kRefused);
}

TEST_CASE("a config with an error changes nothing, and the status says why until one is read that has none",
          "[service][reload]") {
  Running running;
  running.zone = "other.example.org";
  running.reload("nonsense = 1\n");
  CHECK_THAT(running.refused(), Catch::Contains("nonsense"));
  CHECK(running.service.status().zone == "bl.example.org");
  CHECK(running.answers());
  running.reload();
  CHECK(running.refused().empty());
  CHECK(running.service.status().zone == "other.example.org");
}

TEST_CASE("a config whose endpoint is taken changes nothing, not even the zone", "[service][reload]") {
  Running running;
  const Running other;
  running.zone = "other.example.org";
  running.listen.push_back("127.0.0.1:" + std::to_string(other.port));
  running.reload();
  CHECK_THAT(running.refused(), Catch::Contains("another program has it"));
  CHECK(running.answers());
  CHECK(other.answers());
  CHECK(running.service.endpoints().size() == 1);
}

TEST_CASE("a database that can't be read doesn't replace the list, another one does", "[service][reload]") {
  Running running;
  running.database = running.folder.file("none.db");
  running.reload();
  CHECK_THAT(running.refused(), Catch::Contains("none.db"));
  CHECK(running.answers());
  running.database = running.folder.file("other.db");
  make_database(running.database, "192.0.2.99");
  running.reload();
  CHECK(running.refused().empty());
  CHECK_FALSE(running.answers());
}

TEST_CASE("workers and endpoints are replaced while clients ask, and the counts go on", "[service][reload]") {
  Running running(Keys{{"workers", "1"}});
  for (int i = 0; i < 10; ++i) CHECK(running.answers());
  const auto before = running.service.status().counts.udp.queries();
  CHECK(before == 10);
  // What arrives while the sockets change is answered by the old workers or by the new ones.
  const Client waiting("127.0.0.1", running.port);
  for (std::uint16_t id = 1; id <= 50; ++id) waiting.send(question(id));
  running.server_keys["workers"] = "3";
  running.listen.push_back("127.0.0.2:" + std::to_string(running.port));
  running.reload();
  CHECK(running.refused().empty());
  CHECK(running.service.endpoints().size() == 2);
  for (std::uint16_t id = 1; id <= 50; ++id) CHECK(says_listed(waiting.receive(), id, kByOperator));
  CHECK(running.answers());
  CHECK(running.answers("127.0.0.2"));
  CHECK(becomes_true([&] { return running.service.status().counts.udp.queries() == before + 52; }));
  // An endpoint that the config has no more is closed: the client's kernel reports that nobody listens.
  running.listen.pop_back();
  running.reload();
  const Client closed("127.0.0.2", running.port);
  closed.send(question(7));
  CHECK(closed.receive().empty());
}

TEST_CASE("the status socket and the metrics move with the config", "[service][reload]") {
  Running running;
  running.server_keys["status_socket"] = '"' + running.folder.file("one") + '"';
  running.metrics = running.folder.file("metrics");
  running.reload();
  const auto document = nlohmann::json::parse(read_socket(running.folder.file("one")));
  CHECK(document["zone"] == "bl.example.org");
  CHECK_THAT(read_socket(running.metrics, "GET /ready HTTP/1.1\r\n\r\n"), Catch::StartsWith("HTTP/1.1 200 "));
  running.server_keys["status_socket"] = '"' + running.folder.file("two") + '"';
  const auto former = std::exchange(running.metrics, "");
  running.reload();
  CHECK_FALSE(fs::exists(running.folder.file("one")));
  CHECK_FALSE(fs::exists(former));
  CHECK_FALSE(read_socket(running.folder.file("two")).empty());
}

TEST_CASE("a status socket that can't be opened is tried again at the next reload", "[service][reload]") {
  Running running;
  const auto path = running.folder.file("later/socket");
  running.server_keys["status_socket"] = '"' + path + '"';
  running.reload();
  CHECK(running.refused().empty());
  CHECK(running.answers());
  fs::create_directory(running.folder.file("later"));
  running.reload();
  CHECK_FALSE(read_socket(path).empty());
}

TEST_CASE("after the stop the port is free", "[service]") {
  Running running;
  CHECK(running.answers());
  running.stop();
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto address = socket_address(ip("127.0.0.1"), running.port);
  CHECK(bind(socket.get(), address.get(), address.size) == 0);
}

TEST_CASE("SIGHUP reloads, SIGTERM stops, and the service manager learns of both", "[service][reload]") {
  const Folder folder;
  const auto notes_path = folder.file("notify");
  const Descriptor notes(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UnixAddress address(notes_path);
  REQUIRE(bind(notes.get(), address.get(), UnixAddress::size()) == 0);
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(notes.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const auto next = [&](const std::string& begin) {
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = recv(notes.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      if (std::string_view(buffer.data(), static_cast<std::size_t>(size)).starts_with(begin)) return true;
    }
    return false;
  };

  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  const auto signals = service::block_signals();
  {
    Running running;
    watch::ServiceManager manager(
        {.notify_socket = notes_path.c_str(), .watchdog_usec = nullptr, .watchdog_pid = nullptr});
    std::thread serving([&] { service::serve(running.service, running.config_file(), manager, signals); });
    CHECK(next("STATUS=serving bl.example.org: 1 entries"));
    CHECK(next("READY=1"));
    running.zone = "other.example.org";
    running.write_config();
    kill(getpid(), SIGHUP);
    CHECK(next("RELOADING=1"));
    CHECK(next("READY=1"));
    CHECK(running.service.status().zone == "other.example.org");
    kill(getpid(), SIGTERM);
    CHECK(next("STOPPING=1"));
    serving.join();
    running.has_stopped = true;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}
