// The account of a sender: what was seen, the sum term by term, and when it ends, as values that text and JSON are made of.
//
// All of it may be shown to the accused. So it is an allow-list: hours, kinds, causes, names of ours, counts and sums. It holds
// nothing that the other side chose per message, from which whoever writes one token per recipient would learn the traps.
#pragma once

#include "blowback/policy.h"
#include "schema/store.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blowback::cli {

/// Incidents of one kind and cause.
struct Observation {
  Kind kind = Kind::dsn;
  Cause cause = Cause::none;
  std::uint64_t incidents = 0;
  UnixTime first{};  ///< received, cut to the hour; likewise `last`
  UnixTime last{};
  /// Those that don't count, by reason, most frequent first.
  std::vector<std::pair<Counting, std::uint64_t>> uncounted;
  std::uint64_t counted = 0;
  // Of those that count:
  std::uint64_t forgiven = 0;          ///< no more, since the operator delisted the sender
  std::uint64_t witnesses = 0;         ///< distinct; likewise campaigns and origins
  std::uint64_t campaigns = 0;         //
  std::uint64_t origins = 0;           ///< networks that handed the letters in
  std::uint64_t unknown_origin = 0;    ///< incidents that don't show who handed the letter in
  std::uint64_t claims_trap = 0;       ///< the returned mail claims to come from the trap itself
  std::uint64_t could_have_known = 0;  ///< SPF had failed when the server took it
  std::string product;                 ///< of the newest that tells, "" where none does or its name isn't ours
};

/// What kept an incident from adding its whole weight.
enum class Cut : std::uint8_t {
  none,
  witness,   ///< its witness had no more to add; likewise below
  campaign,  //
  origin,    //
  mailbox,   //
  unknown,   ///< reckoned under another policy, or cut by what incidents that aren't read any more had standing
};

/// `none`, `trap`, `mailing`, `origin`, `mailbox`, `unknown`.
[[nodiscard]] std::string_view name_of(Cut cut);

/// Why a sender isn't listed although its score, traps and mailings are enough for it. Only an incident that counts lists anybody.
enum class Unlisted : std::uint8_t {
  none,         ///< it is listed or exempt, or what it has isn't enough
  was_exempt,   ///< an exemption ended its listing or kept it off the list, and no incident that counts came since
  special_use,  ///< no automatic step lists an address of this kind
  no_incident_since,  ///< no incident that counts came since what it has is enough, as after a change of the policy
};

/// `none`, `was-exempt`, `special-use`, `no-incident-since`.
[[nodiscard]] std::string_view name_of(Unlisted reason);

/// One incident in the sum.
struct Term {
  UnixTime hour{};  ///< when it was received, cut to the hour
  Kind kind = Kind::dsn;
  Cause cause = Cause::none;
  bool unknown_origin = false;  ///< it doesn't show who handed the letter in, so it weighs less
  double weight = 0;            ///< by the policy of now, times confidence
  double credit = 0;            ///< what it added when it came in
  double left = 0;              ///< of that, now
  Cut cut = Cut::none;          ///< why the credit is less than the weight, as both are shown
};

/// A listing that is over.
struct Bygone {
  Prefix prefix;
  Source source = Source::automatic;
  UnixTime from{};
  UnixTime to{};
  bool by_operator = false;  ///< delisted or exempted, not run out
};

struct Account {
  IpAddress asked;
  Prefix sender;
  /// Automatic and by the operator; also where an exemption keeps them from being served. `listed_at`: since when the list
  /// has said so without a break, by the journal.
  std::vector<Listing> in_force;
  std::vector<Exemption> exempt;
  std::vector<Bygone> bygone;  ///< newest first, at most 5
  Unlisted unlisted = Unlisted::none;
  std::vector<Observation> seen;   ///< most frequent first
  std::uint64_t counted = 0;       ///< incidents that count, of those read
  std::vector<IpAddress> clients;  ///< whose incidents count (whose were seen, if none does): newest first, at most 3
  std::uint64_t more_clients = 0;  ///< besides these
  bool asked_was_seen = false;     ///< an incident that was read is by `asked` itself
  std::vector<Term> terms;         ///< newest first, at most as many as asked for; only those that added something
  double older = 0;                ///< what is left of all incidents that have no term of their own
  std::uint64_t older_incidents = 0;
  std::uint64_t added_nothing = 0;                  ///< incidents that count, with no credit
  std::vector<std::pair<Cut, std::uint64_t>> cuts;  ///< of all that was read: what cut how many, in the order of Cut
  double score = 0;                                 ///< now: the terms and `older` add up to it
  int witnesses = 0;                                ///< that reported lately enough to count
  int campaigns = 0;                                ///< likewise
  int origins = 0;                                  ///< likewise, those that are known
  std::optional<UnixTime> afresh_since;
  int times_listed = 0;
  std::uint64_t incidents_in_all = 0;
  std::uint64_t incidents_read = 0;         ///< the newest so many are what `seen` is made of
  std::optional<UnixTime> incidents_since;  ///< from when on its incidents are kept; absent: all are
  std::optional<UnixTime> evidence_since;   ///< from when on the texts that prove them are kept; absent: all are
  std::uint64_t texts_expired = 0;          ///< of those read, incidents whose texts aren't kept any more
  bool is_converting = false;               ///< older incidents are still being converted and aren't counted here yet

  [[nodiscard]] bool is_known() const {
    return incidents_in_all > 0 || !in_force.empty() || !exempt.empty() || !bygone.empty();
  }
  [[nodiscard]] bool is_listed() const { return exempt.empty() && !in_force.empty(); }
};

/// Pure. Requires that `dossier` was asked for with more incidents than `most_terms`, or all there are.
[[nodiscard]] Account account_of(const schema::Dossier& dossier, const Policy& policy, UnixTime now,
                                 std::size_t most_terms);

/// An amount as it is shown. Pure.
[[nodiscard]] std::int64_t in_hundredths(double amount);

/// What is left of the terms, then of what is older, in hundredths: they add up exactly to the score in hundredths, no two of
/// them are in another order than the amounts they stand for, and none is off by a whole one. Pure.
[[nodiscard]] std::vector<std::int64_t> in_hundredths(const Account& account);

/// The whole account in plain English, for a terminal. `contact`: whom to write to. Pure.
[[nodiscard]] std::string told(const Account& account, const Policy& policy, UnixTime now, const std::string& contact,
                               bool bold);

}  // namespace blowback::cli
