#include "record/signatures.h"

#include <utility>
#include <vector>

namespace blowback::record {

std::expected<std::shared_ptr<const detect::SignatureSet>, std::string> signatures_of(const config::Detect& detect) {
  if (detect.signatures.empty()) return nullptr;
  const auto files = config::read_signature_files(detect);
  if (!files) return std::unexpected(files.error().text);
  std::vector<detect::SignatureTable> tables;
  for (const config::SignatureFile& file : *files) tables.push_back({.name = file.path, .text = file.text});
  auto made = detect::SignatureSet::with(tables);
  if (!made) return std::unexpected(std::move(made).error());
  return *std::move(made);
}

}  // namespace blowback::record
