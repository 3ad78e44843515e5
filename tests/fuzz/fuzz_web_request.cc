// What a visitor of the page sends: the target, Accept-Language and X-Forwarded-For, any octets in each.
#include "http/client_address.h"
#include "http/target.h"
#include "page/asked.h"
#include "page/language.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// One network has one path, which leads back to it.
void ask(std::string_view text) {
  const auto asked = blowback::page::read_asked(text);
  if (!asked) return;
  const auto path = blowback::page::path_of(*asked);
  require(path.size() <= blowback::page::kLongestAsked && path.starts_with('/') && !path.starts_with("//"));
  require(blowback::page::read_asked(std::string_view(path).substr(1)) == *asked);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets are octets
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  if (const auto target = blowback::http::read_target(octets)) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    require(target->path.starts_with('/') && std::ranges::none_of(target->path, is_control));
    require(target->parameters.size() <= blowback::http::kMostParameters);
    ask(std::string_view(target->path).substr(1));
    for (const auto& [name, value] : target->parameters) {
      require(std::ranges::none_of(value, is_control));
      ask(value);
    }
  }
  ask(octets);
  static_cast<void>(blowback::page::preferred_language(octets));

  static const std::vector<blowback::Prefix> kProxies{*blowback::Prefix::parse("10.0.0.0/8"),
                                                      *blowback::Prefix::parse("::1")};
  const auto stranger = *blowback::IpAddress::parse("192.0.2.1");
  require(blowback::http::client_of(stranger, octets, kProxies) == stranger);
  // Whatever a visitor writes before it, the address that the proxy appends is the visitor's.
  if (size + 16 <= blowback::http::kLongestForwardedFor) {
    const auto proxy = *blowback::IpAddress::parse("10.1.2.3");
    require(blowback::http::client_of(proxy, std::string(octets) + ", 192.0.2.1", kProxies) == stranger);
  }
  return 0;
}
