// `blowback conform ZONE`: does a DNSBL, ours or any other, answer as resolvers and mail servers need it?
#include "arguments.h"
#include "blowback/text.h"
#include "commands.h"
#include "dns/client.h"
#include "dns/conformance.h"
#include "dns/server_argument.h"
#include "findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace blowback::cli {
namespace {

/// For a resolver, which may have to query several servers.
constexpr std::chrono::milliseconds kPatience{4000};

constexpr Wording kWording{
    .grade = "result", .grades = {"pass", "note", "fail"}, .advice = "breaks", .has_source = true};

/// An address of the host. Absent: the resolver finds none.
[[nodiscard]] std::optional<config::Endpoint> endpoint_of(const std::string& host, const Lookup& lookup) {
  for (const auto type : {RecordType::a, RecordType::aaaa}) {
    const auto reply = ask(*lookup.resolver, {.name = host, .type = type, .recursion_desired = true}, kPatience);
    if (!reply) continue;
    for (const auto& record : reply->answers_of(type)) {
      if (record.rdata.empty()) continue;
      if (const auto address = IpAddress::parse(record.rdata[0]))
        return config::Endpoint{.address = *address, .port = lookup.port};
    }
  }
  return std::nullopt;
}

/// The first of the zone's name servers that has an address.
[[nodiscard]] OrExit<config::Endpoint> server_of(const Context& context, const std::string& zone,
                                                 const Lookup& lookup) {
  if (!lookup.resolver) {
    return std::unexpected(context.fail(
        "/etc/resolv.conf has no resolver to find the zone's name servers; name one of them with --server", kFailed));
  }
  const auto servers =
      ask(*lookup.resolver, {.name = zone, .type = RecordType::ns, .recursion_desired = true}, kPatience);
  if (!servers) {
    return std::unexpected(context.fail(
        fmt::format("the resolver {} doesn't find the name servers of {}: {}; name one of them with --server",
                    to_string(*lookup.resolver), zone, servers.error().text),
        kFailed));
  }
  for (const auto& record : servers->answers_of(RecordType::ns)) {
    if (record.rdata.empty()) continue;
    if (const auto found = endpoint_of(record.rdata[0], lookup)) return *found;
  }
  return std::unexpected(context.fail(
      fmt::format("no name server of {} was found ({}); check the name of the zone, or name a server with --server",
                  zone, rcode_text(servers->rcode)),
      kFailed));
}

struct Arguments {
  std::string zone;
  std::string server;  ///< an address, with or without a port; "": the zone's first name server
  std::string listed;  ///< an address that is listed; "": only the test points are known to be
  std::string resolver;
};

int conform(const Context& context, const Arguments& arguments) {
  auto zone = lower_case(arguments.zone);
  if (zone.ends_with('.')) zone.pop_back();
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  // The 32 labels of an IPv6 address precede it, and a name has at most 255 octets (RFC 1035 §2.3.4).
  constexpr std::size_t kLongest = 253 - 64;
  if (zone.empty() || zone.size() > kLongest || !std::ranges::all_of(zone, is_plain) || zone.contains("..") ||
      zone.front() == '.') {
    return context.fail(fmt::format("'{}' isn't the name of a zone; write it like bl.example.org", arguments.zone),
                        kWrongUse);
  }
  const auto lookup = resolver_argument(context, arguments.resolver);
  if (!lookup) return lookup.error();
  std::optional<IpAddress> listed;
  if (!arguments.listed.empty()) {
    const auto given = address(context, arguments.listed);
    if (!given) return given.error();
    listed = *given;
  }
  const auto server = arguments.server.empty() ? server_of(context, zone, *lookup)
                                               : server_argument(context, "--server", arguments.server);
  if (!server) return server.error();
  if (context.format == Format::table)
    context.print_line(heading(fmt::format("{} at {}", zone, to_string(*server)), context.bold));
  Findings findings;
  examine_list(*server, zone, listed, *lookup, findings);
  findings.print(context, kWording);
  return findings.any_bad() ? kNo : kYes;
}

}  // namespace

void add_conform(Command& tool) {
  const auto arguments = std::make_shared<Arguments>();
  auto command =
      tool.add({.name = "conform",
                .summary = "Check whether a DNSBL, ours or any, answers as resolvers and mail servers need",
                .notes = {},
                .examples = "  blowback conform bl.example.org\n"
                            "  blowback conform bl.example.org --server 127.0.0.1:5300 --listed 192.0.2.1\n"},
               [arguments](const Context& context) { return conform(context, *arguments); });
  command.option("ZONE", arguments->zone, "The zone of the list, such as bl.example.org").required();
  command.option("--server", arguments->server, "The server to query, instead of the zone's first name server")
      .shown_as("ADDRESS[:PORT]");
  command.option("--listed", arguments->listed, "An address that is listed, to check its names, too").shown_as("IP");
  command
      .option("--resolver", arguments->resolver,
              "The resolver to query for name servers and their addresses, instead of the system's")
      .shown_as("ADDRESS[:PORT]");
  command.format();
}

}  // namespace blowback::cli
