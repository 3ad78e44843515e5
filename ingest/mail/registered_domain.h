// The registered domain of a host by the Public Suffix List: `example.co.uk` for `mx1.example.co.uk`.
#pragma once

#include <string>
#include <string_view>

namespace blowback::mail {

/// "" if `host` is an address, a public suffix, or a single label. Case and a final dot are ignored. Pure.
[[nodiscard]] std::string registered_domain(std::string_view host);

}  // namespace blowback::mail
