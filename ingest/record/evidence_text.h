// Untrusted text as it is stored: valid UTF-8, on one line, of bounded length.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace blowback::record {

/// At most `most` octets of `text`, cut between characters. Octets that aren't UTF-8 (RFC 3629) become U+FFFD, control characters become
/// spaces.
[[nodiscard]] std::string evidence_text(std::string_view text, std::size_t most);

}  // namespace blowback::record
