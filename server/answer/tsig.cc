#include "answer/tsig.h"

#include "answer/wire_format.h"

#include <sodium.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>
#include <variant>

namespace blowback::answer {
namespace {

using Wire = std::span<const std::uint8_t>;
using config::TsigAlgorithm;

constexpr std::uint16_t kTypeTsig = 250;
constexpr std::uint16_t kClassAny = 255;
/// RFC 8945 §10 recommends it for replies.
constexpr std::uint16_t kFudge = 300;
/// RFC 8945 §5.2.2.1: a truncated MAC has at least ten octets, and at least half of the hash.
constexpr std::size_t kShortestMac = 10;

[[nodiscard]] std::string_view wire_of(TsigAlgorithm algorithm) {
  using namespace std::string_view_literals;
  return algorithm == TsigAlgorithm::hmac_sha256 ? "\x0bhmac-sha256\0"sv : "\x0bhmac-sha512\0"sv;
}
[[nodiscard]] std::size_t hash_size(TsigAlgorithm algorithm) {
  return algorithm == TsigAlgorithm::hmac_sha256 ? 32 : 64;
}

[[nodiscard]] bool equal(Wire one, std::string_view other) {
  return std::ranges::equal(one, other, {}, {}, [](char c) { return static_cast<std::uint8_t>(c); });
}

[[nodiscard]] std::uint64_t seconds(UnixTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

/// HMAC (RFC 2104) with the key's hash, piece by piece.
class Hmac {
 public:
  explicit Hmac(const TsigKey& key) {
    if (key.algorithm == TsigAlgorithm::hmac_sha256) {
      crypto_auth_hmacsha256_init(&state_.emplace<0>(), key.secret.data(), key.secret.size());
    } else {
      crypto_auth_hmacsha512_init(&state_.emplace<1>(), key.secret.data(), key.secret.size());
    }
  }
  void add(Wire octets) {
    if (auto* const state = std::get_if<0>(&state_)) {
      crypto_auth_hmacsha256_update(state, octets.data(), octets.size());
    } else {
      crypto_auth_hmacsha512_update(&std::get<1>(state_), octets.data(), octets.size());
    }
  }
  void add16(std::size_t value) {
    std::array<std::uint8_t, 2> octets{};
    write16(octets.data(), value);
    add(octets);
  }
  void add48(std::uint64_t value) {
    add16(static_cast<std::size_t>(value >> 32U));
    add16(static_cast<std::size_t>(value >> 16U));
    add16(static_cast<std::size_t>(value));
  }
  [[nodiscard]] Mac finish() {
    std::array<std::uint8_t, Mac::kLongest> octets{};
    std::size_t size = 64;
    if (auto* const state = std::get_if<0>(&state_)) {
      size = 32;
      crypto_auth_hmacsha256_final(state, octets.data());
    } else {
      crypto_auth_hmacsha512_final(&std::get<1>(state_), octets.data());
    }
    Mac mac;
    mac.assign(std::span(octets).first(size));
    return mac;
  }

 private:
  std::variant<crypto_auth_hmacsha256_state, crypto_auth_hmacsha512_state> state_;
};

/// RFC 8945 §4.3.3.
void add_variables(Hmac& hmac, Wire key, Wire algorithm, std::uint64_t time, std::uint16_t fudge, std::uint16_t error,
                   Wire other) {
  hmac.add(key);
  hmac.add16(kClassAny);
  hmac.add16(0);  // TTL
  hmac.add16(0);
  hmac.add(algorithm);
  hmac.add48(time);
  hmac.add16(fudge);
  hmac.add16(error);
  hmac.add16(other.size());
  hmac.add(other);
}

/// Reads the name at `at`, and moves `at` behind it. Pointers lead backwards, each further than the one before; false: they don't, or the name is
/// malformed otherwise.
[[nodiscard]] bool read_name(Wire message, std::size_t& at, CanonicalName& name) {
  std::size_t place = at;
  std::size_t lowest = at;
  bool jumped = false;
  for (;;) {
    if (place >= message.size()) return false;
    const std::size_t length = message[place];
    if (length >= 0xc0) {
      if (place + 1 >= message.size()) return false;
      const std::size_t target = read16(message.data() + place) & 0x3fffU;
      if (!jumped) at = place + 2;
      jumped = true;
      if (target >= lowest || target < kHeader) return false;
      lowest = place = target;
      continue;
    }
    if (length > kLongestLabel || place + 1 + length > message.size()) return false;
    if (!name.append(message.subspan(place, length + 1))) return false;
    place += length + 1;
    if (length != 0) continue;
    if (!jumped) at = place;
    return true;
  }
}

}  // namespace

bool CanonicalName::append(Wire octets) {
  if (octets.size() > octets_.size() - size_) return false;
  // A length is at most 63, which is no letter.
  std::ranges::transform(octets, octets_.begin() + size_,
                         [](std::uint8_t c) { return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c + 32) : c; });
  size_ = static_cast<std::uint8_t>(size_ + octets.size());
  return true;
}

void Mac::assign(Wire octets) {
  assert(octets.size() <= kLongest);
  std::ranges::copy(octets, octets_.begin());
  size_ = static_cast<std::uint8_t>(octets.size());
}

std::optional<Tsig> read_tsig(Wire message, std::size_t at) {
  constexpr std::size_t kRecordHead = 10;
  Tsig tsig;
  if (!read_name(message, at, tsig.key) || message.size() - at < kRecordHead) return std::nullopt;
  const auto* const head = message.data() + at;
  at += kRecordHead;
  if (read16(head) != kTypeTsig || read16(head + 2) != kClassAny || read32(head + 4) != 0 ||
      read16(head + 8) != message.size() - at) {
    return std::nullopt;
  }
  // RFC 8945 §4.2: the algorithm's name isn't compressed, so no pointer may lead out of the RDATA.
  const auto rdata = message.subspan(at);
  std::size_t in = 0;
  for (;;) {
    if (in >= rdata.size() || rdata[in] > kLongestLabel || in + 1 + rdata[in] > rdata.size()) return std::nullopt;
    const std::size_t length = rdata[in];
    if (!tsig.algorithm.append(rdata.subspan(in, length + 1))) return std::nullopt;
    in += length + 1;
    if (length == 0) break;
  }
  auto rest = rdata.subspan(in);
  constexpr std::size_t kBeforeMac = 10;
  if (rest.size() < kBeforeMac) return std::nullopt;
  tsig.time_signed = std::uint64_t{read16(rest.data())} << 32U | read32(rest.data() + 2);
  tsig.fudge = read16(rest.data() + 6);
  const std::size_t mac = read16(rest.data() + 8);
  rest = rest.subspan(kBeforeMac);
  constexpr std::size_t kAfterMac = 6;
  if (rest.size() < mac || rest.size() - mac < kAfterMac) return std::nullopt;
  tsig.mac = rest.first(mac);
  rest = rest.subspan(mac);
  tsig.original_id = read16(rest.data());
  tsig.error = read16(rest.data() + 2);
  tsig.other = rest.subspan(kAfterMac);
  if (read16(rest.data() + 4) != tsig.other.size()) return std::nullopt;
  return tsig;
}

std::optional<TsigCheck> check_tsig(Wire message, std::size_t at, const Tsig& tsig, std::span<const TsigKey> keys,
                                    UnixTime now, Wire request) {
  const auto key = std::ranges::find_if(keys, [&](const TsigKey& each) {
    return std::ranges::equal(each.name, tsig.key.octets()) && equal(tsig.algorithm.octets(), wire_of(each.algorithm));
  });
  if (key == keys.end()) return TsigCheck{.state = TsigState::badkey, .key = nullptr};
  TsigCheck check{.state = TsigState::badsig, .key = &*key};
  const auto full = hash_size(key->algorithm);
  if (tsig.mac.size() > full || tsig.mac.size() < std::max(kShortestMac, full / 2)) return std::nullopt;

  // The message as it was before the record was added (RFC 8945 §4.3.2).
  std::array<std::uint8_t, kHeader> header{};
  std::copy_n(message.begin(), kHeader, header.begin());
  write16(header.data(), tsig.original_id);
  write16(header.data() + 10, read16(header.data() + 10) - 1U);
  Hmac hmac(*key);
  if (!request.empty()) {
    hmac.add16(request.size());
    hmac.add(request);
  }
  hmac.add(header);
  hmac.add(message.subspan(kHeader, at - kHeader));
  add_variables(hmac, tsig.key.octets(), tsig.algorithm.octets(), tsig.time_signed, tsig.fudge, tsig.error, tsig.other);
  const auto mac = hmac.finish();
  if (sodium_memcmp(mac.octets().data(), tsig.mac.data(), tsig.mac.size()) != 0) return check;
  const auto time = seconds(now);
  const auto apart = time > tsig.time_signed ? time - tsig.time_signed : tsig.time_signed - time;
  check.state = apart > tsig.fudge       ? TsigState::badtime
                : tsig.mac.size() < full ? TsigState::badtrunc
                                         : TsigState::good;
  return check;
}

std::optional<std::size_t> last_record(Wire message) {
  constexpr std::size_t kRecordHead = 10;
  if (message.size() < kHeader || read16(message.data() + 10) == 0) return std::nullopt;
  std::size_t at = kHeader;
  const auto pass_name = [&] {
    while (at < message.size()) {
      const std::size_t length = message[at];
      if (length >= 0xc0) {
        at += 2;
        return true;
      }
      if (length > kLongestLabel) return false;
      at += length + 1;
      if (length == 0) return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < read16(message.data() + 4); ++i) {
    if (!pass_name()) return std::nullopt;
    at += kTypeAndClass;
  }
  std::size_t last = at;
  const std::size_t records =
      std::size_t{read16(message.data() + 6)} + read16(message.data() + 8) + read16(message.data() + 10);
  for (std::size_t i = 0; i < records; ++i) {
    last = at;
    if (!pass_name() || message.size() < at + kRecordHead) return std::nullopt;
    at += kRecordHead + read16(message.data() + at + kRecordHead - 2);
  }
  return at == message.size() ? std::optional(last) : std::nullopt;
}

TsigSigner::TsigSigner(const Tsig& tsig, const TsigCheck& check)
    : key_name_(tsig.key),
      algorithm_(tsig.algorithm),
      state_(check.state),
      // RFC 8945 §5.3.2: a reply to a query with a wrong key or MAC isn't signed.
      key_(check.state == TsigState::badsig ? nullptr : check.key),
      time_signed_(tsig.time_signed),
      original_id_(tsig.original_id) {
  if (key_ != nullptr) previous_.assign(tsig.mac);
}

TsigSigner::TsigSigner(const TsigKey& key, std::uint16_t id)
    : state_(TsigState::good), key_(&key), time_signed_(0), original_id_(id) {
  static_cast<void>(key_name_.append(key.name));
  const auto name = wire_of(key.algorithm);
  static_cast<void>(algorithm_.append(std::span(reinterpret_cast<const std::uint8_t*>(name.data()), name.size())));
}

std::size_t TsigSigner::size() const {
  return key_name_.octets().size() + 10 + algorithm_.octets().size() + 16 +
         (key_ != nullptr ? hash_size(key_->algorithm) : 0) + (state_ == TsigState::badtime ? 6 : 0);
}

std::size_t TsigSigner::sign(std::span<std::uint8_t> out, std::size_t size, UnixTime now) {
  const std::uint16_t error = state_ == TsigState::good ? std::uint16_t{0} : static_cast<std::uint16_t>(state_);
  // RFC 8945 §5.2.3: the client's time with ours in Other Data, so that it can tell how far apart the clocks are.
  const bool bad_time = state_ == TsigState::badtime;
  const auto time = bad_time || key_ == nullptr ? time_signed_ : seconds(now);
  std::array<std::uint8_t, 6> our_time{};
  write16(our_time.data(), static_cast<std::size_t>(seconds(now) >> 32U));
  write32(our_time.data() + 2, static_cast<std::uint32_t>(seconds(now)));
  const Wire other = bad_time ? Wire(our_time) : Wire();
  Mac mac;
  if (key_ != nullptr) {
    Hmac hmac(*key_);
    if (!previous_.octets().empty()) {
      hmac.add16(previous_.octets().size());
      hmac.add(previous_.octets());
    }
    // The id is the query's own: this server changes none on the way.
    hmac.add(out.first(size));
    if (first_) {
      add_variables(hmac, key_name_.octets(), algorithm_.octets(), time, kFudge, error, other);
    } else {
      hmac.add48(time);
      hmac.add16(kFudge);
    }
    mac = hmac.finish();
    previous_ = mac;
  }
  first_ = false;

  std::uint8_t* at = out.data() + size;
  const auto put = [&](Wire octets) { at = std::ranges::copy(octets, at).out; };
  const auto put16 = [&](std::size_t value) {
    write16(at, value);
    at += 2;
  };
  put(key_name_.octets());
  put16(kTypeTsig);
  put16(kClassAny);
  put16(0);  // TTL
  put16(0);
  put16(algorithm_.octets().size() + 16 + mac.octets().size() + other.size());
  put(algorithm_.octets());
  put16(static_cast<std::size_t>(time >> 32U));
  put16(static_cast<std::size_t>(time >> 16U));
  put16(static_cast<std::size_t>(time));
  put16(kFudge);
  put16(mac.octets().size());
  put(mac.octets());
  put16(original_id_);
  put16(error);
  put16(other.size());
  put(other);
  write16(out.data() + 10, read16(out.data() + 10) + 1U);
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace blowback::answer
