// From what a feed delivered to what the store records: find the traps, judge, attribute, or quarantine.
//
// The judge comes before the question who connected: innocent mail with a murky trace needs nobody's attention.
#pragma once

#include "blowback/policy.h"
#include "blowback/prefix.h"
#include "config/config.h"
#include "feed/feed.h"
#include "mail/message.h"
#include "schema/store.h"

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
};

/// Turns a chunk into a batch, in order. Pure but for `now`, which dates the quarantine. Never fails: what can't be
/// judged or attributed is in the batch's quarantine with the reason.
[[nodiscard]] schema::Batch take_in(const feed::Chunk& chunk, const Source& source, UnixTime now);
/// The same for some of a chunk's items: without its position. Safe from any thread.
[[nodiscard]] schema::Batch take_in_items(std::span<const feed::Item> items, const Source& source, UnixTime now);

/// The addresses a message was delivered to: the envelope's, else those that our own delivery wrote above the topmost Received:
/// (Delivered-To:, X-Original-To:, Envelope-To:). Lower case.
[[nodiscard]] std::vector<std::string> recipients_of(const TrapDelivery& delivery,
                                                     const std::vector<mail::Field>& fields);

}  // namespace blowback::record
