#include "dns/server_argument.h"

#include "dns/client.h"

#include <fmt/format.h>

namespace blowback::cli {

OrExit<config::Endpoint> server_argument(const Context& context, std::string_view option, const std::string& text) {
  if (const auto address = server_address(text)) return *address;
  return std::unexpected(context.fail(
      fmt::format("{} {}: not an address; write 192.0.2.53, 192.0.2.53:5300 or [2001:db8::53]:5300", option, text),
      kWrongUse));
}

}  // namespace blowback::cli
