// Signed queries (RFC 8945). ldns signs and verifies independently; what ldns can't build is built here.
#include "answer/tsig.h"
#include "answer_fixture.h"
#include "catch.h"

#include <sodium.h>

#include <chrono>
#include <random>

using namespace blowback;
using namespace blowback::test;
using answer::Outcome;
using answer::Transport;
using answer::TsigKey;
using answer::TsigState;
using config::TsigAlgorithm;

namespace {

const std::string kListed = "1.2.0.192.bl.example.org";
constexpr auto kKeyName = "xfr.bl.example.org";
// 32 octets: 0123456789abcdef twice.
constexpr auto kSecretBase64 = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const std::string kSecret = "0123456789abcdef0123456789abcdef";
constexpr unsigned kTsig = 250;

const char* name_of(TsigAlgorithm algorithm) {
  return algorithm == TsigAlgorithm::hmac_sha256 ? "hmac-sha256." : "hmac-sha512.";
}

Served with_key(TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256) {
  Served served(index_of({listed("192.0.2.0/24"), listed("2001:db8::1")}));
  served.zones.all.front().keys = {
      {.name = wire("other.example"), .algorithm = algorithm, .secret = Bytes(16)},
      {.name = wire(kKeyName), .algorithm = algorithm, .secret = {kSecret.begin(), kSecret.end()}}};
  return served;
}

void put48(Bytes& to, std::uint64_t value) {
  for (const unsigned shift : {32U, 16U, 0U}) put16(to, static_cast<unsigned>(value >> shift & 0xffffU));
}

/// What is signed, and how the record is written.
struct Sign {
  Bytes key = wire(kKeyName);  ///< as in the record; what is signed has it in lower case, uncompressed
  Bytes canonical_key = wire(kKeyName);
  std::string algorithm = "hmac-sha256";
  std::string secret = kSecret;
  std::uint64_t time = static_cast<std::uint64_t>(kNow.time_since_epoch().count());
  unsigned fudge = 300;
  unsigned klass = 255;
  unsigned ttl = 0;
  std::size_t mac_octets = 32;
  unsigned original_id = 0x1234;
};

Bytes mac_of(const std::string& algorithm, const std::string& secret, const Bytes& octets) {
  const auto* const key = reinterpret_cast<const std::uint8_t*>(secret.data());
  if (algorithm == "hmac-sha512") {
    Bytes mac(64);
    crypto_auth_hmacsha512_state state;
    crypto_auth_hmacsha512_init(&state, key, secret.size());
    crypto_auth_hmacsha512_update(&state, octets.data(), octets.size());
    crypto_auth_hmacsha512_final(&state, mac.data());
    return mac;
  }
  Bytes mac(32);
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, secret.size());
  crypto_auth_hmacsha256_update(&state, octets.data(), octets.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  return mac;
}

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes signed_query(Bytes message, const Sign& how = {}) {
  const auto algorithm = wire(how.algorithm);
  Bytes digest = message;
  append(digest, how.canonical_key);
  put16(digest, 255);
  put16(digest, 0);
  put16(digest, 0);
  append(digest, algorithm);
  put48(digest, how.time);
  put16(digest, how.fudge);
  put16(digest, 0);
  put16(digest, 0);
  auto mac = mac_of(how.algorithm, how.secret, digest);
  mac.resize(how.mac_octets);
  append(message, how.key);
  put16(message, kTsig);
  put16(message, how.klass);
  put16(message, 0);
  put16(message, how.ttl);
  put16(message, static_cast<unsigned>(algorithm.size() + 16 + mac.size()));
  append(message, algorithm);
  put48(message, how.time);
  put16(message, how.fudge);
  put16(message, static_cast<unsigned>(mac.size()));
  append(message, mac);
  put16(message, how.original_id);
  put16(message, 0);
  put16(message, 0);
  ++message[11];
  return message;
}

struct Record {
  unsigned error = 0;
  std::uint64_t time = 0;
  Bytes mac;
  Bytes other;
};

/// The TSIG at the end of a reply; fails if there is none.
Record record_in(const Reply& reply) {
  const auto* const tsig = ldns_pkt_tsig(reply.packet());
  REQUIRE(tsig != nullptr);
  const auto octets = [&](std::size_t field, std::size_t skip) {
    const auto* const rdf = ldns_rr_rdf(tsig, field);
    return Bytes(ldns_rdf_data(rdf) + skip, ldns_rdf_data(rdf) + ldns_rdf_size(rdf));
  };
  Record record;
  for (const auto octet : octets(1, 0)) record.time = record.time << 8U | octet;
  record.mac = octets(3, 2);
  const auto error = octets(5, 0);
  record.error = static_cast<unsigned>(error[0] << 8U | error[1]);
  record.other = octets(6, 2);
  return record;
}

}  // namespace

TEST_CASE("what ldns signs is answered, and ldns accepts the reply's signature", "[answer][tsig]") {
  const auto algorithm = GENERATE(TsigAlgorithm::hmac_sha256, TsigAlgorithm::hmac_sha512);
  const auto served = with_key(algorithm);
  for (const bool edns : {false, true}) {
    const auto bytes = query({.name = kListed, .type = LDNS_RR_TYPE_TXT, .edns = edns});
    ldns_pkt* parsed = nullptr;
    REQUIRE(ldns_wire2pkt(&parsed, bytes.data(), bytes.size()) == LDNS_STATUS_OK);
    const std::unique_ptr<ldns_pkt, void (*)(ldns_pkt*)> packet(parsed, ldns_pkt_free);
    REQUIRE(ldns_pkt_tsig_sign(packet.get(), (std::string(kKeyName) + ".").c_str(), kSecretBase64, 300,
                               name_of(algorithm), nullptr) == LDNS_STATUS_OK);
    std::uint8_t* octets = nullptr;
    std::size_t size = 0;
    REQUIRE(ldns_pkt2wire(&octets, packet.get(), &size) == LDNS_STATUS_OK);
    const Bytes message(octets, octets + size);
    std::free(octets);  // NOLINT(cppcoreguidelines-no-malloc): of ldns
    // ldns signs as of the system's clock.
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    Bytes reply(answer::kLongestUdpReply);
    const auto answer = answer::answer({message, kClient, Transport::udp}, served.zones, served.view,
                                       {UnixTime(now.time_since_epoch()), {}}, nullptr, reply);
    CHECK(answer.tsig == TsigState::good);
    CHECK(answer.outcome == Outcome::listed);
    reply.resize(answer.size);
    const Reply read(reply);
    CHECK(read.answers().size() == 1);
    CHECK(ldns_pkt_tsig_verify(read.packet(), reply.data(), reply.size(), (std::string(kKeyName) + ".").c_str(),
                               kSecretBase64, ldns_rr_rdf(ldns_pkt_tsig(packet.get()), 3)));
  }
}

TEST_CASE("a key's name may have other letters, and be compressed", "[answer][tsig]") {
  const auto served = with_key();
  const auto plain = query({.name = kListed});
  // `xfr.` and a pointer to `bl.example.org` in the question.
  const auto apex = static_cast<std::uint8_t>(12 + wire(kListed).size() - wire("bl.example.org").size());
  for (const auto& key : {wire("XFR.Bl.example.ORG"), Bytes{3, 'X', 'f', 'r', 0xc0, apex}}) {
    const auto answer = served.raw(signed_query(plain, {.key = key}));
    CHECK(answer.outcome == Outcome::listed);
    CHECK(record_in(Reply(answer.reply)).mac.size() == 32);
  }
}

TEST_CASE("an unknown key or algorithm is BADKEY, another MAC BADSIG; the reply says so and isn't signed",
          "[answer][tsig][rfc8945]") {
  const auto served = with_key();
  const auto plain = query({.name = kListed, .edns = true});
  const auto is_refused = [&](const Bytes& message, unsigned error) {
    const auto answer = served.raw(message);
    CHECK(answer.outcome == Outcome::notauth);
    const Reply reply(answer.reply);
    CHECK(reply.rcode() == LDNS_RCODE_NOTAUTH);
    CHECK_FALSE(reply.aa());
    CHECK(reply.answers().empty());
    const auto record = record_in(reply);
    CHECK(record.error == error);
    CHECK(record.mac.empty());
    CHECK(record.other.empty());
  };
  is_refused(signed_query(plain, {.key = wire("no.example"), .canonical_key = wire("no.example")}), 17);
  is_refused(signed_query(plain, {.algorithm = "hmac-sha512", .mac_octets = 64}), 17);
  is_refused(signed_query(plain, {.algorithm = "hmac-sha1", .mac_octets = 20}), 17);
  is_refused(signed_query(plain, {.secret = "fedcba9876543210"}), 16);
  is_refused(signed_query(plain, {.original_id = 1}), 16);
  auto altered = signed_query(plain);
  altered[13] = '7';  // another address
  is_refused(altered, 16);
  // Whether a name is known isn't told before the key is.
  is_refused(signed_query(query({.name = "www.example.net"}), {.secret = "fedcba9876543210"}), 16);
}

TEST_CASE("a wrong time is BADTIME, signed, with the client's time and ours", "[answer][tsig][rfc8945]") {
  const auto served = with_key();
  const auto now = static_cast<std::uint64_t>(kNow.time_since_epoch().count());
  const auto plain = query({.name = kListed});
  CHECK(served.raw(signed_query(plain, {.time = now - 300})).outcome == Outcome::listed);
  CHECK(served.raw(signed_query(plain, {.time = now + 300})).outcome == Outcome::listed);
  for (const auto time : {now - 301, now + 301, std::uint64_t{0}, (std::uint64_t{1} << 48U) - 1}) {
    const auto answer = served.raw(signed_query(plain, {.time = time}));
    const Reply reply(answer.reply);
    CHECK(reply.rcode() == LDNS_RCODE_NOTAUTH);
    const auto record = record_in(reply);
    CHECK(record.error == 18);
    CHECK(record.time == time);
    CHECK(record.mac.size() == 32);
    Bytes ours;
    put48(ours, now);
    CHECK(record.other == ours);
  }
}

TEST_CASE("a shortened MAC is BADTRUNC, one of a wrong length a format error", "[answer][tsig][rfc8945]") {
  const auto served = with_key();
  for (const std::size_t octets : {16U, 31U}) {
    const auto answer = served.raw(signed_query(query({.name = kListed}), {.mac_octets = octets}));
    CHECK(record_in(Reply(answer.reply)).error == 22);
  }
  for (const std::size_t octets : {0U, 9U, 15U, 33U, 64U})
    CHECK(served.raw(signed_query(query({.name = kListed}), {.mac_octets = octets})).outcome == Outcome::formerr);
}

TEST_CASE("a signature that isn't the last record, or malformed, is a format error", "[answer][tsig][rfc8945]") {
  const auto served = with_key();
  const auto plain = query({.name = kListed});
  const auto good = signed_query(plain);
  CHECK(served.raw(good).outcome == Outcome::listed);
  CHECK(served.raw(signed_query(good)).outcome == Outcome::formerr);
  auto before_opt = good;
  append(before_opt, {0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0});
  ++before_opt[11];
  CHECK(served.raw(before_opt).outcome == Outcome::formerr);
  CHECK(served.raw(signed_query(plain, {.klass = 1})).outcome == Outcome::formerr);
  CHECK(served.raw(signed_query(plain, {.ttl = 1})).outcome == Outcome::formerr);
  auto as_answer = good;
  as_answer[7] = 1;
  as_answer[11] = 0;
  CHECK(served.raw(as_answer).outcome == Outcome::formerr);
  for (std::size_t size = plain.size() + 1; size < good.size(); ++size)
    CHECK(served.raw(std::span(good).first(size)).outcome == Outcome::formerr);
}

TEST_CASE("no change of an octet passes for a good signature", "[answer][tsig][hostile]") {
  const auto served = with_key();
  const auto good = signed_query(query({.name = kListed, .edns = true}));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned bit : {0x01U, 0x20U, 0x80U}) {
      auto altered = good;
      altered[at] = static_cast<std::uint8_t>(altered[at] ^ bit);
      Bytes reply(answer::kLongestUdpReply);
      const auto answer =
          answer::answer({altered, kClient, Transport::udp}, served.zones, served.view, {kNow, {}}, nullptr, reply);
      // The id may change on the way (RFC 8945 §5.4), and letters of the key's name and algorithm don't matter.
      const bool is_id = at < 2;
      const bool is_letter = bit == 0x20U && at >= good.size() - 100 && good[at] >= 'a' && good[at] <= 'z';
      CAPTURE(at, bit);
      if (!is_id && !is_letter) CHECK(answer.tsig != TsigState::good);
    }
  }
}

TEST_CASE("random octets after a question are no signature", "[answer][tsig][hostile]") {
  const auto served = with_key();
  std::mt19937 random(1);
  const auto to = [&](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };
  const auto good = signed_query(query({.name = kListed}));
  for (int i = 0; i < 20'000; ++i) {
    auto message = good;
    for (auto changes = 1 + to(8); changes > 0; --changes)
      message[12 + to(static_cast<unsigned>(message.size() - 13))] =
          static_cast<std::uint8_t>(to(1) == 0 ? 0xc0U : to(255));
    message.resize(message.size() - to(3) * to(20));
    Bytes reply(answer::kLongestUdpReply);
    static_cast<void>(answer::answer({message, kClient, to(1) == 0 ? Transport::udp : Transport::tcp}, served.zones,
                                     served.view, {kNow, {}}, nullptr, reply = Bytes(answer::kLongestTcpReply)));
  }
}

TEST_CASE("a long reply leaves room for its signature, or is truncated with one", "[answer][tsig]") {
  auto settings = zone_config();
  settings.txt = std::string(240, 'x') + "{ip}";
  for (const unsigned payload : {0U, 512U, 1232U}) {
    Served served(index_of({listed("192.0.2.0/24")}), settings);
    served.zones.all.front().keys = with_key().zones.main().keys;
    const auto message = query({.name = std::string(60, 'y') + "." + std::string(60, 'z') + ".2.0.192.bl.example.org",
                                .type = LDNS_RR_TYPE_TXT,
                                .edns = payload != 0,
                                .payload = payload});
    const auto answer = served.raw(signed_query(message));
    CHECK(answer.reply.size() <= std::max(payload, 512U));
    CHECK(answer.truncated == (payload <= 512));
    CHECK(record_in(Reply(answer.reply)).mac.size() == 32);
  }
}

TEST_CASE("a key allows transfers only if it is named for them", "[answer][tsig][transfer]") {
  const auto axfr = query({.name = "bl.example.org", .type = LDNS_RR_TYPE_AXFR});
  CHECK(with_key().raw(axfr, Transport::tcp).outcome == Outcome::refused);
  CHECK(with_key().raw(signed_query(axfr), Transport::tcp).outcome == Outcome::transfer);
  CHECK(with_key().raw(signed_query(axfr, {.secret = "0123"}), Transport::tcp).outcome == Outcome::notauth);
}

TEST_CASE("who may transfer may ask, whoever else may", "[answer][transfer]") {
  auto served = with_key();
  served.zones.all.front().access = answer::AccessList(std::vector{net("203.0.113.0/24")});
  CHECK(served.outcome({.name = kListed}) == Outcome::refused);
  served.zones.all.front().transfer = answer::PrefixSet(std::vector{net("198.51.100.77")});
  CHECK(served.outcome({.name = kListed}) == Outcome::listed);
  CHECK(served.raw(query({.name = "bl.example.org", .type = LDNS_RR_TYPE_AXFR}), Transport::tcp).outcome ==
        Outcome::transfer);
}

TEST_CASE("a request that is signed here is accepted, by ldns as well, and so is its answer's signature",
          "[answer][tsig][notify]") {
  const auto algorithm = GENERATE(TsigAlgorithm::hmac_sha256, TsigAlgorithm::hmac_sha512);
  const auto served = with_key(algorithm);
  const auto& key = served.zones.main().keys.back();
  const auto sign = [](answer::TsigSigner& signer, Bytes message) {
    const auto size = message.size();
    message.resize(size + answer::kLongestTsig);
    message.resize(signer.sign(message, size, kNow));
    return message;
  };
  answer::TsigSigner signer(key, 0x1234);
  const auto request = sign(signer, query({.name = "bl.example.org"}));
  const Bytes mac(signer.mac().begin(), signer.mac().end());
  const Reply read(request);
  CHECK(ldns_pkt_tsig_verify(read.packet(), request.data(), request.size(), (std::string(kKeyName) + ".").c_str(),
                             kSecretBase64, nullptr));
  const auto at = answer::last_record(request).value();
  const auto tsig = answer::read_tsig(request, at).value();
  const auto check = answer::check_tsig(request, at, tsig, served.zones.main().keys, kNow);
  REQUIRE(check->state == TsigState::good);

  answer::TsigSigner answers(tsig, *check);
  const auto reply = sign(answers, query({.name = "bl.example.org"}));
  const auto reply_at = answer::last_record(reply).value();
  const auto reply_tsig = answer::read_tsig(reply, reply_at).value();
  CHECK(answer::check_tsig(reply, reply_at, reply_tsig, served.zones.main().keys, kNow, mac)->state == TsigState::good);
  auto other_mac = mac;
  other_mac.front() ^= 1U;
  CHECK(answer::check_tsig(reply, reply_at, reply_tsig, served.zones.main().keys, kNow, other_mac)->state ==
        TsigState::badsig);
  CHECK(answer::check_tsig(reply, reply_at, reply_tsig, served.zones.main().keys, kNow)->state == TsigState::badsig);
}

TEST_CASE("the last record is found where the message ends with it", "[answer][tsig][hostile]") {
  const auto without = query({.name = "bl.example.org"});
  CHECK_FALSE(answer::last_record(without));
  auto message = without;
  message[11] = 2;
  const Bytes record{0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, 1, 'x'};
  message.insert(message.end(), record.begin(), record.end());
  CHECK_FALSE(answer::last_record(message));
  const auto last = message.size();
  message.insert(message.end(), record.begin(), record.end());
  CHECK(answer::last_record(message) == last);
  for (std::size_t size = 0; size < message.size(); ++size)
    CHECK_FALSE(answer::last_record(std::span(message).first(size)));
  message.push_back(0);
  CHECK_FALSE(answer::last_record(message));
}
