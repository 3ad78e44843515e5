#include "utf8.h"

#include <glib.h>

#include <memory>

namespace blowback::mail {

std::string valid_utf8(std::string text) {
  if (g_utf8_validate_len(text.data(), text.size(), nullptr) != 0) return text;
  const std::unique_ptr<char, decltype(&g_free)> made(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())),
                                                      &g_free);
  return made.get();
}

}  // namespace blowback::mail
