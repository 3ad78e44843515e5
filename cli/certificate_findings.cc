#include "certificate_findings.h"

#include <fmt/format.h>

#include <chrono>

namespace blowback::cli {
namespace {

/// Certificates that are renewed automatically have at least a third of their time left, a month of three.
constexpr std::chrono::days kSoon{14};

}  // namespace

bool look_at_certificate(const std::string& name, const Certificate& files, Verified verified, const std::string& who,
                         UnixTime now, const std::string& source, Findings& findings) {
  const auto expiry = check_certificate(files);
  const auto mend = fmt::format("renew it, and then `systemctl reload {}`", who);
  if (!expiry) {
    findings.bad(name, expiry.error(), fmt::format("name PEM files that the user who runs {} may read", who), source);
  } else if (*expiry <= now && verified == Verified::always) {
    findings.bad(name, fmt::format("certificate {} has expired, on {}", files.chain, to_iso8601(*expiry)), mend,
                 source);
  } else if (*expiry <= now + kSoon) {
    findings.doubtful(name,
                      fmt::format("certificate {} {} on {}", files.chain, *expiry <= now ? "expired" : "expires",
                                  to_iso8601(*expiry)),
                      mend, source);
  } else {
    return true;
  }
  return false;
}

void look_at_transfer_tls(const config::TransferTls& tls, UnixTime now, const std::string& source, Findings& findings) {
  if (tls.listen.empty()) return;
  constexpr auto kName = "transfer.tls";
  const Certificate files{.chain = tls.certificate, .key = tls.key};
  if (!look_at_certificate(kName, files, Verified::always, "blowback-server", now, source, findings)) return;
  if (!tls.clients.empty()) {
    if (const auto authorities = expiry_of(tls.clients); !authorities) {
      findings.bad(kName, authorities.error(), "name a PEM file with the certificates of the clients' authorities",
                   source);
      return;
    }
  }
  findings.good(kName,
                tls.clients.empty() ? "the certificate is valid" : "the certificate is valid; clients need one, too",
                source);
}

}  // namespace blowback::cli
