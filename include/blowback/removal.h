// Removal of a sender at its own request: what proves control of the address, which requests are refused, and how long they wait.
//
// These are the values and the rules. schema/ stores and executes requests; ingest (mail) and blowback-web (HTTPS, tokens) file them.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "blowback/unix_time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blowback {

/// How the requester showed that it controls the listed address.
enum class RemovalProof : std::uint8_t {
  https,  ///< a request over HTTPS came from it
  mail,   ///< a message came from it to removal.mail
  token,  ///< a token was returned that was mailed to postmaster@ the name that reverse and forward DNS confirm
};
/// `https`, `mail`, `token`. Stable.
[[nodiscard]] std::string_view name_of(RemovalProof proof);

enum class RemovalState : std::uint8_t { pending, done, refused };
/// `pending`, `done`, `refused`. Stable.
[[nodiscard]] std::string_view name_of(RemovalState state);

/// Why a request is refused. The numbers are stored.
enum class RemovalRefusal : std::uint8_t {
  disabled,       ///< removal.enabled is false
  special_use,    ///< a special-use address proves nothing: it is that of a proxy or of this host
  exempt,         ///< nothing to remove: an exemption covers the address
  not_listed,     ///< likewise: it isn't listed (any more)
  network,        ///< an operator's listing covers a network wider than the sender
  by_operator,    ///< the operator listed it, or restored the listing after a removal, and removal.by_operator is false
  still_sending,  ///< while the request waited, backscatter came from the sender
  too_many,       ///< too many requests are pending; try again later
};
/// `disabled`, `special-use`, `exempt`, `not-listed`, `network`, `by-operator`, `still-sending`, `too-many`. Stable: pages translate them.
[[nodiscard]] std::string_view name_of(RemovalRefusal refusal);
/// The same as a clause in English, for the operator's tool and SMTP replies.
[[nodiscard]] std::string_view clause_of(RemovalRefusal refusal);

/// `[removal]` of the config, as far as the rules depend on it.
struct RemovalRules {
  bool enabled = true;
  /// Whether a sender may also end the operator's listings of it.
  bool by_operator = false;
  /// How long the second removal waits; each further one waits twice as long. >= 0.
  Duration wait = std::chrono::days{1};
  /// A removal counts as an earlier one for this long: Retention::removals. > 0.
  Duration remembered = std::chrono::days{180};
};

/// All that the answer to a request depends on.
struct RemovalCase {
  AddressUse use = AddressUse::ordinary;
  bool is_listed = false;       ///< by any listing in force
  bool is_exempt = false;       ///< by an exemption in force
  bool is_network = false;      ///< one of those listings is the operator's, and wider than the sender
  bool is_by_operator = false;  ///< one is the operator's, or was restored by undoing a removal
  int earlier = 0;  ///< removals of the sender at its request within `remembered`, without those that were undone
};

/// What a request would lead to now.
struct RemovalOutlook {
  std::optional<RemovalRefusal> refused;
  int earlier = 0;  ///< see RemovalCase
  Duration wait{};  ///< from the request to the removal. 0 unless there was an earlier removal
};
/// Pure.
[[nodiscard]] RemovalOutlook outlook_of(const RemovalRules& rules, const RemovalCase& of);
/// 0 at first, then `wait`, twice that, and so on, `remembered` at most. Pure.
[[nodiscard]] Duration removal_waits(const RemovalRules& rules, int earlier);

/// A request that was filed.
struct RemovalRequest {
  std::uint64_t id = 0;
  IpAddress address;  ///< that control was proved of
  Prefix sender;      ///< that is removed: sender_of(address)
  RemovalProof proof = RemovalProof::https;
  std::string mailed_to;  ///< token: the mail address to which it was sent; else ""
  UnixTime requested_at{};
  UnixTime due_at{};
  RemovalState state = RemovalState::pending;
  std::optional<RemovalRefusal> refused;  ///< if and only if `state` is refused
  std::optional<UnixTime> decided_at;     ///< absent: it is pending
  std::optional<std::uint64_t> audit;     ///< the entry of the audit with which it was done
  bool undone = false;                    ///< the operator has undone that entry
};

/// `requested over HTTPS by 192.0.2.10 itself`: how control was proved, for the audit and `why`.
[[nodiscard]] std::string proof_in_words(const RemovalRequest& request);

}  // namespace blowback
