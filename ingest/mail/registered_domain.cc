// By libpsl, with the list that Debian compiles into it.
#include "registered_domain.h"

#include "header.h"
#include "received_words.h"

#include <libpsl.h>

namespace blowback::mail {

std::string registered_domain(std::string_view host) {
  constexpr std::size_t kLongestName = 253;  // RFC 1035 §2.3.4, without the final dot
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > kLongestName || host.front() == '.' || bare_address(host)) return {};
  const std::string name = lower_case(host);
  const psl_ctx_t* const list = psl_builtin();
  if (list == nullptr) return {};
  const char* const domain = psl_registrable_domain(list, name.c_str());
  if (domain == nullptr || name.find('.') == std::string::npos) return {};
  return domain;
}

}  // namespace blowback::mail
