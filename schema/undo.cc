// Undoes an operator's decision, in slices.
//
// The journal's entry before that of the decision, of the same prefix, shows what the decision ended or replaced. So the operator's listings and
// exemptions are restored from there, with their reasons and ends. Automatic listings can't be: a delisting resets the standing, and there were
// incidents since. They follow from the standing, which is computed again from the recorded incidents, as if the decision hadn't been made.
#include "recent_parts.h"
#include "sender_record.h"
#include "store_impl.h"
#include "totals.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace blowback::schema {
namespace {

using Outcome = Undone::Outcome;

/// An operator's listing or exemption after an entry of the journal.
struct Former {
  UnixTime at{};
  CodeSet codes;
  std::optional<UnixTime> expires_at;
  std::optional<std::int64_t> audit;
};

class Undoing {
 public:
  /// `work`: that of the undo. All arguments must outlive this.
  Undoing(Store::Impl& impl, Work& work, const AuditEntry& entry, const Policy& policy, Reckon reckon, UnixTime now)
      : impl_(impl), work_(work), entry_(entry), policy_(policy), reckon_(reckon), now_(now) {}

  /// `enter` makes the undo's audit entry. The plan must not outlive this.
  [[nodiscard]] Plan plan(std::function<void()> enter) {
    const std::string& action = entry_.action;
    Plan plan;
    plan.begin = [this, enter = std::move(enter)] {
      enter();
      impl_.give_up(id());
      return begin();
    };
    if (action == "list" || action == "import") {
      plan.stages = {impl_.through_listings(range_of_list(), [this](const Key& key) { unlist(key); })};
      return plan;
    }
    plan.changes_at_begin = action == "delist" ? 0 : 1;
    if (action == "retire-trap" || action == "restore-trap") return plan;
    const Prefix prefix = prefix_decided_on(entry_);
    const Prefix within = at_least_a_sender(prefix);
    if (action == "end-exemption") plan.stages = impl_.ending_listings(work_, prefix, now_);
    plan.stages.push_back(impl_.through_journal(prefix, [this](const Key& key) { list_again(key); }));
    plan.stages.push_back(impl_.through_senders(within, [this, within](const Key& key) {
      if (const Prefix sender = sender_with(key); within.contains(sender)) reckon_anew(sender, decisions_);
    }));
    plan.refresh = [this, within] {
      exempt_ = impl_.exemption_set(now_);
      decisions_ = impl_.past_decisions(now_);
      std::erase_if(decisions_, [&](const PastDecision& decision) {
        return !decision.prefix.contains(within) && !within.contains(decision.prefix);
      });
    };
    return plan;
  }

  /// Senders whose record begins after the decision; they aren't changed.
  [[nodiscard]] std::uint64_t left_alone() const { return left_alone_; }

  /// Whether any listing of a list or import is in force and not replaced by a later decision. Reads the whole list in the worst case.
  [[nodiscard]] bool has_listings() {
    const auto range = keys_of(range_of_list());
    return Statement(impl_.db,
                     "SELECT 1 FROM listing WHERE first BETWEEN ? AND ? AND source = 1 AND audit_id = ? LIMIT 1")
        .bind(range.first, range.last, id())
        .first([](const Statement&) { return true; })
        .has_value();
  }

 private:
  /// Whether anything of it is in force.
  [[nodiscard]] bool begin() {
    const std::string& action = entry_.action;
    if (action == "retire-trap") return impl_.remove_retired(entry_.subject);
    if (action == "restore-trap") return impl_.put_retired(entry_.subject, now_, work_.audit);
    if (action == "exempt") return end_exemption(prefix_decided_on(entry_));
    if (action == "end-exemption") return exempt_again(prefix_decided_on(entry_));
    return true;
  }

  /// The network of its listings.
  [[nodiscard]] Prefix range_of_list() const {
    const auto prefix = Prefix::parse(entry_.subject);
    return prefix && entry_.action == "list" ? *prefix : *Prefix::parse("::/0");
  }

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
                  audit.value_or(work_.audit));
  }

  [[nodiscard]] bool has_ended(const Former& was) const { return was.expires_at && *was.expires_at <= now_; }

  /// Records that a listing would have ended by now, as if it had just been removed: if the clock is ahead, mend_times.cc restores it.
  void record_ended(ListingChange::Action action, const Prefix& prefix, const Former& was) {
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

  /// The operator's listing or exemption before entry `serial` of the journal, even if it would have ended by now. `begins`: the action that made
  /// it; after any other action there was none. Ignores decisions that were undone.
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
      // Removed while the clock was ahead: it hadn't ended.
      const bool is_sweep =
          action == ListingChange::Action::expired || action == ListingChange::Action::exemption_ended;
      if (is_sweep && was.expires_at && *was.expires_at > now_) {
        serial = own_serial;
        continue;
      }
      if (action != begins || !was.audit) return std::nullopt;
      if (was_undone(*was.audit)) {  // an import that was undone after this prefix got another listing
        serial = own_serial;
        continue;
      }
      return was;
    }
  }

  /// Ends the listings of the decision that no later one has changed; restores those that they replaced.
  void unlist(const Key& key) {
    const auto listing =
        own_listing_.bind(key.first, key.length, id()).first([](const Statement& row) { return listing_of(row, 0); });
    if (!listing || static_cast<Source>(key.last) != Source::by_operator) return;
    const auto serial =
        began_.bind(key.first, key.length, id()).first([](const Statement& row) { return row.integer(0); });
    const auto was = former(listed_before_, listing->prefix, serial.value_or(0), ListingChange::Action::listed);
    remove_own_.bind(key.first, key.length).run();
    if (was && !has_ended(*was)) {
      put_listing(listing->prefix, *was);
      ++work_.moved;
      return;
    }
    say(listing->in_force(now_) ? ListingChange::Action::delisted : ListingChange::Action::expired, listing->prefix,
        Source::by_operator, listing->codes, listing->expires_at);
    ++work_.ended;
    if (was) record_ended(ListingChange::Action::expired, listing->prefix, *was);
  }

  void put_listing(const Prefix& prefix, const Former& was) {
    put_listing_
        .bind(prefix.first().octets(), prefix.length(), was.codes.bits(), seconds(was.at), seconds(was.expires_at),
              was.audit)
        .run();
    // With the decision of that listing, so that this can be undone as well.
    say(ListingChange::Action::listed, prefix, Source::by_operator, was.codes, was.expires_at, was.audit);
  }

  /// Restores the operator's listing that it ended by this entry of the journal, unless there is another one now.
  void list_again(const Key& key) {
    const auto is_there = [](const Statement&) { return true; };
    if (!ended_by_operator_.bind(key.last, id()).first(is_there)) return;
    const Prefix listed = prefix_of(key);
    if (exempt_.covers(listed, now_) || stands_.bind(key.first, key.length).first(is_there)) return;
    const auto was = former(listed_before_, listed, key.last, ListingChange::Action::listed);
    if (!was) return;
    if (has_ended(*was)) {
      record_ended(ListingChange::Action::expired, listed, *was);
      return;
    }
    put_listing(listed, *was);
    ++work_.listed;
  }

  /// The journal's entry with which it began or ended an exemption.
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
      record_ended(ListingChange::Action::exemption_ended, prefix, *was);
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
    return true;
  }

  void reckon_anew(const Prefix& sender, const std::vector<PastDecision>& decisions) {
    const auto& key = sender.first().octets();
    const Reckoning from = records_.from(sender);
    if (from.as_of > entry_.at) {
      ++left_alone_;
      return;
    }
    const auto incidents = records_.incidents(sender, now_);
    if (incidents.empty()) return;
    std::vector<Accusation> accusations;
    accusations.reserve(incidents.size());
    for (const auto& one : incidents) accusations.push_back(one.accusation);
    // Includes decisions with a time slightly in the future.
    const UnixTime until = decisions.empty() ? now_ : std::max(now_, decisions.back().at);
    Reckoning reckoning = reckon_(policy_, from, accusations, decisions, until);
    if (!reckoning.listing) keep_former(sender, decisions, reckoning);
    ++work_.reckoned;
    for (std::size_t i = 0; i < incidents.size(); ++i) {
      if (reckoning.credits[i] != incidents[i].credit) {
        put_credit_.bind(reckoning.credits[i], key, incidents[i].digest).run();
      }
    }
    const Standing& standing = reckoning.standing;
    const auto witnesses = recent(reckoning.witnesses, policy_.distinct_traps);
    const auto campaigns = recent(reckoning.campaigns, policy_.distinct_campaigns);
    put_standing_
        .bind(standing.score.amount, seconds(standing.score.at), standing.times_listed, seconds(standing.listed_at),
              seconds(standing.listed_until), seconds(standing.afresh_since), as_blob(witnesses), as_blob(campaigns),
              key)
        .run();
    auto labels = labels_of(key, incidents);
    forget_parts_.bind(key).run();
    put_parts(key, Dimension::witness, reckoning.witnesses, labels);
    put_parts(key, Dimension::campaign, reckoning.campaigns, labels);
    put_parts(key, Dimension::kind, reckoning.kinds, labels);
    put_parts(key, Dimension::origin, reckoning.origins, labels);
    put_parts(key, Dimension::mailbox, reckoning.mailboxes, labels);
    relist(sender, reckoning.listing);
  }

  /// A listing by the rules of a former format stays until its end, unless a decision that wasn't undone ended it.
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

  [[nodiscard]] static std::vector<std::uint8_t> recent(const std::vector<StandingPart>& parts, int most) {
    RecentParts recent;
    for (const auto& part : parts) recent.touch(part.key, part.last_at, most);
    return recent.octets();
  }

  /// The texts of the keys, per dimension: strangers choose some texts, so two dimensions may have the same key.
  using Labels = std::map<Dimension, std::unordered_map<PartKey, std::string>>;

  /// From the present parts, and from incidents without one.
  [[nodiscard]] Labels labels_of(const IpAddress::Octets& sender, const std::vector<SenderRecords::Kept>& incidents) {
    Labels labels;
    const auto add = [&](Dimension dimension, std::string text) {
      const PartKey key = key_of_label(text);
      labels[dimension].try_emplace(key, std::move(text));
    };
    labels_.bind(sender);
    while (labels_.step()) add(static_cast<Dimension>(labels_.integer(0)), labels_.text(1));
    for (std::size_t i = 0; i < kAllKinds; ++i) add(Dimension::kind, std::string(name_of(static_cast<Kind>(i))));
    for (const auto& one : incidents) {
      const auto& accusation = one.accusation;
      const bool is_known = labels[Dimension::witness].contains(accusation.keys.witness) &&
                            labels[Dimension::campaign].contains(accusation.keys.campaign) &&
                            labels[Dimension::origin].contains(accusation.keys.origin) &&
                            (!accusation.keys.mailbox || labels[Dimension::mailbox].contains(*accusation.keys.mailbox));
      if (is_known) continue;
      evidence_.bind(one.number).first([&](const Statement& row) {
        const Incident incident = incident_of(row, 0);
        add(Dimension::witness, incident.witness);
        add(Dimension::campaign, incident.campaign);
        add(Dimension::origin, origin_key(incident));
        add(Dimension::mailbox, mailbox_key(incident));
        return true;
      });
    }
    return labels;
  }

  void put_parts(const IpAddress::Octets& sender, Dimension dimension, const std::vector<StandingPart>& parts,
                 Labels& labels) {
    for (const auto& part : parts) {
      const auto label = labels[dimension].find(part.key);
      put_part_
          .bind(sender, static_cast<int>(dimension),
                label == labels[dimension].end() ? label_of(part.key) : label->second, part.sum.amount,
                seconds(part.sum.at), seconds(part.last_at), part.incidents)
          .run();
    }
  }

  void relist(const Prefix& sender, const std::optional<Listing>& reckoned) {
    const auto& key = sender.first().octets();
    const auto before =
        automatic_.bind(key, sender.length()).first([](const Statement& row) { return listing_of(row, 0); });
    const auto after = reckoned && reckoned->in_force(now_) ? reckoned : std::nullopt;
    if (before == after) {
      // As in record_ended: the listing that the decision ended would have ended by now, unless the clock is ahead.
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
      ++work_.ended;
      return;
    }
    put_automatic_
        .bind(key, sender.length(), after->codes.bits(), seconds(after->listed_at), seconds(after->expires_at))
        .run();
    say(before ? ListingChange::Action::prolonged : ListingChange::Action::listed, sender, Source::automatic,
        after->codes, after->expires_at);
    ++(before ? work_.moved : work_.listed);
  }

  static constexpr std::size_t kAllKinds = 6;

  Store::Impl& impl_;
  Work& work_;
  const AuditEntry& entry_;
  const Policy& policy_;
  Reckon reckon_;
  UnixTime now_;
  std::uint64_t left_alone_ = 0;
  ExemptionSet exempt_;                  ///< in force; read in each slice, like the next
  std::vector<PastDecision> decisions_;  ///< those that affect the senders

  Statement own_listing_{impl_.db, std::string("SELECT ") + kListingColumns +
                                       " FROM listing WHERE first = ? AND length = ? AND source = 1 AND audit_id = ?"};
  Statement began_{
      impl_.db,
      "SELECT min(serial) FROM listing_change WHERE first = ? AND length = ? AND source = 1 AND audit_id = ?"};
  Statement remove_own_{impl_.db, "DELETE FROM listing WHERE first = ? AND length = ? AND source = 1"};
  Statement ended_by_operator_{
      impl_.db, "SELECT 1 FROM listing_change WHERE serial = ? AND audit_id = ? AND action = 2 AND source = 1"};
  Statement stands_{impl_.db, "SELECT 1 FROM listing WHERE first = ? AND length = ? AND source = 1"};
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
  SenderRecords records_{impl_.db};
  Statement labels_{impl_.db, "SELECT dimension, key FROM standing_part WHERE sender = ?"};
  Statement evidence_{impl_.db, std::string("SELECT ") + kEvidenceColumns + " FROM evidence WHERE number = ?"};
  Statement put_credit_{impl_.db, "UPDATE incident SET credit = ? WHERE sender = ? AND digest = ?"};
  Statement put_standing_{impl_.db,
                          "UPDATE standing SET score = ?, at = ?, times_listed = ?, listed_at = ?, listed_until = ?, "
                          "afresh_since = ?, recent_witnesses = ?, recent_campaigns = ? WHERE sender = ?"};
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

/// The records of what the entry changed are complete from this time on; absent: completely.
[[nodiscard]] std::optional<UnixTime> reaches_back_to(Store::Impl& impl, const AuditEntry& entry) {
  const bool is_of_list = entry.action != "retire-trap" && entry.action != "restore-trap";
  if (!is_of_list) return std::nullopt;
  auto since = impl.kept_changes_since();
  const auto prefix = Prefix::parse(entry.subject);
  const bool ended_listings = entry.action != "list" && entry.action != "import";
  if (!prefix || !ended_listings) return since;
  // A single sender's record may begin later than others' (fold.h); such a sender within a network isn't changed.
  const Prefix within = at_least_a_sender(*prefix);
  std::optional<UnixTime> horizon;
  if (const auto begins = total(impl.db, "incidents_since")) horizon = time_of(*begins);
  if (sender_of(within.first()) == within) {
    horizon = Statement(impl.db, "SELECT horizon FROM standing_at_horizon WHERE sender = ?")
                  .bind(within.first().octets())
                  .first([](const Statement& row) { return time_of(row.integer(0)); });
  }
  return std::max(since, horizon);  // absent is less than any time
}

}  // namespace

void Store::Impl::go_on_undoing(Work& work, const AuditEntry& undo, const Policy& policy, Reckon reckon, UnixTime now) {
  const auto undone = entry(undo.undoes.value_or(0));
  if (!undone) throw SqlFailure(SQLITE_CORRUPT, "an undo of nothing");
  Undoing undoing(*this, work, *undone, policy, reckon, now);
  Plan plan = undoing.plan([] {});
  plan.only_one_slice = true;
  static_cast<void>(carry_out(work, plan));
}

Result<Undone> Store::undo(std::uint64_t id, const Decision& decision, const Policy& policy, Reckon reckon,
                           UnixTime now) {
  if (auto error = unfounded(decision)) return std::unexpected(std::move(*error));
  if (auto error = impl_->still_converting()) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&]() -> Undone {
    Undone undone;
    auto entry = impl_->entry(id);
    if (!entry) return undone;
    undone.entry = std::move(*entry);
    Work work;
    if (undone.entry.undone_by) {
      // By anybody and for any reason: an entry is undone once.
      work = impl_->unfinished(static_cast<std::int64_t>(*undone.entry.undone_by)).value_or(Work{});
    }
    undone.outcome = undone.entry.undoes ? Outcome::is_undo : Outcome::already;
    if (undone.entry.undoes || (undone.entry.undone_by && !work.is_stored)) return undone;
    undone.reaches_back_to = reaches_back_to(*impl_, undone.entry);
    undone.outcome = Outcome::too_old;
    if (!work.is_stored && undone.reaches_back_to && undone.entry.at < *undone.reaches_back_to) return undone;

    const bool is_list = undone.entry.action == "list" || undone.entry.action == "import";
    Undoing undoing(*impl_, work, undone.entry, policy, reckon, now);
    if (is_list && !work.is_stored && !undoing.has_listings()) {
      impl_->give_up(static_cast<std::int64_t>(id));
      undone.outcome = Outcome::superseded;
      return undone;
    }
    const Plan plan = undoing.plan([&] {
      work.audit = impl_->audit(decision, "undo", undone.entry.action + " " + undone.entry.subject, std::nullopt, now);
      Statement(impl_->db, "UPDATE audit SET undoes = ? WHERE id = ?").bind(id, work.audit).run();
    });
    // If there is nothing to undo, this is rolled back, so that no undo is recorded.
    undone.outcome = impl_->carry_out(work, plan) ? Outcome::undone : Outcome::superseded;
    if (undone.outcome == Outcome::superseded) return undone;
    undone.id = static_cast<std::uint64_t>(work.audit);
    undone.listed = work.listed;
    undone.ended = work.ended;
    undone.moved = work.moved;
    undone.reckoned = work.reckoned;
    undone.left_alone = undoing.left_alone();
    return undone;
  });
}

}  // namespace blowback::schema
