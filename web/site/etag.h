// Entity tags: what is sent again only if it has changed.
#pragma once

#include <string>
#include <string_view>

namespace blowback::site {

/// A strong tag of the content (RFC 9110 §8.8.3), in quotes: equal contents have equal tags, whatever they were made from.
[[nodiscard]] std::string etag_of(std::string_view content);

/// Whether If-None-Match names `etag`, or is `*` (RFC 9110 §13.1.2: weak comparison). Pure.
[[nodiscard]] bool names_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace blowback::site
