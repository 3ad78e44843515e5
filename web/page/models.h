// What the templates are filled with, by page.
#pragma once

#include "page/pages.h"
#include "value.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace blowback::page {

/// What every page needs: language, links to the other languages, contact.
[[nodiscard]] Object frame_of(const About& about, const Texts& texts, const View& view, const std::string& title);

/// The path with the chosen language, if there is one.
[[nodiscard]] std::string link_to(const std::string& path, const View& view);

/// A mail address as a `mailto:`, a URL as it is.
[[nodiscard]] std::string link_of_contact(const std::string& contact);

/// 127.0.0.2 and what it stands for, of each code.
[[nodiscard]] List answers_in(const Texts& texts, CodeSet codes);

[[nodiscard]] Object address_model(const account::Account& account, const About& about, UnixTime now,
                                   const Texts& texts, const View& view, std::string_view form);
[[nodiscard]] Object network_model(const Prefix& network, const schema::NetworkState& state, const About& about,
                                   UnixTime now, const Texts& texts, const View& view);
[[nodiscard]] Object front_model(const Figures& figures, const About& about, UnixTime now, const Texts& texts,
                                 const View& view);

}  // namespace blowback::page
