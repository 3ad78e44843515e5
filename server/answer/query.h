// A query in wire format: read strictly, in bounded time, without copying. Private to this room.
//
// This finds out what a query contains and whether it is well formed; decide.h finds the answer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace blowback::answer {

using Wire = std::span<const std::uint8_t>;

// RFC 1035 §3.2, 6895, 8482: the types and classes that are treated differently.
enum RrType : std::uint16_t {
  kA = 1,
  kNs = 2,
  kSoa = 6,
  kTxt = 16,
  kAaaa = 28,
  kOpt = 41,
  kTsig = 250,
  kIxfr = 251,
  kAxfr = 252,
  kAny = 255
};
inline constexpr std::uint16_t kClassIn = 1;

/// The parts of the query's OPT (RFC 6891 §6.1) that are used.
struct Edns {
  std::uint16_t payload = 0;  ///< as in the query, even if it is below 512
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  bool nsid = false;           ///< requested (RFC 5001)
  bool keepalive = false;      ///< requested (RFC 7828)
  std::optional<Wire> cookie;  ///< the first COOKIE option's data (RFC 7873)
};

struct Question {
  Wire qname;  ///< within the query: labels and the root, uncompressed, in the query's own case
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::array<std::uint8_t, 128> label_at;  ///< where each label begins in qname; filled as far as `labels`
  std::size_t labels = 0;                  ///< without the root
};

struct Query {
  enum class Form : std::uint8_t {
    good,
    silence,  ///< shorter than a header, or a response
    notimp,   ///< an opcode that isn't QUERY; nothing after the header was read
    formerr,
    badvers,
  };

  Form form = Form::good;
  std::uint16_t id = 0;
  std::uint8_t opcode = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  std::optional<Question> question;    ///< always present if `form` is good or badvers; otherwise if it could be read
  std::optional<Edns> edns;            ///< likewise: as far as the message could be read
  std::optional<std::size_t> tsig_at;  ///< where the TSIG record begins, the last one (RFC 8945 §5.1); it wasn't read
  std::optional<std::uint32_t> client_serial;  ///< of the SOA in an IXFR query (RFC 1995 §3), if it has one
};

/// Accepts any octets. They must outlive the Query. Pure.
[[nodiscard]] Query read_query(Wire message);

/// The OPT record that fills `octets` exactly; absent if they are anything else, of a version other than 0, or not well formed. Pure.
[[nodiscard]] std::optional<Edns> read_lone_opt(Wire octets);

}  // namespace blowback::answer
