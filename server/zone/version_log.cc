// The file is a ring of slots of equal size, in the byte order of the host. Each ends with a checksum, since a write may be torn when the power fails.
#include "zone/version_log.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace blowback::zone {
namespace {

using Record = VersionLog::Record;

constexpr std::size_t kNumbers = 3 * sizeof(std::uint64_t);
constexpr std::size_t kProof = std::tuple_size_v<decltype(Record::proof)>;
constexpr std::size_t kChecksum = 16;
constexpr std::size_t kSlot = kNumbers + kProof + kChecksum;
using Slot = std::array<std::uint8_t, kSlot>;

/// What a file of the most versions that a config can ask for has. More isn't read.
constexpr std::size_t kMostSlots = 100'000;

/// Octets of what a proof is about.
class Hash {
 public:
  explicit Hash(std::span<const std::uint8_t> key) {
    crypto_generichash_init(&state_, key.empty() ? nullptr : key.data(), key.size(), kProof);
  }
  void add(std::span<const std::uint8_t> octets) { crypto_generichash_update(&state_, octets.data(), octets.size()); }
  void add(std::uint64_t number) {
    std::array<std::uint8_t, sizeof number> octets{};
    std::memcpy(octets.data(), &number, sizeof number);
    add(octets);
  }
  void add(UnixTime time) { add(static_cast<std::uint64_t>(time.time_since_epoch().count())); }
  [[nodiscard]] std::array<std::uint8_t, kProof> finish() {
    std::array<std::uint8_t, kProof> octets{};
    crypto_generichash_final(&state_, octets.data(), octets.size());
    return octets;
  }

 private:
  crypto_generichash_state state_{};
};
static_assert(kProof >= crypto_generichash_BYTES_MIN && kChecksum == kProof);

[[nodiscard]] std::array<std::uint8_t, kProof> proof_of(std::span<const std::uint8_t> zone, const Record& record,
                                                        const ListingChange& entry) {
  Hash hash(zone);
  hash.add(record.serial);
  hash.add(record.journal);
  hash.add(record.as_of);
  hash.add(entry.serial);
  hash.add(entry.at);
  hash.add(static_cast<std::uint64_t>(entry.action));
  hash.add(entry.prefix.first().octets());
  hash.add(static_cast<std::uint64_t>(entry.prefix.length()));
  hash.add(static_cast<std::uint64_t>(entry.source));
  hash.add(entry.codes.bits());
  hash.add(entry.expires_at ? 1U : 0U);
  if (entry.expires_at) hash.add(*entry.expires_at);
  return hash.finish();
}

[[nodiscard]] Slot slot_of(const Record& record) {
  Slot slot{};
  const std::array<std::uint64_t, 3> numbers{record.serial, record.journal,
                                             static_cast<std::uint64_t>(record.as_of.time_since_epoch().count())};
  std::memcpy(slot.data(), numbers.data(), kNumbers);
  std::ranges::copy(record.proof, slot.begin() + kNumbers);
  Hash hash({});
  hash.add(std::span(slot).first(kNumbers + kProof));
  std::ranges::copy(hash.finish(), slot.begin() + kNumbers + kProof);
  return slot;
}

/// Absent: nothing was written there, or not all of it.
[[nodiscard]] std::optional<Record> record_of(const Slot& slot) {
  std::array<std::uint64_t, 3> numbers{};
  std::memcpy(numbers.data(), slot.data(), kNumbers);
  Record record{
      .serial = numbers[0], .journal = numbers[1], .as_of = UnixTime(Duration(static_cast<std::int64_t>(numbers[2])))};
  std::copy_n(slot.begin() + kNumbers, kProof, record.proof.begin());
  if (slot_of(record) != slot) return std::nullopt;
  return record;
}

[[nodiscard]] std::deque<Record> read_records(int file) {
  std::deque<Record> records;
  Slot slot{};
  for (std::size_t place = 0; place < kMostSlots; ++place) {
    if (pread(file, slot.data(), kSlot, static_cast<off_t>(place * kSlot)) != static_cast<ssize_t>(kSlot)) break;
    if (const auto record = record_of(slot)) records.push_back(*record);
  }
  std::ranges::sort(records, {}, &Record::serial);
  const auto doubles = std::ranges::unique(records, {}, &Record::serial);
  records.erase(doubles.begin(), doubles.end());
  return records;
}

}  // namespace

VersionLog::Zone VersionLog::zone_of(std::string_view zone) {
  Zone octets{};
  crypto_generichash(octets.data(), octets.size(), reinterpret_cast<const unsigned char*>(zone.data()), zone.size(),
                     nullptr, 0);
  return octets;
}

std::expected<void, std::string> VersionLog::open(const std::string& path, std::string_view zone, std::size_t most) {
  const std::scoped_lock lock(mutex_);
  file_.close();
  records_.clear();
  zone_ = zone_of(zone);
  most_ = most;
  const auto failed = [&](const std::string& what) {
    return std::unexpected(path + ": " + what + "; after a restart every secondary gets the whole zone once");
  };
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!file.is_open()) return failed(std::generic_category().message(errno));
  struct stat info{};
  if (fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return failed("isn't a file");
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return failed("another blowback-server has it open");
  records_ = read_records(file.get());
  file_ = std::move(file);
  write_all();
  return {};
}

void VersionLog::close() {
  const std::scoped_lock lock(mutex_);
  file_.close();
  records_.clear();
}

void VersionLog::begin_zone(std::string_view zone) {
  const std::scoped_lock lock(mutex_);
  zone_ = zone_of(zone);
  records_.clear();
  write_all();
}

void VersionLog::keep(std::size_t most) {
  const std::scoped_lock lock(mutex_);
  if (most == most_) return;
  most_ = most;
  write_all();
}

void VersionLog::clear() {
  const std::scoped_lock lock(mutex_);
  if (records_.empty()) return;
  records_.clear();
  write_all();
}

void VersionLog::add(const View& view, const ListingChange& last) {
  const std::scoped_lock lock(mutex_);
  if (!file_.is_open() || most_ == 0) return;
  if (!records_.empty() && records_.back().serial == view.serial) return;
  if (!records_.empty() && records_.back().serial > view.serial) {
    records_.clear();
    write_all();
  }
  Record record{.serial = view.serial, .journal = view.index->serial(), .as_of = view.as_of};
  record.proof = proof_of(zone_, record, last);
  records_.push_back(record);
  forget_oldest();
  write(record, next_);
  next_ = (next_ + 1) % most_;
}

std::vector<VersionLog::Record> VersionLog::records() const {
  const std::scoped_lock lock(mutex_);
  return {records_.begin(), records_.end()};
}

bool VersionLog::proves(const Record& record, const ListingChange& entry) const {
  const std::scoped_lock lock(mutex_);
  return record.journal == entry.serial && record.proof == proof_of(zone_, record, entry);
}

void VersionLog::forget_oldest() {
  while (records_.size() > most_) records_.pop_front();
}

/// What is lost if that is interrupted are versions.
void VersionLog::write_all() {
  forget_oldest();
  if (!file_.is_open()) return;
  static_cast<void>(ftruncate(file_.get(), 0));
  std::size_t slot = 0;
  for (const auto& record : records_) write(record, slot++);
  next_ = most_ == 0 ? 0 : slot % most_;
}

void VersionLog::write(const Record& record, std::size_t slot) const {
  const auto octets = slot_of(record);
  static_cast<void>(pwrite(file_.get(), octets.data(), octets.size(), static_cast<off_t>(slot * kSlot)));
}

}  // namespace blowback::zone
