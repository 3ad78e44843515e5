// The domain that somebody registered, by the Public Suffix List: `mx1.example.co.uk` is `example.co.uk`.
#pragma once

#include <string>
#include <string_view>

namespace blowback::mail {

/// "" where `host` is an address, a public suffix itself, or a single label. Case and a final dot are ignored. Pure.
[[nodiscard]] std::string registered_domain(std::string_view host);

}  // namespace blowback::mail
