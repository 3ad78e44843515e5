// Queries for transfers, and what the messages of a transfer contain, as ldns reads them.
#pragma once

#include "answer/transfer_request.h"
#include "answer_fixture.h"
#include "export/formats.h"
#include "transfer/zone_stream.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace blowback::test {

/// What is transferred, and to whom.
struct Transferable {
  explicit Transferable(zone::ListingIndex list, const config::Zone& settings = zone_config()) {
    config::Server server;
    server.transfer.allow = {Prefix::of(kClient)};
    zones = answer::ServedZones::of(std::vector{settings}, server, {}).value();
    view = view_of(std::move(list));
  }

  /// All messages of an AXFR.
  [[nodiscard]] std::vector<Bytes> messages(const Ask& ask) const {
    const auto wire = query(ask);
    const answer::Asked asked{.message = wire, .client = kClient, .transport = answer::Transport::tcp};
    Bytes reply(answer::kLongestTcpReply);
    const auto answered = answer::answer(asked, zones, view, {kNow, {}}, nullptr, reply);
    REQUIRE(answered.outcome == answer::Outcome::transfer);
    REQUIRE(answered.size == 0);
    transfer::ZoneStream stream(view, answer::read_transfer_request(asked, zones, kNow).value());
    std::vector<Bytes> all;
    reply.resize(transfer::kLongestMessage);
    while (const auto size = stream.next(reply, kNow))
      all.emplace_back(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(stream.next(reply, kNow) == 0);
    return all;
  }

  answer::ServedZones zones;
  zone::View view;
};

/// The records of all messages, in their order.
inline std::vector<std::string> records_of(const std::vector<Bytes>& messages) {
  std::vector<std::string> records;
  for (const auto& message : messages) {
    const Reply reply(message);
    CHECK(reply.rcode() == 0);
    CHECK(reply.aa());
    const auto some = reply.answers();
    records.insert(records.end(), some.begin(), some.end());
  }
  return records;
}

/// The records of the exported zone file as ldns reads them, sorted.
inline std::vector<std::string> records_of_export(const config::Zone& settings, const std::vector<Listing>& listings,
                                                  const std::vector<Exemption>& exemptions, Serial serial) {
  std::vector<Piece> said;
  for (const auto& listing : listings) {
    if (!(listing.codes & settings.codes).empty())
      said.push_back({.prefix = listing.prefix, .codes = listing.codes & settings.codes});
  }
  for (const auto& exemption : exemptions) said.push_back({.prefix = exemption.prefix, .codes = {}});
  std::ranges::sort(said, walked_before, &Piece::prefix);
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* const out = open_memstream(&text, &size);
  REQUIRE(out != nullptr);
  cli::write_zone(out, {.zone = settings, .serial = serial, .now = kNow, .pieces = std::move(said)});
  std::fclose(out);
  std::FILE* const in = fmemopen(text, size, "r");
  REQUIRE(in != nullptr);
  ldns_zone* parsed = nullptr;
  REQUIRE(ldns_zone_new_frm_fp(&parsed, in, nullptr, 0, LDNS_RR_CLASS_IN) == LDNS_STATUS_OK);
  std::fclose(in);
  std::free(text);  // NOLINT(cppcoreguidelines-no-malloc): of open_memstream
  const std::unique_ptr<ldns_zone, void (*)(ldns_zone*)> zone(parsed, ldns_zone_deep_free);
  std::vector<std::string> records;
  const auto add = [&](const ldns_rr* record) {
    const std::unique_ptr<char, void (*)(void*)> line(ldns_rr2str(record), std::free);
    records.emplace_back(line.get());
    records.back().pop_back();
  };
  add(ldns_zone_soa(zone.get()));
  const auto* const rest = ldns_zone_rrs(zone.get());
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(rest); ++i) add(ldns_rr_list_rr(rest, i));
  std::ranges::sort(records);
  return records;
}

}  // namespace blowback::test
