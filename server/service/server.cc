#include "service/server.h"

#include "config/written.h"
#include "net/metrics.h"
#include "reports.h"
#include "system/descriptor_limit.h"
#include "system/system_call_filter.h"
#include "tls_service.h"
#include "watch/log.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace blowback::service {
namespace {

using watch::Field;
using watch::Level;
using watch::log;

[[nodiscard]] std::unexpected<ServiceError> failed(std::string text) {
  return std::unexpected(ServiceError{std::move(text)});
}

[[nodiscard]] transfer::Limits limits_of(const config::Server& settings) {
  return {.connections = static_cast<std::size_t>(settings.transfer.connections),
          .time = std::chrono::seconds(settings.transfer.time.count()),
          .idle = std::chrono::seconds(settings.tcp_idle.count())};
}

/// Whether differences may be sent.
[[nodiscard]] bool keeps_versions(const config::Config& config) {
  const auto& transfer = config.server.transfer;
  return transfer.history > 0 && !(transfer.allow.empty() && transfer.keys.empty());
}

/// All that decides the zones' content besides the list. Another version of the program may write other records of the same list.
[[nodiscard]] std::string zones_in_words(const config::Config& config, const std::string& version) {
  std::string words = version + "\n";
  for (const auto& setting : config::settings_of(config)) {
    if (setting.table.starts_with("zone")) words += setting.name() + " = " + setting.value + "\n";
  }
  return words;
}

void restrict_system_calls_or_log() {
  const auto restricted = restrict_system_calls();
  if (!restricted) log(Level::warning, "sandbox-skipped", {Field::sentence("detail", restricted.error().text)});
}

}  // namespace

std::expected<Secrets, ServiceError> Secrets::random() {
  Secrets secrets;
  // Up to 256 octets are delivered at once, as soon as the system has gathered enough entropy (getrandom(2)).
  if (getentropy(secrets.cookie.data(), secrets.cookie.size()) != 0 ||
      getentropy(secrets.rate_limit.data(), secrets.rate_limit.size()) != 0) {
    return failed("the system has no random numbers");
  }
  return secrets;
}

Server::Server(std::string version, const Secrets& secrets) : version_(std::move(version)), secrets_(secrets) {}

std::expected<void, ServiceError> Server::start(config::Config config) {
  if (auto read = config::read_secrets(config.server.transfer); !read) return failed(std::move(read).error().text);
  auto served = answer::ServedZones::of(config.zones(), config.server, secrets_.cookie);
  if (!served) return failed(std::move(served).error());
  auto tls = tls_service(config.server.transfer.tls, {});
  if (!tls) return failed(std::move(tls).error());
  tls_ = std::move(*tls);
  zones_.publish(std::move(*served));
  history_.keep(static_cast<std::size_t>(config.server.transfer.history));
  open_versions(config);
  follow(config);
  open_transfers(config.server);
  auto started = net::Responders::start(config.server, sources());
  if (!started) {
    transfers_.reset();
    tls_ = {};
    follower_.reset();
    return failed(std::move(started).error().text);
  }
  responders_.emplace(std::move(*started));
  log_responders(config.server);
  open_notifier(config.server);
  config_ = std::move(config);
  open_status_socket(config_.server.status_socket);
  open_metrics(config_.metrics.server);
  if (config_.server.sandbox) restrict_system_calls_or_log();
  for (const auto& zone : config_.zones()) {
    log_nameservers_without_address(zone);
    log(Level::info, "serving", {{"zone", zone.name}, {"endpoints", config_.server.listen.size()}});
  }
  return {};
}

void Server::reload(const std::string& file) {
  auto config = config::load(file, config::TrapFile::left_out);
  std::optional<std::string> refused;
  if (!config) {
    refused = std::move(config).error().text;
  } else if (auto adopted = adopt(std::move(*config)); !adopted) {
    refused = std::move(adopted).error().text;
  }
  auto in_force = watch::after_reload(in_force_, file, refused, clock_.now());
  const std::scoped_lock lock(mutex_);
  in_force_ = std::move(in_force);
}

/// First everything that can fail, then everything that can't.
std::expected<void, ServiceError> Server::adopt(config::Config config) {
  if (auto read = config::read_secrets(config.server.transfer); !read) return failed(std::move(read).error().text);
  const auto zones = config.zones();
  auto served = answer::ServedZones::of(zones, config.server, secrets_.cookie);
  if (!served) return failed(std::move(served).error());
  auto tls = tls_service(config.server.transfer.tls, tls_);
  if (!tls) return failed(std::move(tls).error());
  // A database that can't be read must not replace the list that is served.
  const bool is_another = config.database != config_.database;
  if (is_another) {
    if (auto why = zone::why_not_followed(config.database)) return failed(std::move(*why));
  }
  if (sockets_differ(config.server)) {
    if (auto changed = responders_->change(config.server); !changed) return failed(std::move(changed).error().text);
    log_responders(config.server);
  }
  history_.keep(static_cast<std::size_t>(config.server.transfer.history));
  versions_.keep(static_cast<std::size_t>(config.server.transfer.history));
  // A difference is of the list only. Before and after: a version that comes in between is of the former zones.
  const bool are_other_zones = zones != config_.zones();
  if (are_other_zones) history_.clear();
  zones_.publish(std::move(*served));
  if (are_other_zones) history_.clear();
  if (are_other_zones) versions_.begin_zone(zones_in_words(config, version_));
  transfers_->change(limits_of(config.server));
  tls_ = std::move(*tls);
  transfers_->accept_from(tls_);
  if (are_other_zones || config.server.transfer.notify != config_.server.transfer.notify) open_notifier(config.server);
  if (is_another) follower_.reset();  // it writes to the log of the former database
  if (is_another || keeps_versions(config) != keeps_versions(config_)) {
    open_versions(config);
    // Without a whole list that is compared with them, they may be of another time.
    if (!is_another) versions_.clear();
  }
  if (is_another || config.server.stale_after != config_.server.stale_after) follow(config);
  // Also if the path or port is the same and couldn't be bound before: it may be free now.
  const bool opens_status = !status_socket_ || config.server.status_socket != config_.server.status_socket;
  const bool opens_metrics = !metrics_ || config.metrics.server != config_.metrics.server;
  {
    const std::scoped_lock lock(mutex_);
    config_ = std::move(config);
  }
  if (opens_status) open_status_socket(config_.server.status_socket);
  if (opens_metrics) open_metrics(config_.metrics.server);
  watch::log_by(config_.log);
  for (const auto& zone : zones) log_nameservers_without_address(zone);
  return {};
}

void Server::stop() {
  metrics_.reset();
  status_socket_.reset();
  const auto taken = [this](auto& part) {
    const std::scoped_lock lock(mutex_);  // `status` reads it
    return std::move(part);
  };
  taken(secondary_serials_).reset();
  taken(notifier_).reset();
  responders_->stop();
  taken(transfers_).reset();
  tls_ = {};
  log_counts(responders_->counts());
}

net::Status Server::status() {
  net::Status status;
  status.version = version_;
  status.started_at = started_at_;
  status.now = clock_.now();
  status.clock_doubt = clock_.doubt();
  const auto steady = std::chrono::steady_clock::now();
  const auto milliseconds = [](const auto& span) { return std::chrono::floor<std::chrono::milliseconds>(span); };
  const auto if_known = [&](const auto& span) { return span ? std::optional(milliseconds(*span)) : std::nullopt; };
  {
    const std::scoped_lock lock(mutex_);
    status.zone = config_.zone.name;
    for (const auto& zone : config_.further_zones) status.further_zones.push_back(zone.name);
    status.config = in_force_;
    if (transfers_) status.transfers = transfers_->counts();
    if (notifier_) status.notified = notifier_->notified();
    if (secondary_serials_) status.secondary_serials = secondary_serials_->all();
  }
  status.counts = responders_->counts();
  status.workers_turned_ago = milliseconds(responders_->since_turned(steady));
  status.list.checked_ago = if_known(freshness_.since_looked(steady));
  status.list.caught_up_ago = if_known(freshness_.since_caught_up(steady));
  status.list.changed_ago = if_known(freshness_.since_published(steady));
  status.list.publishing = if_known(freshness_.publishing());
  status.list.tally = freshness_.tally();
  status.follower_turned_ago = if_known(freshness_.since_turned(steady));
  // A new reader each time: a permanent one would keep an old list in memory until the next call.
  zone::Published<zone::View>::Reader reader(view_);
  if (const auto* const view = reader.get(); view != nullptr && view->index) {
    status.list.ready = true;
    status.list.stale = view->stale;
    status.list.serial = view->serial;
    status.list.entries = view->index->size();
    status.list.octets = view->index->octets();
  }
  return status;
}

void Server::follow(const config::Config& config) {
  follower_.reset();  // only one may publish
  follower_ = std::make_unique<zone::Follower>(
      zone::Follower::Settings{.database = config.database,
                               .stale_after = config.server.stale_after,
                               .freshness = &freshness_,
                               .history = &history_,
                               .versions = &versions_},
      view_, [this] { return checked_now(); }, [](const zone::FollowerReport& report) { log_report(report); });
}

/// Without it a restart costs a whole zone for each secondary, and nothing else.
void Server::open_versions(const config::Config& config) {
  versions_.close();
  if (!keeps_versions(config)) return;
  const auto opened = versions_.open(config.database + ".served", zones_in_words(config, version_),
                                     static_cast<std::size_t>(config.server.transfer.history));
  if (!opened) log(Level::warning, "versions-skipped", {Field::sentence("detail", opened.error())});
}

void Server::open_transfers(const config::Server& settings) {
  transfers_ = std::make_unique<transfer::Transfers>(
      limits_of(settings),
      transfer::Transfers::Sources{.zones = zones_,
                                   .view = view_,
                                   .history = history_,
                                   .clock = [this] { return clock_.glance(); },
                                   .report = [](const auto& report) { log_transfer(report); },
                                   .handshake_failed = [](const auto& failed) { log_handshake(failed); }});
  transfers_->accept_from(tls_);
}

/// Ends the present one first: another one tells all secondaries again.
void Server::open_notifier(const config::Server& settings) {
  const std::scoped_lock lock(mutex_);
  secondary_serials_.reset();
  notifier_.reset();
  if (settings.transfer.notify.empty()) return;
  notifier_ = std::make_unique<transfer::Notifier>(
      settings.transfer.notify,
      transfer::Notifier::Sources{.zones = zones_,
                                  .view = view_,
                                  .clock = [this] { return clock_.glance(); },
                                  .report = [](const auto& report) { log_notified(report); }});
  std::vector<config::Endpoint> secondaries;
  for (const auto& secondary : settings.transfer.notify) secondaries.push_back(secondary.at);
  secondary_serials_ = std::make_unique<transfer::SecondarySerials>(
      secondaries, transfer::SecondarySerials::Sources{
                       .zones = zones_, .view = view_, .report = [](const auto& report) { log_lag(report); }});
}

/// The follower calls it many times a second, so this is where a step of the clock is noticed.
UnixTime Server::checked_now() {
  const auto now = clock_.now();
  clock_log_.look(clock_.doubt());
  return now;
}

void Server::log_responders(const config::Server& settings) const {
  for (const auto& skipped : responders_->skipped()) {
    log(Level::warning, "endpoint-skipped", {Field::sentence("detail", skipped)});
  }
  const auto wanted = static_cast<std::size_t>(settings.tcp_connections);
  if (responders_->tcp_connections() < wanted) {
    log(Level::warning, "descriptors-short",
        {{"wanted", wanted}, {"possible", responders_->tcp_connections()}, {"limit", descriptor_limit()}});
  }
}

/// Closes the present one first. If the new one can't be opened, the server runs without.
void Server::open_status_socket(const std::string& path) {
  status_socket_.reset();
  if (path.empty()) return;
  auto opened = net::StatusSocket::open(path, [this] { return net::to_json(status()); });
  if (opened) {
    status_socket_.emplace(std::move(*opened));
  } else {
    log(Level::warning, "status-socket-skipped", {Field::sentence("detail", opened.error().text)});
  }
}

/// Likewise.
void Server::open_metrics(const std::optional<config::MetricsEndpoint>& endpoint) {
  metrics_.reset();
  if (!endpoint) return;
  auto opened = watch::HttpListener::open(*endpoint, "metrics.server",
                                          {.metrics = [this] { return net::to_metrics(status()); },
                                           .health = [this] { return net::health(status()); },
                                           .readiness = [this] { return net::readiness(status()); }});
  if (opened) {
    metrics_.emplace(std::move(*opened));
  } else {
    log(Level::warning, "metrics-skipped", {Field::sentence("detail", opened.error().text)});
  }
}

net::Responders::Sources Server::sources() const {
  return {.zones = zones_,
          .view = view_,
          .clock = [this] { return clock_.glance(); },
          .transfer = [this](transfer::Handover handover) { transfers_->take(std::move(handover)); },
          .rate_limit_key = secrets_.rate_limit};
}

bool Server::sockets_differ(const config::Server& settings) const {
  const auto& now = config_.server;
  return settings.workers != now.workers || settings.tcp_connections != now.tcp_connections ||
         settings.tcp_idle != now.tcp_idle || settings.rate_limit != now.rate_limit || settings.listen != now.listen;
}

}  // namespace blowback::service
