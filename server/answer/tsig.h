// Transaction signatures (RFC 8945): who knows a key may prove it for each message, and is told so by the reply.
//
// HMAC-SHA256 and HMAC-SHA512, by libsodium, which allocates nothing for them. Pure.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace blowback::answer {

/// A name in wire format, uncompressed, in lower case. Its own room, since messages come and go.
class CanonicalName {
 public:
  [[nodiscard]] std::span<const std::uint8_t> octets() const { return std::span(octets_).first(size_); }
  /// False: it would be longer than 255 octets.
  [[nodiscard]] bool append(std::span<const std::uint8_t> octets);

 private:
  std::array<std::uint8_t, 255> octets_;  // filled as far as size_ says
  std::uint8_t size_ = 0;
};

struct TsigKey {
  std::vector<std::uint8_t> name;  ///< as in a CanonicalName
  config::TsigAlgorithm algorithm = config::TsigAlgorithm::hmac_sha256;
  std::vector<std::uint8_t> secret;
};

/// A message authentication code; empty: none.
class Mac {
 public:
  static constexpr std::size_t kLongest = 64;
  [[nodiscard]] std::span<const std::uint8_t> octets() const { return std::span(octets_).first(size_); }
  /// Requires at most kLongest octets.
  void assign(std::span<const std::uint8_t> octets);

 private:
  std::array<std::uint8_t, kLongest> octets_;  // filled as far as size_ says
  std::uint8_t size_ = 0;
};

/// The TSIG record of a message. It refers to the message.
struct Tsig {
  CanonicalName key;
  CanonicalName algorithm;
  std::uint64_t time_signed = 0;  ///< seconds since 1970; 48 bits
  std::uint16_t fudge = 0;        ///< seconds
  std::span<const std::uint8_t> mac;
  std::uint16_t original_id = 0;
  std::uint16_t error = 0;
  std::span<const std::uint8_t> other;
};

/// The record that begins at `at`. Absent: it isn't well formed, or doesn't end where the message does. Accepts any octets.
[[nodiscard]] std::optional<Tsig> read_tsig(std::span<const std::uint8_t> message, std::size_t at);

/// The values are those of the field Error (RFC 8945 §3).
enum class TsigState : std::uint16_t { none = 0, badsig = 16, badkey = 17, badtime = 18, badtrunc = 22, good = 0xffff };

struct TsigCheck {
  TsigState state = TsigState::none;
  const TsigKey* key = nullptr;  ///< of `keys`; not nullptr unless the state is `none` or `badkey`
};

/// Checks in the order of RFC 8945 §5.2: key, MAC, time, truncation. `message`: as received; the record begins at `at`. `request`: the MAC of the request
/// if the message is the reply to one, which it depends on (§5.3.1); empty: it is a request. Absent: the MAC is shorter or longer than any server may
/// accept, which is a format error (§5.2.2.1).
[[nodiscard]] std::optional<TsigCheck> check_tsig(std::span<const std::uint8_t> message, std::size_t at,
                                                  const Tsig& tsig, std::span<const TsigKey> keys, UnixTime now,
                                                  std::span<const std::uint8_t> request = {});

/// Where the last record of a message begins, in which a TSIG would have to be. Absent: it has none in its additional section, isn't well formed, or
/// doesn't end with it. Accepts any octets; compression pointers aren't followed. A query is read by query.h, this is for replies.
[[nodiscard]] std::optional<std::size_t> last_record(std::span<const std::uint8_t> message);

/// The longest record: a name of 255 octets, its fixed part, and an unknown algorithm's name that is repeated.
inline constexpr std::size_t kLongestTsig = 255 + 10 + 255 + 16 + Mac::kLongest + 6;

/// Signs the reply to one query, the messages of a transfer one after the other, or a request.
class TsigSigner {
 public:
  /// For replies to a query that has `tsig` and was checked with that result, which isn't `none`. It copies what it needs; the key in `check` must
  /// outlive it.
  TsigSigner(const Tsig& tsig, const TsigCheck& check);
  /// For a request with that id. The key must outlive it.
  TsigSigner(const TsigKey& key, std::uint16_t id);

  /// Appends the record to the message of `size` octets at the beginning of `out`, and counts it in the header. Returns the new size. Requires room for
  /// kLongestTsig more.
  [[nodiscard]] std::size_t sign(std::span<std::uint8_t> out, std::size_t size, UnixTime now);
  /// Of the record.
  [[nodiscard]] std::size_t size() const;
  /// Of the message that was signed last. It refers to this object.
  [[nodiscard]] std::span<const std::uint8_t> mac() const { return previous_.octets(); }

 private:
  CanonicalName key_name_;
  CanonicalName algorithm_;
  TsigState state_;
  const TsigKey* key_;
  Mac previous_;               ///< the query's, then that of the last message; empty: it is a request
  std::uint64_t time_signed_;  ///< the query's
  std::uint16_t original_id_;
  bool first_ = true;
};

}  // namespace blowback::answer
