// What to change in a server so that it stops: per kind and cause, for the product if it is known.
#pragma once

#include "blowback/kind.h"

#include <string>
#include <string_view>
#include <vector>

namespace blowback::cli {

/// What the server does wrong, in one sentence for its postmaster.
[[nodiscard]] std::string_view fault_of(Kind kind, Cause cause);

/// Steps to mend it, each a sentence or a setting: first what holds for any server, then the product's own; where the product
/// isn't known, those of all common products. `product` as the judge names it. Never empty.
[[nodiscard]] std::vector<std::string> steps_for(Kind kind, Cause cause, std::string_view product);

/// What a product is called by its makers: `Postfix` for `postfix`; "" for one that our signatures don't have, so that no
/// text by a stranger passes for one.
[[nodiscard]] std::string_view called(std::string_view product);

}  // namespace blowback::cli
