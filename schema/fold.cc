// A slice reads, without a lock, until enough incidents are due or its time is over; then it folds the due ones in one transaction.
#include "fold.h"

#include "slices.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace blowback::schema {
namespace {

/// Incidents of one sender that are read at once; if there are more, it is read again.
constexpr std::size_t kMostRead = 20'000;
/// Incidents that are folded at once: some hundredths of a second.
constexpr std::size_t kPiece = 1'000;
/// Senders that wait to be folded.
constexpr std::size_t kMostDue = 1'000;

[[nodiscard]] bool is_before(const SenderRecords::Kept& a, const SenderRecords::Kept& b) {
  return std::pair(a.accusation.received_at, a.number) < std::pair(b.accusation.received_at, b.number);
}

/// Keeps the `most` oldest.
void cut(std::vector<SenderRecords::Kept>& rows, std::size_t most) {
  if (rows.size() <= most) return;
  std::ranges::nth_element(rows, rows.begin() + static_cast<std::ptrdiff_t>(most), is_before);
  rows.resize(most);
}

}  // namespace

Folding::Done Folding::go_on(const Terms& terms, std::span<const std::uint8_t> position) {
  if (!has_begun_) position_.assign(position.begin(), position.end());
  has_begun_ = true;
  return next_slice(terms, std::nullopt);
}

Folding::Done Folding::go_on_with(const IpAddress& sender, const Terms& terms) {
  if (!has_begun_) reading_ = {.sender = sender, .by_number = true, .oldest = {}};
  has_begun_ = true;
  return next_slice(terms, sender);
}

Folding::Done Folding::next_slice(const Terms& terms, const std::optional<IpAddress>& only) {
  Slice slice(impl_.slicing);
  if (due_.empty()) read(terms, slice, only);
  Done done{.incidents = fold(terms, slice), .is_through = false};
  done.is_through = all_read_ && due_.empty();
  return done;
}

void Folding::read(const Terms& terms, Slice& slice, const std::optional<IpAddress>& only) {
  const ReadTransaction one_state(db_);
  Statement rows(db_, std::string("SELECT ") + kAccusationColumns +
                          ", digest, number, credit FROM incident WHERE (sender, digest) > (?, ?) " +
                          (only ? "AND sender = ?1 " : "") + "ORDER BY sender, digest");
  // Continue after the last incident that was read of a sender, or after the last complete sender. Bound values must stay valid during the steps.
  std::vector<std::uint8_t> sender_before = position_.empty() ? std::vector<std::uint8_t>{0} : position_;
  std::int64_t digest_before = std::numeric_limits<std::int64_t>::max();
  if (reading_.sender) {
    const auto& octets = reading_.sender->octets();
    sender_before.assign(octets.begin(), octets.end());
    digest_before = reading_.digest;
  }
  rows.bind(std::span<const std::uint8_t>(sender_before), digest_before);
  while (true) {
    if (!rows.step()) {
      finish_reading(terms);
      all_read_ = due_.empty() || !(due_.back().is_cut || due_.back().too_many);
      return;
    }
    const IpAddress sender = address_of(rows, 0);
    if (reading_.sender && *reading_.sender != sender) {
      finish_reading(terms);
      if (!due_.empty() && (due_.back().is_cut || due_.back().too_many || due_.size() >= kMostDue)) return;
    }
    if (!reading_.sender) reading_.sender = sender;
    reading_.digest = rows.integer(kAccusationColumnCount);
    ++reading_.count;
    collect({.digest = reading_.digest,
             .number = rows.integer(kAccusationColumnCount + 1),
             .credit = rows.real(kAccusationColumnCount + 2),
             .accusation = accusation_of(rows)},
            terms);
    if (slice.is_over()) return;
  }
}

void Folding::collect(SenderRecords::Kept row, const Terms& terms) {
  auto& at = row.accusation.received_at;
  at = unless_ahead(at, terms.now);
  if (!reading_.by_number && at >= terms.horizon) return;
  reading_.oldest.push_back(std::move(row));
  if (reading_.oldest.size() < 2 * kMostRead) return;
  cut(reading_.oldest, kMostRead);
  reading_.is_cut = true;
}

/// Adds what is due of a sender that was read completely.
void Folding::finish_reading(const Terms& terms) {
  if (!reading_.sender) return;
  auto& rows = reading_.oldest;
  if (reading_.is_cut) cut(rows, kMostRead);  // later ones aren't complete
  const auto go_for_number =
      reading_.count > kMostOfSender ? static_cast<std::size_t>(reading_.count - kMostOfSender) : 0;
  if (reading_.by_number) {
    cut(rows, go_for_number);
    reading_.is_cut = rows.size() < go_for_number;
  }
  // Without those that are too old there may still be too many.
  const bool too_many = !reading_.by_number && !reading_.is_cut && rows.size() < go_for_number;
  if (!rows.empty() || too_many) {
    std::ranges::sort(rows, is_before);
    due_.push_back({.sender = sender_of(*reading_.sender),
                    .rows = std::move(rows),
                    .horizon = reading_.by_number ? std::nullopt : std::optional(terms.horizon),
                    .is_cut = reading_.is_cut,
                    .too_many = too_many});
  }
  finished_.assign(reading_.sender->octets().begin(), reading_.sender->octets().end());
  reading_ = {};
  // Continue after this sender, unless it is read again.
  if (due_.empty()) position_ = finished_;
}

std::uint64_t Folding::fold(const Terms& terms, Slice& slice) {
  if (due_.empty()) return 0;
  std::uint64_t folded = 0;
  Transaction transaction(db_);
  const auto decisions = impl_.past_decisions(terms.now);
  Statement remove(db_, "DELETE FROM incident WHERE sender = ? AND digest = ?");
  do {
    Due& due = due_.front();
    if (due.done < due.rows.size()) folded += fold_piece(due, terms, decisions, remove);
    if (due.done < due.rows.size()) continue;
    const auto& octets = due.sender.first().octets();
    if (due.is_cut || due.too_many) {
      reading_ = {.sender = due.sender.first(), .by_number = due.too_many || !due.horizon, .oldest = {}};
    } else {
      position_.assign(octets.begin(), octets.end());
    }
    due_.pop_front();
    if (due_.empty() && !reading_.sender) position_ = finished_;
  } while (!due_.empty() && !slice.is_over());
  transaction.commit();
  return folded;
}

/// Folds incidents of a sender up to a time, so that all incidents of one second are folded together, and removes them.
std::uint64_t Folding::fold_piece(Due& due, const Terms& terms, const std::vector<PastDecision>& decisions,
                                  Statement& remove) {
  const auto time_at = [&](std::size_t i) { return due.rows[i].accusation.received_at; };
  const auto begin = due.done;
  const auto limit = begin + std::min(kPiece, due.rows.size() - begin);
  UnixTime horizon = time_at(limit - 1) + Duration{1};
  if (limit < due.rows.size()) {
    horizon = std::max(time_at(limit), time_at(begin) + Duration{1});
  } else if (due.horizon && !due.is_cut) {
    horizon = *due.horizon;
  }
  auto end = limit;
  while (end > begin && time_at(end - 1) >= horizon) --end;
  while (end < due.rows.size() && time_at(end) < horizon) ++end;
  due.done = end;

  const auto& key = due.sender.first().octets();
  std::vector<Accusation> accusations;
  for (auto i = begin; i < end; ++i) {
    remove.bind(key, due.rows[i].digest).run();
    // Another process may have folded it since it was read.
    if (db_.changes() > 0) accusations.push_back(due.rows[i].accusation);
  }
  if (accusations.empty()) return 0;
  std::vector<PastDecision> of_sender;
  std::ranges::copy_if(decisions, std::back_inserter(of_sender), [&](const PastDecision& decision) {
    return decision.prefix.contains(due.sender) || due.sender.contains(decision.prefix);
  });
  const Reckoning from = records_.from(due.sender);
  horizon = std::max(horizon, from.as_of);
  Reckoning reckoned = terms.reckon(terms.policy, from, accusations, of_sender, horizon - Duration{1});
  reckoned.as_of = horizon;
  for (auto* const parts :
       {&reckoned.witnesses, &reckoned.campaigns, &reckoned.kinds, &reckoned.origins, &reckoned.mailboxes}) {
    std::erase_if(*parts, [&](const StandingPart& part) {
      return part.sum.at + terms.policy.parts_forgotten_after() <= horizon;
    });
  }
  records_.begin_with(reckoned);
  return accusations.size();
}

}  // namespace blowback::schema
