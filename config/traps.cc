// Which addresses are traps and whose witness each is; and the file that names some of them.
#include "blowback/text.h"
#include "config/config.h"
#include "names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <unordered_set>

namespace blowback::config {
namespace {

constexpr std::string_view kAndBelow = "*.";

/// The rule of `Traps::witness_of`, however it is looked up what is configured: addresses, domains, and domains with all below.
template <typename IsAddress, typename IsDomain, typename IsTree>
[[nodiscard]] std::string witness(std::string_view address, bool all_are_traps, IsAddress is_address,
                                  IsDomain is_domain, IsTree is_tree) {
  std::string wanted = lower_case(address);
  if (is_address(wanted)) return wanted;
  const std::size_t at = wanted.rfind('@');
  if (at == std::string::npos) return all_are_traps ? wanted : std::string();
  auto domain = std::string_view(wanted).substr(at + 1);
  if (all_are_traps || is_domain(domain)) return wanted.substr(at);
  while (!is_tree(domain)) {
    const std::size_t dot = domain.find('.');
    if (dot == std::string_view::npos) return {};
    domain.remove_prefix(dot + 1);
  }
  return "@" + std::string(domain);
}

[[nodiscard]] bool none_named(const Traps& traps) { return traps.domains.empty() && traps.addresses.empty(); }

[[nodiscard]] std::expected<TrapName, NameError> trap_named(std::string_view text) {
  // `@trap.example.net` is how a domain is called where only addresses are expected.
  if (text.starts_with('@')) return trap_domain(text.substr(1));
  if (text.find('@') == std::string_view::npos) return trap_domain(text);
  auto address = mail_address(text);
  if (!address) return std::unexpected(std::move(address).error());
  return TrapName{.kind = TrapName::Kind::address, .name = *std::move(address)};
}

/// A line's entry as a message may have it: cut, and printable.
[[nodiscard]] std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string shown(text.substr(0, kMost));
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > kMost ? shown + "…" : shown;
}

}  // namespace

std::expected<TrapName, NameError> trap_domain(std::string_view text) {
  const bool with_below = text.starts_with(kAndBelow);
  auto name = dns_name(with_below ? text.substr(kAndBelow.size()) : text);
  if (!name) return std::unexpected(std::move(name).error());
  return TrapName{.kind = with_below ? TrapName::Kind::domain_and_below : TrapName::Kind::domain,
                  .name = *std::move(name)};
}

void add_trap(Traps& traps, const TrapName& trap) {
  if (trap.kind == TrapName::Kind::address) {
    traps.addresses.push_back(trap.name);
    return;
  }
  traps.domains.push_back(trap.name);
  if (trap.kind == TrapName::Kind::domain_and_below) traps.with_subdomains.push_back(trap.name);
}

void keep_each_once(Traps& traps) {
  for (auto* const names : {&traps.domains, &traps.with_subdomains, &traps.addresses}) {
    std::unordered_set<std::string> known;
    std::erase_if(*names, [&](const std::string& name) { return !known.insert(name).second; });
  }
}

std::expected<std::string, ConfigError> trap_line(std::string_view text) {
  const auto trap = trap_named(text);
  if (!trap) return std::unexpected(ConfigError{trap.error().text});
  return (trap->kind == TrapName::Kind::domain_and_below ? std::string(kAndBelow) : std::string()) + trap->name;
}

std::string_view trap_in(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  line = line.substr(0, line.find('#'));
  const auto first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

std::expected<Traps, ConfigError> with_file(Traps traps, std::string_view text) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto entry = trap_in(line);
    if (entry.empty()) continue;
    const auto trap = trap_named(entry);
    if (!trap) {
      return std::unexpected(ConfigError{
          fmt::format("config: {}:{}: \"{}\" {}", traps.file, number, printable(entry), trap.error().text)});
    }
    add_trap(traps, *trap);
  }
  keep_each_once(traps);
  // Nothing named means that every recipient is a trap: nobody wants that of a file that lost its last line.
  if (none_named(traps)) {
    return std::unexpected(
        ConfigError{fmt::format("config: {}: names no trap, and neither do traps.domains and traps.addresses; name "
                                "one, or take traps.file away "
                                "if every recipient is to be a trap",
                                traps.file)});
  }
  return traps;
}

bool Traps::is_trap(std::string_view address) const { return none_named(*this) || !witness_of(address).empty(); }

std::string Traps::witness_of(std::string_view address) const {
  const auto stands_in = [](const std::vector<std::string>& names) {
    return [&names](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
  };
  return witness(address, none_named(*this), stands_in(addresses), stands_in(domains), stands_in(with_subdomains));
}

std::optional<std::size_t> Traps::witnesses() const {
  if (none_named(*this)) return std::nullopt;
  return domains.size() + addresses.size();
}

TrapIndex::TrapIndex(const Traps& traps)
    : domains_(traps.domains.begin(), traps.domains.end()),
      with_subdomains_(traps.with_subdomains.begin(), traps.with_subdomains.end()),
      addresses_(traps.addresses.begin(), traps.addresses.end()) {}

std::string TrapIndex::witness_of(std::string_view address) const {
  const auto stands_in = [](const Names& names) {
    return [&names](std::string_view name) { return names.contains(name); };
  };
  return witness(address, domains_.empty() && addresses_.empty(), stands_in(addresses_), stands_in(domains_),
                 stands_in(with_subdomains_));
}

}  // namespace blowback::config
