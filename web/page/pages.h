// The pages: from what is known to HTML, in a visitor's language. Pure, but for `load`.
//
// A page says of a sender what `why` says, from the same account (account/account.h). So it has no trap, and no octets that a sender chose per
// message.
#pragma once

#include "account/account.h"
#include "blowback/policy.h"
#include "blowback/retention.h"
#include "page/language.h"
#include "page/texts.h"
#include "schema/store.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::page {

/// What the config says of the list.
struct About {
  std::string zone;
  std::string url;      ///< without a final slash
  std::string contact;  ///< a mail address or an https URL
  Policy policy;
  Retention retention;
  Duration ttl{};            ///< of the answers
  std::string removal_mail;  ///< removal.mail; "": there is no way by mail
};

/// For whom a page is made.
struct View {
  Language language = Language::en;
  /// The visitor chose the language by a link; then all links of the page keep it.
  bool chosen = false;
  std::string path;  ///< of this page, percent-encoded: for links to it in other languages
};

/// For the front page.
struct Figures {
  schema::Stats stats;
  std::vector<schema::ListDay> days;  ///< the last 90
};

/// Pages that say why there is no other.
enum class Message : std::uint8_t {
  bad_address,
  not_found,
  too_many,
  unavailable,
  method,
  removal_elsewhere,  ///< not by the address itself, `detail`
  removal_form,       ///< not by our form, or by an old one
  removal_busy        ///< can't be taken at the moment
};

/// How many listings within a network a page shows.
inline constexpr std::size_t kMostWithin = 100;

using Page = std::expected<std::string, PageError>;

class Pages {
 public:
  /// Reads `FOLDER/templates` and `FOLDER/languages`. Fails on any mistake in them.
  [[nodiscard]] static std::expected<Pages, PageError> load(const std::string& folder);
  Pages(Pages&&) noexcept;
  Pages& operator=(Pages&&) noexcept;
  ~Pages();

  // Safe from any thread. They fail only if a template doesn't fit this program.
  [[nodiscard]] Page front(const Figures& figures, const About& about, UnixTime now, const View& view) const;
  /// `form`: the secret value of the form by which this visitor asks for removal; "": the page has none.
  [[nodiscard]] Page address(const account::Account& account, const About& about, UnixTime now, const View& view,
                             std::string_view form = {}) const;
  /// `network` isn't a single address.
  [[nodiscard]] Page network(const Prefix& network, const schema::NetworkState& state, const About& about, UnixTime now,
                             const View& view) const;
  /// `detail`: what was asked for (bad_address; any text by a stranger), or how long to wait (too_many).
  [[nodiscard]] Page message(Message message, const About& about, const View& view, std::string_view detail = {},
                             std::optional<Duration> wait = std::nullopt) const;

  [[nodiscard]] const std::string& stylesheet() const;

 private:
  struct Parts;
  explicit Pages(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

}  // namespace blowback::page
