#include "names.h"
#include "sections.h"
#include "values.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace blowback::config {
namespace {

constexpr std::size_t kLongestUrl = 200;

/// Scheme, host and path of plain characters, as they stand in a header or in HTML without a change.
[[nodiscard]] bool is_plain_url(std::string_view url, bool may_be_http) {
  constexpr std::string_view kSecure = "https://";
  constexpr std::string_view kPlain = "http://";
  if (url.size() > kLongestUrl) return false;
  if (url.starts_with(kSecure)) {
    url.remove_prefix(kSecure.size());
  } else if (may_be_http && url.starts_with(kPlain)) {
    url.remove_prefix(kPlain.size());
  } else {
    return false;
  }
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:/[]").contains(c);
  };
  return !url.empty() && url.front() != '/' && std::ranges::all_of(url, is_plain);
}

void read_url(Section& section, Web& web) {
  section.text("url", web.url);
  if (!section.is_good("url")) return;
  if (!is_plain_url(web.url, /*may_be_http=*/true)) {
    section.complain("url", "is no URL of a page; write what visitors type, for example \"https://bl.example.org\"");
  }
  while (web.url.ends_with('/')) web.url.pop_back();
}

void read_contact(Section& section, Web& web) {
  section.text("contact", web.contact);
  if (!section.is_good("contact") || is_plain_url(web.contact, /*may_be_http=*/false)) return;
  if (!mail_address(web.contact)) {
    section.complain(
        "contact",
        R"(is neither a mail address nor a URL; write for example "delist@example.org" or "https://example.org/contact")");
  }
}

}  // namespace

void read_web(Section& section, Web& web) {
  std::optional<MetricsEndpoint> place;
  read_place(section, "listen", place);
  if (place) {
    web.listen = *std::move(place);
  } else if (section.is_good("listen")) {
    section.complain("listen", "is empty; don't start blowback-web if there shall be no page");
  }
  prefixes(section, "proxies", web.proxies);
  read_url(section, web);
  read_contact(section, web);
  section.text("templates", web.templates);
  if (section.is_good("templates") && web.templates.contains('\0')) {
    section.complain("templates", "is no path; name the folder of the templates, or \"\" for the installed one");
  }
  section.text("user", web.user);
  if (section.is_good("user") && web.user.contains('\0')) {
    section.complain("user", "is no user name; name the user that the program becomes, for example \"blowback\"");
  }
  section.boolean("sandbox", web.sandbox);
  section.integer("connections", web.connections, 16, 50'000);
  section.integer("connections_per_client", web.connections_per_client, 1, 50'000);
  section.duration("time", web.time, Duration{1}, std::chrono::minutes{10});
  section.integer("requests", web.requests, 0, 1'000'000);
}

}  // namespace blowback::config
