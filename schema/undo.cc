// The undo of what an operator decided, in one transaction.
//
// The journal knows what a decision ended and what it replaced: the entry before its own, of the same prefix. So the operator's
// listings and exemptions come back from there, with the reason and the end they had. What the list had of itself can't be
// taken from the journal: a delisting forgot the standing, and incidents came since. That is reckoned anew from the recorded
// incidents, as if the decision had never been made; automatic listings follow from it.
#include "store_impl.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace blowback::schema {
namespace {

using Outcome = Undone::Outcome;

/// An operator's listing or exemption as an entry of the journal left it.
struct Former {
  UnixTime at{};
  CodeSet codes;
  std::optional<UnixTime> expires_at;
  std::optional<std::int64_t> audit;
};

class Undoing {
 public:
  Undoing(Store::Impl& impl, const AuditEntry& entry, const Policy& policy, Reckon reckon, UnixTime now)
      : impl_(impl), entry_(entry), policy_(policy), reckon_(reckon), now_(now) {}

  /// False: nothing of it is in force any more. Requires that the audit has the undo already, under the id `by`.
  [[nodiscard]] bool run(std::int64_t by, Undone& undone) {
    by_ = by;
    undone_ = &undone;
    const std::string& action = entry_.action;
    if (action == "list" || action == "import") return unlist();
    if (action == "retire-trap") return impl_.remove_retired(entry_.subject);
    if (action == "restore-trap") return impl_.put_retired(entry_.subject, now_, by_);
    const auto prefix = Prefix::parse(entry_.subject);
    if (!prefix) throw SqlFailure(SQLITE_CORRUPT, "a decision on something that is no prefix");
    if (action == "exempt" && !end_exemption(*prefix)) return false;
    if (action == "end-exemption" && !exempt_again(*prefix)) return false;
    list_again(*prefix);
    reckon_anew(at_least_a_sender(*prefix));
    return true;
  }

 private:
  [[nodiscard]] std::int64_t id() const { return static_cast<std::int64_t>(entry_.id); }

  void say(ListingChange::Action action, const Prefix& prefix, Source source, CodeSet codes,
           std::optional<UnixTime> expires_at, std::optional<std::int64_t> audit = std::nullopt) {
    impl_.journal({.serial = 0,
                   .at = now_,
                   .action = action,
                   .prefix = prefix,
                   .source = source,
                   .codes = codes,
                   .expires_at = expires_at},
                  audit.value_or(by_));
  }

  [[nodiscard]] bool has_ended(const Former& was) const { return was.expires_at && *was.expires_at <= now_; }

  /// It would have ended by itself by now. The journal says so as if it had been swept up: if the clock is ahead, it comes
  /// back with what was swept up (mend_times.cc).
  void say_ended(ListingChange::Action action, const Prefix& prefix, const Former& was) {
    impl_.journal({.serial = 0,
                   .at = now_,
                   .action = action,
                   .prefix = prefix,
                   .source = Source::by_operator,
                   .codes = was.codes,
                   .expires_at = was.expires_at},
                  std::nullopt);
  }

  [[nodiscard]] bool was_undone(std::int64_t audit) {
    return audit_undone_.bind(audit).first([](const Statement&) { return true; }).has_value();
  }

  /// What the operator had there before entry `serial` of the journal, whether or not it would still be in force. `begins` is
  /// the action that puts it there; any other one means that there was nothing. What was undone meanwhile is passed over.
  [[nodiscard]] std::optional<Former> former(Statement& before, const Prefix& prefix, std::int64_t serial,
                                             ListingChange::Action begins) {
    while (true) {
      const auto found = before.bind(prefix.first().octets(), prefix.length(), serial).first([](const Statement& row) {
        return std::tuple(static_cast<ListingChange::Action>(row.integer(0)),
                          Former{.at = time_of(row.integer(1)),
                                 .codes = CodeSet::from_bits(static_cast<std::uint32_t>(row.integer(2))),
                                 .expires_at = optional_time(row, 3),
                                 .audit = row.is_null(4) ? std::nullopt : std::optional(row.integer(4))},
                          row.integer(5));
      });
      if (!found) return std::nullopt;
      const auto& [action, was, own_serial] = *found;
      // Swept up under a clock that was ahead: it hadn't ended.
      const bool is_sweep =
          action == ListingChange::Action::expired || action == ListingChange::Action::exemption_ended;
      if (is_sweep && was.expires_at && *was.expires_at > now_) {
        serial = own_serial;
        continue;
      }
      if (action != begins || !was.audit) return std::nullopt;
      if (was_undone(*was.audit)) {  // an import that was undone when this prefix had another listing already
        serial = own_serial;
        continue;
      }
      return was;
    }
  }

  /// Ends what it listed and what no later decision has touched; a listing that it replaced comes back.
  [[nodiscard]] bool unlist() {
    KeyRange range{{}, {}};
    range.last.fill(0xff);
    if (const auto prefix = Prefix::parse(entry_.subject); prefix && entry_.action == "list") range = keys_of(*prefix);
    std::vector<Listing> listings;
    Statement rows(impl_.db, std::string("SELECT ") + kListingColumns +
                                 " FROM listing WHERE first BETWEEN ? AND ? AND source = 1 AND audit_id = ?");
    rows.bind(range.first, range.last, id());
    while (rows.step()) listings.push_back(listing_of(rows, 0));
    Statement own(
        impl_.db,
        "SELECT min(serial) FROM listing_change WHERE first = ? AND length = ? AND source = 1 AND audit_id = ?");
    Statement remove(impl_.db, "DELETE FROM listing WHERE first = ? AND length = ? AND source = 1");
    for (const auto& listing : listings) {
      const auto& key = listing.prefix.first().octets();
      const auto serial =
          own.bind(key, listing.prefix.length(), id()).first([](const Statement& row) { return row.integer(0); });
      const auto was = former(listed_before_, listing.prefix, serial.value_or(0), ListingChange::Action::listed);
      remove.bind(key, listing.prefix.length()).run();
      if (was && !has_ended(*was)) {
        put_listing(listing.prefix, *was);
        ++undone_->moved;
        continue;
      }
      say(listing.in_force(now_) ? ListingChange::Action::delisted : ListingChange::Action::expired, listing.prefix,
          Source::by_operator, listing.codes, listing.expires_at);
      ++undone_->ended;
      if (was) say_ended(ListingChange::Action::expired, listing.prefix, *was);
    }
    return !listings.empty();
  }

  void put_listing(const Prefix& prefix, const Former& was) {
    put_listing_
        .bind(prefix.first().octets(), prefix.length(), was.codes.bits(), seconds(was.at), seconds(was.expires_at),
              was.audit)
        .run();
    // By the decision whose listing it is, so that it can be undone in its turn.
    say(ListingChange::Action::listed, prefix, Source::by_operator, was.codes, was.expires_at, was.audit);
  }

  /// The operator's listings that it ended, unless something stands there now.
  void list_again(const Prefix& prefix) {
    const auto range = keys_of(prefix);
    const auto exempt = impl_.exemption_set(now_);
    std::vector<std::pair<Prefix, std::int64_t>> ended;
    Statement rows(impl_.db,
                   "SELECT first, length, serial FROM listing_change WHERE first BETWEEN ? AND ? AND audit_id = ? AND "
                   "action = 2 AND source = 1 ORDER BY serial");
    rows.bind(range.first, range.last, id());
    while (rows.step()) ended.emplace_back(prefix_of(rows, 0), rows.integer(2));
    Statement stands(impl_.db, "SELECT 1 FROM listing WHERE first = ? AND length = ? AND source = 1");
    for (const auto& [listed, serial] : ended) {
      if (exempt.covers(listed, now_)) continue;
      if (stands.bind(listed.first().octets(), listed.length()).first([](const Statement&) { return true; })) continue;
      const auto was = former(listed_before_, listed, serial, ListingChange::Action::listed);
      if (!was) continue;
      if (has_ended(*was)) {
        say_ended(ListingChange::Action::expired, listed, *was);
        continue;
      }
      put_listing(listed, *was);
      ++undone_->listed;
    }
  }

  /// The journal's entry by which it exempted, or ended an exemption.
  [[nodiscard]] std::int64_t own_serial(const Prefix& prefix) {
    return Statement(impl_.db,
                     "SELECT min(serial) FROM listing_change WHERE first = ? AND length = ? AND action IN (4, 5) AND "
                     "audit_id = ?")
        .bind(prefix.first().octets(), prefix.length(), id())
        .first([](const Statement& row) { return row.integer(0); })
        .value_or(0);
  }

  void put_exemption(const Prefix& prefix, const Former& was) {
    Statement(impl_.db, "INSERT INTO exemption (first, length, since, expires_at, audit_id) VALUES (?, ?, ?, ?, ?)")
        .bind(prefix.first().octets(), prefix.length(), seconds(was.at), seconds(was.expires_at), was.audit)
        .run();
    say(ListingChange::Action::exempted, prefix, Source::by_operator, {}, was.expires_at, was.audit);
  }

  [[nodiscard]] bool end_exemption(const Prefix& prefix) {
    Statement(impl_.db,
              "DELETE FROM exemption WHERE first = ? AND length = ? AND audit_id = ? AND (expires_at IS NULL OR "
              "expires_at > ?)")
        .bind(prefix.first().octets(), prefix.length(), id(), seconds(now_))
        .run();
    if (impl_.db.changes() == 0) return false;
    const auto was = former(exempted_before_, prefix, own_serial(prefix), ListingChange::Action::exempted);
    if (was && has_ended(*was)) {
      say_ended(ListingChange::Action::exemption_ended, prefix, *was);
    } else if (was) {
      put_exemption(prefix, *was);
    } else {
      say(ListingChange::Action::exemption_ended, prefix, Source::by_operator, {}, std::nullopt);
    }
    return true;
  }

  [[nodiscard]] bool exempt_again(const Prefix& prefix) {
    const bool stands = Statement(impl_.db, "SELECT 1 FROM exemption WHERE first = ? AND length = ?")
                            .bind(prefix.first().octets(), prefix.length())
                            .first([](const Statement&) { return true; })
                            .has_value();
    const auto was = former(exempted_before_, prefix, own_serial(prefix), ListingChange::Action::exempted);
    if (stands || !was || has_ended(*was)) return false;
    put_exemption(prefix, *was);
    undone_->ended += impl_.end_listings(prefix, by_, now_);
    return true;
  }

  void reckon_anew(const Prefix& within) {
    const auto range = keys_of(within);
    std::vector<Prefix> senders;
    Statement rows(impl_.db, "SELECT sender FROM standing WHERE sender BETWEEN ? AND ?");
    rows.bind(range.first, range.last);
    while (rows.step()) {
      const Prefix sender = sender_of(address_of(rows, 0));
      if (within.contains(sender)) senders.push_back(sender);
    }
    auto decisions = impl_.past_decisions(now_);
    std::erase_if(decisions, [&](const PastDecision& decision) {
      return !decision.prefix.contains(within) && !within.contains(decision.prefix);
    });
    for (const auto& sender : senders) reckon_anew(sender, decisions);
  }

  void reckon_anew(const Prefix& sender, const std::vector<PastDecision>& decisions) {
    const auto& key = sender.first().octets();
    std::vector<Incident> incidents;
    std::vector<std::int64_t> ids;
    incidents_.bind(seconds(now_ + kSurelyAhead), seconds(now_), key);
    while (incidents_.step()) {
      incidents.push_back(incident_of(incidents_));
      incidents.back().received_at = unless_ahead(incidents.back().received_at, now_);
      ids.push_back(incidents_.integer(kIdColumn));
    }
    if (incidents.empty()) return;
    // Also decisions that lie ahead by a little were made.
    const UnixTime until = decisions.empty() ? now_ : std::max(now_, decisions.back().at);
    Reckoning reckoning = reckon_(policy_, incidents, decisions, until);
    if (!reckoning.listing) keep_former(sender, decisions, reckoning);
    ++undone_->reckoned;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (reckoning.credits[i] != incidents[i].credit) put_credit_.bind(reckoning.credits[i], ids[i]).run();
    }
    const Standing& standing = reckoning.standing;
    put_standing_
        .bind(standing.score.amount, seconds(standing.score.at), standing.times_listed, seconds(standing.listed_at),
              seconds(standing.listed_until), seconds(standing.afresh_since), key)
        .run();
    forget_parts_.bind(key).run();
    put_parts(key, Dimension::witness, reckoning.witnesses);
    put_parts(key, Dimension::campaign, reckoning.campaigns);
    put_parts(key, Dimension::kind, reckoning.kinds);
    put_parts(key, Dimension::origin, reckoning.origins);
    put_parts(key, Dimension::mailbox, reckoning.mailboxes);
    relist(sender, reckoning.listing);
  }

  /// What the former format's rules listed stays until its end, unless a decision that wasn't undone ended it.
  void keep_former(const Prefix& sender, const std::vector<PastDecision>& decisions, Reckoning& reckoning) {
    const auto kept = kept_.bind(sender.first().octets(), seconds(now_)).first([&](const Statement& row) {
      return Listing{.prefix = sender,
                     .source = Source::automatic,
                     .codes = CodeSet::from_bits(static_cast<std::uint32_t>(row.integer(0))),
                     .listed_at = time_of(row.integer(1)),
                     .expires_at = time_of(row.integer(2)),
                     .reason = {}};
    });
    if (!kept) return;
    const bool was_ended = std::ranges::any_of(decisions, [&](const PastDecision& decision) {
      return decision.action != PastDecision::Action::exemption_ended && decision.at >= kept->listed_at &&
             decision.prefix.contains(sender);
    });
    if (was_ended) return;
    reckoning.listing = kept;
    reckoning.standing.listed_at = kept->listed_at;
    reckoning.standing.listed_until = kept->expires_at;
    reckoning.standing.times_listed = std::max(reckoning.standing.times_listed, 1);
  }

  void put_parts(const IpAddress::Octets& sender, Dimension dimension, const std::vector<StandingPart>& parts) {
    for (const auto& part : parts) {
      put_part_
          .bind(sender, static_cast<int>(dimension), part.key, part.sum.amount, seconds(part.sum.at),
                seconds(part.last_at), part.incidents)
          .run();
    }
  }

  void relist(const Prefix& sender, const std::optional<Listing>& reckoned) {
    const auto& key = sender.first().octets();
    const auto before =
        automatic_.bind(key, sender.length()).first([](const Statement& row) { return listing_of(row, 0); });
    const auto after = reckoned && reckoned->in_force(now_) ? reckoned : std::nullopt;
    if (before == after) {
      // As say_ended: what the decision ended would have ended by itself by now, unless the clock is ahead.
      if (reckoned && !after &&
          ended_by_it_.bind(key, sender.length(), id()).first([](const Statement&) { return true; })) {
        say(ListingChange::Action::expired, sender, Source::automatic, reckoned->codes, reckoned->expires_at);
      }
      return;
    }
    if (before) remove_automatic_.bind(key, sender.length()).run();
    if (!after) {
      say(before->in_force(now_) ? ListingChange::Action::delisted : ListingChange::Action::expired, sender,
          Source::automatic, before->codes, before->expires_at);
      ++undone_->ended;
      return;
    }
    put_automatic_
        .bind(key, sender.length(), after->codes.bits(), seconds(after->listed_at), seconds(after->expires_at))
        .run();
    say(before ? ListingChange::Action::prolonged : ListingChange::Action::listed, sender, Source::automatic,
        after->codes, after->expires_at);
    ++(before ? undone_->moved : undone_->listed);
  }

  static constexpr int kIdColumn = kIncidentColumnCount;

  Store::Impl& impl_;
  const AuditEntry& entry_;
  const Policy& policy_;
  Reckon reckon_;
  UnixTime now_;
  std::int64_t by_ = 0;
  Undone* undone_ = nullptr;

  Statement audit_undone_{impl_.db, "SELECT 1 FROM audit WHERE undoes = ?"};
  Statement listed_before_{
      impl_.db,
      "SELECT action, at, codes, expires_at, audit_id, serial FROM listing_change WHERE first = ? AND "
      "length = ? AND serial < ? AND source = 1 AND action < 4 ORDER BY serial DESC LIMIT 1"};
  Statement exempted_before_{
      impl_.db,
      "SELECT action, at, codes, expires_at, audit_id, serial FROM listing_change WHERE first = ? AND "
      "length = ? AND serial < ? AND action >= 4 ORDER BY serial DESC LIMIT 1"};
  Statement ended_by_it_{impl_.db,
                         "SELECT 1 FROM listing_change WHERE first = ? AND length = ? AND audit_id = ? AND action = 2 "
                         "AND source = 0 LIMIT 1"};
  Statement put_listing_{impl_.db,
                         "INSERT INTO listing (first, length, source, codes, listed_at, expires_at, audit_id) "
                         "VALUES (?, ?, 1, ?, ?, ?, ?)"};
  Statement incidents_{
      impl_.db, std::string("SELECT ") + kIncidentColumns +
                    ", id, iif(received_at > ?, ?, received_at) AS by FROM incident WHERE sender = ? ORDER BY by, id"};
  Statement put_credit_{impl_.db, "UPDATE incident SET credit = ? WHERE id = ?"};
  Statement put_standing_{impl_.db,
                          "UPDATE standing SET score = ?, at = ?, times_listed = ?, listed_at = ?, listed_until = ?, "
                          "afresh_since = ? WHERE sender = ?"};
  Statement kept_{impl_.db, "SELECT codes, listed_at, expires_at FROM kept_listing WHERE first = ? AND expires_at > ?"};
  Statement forget_parts_{impl_.db, "DELETE FROM standing_part WHERE sender = ?"};
  Statement put_part_{impl_.db,
                      "INSERT INTO standing_part (sender, dimension, key, amount, at, last_at, incidents) "
                      "VALUES (?, ?, ?, ?, ?, ?, ?)"};
  Statement automatic_{impl_.db, std::string("SELECT ") + kListingColumns +
                                     " FROM listing WHERE first = ? AND length = ? AND source = 0"};
  Statement remove_automatic_{impl_.db, "DELETE FROM listing WHERE first = ? AND length = ? AND source = 0"};
  Statement put_automatic_{impl_.db,
                           "INSERT INTO listing (first, length, source, codes, listed_at, expires_at) "
                           "VALUES (?, ?, 0, ?, ?, ?)"};
};

}  // namespace

Result<Undone> Store::undo(std::uint64_t id, const Decision& decision, const Policy& policy, Reckon reckon,
                           UnixTime now) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> Undone {
    Transaction transaction(impl_->db);
    Undone undone;
    auto entry = Statement(impl_->db, std::string("SELECT ") + kAuditColumns + " FROM audit WHERE id = ?")
                     .bind(id)
                     .first([](const Statement& row) { return audit_of(row); });
    if (!entry) return undone;
    undone.entry = std::move(*entry);
    undone.outcome = undone.entry.undoes ? Outcome::is_undo : Outcome::already;
    if (undone.entry.undoes || undone.entry.undone_by) return undone;

    const auto by = impl_->audit(decision, "undo", undone.entry.action + " " + undone.entry.subject, std::nullopt, now);
    Statement(impl_->db, "UPDATE audit SET undoes = ? WHERE id = ?").bind(id, by).run();
    if (!Undoing(*impl_, undone.entry, policy, reckon, now).run(by, undone)) {
      undone.outcome = Outcome::superseded;  // rolled back: the undo that there wasn't isn't on record
      return undone;
    }
    // What it changed beside listings is one thing: an exemption, or a trap.
    const bool one_more =
        undone.entry.action != "list" && undone.entry.action != "import" && undone.entry.action != "delist";
    impl_->settle(by, undone.listed + undone.ended + undone.moved + (one_more ? 1 : 0));
    transaction.commit();
    undone.outcome = Outcome::undone;
    undone.id = static_cast<std::uint64_t>(by);
    return undone;
  });
}

}  // namespace blowback::schema
