// Opening, complaining, and reading the arguments that several commands share.
#include "command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <utility>

namespace blowback::cli {
namespace {

constexpr std::chrono::seconds kQuiet{2};
constexpr std::chrono::seconds kDrawEvery{2};

}  // namespace

std::optional<config::Config> Context::config() {
  auto loaded = config::load(config::config_path(config_file, world.variable("BLOWBACK_CONFIG")));
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

schema::Slicing Context::progress(std::string what) const {
  if (!world.shows_progress) return {};
  using Clock = std::chrono::steady_clock;
  // What is done within two seconds needs no line.
  return {.between = [err = world.err, what = std::move(what), next = Clock::now() + kQuiet](std::uint64_t done,
                                                                                             std::uint64_t of) mutable {
    if (Clock::now() < next) return true;
    next = Clock::now() + kDrawEvery;
    const std::string all = of == 0 ? std::string() : fmt::format(" of {}", of);
    fmt::print(err, "{}: {}{}\n", what, done, all);
    return true;
  }};
}

int Context::complain(const std::string& text, int code) const {
  fmt::print(world.err, "blowback: {}\n", text);
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

std::optional<std::optional<UnixTime>> until(const Context& context, const std::string& duration) {
  if (duration.empty()) return std::optional<UnixTime>();
  const auto parsed = parse_duration(duration);
  if (!parsed || *parsed <= Duration{0}) {
    context.complain(
        fmt::format("--for {}: {}", duration, parsed ? "must be longer than nothing" : parsed.error().text), kWrongUse);
    return std::nullopt;
  }
  return std::optional(context.world.now + *parsed);
}

std::optional<IpAddress> address(const Context& context, const std::string& text) {
  const auto parsed = IpAddress::parse(text);
  if (parsed) return *parsed;
  context.complain(parsed.error().text, kWrongUse);
  return std::nullopt;
}

std::optional<Prefix> prefix(const Context& context, const std::string& text) {
  const auto parsed = Prefix::parse(text);
  if (parsed) return *parsed;
  context.complain(parsed.error().text, kWrongUse);
  return std::nullopt;
}

bool may_reach(const Context& context, const Prefix& network, Permission permission, std::string_view would) {
  if (permission == Permission::wide) return true;
  const auto reach = reach_of(network);
  if (reach.breadth == Breadth::narrow) return true;
  context.complain(fmt::format("{}; this would {} {}. Nothing was changed; if you mean all of it, add --wide",
                               in_words(reach), would, to_string(reach.addresses)),
                   kWrongUse);
  return false;
}

}  // namespace blowback::cli
