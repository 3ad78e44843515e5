#include "record/intake.h"

#include "blowback/text.h"
#include "detect/judge.h"
#include "digest.h"
#include "evidence_text.h"
#include "mail/envelope.h"
#include "mail/passage.h"
#include "mail/received_chain.h"
#include "relay.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>
#include <utility>

namespace blowback::record {
namespace {

// Octets kept of strangers' text: the longest mailbox, domain and line of RFC 5321 §4.5.3.1, or what a table shows.
constexpr std::size_t kHelo = 255;
constexpr std::size_t kIdentifier = 255;
constexpr std::size_t kSubject = 300;
constexpr std::size_t kTraceField = 998;
constexpr std::size_t kAddress = 320;
constexpr std::size_t kQuarantined = 64U << 10U;

/// Traps per delivery, at most: RFC 5321 §4.5.3.1.8 requires 100 recipients.
constexpr std::size_t kMostRecipients = 100;

/// A difference between clocks that isn't logged.
constexpr Duration kClocksDiffer = std::chrono::minutes{5};

/// Why an item is quarantined.
struct Trouble {
  std::string reason;  ///< its stable name
  std::string text;    ///< without quotes of mail
  std::string quote;   ///< of mail; "": none
};

class Intake {
 public:
  Intake(const Source& source, UnixTime now) : source_(source), now_(now) { batch_.feed = source.feed; }

  void add(const feed::Item& item) {
    ++batch_.counts.deliveries;
    if (const auto* unreadable = std::get_if<feed::Unreadable>(&item.content)) {
      quarantine(item.where, {.reason = unreadable->reason, .text = unreadable->detail, .quote = unreadable->quote},
                 unreadable->bytes);
      return;
    }
    add(item.where, std::get<TrapDelivery>(item.content));
  }

  [[nodiscard]] schema::Batch done() && { return std::move(batch_); }

 private:
  void add(const std::string& where, const TrapDelivery& delivery) {
    // The envelope is checked first, so that mail without a trap isn't parsed.
    const bool has_envelope = !delivery.rcpt_to.empty();
    std::vector<std::string> traps;
    if (has_envelope) traps = traps_of(delivery, {});
    if (has_envelope && traps.empty()) {
      ++batch_.counts.not_a_trap;
      return;
    }
    mail::Message message;
    if (delivery.event == TrapDelivery::Event::message) {
      auto parsed = mail::parse(delivery.message, source_.limits);
      if (!parsed) {
        quarantine(
            where,
            {.reason = std::string(mail::name_of(parsed.error().code)), .text = parsed.error().text, .quote = ""},
            delivery.message);
        return;
      }
      message = std::move(*parsed);
    }
    if (!has_envelope) traps = traps_of(delivery, message.fields);
    if (traps.empty()) {
      ++batch_.counts.not_a_trap;
      return;
    }
    const Verdict verdict = detect::judge(delivery, message, traps,
                                          source_.signatures ? *source_.signatures : detect::SignatureSet::built_in());
    if (!is_backscatter(verdict.kind)) {
      ++batch_.counts.not_backscatter;
      return;
    }
    const auto received = mail::received_values(message.fields);
    const auto client = mail::client_of(delivery, received, source_.trusted_relays);
    if (!client) {
      quarantine(where, {.reason = "doubtful-client", .text = client.error().text, .quote = client.error().quote},
                 delivery.message);
      return;
    }
    batch_.incidents.push_back(incident(delivery, message.fields, verdict, *client, received, traps));
  }

  [[nodiscard]] std::vector<std::string> traps_of(const TrapDelivery& delivery,
                                                  const std::vector<mail::Field>& fields) const {
    auto recipients = recipients_of(delivery, fields);
    if (!source_.traps.is_empty()) {
      std::erase_if(recipients, [&](const std::string& address) { return !source_.traps.is_trap(address); });
    } else if (recipients.empty()) {
      // Without configured traps everything in the feed is for a trap. Since none is named, the feed counts as one.
      recipients.push_back("feed:" + source_.feed);
    }
    // Two header fields may name one recipient (X-Original-To: and Delivered-To:), so without an envelope there is one trap.
    if (delivery.rcpt_to.empty() && recipients.size() > 1) recipients.resize(1);
    if (recipients.size() > kMostRecipients) recipients.resize(kMostRecipients);
    return recipients;
  }

  /// The reverse-path of the envelope, else the one that our own mail server wrote above the trace.
  [[nodiscard]] static ReversePath reverse_path_of(const TrapDelivery& delivery,
                                                   const std::vector<mail::Field>& fields) {
    if (delivery.mail_from) {
      return delivery.mail_from->empty() || *delivery.mail_from == "<>" ? ReversePath::null : ReversePath::set;
    }
    const auto path = mail::return_path_of(fields);
    if (!path) return ReversePath::unknown;
    return path->empty() ? ReversePath::null : ReversePath::set;
  }

  /// A time in the future becomes now, so that no clock can date an accusation ahead.
  [[nodiscard]] UnixTime received_at(const TrapDelivery& delivery) {
    if (delivery.received_at > now_ + kClocksDiffer) ++batch_.dated_ahead;
    return std::min(delivery.received_at, now_);
  }

  [[nodiscard]] Incident incident(const TrapDelivery& delivery, const std::vector<mail::Field>& fields,
                                  const Verdict& verdict, const mail::Client& client,
                                  const std::vector<std::string>& received, const std::vector<std::string>& traps) {
    Incident incident;
    incident.received_at = received_at(delivery);
    incident.client = client.address;
    incident.helo = evidence_text(delivery.helo.empty() ? client.helo : delivery.helo, kHelo);
    incident.feed = source_.feed;
    // One message is one witness, however many recipients it has: the first one.
    const std::string witness = source_.traps.witness_of(traps.front());
    incident.trap = evidence_text(traps.front(), kAddress);
    incident.witness = evidence_text(witness, kAddress);
    if (delivery.event == TrapDelivery::Event::callout) {
      TrapDelivery dated = delivery;
      dated.received_at = incident.received_at;
      incident.digest = digest_of_callout(dated, sender_of(client.address), witness);
    } else {
      incident.digest = digest_of_message(delivery, client.address, client.ours);
      incident.relayed = relayed_by(client, fields, received, source_.traps, traps);
      incident.doubtful_boundary = delivery.doubtful_boundary;
    }
    incident.reverse_path = reverse_path_of(delivery, fields);
    incident.mailbox = evidence_text(verdict.mailbox, kAddress);
    incident.mailbox_exists = verdict.mailbox_exists;
    if (verdict.original && verdict.original->client) {
      // If the original came from the client's own network, its origin isn't known.
      const std::string origin = mail::origin_of(*verdict.original->client);
      if (origin != mail::origin_of(client.address)) incident.origin = origin;
    }
    incident.kind = verdict.kind;
    incident.cause = verdict.cause;
    incident.confidence = std::clamp(verdict.confidence, 0.0, 1.0);
    incident.claims_trap = verdict.claims_trap;
    incident.could_have_known = verdict.original && verdict.original->spf_failed;
    // Without a returned original the mailing isn't known, so the trap stands for it.
    incident.campaign =
        verdict.campaign.empty() ? "trap:" + sha256_hex({incident.witness}).substr(0, 32) : verdict.campaign;
    incident.reporting_mta = evidence_text(verdict.reporting_mta, kIdentifier);
    incident.product = evidence_text(verdict.product, kIdentifier);
    incident.message_id = evidence_text(verdict.message_id, kIdentifier);
    incident.subject = evidence_text(verdict.subject, kSubject);
    std::string queue_id = verdict.queue_id;
    if (client.ours < received.size()) {
      const std::string& theirs = received[client.ours];
      incident.first_received = evidence_text(theirs, kTraceField);
      if (queue_id.empty()) {
        if (const auto hop = mail::parse_received(theirs)) queue_id = hop->id;
      }
    }
    incident.queue_id = evidence_text(queue_id, kIdentifier);
    incident.size = delivery.message.size();
    incident.signals = verdict.signals;
    return incident;
  }

  void quarantine(const std::string& where, const Trouble& why, const std::string& bytes) {
    ++batch_.counts.quarantined;
    const auto kept = std::string_view(bytes).substr(0, kQuarantined);
    // If nothing could be read (a folder instead of a file, no permission), the place identifies the item.
    batch_.quarantined.push_back(
        {.digest = sha256_hex({source_.feed, why.reason, kept.empty() ? where : "", kept}),
         .feed = source_.feed,
         .at = now_,
         .where = where,
         .reason = why.reason,
         .detail = evidence_text(why.quote.empty() ? why.text : why.text + ": " + why.quote, kTraceField),
         .for_log = why.text,
         .bytes = std::string(kept)});
  }

  const Source& source_;
  UnixTime now_;
  schema::Batch batch_;
};

}  // namespace

std::vector<std::string> recipients_of(const TrapDelivery& delivery, const std::vector<mail::Field>& fields) {
  std::vector<std::string> recipients;
  const auto add = [&](std::string address) {
    if (address.empty()) return;
    if (std::ranges::find(recipients, address) == recipients.end()) {
      recipients.push_back(std::move(address));
    }
  };
  for (const auto& address : delivery.rcpt_to) add(lower_case(address));
  if (!delivery.rcpt_to.empty()) return recipients;
  const auto own = mail::above_trace(fields);
  for (const auto* const name : {"Delivered-To", "X-Original-To", "Envelope-To"}) {
    // Only the first of each: the last host that delivered added it on top.
    const auto found = std::ranges::find_if(own, [&](const mail::Field& field) { return mail::is_named(field, name); });
    if (found != own.end()) add(lower_case(mail::first_address(found->value)));
  }
  return recipients;
}

schema::Batch batch_of_items(std::span<const feed::Item> items, const Source& source, UnixTime now) {
  Intake intake(source, now);
  for (const auto& item : items) intake.add(item);
  return std::move(intake).done();
}

schema::Batch batch_of(const feed::Chunk& chunk, const Source& source, UnixTime now) {
  auto batch = batch_of_items(chunk.items, source, now);
  batch.position = chunk.position;
  return batch;
}

}  // namespace blowback::record
