// SHA-256 by OpenSSL's libcrypto.
#include "digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>

namespace blowback::record {

std::string sha256_hex(std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const auto part : parts) {
    const std::uint64_t length = part.size();
    std::array<unsigned char, 8> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<unsigned char>(length >> (8 * i));
    EVP_DigestUpdate(context.get(), octets.data(), octets.size());
    EVP_DigestUpdate(context.get(), part.data(), part.size());
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2UL * size);
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4U];
    hex += kDigits[digest[i] & 15U];
  }
  return hex;
}

std::string digest_of(const TrapDelivery& delivery, const IpAddress& client, std::string_view trap) {
  const bool is_callout = delivery.event == TrapDelivery::Event::callout;
  const std::string time = delivery.time_is_told || is_callout ? to_iso8601(delivery.received_at) : std::string();
  return sha256_hex({is_callout ? "callout" : "message", client.to_string(), trap, time, delivery.message});
}

}  // namespace blowback::record
