#include "file_text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <system_error>

namespace blowback::page {

std::expected<std::string, PageError> text_of_file(const std::string& path) {
  constexpr std::size_t kMost = 1U << 20U;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open() || file.bad()) {
    return std::unexpected(
        PageError{fmt::format("{}: {}; check web.templates in the config, or install the package again", path,
                              errno == 0 ? "can't be read" : std::generic_category().message(errno))});
  }
  if (text.size() > kMost) return std::unexpected(PageError{fmt::format("{}: is larger than 1 MiB", path)});
  return text;
}

}  // namespace blowback::page
