#include "digest.h"

#include "blowback/text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace blowback::record {
namespace {

// Fields in which mbox writers and mail readers keep their own data: they change while a message is stored.
constexpr std::array<std::string_view, 21> kReaders{"status",
                                                    "x-status",
                                                    "x-keywords",
                                                    "x-uid",
                                                    "x-uidl",
                                                    "x-imap",
                                                    "x-imapbase",
                                                    "x-mozilla-status",
                                                    "x-mozilla-status2",
                                                    "x-mozilla-keys",
                                                    "x-evolution",
                                                    "x-evolution-source",
                                                    "x-account-key",
                                                    "x-label",
                                                    "x-tuid",
                                                    "x-offlineimap",
                                                    "x-gnus-mail-source",
                                                    "xref",
                                                    "replied",
                                                    "content-length",
                                                    "lines"};

/// The first line of `text`, with its line end.
[[nodiscard]] std::string_view first_line(std::string_view text) {
  const auto end = text.find('\n');
  return text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
}

void append_line(std::string_view line, std::string& to) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  to += line;
  to += '\n';
}

/// The message as the client sent it, as far as the stored one shows.
[[nodiscard]] std::string as_sent(std::string_view message, std::size_t ours) {
  std::string sent;
  sent.reserve(message.size());
  std::size_t received = 0;
  bool is_left_out = false;
  while (!message.empty()) {
    const auto line = first_line(message);
    if (line == "\n" || line == "\r\n") break;
    message.remove_prefix(line.size());
    if (line.front() != ' ' && line.front() != '\t') {
      const std::string name = lower_case(line.substr(0, line.find_first_of(": \t\r\n")));
      // The last of our own Received: fields, and what is above it, wasn't sent by the client.
      if (received < ours) {
        if (name == "received") ++received;
        is_left_out = true;
      } else {
        is_left_out = std::ranges::find(kReaders, name) != kReaders.end() || name.starts_with("x-kmail-");
      }
    }
    if (!is_left_out) append_line(line, sent);
  }
  while (!message.empty()) {
    const auto line = first_line(message);
    message.remove_prefix(line.size());
    append_line(line, sent);
  }
  // Some writers add an empty line at the end, others remove it.
  while (sent.ends_with("\n\n")) sent.pop_back();
  return sent;
}

}  // namespace

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
  return hex(std::span(digest).first(size));
}

std::string digest_of_message(const TrapDelivery& delivery, const IpAddress& client, std::size_t ours) {
  const std::string time = delivery.time_is_told ? to_iso8601(delivery.received_at) : std::string();
  return sha256_hex({"message", client.to_string(), time, as_sent(delivery.message, ours)});
}

std::string digest_of_callout(const TrapDelivery& delivery, const Prefix& sender, std::string_view witness) {
  const auto hour = std::chrono::floor<std::chrono::hours>(delivery.received_at);
  return sha256_hex({"callout", sender.to_string(), witness, to_iso8601(hour)});
}

}  // namespace blowback::record
