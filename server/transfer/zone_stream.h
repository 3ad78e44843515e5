// The whole zone as the messages of one AXFR (RFC 5936): as of one index, whatever is published meanwhile. No sockets and no threads.
//
// The records are those of the exported zone file: blowback/zone_names.h has the names for both.
#pragma once

#include "answer/served_zone.h"
#include "answer/transfer_request.h"
#include "blowback/unix_time.h"
#include "blowback/zone_names.h"
#include "zone/listing_index.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace blowback::transfer {

/// The longest message of a transfer. Compression pointers reach no further (RFC 1035 §4.1.4).
inline constexpr std::size_t kLongestMessage = 16'384;

/// One thread at a time.
class ZoneStream {
 public:
  /// Of `index` as of `now`. `zone` must outlive it; `index` is shared.
  ZoneStream(const answer::ServedZone& zone, const zone::ListingIndex& index, UnixTime now,
             answer::TransferRequest request);

  ZoneStream(const ZoneStream&) = delete;
  ZoneStream& operator=(const ZoneStream&) = delete;

  /// Writes the next message; `now`: for its signature. Returns its size in octets; 0: that was all. Requires room for kLongestMessage.
  [[nodiscard]] std::size_t next(std::span<std::uint8_t> out, UnixTime now);

  /// Written so far: the first and the last SOA count as two.
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint32_t serial() const { return serial_; }

 private:
  enum class Part : std::uint8_t { soa, nameservers, hosts, names, last_soa, over };
  class Message;

  /// Writes what comes next; false: that belongs to the next message.
  void write_next(Message& message);
  void write_name(Message& message, const ZoneName& name);

  const answer::ServedZone& zone_;
  zone::ListingIndex::Walk walk_;
  ZoneNames names_;
  answer::TransferRequest request_;
  std::uint32_t serial_;
  std::vector<std::uint8_t> soa_;  ///< its RDATA
  std::array<std::uint8_t, 14>
      a_head_;  ///< of an A record without its owner, up to and with the address, whose last octet varies
  Part part_ = Part::soa;
  std::size_t place_ = 0;    ///< the next name server, or host
  std::size_t address_ = 0;  ///< of the host
  std::uint64_t records_ = 0;
};

}  // namespace blowback::transfer
