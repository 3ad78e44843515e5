#include "names.h"

#include "blowback/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace blowback::config {
namespace {

// The longest text of an address (RFC 5952): eight groups of four.
constexpr std::string_view kLongestAddress = "2001:1db8:1111:2222:3333:4444:5555:6666";
constexpr std::string_view kPlaceholder = "{ip}";

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// `'!'`, `a blank`, `the octet 0xE9`.
std::string named(char c) {
  if (c == ' ') return "a blank";
  if (c > ' ' && c <= '~') return fmt::format("'{}'", c);
  return fmt::format("the octet 0x{:02X}", static_cast<unsigned char>(c));
}

std::unexpected<NameError> wrong(std::string text) { return std::unexpected(NameError{std::move(text)}); }

std::expected<void, NameError> check_label(std::string_view label) {
  if (label.empty()) return wrong("has an empty label; write it like \"bl.example.org\"");
  if (label.size() > 63) {
    return wrong(fmt::format("has a label of {} octets; a label has at most 63 (RFC 1035)", label.size()));
  }
  for (const char c : label) {
    if (!is_letter_or_digit(c) && c != '-' && c != '_') {
      return wrong(fmt::format(
          R"(has {}, which a name here can't have; use letters, digits, "-" and dots, as in "bl.example.org")",
          named(c)));
    }
  }
  if (label.front() == '-' || label.back() == '-')
    return wrong("has a label that begins or ends with \"-\"; remove that");
  return {};
}

/// Takes the first word of `text`; empty if there is none.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

/// The addresses that `text` consists of. `form`: how to write what they are a part of.
std::expected<std::vector<IpAddress>, NameError> addresses_in(std::string_view text, std::string_view form) {
  std::vector<IpAddress> addresses;
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
    auto address = IpAddress::parse(word);
    if (!address) return wrong(fmt::format("its address {} {}; write {}", word, address.error().text, form));
    addresses.push_back(*address);
  }
  return addresses;
}

/// Whether a label directly before the zone's name is an octet or a nibble, as in the names of addresses.
bool is_part_of_an_address(std::string_view label) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (label.size() == 1) return is_digit(label[0]) || (label[0] >= 'a' && label[0] <= 'f');
  return label.size() <= 3 && std::ranges::all_of(label, is_digit);
}

}  // namespace

bool lies_in(std::string_view name, std::string_view zone) {
  return name.ends_with(zone) && (name.size() == zone.size() || name[name.size() - zone.size() - 1] == '.');
}

std::expected<Nameserver, NameError> nameserver(std::string_view text, std::string_view zone) {
  auto name = dns_name(take_word(text));
  if (!name) return std::unexpected(std::move(name).error());
  auto addresses =
      addresses_in(text, fmt::format("the name followed by its addresses, as in \"ns1.{} 192.0.2.53\"", zone));
  if (!addresses) return std::unexpected(std::move(addresses).error());
  Nameserver server{.name = std::move(*name), .addresses = std::move(*addresses)};
  if (server.addresses.empty()) return server;
  if (server.name == zone) {
    return wrong(
        fmt::format("is the zone's own name, which has no address: a client that forgets to add the reversed address "
                    "would take it for a listing; name another, such as \"ns1.{}\"",
                    zone));
  }
  if (!lies_in(server.name, zone)) {
    return wrong(fmt::format("isn't below {}, so its addresses are in its own zone; remove them here", zone));
  }
  auto below = std::string_view(server.name).substr(0, server.name.size() - zone.size() - 1);
  if (const auto label = below.substr(below.rfind('.') + 1); is_part_of_an_address(label)) {
    return wrong(
        fmt::format("has \"{}\" before {}, which could be part of a listed address; choose another name, such as "
                    "\"ns1.{}\"",
                    label, zone, zone));
  }
  return server;
}

std::expected<Host, NameError> host(std::string_view text, std::string_view zone) {
  constexpr std::string_view kForm = R"(the label followed by its addresses, as in "www 192.0.2.80 2001:db8::80")";
  const auto word = take_word(text);
  const auto label = dns_name(word);
  // "_" is for names that are no host's (RFC 1123 §2.1), and BIND refuses addresses there.
  if (!label || word.find_first_of("._") != std::string_view::npos) {
    return wrong(fmt::format(
        "doesn't begin with one label, of at most 63 letters, digits and \"-\" (at neither end), which is put "
        "before {}; write {}",
        zone, kForm));
  }
  if (is_part_of_an_address(*label)) {
    return wrong(fmt::format(
        "has the label \"{}\", which could be part of a listed address; choose another label, such as \"www\"",
        *label));
  }
  auto addresses = addresses_in(text, kForm);
  if (!addresses) return std::unexpected(std::move(addresses).error());
  if (addresses->empty()) return wrong(fmt::format("has no address; write {}", kForm));
  return Host{.name = fmt::format("{}.{}", *label, zone), .addresses = std::move(*addresses)};
}

std::size_t wire_length(std::string_view name) { return name.size() + 2; }

std::expected<std::string, NameError> dns_name(std::string_view text, std::size_t most) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty()) return wrong("is no name; write it like \"bl.example.org\"");
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t dot = std::min(text.find('.', from), text.size());
    if (auto label = check_label(text.substr(from, dot - from)); !label)
      return std::unexpected(std::move(label).error());
    from = dot + 1;
  }
  if (wire_length(text) > most) {
    return wrong(
        fmt::format("has {} octets on the wire; at most {} fit, choose a shorter name", wire_length(text), most));
  }
  return lower_case(text);
}

std::expected<std::string, NameError> mail_address(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0) return wrong("is no mail address; write it like \"name@example.org\"");
  const std::string_view local = text.substr(0, at);
  // RFC 5321 §4.5.3.1.1 allows 64; with one less it also fits into a label of the SOA's RNAME.
  if (local.size() > 63) return wrong("has a local part of more than 63 octets; choose a shorter one");
  constexpr std::string_view kAtext = "!#$%&'*+-/=?^_`{|}~.";  // RFC 5322 §3.2.3, and the dot
  for (const char c : local) {
    if (!is_letter_or_digit(c) && kAtext.find(c) == std::string_view::npos) {
      return wrong(fmt::format(
          R"(has {}, which can't stand before the "@" without quotes; write it like "name@example.org")", named(c)));
    }
  }
  if (local.starts_with('.') || local.ends_with('.') || local.find("..") != std::string_view::npos) {
    return wrong(R"(has a dot in the wrong place before the "@"; write it like "first.last@example.org")");
  }
  auto domain = dns_name(text.substr(at + 1));
  if (!domain) return wrong("its domain " + domain.error().text);
  return lower_case(local) + "@" + *domain;
}

std::expected<Endpoint, NameError> endpoint(std::string_view text) {
  constexpr std::string_view kForm = R"(write ADDRESS:PORT, for example "127.0.0.1:5300" or "[::1]:5300")";
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong(fmt::format("has no \"]\" after the address; {}", kForm));
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (port.empty()) return wrong(fmt::format("has no port; {}", kForm));
    if (!port.starts_with(':')) return wrong(fmt::format("has something other than a port after \"]\"; {}", kForm));
    port.remove_prefix(1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return wrong(fmt::format("has no port; {}", kForm));
    if (text.find(':', colon + 1) != std::string_view::npos) {
      return wrong(fmt::format("is an IPv6 address without brackets, so the port can't be told from it; {}", kForm));
    }
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  auto address = IpAddress::parse(host);
  if (!address) return wrong(fmt::format("its address {}; {}", address.error().text, kForm));
  if (text.starts_with('[') && address->family() == Family::ipv4) {
    return wrong(fmt::format("is an IPv4 address in brackets; {}", kForm));
  }
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (failed != std::errc{} || end != port.data() + port.size() || number < 1 || number > 65535) {
    return wrong(fmt::format("its port is no number from 1 to 65535; {}", kForm));
  }
  return Endpoint{*address, static_cast<std::uint16_t>(number)};
}

std::expected<CookieSecret, NameError> cookie_secret(std::string_view text) {
  CookieSecret secret{};
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  if (text.size() != 2 * secret.size() || !std::ranges::all_of(text, is_hex)) {
    return wrong("is no secret; write 32 hexadecimal digits, as `openssl rand -hex 16` prints them");
  }
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const std::string_view digits = text.substr(2 * i, 2);
    std::from_chars(digits.data(), digits.data() + digits.size(), secret[i], 16);
  }
  return secret;
}

std::expected<std::uint64_t, NameError> parse_octets(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 3> kUnits{
      {{"MB", 1'000'000}, {"GB", 1'000'000'000}, {"TB", 1'000'000'000'000}}};
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  const auto known = std::ranges::find(kUnits, unit, &std::pair<std::string_view, std::uint64_t>::first);
  if (failed != std::errc{} || known == kUnits.end() || number == 0 || number > 1'000'000) {
    return std::unexpected(
        NameError{"is no size; write a whole number from 1 to 1000000 and MB, GB or TB, like \"100GB\""});
  }
  return number * known->second;
}

std::expected<void, NameError> check_txt(std::string_view text) {
  if (text.empty()) return wrong("is empty; say why mail was refused and where to read more");
  if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) {
    return wrong("has something other than printable ASCII; it ends up in SMTP replies, so use plain ASCII");
  }
  std::string longest;
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with(kPlaceholder)) {
      longest += kLongestAddress;
      i += kPlaceholder.size();
      continue;
    }
    if (text[i] == '{' || text[i] == '}') {
      return wrong("has a brace that isn't part of {ip}, the only placeholder; remove it or write {ip}");
    }
    longest += text[i++];
  }
  if (text.find(": ") != std::string_view::npos) {
    return wrong("has \": \", where Exim splits a reply; use a comma or a dash instead");
  }
  if (longest.size() > 255) {
    return wrong(fmt::format("has {} octets with the longest address in it; one TXT string holds 255, shorten it by {}",
                             longest.size(), longest.size() - 255));
  }
  return {};
}

}  // namespace blowback::config
