// `blowback export`: the list for other programs. It is read as of one serial before anything is written, so that a slow reader
// of the output holds no lock. It takes 48 octets of memory for each listing.
#include "account/codes.h"
#include "arguments.h"
#include "blowback/test_points.h"
#include "blowback/text.h"
#include "commands.h"
#include "export/formats.h"
#include "replacement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <expected>
#include <memory>
#include <system_error>

namespace blowback::cli {
namespace {

/// A listing without its reason.
struct Entry {
  Prefix prefix;
  CodeSet codes;
  Source source = Source::automatic;
  UnixTime listed_at{};
  std::optional<UnixTime> expires_at;
};

struct Read {
  std::vector<Entry> listings;  ///< by prefix
  std::vector<Prefix> exempt;   ///< exempt networks, and what is never listed
  Serial serial = 0;
};

/// Only what is listed with some of `codes`.
[[nodiscard]] schema::Result<Read> read(schema::Store& store, CodeSet codes, UnixTime now) {
  Read list;
  for (const auto& address : never_listed()) list.exempt.push_back(Prefix::of(address));
  const auto serial = store.snapshot(
      now,
      [&](const Listing& listing) {
        if ((listing.codes & codes).empty()) return;
        list.listings.push_back({.prefix = listing.prefix,
                                 .codes = listing.codes & codes,
                                 .source = listing.source,
                                 .listed_at = listing.listed_at,
                                 .expires_at = listing.expires_at});
      },
      [&](const Exemption& exemption) { list.exempt.push_back(exemption.prefix); });
  if (!serial) return std::unexpected(serial.error());
  list.serial = *serial;
  return list;
}

/// What listings and exemptions say. Without `with_codes` all have the same code, for formats that only say whether an address is listed.
[[nodiscard]] std::vector<Piece> said_in(const Read& list, bool with_codes) {
  std::vector<Piece> pieces_in;
  pieces_in.reserve(list.listings.size() + list.exempt.size());
  for (const auto& entry : list.listings) {
    pieces_in.push_back({.prefix = entry.prefix, .codes = with_codes ? entry.codes : CodeSet(Code::by_operator)});
  }
  for (const auto& exempt : list.exempt) pieces_in.push_back({.prefix = exempt, .codes = {}});
  return pieces_in;
}

/// Each listing with its times, without the exempt parts.
void write_json(std::FILE* out, const Read& list) {
  // Exemptions that aren't within others, in the order of for_each_piece: those within one listing are then adjacent.
  std::vector<Prefix> exempt;
  std::vector<Piece> pieces_in;
  pieces_in.reserve(list.exempt.size());
  for (const auto& prefix : list.exempt) pieces_in.push_back({.prefix = prefix, .codes = Code::by_operator});
  for_each_piece(std::move(pieces_in), [&](const Piece& piece) { exempt.push_back(piece.prefix); });
  bool first = true;
  const auto write = [&](const Entry& entry, const Prefix& prefix) {
    nlohmann::ordered_json object{{"prefix", prefix.to_string()}, {"source", name_of(entry.source)}};
    object["codes"] = account::names_of(entry.codes);
    object["answers"] = account::answers_of(entry.codes);
    object["listed_at"] = to_iso8601(entry.listed_at);
    if (entry.expires_at) object["expires_at"] = to_iso8601(*entry.expires_at);
    fmt::print(out, "{}\n {}", first ? "" : ",", object.dump());
    first = false;
  };
  fmt::print(out, "[");
  for (const auto& entry : list.listings) {
    auto within = std::ranges::lower_bound(exempt, entry.prefix, walked_before);
    if (within != exempt.begin() && std::prev(within)->contains(entry.prefix)) continue;
    std::vector<Piece> parts{{.prefix = entry.prefix, .codes = entry.codes}};
    for (; within != exempt.end() && entry.prefix.contains(*within); ++within) {
      parts.push_back({.prefix = *within, .codes = {}});
    }
    for_each_piece(std::move(parts), [&](const Piece& piece) { write(entry, piece.prefix); });
  }
  fmt::print(out, "\n]\n");
}

void write(std::FILE* out, const std::string& format, const Read& list, const config::Zone& zone, UnixTime now) {
  if (format == "json") {
    write_json(out, list);
    return;
  }
  const bool with_codes = format == "rbldnsd" || format == "zone";
  Exported exported{.zone = zone, .serial = list.serial, .now = now, .pieces = {}};
  auto said = said_in(list, with_codes);
  if (format == "zone") {
    std::ranges::sort(said, walked_before, &Piece::prefix);
    exported.pieces = std::move(said);
  } else {
    for_each_piece(std::move(said), [&](const Piece& piece) { exported.pieces.push_back(piece); });
  }
  if (format == "plain" || format == "cidr") {
    write_plain(out, exported, format == "cidr");
    return;
  }
  if (format == "rbldnsd") {
    write_rbldnsd(out, exported);
    return;
  }
  if (format == "postfix") {
    write_postfix(out, exported);
    return;
  }
  if (format == "nft") {
    write_nft(out, exported);
    return;
  }
  write_zone(out, exported);
}

/// The zone with that name, in upper or lower case and with or without a final dot; "": the first.
[[nodiscard]] std::expected<config::Zone, std::string> zone_named(const config::Config& config, std::string name) {
  const auto zones = config.zones();
  if (name.empty()) return zones.front();
  name = lower_case(name);
  if (name.ends_with('.')) name.pop_back();
  const auto zone = std::ranges::find(zones, name, &config::Zone::name);
  if (zone != zones.end()) return *zone;
  std::vector<std::string> names;
  for (const auto& each : zones) names.push_back(each.name);
  return std::unexpected(
      fmt::format("export: {} is no zone of the config; write one of {}", name, fmt::join(names, ", ")));
}

/// BIND refuses a zone with a name server in it that has no address.
void warn_of_nameservers(const Context& context, const config::Zone& zone) {
  for (const auto& name : config::without_address(zone)) {
    context.warn(
        fmt::format("export: the name server {} is in the zone, but the config has no address for it: add the "
                    "address after the name in zone.nameservers, or use a name server outside of {}",
                    name, zone.name));
  }
}

struct Arguments {
  std::string format = "plain";
  std::string zone;  ///< "": the first
  std::string to;    ///< the file that is replaced when all is written; "": standard output
};

int export_list(const Context& context, const Arguments& arguments) {
  const auto& [format, zone_name, to] = arguments;
  auto opened = context.open(schema::Store::Mode::read);
  if (!opened) return opened.error();
  auto& [config, store] = *opened;
  const auto zone = zone_named(config, zone_name);
  if (!zone) return context.fail(zone.error(), kWrongUse);
  const auto list = read(store, zone->codes, context.world.now);
  if (!list) return context.fail(list.error());
  if (format == "zone") warn_of_nameservers(context, *zone);
  if (to.empty()) {
    write(context.world.out, format, *list, *zone, context.world.now);
    return kYes;
  }
  const auto failed = [&](int error) {
    return context.fail(fmt::format("export: can't write {}: {}; the former file is unchanged", to,
                                    std::generic_category().message(error)),
                        kFailed);
  };
  try {
    // Other programs, which run as other users, read it.
    Replacement file(to, 0644);
    if (file.file() == nullptr) return failed(errno);
    write(file.file(), format, *list, *zone, context.world.now);
    return file.commit() ? static_cast<int>(kYes) : failed(errno);
  } catch (const std::system_error& error) {
    return failed(error.code().value());  // thrown by fmt::print
  }
}

}  // namespace

void add_export(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command = tool.add({.name = "export",
                           .summary = "The list for other programs",
                           .notes = {},
                           .examples = "  blowback export --format zone --to /etc/bind/bl.example.org.zone\n"
                                       "  blowback export --format rbldnsd --to /var/lib/rbldns/blowback\n"
                                       "  blowback export --format postfix --to /etc/postfix/backscatter.cidr\n"
                                       "  blowback export --format nft | nft -f -\n"
                                       "  blowback export --format zone --zone dsn-bl.example.org\n"},
                          [arguments](const Context& context) { return export_list(context, *arguments); });
  command.option("--format", arguments->format, "plain (the default), cidr, rbldnsd, zone, postfix, nft or json")
      .one_of("format", {"plain", "cidr", "rbldnsd", "zone", "postfix", "nft", "json"})
      .shown_as("FORMAT")
      .shows_default();
  command.option("--zone", arguments->zone, "A zone of the config, with its codes; without this option the first")
      .shown_as("NAME");
  command.option("--to", arguments->to, "Replace this file, once all is written, instead of printing").shown_as("FILE");
}

}  // namespace blowback::cli
