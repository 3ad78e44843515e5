// Each message repeats the question, so that the zone's name is at one place in all of them. The names of the list come in an order in which
// neighbours share their last labels: an owner is written down to the first label that differs from the one before, and points to the rest.
#include "transfer/zone_stream.h"

#include "answer/wire_format.h"
#include "blowback/soa_times.h"
#include "soa_rdata.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace blowback::transfer {
namespace {

using answer::kHeader;
using answer::kTypeAndClass;
using answer::write16;
using answer::write32;

/// The longest records of one owner: a SOA with two names, and its owner.
constexpr std::size_t kMostAtOnce = 600;
constexpr std::size_t kLongestLabels = 32;

enum RrType : std::uint16_t { kA = 1, kNs = 2, kSoa = 6, kTxt = 16, kAaaa = 28 };
constexpr std::uint16_t kClassIn = 1;

/// The labels that stand for octets or nibbles, each with its length.
struct Label {
  std::uint8_t size = 0;  ///< with the length's octet
  std::array<std::uint8_t, 4> octets{};
};
using Labels = std::array<Label, 256>;

[[nodiscard]] constexpr Labels octet_labels() {
  Labels labels;
  for (unsigned value = 0; value < 256; ++value) {
    auto& label = labels[value];
    std::uint8_t digits = 0;
    const auto add = [&](unsigned digit) { label.octets[++digits] = static_cast<std::uint8_t>('0' + digit); };
    if (value >= 100) add(value / 100);
    if (value >= 10) add(value / 10 % 10);
    add(value % 10);
    label.octets[0] = digits;
    label.size = static_cast<std::uint8_t>(digits + 1);
  }
  return labels;
}
[[nodiscard]] constexpr Labels nibble_labels() {
  Labels labels;
  for (unsigned value = 0; value < 16; ++value) {
    const auto digit = static_cast<std::uint8_t>(value < 10 ? '0' + value : 'a' + value - 10);
    labels[value] = {.size = 2, .octets = {1, digit, 0, 0}};
  }
  return labels;
}
constexpr Labels kOctetLabels = octet_labels();
constexpr Labels kNibbleLabels = nibble_labels();

}  // namespace

/// One message that is being written.
class ZoneStream::Message {
 public:
  Message(std::span<std::uint8_t> out, const answer::TransferRequest& request, bool first)
      : out_(out.data()), opt_(first ? std::span<const std::uint8_t>(request.opt) : std::span<const std::uint8_t>()) {
    std::memset(out_, 0, kHeader);
    write16(out_, request.id);
    out_[2] = static_cast<std::uint8_t>(0x84U | (request.recursion_desired ? 1U : 0U));  // QR, AA
    out_[3] = request.checking_disabled ? 0x10U : 0U;
    write16(out_ + 4, 1);
    std::memcpy(out_ + kHeader, request.question.data(), request.question.size());
    at_ = kHeader + request.question.size();
    reserved_ = opt_.size() + (request.signer ? request.signer->size() : 0);
  }

  [[nodiscard]] bool has_room() const { return kLongestMessage - at_ - reserved_ >= kMostAtOnce; }
  [[nodiscard]] std::size_t records() const { return records_; }

  [[nodiscard]] std::size_t finish() {
    write16(out_ + 6, records_);
    if (!opt_.empty()) {
      std::memcpy(out_ + at_, opt_.data(), opt_.size());
      write16(out_ + 10, 1);
    }
    return at_ + opt_.size();
  }

  void put(std::span<const std::uint8_t> octets) {
    std::memcpy(out_ + at_, octets.data(), octets.size());
    at_ += octets.size();
  }
  void put_pointer(std::size_t target) {
    write16(out_ + at_, 0xc000U | target);
    at_ += 2;
  }
  void put_apex() { put_pointer(kHeader); }

  /// Writes what follows an owner up to RDATA.
  void put_head(std::uint16_t type, std::uint32_t ttl, std::size_t rdata) {
    std::uint8_t* const at = out_ + at_;
    write16(at, type);
    write16(at + 2, kClassIn);
    write32(at + 4, ttl);
    write16(at + 8, rdata);
    at_ += 10;
    ++records_;
  }
  /// Likewise, with the RDATA.
  void put_a(const std::array<std::uint8_t, 14>& record, std::uint8_t last) {
    put(record);
    out_[at_ - 1] = last;
    ++records_;
  }

  /// A string of up to 255 octets with its length before it, as `write` writes it. Returns its length.
  template <typename Write>
  std::size_t put_txt(std::uint32_t ttl, Write write) {
    constexpr std::size_t kHead = 10;
    std::uint8_t* const text = out_ + at_ + kHead + 1;
    const std::size_t size = write(std::span<std::uint8_t, 255>(text, 255));
    put_head(kTxt, ttl, size + 1);
    out_[at_] = static_cast<std::uint8_t>(size);
    at_ += 1 + size;
    return size;
  }

  /// Writes the owner, and returns where records of the same owner can point to.
  std::size_t put_owner(const ZoneName& name) {
    const bool nibbles = name.has_nibbles();
    if (nibbles != nibbles_) depth_ = 0;
    nibbles_ = nibbles;
    const auto& labels = nibbles ? kNibbleLabels : kOctetLabels;
    const auto count = name.labels();
    std::size_t shared = 0;
    while (shared < std::min(count, depth_) && path_[shared].value == name.label(shared)) ++shared;
    auto begin = at_;
    if (name.is_wildcard()) {
      constexpr std::array<std::uint8_t, 2> kAsterisk{1, '*'};
      put(kAsterisk);
    } else if (shared == count && count != 0) {
      begin = path_[count - 1].at;
    }
    for (auto place = count; place-- > shared;) {
      const auto value = name.label(place);
      path_[place] = {.value = static_cast<std::uint8_t>(value), .at = static_cast<std::uint16_t>(at_)};
      const auto& label = labels[value];
      std::memcpy(out_ + at_, label.octets.data(), label.octets.size());
      at_ += label.size;
    }
    put_pointer(shared == 0 ? kHeader : path_[shared - 1].at);
    depth_ = count;
    return begin;
  }

 private:
  /// A label of the last owner, and where the name that begins with it is.
  struct Step {
    std::uint8_t value;
    std::uint16_t at;
  };

  std::uint8_t* out_;
  std::span<const std::uint8_t> opt_;
  std::size_t at_ = 0;
  std::size_t reserved_ = 0;  ///< for OPT and TSIG
  std::size_t records_ = 0;
  std::array<Step, kLongestLabels> path_;  // filled as far as depth_, from the apex outwards
  std::size_t depth_ = 0;
  bool nibbles_ = false;
};

ZoneStream::ZoneStream(const zone::View& view, answer::TransferRequest request)
    : zone_(*request.zone),
      walk_(*view.index, view.as_of, zone_.codes),
      names_([this] { return walk_.next(); }, zone_.codes),
      request_(std::move(request)),
      serial_(view.soa_serial()) {
  soa_ = soa_rdata(zone_, serial_);
  write16(a_head_.data(), kA);
  write16(a_head_.data() + 2, kClassIn);
  write32(a_head_.data() + 4, zone_.ttl);
  write16(a_head_.data() + 8, 4);
  write32(a_head_.data() + 10, 0x7f000000);
}

ZoneStream::ZoneStream(const zone::View& view, answer::TransferRequest request, const zone::View& before,
                       std::unique_ptr<ZoneDifference> difference)
    : ZoneStream(view, std::move(request)) {
  former_serial_ = before.soa_serial();
  difference_ = std::move(difference);
}

std::size_t ZoneStream::next(std::span<std::uint8_t> out, UnixTime now) {
  assert(out.size() >= kLongestMessage);
  if (part_ == Part::over) return 0;
  Message message(out, request_, records_ == 0);
  while (part_ != Part::over && message.has_room()) write_next(message);
  records_ += message.records();
  const auto size = message.finish();
  return request_.signer ? request_.signer->sign(out, size, now) : size;
}

void ZoneStream::write_next(Message& message) {
  switch (part_) {
    case Part::soa:
      write_soa(message, serial_);
      part_ = difference_ ? Part::former_soa : Part::nameservers;
      return;
    case Part::former_soa:
      write_soa(message, former_serial_);
      part_ = Part::removed;
      return;
    case Part::soa_again:
      write_soa(message, serial_);
      difference_->restart();
      part_ = Part::added;
      return;
    case Part::removed:
    case Part::added:
      write_difference(message);
      return;
    case Part::last_soa:
      write_soa(message, serial_);
      part_ = Part::over;
      return;
    case Part::nameservers: {
      if (place_ == zone_.nameservers.size()) {
        place_ = 0;
        part_ = Part::hosts;
        return;
      }
      const auto& nameserver = zone_.nameservers[place_++];
      message.put_apex();
      message.put_head(kNs, kNameserverTtl, nameserver.size());
      message.put(nameserver);
      return;
    }
    case Part::hosts: {
      if (place_ == zone_.hosts.size()) {
        part_ = Part::names;
        return;
      }
      const auto& host = zone_.hosts[place_];
      if (address_ == host.addresses.size()) {
        address_ = 0;
        ++place_;
        return;
      }
      const auto& address = host.addresses[address_++];
      const bool is_v4 = address.family() == Family::ipv4;
      const auto octets = std::span(address.octets()).last(is_v4 ? 4 : 16);
      message.put(host.below_apex);
      message.put_apex();
      message.put_head(is_v4 ? kA : kAaaa, kNameserverTtl, octets.size());
      message.put(octets);
      return;
    }
    case Part::names:
      if (const auto name = names_.next()) {
        write_name(message, *name, true);
      } else {
        part_ = Part::last_soa;
      }
      return;
    case Part::over:
      return;
  }
}

void ZoneStream::write_soa(Message& message, std::uint32_t serial) {
  write32(soa_.data() + soa_.size() - kSoaNumbers, serial);
  message.put_apex();
  message.put_head(kSoa, zone_.ttl, soa_.size());
  message.put(soa_);
}

void ZoneStream::write_difference(Message& message) {
  const bool removes = part_ == Part::removed;
  const auto found = difference_->next();
  if (!found) {
    part_ = removes ? Part::soa_again : Part::last_soa;
    return;
  }
  const auto codes = removes ? found->removed() : found->added();
  const bool has_txt = removes ? found->is_txt_removed() : found->is_txt_added();
  if (has_txt || !codes.empty()) write_name(message, found->with(codes), has_txt);
}

void ZoneStream::write_name(Message& message, const ZoneName& name, bool with_txt) {
  const auto owner = message.put_owner(name);
  bool first = true;
  for (const auto code : kAllCodes) {
    if (!name.codes.has(code)) continue;
    if (!first) message.put_pointer(owner);
    first = false;
    message.put_a(a_head_, octet_of(code));
  }
  if (!with_txt) return;
  // A name that exists has at least one code, so the owner was written.
  message.put_pointer(owner);
  message.put_txt(zone_.ttl, [&](std::span<std::uint8_t, 255> text) { return zone_.txt_to(name.subject, text); });
}

}  // namespace blowback::transfer
