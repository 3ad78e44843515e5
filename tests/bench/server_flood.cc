// Sends millions of broken packets to a running server. Its answers to known queries must stay identical, byte for byte,
// and its memory must not grow.
//
//   server_flood --server 127.0.0.1:5300 --zone bl.example.org --pid PID [--packets 10000000] [--seed 1] [--first 0]
//                [--seconds 7200]
//
// Packet n depends only on the seed and n: `--first n --packets 1` sends that one again. PID is the process whose memory is read. Nothing
// else may change the list meanwhile. Exits 1 if an answer was wrong or missing, or if memory grew by 4 MiB or more
// after the first tenth.
#include "dns_client.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <utility>

namespace {

using namespace blowback::bench;

constexpr std::size_t kLanes = 4;    // flooding sockets; the kernel spreads them over the workers by port
constexpr std::size_t kAskers = 8;   // sockets that send the known queries
constexpr std::size_t kAtOnce = 64;  // packets per batch
// The limit of a batch in a receive buffer: the batches of all lanes fit into the default.
constexpr std::size_t kCharge = 49'152;
constexpr std::size_t kLargest = 65'507;        // octets of a UDP datagram over IPv4
constexpr std::size_t kBetweenChecks = 10'000;  // packets
constexpr std::uint64_t kMayGrow = 4'096;       // KiB
constexpr int kTries = 20;
constexpr Nanoseconds kPatience = 250 * kMillisecond;  // per try
constexpr std::size_t kWrongShown = 10;

// ── what is sent ──

void put_record(Wire& to, std::string_view owner, std::uint16_t type, std::uint16_t klass,
                std::span<const std::uint8_t> rdata) {
  put_name(to, owner);
  put16(to, type);
  put16(to, klass);
  put16(to, 0);
  put16(to, 300);
  put16(to, rdata.size());
  to.insert(to.end(), rdata.begin(), rdata.end());
}

struct Option {
  std::uint16_t code = 0;
  Wire value;
};

/// The query with an OPT added.
[[nodiscard]] Wire with_edns(Wire query, std::uint16_t payload, const std::vector<Option>& options = {},
                             bool dnssec_ok = false, std::uint8_t version = 0) {
  put8(query, 0);
  put16(query, 41);
  put16(query, payload);
  put8(query, 0);
  put8(query, version);
  put16(query, dnssec_ok ? 0x8000 : 0);
  Wire rdata;
  for (const auto& [code, value] : options) {
    put16(rdata, code);
    put16(rdata, value.size());
    rdata.insert(rdata.end(), value.begin(), value.end());
  }
  put16(query, rdata.size());
  query.insert(query.end(), rdata.begin(), rdata.end());
  set16(query, 10, get16(query, 10) + 1U);
  return query;
}

[[nodiscard]] Wire opcode(Wire query, unsigned code) {
  query[2] = static_cast<std::uint8_t>((query[2] & 0x87U) | (code << 3U));
  return query;
}

[[nodiscard]] std::string repeated(std::string_view what, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += what;
  return text;
}

[[nodiscard]] std::string in_capitals(std::string text) {
  for (char& letter : text) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  return text;
}

/// Well-formed queries of every kind, and a few messages that are well formed but no queries.
[[nodiscard]] std::vector<Wire> seeds(const std::string& zone) {
  const std::string listed = "2.0.0.127." + zone;
  const std::string unlisted = "1.0.0.127." + zone;
  const std::string mapped = "2.0.0.0.0.0.f.7.f.f.f.f." + repeated("0.", 20) + zone;
  const std::string nibbles = repeated("5.", 16) + "1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2." + zone;
  std::vector<Wire> all;
  for (const auto& name :
       {listed, unlisted, mapped, nibbles, zone, "200.100.51.198." + zone, "0.0.127." + zone, "127." + zone,
        "002.0.0.127." + zone, "256.1.1.1." + zone, "_dmarc." + zone, "x.2.0.0.127." + zone, std::string("example.com"),
        std::string(), in_capitals(zone), in_capitals(listed)}) {
    for (const std::uint16_t type :
         std::initializer_list<std::uint16_t>{1, 2, 5, 6, 15, 16, 28, 43, 48, 65, 255, 257, 65280})
      all.push_back(question(name, type, 0x0100));
  }
  // The longest possible names, and longer ones: 127 labels, 255 octets, 256 and more.
  all.push_back(question(repeated("1.", 127), kTypeA));
  all.push_back(question(repeated(std::string(63, 'a') + ".", 3) + std::string(61, 'a'), kTypeA));
  all.push_back(question(repeated(std::string(63, 'a') + ".", 4), kTypeA));
  all.push_back(question(repeated("1.", 300) + zone, kTypeA));

  for (const std::uint16_t payload : std::initializer_list<std::uint16_t>{0, 100, 511, 512, 1232, 4096, 65535}) {
    all.push_back(with_edns(question(listed, kTypeTxt), payload));
    all.push_back(with_edns(question(zone, kTypeSoa), payload, {}, true));
  }
  const Wire cookie{1, 2, 3, 4, 5, 6, 7, 8};
  Wire both = cookie;
  for (std::uint8_t i = 0; i < 16; ++i) both.push_back(i);
  const std::vector<std::vector<Option>> options{
      {{10, cookie}},                               // COOKIE, client part only
      {{10, both}},                                 // both parts
      {{10, {1, 2, 3}}},                            // too short
      {{3, {}}},                                    // NSID
      {{8, {0, 1, 24, 0, 192, 0, 2}}},              // client subnet
      {{11, {}}, {12, Wire(128, 0)}},               // keepalive and padding
      {{100, {1, 2, 3, 4}}, {65001, Wire(64, 7)}},  // unassigned
      {{3, {}}, {10, cookie}, {12, Wire(300, 0)}},
  };
  for (const auto& set : options) {
    all.push_back(with_edns(question(listed, kTypeA), 1232, set));
    all.push_back(with_edns(question(nibbles, kTypeTxt), 4096, set, true));
  }
  all.push_back(with_edns(question(listed, kTypeA), 1232, {}, false, 1));     // a future version
  all.push_back(with_edns(with_edns(question(listed, kTypeA), 1232), 1232));  // two OPTs
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{251, 252, 253, 254})
    all.push_back(question(zone, type));  // IXFR, AXFR, MAILB, MAILA
  Wire soa;
  put_name(soa, "ns1.example.org");
  put_name(soa, "hostmaster.example.org");
  for (int i = 0; i < 10; ++i) put16(soa, 1);
  Wire ixfr = question(zone, 251);
  put_record(ixfr, zone, kTypeSoa, 1, soa);
  set16(ixfr, 8, 1);
  all.push_back(ixfr);
  Wire notify = opcode(question(zone, kTypeSoa, 0x0400), 4);
  put_record(notify, zone, kTypeSoa, 1, soa);
  set16(notify, 6, 1);
  all.push_back(notify);
  for (const unsigned code : {1U, 2U, 3U, 5U, 6U, 15U}) all.push_back(opcode(question(zone, kTypeSoa), code));
  Wire tsig = question(zone, 252);
  put_record(tsig, "key", 250, 255, Wire(40, 3));
  set16(tsig, 10, 1);
  all.push_back(tsig);
  Wire two = question(listed, kTypeA);
  put_name(two, unlisted);
  put16(two, kTypeA);
  put16(two, 1);
  set16(two, 4, 2);
  all.push_back(two);
  Wire none(kHeader, 0);
  all.push_back(none);
  Wire chaos = question("version.bind", kTypeTxt);
  set16(chaos, chaos.size() - 2, 3);
  all.push_back(chaos);
  Wire any_class = question(listed, kTypeA);
  set16(any_class, any_class.size() - 2, 255);
  all.push_back(any_class);
  all.push_back(question(listed, kTypeA, 0x8400));  // a reply, which must not be answered
  all.push_back(question(listed, kTypeA, 0x0170));  // RD, CD, AD, Z
  return all;
}

/// Makes packet n from the seeds: several mutations, or only other names; sometimes no mutation, or random octets.
class Mutator {
 public:
  Mutator(const std::string& zone, std::uint64_t seed)
      : seeds_(seeds(zone)), zone_labels_(static_cast<std::size_t>(std::ranges::count(zone, '.')) + 2), seed_(seed) {}

  void make(std::uint64_t n, Wire& packet) const {
    Random random(seed_ ^ (n * 0xd1342543de82ef95U));
    if (random.one_in(32)) {
      noise(random, packet);
      return;
    }
    packet = seeds_[random.below(seeds_.size())];
    if (random.one_in(8)) return;
    // Half of the others stay well formed if the seed was, and ask unusual questions: most broken packets
    // are refused early, and would not test the code behind those checks.
    if (random.one_in(2)) {
      rename(random, packet);
      return;
    }
    std::size_t left = 1;
    while (left < 8 && random.one_in(2)) ++left;
    for (; left > 0; --left) mutate(random, packet);
    if (packet.size() > kLargest) packet.resize(kLargest);
  }

 private:
  /// Positions at which a part ends.
  [[nodiscard]] static std::size_t edge(Random& random) {
    static constexpr std::array<std::size_t, 20> kEdges{0,   1,   2,   11,  12,  62,  63,  64,     127,    128,
                                                        191, 192, 193, 254, 255, 256, 512, 0x7fff, 0x8000, 0xffff};
    return kEdges[random.below(kEdges.size())];
  }
  [[nodiscard]] static std::size_t size(Random& random) {
    if (random.one_in(2000)) return kLargest - random.below(4);
    static constexpr std::array<std::size_t, 17> kSizes{0,   1,   11,   12,   13,   16,   17,   255, 511,
                                                        512, 513, 1232, 1472, 4095, 4096, 4097, 9000};
    return random.one_in(2) ? kSizes[random.below(kSizes.size())] : random.below(600);
  }
  static void noise(Random& random, Wire& packet) {
    packet.resize(size(random));
    for (auto& octet : packet) octet = random.octet();
    if (packet.size() >= kHeader && random.one_in(2)) {  // intact enough to be parsed further
      set16(packet, 2, 0);
      set16(packet, 4, 1);
      for (std::size_t at = 6; at < kHeader; at += 2) set16(packet, at, random.below(3));
    }
  }
  /// The positions of the lengths of the first name's labels, as far as they can be followed.
  [[nodiscard]] static std::vector<std::size_t> labels(const Wire& packet) {
    std::vector<std::size_t> found;
    for (std::size_t at = kHeader; at < packet.size() && found.size() < 128; at += packet[at] + std::size_t{1}) {
      found.push_back(at);
      if (packet[at] == 0 || packet[at] > 63) break;
    }
    return found;
  }
  /// Changes letters in some of the name's labels, and sometimes the type.
  void rename(Random& random, Wire& packet) const {
    static constexpr std::string_view kLetters = "0123456789abcdefABCDEF127-_xyz";
    auto renamed = labels(packet);
    // The zone's labels mostly stay: all other names are refused in the same way.
    if (renamed.size() > zone_labels_ && !random.one_in(16)) renamed.resize(renamed.size() - zone_labels_);
    for (const auto at : renamed) {
      if (packet[at] == 0 || packet[at] > 63 || at + packet[at] >= packet.size()) break;
      if (!random.one_in(3)) continue;
      for (std::size_t i = 1; i <= packet[at]; ++i) {
        const char letter = kLetters[random.below(kLetters.size())];
        packet[at + i] = random.one_in(20) ? random.octet() : static_cast<std::uint8_t>(letter);
      }
    }
    const auto end = question_end(packet);
    if (end >= kHeader + 5 && random.one_in(4)) {
      set16(packet, end - 4, random.one_in(2) ? random.below(260) : random.word());
    }
  }
  /// A part of the packet, `first` … `first + count`.
  struct Part {
    std::ptrdiff_t first = 0;
    std::ptrdiff_t count = 0;
  };
  [[nodiscard]] static Part part(Random& random, const Wire& packet) {
    // Sections begin after the header: so do half of the parts.
    const auto first = packet.size() > kHeader && random.one_in(2) ? kHeader : random.below(packet.size());
    return {.first = static_cast<std::ptrdiff_t>(first),
            .count = static_cast<std::ptrdiff_t>(1 + random.below(packet.size() - first))};
  }

  void mutate(Random& random, Wire& packet) const {
    if (packet.empty()) {
      packet.push_back(random.octet());
      return;
    }
    const auto somewhere = random.below(packet.size());
    const auto here = packet.begin() + static_cast<std::ptrdiff_t>(somewhere);
    switch (random.below(16)) {
      case 0:
      case 1:
        for (std::size_t left = 1 + random.below(8); left > 0; --left) {
          packet[random.below(packet.size())] ^= static_cast<std::uint8_t>(1U << random.below(8));
        }
        break;
      case 2:
        packet[somewhere] = static_cast<std::uint8_t>(edge(random) & 0xffU);
        break;
      case 3:
        for (std::size_t left = 1 + random.below(16); left > 0; --left)
          packet[random.below(packet.size())] = random.octet();
        break;
      case 4:  // cut the end
        packet.resize(somewhere);
        break;
      case 5:  // cut out a part
        packet.erase(here, here + static_cast<std::ptrdiff_t>(1 + random.below(packet.size() - somewhere)));
        break;
      case 6: {  // insertion
        Wire inserted(1 + random.below(64));
        for (auto& octet : inserted) octet = random.octet();
        packet.insert(here, inserted.begin(), inserted.end());
        break;
      }
      case 7: {  // repeat a part, at the end or anywhere
        const auto [first, count] = part(random, packet);
        const Wire copy(packet.begin() + first, packet.begin() + first + count);
        packet.insert(random.one_in(2) ? packet.end() : here, copy.begin(), copy.end());
        break;
      }
      case 8:  // a wrong count
      case 9: {
        const auto at = 4 + 2 * random.below(4);
        if (packet.size() >= kHeader)
          set16(packet, at, random.one_in(2) ? edge(random) : get16(packet, at) + random.below(4));
        break;
      }
      case 10:  // a wrong 16-bit word: RDLENGTH, type, class, an option's length
        if (packet.size() >= kHeader + 2)
          set16(packet, kHeader + random.below(packet.size() - kHeader - 1), edge(random));
        break;
      case 11: {  // the length of a label
        const auto found = labels(packet);
        if (found.empty()) break;
        auto& length = packet[found[random.below(found.size())]];
        length = static_cast<std::uint8_t>(random.one_in(2) ? edge(random) : length + random.below(3) + 0xffU);
        break;
      }
      case 12: {  // a pointer: to the header, to itself, forward, backward
        const auto found = labels(packet);
        if (found.empty()) break;
        const auto at = found[random.below(found.size())];
        if (at + 1 >= packet.size()) break;
        const std::array<std::size_t, 5> targets{0, kHeader, at, at + 2, random.below(0x4000)};
        set16(packet, at, 0xc000U | targets[random.below(targets.size())]);
        break;
      }
      case 13: {  // the end of another packet
        const auto& other = seeds_[random.below(seeds_.size())];
        const auto from = random.below(other.size());
        packet.resize(somewhere);
        packet.insert(packet.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        break;
      }
      case 14: {  // longer, with random octets or zeros
        const auto wanted = std::max(packet.size(), size(random));
        const bool zeroes = random.one_in(2);
        while (packet.size() < wanted) packet.push_back(zeroes ? std::uint8_t{0} : random.octet());
        break;
      }
      default: {  // an OPT with options of wrong length
        put8(packet, 0);
        put16(packet, 41);
        put16(packet, edge(random));
        put16(packet, random.one_in(4) ? random.word() : 0);
        put16(packet, random.one_in(2) ? 0x8000 : 0);
        Wire rdata;
        for (std::size_t left = random.below(20); left > 0; --left) {
          const auto length = random.below(24);
          put16(rdata, random.below(20));
          put16(rdata, random.one_in(8) ? edge(random) : length);
          for (std::size_t i = 0; i < length; ++i) rdata.push_back(random.octet());
        }
        put16(packet, random.one_in(8) ? edge(random) : rdata.size());
        packet.insert(packet.end(), rdata.begin(), rdata.end());
        if (packet.size() >= kHeader) set16(packet, 10, get16(packet, 10) + 1U);
      }
    }
  }

  std::vector<Wire> seeds_;
  std::size_t zone_labels_;  // including the root
  std::uint64_t seed_;
};

// ── what is checked ──

/// VmRSS in KiB; nothing if the process doesn't exist any more.
[[nodiscard]] std::optional<std::uint64_t> resident(int pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("VmRSS:")) continue;
    const auto first = line.find_first_of("0123456789");
    if (first == std::string::npos) return std::nullopt;
    return number_of<std::uint64_t>(std::string_view(line).substr(first, line.find(' ', first) - first));
  }
  return std::nullopt;
}

/// How many datagrams to the server's port the kernel has dropped so far because its buffer was full.
[[nodiscard]] std::optional<std::uint64_t> dropped(const Server& server) {
  std::ifstream table(server.v6() ? "/proc/net/udp6" : "/proc/net/udp");
  const auto port = fmt::format(":{:04X}", server.port);
  std::optional<std::uint64_t> sum;
  for (std::string line; std::getline(table, line);) {
    // sl, local address, …, drops
    const auto address = line.find(": ");
    if (address == std::string::npos) continue;
    const auto end = line.find(' ', address + 2);
    if (end == std::string::npos || !line.substr(0, end).ends_with(port)) continue;
    const auto last = line.find_last_not_of(' ');
    const auto start = line.find_last_of(' ', last) + 1;
    if (const auto count = number_of<std::uint64_t>(std::string_view(line).substr(start, last + 1 - start))) {
      sum = sum.value_or(0) + *count;
    }
  }
  return sum;
}

/// Sends one query and waits for its answer; sends it again if none comes.
[[nodiscard]] std::optional<Wire> ask(const Socket& socket, Wire& asked, Random& ids) {
  Wire reply(65'535);
  for (int i = 0; i < 3; ++i) {
    set16(asked, 0, ids.word());
    // If the server is gone, either call may fail; in both cases there is no answer.
    static_cast<void>(send(socket.fd(), asked.data(), asked.size(), 0));
    const auto end = now() + kSecond;
    while (now() < end && socket.readable(end - now())) {
      const auto size = recv(socket.fd(), reply.data(), reply.size(), 0);
      if (size < 0) break;
      const auto got = std::span(reply).first(static_cast<std::size_t>(size));
      if (got.size() >= kHeader && answers(got, asked)) return Wire(got.begin(), got.end());
    }
  }
  return std::nullopt;
}

[[nodiscard]] std::string hex(const Wire& wire) {
  std::string text;
  for (const auto octet : wire) text += fmt::format("{:02x}", octet);
  return text;
}

struct Known {
  std::string what;
  Wire question;
  unsigned rcode = 0;
  unsigned answers = 0;  // ANCOUNT
  Wire answer;           // before the flood
};

/// The queries whose answers must not change.
class Knowledge {
 public:
  Knowledge(const Server& server, const std::string& zone, std::uint64_t seed) : ids_(~seed) {
    for (std::size_t i = 0; i < kAskers; ++i) askers_.emplace_back(server);
    const std::string mapped = "2.0.0.0.0.0.f.7.f.f.f.f." + repeated("0.", 20) + zone;
    known_ = {{"127.0.0.2 A", question("2.0.0.127." + zone, kTypeA), 0, 1, {}},
              {"127.0.0.2 TXT", question("2.0.0.127." + zone, kTypeTxt), 0, 1, {}},
              {"::ffff:7f00:2 A, EDNS", with_edns(question(mapped, kTypeA), 1232), 0, 1, {}},
              {"127.0.0.1 A", question("1.0.0.127." + zone, kTypeA), 3, 0, {}},
              {"apex SOA", question(zone, kTypeSoa), 0, 1, {}},
              {"no address A", question("no-address." + zone, kTypeA), 3, 0, {}}};
    for (auto& one : known_) {
      auto answer = ask(askers_.front(), one.question, ids_);
      if (!answer) throw std::runtime_error("no answer for " + one.what + " before the flood");
      if (rcode_of(*answer) != one.rcode || get16(*answer, 6) != one.answers) {
        throw std::runtime_error("before the flood already the wrong answer for " + one.what + ": " + hex(*answer));
      }
      one.answer = std::move(*answer);
    }
  }

  [[nodiscard]] std::size_t questions() const { return known_.size(); }

  /// Sends each query from each socket; prints what is wrong.
  void check(std::uint64_t sent) {
    for (const auto& asker : askers_) {
      for (auto& one : known_) {
        ++asked;
        const auto answer = ask(asker, one.question, ids_);
        if (!answer) {
          ++lost;
          if (lost <= kWrongShown) fmt::print("after {} packets: no answer for {}\n", sent, one.what);
        } else if (!std::equal(answer->begin() + 2, answer->end(), one.answer.begin() + 2, one.answer.end())) {
          ++wrong;
          if (wrong <= kWrongShown) {
            fmt::print("after {} packets, {}:\n  was {}\n  is  {}\n", sent, one.what, hex(one.answer), hex(*answer));
          }
        }
        // Don't query a server that is gone 48 times.
        if (lost >= kWrongShown) return;
      }
    }
  }

  std::uint64_t asked = 0;
  std::uint64_t wrong = 0;
  std::uint64_t lost = 0;

 private:
  Random ids_;
  std::vector<Socket> askers_;
  std::vector<Known> known_;
};

// ── the flood ──

/// One flooding socket. Its batch ends with a probe, whose answer shows that the server has read all packets before it, since one
/// socket's packets go to one worker, in order. So the server's buffers don't overflow, and no wait is needless.
class Lane {
 public:
  Lane(const Server& server, std::string zone, std::uint64_t seed)
      : socket_(server), zone_(std::move(zone)), random_(seed), buffers_(kAtOnce, Wire(2048)) {}

  /// The packets of the last batch must have been read: call `settle` first.
  void send_batch(std::span<Wire> packets) {
    std::array<iovec, kAtOnce> parts{};
    std::array<mmsghdr, kAtOnce> messages{};
    for (std::size_t i = 0; i < packets.size(); ++i) {
      parts[i] = {.iov_base = packets[i].data(), .iov_len = packets[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    int stuck = 0;
    for (std::size_t done = 0; done < packets.size();) {
      const int count = sendmmsg(socket_.fd(), &messages[done], static_cast<unsigned>(packets.size() - done), 0);
      if (count > 0) {
        done += static_cast<std::size_t>(count);
      } else if (errno == EAGAIN && ++stuck < kTries) {
        static_cast<void>(socket_.writable(kPatience));
      } else if (errno != EINTR) {
        ++failed;  // an ICMP error for an earlier one; the probe shows whether the server still runs
        ++done;
      }
    }
    probe_ = question(fmt::format("p{:016x}.{}", random_.next(), zone_), kTypeA);
    set16(probe_, 0, random_.word());
    send_probe();
    waiting_ = true;
  }

  /// Reads what arrives up to the probe's answer. False: it never came.
  [[nodiscard]] bool settle() {
    for (int tries = 0; waiting_ && tries < kTries; ++tries) {
      const auto end = now() + kPatience;
      do read();
      while (waiting_ && socket_.readable(end - now()) && now() < end);
      if (waiting_) {
        ++probed_again;
        send_probe();
      }
    }
    return !waiting_;
  }

  std::uint64_t replies = 0;
  std::array<std::uint64_t, 16> by_rcode{};  // of the replies
  std::uint64_t wrong = 0;                   // probes with another answer than NXDOMAIN
  std::uint64_t failed = 0;                  // packets that couldn't be sent
  std::uint64_t probed_again = 0;            // probes without an answer in time

 private:
  void send_probe() { static_cast<void>(send(socket_.fd(), probe_.data(), probe_.size(), 0)); }

  void read() {
    std::array<iovec, kAtOnce> parts{};
    std::array<mmsghdr, kAtOnce> messages{};
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      parts[i] = {.iov_base = buffers_[i].data(), .iov_len = buffers_[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    // At most as many as the buffer can hold, so that a server that sends without end can't hold this program here.
    for (int rounds = 0; rounds < 1000; ++rounds) {
      const int count = recvmmsg(socket_.fd(), messages.data(), kAtOnce, 0, nullptr);
      if (count <= 0) return;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const auto reply = std::span<const std::uint8_t>(buffers_[i])
                               .first(std::min<std::size_t>(messages[i].msg_len, buffers_[i].size()));
        if (waiting_ && answers(reply, probe_)) {
          waiting_ = false;
          if (rcode_of(reply) != 3) ++wrong;
        } else {
          ++replies;
          if (reply.size() >= kHeader) ++by_rcode[rcode_of(reply)];
        }
      }
    }
  }

  Socket socket_;
  std::string zone_;
  Random random_;
  std::vector<Wire> buffers_;
  Wire probe_;
  bool waiting_ = false;
};

/// About the size that the kernel charges to a receive buffer for a datagram of that size.
[[nodiscard]] std::size_t charge(std::size_t size) { return 768 + (size > 128 ? 2 * size : 0); }

struct Settings {
  Server server;
  std::string zone;
  int pid = 0;
  std::uint64_t packets = 10'000'000;
  std::uint64_t seed = 1;
  std::uint64_t first = 0;
  std::int64_t seconds = 7'200;
};

[[nodiscard]] std::optional<Settings> settings_of(std::span<char* const> arguments) {
  Settings settings;
  bool has_server = false;
  const bool read = read_options(arguments, [&](std::string_view name, std::string_view value) {
    bool good = true;
    if (name == "--server") {
      const auto server = loopback_server(value);
      good = has_server = server.has_value();
      if (good) settings.server = *server;
    } else if (name == "--zone") {
      settings.zone = value;
    } else if (name == "--pid") {
      good = take(value, settings.pid);
    } else if (name == "--packets") {
      good = take(value, settings.packets);
    } else if (name == "--seed") {
      good = take(value, settings.seed);
    } else if (name == "--first") {
      good = take(value, settings.first);
    } else if (name == "--seconds") {
      good = take(value, settings.seconds);
    } else {
      good = false;
    }
    return good;
  });
  if (!read) return std::nullopt;
  if (!has_server || settings.zone.empty() || settings.pid <= 0 || settings.packets == 0) {
    return std::nullopt;
  }
  return settings;
}

class Flood {
 public:
  explicit Flood(Settings settings)
      : settings_(std::move(settings)),
        mutator_(settings_.zone, settings_.seed),
        knowledge_(settings_.server, settings_.zone, settings_.seed) {
    for (std::size_t i = 0; i < kLanes; ++i) lanes_.emplace_back(settings_.server, settings_.zone, settings_.seed + i);
  }

  /// Returns the exit code.
  int run() {
    const auto started = now();
    const auto dropped_before = dropped(settings_.server);
    start_ = resident(settings_.pid);
    if (!start_) throw std::runtime_error(fmt::format("no process {} whose memory can be read", settings_.pid));
    fmt::print(
        "{} seeds, {} known questions from {} sockets each {} packets, memory at the start {} KiB\n\n{:>12} {:>12} "
        "{:>12} {:>8}\n",
        seeds(settings_.zone).size(), knowledge_.questions(), kAskers, kBetweenChecks, *start_, "packets", "replies",
        "rss KiB", "seconds");
    look();
    std::array<Wire, kAtOnce> packets;
    std::uint64_t checked = 0;
    std::uint64_t tenth = 1;
    for (std::size_t turn = 0; sent_ < settings_.packets && !gone_; ++turn) {
      if (now() - started > settings_.seconds * kSecond) {
        fmt::print("stopped after {} s because of --seconds\n", settings_.seconds);
        break;
      }
      Lane& lane = lanes_[turn % kLanes];
      std::size_t count = 0;
      for (std::size_t charged = 0; count < kAtOnce && charged < kCharge && sent_ + count < settings_.packets;
           ++count) {
        mutator_.make(settings_.first + sent_ + count, packets[count]);
        charged += charge(packets[count].size());
        bytes_ += packets[count].size();
      }
      if (!lane.settle()) gone_ = true;
      lane.send_batch(std::span(packets).first(count));
      sent_ += count;
      if (sent_ - checked >= kBetweenChecks) {
        checked = sent_;
        look();
      }
      if (sent_ * 10 >= settings_.packets * tenth) {
        look();
        tell(started);
        if (tenth == 1) after_first_tenth_ = most_after_ = rss_;
        while (sent_ * 10 >= settings_.packets * tenth) ++tenth;
      }
    }
    for (auto& lane : lanes_) {
      if (!gone_ && !lane.settle()) gone_ = true;
    }
    look();
    const auto dropped_after = dropped(settings_.server);
    return verdict(started,
                   dropped_before && dropped_after ? std::optional(*dropped_after - *dropped_before) : std::nullopt);
  }

 private:
  /// Checks known queries and memory.
  void look() {
    knowledge_.check(sent_);
    const auto memory = resident(settings_.pid);
    if (!memory) {
      gone_ = true;
      return;
    }
    rss_ = *memory;
    most_ = std::max(most_, rss_);
    most_after_ = std::max(most_after_, rss_);
    if (knowledge_.lost >= kWrongShown) gone_ = true;
  }

  [[nodiscard]] std::uint64_t sum(std::uint64_t Lane::* what) const {
    std::uint64_t all = 0;
    for (const auto& lane : lanes_) all += lane.*what;
    return all;
  }

  /// The RCODEs of the replies: a flood that causes only FORMERR tests little.
  [[nodiscard]] std::string rcodes() const {
    std::string text;
    for (std::size_t rcode = 0; rcode < 16; ++rcode) {
      std::uint64_t all = 0;
      for (const auto& lane : lanes_) all += lane.by_rcode[rcode];
      if (all > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", rcode, all);
    }
    return text;
  }

  void tell(Nanoseconds started) const {
    fmt::print("{:>12} {:>12} {:>12} {:>8.1f}\n", sent_, sum(&Lane::replies), rss_, seconds_since(started));
    static_cast<void>(std::fflush(stdout));
  }
  [[nodiscard]] static double seconds_since(Nanoseconds started) { return static_cast<double>(now() - started) / 1e9; }

  [[nodiscard]] int verdict(Nanoseconds started, std::optional<std::uint64_t> drops) const {
    const auto wrong = knowledge_.wrong + sum(&Lane::wrong);
    const bool right = wrong == 0 && knowledge_.lost == 0 && !gone_;
    const auto growth = most_after_ > after_first_tenth_ ? most_after_ - after_first_tenth_ : 0;
    const bool steady = after_first_tenth_ != 0 && growth < kMayGrow;
    fmt::print(
        "\n{} packets, {} octets in {:.1f} s; {} couldn't be sent; {} dropped by the kernel before the server read "
        "them\n",
        sent_, bytes_, seconds_since(started), sum(&Lane::failed), drops ? fmt::to_string(*drops) : "unknown how many");
    fmt::print("{} replies (by RCODE: {}); {} probes had to be sent again\n", sum(&Lane::replies), rcodes(),
               sum(&Lane::probed_again));
    if (gone_)
      fmt::print("the server ended or doesn't answer any more: look at the packets before {}\n",
                 settings_.first + sent_);
    fmt::print("known questions: {} asked, {} wrong (with probes), {} lost: {}\n", knowledge_.asked, wrong,
               knowledge_.lost, right ? "all answered right" : "NOT all answered right");
    fmt::print(
        "memory: {} KiB at the start, {} after the first tenth, {} at the end, {} at most; grew {} KiB after the first "
        "tenth: {}\n",
        *start_, after_first_tenth_, rss_, most_, growth, steady ? "good" : "TOO MUCH");
    return right && steady ? 0 : 1;
  }

  Settings settings_;
  Mutator mutator_;
  Knowledge knowledge_;
  std::vector<Lane> lanes_;
  std::uint64_t sent_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<std::uint64_t> start_;
  std::uint64_t rss_ = 0;
  std::uint64_t most_ = 0;
  std::uint64_t after_first_tenth_ = 0;
  std::uint64_t most_after_ = 0;
  bool gone_ = false;
};

}  // namespace

int main(int count, char** arguments) {
  const auto settings = settings_of(std::span(arguments, static_cast<std::size_t>(count)));
  if (!settings) {
    fmt::print(
        stderr,
        "server_flood --server 127.0.0.1:PORT|[::1]:PORT --zone ZONE --pid PID [--packets N] [--seed N] [--first N] "
        "[--seconds N]\n");
    return 2;
  }
  try {
    print_conditions();
    fmt::print("{} packets from number {} on, seed {}, zone {}\n", settings->packets, settings->first, settings->seed,
               settings->zone);
    return Flood(*settings).run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "server_flood: {}\n", error.what());
    return 1;
  }
}
