#include "arguments.h"

#include "account/codes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace blowback::cli {

void add_several(Command& command, SeveralArguments& several, const std::string& name, const std::string& help) {
  command.option(name, several.texts, help);
  command.option("--file", several.file, "Also those in this file, one per line, comments after # or ;")
      .shown_as("FILE");
}

void add_list_options(Command& command, ListArguments& arguments, const std::string& who, const std::string& since) {
  command.option("--who", arguments.who, who).shown_as("NAME");
  command.option("--since", arguments.since, since).shown_as("TIME");
  command.option("--most", arguments.most, "At most so many").whole_number().shown_as("N");
}

void add_most(Command& command, std::size_t& most) {
  command.option("--most", most, "At most so many, the newest first").whole_number().shows_default();
}

void add_reason(Command& command, std::string& reason) {
  command.option("--reason", reason, "Why; it is recorded").required();
}

void add_duration(Command& command, std::string& duration) {
  command.option("--for", duration, "For how long, such as 14d; without it, until ended by hand");
}

void add_wide(Command& command, bool& wide) {
  command.flag("--wide", wide,
               "Even if it is wide: shorter than /16 (IPv6: /32), special-use space, millions of addresses");
}

void add_dry_run(Command& command, bool& dry_run) {
  command.flag("--dry-run", dry_run, "Change nothing; print what it would do");
}

OrExit<schema::Decision> decision(const Context& context, const std::string& reason) {
  if (reason.find_first_not_of(" \t\r\n") == std::string::npos) {
    return std::unexpected(
        context.fail("--reason: give a reason; it is recorded, and shown to anybody who asks", kWrongUse));
  }
  return schema::Decision{.who = context.world.who, .reason = reason};
}

OrExit<Duration> duration(const Context& context, std::string_view option, const std::string& text) {
  const auto parsed = parse_duration(text);
  if (parsed && *parsed > Duration{0}) return *parsed;
  return std::unexpected(context.fail(
      fmt::format("{} {}: {}", option, text, parsed ? "must be longer than 0" : parsed.error().text), kWrongUse));
}

OrExit<std::optional<UnixTime>> until(const Context& context, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto length = duration(context, "--for", text);
  if (!length) return std::unexpected(length.error());
  return context.world.now + *length;
}

OrExit<std::optional<UnixTime>> since(const Context& context, const std::string& text) {
  if (text.empty()) return std::nullopt;
  const auto length = duration(context, "--since", text);
  if (!length) return std::unexpected(length.error());
  return context.world.now - *length;
}

OrExit<IpAddress> address(const Context& context, const std::string& text) {
  const auto parsed = IpAddress::parse(text);
  if (!parsed) return std::unexpected(context.fail(why_no_address(text), kWrongUse));
  return *parsed;
}

OrExit<Prefix> prefix(const Context& context, const std::string& text) {
  const auto parsed = Prefix::parse(text);
  if (!parsed) return std::unexpected(context.fail(parsed.error().text, kWrongUse));
  return *parsed;
}

std::string why_no_address(std::string_view text) {
  const auto slash = text.find('/');
  const auto parsed = IpAddress::parse(text.substr(0, slash));
  if (!parsed) return parsed.error().text;
  const auto network = Prefix::parse(text);
  if (!network) return network.error().text;
  return fmt::format("{} is a network; name one address of it, or see `blowback listings {}`", text, text);
}

std::optional<std::string> why_never_listed(const Prefix& network) {
  const auto always = network.is_single_address() ? account::always_answered(network.first()) : std::nullopt;
  if (!always) return std::nullopt;
  const auto address = network.to_string();
  if (always->empty()) {
    return fmt::format("{} is never listed: mail servers use it to check that a list doesn't list everybody (RFC 5782)",
                       address);
  }
  return fmt::format("{} is a test point, which is always listed, as {} (RFC 5782)", address,
                     fmt::join(account::names_of(*always), " "));
}

bool may_reach(const Context& context, const Prefix& network, Permission permission, std::string_view would,
               const std::string& where) {
  if (permission == Permission::wide) return true;
  const auto reach = reach_of(network);
  if (reach.breadth == Breadth::narrow) return true;
  context.warn(fmt::format("{}{}; this would {} {}. Nothing was changed; if that is intended, add --wide", where,
                           in_words(reach), would, to_string(reach.addresses)));
  return false;
}

}  // namespace blowback::cli
