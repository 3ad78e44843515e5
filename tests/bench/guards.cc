// The cost per query of checking a cookie, accounting an answer, and checking whether the client may query. Nanoseconds on one core,
// the minimum of several rounds; and SipHash of libsodium and of OpenSSL, which docs/decisions.md compares.
//
//   guards [--rounds N]        N defaults to 7
//
// Exits 1 if accounting an answer in the default table takes 100 ns or more.
#include "answer/access.h"
#include "answer/cookie.h"
#include "answer/rate_limit.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sodium/crypto_shorthash_siphash24.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace blowback;
using answer::AnswerClass;

constexpr std::size_t kCalls = 1U << 20U;
constexpr UnixTime kNow{std::chrono::seconds{1'795'514'400}};  // 2026-11-24T10:00:00Z

int rounds = 7;

/// Nanoseconds per `work(i)`, for each i below kCalls. The results are summed up, so that the compiler can't remove the calls.
template <typename Work>
double cost(Work work) {
  double least = std::numeric_limits<double>::max();
  for (int round = 0; round < rounds; ++round) {
    std::uint64_t sum = 0;
    const auto began = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < kCalls; ++i) sum += work(i);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
    volatile std::uint64_t kept = sum;
    static_cast<void>(kept);
    least = std::min(least, took.count() / static_cast<double>(kCalls));
  }
  return least;
}

double show(std::string_view what, double ns) {
  fmt::print("{:<62}{:>8.1f}\n", what, ns);
  return ns;
}

/// Addresses of different /24 and /56, alternating between both families, in random order.
std::vector<IpAddress> sources(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<IpAddress> out;
  for (std::size_t i = 0; i < count; ++i) {
    auto octets = IpAddress::parse("2001:db8::1").value().octets();
    const std::uint64_t drawn = random();
    std::memcpy(octets.data() + 1, &drawn, 6);
    out.push_back(i % 2 == 0 ? IpAddress::from_v4(static_cast<std::uint32_t>(drawn)) : IpAddress::from_octets(octets));
  }
  return out;
}

void show_siphash() {
  std::array<std::uint8_t, 25> input{};
  constexpr std::array<std::uint8_t, 16> kKey{1, 2, 3};
  show("SipHash-2-4 of 25 octets, libsodium", cost([&](std::size_t i) {
         std::memcpy(input.data(), &i, sizeof i);
         std::array<std::uint8_t, 8> out{};
         crypto_shorthash_siphash24(out.data(), input.data(), input.size(), kKey.data());
         return out[0];
       }));
  const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> mac(EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), &EVP_MAC_free);
  if (!mac) throw std::runtime_error("this OpenSSL has no SipHash");
  const auto by_openssl = [&](EVP_MAC_CTX* context, std::size_t i) {
    std::memcpy(input.data(), &i, sizeof i);
    std::array<std::uint8_t, 8> out{};
    std::size_t length = out.size();
    const std::array<OSSL_PARAM, 2> params{OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &length),
                                           OSSL_PARAM_construct_end()};
    if (EVP_MAC_init(context, kKey.data(), kKey.size(), params.data()) != 1 ||
        EVP_MAC_update(context, input.data(), input.size()) != 1 ||
        EVP_MAC_final(context, out.data(), &length, out.size()) != 1) {
      throw std::runtime_error("OpenSSL fails at SipHash");
    }
    return out[0];
  };
  using Context = std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)>;
  const Context kept(EVP_MAC_CTX_new(mac.get()), &EVP_MAC_CTX_free);
  show("the same, OpenSSL's EVP_MAC, one context", cost([&](std::size_t i) { return by_openssl(kept.get(), i); }));
  show("the same, OpenSSL's EVP_MAC, a context each", cost([&](std::size_t i) {
         const Context context(EVP_MAC_CTX_new(mac.get()), &EVP_MAC_CTX_free);
         return by_openssl(context.get(), i);
       }));
}

void show_cookies() {
  answer::CookieSecrets secrets{.current = {1, 2, 3}, .other = std::nullopt};
  const answer::ClientCookie client_cookie{1, 2, 3, 4, 5, 6, 7, 8};
  for (const std::string_view text : {"192.0.2.1", "2001:db8::1"}) {
    const auto client = IpAddress::parse(text).value();
    const auto cookie = answer::make_cookie(client_cookie, client, kNow, secrets);
    const auto state = [&](std::span<const std::uint8_t> option, std::size_t i) {
      const UnixTime now = kNow + std::chrono::seconds{i % 1024};
      return static_cast<std::uint64_t>(answer::check_cookie(option, client, now, secrets).state);
    };
    show(fmt::format("make a cookie, {}", text), cost([&](std::size_t i) {
           const UnixTime now = kNow + std::chrono::seconds{i % 1024};
           return answer::make_cookie(client_cookie, client, now, secrets)[23];
         }));
    show(fmt::format("check a good cookie, {}", text), cost([&](std::size_t i) { return state(cookie, i); }));
    auto forged = cookie;
    forged[23] ^= 1U;
    secrets.other = answer::CookieSecret{4, 5, 6};
    show(fmt::format("check a forged cookie by two secrets, {}", text),
         cost([&](std::size_t i) { return state(forged, i); }));
    secrets.other.reset();
  }
}

double account(std::string_view what, const config::RateLimit& limits, std::span<const IpAddress> clients) {
  answer::RateLimiter limiter(limits, {1, 2, 3});
  return show(what, cost([&](std::size_t i) {
                const std::chrono::milliseconds now{i >> 10U};
                const auto verdict = limiter.account(clients[i & (clients.size() - 1)], AnswerClass::positive, now);
                return static_cast<std::uint64_t>(verdict);
              }));
}

/// Whether the default table is fast enough.
bool show_limiter() {
  config::RateLimit limits;
  limits.exempt = {Prefix::parse("127.0.0.0/8").value(), Prefix::parse("::1/128").value()};
  const auto many = sources(kCalls);
  account("account an answer, no limit", limits, many);
  limits.responses = 50;
  account("account an answer, one source", limits, std::span(many).first(1));
  const double usual = account("account an answer, a million sources, table of 65,536", limits, many);
  limits.table = 16'777'216;
  account("account an answer, a million sources, table of 16,777,216", limits, many);
  return usual < 100;
}

void show_access() {
  const auto many = sources(kCalls);
  for (const std::size_t count : {0, 4, 10'000}) {
    std::vector<Prefix> prefixes;
    for (const IpAddress& address : sources(count)) prefixes.push_back(Prefix::covering(address, 24));
    const answer::AccessList list(prefixes);
    show(fmt::format("who may ask, {} prefixes", count),
         cost([&](std::size_t i) { return static_cast<std::uint64_t>(list.allows(many[i])); }));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 3 && std::string_view(argv[1]) == "--rounds") {
    const std::string_view text = argv[2];
    std::from_chars(text.data(), text.data() + text.size(), rounds);
  }
  fmt::print("{:<62}{:>8}\n", fmt::format("minimum of {} rounds of {} calls", rounds, kCalls), "ns");
  show_siphash();
  show_cookies();
  const bool fast = show_limiter();
  show_access();
  if (!fast) fmt::print("\nAccounting an answer takes 100 ns or more.\n");
  return fast ? 0 : 1;
} catch (const std::exception& problem) {
  fmt::print(stderr, "guards: {}\n", problem.what());
  return 3;
}
