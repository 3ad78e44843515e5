// The account of a sender: what was seen, the sum term by term, and when it ends, as values that text and JSON are made of.
#pragma once

#include "blowback/policy.h"
#include "schema/store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace blowback::cli {

/// Incidents of one kind and cause.
struct Observation {
  Kind kind = Kind::dsn;
  Cause cause = Cause::none;
  std::uint64_t incidents = 0;
  std::uint64_t traps = 0;
  std::uint64_t campaigns = 0;
  std::uint64_t claims_trap = 0;       ///< the returned mail claims to come from the trap itself
  std::uint64_t could_have_known = 0;  ///< SPF had failed when the server took it
  UnixTime first{};
  UnixTime last{};
  std::string product;  ///< of the newest incident that tells, "" where none does
};

/// One incident in the sum.
struct Term {
  UnixTime at{};
  Kind kind = Kind::dsn;
  Cause cause = Cause::none;
  double weight = 0;  ///< by the policy of now, times confidence
  double credit = 0;  ///< what it added when it came in
  double left = 0;    ///< of that, now
};

/// An automatic listing that is over.
struct Bygone {
  UnixTime from{};
  UnixTime to{};
  bool by_operator = false;  ///< delisted or exempted, not run out
};

struct Account {
  Prefix sender;
  std::vector<Listing>
      in_force;  ///< automatic and by the operator; also where an exemption keeps them from being served
  std::vector<Exemption> exempt;
  std::vector<Bygone> bygone;     ///< newest first, at most 5
  std::vector<Observation> seen;  ///< most frequent first
  std::vector<Term> terms;        ///< newest first, at most as many as asked for; only those that added something
  double older = 0;               ///< what is left of all incidents that have no term of their own
  std::uint64_t older_incidents = 0;
  std::uint64_t added_nothing = 0;  ///< incidents with no credit: their trap or mailing had no more to add
  double score = 0;                 ///< now: the terms and `older` add up to it
  int traps = 0;                    ///< that reported lately enough to count
  int campaigns = 0;                ///< likewise
  std::optional<UnixTime> afresh_since;
  int times_listed = 0;
  std::uint64_t incidents_in_all = 0;
  std::uint64_t incidents_read = 0;  ///< the newest so many are what `seen` is made of

  [[nodiscard]] bool is_known() const { return incidents_in_all > 0 || !in_force.empty() || !exempt.empty(); }
  [[nodiscard]] bool is_listed() const { return exempt.empty() && !in_force.empty(); }
};

/// Pure. Requires that `dossier` was asked for with more incidents than `most_terms`, or all there are.
[[nodiscard]] Account account_of(const schema::Dossier& dossier, const Policy& policy, UnixTime now,
                                 std::size_t most_terms);

/// Whether the term was cut to what its trap or its campaign might still add. Pure.
[[nodiscard]] bool is_cut(const Term& term);

/// The terms, then what is older, in hundredths, rounded so that they add up exactly to the rounded score. Pure.
[[nodiscard]] std::vector<std::int64_t> in_hundredths(const Account& account);

/// The whole account in plain English, for a terminal. `asked`: the address in question. Pure.
[[nodiscard]] std::string told(const Account& account, const IpAddress& asked, const Policy& policy, UnixTime now,
                               bool bold);

}  // namespace blowback::cli
