// Checks of the certificates of TLS servers, for `doctor` and `config check`.
#pragma once

#include "blowback/unix_time.h"
#include "config/config.h"
#include "findings.h"
#include "system/certificate.h"

#include <string>

namespace blowback::cli {

/// Who looks at a certificate. Mail servers that deliver to a trap don't verify it, so an expired one is no problem for them.
enum class Verified : std::uint8_t { always, hardly_ever };

/// Whether the files can be used by this user, and whether the certificate has expired or will soon. Adds a finding called `name` if not, and returns
/// true if all is well. `who`: the daemon whose user has to read them; `source`: the place of the key in the config.
bool look_at_certificate(const std::string& name, const Certificate& files, Verified verified, const std::string& who,
                         UnixTime now, const std::string& source, Findings& findings);

/// The certificate of transfers over TLS, if there is one, and the authorities of clients. `source`: likewise.
void look_at_transfer_tls(const config::TransferTls& tls, UnixTime now, const std::string& source, Findings& findings);

}  // namespace blowback::cli
