// Opening, complaining, and reading the arguments that several commands share.
#include "command.h"

#include "export/formats.h"
#include "progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <cstdio>
#include <memory>

namespace blowback::cli {

std::expected<config::Config, config::ConfigError> Context::load_config(config::TrapFile trap_file) const {
  auto loaded = config::load(config::config_path(config_file, world.variable("BLOWBACK_CONFIG")), trap_file);
  if (loaded && !database.empty()) loaded->database = database;
  return loaded;
}

std::optional<config::Config> Context::config() {
  auto loaded = load_config();
  if (loaded) return std::move(*loaded);
  failure = complain(loaded.error().text, kWrongUse);
  return std::nullopt;
}

std::optional<schema::Store> Context::store(schema::Store::Mode mode) {
  const auto loaded = config();
  if (!loaded) return std::nullopt;
  auto opened = schema::Store::open(loaded->database, mode);
  if (opened) return std::move(*opened);
  failure = complain(opened.error());
  return std::nullopt;
}

schema::Slicing Context::progress(const std::string& what) const {
  if (!world.shows_progress) return {};
  return {.between = [progress = std::make_shared<Progress>(*this, what)](std::uint64_t done, std::uint64_t of) {
    progress->show(done, of, "steps");
    return true;
  }};
}

int Context::complain(const schema::StoreError& error) const {
  using enum schema::StoreError::Code;
  // The store's own mend is about the config, which doesn't name this file.
  if (error.code == missing && !database.empty() && error.text.starts_with(database)) {
    return complain(fmt::format("--database {}: no database there; check the name", database), kFailed);
  }
  return complain(error.text, error.code == too_wide ? kWrongUse : kFailed);
}

int Context::complain(const std::string& text, int code) const {
  // Where that can't be written either, the exit code says it all the same.
  std::fputs(fmt::format("blowback: {}\n", text).c_str(), world.err);
  return code;
}

void Context::say(const std::string& text) const { fmt::print(world.out, "{}\n", text); }

std::optional<schema::Decision> decision(const Context& context, const std::string& reason) {
  if (reason.find_first_not_of(" \t\r\n") == std::string::npos) {
    context.complain("--reason: say why; it goes on record and is shown to whoever asks", kWrongUse);
    return std::nullopt;
  }
  return schema::Decision{.who = context.world.who, .reason = reason};
}

namespace {

/// Outer empty: it was told on `err`; inner: nothing was given.
[[nodiscard]] std::optional<std::optional<Duration>> span(const Context& context, std::string_view option,
                                                          const std::string& text) {
  if (text.empty()) return std::optional<Duration>();
  const auto parsed = parse_duration(text);
  if (parsed && *parsed > Duration{0}) return std::optional(*parsed);
  context.complain(fmt::format("{} {}: {}", option, text, parsed ? "must be longer than nothing" : parsed.error().text),
                   kWrongUse);
  return std::nullopt;
}

}  // namespace

std::optional<std::optional<UnixTime>> until(const Context& context, const std::string& duration) {
  const auto length = span(context, "--for", duration);
  if (!length) return std::nullopt;
  return *length ? std::optional(context.world.now + **length) : std::nullopt;
}

std::optional<std::optional<UnixTime>> ago(const Context& context, std::string_view option,
                                           const std::string& duration) {
  const auto length = span(context, option, duration);
  if (!length) return std::nullopt;
  return *length ? std::optional(context.world.now - **length) : std::nullopt;
}

std::optional<IpAddress> address(const Context& context, const std::string& text) {
  const auto parsed = IpAddress::parse(text);
  if (parsed) return *parsed;
  context.complain(why_no_address(text), kWrongUse);
  return std::nullopt;
}

std::string why_no_address(std::string_view text) {
  const auto slash = text.find('/');
  const auto parsed = IpAddress::parse(text.substr(0, slash));
  if (!parsed) return parsed.error().text;
  const auto network = Prefix::parse(text);
  if (!network) return network.error().text;
  return fmt::format("{} is a network; name one address of it, or see `blowback listings {}`", text, text);
}

std::optional<Prefix> prefix(const Context& context, const std::string& text) {
  const auto parsed = Prefix::parse(text);
  if (parsed) return *parsed;
  context.complain(parsed.error().text, kWrongUse);
  return std::nullopt;
}

std::optional<std::string> why_never_listed(const Prefix& network) {
  const auto always = network.is_single_address() ? always_answered(network.first()) : std::nullopt;
  if (!always) return std::nullopt;
  const auto address = network.to_string();
  if (always->empty()) {
    return fmt::format("{} is never listed: mail servers see by it that a list doesn't list everybody (RFC 5782)",
                       address);
  }
  return fmt::format("{} is a test point, which is listed in any case, as {} (RFC 5782)", address,
                     fmt::join(names_of(*always), " "));
}

bool may_reach(const Context& context, const Prefix& network, Permission permission, std::string_view would,
               const std::string& where) {
  if (permission == Permission::wide) return true;
  const auto reach = reach_of(network);
  if (reach.breadth == Breadth::narrow) return true;
  context.complain(fmt::format("{}{}; this would {} {}. Nothing was changed; if you mean all of it, add --wide", where,
                               in_words(reach), would, to_string(reach.addresses)),
                   kWrongUse);
  return false;
}

}  // namespace blowback::cli
