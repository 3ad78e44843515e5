// The account in sentences: what an accused postmaster reads.
#include "account.h"
#include "advice.h"
#include "output.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace blowback::cli {
namespace {

[[nodiscard]] std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

[[nodiscard]] std::string_view in_plain_words(Kind kind) {
  switch (kind) {
    case Kind::dsn:
      return "bounce";
    case Kind::challenge:
      return "challenge";
    case Kind::virus_notice:
      return "virus or filter notice";
    case Kind::auto_reply:
      return "automatic reply";
    case Kind::mdn:
      return "read receipt";
    case Kind::callout:
      return "sender callout";
    case Kind::feedback:
    case Kind::not_backscatter:
      break;
  }
  return "message";
}

[[nodiscard]] std::string_view in_plain_words(Cause cause) {
  switch (cause) {
    case Cause::unknown_user:
      return "unknown user";
    case Cause::over_quota:
      return "mailbox full";
    case Cause::content_rejected:
      return "content rejected";
    case Cause::delayed:
      return "delivery delayed";
    case Cause::policy:
      return "policy";
    case Cause::system:
      return "system trouble";
    case Cause::other:
      return "other reason";
    case Cause::none:
      break;
  }
  return "";
}

[[nodiscard]] std::string named(Kind kind, Cause cause) {
  const auto reason = in_plain_words(cause);
  return reason.empty() ? std::string(in_plain_words(kind)) : fmt::format("{} ({})", in_plain_words(kind), reason);
}

/// "3 of them", "All 3", "It" where there was but one.
[[nodiscard]] std::string some(std::uint64_t some, std::uint64_t all) {
  if (all == 1) return "It";
  return some == all ? fmt::format("All {}", all) : fmt::format("{} of them", some);
}

constexpr std::size_t kWidest = 100;

class Teller {
 public:
  Teller(const Account& account, const Policy& policy, UnixTime now, bool bold)
      : account_(account), policy_(policy), now_(now), bold_(bold) {}

  [[nodiscard]] std::string all(const IpAddress& asked) && {
    if (!account_.is_known()) {
      say(fmt::format("Nothing was ever seen of {}, and it isn't listed.", asked.to_string()));
      return std::move(text_);
    }
    state(asked);
    if (!account_.seen.empty()) {
      what_was_seen();
      the_sum();
      what_to_change();
    }
    say("");
    say("All times are UTC.");
    return std::move(text_);
  }

 private:
  /// A line, wrapped where it is longer than a mail should have; what goes on is set in like what it belongs to.
  void say(std::string_view line) {
    const std::size_t blanks = std::min(line.find_first_not_of(' '), line.size());
    const std::size_t indent = blanks + (line.substr(blanks).starts_with("- ") ? 2 : 0);
    while (line.size() > kWidest) {
      std::size_t cut = line.rfind(' ', kWidest);
      // A setting in backquotes stays whole, so that it can be copied.
      if (cut != std::string_view::npos && std::ranges::count(line.substr(0, cut), '`') % 2 != 0) {
        const std::size_t whole = line.rfind(' ', line.rfind('`', cut));
        if (whole != std::string_view::npos && whole > indent) cut = whole;
      }
      if (cut == std::string_view::npos || cut <= indent) break;
      text_ += line.substr(0, cut);
      text_ += '\n' + std::string(indent, ' ');
      line.remove_prefix(cut + 1);
    }
    text_ += line;
    text_ += '\n';
  }
  void head(std::string_view line) { say("\n" + heading(line, bold_)); }

  void state(const IpAddress& asked) {
    std::string who = asked.to_string();
    if (!account_.sender.is_single_address()) {
      who += fmt::format(" (counted as {}, since one holder has all of it)", account_.sender.to_string());
    }
    if (!account_.exempt.empty()) {
      for (const auto& exemption : account_.exempt) exempt(who, exemption);
      return;
    }
    if (account_.in_force.empty()) say(fmt::format("{} is NOT LISTED.", who));
    for (const auto& listing : account_.in_force) listed(who, listing);
    if (account_.afresh_since) {
      say(fmt::format("The operator delisted it {}: what came before counts no more.",
                      when(*account_.afresh_since, now_)));
    }
    for (const auto& bygone : account_.bygone) {
      say(fmt::format("It was listed before, from {} to {}, {}.", minute(bygone.from), minute(bygone.to),
                      bygone.by_operator ? "when the operator ended it" : "when that ended by itself"));
    }
  }

  /// Without the full stop that an operator may have written: the sentence brings its own.
  [[nodiscard]] static std::string reason_of(const std::string& written) {
    std::string reason = harmless(written);
    while (reason.ends_with('.')) reason.pop_back();
    return reason;
  }

  void exempt(const std::string& who, const Exemption& exemption) {
    say(fmt::format("{} is EXEMPT as part of {} since {}: {}.", who, exemption.prefix.to_string(),
                    when(exemption.since, now_), reason_of(exemption.reason)));
    say("It isn't listed, whatever was seen.");
    if (exemption.expires_at) say(fmt::format("The exemption ends {}.", when(*exemption.expires_at, now_)));
  }

  void listed(const std::string& who, const Listing& listing) {
    std::string codes;
    for (const Code code : kAllCodes) {
      if (!listing.codes.has(code)) continue;
      codes += fmt::format("{}127.0.0.{} ({})", codes.empty() ? "" : ", ", octet_of(code), name_of(code));
    }
    say(fmt::format("{} is LISTED since {}, answered as {}.", who, when(listing.listed_at, now_), codes));
    switch (listing.source) {
      case Source::by_operator:
        say(fmt::format("The operator listed {}: {}.", listing.prefix.to_string(), reason_of(listing.reason)));
        say(listing.expires_at ? fmt::format("That ends {}.", when(*listing.expires_at, now_))
                               : "That stays until the operator ends it.");
        break;
      case Source::automatic:
        if (!listing.expires_at) break;
        say(fmt::format("If nothing more comes, the listing ends by itself {}. Nothing needs to be asked for or paid.",
                        when(*listing.expires_at, now_)));
        break;
    }
  }

  void what_was_seen() {
    head("What was seen");
    if (account_.incidents_read < account_.incidents_in_all) {
      say(fmt::format("  (the newest {} of {} incidents)", account_.incidents_read, account_.incidents_in_all));
    }
    for (const auto& seen : account_.seen) {
      const std::string span = minute(seen.first) == minute(seen.last)
                                   ? minute(seen.last)
                                   : fmt::format("{} to {}", minute(seen.first), minute(seen.last));
      say(fmt::format("  {} × {}, {}, at {}, of {}", seen.incidents, named(seen.kind, seen.cause), span,
                      plural(seen.traps, "trap address", "trap addresses"),
                      plural(seen.campaigns, "forged mailing", "forged mailings")) +
          (seen.product.empty() ? "" : fmt::format(", written by {}", called(seen.product))));
      if (seen.claims_trap > 0) {
        say(
            fmt::format("      {} returned mail that claims to come from the trap itself. Traps never send mail: the "
                        "sender was forged.",
                        some(seen.claims_trap, seen.incidents)));
      }
      if (seen.could_have_known > 0) {
        say(
            fmt::format("      {} could have been refused: by the server's own header, SPF had failed when it took the "
                        "mail.",
                        some(seen.could_have_known, seen.incidents)));
      }
    }
    // Said only where it is true of all there is; one mailing at one trap may be a guess (nothing was returned).
    if (account_.seen.size() == 1 && account_.seen.front().campaigns == 1 && account_.seen.front().traps > 1 &&
        account_.incidents_read == account_.incidents_in_all && account_.incidents_in_all > 2) {
      say("  All of it is one forged mailing that was aimed at this server, a joe-job. One mailing lists nobody by "
          "itself.");
    }
    say("  Traps are addresses that nobody uses and that never send: whatever answers them answers a forgery. They are "
        "never shown.");
    if (account_.times_listed > 1) {
      say(fmt::format("  It is counted as listed {} times; each time lasts longer.", account_.times_listed));
    }
  }

  void the_sum() {
    head("The sum");
    say(fmt::format("  Each incident adds its weight and fades: half of it is left after {}.",
                    in_words(policy_.half_life)));
    const auto parts = in_hundredths(account_);
    const auto amount = [](std::int64_t hundredths) { return static_cast<double>(hundredths) / 100; };
    bool any_cut = false;
    for (std::size_t i = 0; i < account_.terms.size(); ++i) {
      const auto& term = account_.terms[i];
      const bool cut = is_cut(term);
      any_cut |= cut;
      say(fmt::format("  {}  {:<42} {:5.2f}{} → {:6.2f} now", minute(term.at), named(term.kind, term.cause),
                      term.credit, cut ? "*" : " ", amount(parts[i])));
    }
    if (account_.older_incidents > 0) {
      say(fmt::format("  {:<16}  {:<42} {:5}    {:6.2f} now", "earlier",
                      plural(account_.older_incidents, "more incident", "more incidents"), "", amount(parts.back())));
    } else if (parts.back() != 0) {
      say(fmt::format("  {:<16}  {:<42} {:5}    {:6.2f} now", "", "reckoned under an earlier policy", "",
                      amount(parts.back())));
    }
    if (account_.added_nothing > 0) {
      any_cut = true;
      say(fmt::format("  {:<16}  {:<42} {:5.2f}* → {:6.2f} now", "besides",
                      plural(account_.added_nothing, "incident", "incidents"), 0.0, 0.0));
    }
    say(fmt::format("  {:<16}  {:<42} {:5}    {:6.2f} now", "", "score", "",
                    amount(std::llround(account_.score * 100))));
    say(fmt::format(
        "  A sender is listed at {:.2f}, once {} and {} agree; it counts as over at {:.2f}.", policy_.list_at,
        plural(static_cast<std::uint64_t>(policy_.distinct_traps), "trap", "different traps"),
        plural(static_cast<std::uint64_t>(policy_.distinct_campaigns), "forged mailing", "different forged mailings"),
        policy_.delist_below));
    say(fmt::format(
        "  In the last {} {} (of {} needed) and {} (of {} needed) reported.", in_words(policy_.memory()),
        plural(static_cast<std::uint64_t>(account_.traps), "trap", "different traps"), policy_.distinct_traps,
        plural(static_cast<std::uint64_t>(account_.campaigns), "forged mailing", "different forged mailings"),
        policy_.distinct_campaigns));
    if (any_cut) {
      say(
          fmt::format("  * added less than its weight: one trap can have {:.2f} standing against a sender at most, one "
                      "forged mailing {:.2f}.",
                      policy_.trap_cap, policy_.campaign_cap));
    }
  }

  void what_to_change() {
    head("What to change");
    std::set<std::string> told;
    for (const auto& seen : account_.seen) {
      const std::string fault(fault_of(seen.kind, seen.cause));
      if (told.insert(fault).second) say("  " + fault);
      for (const auto& step : steps_for(seen.kind, seen.cause, seen.product)) {
        if (told.insert(step).second) say("    - " + step);
      }
    }
  }

  const Account& account_;
  const Policy& policy_;
  UnixTime now_;
  bool bold_;
  std::string text_;
};

}  // namespace

std::string told(const Account& account, const IpAddress& asked, const Policy& policy, UnixTime now, bool bold) {
  return Teller(account, policy, now, bold).all(asked);
}

}  // namespace blowback::cli
