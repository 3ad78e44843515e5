// Which versions of the zone were served, in a file, so that after a restart the server knows what its secondaries have.
//
// A serial is a place in the journal and the number of entries that had ended by then and weren't swept (schema/store.h, ZoneState). Which of the two
// moved it is known only to whoever served it: the time of the database's commits isn't in the journal. So this has, for each serial, the place and the
// time. What was said then is derived from the journal (former_versions.h); each record proves that the journal is still the same at its place.
//
// A record that is lost or damaged means that the version isn't known, never that another is taken for it.
#pragma once

#include "blowback/listing.h"
#include "blowback/unix_time.h"
#include "system/descriptor.h"
#include "zone/view.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::zone {

class VersionLog {
 public:
  struct Record {
    Serial serial = 0;
    Serial journal = 0;  ///< of the last entry that the version contains
    UnixTime as_of{};    ///< what is in force then is listed
    std::array<std::uint8_t, 16> proof{};
    friend bool operator==(const Record&, const Record&) = default;
  };

  /// Keeps nothing.
  VersionLog() = default;

  /// Reads the file at `path`, or creates it. `zone`: all that decides the content besides the list; records of another one prove nothing. `most`: versions
  /// that are kept, up to 100,000; the file has 56 octets for each. Fails, and keeps nothing, if the file can't be written, or if another process has it
  /// open. Safe from any thread; likewise all that follows.
  [[nodiscard]] std::expected<void, std::string> open(const std::string& path, std::string_view zone, std::size_t most);
  /// Closes the file, which stays.
  void close();

  /// The zone's own records are others from now on: forgets all.
  void begin_zone(std::string_view zone);
  void keep(std::size_t most);
  /// Forgets all: serials that were served may come again with another content.
  void clear();

  /// To be called before `view` is published. `last`: the entry of the journal with the index's serial. No effect if the serial is the last one; if it is a
  /// smaller one, all others are forgotten. Costs a write of some octets. If the write fails, this version isn't known after a restart.
  void add(const View& view, const ListingChange& last);
  /// In ascending order of their serials.
  [[nodiscard]] std::vector<Record> records() const;
  /// Whether the version was served of this zone and of a journal that has `entry` at that place.
  [[nodiscard]] bool proves(const Record& record, const ListingChange& entry) const;

 private:
  using Zone = std::array<std::uint8_t, 32>;
  [[nodiscard]] static Zone zone_of(std::string_view zone);
  void forget_oldest();
  void write_all();
  void write(const Record& record, std::size_t slot) const;

  mutable std::mutex mutex_;  ///< guards all below
  Descriptor file_;
  Zone zone_{};
  std::size_t most_ = 0;
  std::deque<Record> records_;
  std::size_t next_ = 0;  ///< the slot of the file to write next
};

}  // namespace blowback::zone
