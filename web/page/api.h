// The pages' facts as JSON, for programs. docs/page.md describes the keys; within a version, keys are only added.
#pragma once

#include "account/account.h"
#include "blowback/removal.h"
#include "page/pages.h"
#include "schema/store.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace blowback::page {

/// How many addresses one request may ask for.
inline constexpr std::size_t kMostAtOnce = 100;

/// The whole account, as `why --format json` prints it. Of a test address (RFC 5782 §5) only what the zone always answers. Pure.
[[nodiscard]] std::string json_of(const account::Account& account, const About& about);
/// In brief: listed, codes, until. Requires as many results as addresses. Pure.
[[nodiscard]] std::string json_of(std::span<const IpAddress> addresses, const schema::Checked& checked);
/// A request for removal that is pending. `is_new`: this call filed it. Pure.
[[nodiscard]] std::string json_of(const RemovalRequest& request, bool is_new);
/// `{"error": …, "detail": …}`. `error`: a short stable name. Pure.
[[nodiscard]] std::string json_of_error(std::string_view error, std::string_view detail);

}  // namespace blowback::page
