// The page of a network.
#include "blowback/wording.h"
#include "models.h"
#include "wording.h"

#include <fmt/format.h>

namespace blowback::page {
namespace {

[[nodiscard]] Object row_of(const Listing& listing, UnixTime now, const Texts& texts, const View& view) {
  const auto network = listing.prefix.to_string();
  const auto since = when_in(texts, listing.listed_at, now);
  return {{"network", network},
          {"link", link_to("/" + network, view)},
          {"since", since},
          {"until", listing.expires_at ? when_in(texts, *listing.expires_at, now) : std::string()},
          {"answers", answers_in(texts, listing.codes)},
          {"reason", listing.reason.empty() ? std::string() : harmless(listing.reason)}};
}

}  // namespace

Object network_model(const Prefix& network, const schema::NetworkState& state, const About& about, UnixTime now,
                     const Texts& texts, const View& view) {
  const auto name = network.to_string();
  auto model = frame_of(about, texts, view, texts.say("network.title", {{"network", name}}));
  List around;
  for (const auto& listing : state.around) around.emplace_back(row_of(listing, now, texts, view));
  List within;
  for (const auto& listing : state.within) within.emplace_back(row_of(listing, now, texts, view));
  List exempt;
  for (const auto& exemption : state.exempt) {
    exempt.emplace_back(texts.say("network.exempt_row", {{"network", exemption.prefix.to_string()},
                                                         {"since", when_in(texts, exemption.since, now)},
                                                         {"reason", harmless(exemption.reason)}}));
  }
  model["time"] = minute(now);
  model["serial"] = std::to_string(state.serial);
  model["asked"] = name;
  model["network"] = name;
  model["is_empty"] = state.around.empty() && state.within.empty();
  model["within_heading"] =
      state.more_within
          ? texts.say("network.within_more", {{"n", std::to_string(state.within.size())}, {"network", name}})
          : texts.count("network.within", state.within.size(), {{"network", name}});
  model["around"] = std::move(around);
  model["within"] = std::move(within);
  model["exempt"] = std::move(exempt);
  return model;
}

}  // namespace blowback::page
