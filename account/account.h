// The account of a sender: what was seen, the terms of its score, and when the listing ends. `why` prints it as text and JSON, and blowback-web as a page.
//
// All of it may be shown to the sender. So it contains only hours, kinds, causes, names from our own lists, counts and sums, and
// nothing that the sender chose per message: a sender who writes one token per recipient would learn from it which recipients are
// traps.
#pragma once

#include "account/removals.h"
#include "blowback/policy.h"
#include "schema/store.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blowback::account {

/// Incidents of one kind and cause.
struct Observation {
  Kind kind = Kind::dsn;
  Cause cause = Cause::none;
  std::uint64_t incidents = 0;
  UnixTime first{};  ///< when the first was received, cut to the hour; the same for `last`
  UnixTime last{};
  /// The number of those that don't count, by reason, most frequent first.
  std::vector<std::pair<Counting, std::uint64_t>> uncounted;
  std::uint64_t counted = 0;
  // Of those that count:
  std::uint64_t forgiven = 0;          ///< counted until the operator delisted the sender
  std::uint64_t witnesses = 0;         ///< distinct ones; the same for campaigns and origins
  std::uint64_t campaigns = 0;         //
  std::uint64_t origins = 0;           ///< networks that handed the original mail to the server
  std::uint64_t unknown_origin = 0;    ///< incidents that don't show who handed the original mail in
  std::uint64_t claims_trap = 0;       ///< the returned mail claims to come from the trap itself
  std::uint64_t could_have_known = 0;  ///< SPF failed when the server accepted the original mail
  std::string product;  ///< as the newest incident names it; "" if none does, or if our signatures don't have the name
};

/// Why an incident added less than its whole weight.
enum class Cut : std::uint8_t {
  none,
  witness,   ///< the cap of its witness was reached; the same below
  campaign,  //
  origin,    //
  mailbox,   //
  unknown,   ///< it was scored under another policy, or incidents that were not read had used up a cap
};

/// `none`, `trap`, `mailing`, `origin`, `mailbox`, `unknown`.
[[nodiscard]] std::string_view name_of(Cut cut);

/// Why a sender isn't listed although its score, traps and mailings suffice. Only an incident that counts lists a sender.
enum class Unlisted : std::uint8_t {
  none,               ///< it is listed or exempt, or score, traps or mailings don't suffice
  was_exempt,         ///< an exemption ended or prevented its listing, and no incident that counts came since
  special_use,        ///< no automatic step lists an address of this kind
  no_incident_since,  ///< no incident that counts came since they suffice, as after a change of the policy
};

/// `none`, `was-exempt`, `special-use`, `no-incident-since`.
[[nodiscard]] std::string_view name_of(Unlisted reason);

/// One incident in the sum.
struct Term {
  UnixTime hour{};  ///< when it was received, cut to the hour
  Kind kind = Kind::dsn;
  Cause cause = Cause::none;
  bool unknown_origin = false;  ///< it doesn't show who handed the original mail in, so it weighs less
  double weight = 0;            ///< by the current policy, times confidence
  double credit = 0;            ///< what it added to the score when it was recorded
  double left = 0;              ///< what is left of the credit now
  Cut cut = Cut::none;          ///< why the credit, as shown, is less than the weight
};

/// A listing that is over.
struct Bygone {
  Prefix prefix;
  Source source = Source::automatic;
  UnixTime from{};
  UnixTime to{};
  bool by_operator = false;  ///< it was delisted or exempted; false: it expired
};

/// How many incidents are shown as terms of the sum, wherever an account is shown.
inline constexpr std::size_t kMostTerms = 20;

struct Account {
  IpAddress asked;
  Prefix sender;
  /// The zone's serial as of this state; absent if the dossier was read without it.
  std::optional<Serial> serial;
  /// Automatic ones and those by the operator, even if an exemption keeps them from being served. `listed_at`: the beginning of
  /// the time without a gap for which it has been listed, by the journal.
  std::vector<Listing> in_force;
  std::vector<Exemption> exempt;
  std::vector<Bygone> bygone;  ///< newest first, at most 5
  Unlisted unlisted = Unlisted::none;
  std::vector<Observation> seen;   ///< most frequent first
  std::uint64_t counted = 0;       ///< of the incidents that were read, those that count
  std::vector<IpAddress> clients;  ///< of incidents that count (of all, if none does): newest first, at most 3
  std::uint64_t more_clients = 0;  ///< the number of further clients
  bool asked_was_seen = false;     ///< one of the incidents that were read has `asked` as its client
  std::vector<Term> terms;         ///< newest first, at most `most_terms`; only incidents that added something
  double older = 0;                ///< what is left of all incidents that aren't in `terms`
  std::uint64_t older_incidents = 0;
  std::uint64_t added_nothing = 0;  ///< incidents that count, but have no credit
  std::vector<std::pair<Cut, std::uint64_t>>
      cuts;           ///< how many of the incidents that were read were cut, by what; in the order of Cut
  double score = 0;   ///< now: the sum of `left` of all terms, and `older`
  int witnesses = 0;  ///< those that reported within the time that counts
  int campaigns = 0;  ///< likewise
  int origins = 0;    ///< likewise, known ones
  std::optional<UnixTime> afresh_since;
  int times_listed = 0;
  std::uint64_t incidents_in_all = 0;
  std::uint64_t incidents_read = 0;         ///< how many, the newest, `seen` is about
  std::optional<UnixTime> incidents_since;  ///< earlier incidents are no longer stored; absent: all are
  std::optional<UnixTime> evidence_since;   ///< earlier evidence is no longer stored; absent: all is
  std::uint64_t texts_expired = 0;   ///< of the incidents that were read, those whose evidence is no longer stored
  std::optional<Removals> removals;  ///< absent: they weren't read
  bool is_converting = false;        ///< older incidents are being converted to this format and are missing here

  [[nodiscard]] bool is_known() const {
    return incidents_in_all > 0 || !in_force.empty() || !exempt.empty() || !bygone.empty();
  }
  [[nodiscard]] bool is_listed() const { return exempt.empty() && !in_force.empty(); }
  /// Its latest automatic listing was ended by a decision other than a delisting, which would have reset its score.
  [[nodiscard]] bool ended_by_exemption() const;
  /// All that is known of it is one forged mailing at several traps. One mailing at one trap may be a guess, since nothing was returned.
  [[nodiscard]] bool is_one_mailing() const;
};

/// Pure. Requires that `dossier` has more incidents than `most_terms`, or all of the sender.
[[nodiscard]] Account account_of(const schema::Dossier& dossier, const Policy& policy, UnixTime now,
                                 std::size_t most_terms);

/// Reads all that an account consists of, with `removals` and the newest incidents, and makes it with at most kMostTerms terms. Fails as the store does.
[[nodiscard]] schema::Result<Account> read_account(schema::Store& store, const IpAddress& address,
                                                   std::size_t most_incidents, const Policy& policy,
                                                   const RemovalRules& rules, UnixTime now);

/// A score as it is shown, rounded to hundredths. Pure.
[[nodiscard]] std::int64_t in_hundredths(double amount);

/// `left` of each term, then `older`, in hundredths: rounded so that they add up exactly to the score in hundredths, keep the
/// order of the exact amounts, and differ from them by less than one hundredth. Pure.
[[nodiscard]] std::vector<std::int64_t> in_hundredths(const Account& account);

/// The whole account in plain English, in lines of at most 100 characters. `contact`: the mail address for questions. Pure.
[[nodiscard]] std::string text_of(const Account& account, const Policy& policy, UnixTime now,
                                  const std::string& contact, bool bold);

}  // namespace blowback::account
