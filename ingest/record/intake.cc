// One delivery after the other: traps, verdict, client, incident.
#include "record/intake.h"

#include "blowback/text.h"
#include "detect/judge.h"
#include "digest.h"
#include "evidence_text.h"
#include "mail/passage.h"
#include "mail/received_chain.h"
#include "relay.h"

#include <algorithm>
#include <chrono>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace blowback::record {
namespace {

// Octets kept of what strangers wrote. Longest mailbox, domain and line of RFC 5321 §4.5.3.1, or what a table shows.
constexpr std::size_t kHelo = 255;
constexpr std::size_t kIdentifier = 255;
constexpr std::size_t kSubject = 300;
constexpr std::size_t kTraceField = 998;
constexpr std::size_t kAddress = 320;
constexpr std::size_t kQuarantined = 64U << 10U;

/// Recipients that are looked at: RFC 5321 §4.5.3.1.8 asks for 100.
constexpr std::size_t kMostRecipients = 100;

/// Clocks differ by so much without anybody being told.
constexpr Duration kClocksDiffer = std::chrono::minutes{5};

[[nodiscard]] std::vector<std::string> received_values(const std::vector<mail::Field>& fields) {
  std::vector<std::string> values;
  for (const auto& field : fields) {
    if (mail::is_named(field, "Received")) values.push_back(field.value);
  }
  return values;
}

/// Who connected, and how far our own hops reach in the trace.
[[nodiscard]] std::expected<mail::Client, mail::Doubt> client_of(const TrapDelivery& delivery,
                                                                 const std::vector<std::string>& received,
                                                                 const std::vector<Prefix>& trusted_relays) {
  auto traced = mail::client_of(received, trusted_relays);
  // A connection from our own relay says nothing of who connected to that: its trace field does.
  const bool by_relay = delivery.client && std::ranges::any_of(trusted_relays, [&](const Prefix& relay) {
                          return relay.contains(*delivery.client);
                        });
  if (!delivery.client || by_relay) return traced;
  if (use_of(*delivery.client) == AddressUse::special) {
    return std::unexpected(
        mail::Doubt{.text = "the feed names " + delivery.client->to_string() +
                            " as the client, which is no address of the public Internet; let the feed's "
                            "source pass on the address that connected to your outermost relay",
                    .quote = ""});
  }
  // The connection's word counts. The trace only tells where the accused server's own lines begin: below ours where it
  // agrees, else at the top.
  mail::Client client{.address = *delivery.client, .helo = delivery.helo, .ours = 0};
  if (traced && traced->address == client.address) {
    client.ours = traced->ours;
    if (client.helo.empty()) client.helo = traced->helo;
  }
  return client;
}

/// The fields above the topmost Received:, which our own delivery wrote. A stranger's copies stand below.
[[nodiscard]] std::span<const mail::Field> above_trace(const std::vector<mail::Field>& fields) {
  const auto trace =
      std::ranges::find_if(fields, [](const mail::Field& field) { return mail::is_named(field, "Received"); });
  return {fields.begin(), trace};
}

/// `<>`, and what Sendmail and mbox writers put in its place. No client can have such a path without a domain.
[[nodiscard]] bool is_null(std::string_view path) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!path.empty() && blank(path.front())) path.remove_prefix(1);
  while (!path.empty() && blank(path.back())) path.remove_suffix(1);
  if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
  return path.empty() || lower_case(path) == "mailer-daemon";
}

/// Why something goes to quarantine.
struct Trouble {
  std::string reason;  ///< its stable name
  std::string text;    ///< our own words
  std::string quote;   ///< what a stranger wrote, "" for nothing
};

class Intake {
 public:
  Intake(const Source& source, UnixTime now) : source_(source), now_(now) { batch_.feed = source.feed; }

  void take(const feed::Item& item) {
    ++batch_.counts.deliveries;
    if (const auto* unreadable = std::get_if<feed::Unreadable>(&item.content)) {
      quarantine(item.where, {.reason = unreadable->reason, .text = unreadable->detail, .quote = unreadable->quote},
                 unreadable->bytes);
      return;
    }
    take(item.where, std::get<TrapDelivery>(item.content));
  }

  [[nodiscard]] schema::Batch done() && { return std::move(batch_); }

 private:
  void take(const std::string& where, const TrapDelivery& delivery) {
    // The envelope is asked first, so that mail for nobody here isn't even taken apart.
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
    const Verdict verdict = detect::judge(delivery, message, traps);
    if (!is_backscatter(verdict.kind)) {
      ++batch_.counts.not_backscatter;
      return;
    }
    const auto received = received_values(message.fields);
    const auto client = client_of(delivery, received, source_.trusted_relays);
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
      // Everything in this feed came to a trap; which one nobody says, so the feed as a whole is one.
      recipients.push_back("feed:" + source_.feed);
    }
    // Header fields may name one delivery twice (X-Original-To: and Delivered-To:): without an envelope it is one trap.
    if (delivery.rcpt_to.empty() && recipients.size() > 1) recipients.resize(1);
    if (recipients.size() > kMostRecipients) recipients.resize(kMostRecipients);
    return recipients;
  }

  /// The reverse-path: the envelope's, else what our own delivery wrote above the trace.
  [[nodiscard]] static ReversePath reverse_path_of(const TrapDelivery& delivery,
                                                   const std::vector<mail::Field>& fields) {
    if (delivery.mail_from) {
      return delivery.mail_from->empty() || *delivery.mail_from == "<>" ? ReversePath::null : ReversePath::set;
    }
    const auto own = above_trace(fields);
    const auto path =
        std::ranges::find_if(own, [](const mail::Field& field) { return mail::is_named(field, "Return-Path"); });
    if (path == own.end()) return ReversePath::unknown;
    return is_null(path->value) ? ReversePath::null : ReversePath::set;
  }

  /// What comes from the future came now: neither a feed's clock nor a file's may date an accusation ahead.
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
    // One message is one witness, however many recipients it has: the first, as the sender named them.
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
      // A letter that the accused server's own neighbour handed in says nothing of where that had it from.
      const std::string origin = mail::origin_of(*verdict.original->client);
      if (origin != mail::origin_of(client.address)) incident.origin = origin;
    }
    incident.kind = verdict.kind;
    incident.cause = verdict.cause;
    incident.confidence = std::clamp(verdict.confidence, 0.0, 1.0);
    incident.claims_trap = verdict.claims_trap;
    incident.could_have_known = verdict.original && verdict.original->spf_failed;
    // Where nothing came back there is no telling mailings apart; then whom it hit does.
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
    // Where nothing could be read (a folder in the way, no permission), the place stands for the thing.
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
  const auto own = above_trace(fields);
  for (const auto* const name : {"Delivered-To", "X-Original-To", "Envelope-To"}) {
    // The first of each only: the last host that delivered writes on top.
    const auto found = std::ranges::find_if(own, [&](const mail::Field& field) { return mail::is_named(field, name); });
    if (found != own.end()) add(lower_case(mail::first_address(found->value)));
  }
  return recipients;
}

schema::Batch take_in_items(std::span<const feed::Item> items, const Source& source, UnixTime now) {
  Intake intake(source, now);
  for (const auto& item : items) intake.take(item);
  return std::move(intake).done();
}

schema::Batch take_in(const feed::Chunk& chunk, const Source& source, UnixTime now) {
  auto batch = take_in_items(chunk.items, source, now);
  batch.position = chunk.position;
  return batch;
}

}  // namespace blowback::record
