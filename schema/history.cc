// Records by sender, for computing scores again.
#include "sender_record.h"
#include "store_impl.h"

#include <algorithm>

namespace blowback::schema {
namespace {

/// Senders that are read in one transaction: a few hundredths of a second.
constexpr std::int64_t kSendersAtOnce = 2'000;

[[nodiscard]] std::optional<PastDecision::Action> bearing_on_standings(const std::string& action) {
  if (action == "delist") return PastDecision::Action::delisted;
  if (action == "exempt") return PastDecision::Action::exempted;
  if (action == "end-exemption") return PastDecision::Action::exemption_ended;
  return std::nullopt;
}

}  // namespace

std::vector<PastDecision> Store::Impl::past_decisions(UnixTime now) {
  std::vector<PastDecision> decisions;
  Statement rows(db,
                 "SELECT at, action, subject, until FROM audit WHERE action IN ('delist', 'exempt', 'end-exemption') "
                 "AND id NOT IN (SELECT undoes FROM audit WHERE undoes IS NOT NULL) ORDER BY id");
  while (rows.step()) {
    const auto action = bearing_on_standings(rows.text(1));
    const auto prefix = Prefix::parse(rows.text(2));
    if (!action || !prefix) throw SqlFailure(SQLITE_CORRUPT, "a decision on something that is no prefix");
    decisions.push_back({.at = unless_ahead(time_of(rows.integer(0)), now),
                         .action = *action,
                         .prefix = *prefix,
                         .until = optional_time(rows, 3)});
  }
  std::ranges::stable_sort(decisions, {}, &PastDecision::at);
  return decisions;
}

Result<std::vector<PastDecision>> Store::decisions(UnixTime now) {
  return attempt(impl_->path, [&] { return impl_->past_decisions(now); });
}

Result<void> Store::for_each_sender(UnixTime now, const std::function<void(const SenderRecord&)>& visit) {
  if (auto error = impl_->still_converting()) return std::unexpected(std::move(*error));
  return attempt(impl_->path, [&] {
    SenderRecords records(impl_->db);
    Statement rows(
        impl_->db,
        "SELECT s.score, s.at, s.times_listed, s.listed_at, s.listed_until, s.afresh_since, s.sender, "
        "l.first, l.length, l.source, l.codes, l.listed_at, l.expires_at FROM standing s LEFT JOIN listing l "
        "ON l.first = s.sender AND l.source = 0 AND (l.expires_at IS NULL OR l.expires_at > ?) "
        "WHERE s.sender > ? ORDER BY s.sender LIMIT ?");
    std::vector<std::uint8_t> after(1, 0);  // before every address
    for (std::int64_t read = kSendersAtOnce; read == kSendersAtOnce;) {
      const ReadTransaction one_state(impl_->db);
      read = 0;
      rows.bind(seconds(now), std::span<const std::uint8_t>(after), kSendersAtOnce);
      std::vector<SenderRecord> senders;
      while (rows.step()) {
        ++read;
        SenderRecord record;
        record.standing = standing_of(rows, sender_of(address_of(rows, 6)));
        if (!rows.is_null(7)) record.listing = listing_of(rows, 7);
        senders.push_back(std::move(record));
      }
      for (auto& record : senders) {
        const Prefix sender = record.standing->sender;
        after.assign(sender.first().octets().begin(), sender.first().octets().end());
        record.from = records.from(sender);
        for (const auto& kept : records.incidents(sender, now)) record.accusations.push_back(kept.accusation);
        visit(record);
        record = {};
      }
    }
  });
}

}  // namespace blowback::schema
