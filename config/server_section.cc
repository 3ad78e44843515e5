#include "names.h"
#include "sections.h"
#include "values.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace blowback::config {
namespace {

void read_rate_limit(Section& section, RateLimit& limit) {
  section.integer("responses", limit.responses, 0, 1'000'000);
  section.integer("slip", limit.slip, 0, 100);
  section.integer("ipv4_prefix", limit.ipv4_prefix, 8, 32);
  section.integer("ipv6_prefix", limit.ipv6_prefix, 16, 128);
  section.integer("table", limit.table, 1024, 16'777'216);
  prefixes(section, "exempt", limit.exempt);
}

void read_cookie_secrets(Section& section, std::vector<CookieSecret>& secrets) {
  parsed_texts(section, "cookie_secrets", secrets, [](const std::string& text) { return cookie_secret(text); });
  if (!section.is_good("cookie_secrets")) return;
  if (secrets.size() > 2) {
    section.complain("cookie_secrets",
                     fmt::format("has {} secrets; at most two are allowed, the one for new cookies and another that is "
                                 "accepted",
                                 secrets.size()));
  } else if (secrets.size() == 2 && secrets.front() == secrets.back()) {
    section.complain("cookie_secrets", 1, "is the same as the first; remove one");
  }
}

void read_status_socket(Section& section, Server& server, const std::string& database) {
  section.text("status_socket", server.status_socket);
  if (!section.is_good("status_socket")) return;
  const auto& path = server.status_socket;
  if (path.find('\0') != std::string::npos) {
    section.complain("status_socket", "is no path; name a file for the socket, or \"\" for none");
  } else if (path.size() > kSocketPathOctets) {
    section.complain("status_socket",
                     fmt::format("is longer than {} octets, the limit for a unix socket's path; name a "
                                 "shorter one, for example \"/run/blowback/server\"",
                                 kSocketPathOctets));
  } else if (path == database) {
    section.complain("status_socket", "is the database; name another file");
  }
}

}  // namespace

void read_server(Section& section, Server& server, const std::string& database) {
  parsed_texts(section, "listen", server.listen, [](const std::string& text) { return endpoint(text); });
  if (section.is_good("listen")) {
    if (server.listen.empty()) {
      section.complain("listen", R"(is empty; name at least one, for example ["127.0.0.1:5300"])");
    }
    std::set<std::pair<IpAddress, std::uint16_t>> seen;
    for (std::size_t i = 0; i < server.listen.size(); ++i) {
      if (!seen.emplace(server.listen[i].address, server.listen[i].port).second) {
        section.complain("listen", i, "is there twice; remove one");
      }
    }
  }
  section.integer("workers", server.workers, 0, 256);
  section.text("nsid", server.nsid);
  if (section.is_good("nsid")) {
    if (server.nsid.size() > 64) {
      section.complain("nsid", "is longer than 64 octets; shorten it");
    } else if (!std::ranges::all_of(server.nsid, [](char c) { return c >= ' ' && c <= '~'; })) {
      section.complain("nsid", "has something other than printable ASCII; use plain ASCII");
    }
  }
  section.duration("stale_after", server.stale_after, Duration{1}, kTenYears);
  section.integer("tcp_connections", server.tcp_connections, 1, 65536);
  section.duration("tcp_idle", server.tcp_idle, Duration{1}, std::chrono::hours{1});
  prefixes(section, "allow", server.allow);
  section.boolean("cookies", server.cookies);
  read_cookie_secrets(section, server.cookie_secrets);
  read_status_socket(section, server, database);
  section.text("user", server.user);
  if (section.is_good("user") && server.user.find('\0') != std::string::npos) {
    section.complain("user", "is no user name; name the user that the server becomes, for example \"blowback\"");
  }
  section.boolean("sandbox", server.sandbox);
  section.section("rate_limit", [&](Section& inner) { read_rate_limit(inner, server.rate_limit); });
}

}  // namespace blowback::config
