#include "site/site.h"

#include "answers.h"
#include "removal_form.h"
#include "stores.h"
#include "system/one_time_token.h"
#include "system/system_call_filter.h"
#include "watch/log.h"
#include "watch/notify.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>
#include <utility>
#include <variant>

namespace blowback::site {
namespace {

using watch::Field;
using watch::Level;
using watch::log;

/// The same trouble is logged again after this time.
constexpr std::chrono::minutes kLogPause{1};

[[nodiscard]] std::string text_of(const config::MetricsEndpoint& place, std::uint16_t port) {
  if (const auto* const path = std::get_if<std::string>(&place)) return "unix:" + *path;
  const auto& endpoint = std::get<config::Endpoint>(place);
  const auto address = endpoint.address.to_string();
  return endpoint.address.family() == Family::ipv4 ? fmt::format("{}:{}", address, port)
                                                   : fmt::format("[{}]:{}", address, port);
}

[[nodiscard]] http::Limits limits_of(const config::Web& web) {
  return {.connections = static_cast<std::size_t>(web.connections),
          .connections_per_client = static_cast<std::size_t>(web.connections_per_client),
          .proxies = web.proxies,
          .time = std::chrono::seconds(web.time.count()),
          .threads = std::clamp(std::thread::hardware_concurrency(), 1U, 8U)};
}

[[nodiscard]] bool sockets_differ(const config::Web& one, const config::Web& other) {
  return one.listen != other.listen || one.connections != other.connections || one.proxies != other.proxies ||
         one.connections_per_client != other.connections_per_client || one.time != other.time;
}

}  // namespace

/// What answers are made from. A request keeps it until it is answered, whatever a reload does.
struct Site::Running {
  Running(std::shared_ptr<const InForce> in_force, http::RateLimit& limits, RemovalForm form, Answers::Clock clock,
          Report report)
      : stores(in_force->config.database),
        answers(std::move(in_force), stores, limits, std::move(form), std::move(clock), std::move(report)) {}
  Stores stores;
  Answers answers;
};

Site::Site(std::string templates) : templates_(std::move(templates)) {}
Site::~Site() = default;

std::expected<void, SiteError> Site::start(config::Config config) {
  const bool sandbox = config.web.sandbox;
  auto key = make_one_time_token();
  if (!key) return std::unexpected(SiteError{"no random numbers: " + key.error().message()});
  form_key_ = std::move(key->text);
  if (auto adopted = adopt(std::move(config)); !adopted) return adopted;
  if (sandbox) {
    if (const auto restricted = restrict_system_calls(); !restricted) {
      log(Level::warning, "sandbox-skipped", {Field::sentence("detail", restricted.error().text)});
    }
  }
  return {};
}

/// First everything that can fail, then everything that can't.
std::expected<void, SiteError> Site::adopt(config::Config config) {
  const auto folder = config.web.templates.empty() ? templates_ : config.web.templates;
  auto pages = page::Pages::load(folder);
  if (!pages) return std::unexpected(SiteError{std::move(pages).error().text});
  page::About about{.zone = config.zone.name,
                    .url = config.web.url,
                    .contact = config.web.contact,
                    .policy = config.policy,
                    .retention = config.retention,
                    .ttl = config.zone.ttl,
                    .removal_mail = config.removal.rules.enabled ? config.removal.mail : std::string()};
  std::unique_ptr<http::Server> server;
  if (!server_ || sockets_differ(config.web, config_.web)) {
    // A socket that stays can't be bound twice: the old one is closed first, and opened again if the new one can't be used.
    const bool is_same_place = server_ && config.web.listen == config_.web.listen;
    if (is_same_place) server_.reset();
    const auto handler = [this](const http::Request& request) {
      std::shared_ptr<Running> running;
      {
        const std::scoped_lock lock(mutex_);
        running = running_;
      }
      if (!running) return http::Response{.status = 503, .type = {}, .body = {}, .fields = {{"Retry-After", "1"}}};
      return running->answers.answer(request);
    };
    auto opened = http::Server::open(config.web.listen, limits_of(config.web), handler);
    if (!opened) {
      if (is_same_place) {
        auto former = http::Server::open(config_.web.listen, limits_of(config_.web), handler);
        if (former) server_ = std::make_unique<http::Server>(std::move(*former));
      }
      return std::unexpected(SiteError{std::move(opened).error().text});
    }
    server = std::make_unique<http::Server>(std::move(*opened));
  }
  watch::log_by(config.log);
  auto in_force =
      std::make_shared<const InForce>(InForce{.config = config, .about = std::move(about), .pages = *std::move(pages)});
  auto running = std::make_shared<Running>(
      std::move(in_force), limits_, RemovalForm(form_key_), [this] { return clock_.now(); },
      [this](std::string_view event, const std::string& detail) { report(event, detail); });
  {
    const std::scoped_lock lock(mutex_);
    running_ = std::move(running);
  }
  if (server) {
    server_ = std::move(server);
    log(Level::info, "serving-pages",
        {{"listen", text_of(config.web.listen, server_->port())}, {"url", config.web.url}, {"templates", folder}});
  }
  config_ = std::move(config);
  return {};
}

void Site::reload(const std::string& file) {
  auto config = config::load(file, config::TrapFile::left_out);
  std::optional<std::string> refused;
  if (!config) {
    refused = std::move(config).error().text;
  } else if (auto adopted = adopt(std::move(*config)); !adopted) {
    refused = std::move(adopted).error().text;
  }
  in_force_ = watch::after_reload(in_force_, file, refused, clock_.now());
}

void Site::stop() {
  const auto counts = server_ ? server_->counts() : http::Counts{};
  server_.reset();
  log(Level::info, "pages-served",
      {{"requests", counts.requests}, {"too_slow", counts.too_slow}, {"refused", counts.refused}});
}

void Site::report(std::string_view event, const std::string& detail) {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::scoped_lock lock(mutex_);
    if (last_event_ == event && now - logged_at_ < kLogPause) return;
    last_event_ = event;
    logged_at_ = now;
  }
  log(Level::error, event, {Field::sentence("detail", detail)});
}

sigset_t Site::block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void Site::serve(const std::string& config_file, watch::ServiceManager& manager, const sigset_t& signals) {
  manager.ready();
  while (true) {
    const auto pause = manager.interval();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(pause);
    const timespec wait{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(pause - seconds).count()};
    manager.turned(watch::ServiceManager::Clock::now(), true);
    static_cast<void>(clock_.now());  // a step of the system's clock is noticed here only
    const int number = sigtimedwait(&signals, nullptr, &wait);
    if (number < 0) continue;
    if (number != SIGHUP) break;
    manager.reloading();
    reload(config_file);
    manager.ready();
  }
  manager.stopping();
  stop();
}

}  // namespace blowback::site
