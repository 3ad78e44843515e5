// The messages of one transfer, as of one index, whatever is published meanwhile: the whole zone (AXFR, RFC 5936), or what differs from the version that
// the client has (IXFR, RFC 1995). No sockets and no threads.
//
// The records are those of the exported zone file: blowback/zone_names.h has the names for both.
#pragma once

#include "answer/served_zone.h"
#include "answer/transfer_request.h"
#include "blowback/unix_time.h"
#include "blowback/zone_names.h"
#include "transfer/zone_difference.h"
#include "zone/view.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace blowback::transfer {

/// The longest message of a transfer. Compression pointers reach no further (RFC 1035 §4.1.4).
inline constexpr std::size_t kLongestMessage = 16'384;

/// One thread at a time.
class ZoneStream {
 public:
  /// Of `view`, which has an index. The request's zone must outlive it; the index is shared.
  ZoneStream(const zone::View& view, answer::TransferRequest request);
  /// Only the difference from the version `before`. The zone's own records, those at the apex and of its hosts, must be the same in both.
  ZoneStream(const zone::View& view, answer::TransferRequest request, const zone::View& before,
             std::unique_ptr<ZoneDifference> difference);

  ZoneStream(const ZoneStream&) = delete;
  ZoneStream& operator=(const ZoneStream&) = delete;

  /// Writes the next message; `now`: for its signature. Returns its size in octets; 0: that was all. Requires room for kLongestMessage.
  [[nodiscard]] std::size_t next(std::span<std::uint8_t> out, UnixTime now);

  [[nodiscard]] const answer::ServedZone& zone() const { return zone_; }
  /// Written so far: each SOA counts.
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint32_t serial() const { return serial_; }
  [[nodiscard]] bool is_incremental() const { return difference_ != nullptr; }

 private:
  /// In their order. A whole zone has no `former_soa` to `added`, a difference no `nameservers` to `names`.
  enum class Part : std::uint8_t {
    soa,
    former_soa,
    removed,
    soa_again,
    added,
    nameservers,
    hosts,
    names,
    last_soa,
    over,
  };
  class Message;

  /// Writes what comes next; false: that belongs to the next message.
  void write_next(Message& message);
  void write_soa(Message& message, std::uint32_t serial);
  void write_difference(Message& message);
  void write_name(Message& message, const ZoneName& name, bool with_txt);

  const answer::ServedZone& zone_;
  zone::ListingIndex::Walk walk_;
  ZoneNames names_;
  answer::TransferRequest request_;
  std::uint32_t serial_;
  std::unique_ptr<ZoneDifference> difference_;  ///< nullptr: the whole zone
  std::uint32_t former_serial_ = 0;
  std::vector<std::uint8_t> soa_;  ///< its RDATA, with whatever serial
  std::array<std::uint8_t, 14>
      a_head_;  ///< of an A record without its owner, up to and with the address, whose last octet varies
  Part part_ = Part::soa;
  std::size_t place_ = 0;    ///< the next name server, or host
  std::size_t address_ = 0;  ///< of the host
  std::uint64_t records_ = 0;
};

}  // namespace blowback::transfer
