// Asking the answer room by bytes and reading its replies by ldns.
#pragma once

#include "answer/answer.h"
#include "catch.h"
#include "zone_fixture.h"

#include <ldns/ldns.h>
#include <stdbool.h>  // first: ldns/common.h makes bool, true and false macros otherwise

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace blowback::test {

using Bytes = std::vector<std::uint8_t>;

inline void put16(Bytes& to, unsigned value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U));
  to.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

inline Bytes wire(const std::string& name) { return name.empty() ? Bytes{0} : answer::wire_name(name).value(); }

struct Ask {
  std::string name;
  unsigned type = LDNS_RR_TYPE_A;
  unsigned klass = 1;
  unsigned flags = 0;
  bool edns = false;
  unsigned payload = 1232;
  unsigned version = 0;
  bool dnssec_ok = false;
  Bytes options{};
};

inline Bytes query(const Ask& ask) {
  Bytes bytes;
  put16(bytes, 0x1234);
  put16(bytes, ask.flags);
  for (const unsigned count : {1U, 0U, 0U, ask.edns ? 1U : 0U}) put16(bytes, count);
  const auto name = wire(ask.name);
  bytes.insert(bytes.end(), name.begin(), name.end());
  put16(bytes, ask.type);
  put16(bytes, ask.klass);
  if (ask.edns) {
    bytes.push_back(0);
    put16(bytes, LDNS_RR_TYPE_OPT);
    put16(bytes, ask.payload);
    put16(bytes, ask.version);
    put16(bytes, ask.dnssec_ok ? 0x8000U : 0U);
    put16(bytes, static_cast<unsigned>(ask.options.size()));
    bytes.insert(bytes.end(), ask.options.begin(), ask.options.end());
  }
  return bytes;
}

/// A reply as ldns reads it. Fails the test where ldns can't.
class Reply {
 public:
  explicit Reply(Bytes bytes) : bytes_(std::move(bytes)) {
    ldns_pkt* packet = nullptr;
    REQUIRE(ldns_wire2pkt(&packet, bytes_.data(), bytes_.size()) == LDNS_STATUS_OK);
    packet_.reset(packet);
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] ldns_pkt* packet() const { return packet_.get(); }
  [[nodiscard]] unsigned rcode() const {
    return static_cast<unsigned>(ldns_pkt_get_rcode(packet_.get())) |
           static_cast<unsigned>(ldns_pkt_edns_extended_rcode(packet_.get())) << 4U;
  }
  [[nodiscard]] bool aa() const { return ldns_pkt_aa(packet_.get()); }
  [[nodiscard]] bool has_opt() const { return ldns_pkt_edns(packet_.get()); }
  [[nodiscard]] std::vector<std::string> records(ldns_pkt_section section) const {
    const std::unique_ptr<ldns_rr_list, void (*)(ldns_rr_list*)> list(
        ldns_pkt_get_section_clone(packet_.get(), section), ldns_rr_list_deep_free);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(list.get()); ++i) {
      const std::unique_ptr<char, void (*)(void*)> text(ldns_rr2str(ldns_rr_list_rr(list.get(), i)), std::free);
      std::string line = text.get();
      if (!line.empty() && line.back() == '\n') line.pop_back();
      texts.push_back(line);
    }
    return texts;
  }
  [[nodiscard]] std::vector<std::string> answers() const { return records(LDNS_SECTION_ANSWER); }
  [[nodiscard]] std::vector<std::string> authority() const { return records(LDNS_SECTION_AUTHORITY); }
  /// RDATA of the answers, in their order.
  [[nodiscard]] std::vector<std::string> rdata() const {
    auto texts = answers();
    for (auto& text : texts) {
      for (int tabs = 0; tabs < 4; ++tabs) text.erase(0, text.find('\t') + 1);
    }
    return texts;
  }
  /// The OPT's RDATA by itself: our replies end with it.
  [[nodiscard]] Bytes option(unsigned wanted) const {
    // Behind the OPT's fixed part; found from the end, where ldns's view of options doesn't reach in all its versions.
    for (std::size_t at = bytes_.size(); at-- > 11;) {
      const std::size_t length = bytes_.size() - at;
      if (bytes_[at - 11] == 0 && bytes_[at - 10] == 0 && bytes_[at - 9] == LDNS_RR_TYPE_OPT &&
          static_cast<std::size_t>(bytes_[at - 2] << 8U | bytes_[at - 1]) == length) {
        while (at + 4 <= bytes_.size()) {
          const unsigned code = static_cast<unsigned>(bytes_[at] << 8U | bytes_[at + 1]);
          const auto size = static_cast<std::size_t>(bytes_[at + 2] << 8U | bytes_[at + 3]);
          const auto begin = bytes_.begin() + static_cast<std::ptrdiff_t>(at + 4);
          if (code == wanted) return {begin, begin + static_cast<std::ptrdiff_t>(size)};
          at += 4 + size;
        }
        return {};
      }
    }
    return {};
  }
  /// The extended error's code (RFC 8914), 0 where there is none.
  [[nodiscard]] unsigned ede() const {
    const auto data = option(15);
    return data.size() < 2 ? 0U : static_cast<unsigned>(data[0] << 8U | data[1]);
  }

 private:
  Bytes bytes_;
  std::unique_ptr<ldns_pkt, void (*)(ldns_pkt*)> packet_{nullptr, ldns_pkt_free};
};

inline config::Zone zone_config() {
  config::Zone zone;
  zone.name = "bl.example.org";
  zone.nameservers = {"ns1.example.org", "ns2.example.net"};
  zone.hostmaster = "host.master@example.org";
  zone.txt = "Backscatter from {ip}, see https://bl.example.org/{ip}";
  return zone;
}

/// It with name servers and hosts of its own, some above and below each other.
inline config::Zone zone_with_hosts() {
  auto zone = zone_config();
  zone.nameservers = {"ns1.bl.example.org", "ns1.x.bl.example.org", "ns.example.net"};
  zone.nameserver_addresses = {{"ns1.bl.example.org", ip("192.0.2.53")},
                               {"ns1.x.bl.example.org", ip("192.0.2.54")},
                               {"ns1.x.bl.example.org", ip("2001:db8::54")}};
  // A host above a name server, and one with several addresses of a family.
  zone.hosts = {{"www.bl.example.org", ip("192.0.2.80")},
                {"www.bl.example.org", ip("2001:db8::80")},
                {"x.bl.example.org", ip("2001:db8::81")},
                {"www.bl.example.org", ip("192.0.2.81")}};
  return zone;
}

/// Who asks.
inline const IpAddress kClient = ip("198.51.100.77");

/// The zone bl.example.org with a list to answer from.
struct Served {
  explicit Served(zone::ListingIndex list = {}, config::Zone settings = zone_config(), const std::string& nsid = {}) {
    config::Server server;
    server.nsid = nsid;
    zones = answer::ServedZones::of(std::vector{settings}, server, {}).value();
    view = view_of(std::move(list));
  }
  /// The reply by the quickest way; the plain one has to agree with every octet of it. Empty: silence.
  struct Raw {
    Bytes reply;
    answer::Outcome outcome = answer::Outcome::dropped;
    bool truncated = false;
    answer::CookieState cookie = answer::CookieState::none;
  };
  [[nodiscard]] Raw raw(std::span<const std::uint8_t> bytes,
                        answer::Transport transport = answer::Transport::udp) const {
    Bytes quick(answer::kLongestTcpReply);
    Bytes plain(answer::kLongestTcpReply);
    const auto answer = answer::answer({bytes, client, transport}, zones, view, {kNow, {}}, nullptr, quick);
    const auto measure = answer::answer_plainly({bytes, client, transport}, zones, view, {kNow, {}}, nullptr, plain);
    quick.resize(answer.size);
    plain.resize(measure.size);
    CHECK(quick == plain);
    CHECK(answer.outcome == measure.outcome);
    CHECK(answer.truncated == measure.truncated);
    CHECK(answer.rcode == measure.rcode);
    CHECK(answer.type == measure.type);
    CHECK(answer.codes == measure.codes);
    CHECK(answer.cookie == measure.cookie);
    return {
        .reply = std::move(quick), .outcome = answer.outcome, .truncated = answer.truncated, .cookie = answer.cookie};
  }
  [[nodiscard]] Reply ask(const Bytes& bytes, answer::Transport transport = answer::Transport::udp) const {
    auto answer = raw(bytes, transport);
    REQUIRE_FALSE(answer.reply.empty());
    return Reply(std::move(answer.reply));
  }
  [[nodiscard]] Reply ask(const Ask& what, answer::Transport transport = answer::Transport::udp) const {
    return ask(query(what), transport);
  }
  [[nodiscard]] answer::Outcome outcome(const Ask& what) const { return raw(query(what)).outcome; }

  answer::ServedZones zones;
  zone::View view;
  IpAddress client = kClient;
};

/// Reversed octets or nibbles, without the zone. `as_nibbles`: an IPv4 address in its mapped form.
inline std::vector<std::string> reversed_labels(const IpAddress& address, bool as_nibbles = false) {
  std::vector<std::string> labels;
  const auto& octets = address.octets();
  if (address.family() == Family::ipv4 && !as_nibbles) {
    for (std::size_t i = 16; i-- > 12;) labels.push_back(std::to_string(octets[i]));
  } else {
    constexpr auto kDigits = "0123456789abcdef";
    for (std::size_t i = 16; i-- > 0;) {
      labels.emplace_back(1, kDigits[octets[i] & 0xfU]);
      labels.emplace_back(1, kDigits[octets[i] >> 4U]);
    }
  }
  return labels;
}

/// The `count` labels nearest the apex, and the zone.
inline std::string name_of(const std::vector<std::string>& labels, std::size_t count) {
  std::string name;
  for (std::size_t i = labels.size() - count; i < labels.size(); ++i) name += labels[i] + ".";
  return name + "bl.example.org";
}
inline std::string name_of(const IpAddress& address, bool as_nibbles = false) {
  const auto labels = reversed_labels(address, as_nibbles);
  return name_of(labels, labels.size());
}

inline constexpr unsigned kNoError = 0;
inline constexpr unsigned kFormErr = 1;
inline constexpr unsigned kServFail = 2;
inline constexpr unsigned kNxDomain = 3;
inline constexpr unsigned kNotImp = 4;
inline constexpr unsigned kRefused = 5;
inline constexpr unsigned kBadVers = 16;

}  // namespace blowback::test
