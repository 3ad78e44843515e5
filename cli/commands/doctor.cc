// `blowback doctor`: checks everything that can be wrong with an installation, and says how to fix it. It changes nothing.
#include "certificate_findings.h"
#include "commands.h"
#include "database_findings.h"
#include "dns/server_argument.h"
#include "dns/server_findings.h"
#include "feed_findings.h"
#include "findings.h"

#include <fmt/format.h>

#include <memory>
#include <string>

namespace blowback::cli {
namespace {

constexpr Wording kWording{
    .grade = "state", .grades = {"ok", "warning", "problem"}, .advice = "mend", .has_source = false};

void look_at_traps(const config::Config& config, Findings& findings) {
  const auto& traps = config.traps;
  if (traps.domains.empty() && traps.addresses.empty()) {
    findings.doubtful("traps", "none are configured, so every recipient of a feed is a trap",
                      "name them in [traps], unless all mail of all feeds is for traps");
  } else {
    findings.good("traps",
                  fmt::format("{} domain{}, {} address{}", traps.domains.size(), traps.domains.size() == 1 ? "" : "s",
                              traps.addresses.size(), traps.addresses.size() == 1 ? "" : "es"));
  }
  look_at_witnesses(config, {}, findings);
  if (config.policy.any_reverse_path) {
    findings.doubtful("reverse path",
                      "policy.reverse_path is \"any\": anybody who can send mail through a server can get it listed",
                      "set it to \"null\", unless only people whom you trust can write to your traps");
  }
}

int doctor(const Context& context, const std::string& resolver) {
  const auto lookup = resolver_argument(context, resolver);
  if (!lookup) return lookup.error();
  Findings findings;
  const auto config = context.load_config();
  if (config) {
    findings.good("config", fmt::format("{}, zone {}", config->file, config->zone.name));
    for (const auto& zone : config->zones()) look_at_name_servers(zone, {}, findings);
    look_at_traps(*config, findings);
    if (config->feeds.empty()) {
      findings.doubtful("feeds", "none are configured, so only `list` and `import` list anything",
                        "add a [[feed]] to the config");
    }
    look_at_feeds(*config, {}, context.world.now, findings);
    auto store = look_at_database(*config, context.world.now, findings);
    look_at_transfer_tls(config->server.transfer.tls, context.world.now, {}, findings);
    look_at_server(*config, store ? &*store : nullptr, context.world.now, *lookup, findings);
    look_at_delegation(*config, *lookup, findings);
  } else {
    findings.bad("config", config.error().text, "fix what the message says; until then no program starts");
  }
  findings.print(context, kWording);
  return findings.any_bad() ? kNo : kYes;
}

}  // namespace

void add_doctor(Command& tool) {
  const auto resolver = std::make_shared<std::string>();
  auto command = tool.add({.name = "doctor",
                           .summary = "Check everything that can be wrong, and say how to fix it",
                           .notes = {},
                           .examples = "  blowback doctor\n"
                                       "  blowback doctor --resolver 192.0.2.53 --format json\n"},
                          [resolver](const Context& context) { return doctor(context, *resolver); });
  command.option("--resolver", *resolver, "The resolver to query for the delegation, instead of the system's")
      .shown_as("ADDRESS[:PORT]");
  command.format();
}

}  // namespace blowback::cli
