// A database in a folder of its own, and incidents to fill it with.
#pragma once

#include "blowback/incident.h"
#include "blowback/policy.h"
#include "catch.h"
#include "folder.h"
#include "schema/store.h"
#include "score/assess.h"
#include "score/replay.h"

#include <string>
#include <vector>

namespace blowback::schema_test {

using test::Folder;

inline constexpr UnixTime kNow{Duration{1'780'000'000}};

inline schema::Store open(const std::string& file, schema::Store::Mode mode = schema::Store::Mode::create) {
  auto store = schema::Store::open(file, mode);
  if (!store) FAIL(store.error().text);
  return std::move(*store);
}

template <typename T>
T value(std::expected<T, schema::StoreError> result) {
  if (!result) FAIL(result.error().text);
  return std::move(*result);
}

struct Snapshot {
  Serial serial = 0;
  std::vector<Listing> listings;
  std::vector<Exemption> exemptions;
};
inline Snapshot snapshot(schema::Store& store, UnixTime now) {
  Snapshot all;
  all.serial = value(store.snapshot(
      now, [&](const Listing& listing) { all.listings.push_back(listing); },
      [&](const Exemption& exemption) { all.exemptions.push_back(exemption); }));
  return all;
}

inline IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }
inline Prefix net(const std::string& text) { return *Prefix::parse(text); }

inline Policy demonstration() {
  Policy policy;
  policy.allow_documentation = true;
  return policy;
}

/// `number` makes digest, campaign, origin and (modulo 3) trap, which is a witness.
inline Incident incident(const std::string& client, int number, UnixTime at = kNow) {
  Incident incident;
  incident.client = ip(client);
  const std::string digits = std::to_string(number);
  incident.digest = std::string(64 - digits.size(), 'a') + digits;
  incident.trap = "t" + std::to_string(number % 3) + "@trap.example.net";
  incident.witness = incident.trap;
  incident.campaign = "c" + digits;
  incident.origin = "o" + digits;
  incident.reverse_path = ReversePath::null;
  incident.received_at = at;
  incident.helo = "mx.example.org";
  incident.feed = "test";
  incident.subject = "Undelivered Mail";
  incident.signals = {{"report-type-delivery-status", 5}, {"null-reverse-path", 1.5}};
  return incident;
}

inline schema::Recorded record(schema::Store& store, std::vector<Incident> incidents, UnixTime now = kNow) {
  schema::Batch batch;
  batch.feed = "test";
  batch.counts.deliveries = incidents.size();
  batch.incidents = std::move(incidents);
  return value(store.record(batch, demonstration(), &score::assess, now));
}

/// All that there is to keep up, as ingest does it between its batches.
inline schema::Upkeep keep_up(schema::Store& store, UnixTime now, const Retention& retention = {},
                              const Policy& policy = demonstration()) {
  schema::Upkeep all;
  for (bool more = true; more;) {
    const auto done = value(store.keep_up(now, policy, retention, &score::reckon));
    more = done.more;
    all.converted += done.converted;
    all.evidence += done.evidence;
    all.incidents += done.incidents;
    all.quarantined += done.quarantined;
    all.changes += done.changes;
    all.shortened |= done.shortened;
  }
  return all;
}

/// How a sender came out, as text, so that a failure tells.
using Told = std::string (*)(const Standing&, const std::optional<Listing>&, UnixTime now);

/// How all senders stand.
inline std::vector<std::string> stand(schema::Store& store, UnixTime now, Told told) {
  std::vector<std::string> all;
  REQUIRE(store.for_each_sender(
      now, [&](const schema::SenderRecord& record) { all.push_back(told(*record.standing, record.listing, now)); }));
  return all;
}

/// How they would stand if their records were gone through once more under `policy`.
inline std::vector<std::string> replayed(schema::Store& store, const Policy& policy, UnixTime now, Told told) {
  const score::Decisions decisions(value(store.decisions(now)));
  std::vector<std::string> all;
  REQUIRE(store.for_each_sender(now, [&](const schema::SenderRecord& record) {
    const auto reckoned =
        score::reckon(policy, record.from, record.accusations, decisions.of(record.standing->sender), now);
    all.push_back(told(reckoned.standing, reckoned.listing, now));
  }));
  return all;
}

inline const schema::Decision kDecision{.who = "operator", .reason = "because"};

}  // namespace blowback::schema_test
