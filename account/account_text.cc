// The account in sentences, for the postmaster of the sender.
#include "account/account.h"
#include "account/advice.h"
#include "blowback/wording.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace blowback::account {
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

/// "3 of them", "All 3", or "It" if there is only one.
[[nodiscard]] std::string some(std::uint64_t some, std::uint64_t all) {
  if (all == 1) return "It";
  return some == all ? fmt::format("All {}", all) : fmt::format("{} of them", some);
}

/// `2026-11-24 08h`: the time of a message is given to the hour only.
[[nodiscard]] std::string hour(UnixTime time) { return minute(time).substr(0, 13) + "h"; }

[[nodiscard]] std::string traps(std::uint64_t count) { return plural(count, "trap", "independent traps"); }
[[nodiscard]] std::string mailings(std::uint64_t count) { return plural(count, "forged mailing", "forged mailings"); }
[[nodiscard]] std::string networks(std::uint64_t count) { return plural(count, "network", "networks"); }

[[nodiscard]] double shown(std::int64_t hundredths) { return static_cast<double>(hundredths) / 100; }

constexpr std::size_t kWidest = 100;

class AccountText {
 public:
  AccountText(const Account& account, const Policy& policy, UnixTime now, bool bold)
      : account_(account), policy_(policy), now_(now), bold_(bold) {}

  [[nodiscard]] std::string all(const std::string& contact) && {
    if (!account_.is_known()) {
      add_line(fmt::format("Nothing was ever seen of {}, and it isn't listed.", account_.asked.to_string()));
      what_is_gone();
      return std::move(text_);
    }
    state();
    if (account_.seen.empty()) {
      what_is_gone();
    } else {
      what_was_seen();
    }
    if (account_.counted > 0) {
      the_sum();
      what_to_change();
    }
    add_line("");
    add_line(fmt::format("Questions: {}", contact));
    add_line("All times are UTC. The times of received mail are given to the hour, as in 08h.");
    return std::move(text_);
  }

 private:
  /// Adds a line, wrapped at kWidest characters. Continuation lines have the indentation of the first.
  void add_line(std::string_view text) {
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t indent = blanks + (text.substr(blanks).starts_with("- ") ? 2 : 0);
    while (text.size() > kWidest) {
      std::size_t cut = text.rfind(' ', kWidest);
      // A setting in backquotes stays whole, so that it can be copied.
      if (cut != std::string_view::npos && std::ranges::count(text.substr(0, cut), '`') % 2 != 0) {
        const std::size_t whole = text.rfind(' ', text.rfind('`', cut));
        if (whole != std::string_view::npos && whole > indent) cut = whole;
      }
      if (cut == std::string_view::npos || cut <= indent) break;
      text_ += text.substr(0, cut);
      text_ += '\n' + std::string(indent, ' ');
      text.remove_prefix(cut + 1);
    }
    text_ += text;
    text_ += '\n';
  }
  void head(std::string_view text) { add_line("\n" + heading(text, bold_)); }

  void state() {
    std::string who = account_.asked.to_string();
    if (!account_.sender.is_single_address()) {
      who += fmt::format(" (counted as {}, since one holder has all of it)", account_.sender.to_string());
    }
    for (const auto& exemption : account_.exempt) exempt(who, exemption);
    if (account_.exempt.empty()) {
      if (account_.in_force.empty()) add_line(fmt::format("{} is NOT LISTED.", who));
      for (const auto& listing : account_.in_force) listed(who, listing);
    }
    if (account_.incidents_in_all == 0) {
      add_line(fmt::format("Nothing was seen of {} itself.", account_.sender.to_string()));
    } else if (!account_.sender.is_single_address() && !account_.clients.empty()) {
      neighbours();
    }
    if (account_.incidents_in_all > 0 && account_.counted == 0 &&
        account_.incidents_read == account_.incidents_in_all) {
      const bool is_kept = account_.is_listed() && std::ranges::any_of(account_.in_force, [](const Listing& listing) {
                             return listing.source == Source::automatic;
                           });
      add_line(
          is_kept
              ? "What was seen of it was recorded by an earlier version and no longer counts; listings by that version "
                "keep their end."
              : "Nothing that was seen of it counts.");
    }
    if (account_.afresh_since) {
      add_line(
          fmt::format("It was delisted {}: earlier incidents no longer count.", when(*account_.afresh_since, now_)));
    }
    for (const auto& bygone : account_.bygone) over(bygone);
    though_enough();
  }

  /// Why it isn't listed although the sum below suffices.
  void though_enough() {
    switch (account_.unlisted) {
      case Unlisted::none:
        break;
      case Unlisted::was_exempt:
        add_line(!account_.ended_by_exemption()
                     ? "An exemption kept it off the list; the next incident that counts lists it."
                     : "An exemption ended its listing; the next incident that counts lists it again.");
        break;
      case Unlisted::special_use:
        add_line("Addresses of this kind are never listed automatically.");
        break;
      case Unlisted::no_incident_since:
        add_line(
            "Its score is enough for a listing, but only an incident lists a sender: the next one that counts lists "
            "it.");
        break;
    }
  }

  /// Which addresses of the sender's network were seen.
  void neighbours() {
    std::string from;
    for (const auto& client : account_.clients) from += (from.empty() ? "" : ", ") + client.to_string();
    if (account_.more_clients > 0) {
      from += " and " + plural(account_.more_clients, "more address", "more addresses") + " in it";
    }
    add_line(fmt::format("What {} came from {}.{}", account_.counted > 0 ? "counts" : "was seen", from,
                         account_.asked_was_seen
                             ? ""
                             : fmt::format(" Nothing was seen of {} itself{}.", account_.asked.to_string(),
                                           account_.incidents_read < account_.incidents_in_all ? " lately" : "")));
  }

  void over(const Bygone& bygone) {
    const std::string span = fmt::format("from {} to {}", minute(bygone.from), minute(bygone.to));
    const std::string_view end = bygone.by_operator ? "when it was ended" : "when the listing expired";
    switch (bygone.source) {
      case Source::automatic:
        add_line(fmt::format("It was listed before, {}, {}.", span, end));
        break;
      case Source::by_operator:
        add_line(fmt::format("The operator had listed {} before, {}, {}.", bygone.prefix.to_string(), span, end));
        break;
    }
  }

  /// Without a full stop at its end: the sentence has its own.
  [[nodiscard]] static std::string reason_of(const std::string& written) {
    std::string reason = harmless(written);
    while (reason.ends_with('.')) reason.pop_back();
    return reason;
  }

  void exempt(const std::string& who, const Exemption& exemption) {
    add_line(fmt::format("{} is EXEMPT as part of {} since {}: {}.", who, exemption.prefix.to_string(),
                         when(exemption.since, now_), reason_of(exemption.reason)));
    add_line("It isn't listed, whatever was seen.");
    if (exemption.expires_at) add_line(fmt::format("The exemption ends {}.", when(*exemption.expires_at, now_)));
  }

  void listed(const std::string& who, const Listing& listing) {
    std::string codes;
    for (const Code code : kAllCodes) {
      if (!listing.codes.has(code)) continue;
      codes += fmt::format("{}127.0.0.{} ({})", codes.empty() ? "" : ", ", octet_of(code), name_of(code));
    }
    const bool is_wider = listing.prefix.contains(account_.sender) && listing.prefix != account_.sender;
    add_line(fmt::format("{} is LISTED since {}{}, answered as {}.", who, when(listing.listed_at, now_),
                         is_wider ? " as part of " + listing.prefix.to_string() : "", codes));
    switch (listing.source) {
      case Source::by_operator:
        add_line(fmt::format("The operator listed {}: {}.", listing.prefix.to_string(), reason_of(listing.reason)));
        add_line(listing.expires_at ? fmt::format("That ends {}.", when(*listing.expires_at, now_))
                                    : "That stays until the operator ends it.");
        break;
      case Source::automatic:
        if (!listing.expires_at) break;
        add_line(
            fmt::format("If nothing more comes, the listing ends by itself {}. Nothing needs to be asked for or paid.",
                        when(*listing.expires_at, now_)));
        break;
    }
  }

  void what_was_seen() {
    head("What was seen");
    if (account_.incidents_read < account_.incidents_in_all) {
      add_line(fmt::format("  (the newest {} of {} incidents)", account_.incidents_read, account_.incidents_in_all));
    }
    what_is_gone();
    for (const auto& seen : account_.seen) {
      const std::string span =
          seen.first == seen.last ? hour(seen.last) : fmt::format("{} to {}", hour(seen.first), hour(seen.last));
      add_line(fmt::format("  {} × {}, {}{}", seen.incidents, named(seen.kind, seen.cause), span,
                           seen.product.empty() ? "" : fmt::format(", written by {}", product_name(seen.product))));
      if (seen.counted > 0) what_counts(seen);
      for (const auto& [counting, count] : seen.uncounted) {
        add_line(fmt::format("      {} {} count: {}.", some(count, seen.incidents),
                             seen.incidents == 1 ? "doesn't" : "don't", in_words(counting)));
      }
    }
    if (account_.is_one_mailing()) {
      add_line(
          "  All of it is one forged mailing that was aimed at this server, a joe-job. One mailing lists nobody by "
          "itself.");
    }
    add_line(
        "  A trap is an address, or a whole domain, that nobody uses and that never sends: whatever answers it answers "
        "a "
        "forgery. Traps are never shown.");
    if (account_.counted < account_.incidents_read) {
      add_line(
          "  Mail counts only if its reverse-path is null and this server created it. Mail that it relayed for others "
          "doesn't count against it.");
    }
    if (account_.times_listed > 1) {
      add_line(fmt::format("  It is counted as listed {} times; each time lasts longer.", account_.times_listed));
    }
  }

  /// What is no longer stored and so is missing in the account.
  void what_is_gone() {
    if (account_.incidents_since) {
      add_line(
          fmt::format("  Incidents before {} are no longer stored one by one; their share of the score is in the sum.",
                      minute(*account_.incidents_since)));
    }
    if (account_.texts_expired > 0) {
      const bool all_expired = account_.texts_expired == account_.incidents_read;
      add_line(
          fmt::format("  The texts of {} (names, ids, subjects and so on) have expired; the sum still has their share.",
                      all_expired ? "these incidents" : fmt::format("{} of these incidents", account_.texts_expired)));
    }
    if (account_.is_converting) {
      add_line("  Earlier incidents are being converted by a new version and are missing here until that is done.");
    }
  }

  void what_counts(const Observation& seen) {
    const bool all_forgiven = seen.forgiven == seen.counted;
    const std::string_view counts = all_forgiven          ? "counted until it was delisted"
                                    : seen.incidents == 1 ? "counts"
                                                          : "count";
    std::string line = fmt::format("      {} {}: at {}, of {}", some(seen.counted, seen.incidents), counts,
                                   traps(seen.witnesses), mailings(seen.campaigns));
    if (seen.origins > 0) line += fmt::format(", handed to this server from {}", networks(seen.origins));
    if (seen.unknown_origin > 0) {
      line += seen.unknown_origin == seen.counted
                  ? ", without a trace of who handed the mail in"
                  : fmt::format(", {} without a trace of who handed the mail in", seen.unknown_origin);
    }
    add_line(line + ".");
    if (seen.forgiven > 0 && !all_forgiven) {
      add_line(fmt::format("      {} of these came before it was delisted, and {} no more.", seen.forgiven,
                           seen.forgiven == 1 ? "counts" : "count"));
    }
    if (seen.claims_trap > 0) {
      add_line(fmt::format("      {} returned mail that claims to come from the trap itself. Traps never send mail.",
                           some(seen.claims_trap, seen.incidents)));
    }
    if (seen.could_have_known > 0) {
      add_line(
          fmt::format("      {} could have been refused: the server's own header says that SPF failed when it "
                      "accepted the mail.",
                      some(seen.could_have_known, seen.incidents)));
    }
  }

  /// A line of the sum; "" and absent leave a column empty.
  void row(std::string_view when, std::string_view what, std::string_view weight, std::string_view added,
           std::int64_t now) {
    add_line(fmt::format("  {:<14}  {:<52} {:>6}  {:>6}  {:>6.2f}", when, what, weight, added, shown(now)));
  }

  void the_sum() {
    head("The sum");
    add_line(fmt::format("  Each incident that counts adds its weight and fades: half of it is left after {}.",
                         in_words(policy_.half_life)));
    const auto parts = in_hundredths(account_);
    add_line(fmt::format("  {:<14}  {:<52} {:>6}  {:>6}  {:>6}", "received", "what", "weight", "added ", "now"));
    bool any_unknown = false;
    bool any_rounded = false;
    for (std::size_t i = 0; i < account_.terms.size(); ++i) {
      const auto& term = account_.terms[i];
      any_unknown |= term.unknown_origin;
      any_rounded |= parts[i] != in_hundredths(term.left);
      row(hour(term.hour), named(term.kind, term.cause) + (term.unknown_origin ? ", no trace" : ""),
          fmt::format("{:.2f}", shown(in_hundredths(term.weight))),
          fmt::format("{:.2f}{}", shown(in_hundredths(term.credit)), term.cut == Cut::none ? " " : "*"), parts[i]);
    }
    if (account_.added_nothing > 0) {
      row("besides", plural(account_.added_nothing, "incident", "incidents"), "",
          account_.cuts.empty() ? "0.00 " : "0.00*", 0);
    }
    if (account_.older_incidents > 0) {
      row("earlier", plural(account_.older_incidents, "more incident", "more incidents"), "", "", parts.back());
    } else if (parts.back() != 0) {
      row("", "scored under an earlier policy", "", "", parts.back());
    }
    row("", "score", "", "", in_hundredths(account_.score));
    if (any_rounded) add_line("  The last column is rounded so that it adds up.");
    what_was_cut();
    if (any_unknown) {
      add_line(fmt::format(
          "  \"no trace\" weighs {:.2f} of the others: it doesn't show who handed the mail to this server, so all "
          "of these may come from one sender.",
          policy_.unknown_origin));
    }
    thresholds();
  }

  void what_was_cut() {
    if (account_.cuts.empty()) return;
    std::string line;
    for (const auto& [cut, count] : account_.cuts)
      line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count, why(cut));
    add_line(fmt::format("  * added less than its weight: {}.", line));
  }

  [[nodiscard]] std::string why(Cut cut) const {
    switch (cut) {
      case Cut::witness:
        return fmt::format("because one trap can add at most {:.2f}", policy_.trap_cap);
      case Cut::campaign:
        return fmt::format("because one forged mailing can add at most {:.2f}", policy_.campaign_cap);
      case Cut::origin:
        return fmt::format(
            "because one network that handed mail in can add at most {:.2f} ({:.2f} per trap and day if it isn't "
            "known)",
            policy_.origin_cap, policy_.origin_cap * policy_.unknown_origin);
      case Cut::mailbox:
        return fmt::format("because one mailbox that answers or fails can add at most {:.2f}", policy_.mailbox_cap);
      case Cut::none:
      case Cut::unknown:
        break;
    }
    const bool all_read = account_.incidents_read == account_.incidents_in_all && !account_.incidents_since;
    return all_read ? "under an earlier policy"
                    : "under an earlier policy, or because incidents that aren't shown here had used up a cap";
  }

  void thresholds() {
    const auto number = [](int count) { return static_cast<std::uint64_t>(count); };
    add_line(fmt::format("  A sender is listed at {:.2f}, once {} and {} agree; it counts as over at {:.2f}.",
                         policy_.list_at, traps(number(policy_.distinct_traps)),
                         mailings(number(policy_.distinct_campaigns)), policy_.delist_below));
    std::string line =
        fmt::format("  In the last {} {} (of {} needed) and {} (of {} needed) reported", in_words(policy_.memory()),
                    traps(number(account_.witnesses)), policy_.distinct_traps, mailings(number(account_.campaigns)),
                    policy_.distinct_campaigns);
    if (account_.witnesses > 0) {
      line += fmt::format(", about mail that {} handed in",
                          account_.origins == 0 ? "unknown networks" : networks(number(account_.origins)));
    }
    add_line(line + ".");
  }

  void what_to_change() {
    head("What to change");
    std::set<std::string> printed;
    for (const auto& seen : account_.seen) {
      if (seen.counted == 0) continue;
      const std::string fault(fault_of(seen.kind, seen.cause));
      if (printed.insert(fault).second) add_line("  " + fault);
      for (const auto& step : steps_for(seen.kind, seen.cause, seen.product)) {
        if (printed.insert(step).second) add_line("    - " + step);
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

std::string text_of(const Account& account, const Policy& policy, UnixTime now, const std::string& contact, bool bold) {
  auto text = AccountText(account, policy, now, bold).all(contact);
  return account.removals ? text + text_of(*account.removals, policy, now, bold) : text;
}

}  // namespace blowback::account
