#include "dns/server_argument.h"

#include <fmt/format.h>

namespace blowback::cli {

OrExit<config::Endpoint> server_argument(const Context& context, std::string_view option, const std::string& text) {
  if (const auto address = server_address(text)) return *address;
  return std::unexpected(context.fail(
      fmt::format("{} {}: not an address; write 192.0.2.53, 192.0.2.53:5300 or [2001:db8::53]:5300", option, text),
      kWrongUse));
}

OrExit<Lookup> resolver_argument(const Context& context, const std::string& text) {
  Lookup lookup{.resolver = {}, .is_chosen = !text.empty(), .port = context.world.dns_port};
  if (text.empty()) {
    lookup.resolver = system_resolver();
    return lookup;
  }
  const auto given = server_argument(context, "--resolver", text);
  if (!given) return std::unexpected(given.error());
  lookup.resolver = *given;
  return lookup;
}

}  // namespace blowback::cli
