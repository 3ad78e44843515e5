// What the postmaster of a listed server can change so that it sends no more backscatter: by kind, cause and product.
#pragma once

#include "blowback/kind.h"

#include <string>
#include <string_view>
#include <vector>

namespace blowback::account {

/// What the server does wrong, in one sentence for its postmaster.
[[nodiscard]] std::string_view fault_of(Kind kind, Cause cause);

/// Steps to fix it, each a sentence or a setting: first those for any server, then those for the product. If the product is
/// unknown (""), those for all common products. `product` as the judge names it. Never empty.
[[nodiscard]] std::vector<std::string> steps_for(Kind kind, Cause cause, std::string_view product);

/// The product's own spelling: `Postfix` for `postfix`. "" if our signatures don't have it, so that no text by a stranger is shown
/// as a product.
[[nodiscard]] std::string_view product_name(std::string_view product);

}  // namespace blowback::account
