// The address of a DNS server as an option's value.
#pragma once

#include "config/config.h"
#include "context.h"
#include "dns/client.h"

#include <string>
#include <string_view>

namespace blowback::cli {

/// `192.0.2.53`, `192.0.2.53:5300`, `[2001:db8::53]:5300`; see server_address. `option`: its name for the error, `--server`.
[[nodiscard]] OrExit<config::Endpoint> server_argument(const Context& context, std::string_view option,
                                                       const std::string& text);

/// The value of `--resolver`; "": the system's resolver, if there is one.
[[nodiscard]] OrExit<Lookup> resolver_argument(const Context& context, const std::string& text);

}  // namespace blowback::cli
