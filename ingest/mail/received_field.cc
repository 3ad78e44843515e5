// One Received: field: which address its writer saw, and whether that can be believed. The forms are in received_forms.cc.
//
// This is hard because a stranger chooses part of the line. In every form the writer adds three things: the address of the connection, which
// it knows; the name of that address in DNS, in which the address's owner may publish any text; and the HELO, which is any text. What each
// server allows there, according to its source or manual:
//
//   Postfix     HELO printable, without blank < > ( ) \ " ; @ (each becomes `?`), so one word, but it may hold [ ] and :.
//               Name: letters, digits, `-`, `.`, `_`, checked forward, else `unknown`. Unambiguous.
//   qmail       HELO, name and ident of [A-Za-z0-9.@%+/=:-], the rest becomes `?`; patched ones add [ ] _ # or the blank.
//               No parentheses, so `(HELO …)` and the last comment are reliable. Ident may contain @: the last one counts.
//   Exim        HELO a name or literal, unless helo_accept_junk_hosts lets in anything printable, as ident may be always.
//               The address precedes both: what follows it in its comment must be plain `key=word`.
//   Sendmail    HELO up to 256 octets; [A-Za-z0-9[].:_#-] unless AllowBogusHELO, then anything. Name: any; ident: cleaned.
//   OpenSMTPD   HELO a syntactically valid domain or literal.
//   Haraka      HELO anything but a blank; Courier: anything printable unless its checks are on; Exchange: a name or literal.
//   MailMarshal, InterMail, MDaemon, Kerio, hMailServer, IMail: HELO and name before the address; taken as any text.
//   CommuniGate, Yahoo, ZMailer: the address before the HELO; taken as any text.
//
// The word after `by` and what follows it is the writer's own, apart from the reverse-path and the ids made from a HELO. So a form in which
// the stranger's text could be mistaken for an address requires the product's name there.
//
// So the address isn't simply in the first or the last brackets: Exim's precedes the stranger's text, the others' follow it. Instead there
// are five rules:
//   1. The line must have one of the forms from its first word on: one HELO word, then the comment with the address, then `by`.
//   2. Every address anywhere in the line must be one that the form explains: the client's, a HELO that is nothing but an
//      address, a DNS name that looks like one, the writer's own behind `by`. A HELO that imitates a whole line
//      ("foo (bar [192.0.2.9]) by x") can't remove the true address, which the writer adds as well, and two addresses are a doubt.
//   3. `by` appears once, including comments. Else a HELO (or the reverse-path, which some content filters write after `from`) could contain
//      a complete line, and the true client would be taken for the writer's address after `by`.
//   4. A client has a network protocol after `with`: content filters write something else there, and have no client. Some mail servers
//      leave `with` out (`is_mail_server`).
//   5. If `\)` as RFC 5322 reads it and as plain text give different results, that is a doubt.
// Quarantine costs little, and to accuse an innocent server is bad, so everything else fails.
#include "blowback/ip_address.h"
#include "received_chain.h"
#include "received_forms.h"
#include "received_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace blowback::mail {
namespace {

constexpr std::size_t kLongestField = 4096;
constexpr std::size_t kLongestHelo = 255;  // RFC 5321 §4.5.3.1.2

std::unexpected<ReceivedError> failed(std::string text) { return std::unexpected(ReceivedError{std::move(text)}); }

/// RFC 3848: ESMTPA, ESMTPSA, LMTPA, UTF8SMTPSA…; Postfix, Sendmail and Exim write it in a comment. HTTP doesn't count: some providers relay
/// their own bounces by it.
/// IceWarp and Exim before 4.40 write ASMTP.
bool is_submission(const Destination& to) {
  const auto word = std::string_view(to.with).substr(0, to.with.find(' '));
  return word.ends_with("MTPA") || word.ends_with("MTPSA") || word == "ASMTP" || has_comment(to, "Authenticated");
}

/// Whether this writer writes confirmed names only. OpenSMTPD and Haraka write whatever the address's owner published.
bool confirms_names(const Destination& to) {
  return has_comment(to, "Postfix") || has_comment(to, "Exim ") || has_comment(to, "8.") ||
         to.by.ends_with(".google.com");
}

/// Rules 2 to 4 above.
std::optional<std::string> broken_rule(std::string_view value, std::size_t by_at, const Origin& origin,
                                       const Destination& to) {
  const auto is_within = [](std::string_view inner, std::string_view outer) {
    return !outer.empty() && inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size();
  };
  for (const auto address : addresses_in(value)) {
    const auto at = static_cast<std::size_t>(address.data() - value.data());
    if (origin.client && bare_address(address) == origin.client) continue;  // the same address twice is no doubt
    if (std::ranges::any_of(origin.explained, [&](std::string_view known) { return is_within(address, known); }))
      continue;
    if (is_within(address, to.own_address) || address.data() == to.by.data()) continue;
    // InterMail's id ends with the HELO.
    const auto claimed = address_literal(origin.helo);
    if (claimed && is_within(address, to.id) && bare_address(address) == claimed) continue;
    // After `by`, version numbers and ids may look like addresses; writers put addresses in brackets or parentheses.
    const char before = at > 0 ? value[at - 1] : ' ';
    const char after = at + address.size() < value.size() ? value[at + address.size()] : ' ';
    const bool is_meant = before == '[' || ((before == '(' || before == '@') && (after == ')' || after == '%'));
    if (at < by_at || is_meant) {
      return "it has another address too, and either of them may be the client's";
    }
  }
  if (by_at < value.size() && occurrences(value, "by") != 1)
    return "it has `by` twice, so part of it is a stranger's text";
  if (origin.client && !is_mail_server(to)) return "what follows `with` isn't a network protocol";
  return std::nullopt;
}

/// Exchange's `by NAME (ADDRESS)`.
std::optional<IpAddress> own_address_of(const Destination& to) {
  const auto addresses = addresses_in(to.own_address);
  return addresses.empty() ? std::nullopt : bare_address(addresses.front());
}

std::string_view without_angles(std::string_view path) {
  if (path.starts_with('<')) path.remove_prefix(1);
  return path.substr(0, path.find('>'));
}

std::expected<ReceivedHop, ReceivedError> read(std::string_view value, Backslash backslash) {
  const auto words = words_of(value, backslash);
  if (!words) return failed(words.error());
  if (words->empty()) return failed("it is empty");
  const std::span<const Word> all(*words);

  std::optional<Origin> origin;
  Destination to;
  std::size_t by_at = value.size();
  if (is_qmail_queue(all, backslash)) {
    origin.emplace();
    origin->local_handover = true;
  } else {
    // The word after `from` is the HELO even if it is "by".
    const bool says_from = !all[0].is_comment && equals_ignoring_case(all[0].text, "from");
    const bool says_by = !all[0].is_comment && equals_ignoring_case(all[0].text, "by");
    const auto from = all.begin() + (says_by ? 0 : std::min<std::ptrdiff_t>(says_from ? 2 : 1, std::ssize(all)));
    const auto by = std::find_if(
        from, all.end(), [](const Word& word) { return !word.is_comment && equals_ignoring_case(word.text, "by"); });
    if (by == all.end()) return failed("it doesn't name its writer (`by`)");
    by_at = static_cast<std::size_t>(by->text.data() - value.data());
    auto rest = destination_in(all.subspan(static_cast<std::size_t>(by - all.begin()) + 1), backslash);
    if (!rest) return failed("nothing follows `by`");
    to = std::move(*rest);
    origin = origin_in(all.first(static_cast<std::size_t>(by - all.begin())), to, backslash);
  }
  if (!origin) return failed("it has no form that is known");
  if (const auto doubt = broken_rule(value, by_at, *origin, to)) return failed(*doubt);
  if (origin->helo.size() > kLongestHelo) return failed("its HELO is longer than the 255 octets of RFC 5321");
  return ReceivedHop{.helo = std::string(origin->helo),
                     .client = origin->client,
                     .name = std::string(confirms_names(to) ? origin->name : std::string_view()),
                     .by = std::string(to.by),
                     .by_address = own_address_of(to),
                     .with = to.with,
                     .id = std::string(to.id),
                     .local_handover = origin->local_handover,
                     .is_submission = origin->is_submission || is_submission(to),
                     .recipient = std::string(without_angles(to.recipient))};
}

}  // namespace

std::expected<ReceivedHop, ReceivedError> parse_received(std::string_view value) {
  if (value.size() > kLongestField) return failed("it is longer than 4096 octets");
  if (std::ranges::any_of(value,
                          [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; })) {
    return failed("it contains a control character");
  }
  auto plain = read(value, Backslash::is_plain);
  if (!plain || value.find('\\') == std::string_view::npos) return plain;
  const auto quoted = read(value, Backslash::quotes);
  if (!quoted) return quoted;
  if (quoted->client != plain->client || quoted->local_handover != plain->local_handover || quoted->by != plain->by) {
    return failed("a backslash in it is ambiguous");
  }
  return plain;
}

}  // namespace blowback::mail
