// One Received: field: which address its writer saw. The forms of the known mail servers, each from its left end.
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
//
// So the address isn't simply in the first or the last brackets: Exim's precedes the stranger's text, the others' follow it. Instead there
// are five rules:
//   1. The line must have one of the forms from its first word on: one HELO word, then the comment with the address, then `by`.
//   2. Every address anywhere in the line must be one that the form explains: the client's, a HELO that is nothing but an
//      address, a DNS name that looks like one, the writer's own behind `by`. A HELO that imitates a whole line
//      ("foo (bar [192.0.2.9]) by x") can't remove the true address, which the writer adds as well, and two addresses are a doubt.
//   3. `by` appears once, including comments. Else a HELO (or the reverse-path, which some content filters write after `from`) could contain
//      a complete line, and the true client would be taken for the writer's address after `by`.
//   4. A client has a network protocol after `with`: content filters write something else there, and have no client.
//   5. If `\)` as RFC 5322 reads it and as plain text give different results, that is a doubt.
// Quarantine costs little, and to accuse an innocent server is bad, so everything else fails.
#include "blowback/ip_address.h"
#include "received_chain.h"
#include "received_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace blowback::mail {
namespace {

constexpr std::size_t kLongestField = 4096;
constexpr std::size_t kLongestHelo = 255;  // RFC 5321 §4.5.3.1.2

using Words = std::vector<Word>;
using Explained = std::vector<std::string_view>;

std::unexpected<ReceivedError> failed(std::string text) { return std::unexpected(ReceivedError{std::move(text)}); }

/// The part of the field before `by`.
struct Origin {
  std::string_view helo;
  std::string_view name;  ///< confirmed by the writer
  std::optional<IpAddress> client;
  bool local_handover = false;
  Explained explained;  ///< the parts of the field whose addresses are explained
};

/// The part of the field from `by` on.
struct Destination {
  std::string_view by;
  std::string with;
  std::string_view id;
  std::string_view recipient;
  std::vector<std::string_view> comments;
  std::string_view own_address;  ///< the comment with the writer's own address; empty: none
};

bool has_bracket(std::string_view text) { return text.find_first_of("[]") != std::string_view::npos; }

/// The text from the beginning of `first` to the end of `last`, which belong to the same field.
std::string_view stretch(std::string_view first, std::string_view last) { return {first.begin(), last.end()}; }

/// `[local]` (OpenSMTPD), `[unix socket]` (Cyrus), `[unix:/path]`: a connection without an address.
bool names_no_network(std::string_view comment) {
  const auto open = comment.rfind('[');
  if (open == std::string_view::npos || comment.back() != ']') return false;
  const auto inside = comment.substr(open + 1, comment.size() - open - 2);
  return equals_ignoring_case(inside, "local") || begins(inside, "unix");
}

bool begins_as_exim_pair(std::string_view text) {
  return begins(text, "helo=") || begins(text, "ident=") || begins(text, "port=");
}

/// `helo=x`, `ident=x`, `port=x`: what Exim adds to the address. A HELO that is an address is explained; an ident isn't.
bool is_exim_pair(const Word& word, std::string_view& helo, Explained& explained) {
  if (word.is_comment || word.glued) return false;
  if (begins(word.text, "helo=") && word.text.size() > 5) {
    helo = word.text.substr(5);
    if (bare_address(helo) || address_literal(helo)) explained.push_back(helo);
    return true;
  }
  return begins_as_exim_pair(word.text) && !begins(word.text, "helo=");
}

/// Parses the comment with the client. `text`: without its parentheses.
///   NAME [ADDRESS] · NAME [ADDRESS] (may be forged) · IDENT:user@NAME [ADDRESS] · IDENT: user, NAME [ADDRESS]
///   [ADDRESS] · user@[ADDRESS] · [ADDRESS]:PORT helo=x ident=y · ADDRESS · ident@ADDRESS
/// Absent: it is none of them.
std::optional<Origin> client_comment(std::string_view text, Backslash backslash) {
  const auto parsed = words_of(text, backslash);
  if (!parsed || parsed->empty()) return std::nullopt;
  std::span<const Word> words(*parsed);
  Origin origin;

  // Courier: `IDENT: user, NAME [ADDRESS]`.
  if (words.size() >= 3 && equals_ignoring_case(words[0].text, "IDENT:")) words = words.subspan(2);

  // `from [A] (helo=x [B])`: a name like `helo=x` would make B the client, but to Exim B is the stranger's text.
  if (words[0].is_comment || begins_as_exim_pair(words[0].text)) return std::nullopt;
  const auto first = words[0].text;

  // The address alone, by Exchange and qmail. qmail's ident may contain @, so the last one counts.
  if (words.size() == 1 && !has_bracket(first)) {
    const auto at = first.rfind('@');
    const auto address = first.substr(at == std::string_view::npos ? 0 : at + 1);
    origin.client = bare_address(address);
    if (!origin.client) return std::nullopt;
    origin.explained.push_back(address);
    return origin;
  }

  // `[ADDRESS]` first: the name isn't known, or it is Exim's form.
  std::string_view literal = first;
  if (const auto at = first.rfind("@["); at != std::string_view::npos && !has_bracket(first.substr(0, at))) {
    literal = first.substr(at + 1);
  }
  std::size_t next = 1;
  const bool address_is_first = address_literal(literal).has_value();
  if (!address_is_first) {
    if (has_bracket(first) || words.size() < 2 || words[1].is_comment || words[1].glued) return std::nullopt;
    if (bare_address(first)) origin.explained.push_back(first);  // a name that looks like an address: PTR 192.0.2.9.
    // Postfix, Sendmail and Google write a name only if it is confirmed; Sendmail adds a comment if it isn't.
    const bool is_confirmed = !equals_ignoring_case(first, "unknown") && first.find('@') == std::string_view::npos &&
                              std::ranges::none_of(words, [](const Word& word) { return word.is_comment; });
    if (is_confirmed) origin.name = first;
    literal = words[1].text;
    next = 2;
  }
  origin.client = address_literal(literal);
  if (!origin.client) return std::nullopt;
  origin.explained.push_back(literal);

  for (const Word& word : words.subspan(next)) {
    if (word.is_comment) continue;  // (may be forged)
    if (!address_is_first || !is_exim_pair(word, origin.helo, origin.explained)) return std::nullopt;
  }
  return origin;
}

/// Whether a HELO is just an address, also in the form that qmail makes of a literal (`?192.0.2.9?`).
bool is_address_alone(std::string_view helo) {
  if (address_literal(helo)) return true;
  if (helo.starts_with('?')) helo.remove_prefix(1);
  if (helo.ends_with('?')) helo.remove_suffix(1);
  return bare_address(helo).has_value();
}

/// `HELO x` or `EHLO x`, qmail's comment between name and address; x may be missing. Absent: it isn't that.
std::optional<std::string_view> qmail_helo(const Word& word, Backslash backslash) {
  if (!word.is_comment) return std::nullopt;
  const auto words = words_of(word.text, backslash);
  if (!words || words->empty() || words->size() > 2) return std::nullopt;
  if (!equals_ignoring_case((*words)[0].text, "HELO") && !equals_ignoring_case((*words)[0].text, "EHLO"))
    return std::nullopt;
  if (words->size() == 1) return std::string_view{};
  if ((*words)[1].is_comment) return std::nullopt;
  return (*words)[1].text;
}

bool is_pull(const Destination& to) { return begins(to.with, "POP") || begins(to.with, "IMAP"); }
bool is_lmtp(const Destination& to) { return begins(to.with, "LMTP"); }
bool is_local(const Destination& to) { return begins(to.with, "LOCAL"); }
bool is_microsoft(const Destination& to) { return begins(to.with, "MICROSOFT"); }

/// Whether `with` names a network protocol (Courier's `local` has 127.0.0.1 as its client). Some MTAs add words (`ESMTPSA`, `Microsoft SMTP
/// Server`, `UTF8SMTP`).
bool is_network(const Destination& to) {
  constexpr std::array<std::string_view, 7> kProtocols{"SMTP", "LMTP", "QMTP", "QMQP", "MAPI", "HTTP", "LOCAL"};
  return std::ranges::any_of(kProtocols, [&](std::string_view protocol) { return to.with.contains(protocol); });
}

bool has_comment(const Destination& to, std::string_view beginning) {
  return std::ranges::any_of(to.comments, [&](std::string_view comment) { return begins(comment, beginning); });
}

/// Parses what follows `by`; `words` begins with the word after it.
std::optional<Destination> destination(std::span<const Word> words, Backslash backslash) {
  Destination to;
  if (words.empty() || words[0].is_comment) return std::nullopt;
  bool ended = false;  // by the semicolon in front of the date
  const auto without_semicolon = [&](std::string_view text) {
    if (!text.empty() && text.back() == ';') {
      ended = true;
      text.remove_suffix(1);
    }
    return text;
  };
  to.by = without_semicolon(words[0].text);
  if (to.by.empty()) return std::nullopt;

  // Exchange and content filters add their own address to their name.
  if (!ended && words.size() > 1 && words[1].is_comment && !words[1].glued) {
    const auto own = client_comment(words[1].text, backslash);
    if (own && own->helo.empty() && words[1].text.find('(') == std::string_view::npos) to.own_address = words[1].text;
  }

  enum class Clause : std::uint8_t { none, with, id, recipient, skip } clause = Clause::none;
  for (const Word& word : words.subspan(1)) {
    if (ended) break;
    if (word.is_comment) {
      to.comments.push_back(word.text);
      if (clause == Clause::with && !to.with.empty()) clause = Clause::none;
      continue;
    }
    const auto text = without_semicolon(word.text);
    if (equals_ignoring_case(text, "with") && to.with.empty()) {
      clause = Clause::with;
    } else if (equals_ignoring_case(text, "id") && to.id.empty()) {
      clause = Clause::id;
    } else if (equals_ignoring_case(text, "for")) {
      clause = Clause::recipient;
    } else if (equals_ignoring_case(text, "via")) {
      clause = Clause::skip;
    } else if (clause == Clause::recipient) {
      if (to.recipient.empty()) to.recipient = text;
      clause = Clause::none;
    } else if (clause == Clause::with) {
      to.with += (to.with.empty() ? "" : " ") + upper(text);
    } else if (clause == Clause::id) {
      to.id = text;
      clause = Clause::none;
    } else {
      clause = Clause::none;
    }
  }
  return to;
}

/// `from HELO …` without a comment before `by`.
std::optional<Origin> origin_without_comment(std::string_view helo, const Destination& to) {
  Origin origin{.helo = helo, .name = {}, .client = {}, .local_handover = false, .explained = {}};
  if (const auto literal = address_literal(helo)) {
    // Exim writes `from [ADDRESS] by` if the HELO was the same literal. Other servers would write a HELO in that way.
    if (!has_comment(to, "Exim ")) return std::nullopt;
    origin.client = literal;
    origin.explained.push_back(helo);
    return origin;
  }
  // LMTP is used for local delivery only; `local` is a program on the writer's host; by POP and IMAP we fetched the message ourselves.
  origin.local_handover = is_lmtp(to) || is_local(to) || is_pull(to);
  if (bare_address(helo)) origin.explained.push_back(helo);
  return origin;
}

/// `from HELO …`: `words` are those between `from` and `by`.
std::optional<Origin> origin_of(std::span<const Word> words, const Destination& to, Backslash backslash) {
  if (words.empty() || words[0].is_comment) return std::nullopt;
  const auto helo = words[0].text;
  const auto rest = words.subspan(1);
  if (rest.empty()) return origin_without_comment(helo, to);
  if (rest[0].glued) return std::nullopt;
  const bool is_literal = address_literal(helo).has_value();

  if (!rest[0].is_comment) {
    Origin handover{.helo = helo, .name = {}, .client = {}, .local_handover = true, .explained = {}};
    // fetchmail: `from NAME [ADDRESS] by localhost with POP3`. The address is that of the mailbox's server, which isn't the client.
    if (rest.size() == 1 && is_pull(to) && address_literal(rest[0].text)) {
      handover.explained.push_back(rest[0].text);
      return handover;
    }
    // Exchange's and IIS's pickup folder.
    if (rest.size() == 2 && equals_ignoring_case(stretch(helo, rest[1].text), "mail pickup service")) return handover;
    return std::nullopt;
  }

  const auto trailing_are_comments = [](std::span<const Word> trailing) {
    return std::ranges::all_of(trailing, [](const Word& word) { return word.is_comment; });
  };

  // qmail: `from NAME (HELO x) (ADDRESS)`. The name is from DNS and may look like an address.
  if (const auto found = qmail_helo(rest[0], backslash)) {
    if (rest.size() < 2 || !rest[1].is_comment || !trailing_are_comments(rest.subspan(2))) return std::nullopt;
    auto origin = client_comment(rest[1].text, backslash);
    if (!origin || !origin->helo.empty()) return std::nullopt;
    origin->helo = *found;
    if (bare_address(helo)) origin->explained.push_back(helo);
    if (is_address_alone(*found)) origin->explained.push_back(*found);
    return origin;
  }
  if (rest.size() == 2 && rest[1].text == ";" && names_no_network(rest[0].text)) {  // OpenSMTPD before 6: `[local]);`
    return Origin{.helo = helo, .name = {}, .client = {}, .local_handover = true, .explained = {}};
  }
  if (!trailing_are_comments(rest.subspan(1))) return std::nullopt;

  // Exim without a name: `from [ADDRESS] (helo=x)`.
  if (is_literal) {
    Origin origin;
    const auto pairs = words_of(rest[0].text, backslash);
    if (pairs && !pairs->empty() && std::ranges::all_of(*pairs, [&](const Word& word) {
          return is_exim_pair(word, origin.helo, origin.explained);
        })) {
      origin.client = address_literal(helo);
      origin.explained.push_back(helo);
      if (origin.helo.empty()) origin.helo = helo;
      return origin;
    }
  }

  if (auto origin = client_comment(rest[0].text, backslash)) {
    // `from [A] (B)`: the HELO and the address, or the address and the HELO. Only Exchange is known to mean the former.
    if (is_literal && !has_bracket(rest[0].text) && !is_microsoft(to)) return std::nullopt;
    // Exim adds the HELO if it differs from the name before it, which is confirmed. Others write the HELO there.
    const bool is_exim = !origin->helo.empty() || has_comment(to, "Exim ");
    if (is_exim && !is_literal && !equals_ignoring_case(helo, "unknown") && origin->name.empty()) origin->name = helo;
    if (origin->helo.empty()) origin->helo = helo;
    if (is_literal || bare_address(helo)) origin->explained.push_back(helo);
    return origin;
  }

  // Sendmail's own DSN, and connections that have no address.
  const bool own_dsn =
      rest.size() == 1 && equals_ignoring_case(helo, "localhost") && equals_ignoring_case(rest[0].text, "localhost");
  if (own_dsn || names_no_network(rest[0].text)) {
    return Origin{.helo = helo, .name = {}, .client = {}, .local_handover = true, .explained = {}};
  }
  return std::nullopt;
}

/// `(from user@host) by …` by Sendmail: submitted by a program, or, with an address, a client that sent no HELO.
std::optional<Origin> sendmail_origin(const Word& comment, Backslash backslash) {
  const auto words = words_of(comment.text, backslash);
  if (!words || words->size() < 2 || !equals_ignoring_case((*words)[0].text, "from") || (*words)[1].is_comment)
    return std::nullopt;
  if (words->size() == 2 && !has_bracket((*words)[1].text)) {
    return Origin{.helo = {}, .name = {}, .client = {}, .local_handover = true, .explained = {}};
  }
  return client_comment(stretch((*words)[1].text, comment.text.substr(comment.text.size())), backslash);
}

/// `by HOST …` without `from`.
std::optional<Origin> origin_unsaid(const Destination& to) {
  Origin origin;
  // Postfix's pickup and its own notifications, Exim's and Courier's local mail: without a protocol, or not with a network protocol.
  origin.local_handover = to.with.empty() || is_local(to) || is_lmtp(to);
  // Gmail relays within its own network in that way, and names hosts by private or 6to4 addresses only.
  if (const auto by = bare_address(to.by); by && use_of(*by) == AddressUse::special) origin.local_handover = true;
  return origin;
}

/// `(qmail 123 invoked from network); date`: qmail-queue's line. The next one, by qmail-smtpd, names the client.
bool is_qmail_queue(std::span<const Word> words, Backslash backslash) {
  if (!words[0].is_comment || (words.size() > 1 && !words[1].text.starts_with(';'))) return false;
  const auto inside = words_of(words[0].text, backslash);
  if (!inside || inside->size() < 4) return false;
  const auto program = (*inside)[0].text;
  return (equals_ignoring_case(program, "qmail") || equals_ignoring_case(program, "indimail-mta")) &&
         equals_ignoring_case((*inside)[2].text, "invoked");
}

/// RFC 3848: ESMTPA, ESMTPSA, LMTPA, UTF8SMTPSA…; Postfix, Sendmail and Exim write it in a comment. HTTP doesn't count: some providers relay
/// their own bounces by it.
bool is_submission(const Destination& to) {
  const auto word = std::string_view(to.with).substr(0, to.with.find(' '));
  return word.ends_with("MTPA") || word.ends_with("MTPSA") || has_comment(to, "Authenticated");
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
  if (origin.client && !is_network(to)) return "what follows `with` isn't a network protocol";
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
    origin = Origin{.helo = {}, .name = {}, .client = {}, .local_handover = true, .explained = {}};
  } else {
    // The word after `from` is the HELO even if it is "by".
    const bool says_from = !all[0].is_comment && equals_ignoring_case(all[0].text, "from");
    const bool says_by = !all[0].is_comment && equals_ignoring_case(all[0].text, "by");
    const auto from = all.begin() + (says_by ? 0 : std::min<std::ptrdiff_t>(says_from ? 2 : 1, std::ssize(all)));
    const auto by = std::find_if(
        from, all.end(), [](const Word& word) { return !word.is_comment && equals_ignoring_case(word.text, "by"); });
    if (by == all.end()) return failed("it doesn't name its writer (`by`)");
    by_at = static_cast<std::size_t>(by->text.data() - value.data());
    auto rest = destination(all.subspan(static_cast<std::size_t>(by - all.begin()) + 1), backslash);
    if (!rest) return failed("nothing follows `by`");
    to = std::move(*rest);
    const auto head = all.first(static_cast<std::size_t>(by - all.begin()));
    if (says_from) {
      origin = origin_of(head.subspan(1), to, backslash);
    } else if (says_by) {
      origin = origin_unsaid(to);
    } else if (head.size() == 1 && head[0].is_comment) {
      origin = sendmail_origin(head[0], backslash);
    }
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
                     .is_submission = is_submission(to),
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
