// Checks in order of their cost: length, response bit, opcode, counts, question, records, OPT.
#include "query.h"

#include "answer/cookie.h"
#include "answer/wire_format.h"

#include <algorithm>

namespace blowback::answer {
namespace {

constexpr std::uint16_t kOptionNsid = 3;
constexpr std::uint16_t kOptionKeepalive = 11;
constexpr std::size_t kSoaNumbers = 20;

/// Reads forward. After an attempt to read beyond the end all results are 0 or empty, and `ran_over` is true.
class Reader {
 public:
  explicit Reader(Wire bytes) : bytes_(bytes) {}

  std::uint8_t u8() {
    const auto one = take(1);
    return one.empty() ? std::uint8_t{0} : one[0];
  }
  std::uint16_t u16() {
    const auto two = take(2);
    return two.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>((two[0] << 8U) | two[1]);
  }
  Wire take(std::size_t count) {
    if (count > bytes_.size() - at_) {
      ran_over_ = true;
      at_ = bytes_.size();
      return {};
    }
    const auto taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  [[nodiscard]] bool ran_over() const { return ran_over_; }
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] Wire rest() const { return bytes_.subspan(at_); }

 private:
  Wire bytes_;
  std::size_t at_ = 0;
  bool ran_over_ = false;
};

/// Whether the next eight octets are four labels of one octet.
constexpr std::size_t kFourNibbles = 8;
[[nodiscard]] bool are_four_nibbles(const std::uint8_t* at) {
  return at[0] == 1 && at[2] == 1 && at[4] == 1 && at[6] == 1;
}

/// There is no name before the QNAME, so a compression pointer in it is an error; so are the other label types.
[[nodiscard]] std::optional<Question> read_question(Reader& reader) {
  Question question;
  const Wire rest = reader.rest();
  const std::size_t end = std::min(rest.size(), kLongestName);
  std::size_t labels = 0;
  std::size_t at = 0;
  while (at < end && rest[at] != 0) {
    // The names of IPv6 addresses have 32 labels of one octet: read four at a time.
    if (end - at > kFourNibbles && are_four_nibbles(&rest[at])) {
      for (std::size_t i = 0; i < 4; ++i) question.label_at[labels++] = static_cast<std::uint8_t>(at + 2 * i);
      at += kFourNibbles;
      continue;
    }
    if (rest[at] > kLongestLabel) return std::nullopt;
    question.label_at[labels++] = static_cast<std::uint8_t>(at);
    at += std::size_t{1} + rest[at];
  }
  if (at >= end) return std::nullopt;
  question.labels = labels;
  question.qname = reader.take(at + 1);
  question.type = reader.u16();
  question.klass = reader.u16();
  if (reader.ran_over()) return std::nullopt;
  return question;
}

/// Skips an owner name; true: it is the root. A compression pointer ends it and isn't followed.
[[nodiscard]] bool pass_owner(Reader& reader, bool& malformed) {
  const auto start = reader.at();
  for (;;) {
    const std::uint8_t length = reader.u8();
    if (length >= 0xc0) {
      reader.u8();
      return false;
    }
    if (length > kLongestLabel || reader.at() - start > kLongestName) {
      malformed = true;
      return false;
    }
    if (length == 0) return reader.at() - start == 1;
    reader.take(length);
  }
}

/// False: the options aren't well formed.
[[nodiscard]] bool read_options(Wire rdata, Edns& edns) {
  Reader reader(rdata);
  while (!reader.at_end()) {
    const auto code = reader.u16();
    const auto data = reader.take(reader.u16());
    if (reader.ran_over()) return false;
    if (code == kOptionNsid) edns.nsid = true;
    if (code == kOptionKeepalive) edns.keepalive = true;
    if (code == kCookieOption && !edns.cookie) edns.cookie = data;
  }
  return true;
}

/// Reads one record of the section; false: the rest of the message can't be read.
[[nodiscard]] bool read_record(Reader& reader, bool additional, Query& query, bool& formerr) {
  bool malformed = false;
  const auto begin = reader.at();
  if (query.tsig_at) formerr = true;  // it has to be the last one
  const bool root = pass_owner(reader, malformed);
  const auto type = reader.u16();
  const auto klass = reader.u16();
  const auto extended_rcode = reader.u8();
  const auto version = reader.u8();
  const auto flags = reader.u16();
  const auto rdata = reader.take(reader.u16());
  if (malformed || reader.ran_over()) return false;
  if (type == kSoa && !additional) {
    // MNAME and RNAME are at least a root label or a pointer; five numbers follow, the first is the serial.
    if (rdata.size() < kSoaNumbers + 2 || query.client_serial) formerr = true;
    if (!formerr) query.client_serial = read32(rdata.last(kSoaNumbers).data());
  }
  if (type == kTsig) {
    if (!additional) formerr = true;
    query.tsig_at = begin;
  }
  if (type != kOpt || !additional) return true;
  // RFC 6891 §6.1.1: one OPT at most; §6.1.2: its owner is the root.
  if (query.edns || !root) formerr = true;
  if (query.edns) return true;
  static_cast<void>(extended_rcode);  // unused in a query
  Edns edns{.payload = klass, .version = version, .dnssec_ok = (flags & 0x8000U) != 0};
  // The format of another version's options is unknown.
  if (version == 0 && !read_options(rdata, edns)) formerr = true;
  query.edns = edns;
  return true;
}

}  // namespace

std::optional<Edns> read_lone_opt(Wire octets) {
  Reader reader(octets);
  // Root owner, TYPE OPT, payload size, upper bits of the RCODE, version, flags.
  if (reader.u8() != 0 || reader.u16() != kOpt) return std::nullopt;
  Edns edns{.payload = reader.u16()};
  reader.u8();
  edns.version = reader.u8();
  edns.dnssec_ok = (reader.u16() & 0x8000U) != 0;
  const auto rdata = reader.take(reader.u16());
  if (reader.ran_over() || !reader.at_end() || edns.version != 0 || !read_options(rdata, edns)) return std::nullopt;
  return edns;
}

Query read_query(Wire message) {
  Query query;
  if (message.size() < kHeader) {
    query.form = Query::Form::silence;
    return query;
  }
  Reader reader(message);
  query.id = reader.u16();
  const auto flags = reader.u16();
  query.opcode = static_cast<std::uint8_t>((flags >> 11U) & 0xfU);
  query.recursion_desired = (flags & 0x0100U) != 0;
  query.checking_disabled = (flags & 0x0010U) != 0;
  if ((flags & 0x8000U) != 0) {
    query.form = Query::Form::silence;  // two servers that answer responses would never stop
    return query;
  }
  if (query.opcode != 0) {
    query.form = Query::Form::notimp;
    return query;
  }
  const auto questions = reader.u16();
  const auto answers = reader.u16();
  const auto authorities = reader.u16();
  const auto additionals = reader.u16();

  query.form = Query::Form::formerr;  // unless everything that follows is correct
  if (questions > 1) return query;    // RFC 9619: not allowed
  if (questions == 1) {
    query.question = read_question(reader);
    if (!query.question) return query;
  }
  bool formerr = questions == 0 || answers != 0;
  // Only IXFR has a record there, the client's SOA (RFC 1995 §3).
  const bool is_ixfr = query.question && query.question->type == kIxfr;
  if (authorities != 0 && !is_ixfr) formerr = true;
  const std::size_t before_additional = std::size_t{answers} + authorities;
  for (std::size_t i = 0; i < before_additional + additionals; ++i) {
    if (!read_record(reader, i >= before_additional, query, formerr)) return query;
  }
  if (formerr || !reader.at_end()) return query;
  query.form = query.edns && query.edns->version != 0 ? Query::Form::badvers : Query::Form::good;
  return query;
}

}  // namespace blowback::answer
