// The account of a sender as JSON: of `why --format json`, and of the page's API. docs/page.md describes the keys.
#pragma once

#include "account/account.h"
#include "blowback/policy.h"

#include <string>

namespace blowback::account {

/// One object, indented by two spaces, without a line feed at its end. `contact`: the mail address for questions. Octets that aren't UTF-8
/// become U+FFFD. Pure.
[[nodiscard]] std::string json_of(const Account& account, const Policy& policy, const std::string& contact);

}  // namespace blowback::account
