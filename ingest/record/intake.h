// Turns what a feed delivered into what the store records: finds the traps, judges, attributes or quarantines.
//
// Whether a message is backscatter is judged before its client is determined: innocent mail with unclear trace fields needs nobody's attention.
#pragma once

#include "blowback/policy.h"
#include "blowback/prefix.h"
#include "config/config.h"
#include "detect/signature_set.h"
#include "feed/feed.h"
#include "mail/message.h"
#include "schema/store.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace blowback::record {

/// One feed's settings, as intake needs them.
struct Source {
  std::string feed;
  std::vector<Prefix> trusted_relays;
  config::TrapIndex traps;
  mail::Limits limits;
  std::shared_ptr<const detect::SignatureSet> signatures = nullptr;  ///< nullptr: the built-in ones
};

/// The batch that a chunk makes, in its order. Pure; `now` dates the quarantine. Never fails: what can't be judged or attributed is in
/// the batch's quarantine, with the reason.
[[nodiscard]] schema::Batch batch_of(const feed::Chunk& chunk, const Source& source, UnixTime now);
/// Likewise for some of a chunk's items, without the position. Safe from any thread.
[[nodiscard]] schema::Batch batch_of_items(std::span<const feed::Item> items, const Source& source, UnixTime now);

/// The addresses to which a message was delivered, lower case: the envelope's, else those in the fields that our own mail server wrote above
/// the topmost Received: (Delivered-To:, X-Original-To:, Envelope-To:).
[[nodiscard]] std::vector<std::string> recipients_of(const TrapDelivery& delivery,
                                                     const std::vector<mail::Field>& fields);

}  // namespace blowback::record
