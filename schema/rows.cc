#include "rows.h"

#include "blowback/text.h"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace blowback::schema {
namespace {

[[nodiscard]] std::uint8_t nibble(char digit) {
  return static_cast<std::uint8_t>(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

[[noreturn]] void damaged(const char* what) { throw SqlFailure(SQLITE_CORRUPT, std::string("a row holds ") + what); }

}  // namespace

DigestOctets digest_octets(std::string_view hex) {
  DigestOctets octets{};
  assert(hex.size() == 2 * octets.size());
  for (std::size_t i = 0; i < octets.size() && 2 * i + 1 < hex.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>((nibble(hex[2 * i]) << 4U) | nibble(hex[2 * i + 1]));
  }
  return octets;
}

std::optional<UnixTime> optional_time(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return time_of(row.integer(column));
}

IpAddress address_of(const Statement& row, int column) {
  const auto bytes = row.blob(column);
  IpAddress::Octets octets{};
  if (bytes.size() != octets.size()) damaged("an address that isn't 16 octets");
  std::ranges::copy(bytes, octets.begin());
  return IpAddress::from_octets(octets);
}

Prefix prefix_of(const Statement& row, int column) {
  const IpAddress first = address_of(row, column);
  const std::int64_t length = row.integer(column + 1);
  if (length < 0 || length > first.bits()) damaged("a prefix length out of range");
  return Prefix::covering(first, static_cast<int>(length));
}

std::string text_of(const std::vector<Signal>& signals) {
  std::string text;
  for (const auto& signal : signals) {
    if (!text.empty()) text += ' ';
    std::array<char, 32> weight{};
    const auto* const end = std::to_chars(weight.data(), weight.data() + weight.size(), signal.weight).ptr;
    text.append(signal.name).append(":").append(weight.data(), static_cast<std::size_t>(end - weight.data()));
  }
  return text;
}

std::vector<Signal> signals_of(std::string_view text) {
  std::vector<Signal> signals;
  while (!text.empty()) {
    const auto blank = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    const auto colon = word.rfind(':');
    if (colon == std::string_view::npos) continue;
    Signal signal{.name = std::string(word.substr(0, colon)), .weight = 0};
    std::from_chars(word.data() + colon + 1, word.data() + word.size(), signal.weight);
    signals.push_back(std::move(signal));
  }
  return signals;
}

Listing listing_of(const Statement& row, int column) {
  return {.prefix = prefix_of(row, column),
          .source = static_cast<Source>(row.integer(column + 2)),
          .codes = CodeSet::from_bits(static_cast<std::uint32_t>(row.integer(column + 3))),
          .listed_at = time_of(row.integer(column + 4)),
          .expires_at = optional_time(row, column + 5),
          .reason = {}};
}

Standing standing_of(const Statement& row, const Prefix& sender) {
  return {.sender = sender,
          .score = {.amount = row.real(0), .at = time_of(row.integer(1))},
          .times_listed = static_cast<int>(row.integer(2)),
          .listed_at = optional_time(row, 3),
          .listed_until = optional_time(row, 4),
          .afresh_since = optional_time(row, 5)};
}

ListingChange change_of(const Statement& row) {
  return {.serial = static_cast<Serial>(row.integer(0)),
          .at = time_of(row.integer(1)),
          .action = static_cast<ListingChange::Action>(row.integer(2)),
          .prefix = prefix_of(row, 3),
          .source = static_cast<Source>(row.integer(5)),
          .codes = CodeSet::from_bits(static_cast<std::uint32_t>(row.integer(6))),
          .expires_at = optional_time(row, 7)};
}

namespace {

/// Packs fields into one number, or unpacks them: one layout serves both directions.
class Packed {
 public:
  explicit Packed(std::int64_t number, bool reads) : bits_(static_cast<std::uint64_t>(number)), reads_(reads) {}

  template <typename Field>
  void field(Field& value, unsigned width) {
    const auto mask = (std::uint64_t{1} << width) - 1;
    if (reads_) {
      value = static_cast<Field>((bits_ >> at_) & mask);
    } else {
      bits_ |= (static_cast<std::uint64_t>(value) & mask) << at_;
    }
    at_ += width;
  }
  [[nodiscard]] std::int64_t number() const { return static_cast<std::int64_t>(bits_); }

 private:
  std::uint64_t bits_;
  bool reads_;
  unsigned at_ = 0;
};

void lay_out(Packed& packed, Incident& incident, bool& names_origin) {
  packed.field(incident.kind, 3);
  packed.field(incident.cause, 4);
  packed.field(incident.reverse_path, 2);
  packed.field(incident.relayed, 3);
  packed.field(incident.doubtful_boundary, 1);
  packed.field(incident.claims_trap, 1);
  packed.field(incident.could_have_known, 1);
  packed.field(incident.mailbox_exists, 1);
  packed.field(names_origin, 1);
  if (static_cast<unsigned>(incident.kind) > 5 || static_cast<unsigned>(incident.cause) > 7 ||
      static_cast<unsigned>(incident.reverse_path) > 2 || static_cast<unsigned>(incident.relayed) > 5) {
    damaged("invalid facts of an incident");
  }
}

}  // namespace

std::int64_t facts_of(const Incident& incident) {
  Incident copy;
  copy.kind = incident.kind;
  copy.cause = incident.cause;
  copy.reverse_path = incident.reverse_path;
  copy.relayed = incident.relayed;
  copy.doubtful_boundary = incident.doubtful_boundary;
  copy.claims_trap = incident.claims_trap;
  copy.could_have_known = incident.could_have_known;
  copy.mailbox_exists = incident.mailbox_exists;
  bool names_origin = !incident.origin.empty();
  Packed packed(0, false);
  lay_out(packed, copy, names_origin);
  return packed.number();
}

void read_facts(std::int64_t facts, Incident& incident) {
  bool names_origin = false;
  Packed packed(facts, true);
  lay_out(packed, incident, names_origin);
}

std::int64_t short_digest(std::string_view hex) {
  const auto octets = digest_octets(hex);
  std::uint64_t number = 0;
  for (std::size_t i = octets.size() - 8; i < octets.size(); ++i) number = (number << 8U) | octets[i];
  return static_cast<std::int64_t>(number);
}

Accusation accusation_of(const Statement& row) {
  const auto key = [&](int column) { return PartKey{static_cast<std::uint64_t>(row.integer(column))}; };
  Incident facts;
  bool names_origin = false;
  Packed packed(row.integer(3), true);
  lay_out(packed, facts, names_origin);
  return {.received_at = time_of(row.integer(2)),
          .client = address_of(row, row.is_null(1) ? 0 : 1),
          .kind = facts.kind,
          .confidence = row.real(4),
          .reverse_path = facts.reverse_path,
          .relayed = facts.relayed,
          .doubtful_boundary = facts.doubtful_boundary,
          .keys = {.witness = key(5),
                   .campaign = key(6),
                   .origin = key(7),
                   .mailbox = row.is_null(8) ? std::nullopt : std::optional(key(8))},
          .names_origin = names_origin};
}

Incident incident_of(const Statement& row, int column) {
  const auto text = [&](int offset) { return row.text(column + offset); };
  Incident incident;
  incident.received_at = time_of(row.integer(column));
  incident.client = address_of(row, column + 1);
  read_facts(row.integer(column + 2), incident);
  incident.feed = text(3);
  incident.trap = text(4);
  incident.witness = text(5);
  incident.campaign = text(6);
  incident.origin = text(7);
  incident.mailbox = text(8);
  incident.helo = text(9);
  incident.reporting_mta = text(10);
  incident.product = text(11);
  incident.queue_id = text(12);
  incident.message_id = text(13);
  incident.subject = text(14);
  incident.first_received = text(15);
  incident.size = static_cast<std::uint64_t>(row.integer(column + 16));
  incident.signals = signals_of(row.text(column + 17));
  return incident;
}

std::string label_of(PartKey key) {
  std::array<std::uint8_t, 8> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(key) >> (56 - 8 * i));
  }
  return '#' + hex(octets);
}

PartKey key_of_label(std::string_view label) {
  constexpr std::size_t kDigits = 16;
  std::uint64_t number = 0;
  if (label.size() == kDigits + 1 && label.front() == '#') {
    const auto [end, error] = std::from_chars(label.data() + 1, label.data() + label.size(), number, 16);
    if (error == std::errc{} && end == label.data() + label.size()) return PartKey{number};
  }
  return part_key(label);
}

std::span<const std::uint8_t> as_blob(const std::vector<std::uint8_t>& octets) {
  static constexpr std::uint8_t kNothing = 0;
  return octets.empty() ? std::span(&kNothing, 0) : std::span<const std::uint8_t>(octets);
}

Incident incident_without_evidence(const Accusation& accusation, std::int64_t facts) {
  Incident incident;
  read_facts(facts, incident);
  incident.evidence_kept = false;
  incident.received_at = accusation.received_at;
  incident.client = accusation.client;
  incident.witness = label_of(accusation.keys.witness);
  incident.trap = incident.witness;
  incident.campaign = label_of(accusation.keys.campaign);
  if (accusation.names_origin) incident.origin = label_of(accusation.keys.origin);
  if (accusation.keys.mailbox) incident.mailbox = label_of(*accusation.keys.mailbox);
  return incident;
}

void put_incident(Statement& put, const Incident& incident, const Accusation& accusation, std::int64_t digest,
                  std::int64_t number) {
  const auto key = [](PartKey part) { return static_cast<std::int64_t>(part); };
  const PartKeys& keys = accusation.keys;
  const IpAddress sender = sender_of(incident.client).first();
  const auto client = incident.client == sender ? std::nullopt : std::optional(incident.client.octets());
  put.bind(sender.octets(), digest, number, seconds(incident.received_at), client, facts_of(incident),
           incident.confidence, incident.credit, key(keys.witness), key(keys.campaign), key(keys.origin),
           keys.mailbox ? std::optional(key(*keys.mailbox)) : std::nullopt)
      .run();
}

void put_evidence(Statement& put, const Incident& incident, std::int64_t number, UnixTime recorded_at) {
  const std::string signals = text_of(incident.signals);
  put.bind(number, seconds(recorded_at), seconds(incident.received_at), incident.client.octets(), facts_of(incident),
           incident.feed, incident.trap, incident.witness, incident.campaign, incident.origin, incident.mailbox,
           incident.helo, incident.reporting_mta, incident.product, incident.queue_id, incident.message_id,
           incident.subject, incident.first_received, incident.size, signals)
      .run();
}

}  // namespace blowback::schema
