// `blowback conform ZONE`: does a DNSBL, ours or any other, answer as resolvers and mail servers need it? With `--compare`: do two servers of it
// answer alike?
#include "arguments.h"
#include "blowback/text.h"
#include "commands.h"
#include "dns/client.h"
#include "dns/compared_names.h"
#include "dns/comparison.h"
#include "dns/conformance.h"
#include "dns/server_argument.h"
#include "findings.h"
#include "lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

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
  std::vector<std::string> compared;  ///< two servers; empty: none are compared
  std::string file;                   ///< with networks to ask about; "": those of the database
  std::size_t count = 1'000;          ///< random questions
  std::optional<std::size_t> seed;    ///< of them; absent: another one each time
  std::string wait = "30s";           ///< for equal serials
};

/// What the comparison asks about, and where that comes from.
struct Sample {
  std::vector<Prefix> networks;    ///< listed or exempt
  std::vector<std::string> hosts;  ///< names of hosts in the zone
  std::string source;
};

constexpr std::uint64_t kMostQuestions = 100'000;
constexpr std::size_t kMostListed = 2'000;
constexpr std::size_t kMostExempt = 500;

/// Of all networks in force, without keeping all of them in memory: each is as likely to be drawn as any other (reservoir sampling).
[[nodiscard]] schema::Result<Sample> sample_of(schema::Store& store, UnixTime now, std::uint64_t seed) {
  Sample sample;
  std::mt19937_64 random(seed);
  const auto draw = [&](std::vector<Prefix>& drawn, std::size_t most, std::uint64_t before, const Prefix& prefix) {
    if (drawn.size() < most) {
      drawn.push_back(prefix);
    } else if (const auto place = random() % (before + 1); place < most) {
      drawn[place] = prefix;
    }
  };
  std::uint64_t listed = 0;
  const auto visited = store.for_each_listing(
      {}, now, [&](const Listing& listing) { draw(sample.networks, kMostListed, listed++, listing.prefix); });
  if (!visited) return std::unexpected(visited.error());
  const auto exemptions = store.exemptions(now);
  if (!exemptions) return std::unexpected(exemptions.error());
  std::vector<Prefix> exempt;
  std::uint64_t count = 0;
  for (const auto& exemption : *exemptions) draw(exempt, kMostExempt, count++, exemption.prefix);
  sample.source = fmt::format("{} of {} listings and {} of {} exemptions in the database", sample.networks.size(),
                              listed, exempt.size(), count);
  sample.networks.insert(sample.networks.end(), exempt.begin(), exempt.end());
  return sample;
}

/// From the file, or from this installation's database if that is of the zone. Anybody else's zone is compared at random names.
[[nodiscard]] OrExit<Sample> draw_sample(const Context& context, const Arguments& arguments, const std::string& zone,
                                         std::uint64_t seed) {
  if (!arguments.file.empty()) {
    const auto given = networks(context, {.texts = {}, .file = arguments.file});
    if (!given) return std::unexpected(given.error());
    Sample sample{
        .networks = {}, .hosts = {}, .source = fmt::format("{} networks in {}", given->all.size(), given->source)};
    for (const auto& one : given->all) sample.networks.push_back(one.value);
    return sample;
  }
  const auto config = context.load_config(config::TrapFile::left_out);
  if (!config || config->zone.name != zone)
    return Sample{.networks = {}, .hosts = {}, .source = "random addresses: no config here is of this zone"};
  auto store = schema::Store::open(config->database, schema::Store::Mode::read);
  if (!store) return std::unexpected(context.fail(store.error()));
  auto sample = sample_of(*store, context.world.now, seed);
  if (!sample) return std::unexpected(context.fail(sample.error()));
  for (const auto* const hosts : {&config->zone.nameserver_addresses, &config->zone.hosts}) {
    for (const auto& host : *hosts) sample->hosts.push_back(host.name);
  }
  return *std::move(sample);
}

int compare_servers(const Context& context, const Arguments& arguments, const std::string& zone) {
  std::array<config::Endpoint, 2> servers;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const auto given = server_argument(context, "--compare", arguments.compared.at(i));
    if (!given) return given.error();
    servers.at(i) = *given;
  }
  const auto wait = duration(context, "--wait", arguments.wait);
  if (!wait) return wait.error();
  const std::uint64_t seed = arguments.seed ? *arguments.seed : std::random_device()();
  const auto sample = draw_sample(context, arguments, zone, seed);
  if (!sample) return sample.error();
  auto questions = draw_questions(zone, sample->networks, arguments.count, seed);
  for (const auto& host : sample->hosts) {
    for (const auto type : {RecordType::a, RecordType::aaaa, RecordType::txt})
      questions.push_back({.name = host, .type = type});
  }
  const bool for_people = context.format == Format::table;
  if (for_people) {
    context.print_line(
        heading(fmt::format("{} at {} and {}", zone, to_string(servers[0]), to_string(servers[1])), context.bold));
    context.print_line(fmt::format("{} questions, --seed {}; names from {}", questions.size(), seed, sample->source));
  }
  const auto compared = compare(servers, zone, questions, {.for_serials = *wait});
  if (!compared.serial) return context.fail("nothing was compared: " + compared.failure, kNo);
  Table table({"name", "type", "difference", "first", "second"});
  for (const auto& [question, part, theirs] : compared.differences)
    table.add({Cell(question.name), Cell(name_of(question.type)), Cell(part), Cell(theirs[0]), Cell(theirs[1])});
  if (!for_people || !table.empty()) context.print(table);
  if (for_people) {
    const auto count = compared.differences.size();
    context.print_line(fmt::format("{} difference{} at serial {}", count, count == 1 ? "" : "s", *compared.serial));
  }
  if (compared.unsettled > 0) {
    return context.fail(fmt::format("{} more questions have different answers, which may be no differences: {}",
                                    compared.unsettled, compared.failure),
                        kNo);
  }
  return compared.differences.empty() ? kYes : kNo;
}

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
  if (!arguments.compared.empty()) {
    if (!arguments.server.empty() || !arguments.listed.empty())
      return context.fail("--compare names its own two servers, and takes neither --server nor --listed", kWrongUse);
    return compare_servers(context, arguments, zone);
  }
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
  auto command = tool.add({.name = "conform",
                           .summary = "Check whether a DNSBL, ours or any, answers as resolvers and mail servers need",
                           .notes = {},
                           .examples = "  blowback conform bl.example.org\n"
                                       "  blowback conform bl.example.org --server 127.0.0.1:5300 --listed 192.0.2.1\n"
                                       "  blowback conform bl.example.org --compare 192.0.2.1 192.0.2.53\n"},
                          [arguments](const Context& context) { return conform(context, *arguments); });
  command.option("ZONE", arguments->zone, "The zone of the list, such as bl.example.org").required();
  command.option("--server", arguments->server, "The server to query, instead of the zone's first name server")
      .shown_as("ADDRESS[:PORT]");
  command.option("--listed", arguments->listed, "An address that is listed, to check its names, too").shown_as("IP");
  command
      .option("--resolver", arguments->resolver,
              "The resolver to query for name servers and their addresses, instead of the system's")
      .shown_as("ADDRESS[:PORT]");
  command.option("--compare", arguments->compared, "Compare the answers of two servers instead")
      .two_values()
      .shown_as("ADDRESS[:PORT] ADDRESS[:PORT]");
  command.option("--file", arguments->file, "Of --compare: ask about the networks in FILE, not about the database's")
      .shown_as("FILE");
  command.option("--count", arguments->count, "Of --compare: how many random names to ask for")
      .whole_number(kMostQuestions)
      .shows_default();
  command.option("--seed", arguments->seed, "Of --compare: ask the same names again").whole_number();
  command.option("--wait", arguments->wait, "Of --compare: how long both may take to have the same serial")
      .shown_as("TIME=30s");
  command.format();
}

}  // namespace blowback::cli
