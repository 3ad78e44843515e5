#include "answers.h"

#include "account/account.h"
#include "blowback/text.h"
#include "etag.h"
#include "http/client_address.h"
#include "http/target.h"
#include "page/api.h"
#include "page/asked.h"
#include "page/language.h"
#include "watch/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <variant>
#include <vector>

namespace blowback::site {
namespace {

using http::Request;
using http::Response;

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPlain = "text/plain; charset=utf-8";
constexpr std::string_view kApiAddress = "/api/v1/ip/";
constexpr std::string_view kApiAddresses = "/api/v1/ips";
/// After the path of an address, or that of its data.
constexpr std::string_view kRemoval = "/removal";

/// How long a client that was told that the database is away should wait, in seconds.
constexpr std::string_view kRetryAfter = "60";
/// Likewise if too many requests for removal are pending.
constexpr std::string_view kRetryRemoval = "3600";
constexpr int kDaysOnFront = 90;
/// How many of a sender's incidents are read, the newest. `why` reads ten times as many, which takes a third of a second of processor time: too much for
/// what any stranger may ask for again and again. Score and listing don't depend on it.
constexpr std::size_t kMostIncidents = 1'000;
/// Looking up this many addresses in brief costs as much as one in full.
constexpr int kBriefPerToken = 10;

/// Nothing is loaded but our stylesheet, forms lead here, and nobody shows the page within another.
constexpr std::string_view kContentPolicy =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

void add_common(Response& response) {
  response.fields.emplace_back("X-Content-Type-Options", "nosniff");
  // Without a referrer a browser doesn't say that a form was posted by our own page either (Origin: null).
  response.fields.emplace_back("Referrer-Policy", "same-origin");
  response.fields.emplace_back("Content-Security-Policy", kContentPolicy);
  response.fields.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

[[nodiscard]] std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~:/").contains(c);
    if (is_plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

[[nodiscard]] Response plain(int status, std::string_view type, std::string body) {
  return {.status = status, .type = std::string(type), .body = std::move(body), .fields = {}};
}

[[nodiscard]] Response redirect(int status, std::string location) {
  auto response = plain(status, kPlain, location + "\n");
  response.fields.emplace_back("Location", std::move(location));
  return response;
}

/// Replaces the answer by 304 if the client has it already.
[[nodiscard]] Response revalidated(Response response, const Request& request) {
  auto etag = etag_of(response.body);
  if (response.status == 200 && names_etag(request.if_none_match, etag)) {
    response.status = 304;
    response.body.clear();
    response.type.clear();
  }
  response.fields.emplace_back("ETag", std::move(etag));
  return response;
}

[[nodiscard]] bool wants_json(const Request& request, const http::Target& target) {
  return target.path.starts_with("/api/") || request.accept.contains("application/json");
}

/// The address in the path of a removal.
[[nodiscard]] std::optional<IpAddress> address_to_remove(std::string_view path) {
  path.remove_suffix(kRemoval.size());
  path.remove_prefix(path.starts_with(kApiAddress) ? kApiAddress.size() : 1);
  const auto network = page::read_asked(path);
  if (!network || (!network->is_single_address() && *network != sender_of(network->first()))) return std::nullopt;
  return network->first();
}

[[nodiscard]] Response api_error(int status, std::string_view error, std::string_view detail) {
  return plain(status, kJson, page::json_of_error(error, detail));
}

}  // namespace

/// A request with what was found out about it.
struct Answers::Visit {
  const Request& request;
  const http::Target& target;
  page::View view;
  std::optional<IpAddress> client;  ///< absent: unknown, or a visitor from this host
  UnixTime now{};
};

Answers::Answers(std::shared_ptr<const InForce> in_force, Stores& stores, http::RateLimit& limits, RemovalForm form,
                 Clock clock, Report report)
    : in_force_(std::move(in_force)),
      stores_(stores),
      limits_(limits),
      form_(std::move(form)),
      clock_(std::move(clock)),
      report_(std::move(report)) {}

Response Answers::answer(const Request& request) {
  auto target = http::read_target(request.target);
  http::Target nowhere{.path = "/", .parameters = {}};
  const auto& where = target ? *target : nowhere;
  const auto chosen = page::language_tagged(where.parameter("lang").value_or(""));
  Visit visit{.request = request,
              .target = where,
              .view = {.language = chosen.value_or(page::preferred_language(request.accept_language)),
                       .chosen = chosen.has_value(),
                       .path = percent_encoded(where.path)},
              .client = http::client_of(request.peer, request.forwarded_for, in_force_->config.web.proxies),
              .now = clock_()};
  Response response;
  const bool is_removal = target && target->path.ends_with(kRemoval) && target->path.size() > kRemoval.size();
  const bool is_post = request.method == Request::Method::post;
  if (request.method == Request::Method::other || (is_post && !is_removal)) {
    response = message(visit, page::Message::method, 405);
    response.fields.emplace_back("Allow", is_removal ? "POST" : "GET, HEAD");
  } else if (is_removal) {
    response = removal(visit);
  } else if (!target) {
    visit.view.path = "/";
    response = message(visit, page::Message::not_found, 400);
  } else {
    response = at(visit);
  }
  add_common(response);
  return response;
}

Response Answers::at(const Visit& visit) {
  const std::string_view path = visit.target.path;
  if (path == "/") return front(visit);
  if (path == "/style.css") {
    auto response = plain(200, "text/css; charset=utf-8", in_force_->pages.stylesheet());
    response.fields.emplace_back("Cache-Control", "max-age=3600");
    return revalidated(std::move(response), visit.request);
  }
  if (path == "/robots.txt") return plain(200, kPlain, "User-agent: *\nDisallow: /api/\nDisallow: /lookup\n");
  if (path == "/favicon.ico")
    return {.status = 204, .type = {}, .body = {}, .fields = {{"Cache-Control", "max-age=86400"}}};
  if (path == "/health") return health();
  if (path == "/lookup") return look_up(visit);
  if (path == kApiAddresses) return api_addresses(visit);
  if (path.starts_with(kApiAddress)) return api_address(visit, path.substr(kApiAddress.size()));
  if (path.starts_with("/api/")) {
    return api_error(404, "not-found", "there are /api/v1/ip/ADDRESS and /api/v1/ips?ip=ADDRESS&ip=ADDRESS");
  }
  return asked(visit, path.substr(1));
}

Response Answers::front(const Visit& visit) {
  const auto known = figures(visit.now);
  if (!known) return unavailable(visit, known.error());
  return html(visit, 200, in_force_->pages.front(*known, in_force_->about, visit.now, visit.view));
}

schema::Result<page::Figures> Answers::figures(UnixTime now) {
  const auto minute = std::chrono::floor<std::chrono::minutes>(now);
  const auto state = stores_.ask<schema::ZoneState>([&](schema::Store& store) { return store.zone_state(now); });
  if (!state) return std::unexpected(state.error());
  const std::scoped_lock lock(mutex_);
  if (kept_ && kept_->minute == minute && kept_->figures.stats.serial == state->serial()) return kept_->figures;
  auto fresh = stores_.ask<page::Figures>([&](schema::Store& store) -> schema::Result<page::Figures> {
    auto stats = store.stats(now);
    if (!stats) return std::unexpected(std::move(stats).error());
    auto days = store.days_of_list(now - std::chrono::days(kDaysOnFront - 1), now);
    if (!days) return std::unexpected(std::move(days).error());
    return page::Figures{.stats = *std::move(stats), .days = *std::move(days)};
  });
  if (fresh) kept_ = {.minute = minute, .figures = *fresh};
  return fresh;
}

Response Answers::asked(const Visit& visit, std::string_view text) {
  // A slash at the end is no part of an address.
  const auto network = page::read_asked(text.ends_with('/') ? text.substr(0, text.size() - 1) : text);
  if (!network) return message(visit, page::Message::bad_address, 404, text);
  const auto path = page::path_of(*network);
  if (path != visit.target.path) {
    return redirect(301, visit.view.chosen ? fmt::format("{}?lang={}", path, tag_of(visit.view.language)) : path);
  }
  Fields fields;
  if (const auto wait = limited(visit, 1, fields)) {
    auto response = message(visit, page::Message::too_many, 429, {}, wait);
    response.fields.insert(response.fields.end(), fields.begin(), fields.end());
    return response;
  }
  const auto& about = in_force_->about;
  const auto& pages = in_force_->pages;
  Response response;
  // The /64 of an IPv6 sender has the page of a sender.
  if (network->is_single_address() || *network == sender_of(network->first())) {
    const auto account = account_of(network->first(), visit.now);
    if (!account) return unavailable(visit, account.error());
    const auto form = form_for(visit, *account);
    response = html(visit, 200, pages.address(*account, about, visit.now, visit.view, form), !form.empty());
  } else {
    const auto state = stores_.ask<schema::NetworkState>(
        [&](schema::Store& store) { return store.network(*network, page::kMostWithin, visit.now); });
    if (!state) return unavailable(visit, state.error());
    response = html(visit, 200, pages.network(*network, *state, about, visit.now, visit.view));
  }
  response.fields.emplace_back("X-Robots-Tag", "noindex");
  response.fields.insert(response.fields.end(), fields.begin(), fields.end());
  return response;
}

schema::Result<account::Account> Answers::account_of(const IpAddress& address, UnixTime now) {
  const auto& config = in_force_->config;
  return stores_.ask<account::Account>([&](schema::Store& store) {
    return account::read_account(store, address, kMostIncidents, config.policy, config.removal.rules, now);
  });
}

Response Answers::look_up(const Visit& visit) const {
  const auto text = visit.target.parameter("ip").value_or("");
  const auto network = page::read_asked(text);
  if (!network) return message(visit, page::Message::bad_address, 400, text);
  const auto path = page::path_of(*network);
  return redirect(303, visit.view.chosen ? fmt::format("{}?lang={}", path, tag_of(visit.view.language)) : path);
}

Response Answers::api_address(const Visit& visit, std::string_view text) {
  const auto network = page::read_asked(text);
  if (!network || !network->is_single_address()) {
    return api_error(400, "bad-address", "write one IPv4 or IPv6 address, such as /api/v1/ip/192.0.2.10");
  }
  const auto address = network->first();
  Fields fields;
  Response response;
  if (const auto wait = limited(visit, 1, fields)) {
    response = api_error(429, "too-many-requests", fmt::format("try again in {} s, or ask by DNS", wait->count()));
  } else {
    const auto account = account_of(address, visit.now);
    if (!account) return unavailable(visit, account.error());
    response = revalidated(plain(200, kJson, page::json_of(*account, in_force_->about)), visit.request);
    response.fields.emplace_back("Cache-Control", "no-cache");
  }
  response.fields.insert(response.fields.end(), fields.begin(), fields.end());
  return response;
}

Response Answers::api_addresses(const Visit& visit) {
  std::vector<IpAddress> addresses;
  for (const auto& [name, value] : visit.target.parameters) {
    if (name != "ip") continue;
    const auto network = page::read_asked(value);
    if (!network || !network->is_single_address()) {
      return api_error(400, "bad-address", fmt::format("ip number {} is no address", addresses.size() + 1));
    }
    addresses.push_back(network->first());
  }
  if (addresses.empty() || addresses.size() > page::kMostAtOnce) {
    return api_error(400, "bad-request",
                     fmt::format("write 1 to {} addresses: ?ip=ADDRESS&ip=ADDRESS", page::kMostAtOnce));
  }
  Fields fields;
  Response response;
  const int tokens = 1 + static_cast<int>(addresses.size()) / kBriefPerToken;
  if (const auto wait = limited(visit, tokens, fields)) {
    response = api_error(429, "too-many-requests", fmt::format("try again in {} s, or ask by DNS", wait->count()));
  } else {
    const auto checked =
        stores_.ask<schema::Checked>([&](schema::Store& store) { return store.check_all(addresses, visit.now); });
    if (!checked) return unavailable(visit, checked.error());
    response = revalidated(plain(200, kJson, page::json_of(addresses, *checked)), visit.request);
    response.fields.emplace_back("Cache-Control", "no-cache");
  }
  response.fields.insert(response.fields.end(), fields.begin(), fields.end());
  return response;
}

std::string Answers::form_for(const Visit& visit, const account::Account& account) const {
  if (!visit.client || is_proxy(*visit.client) || sender_of(*visit.client) != account.sender) return {};
  if (!is_own_host(visit.request.host, in_force_->config.web.url)) return {};
  if (!account.removals || account.removals->outlook.refused) return {};
  const bool is_pending = std::ranges::find(account.removals->requests, RemovalState::pending,
                                            &RemovalRequest::state) != account.removals->requests.end();
  return is_pending ? std::string() : form_.value_for(account.asked, *visit.client, visit.now);
}

Response Answers::removal(const Visit& visit) {
  const auto& target = visit.target;
  const auto asked = address_to_remove(target.path);
  const bool json = wants_json(visit.request, target);
  if (!asked) {
    return json ? api_error(404, "not-found", "write one address, such as /api/v1/ip/192.0.2.10/removal")
                : message(visit, page::Message::not_found, 404);
  }
  const auto path = page::path_of(Prefix::of(*asked));
  const auto to_page = [&] {
    return redirect(303, fmt::format("{}{}#removal", path,
                                     visit.view.chosen ? fmt::format("?lang={}", tag_of(visit.view.language)) : ""));
  };
  if (visit.request.method != Request::Method::post) {
    if (!json) return to_page();
    auto response = api_error(405, "method", "a request for removal is a POST");
    response.fields.emplace_back("Allow", "POST");
    return response;
  }
  Fields fields;
  if (const auto wait = limited(visit, 1, fields)) {
    auto response = json ? api_error(429, "too-many-requests", fmt::format("try again in {} s", wait->count()))
                         : message(visit, page::Message::too_many, 429, {}, wait);
    response.fields.insert(response.fields.end(), fields.begin(), fields.end());
    return response;
  }
  const auto& config = in_force_->config;
  if (!visit.client || is_proxy(*visit.client) || sender_of(*visit.client) != sender_of(*asked)) {
    return json ? api_error(403, "not-from-here",
                            fmt::format("only {} itself can ask, and this came from {}", asked->to_string(),
                                        visit.client ? visit.client->to_string() : "an unknown address"))
                : message(visit, page::Message::removal_elsewhere, 403, asked->to_string());
  }
  if (const auto objection = objection_to(visit.request, config.web.url, form_, *asked, *visit.client, visit.now)) {
    return objected(visit, *objection);
  }
  const auto filed = stores_.request_removal({.address = *visit.client, .proof = RemovalProof::https},
                                             config.removal.rules, visit.now);
  if (!filed) {
    report_("removal-not-filed", filed.error().text);
    auto response = json ? api_error(503, "unavailable", "the request can't be stored at the moment; try again")
                         : message(visit, page::Message::removal_busy, 503);
    response.fields.emplace_back("Retry-After", kRetryAfter);
    return response;
  }
  if (!filed->request) return refused_removal(visit, *asked, filed->outlook.refused.value_or(RemovalRefusal::disabled));
  const auto& request = *filed->request;
  if (filed->is_new) {
    watch::log(watch::Level::info, "removal-requested",
               {{"sender", request.sender.to_string()},
                {"proof", name_of(request.proof)},
                {"due", to_iso8601(request.due_at)}});
  }
  return json ? plain(202, kJson, page::json_of(request, filed->is_new)) : to_page();
}

Response Answers::refused_removal(const Visit& visit, const IpAddress& asked, RemovalRefusal why) const {
  const bool is_full = why == RemovalRefusal::too_many;
  auto response = wants_json(visit.request, visit.target) ? api_error(is_full ? 503 : 409, name_of(why), clause_of(why))
                  : is_full                               ? message(visit, page::Message::removal_busy, 503)
                            // Its page says why.
                            : redirect(303, page::path_of(Prefix::of(asked)) + "#removal");
  if (is_full) response.fields.emplace_back("Retry-After", kRetryRemoval);
  return response;
}

Response Answers::objected(const Visit& visit, Objection why) const {
  struct Told {
    int status;
    std::string_view error;
    std::string_view detail;
  };
  const auto told = [&]() -> Told {
    switch (why) {
      case Objection::wrong_host:
        return {.status = 421, .error = "wrong-host", .detail = "ask at the page's own name, see web.url"};
      case Objection::type:
        return {.status = 415, .error = "bad-type", .detail = "send no body, or the page's form"};
      case Objection::too_large:
        return {.status = 413, .error = "too-large", .detail = "send no body, or the page's form"};
      case Objection::elsewhere:
        break;
    }
    return {.status = 403, .error = "no-form", .detail = "send X-Blowback-Removal: yes, without Origin"};
  }();
  return wants_json(visit.request, visit.target) ? api_error(told.status, told.error, told.detail)
                                                 : message(visit, page::Message::removal_form, told.status);
}

Response Answers::health() {
  const auto state = stores_.ask<schema::ZoneState>([&](schema::Store& store) { return store.zone_state(clock_()); });
  watch::Health health;
  if (!state) {
    health.push_back(
        {.name = "database-unreadable", .detail = "the database can't be read", .mend = "see the log of blowback-web"});
  }
  auto response = plain(state ? 200 : 503, kJson, watch::to_json(health));
  response.fields.emplace_back("Cache-Control", "no-store");
  return response;
}

std::optional<Duration> Answers::limited(const Visit& visit, int tokens, Fields& fields) {
  const int per_minute = in_force_->config.web.requests;
  // Visitors from this host, and those of a proxy that doesn't name them, would all share one bucket.
  if (per_minute == 0 || !visit.client) return std::nullopt;
  if (is_proxy(*visit.client)) return std::nullopt;
  const auto verdict = limits_.take(sender_of(*visit.client), tokens, per_minute, SteadyClock::now());
  // draft-ietf-httpapi-ratelimit-headers-10
  fields.emplace_back("RateLimit-Policy", fmt::format("\"address\";q={};w=60", per_minute));
  fields.emplace_back("RateLimit", fmt::format("\"address\";r={};t={}", verdict.left, verdict.reset.count()));
  if (verdict.allowed) return std::nullopt;
  fields.emplace_back("Retry-After", std::to_string(verdict.reset.count()));
  return std::chrono::duration_cast<Duration>(verdict.reset);
}

Response Answers::message(const Visit& visit, page::Message message, int status, std::string_view detail,
                          std::optional<Duration> wait) const {
  auto view = visit.view;
  view.path = "/";  // the same page in another language doesn't exist
  auto response = html(visit, status, in_force_->pages.message(message, in_force_->about, view, detail, wait));
  response.fields.emplace_back("X-Robots-Tag", "noindex");
  return response;
}

Response Answers::unavailable(const Visit& visit, const schema::StoreError& error) const {
  report_("page-unavailable", error.text);
  auto response = visit.target.path.starts_with("/api/")
                      ? api_error(503, "unavailable",
                                  "the database can't be read at the moment; this says nothing about the address")
                      : message(visit, page::Message::unavailable, 503);
  response.fields.emplace_back("Retry-After", kRetryAfter);
  return response;
}

bool Answers::is_proxy(const IpAddress& address) const {
  return std::ranges::any_of(in_force_->config.web.proxies,
                             [&](const Prefix& proxy) { return proxy.contains(address); });
}

Response Answers::html(const Visit& visit, int status, page::Page made, bool is_private) const {
  if (!made) {
    report_("template-failed", made.error().text);
    return plain(500, kPlain, "This page can't be shown: a template of the page has a mistake.\n");
  }
  auto response = plain(status, kHtml, *std::move(made));
  response.fields.emplace_back("Vary", "Accept-Language");
  response.fields.emplace_back("Content-Language", tag_of(visit.view.language));
  const bool may_be_kept = status == 200 && !is_private;
  response.fields.emplace_back("Cache-Control", may_be_kept ? "no-cache" : "no-store");
  return may_be_kept ? revalidated(std::move(response), visit.request) : response;
}

}  // namespace blowback::site
