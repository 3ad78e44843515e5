// `blowback export`: the list for other programs, written while it is read, whatever its length.
#include "command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace blowback::cli {
namespace {

/// The labels of a prefix on an octet or nibble border, most specific first: what stands before the zone's name.
[[nodiscard]] std::string labels_of(const Prefix& prefix) {
  const bool is_v4 = prefix.family() == Family::ipv4;
  const auto& octets = prefix.first().octets();
  std::string labels;
  for (int unit = prefix.length() / (is_v4 ? 8 : 4) - 1; unit >= 0; --unit) {
    const auto i = static_cast<std::size_t>(unit);
    labels += is_v4 ? fmt::format("{}.", octets[12 + i])
                    : fmt::format("{:x}.", (octets[i / 2] >> (i % 2 == 0 ? 4U : 0U)) & 15U);
  }
  return labels;
}

/// A zone file can only say networks on octet or nibble borders: others are said by the next narrower ones.
[[nodiscard]] std::vector<Prefix> on_label_borders(const Prefix& prefix) {
  const int step = prefix.family() == Family::ipv4 ? 8 : 4;
  const int length = (prefix.length() + step - 1) / step * step;
  std::vector<Prefix> parts;
  const unsigned count = 1U << static_cast<unsigned>(length - prefix.length());
  for (unsigned i = 0; i < count; ++i) {
    auto octets = prefix.first().octets();
    const int last_bit = (prefix.family() == Family::ipv4 ? 96 : 0) + length;
    if (count > 1) {
      const auto at = static_cast<std::size_t>((last_bit - 1) / 8);
      octets[at] = static_cast<std::uint8_t>(octets[at] | (i << static_cast<unsigned>((8 - last_bit % 8) % 8)));
    }
    parts.push_back(Prefix::covering(IpAddress::from_octets(octets), length));
  }
  return parts;
}

void write_zone(std::FILE* out, const Listing& listing) {
  for (const auto& part : on_label_borders(listing.prefix)) {
    const std::string wildcard = part.is_single_address() ? "" : "*.";
    for (const Code code : kAllCodes) {
      if (listing.codes.has(code))
        fmt::print(out, "{}{} A 127.0.0.{}\n", wildcard, labels_of(part).substr(0, labels_of(part).size() - 1),
                   octet_of(code));
    }
  }
}

}  // namespace

int export_list(Context& context, const std::string& format) {
  auto store = context.store(schema::Store::Mode::read);
  if (!store) return context.failure;
  std::FILE* const out = context.world.out;
  bool first = true;
  if (format == "json") fmt::print(out, "[");
  if (format == "rbldnsd") fmt::print(out, ":127.0.0.2:Backscatter from $\n");
  const auto visited = store->for_each_listing(std::nullopt, context.world.now, [&](const Listing& listing) {
    const std::string text = listing.prefix.to_string();
    if (format == "plain") {
      fmt::print(out, "{}\n", text);
    } else if (format == "cidr") {
      fmt::print(out, "{}/{}\n", listing.prefix.first().to_string(), listing.prefix.length());
    } else if (format == "rbldnsd") {
      // rbldnsd answers one A per entry: the gravest code.
      const auto* const gravest = std::ranges::find_if(kAllCodes, [&](Code code) { return listing.codes.has(code); });
      fmt::print(out, "{} :127.0.0.{}:\n", text, octet_of(*gravest));
    } else if (format == "zone") {
      write_zone(out, listing);
    } else {
      nlohmann::ordered_json object{{"prefix", text}, {"source", name_of(listing.source)}};
      object["codes"] = nlohmann::ordered_json::array();
      for (const Code code : kAllCodes) {
        if (listing.codes.has(code)) object["codes"].push_back(name_of(code));
      }
      object["listed_at"] = to_iso8601(listing.listed_at);
      if (listing.expires_at) object["expires_at"] = to_iso8601(*listing.expires_at);
      fmt::print(out, "{}\n {}", first ? "" : ",",
                 object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    }
    first = false;
  });
  if (!visited) return context.complain(visited.error());
  if (format == "json") fmt::print(out, "\n]\n");
  return kYes;
}

}  // namespace blowback::cli
