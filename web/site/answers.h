// From a request to its answer: which page, for whom, in which language, and what may be kept.
#pragma once

#include "config/config.h"
#include "http/message.h"
#include "http/rate_limit.h"
#include "page/pages.h"
#include "removal_form.h"
#include "site/site.h"
#include "stores.h"
#include "watch/health.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace blowback::site {

/// The settings and texts that answers are made of; a reload replaces them as a whole.
struct InForce {
  config::Config config;
  page::About about;
  page::Pages pages;
};

/// Safe from any thread, if what it is given is.
class Answers {
 public:
  using Clock = std::function<UnixTime()>;
  using SteadyClock = http::RateLimit::Clock;

  /// `limits` and `stores` must outlive it. `form`: the same after a reload, so that pages that were shown before still work. `report`: what the
  /// operator should know, once per kind of trouble.
  Answers(std::shared_ptr<const InForce> in_force, Stores& stores, http::RateLimit& limits, RemovalForm form,
          Clock clock, Report report);

  [[nodiscard]] http::Response answer(const http::Request& request);

 private:
  struct Visit;

  [[nodiscard]] http::Response at(const Visit& visit);
  [[nodiscard]] http::Response front(const Visit& visit);
  [[nodiscard]] http::Response asked(const Visit& visit, std::string_view text);
  [[nodiscard]] http::Response look_up(const Visit& visit) const;
  [[nodiscard]] http::Response api_address(const Visit& visit, std::string_view text);
  [[nodiscard]] http::Response api_addresses(const Visit& visit);
  /// A POST: the only thing that changes anything.
  [[nodiscard]] http::Response removal(const Visit& visit);
  [[nodiscard]] http::Response refused_removal(const Visit& visit, const IpAddress& asked, RemovalRefusal why) const;
  [[nodiscard]] http::Response objected(const Visit& visit, Objection why) const;
  /// The value for the form on this page; "": the visitor can't ask, or needn't.
  [[nodiscard]] std::string form_for(const Visit& visit, const account::Account& account) const;
  [[nodiscard]] http::Response health();
  [[nodiscard]] http::Response message(const Visit& visit, page::Message message, int status,
                                       std::string_view detail = {}, std::optional<Duration> wait = std::nullopt) const;
  [[nodiscard]] http::Response unavailable(const Visit& visit, const schema::StoreError& error) const;
  /// HTML, or the error page if a template fails. `is_private`: for this visitor only.
  [[nodiscard]] http::Response html(const Visit& visit, int status, page::Page made, bool is_private = false) const;
  [[nodiscard]] bool is_proxy(const IpAddress& address) const;
  /// Absent: the client may ask. Adds its state to `fields`.
  [[nodiscard]] std::optional<Duration> limited(const Visit& visit, int tokens,
                                                std::vector<std::pair<std::string, std::string>>& fields);
  [[nodiscard]] schema::Result<account::Account> account_of(const IpAddress& address, UnixTime now);
  [[nodiscard]] schema::Result<page::Figures> figures(UnixTime now);

  std::shared_ptr<const InForce> in_force_;
  Stores& stores_;
  http::RateLimit& limits_;
  RemovalForm form_;
  Clock clock_;
  Report report_;
  struct Kept {
    UnixTime minute{};
    page::Figures figures;
  };
  std::mutex mutex_;  ///< guards the next
  std::optional<Kept> kept_;
};

}  // namespace blowback::site
