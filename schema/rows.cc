// Values to rows and back.
#include "rows.h"

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

std::string digest_hex(std::span<const std::uint8_t> octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * octets.size());
  for (const std::uint8_t octet : octets) {
    hex += kDigits[octet >> 4U];
    hex += kDigits[octet & 15U];
  }
  return hex;
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

Incident incident_of(const Statement& row) {
  Incident incident;
  incident.digest = digest_hex(row.blob(0));
  incident.received_at = time_of(row.integer(1));
  incident.client = address_of(row, 2);
  incident.helo = row.text(3);
  incident.feed = row.text(4);
  incident.trap = row.text(5);
  incident.kind = static_cast<Kind>(row.integer(6));
  incident.cause = static_cast<Cause>(row.integer(7));
  incident.confidence = row.real(8);
  incident.claims_trap = row.integer(9) != 0;
  incident.could_have_known = row.integer(10) != 0;
  incident.campaign = row.text(11);
  incident.reporting_mta = row.text(12);
  incident.product = row.text(13);
  incident.queue_id = row.text(14);
  incident.message_id = row.text(15);
  incident.subject = row.text(16);
  incident.first_received = row.text(17);
  incident.size = static_cast<std::uint64_t>(row.integer(18));
  incident.signals = signals_of(row.text(19));
  incident.credit = row.real(20);
  incident.witness = row.text(21);
  incident.reverse_path = static_cast<ReversePath>(row.integer(22));
  incident.relayed = static_cast<Relayed>(row.integer(23));
  incident.doubtful_boundary = row.integer(24) != 0;
  incident.origin = row.text(25);
  incident.mailbox = row.text(26);
  incident.mailbox_exists = row.integer(27) != 0;
  return incident;
}

}  // namespace blowback::schema
