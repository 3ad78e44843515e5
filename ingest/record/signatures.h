// The judge's signatures by the config: the built-in ones and the operator's own files.
#pragma once

#include "config/config.h"
#include "detect/signature_set.h"

#include <expected>
#include <memory>
#include <string>

namespace blowback::record {

/// Reads the files of `detect.signatures`. Without any, the result is nullptr: the built-in set. The error is a sentence that names the file, the line and how to mend it.
[[nodiscard]] std::expected<std::shared_ptr<const detect::SignatureSet>, std::string> signatures_of(
    const config::Detect& detect);

}  // namespace blowback::record
