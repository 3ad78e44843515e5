#include "file_text.h"
#include "sections.h"

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace blowback::config {

void read_detect(Section& section, Detect& detect) {
  section.texts("signatures", detect.signatures);
  if (!section.is_good("signatures")) return;
  for (std::size_t i = 0; i < detect.signatures.size(); ++i) {
    const std::string& path = detect.signatures.at(i);
    if (path.empty() || path.find('\0') != std::string::npos)
      section.complain("signatures", i, "is no path; name a file of signatures");
  }
}

std::expected<std::vector<SignatureFile>, ConfigError> read_signature_files(const Detect& detect) {
  std::vector<SignatureFile> files;
  for (const std::string& path : detect.signatures) {
    auto text = read_text(path, FileUse::signatures);
    if (!text) return std::unexpected(ConfigError{fmt::format("signatures: {}: {}", path, text.error().text)});
    files.push_back({.path = path, .text = *std::move(text)});
  }
  return files;
}

}  // namespace blowback::config
