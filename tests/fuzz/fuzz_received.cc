// A Received: field of any octets: it is parsed or refused, and text that a stranger writes into the HELO of a known form never
// becomes the client.
#include "mail/received_chain.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

void never_misled(const std::string& line) {
  const auto hop = blowback::mail::parse_received(line);
  if (!hop) return;
  if (hop->local_handover || (hop->client && hop->client->to_string() != "198.51.100.7")) std::abort();
}

/// Most random octets don't occur in mail; a second run maps them to the alphabet of such lines.
std::string in_the_alphabet_of_mail(std::string_view text) {
  constexpr std::string_view kAlphabet = " ()[];:.@\\\"=<>-_bybyfromwithidHELOheloSMTP192.0.2.9012";
  std::string mapped;
  for (const char c : text) mapped += kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  return mapped;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of exactly this size, so that AddressSanitizer detects reads beyond the end.
  const std::vector<char> exact(data, data + size);
  const std::string_view text(exact.data(), exact.size());
  static_cast<void>(blowback::mail::parse_received(text));
  const std::vector<std::string> fields{std::string(text), std::string(text)};
  static_cast<void>(blowback::mail::client_of(fields, {}));
  for (const auto& helo : {std::string(text), in_the_alphabet_of_mail(text)}) {
    never_misled("from " + helo +
                 " (mail.example.com [198.51.100.7]) by mx.example.net (Postfix) with ESMTP id 1; date");
    never_misled("from mx.example.com (" + helo +
                 " [198.51.100.7]) by mx.example.net (8.17.1/8.17.1) with ESMTP id 1; date");
    never_misled("from [198.51.100.7] (helo=" + helo + ") by mx.example.net with esmtp (Exim 4.96) id 1; date");
    never_misled("from mail.example.com ([198.51.100.7] helo=" + helo +
                 ") by mx.example.net with esmtp (Exim 4.96) id 1");
    never_misled("from unknown (HELO " + helo + ") (198.51.100.7) by mx.example.net with SMTP; date");
    never_misled("from [198.51.100.7] (HELO " + helo + ") by mx.example.net (CommuniGate Pro SMTP 6.3.9) with ESMTP");
    never_misled("from " + helo +
                 " ([198.51.100.7] verified) by mx.example.net (CommuniGate Pro SMTP 6.3.9) with SMTP");
    never_misled("from 198.51.100.7 (EHLO " + helo + ") by mta1.mail.yahoo.com with SMTP; date");
    never_misled("from x (EHLO " + helo + ") [198.51.100.7] by mx.example.net (mp003) with SMTP; date");
    never_misled("from " + helo + " [198.51.100.7] by mx.example.net [203.0.113.5] with SMTP (MDaemon.v3.5.7.R); date");
    never_misled("from " + helo + " (really [198.51.100.7]) by mx.example.net (InterMail vM.8) with ESMTP id <1@" +
                 helo + ">; date");
    never_misled("from " + helo +
                 " (Not Verified[198.51.100.7]) by mx.example.net with MailMarshal (v6) id <B4>; date");
    never_misled("from mx.example.com (" + helo + "[198.51.100.7]) by mx.example.net with MailMarshal (v6) id <B4>");
    never_misled("from " + helo + " ([198.51.100.7]) by mx.example.net ; date");
    never_misled("from x (LHLO " + helo + ") (198.51.100.7) by mx.example.net with LMTP; date");
    never_misled("from x ([198.51.100.7]:25 \"EHLO " + helo + "\" rhost-flags-OK) by mx.example.net with SMTP; date");
  }
  return 0;
}
