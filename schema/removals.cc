// Requests for removal by listed senders: filed here, executed later by ingest.
//
// A removal is an entry `delist` of the audit, so that undo, `policy simulate` and the replay of a record treat it as the operator's. It is
// one transaction, without slices: it changes one sender.
#include "store_impl.h"
#include "totals.h"

#include <algorithm>

namespace blowback::schema {
namespace {

/// Requests that one call of `remove_due` decides at most: a few hundredths of a second.
constexpr std::size_t kRemovalsAtOnce = 50;

constexpr Duration kDay = std::chrono::days{1};

constexpr const char* kRequestColumns =
    "id, address, proof, mailed_to, requested_at, due_at, state, refused, decided_at, audit_id, "
    "EXISTS (SELECT 1 FROM audit WHERE undoes = audit_id)";

[[nodiscard]] RemovalRequest request_of(const Statement& row) {
  RemovalRequest request;
  request.id = static_cast<std::uint64_t>(row.integer(0));
  request.address = address_of(row, 1);
  request.sender = sender_of(request.address);
  request.proof = static_cast<RemovalProof>(row.integer(2));
  request.mailed_to = row.text(3);
  request.requested_at = time_of(row.integer(4));
  request.due_at = time_of(row.integer(5));
  request.state = static_cast<RemovalState>(row.integer(6));
  if (!row.is_null(7)) request.refused = static_cast<RemovalRefusal>(row.integer(7));
  request.decided_at = optional_time(row, 8);
  if (!row.is_null(9)) request.audit = static_cast<std::uint64_t>(row.integer(9));
  request.undone = row.integer(10) != 0;
  return request;
}

class Removals {
 public:
  explicit Removals(Store::Impl& impl) : impl_(impl), db_(impl.db) {}

  /// Requires a transaction, as all members.
  [[nodiscard]] RemovalOutlook outlook(const IpAddress& address, const RemovalRules& rules, UnixTime now) {
    const Prefix sender = sender_of(address);
    RemovalCase found{.use = use_of(address), .is_exempt = is_exempt(db_, address, now)};
    for (const auto& listing : listings_around(db_, address)) {
      if (!listing.in_force(now)) continue;
      found.is_listed = true;
      if (listing.source == Source::by_operator) {
        found.is_by_operator = true;
        found.is_network |= listing.prefix.length() < sender.length();
      } else {
        found.is_by_operator |= was_restored(sender, listing.listed_at);
      }
    }
    found.earlier = earlier(sender, now - rules.remembered);
    return outlook_of(rules, found);
  }

  [[nodiscard]] RemovalFiled file(const IpAddress& address, RemovalProof proof, const std::string& mailed_to,
                                  const RemovalRules& rules, UnixTime now) {
    const Prefix sender = sender_of(address);
    RemovalFiled filed{.outlook = outlook(address, rules, now), .request = std::nullopt};
    if (filed.outlook.refused) return filed;
    filed.request = pending(sender);
    if (filed.request) return filed;
    if (total(db_, "removals_pending").value_or(0) >= kMostPendingRemovals) {
      filed.outlook.refused = RemovalRefusal::too_many;
      return filed;
    }
    Statement(db_,
              "INSERT INTO removal_request (sender, address, proof, mailed_to, requested_at, due_at) VALUES (?, ?, ?, "
              "?, ?, ?)")
        .bind(sender.first().octets(), address.octets(), static_cast<int>(proof), mailed_to, seconds(now),
              seconds(now + filed.outlook.wait))
        .run();
    filed.request = pending(sender);
    filed.is_new = true;
    return filed;
  }

  /// Decides the request, unless another process has.
  [[nodiscard]] std::optional<RemovalRequest> decide(std::uint64_t id, const RemovalRules& rules, UnixTime now) {
    auto request = one(id);
    if (!request || request->state != RemovalState::pending) return std::nullopt;
    auto refused = outlook(request->address, rules, now).refused;
    const bool has_waited = request->due_at > request->requested_at;
    if (!refused && has_waited && was_seen_since(request->sender, request->requested_at)) {
      refused = RemovalRefusal::still_sending;
    }
    std::optional<std::int64_t> audit;
    if (!refused) audit = remove(*request, now);
    Statement(db_, "UPDATE removal_request SET state = ?, refused = ?, decided_at = ?, audit_id = ? WHERE id = ?")
        .bind(static_cast<int>(refused ? RemovalState::refused : RemovalState::done),
              refused ? std::optional(static_cast<int>(*refused)) : std::nullopt, seconds(now), audit, id)
        .run();
    return one(id);
  }

 private:
  [[nodiscard]] std::optional<RemovalRequest> one(std::uint64_t id) {
    return Statement(db_, std::string("SELECT ") + kRequestColumns + " FROM removal_request WHERE id = ?")
        .bind(id)
        .first([](const Statement& row) { return request_of(row); });
  }

  [[nodiscard]] std::optional<RemovalRequest> pending(const Prefix& sender) {
    return Statement(db_,
                     std::string("SELECT ") + kRequestColumns + " FROM removal_request WHERE sender = ? AND state = 0")
        .bind(sender.first().octets())
        .first([](const Statement& row) { return request_of(row); });
  }

  /// Removals after `since` that weren't undone.
  [[nodiscard]] int earlier(const Prefix& sender, UnixTime since) {
    return Statement(db_,
                     "SELECT count(*) FROM removal_request WHERE sender = ? AND state = 1 AND decided_at > ? AND "
                     "audit_id NOT IN (SELECT undoes FROM audit WHERE undoes IS NOT NULL)")
        .bind(sender.first().octets(), seconds(since))
        .first([](const Statement& row) { return static_cast<int>(row.integer(0)); })
        .value_or(0);
  }

  /// Whether the automatic listing that began at that time was ended by a removal that the operator has undone.
  [[nodiscard]] bool was_restored(const Prefix& sender, UnixTime listed_at) {
    return Statement(db_,
                     "SELECT 1 FROM removal_request WHERE sender = ? AND state = 1 AND decided_at >= ? AND EXISTS "
                     "(SELECT 1 FROM audit WHERE undoes = audit_id)")
        .bind(sender.first().octets(), seconds(listed_at))
        .first([](const Statement&) { return true; })
        .has_value();
  }

  /// Whether an incident received after that time counted.
  [[nodiscard]] bool was_seen_since(const Prefix& sender, UnixTime time) {
    return Statement(db_, "SELECT 1 FROM standing WHERE sender = ? AND at > ?")
        .bind(sender.first().octets(), seconds(time))
        .first([](const Statement&) { return true; })
        .has_value();
  }

  /// Returns the entry of the audit.
  [[nodiscard]] std::int64_t remove(const RemovalRequest& request, UnixTime now) {
    const Decision decision{.who = "removal:" + std::string(name_of(request.proof)), .reason = proof_in_words(request)};
    const auto audit = impl_.audit(decision, "delist", request.sender.to_string(), std::nullopt, now);
    std::uint64_t ended = 0;
    if (impl_.start_afresh(request.sender, {.audit = audit, .prefix = request.sender, .at = now}, now)) ++ended;
    for (const auto& listing : listings_around(db_, request.address)) {
      if (listing.source != Source::by_operator || listing.prefix.length() < request.sender.length()) continue;
      impl_.end_listing(listing, audit, now);
      ++ended;
    }
    impl_.set_changes(audit, ended);
    return audit;
  }

  Store::Impl& impl_;
  Connection& db_;
};

/// A request that was filed while the clock was ahead waits as long as it should, from now on.
void mend_request_times(Connection& db, UnixTime now) {
  const auto ahead = seconds(now + kSurelyAhead);
  const bool any =
      Statement(db, "SELECT 1 FROM removal_request WHERE state = 0 AND due_at > ?1 AND requested_at > ?1 LIMIT 1")
          .bind(ahead)
          .first([](const Statement&) { return true; })
          .has_value();
  if (!any) return;
  Statement(db,
            "UPDATE removal_request SET due_at = ?2 + due_at - requested_at, requested_at = ?2 WHERE state = 0 AND "
            "requested_at > ?1")
      .bind(ahead, seconds(now))
      .run();
}

[[nodiscard]] bool any_token(Connection& db, const char* where, std::span<const std::uint8_t> key, UnixTime now) {
  return Statement(db, std::string("SELECT 1 FROM removal_token WHERE ") + where + " LIMIT 1")
      .bind(key, seconds(now - kDay), seconds(now))
      .first([](const Statement&) { return true; })
      .has_value();
}

}  // namespace

RemovalCounts removal_counts_of(Connection& db) {
  const auto sum = [&](std::string_view name) { return static_cast<std::uint64_t>(total(db, name).value_or(0)); };
  return {.pending = sum("removals_pending"), .done = sum("removals_done"), .refused = sum("removals_refused")};
}

Result<RemovalOutlook> Store::removal_outlook(const IpAddress& address, const RemovalRules& rules, UnixTime now) {
  return attempt(impl_->path, [&] {
    const ReadTransaction one_state(impl_->db);
    return Removals(*impl_).outlook(address, rules, now);
  });
}

Result<RemovalFiled> Store::request_removal(const RemovalWish& wish, const RemovalRules& rules, UnixTime now) {
  return attempt(impl_->path, [&]() -> RemovalFiled {
    // Most requests of strangers are for what isn't listed: don't lock the database for writing to find that out.
    {
      const ReadTransaction one_state(impl_->db);
      RemovalFiled refused{.outlook = Removals(*impl_).outlook(wish.address, rules, now), .request = std::nullopt};
      if (refused.outlook.refused) return refused;
    }
    Transaction transaction(impl_->db);
    auto filed = Removals(*impl_).file(wish.address, wish.proof, {}, rules, now);
    if (filed.is_new) transaction.commit();
    return filed;
  });
}

Result<TokenIssued> Store::issue_token(const TokenWish& wish, const TokenDigest& digest, const RemovalRules& rules,
                                       UnixTime now) {
  using Outcome = TokenIssued::Outcome;
  return attempt(impl_->path, [&]() -> TokenIssued {
    Connection& db = impl_->db;
    Transaction transaction(db);
    TokenIssued issued{.outcome = Outcome::refused, .outlook = Removals(*impl_).outlook(wish.address, rules, now)};
    if (issued.outlook.refused) return issued;
    const auto sender = sender_of(wish.address).first().octets();
    // Times in the future come from a clock that was ahead, and limit nothing.
    if (any_token(db, "sender = ? AND created_at > ? AND created_at <= ?", sender, now)) {
      issued.outcome = Outcome::sender_limit;
      return issued;
    }
    const auto count = [&](const std::string& where, std::string_view domain) {
      return Statement(db, "SELECT count(*) FROM removal_token WHERE " + where + "created_at > ? AND created_at <= ?")
          .bind(domain, seconds(now - kDay), seconds(now))
          .first([](const Statement& row) { return row.integer(0); })
          .value_or(0);
    };
    if (count("domain = ? AND ", wish.domain) >= kTokensPerDomain) {
      issued.outcome = Outcome::domain_limit;
      return issued;
    }
    if (count("? IS NOT NULL AND ", "") >= kTokensInAll) {
      issued.outcome = Outcome::total_limit;
      return issued;
    }
    Statement(db,
              "INSERT INTO removal_token (digest, sender, address, mailed_to, domain, created_at) VALUES (?, ?, ?, ?, "
              "?, ?)")
        .bind(digest, sender, wish.address.octets(), wish.mailed_to, wish.domain, seconds(now))
        .run();
    transaction.commit();
    issued.outcome = Outcome::issued;
    return issued;
  });
}

Result<TokenRedeemed> Store::redeem_token(const TokenDigest& digest, const RemovalRules& rules, UnixTime now) {
  using Outcome = TokenRedeemed::Outcome;
  return attempt(impl_->path, [&]() -> TokenRedeemed {
    Connection& db = impl_->db;
    struct Token {
      IpAddress address;
      std::string mailed_to;
      UnixTime created_at{};
      bool is_used = false;
    };
    const auto find = [&] {
      return Statement(db,
                       "SELECT address, mailed_to, created_at, used_at IS NOT NULL FROM removal_token WHERE digest = ?")
          .bind(digest)
          .first([](const Statement& row) {
            return Token{.address = address_of(row, 0),
                         .mailed_to = row.text(1),
                         .created_at = time_of(row.integer(2)),
                         .is_used = row.integer(3) != 0};
          });
    };
    // Guesses don't lock the database.
    if (!find()) return {};
    Transaction transaction(db);
    const auto token = find();
    if (!token) return {};
    if (token->is_used) return {.outcome = Outcome::used, .filed = {}};
    // A clock that has been set since then by more than the time that a token lasts makes it useless, in either direction.
    if (now >= token->created_at + kTokenLasts || now < token->created_at - kTokenLasts) {
      return {.outcome = Outcome::expired, .filed = {}};
    }
    TokenRedeemed redeemed{
        .outcome = Outcome::filed,
        .filed = Removals(*impl_).file(token->address, RemovalProof::token, token->mailed_to, rules, now)};
    if (!redeemed.filed.request) {
      redeemed.outcome = Outcome::refused;
      return redeemed;
    }
    Statement(db, "UPDATE removal_token SET used_at = ? WHERE digest = ?").bind(seconds(now), digest).run();
    transaction.commit();
    return redeemed;
  });
}

Result<std::vector<RemovalRequest>> Store::removals(const RemovalFilter& filter) {
  return attempt(impl_->path, [&]() -> std::vector<RemovalRequest> {
    std::vector<RemovalRequest> found;
    const auto sender = filter.of ? std::optional(sender_of(*filter.of).first().octets()) : std::nullopt;
    Statement rows(impl_->db, std::string("SELECT ") + kRequestColumns + " FROM removal_request WHERE " +
                                  (sender ? "sender = ?1" : "?1 IS NULL") +
                                  " AND (?2 IS NULL OR state = ?2) ORDER BY id DESC LIMIT ?3");
    rows.bind(sender, filter.state ? std::optional(static_cast<int>(*filter.state)) : std::nullopt, filter.most);
    while (rows.step()) found.push_back(request_of(rows));
    return found;
  });
}

Result<RemovalCounts> Store::removal_counts() {
  return attempt(impl_->path, [&] {
    const ReadTransaction one_state(impl_->db);
    return removal_counts_of(impl_->db);
  });
}

Result<RemovalsDecided> Store::remove_due(const RemovalRules& rules, UnixTime now) {
  return attempt(impl_->path, [&]() -> RemovalsDecided {
    mend_request_times(impl_->db, now);
    std::vector<std::uint64_t> due;
    {
      Statement rows(impl_->db,
                     "SELECT id FROM removal_request WHERE state = 0 AND due_at <= ? ORDER BY due_at, id LIMIT ?");
      rows.bind(seconds(now), kRemovalsAtOnce);
      while (rows.step()) due.push_back(static_cast<std::uint64_t>(rows.integer(0)));
    }
    RemovalsDecided done;
    done.more = due.size() == kRemovalsAtOnce;
    for (const auto id : due) {
      Transaction transaction(impl_->db);
      auto decided = Removals(*impl_).decide(id, rules, now);
      transaction.commit();
      if (decided) done.decided.push_back(*std::move(decided));
    }
    return done;
  });
}

}  // namespace blowback::schema
