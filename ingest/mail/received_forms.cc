// The forms of the known mail servers, each from its left end. What a stranger can put where, and by which rules a form is believed then, is
// in received_field.cc.
#include "received_forms.h"

#include <algorithm>
#include <array>
#include <utility>

namespace blowback::mail {
namespace {

bool has_bracket(std::string_view text) { return text.find_first_of("[]") != std::string_view::npos; }

/// The text from the beginning of `first` to the end of `last`, which belong to the same field.
std::string_view stretch(std::string_view first, std::string_view last) { return {first.begin(), last.end()}; }

bool is_word(const Word& word, std::string_view text) {
  return !word.is_comment && equals_ignoring_case(word.text, text);
}

/// `[local]` (OpenSMTPD), `[unix socket]` (Cyrus), `[unix:/path]`: a connection without an address.
bool names_no_network(std::string_view comment) {
  const auto open = comment.rfind('[');
  if (open == std::string_view::npos || comment.back() != ']') return false;
  const auto inside = comment.substr(open + 1, comment.size() - open - 2);
  return equals_ignoring_case(inside, "local") || begins(inside, "unix");
}

/// Whether a HELO is just an address, also in the form that qmail makes of a literal (`?192.0.2.9?`).
bool is_address_alone(std::string_view helo) {
  if (address_literal(helo)) return true;
  if (helo.starts_with('?')) helo.remove_prefix(1);
  if (helo.ends_with('?')) helo.remove_suffix(1);
  return bare_address(helo).has_value();
}

bool begins_as_exim_pair(std::string_view text) {
  return begins(text, "helo=") || begins(text, "ident=") || begins(text, "port=");
}

/// Words that in some form begin a comment without an address: the address is before it.
bool introduces_strangers_text(std::string_view word) {
  constexpr std::array<std::string_view, 4> kWords{"HELO", "EHLO", "LHLO", "account"};
  return begins_as_exim_pair(word) ||
         std::ranges::any_of(kWords, [&](std::string_view known) { return equals_ignoring_case(word, known); });
}

/// `helo=x`, `ident=x`, `port=x`: what Exim adds to the address. A HELO that is an address is explained; an ident isn't.
bool is_exim_pair(const Word& word, Origin& origin) {
  if (word.is_comment || word.glued) return false;
  if (begins(word.text, "helo=") && word.text.size() > 5) {
    origin.helo = word.text.substr(5);
    if (bare_address(origin.helo) || address_literal(origin.helo)) origin.explained.push_back(origin.helo);
    return true;
  }
  return begins_as_exim_pair(word.text) && !begins(word.text, "helo=");
}

/// What follows the address in its comment, if that isn't Exim's.
///   [ADDRESS] verified (CommuniGate) · unverified · RDNS failed (IIS) · [ADDRESS] again (InterMail) · "EHLO x" rhost-flags-… (ZMailer)
bool is_remark(std::span<const Word> words, Origin& origin) {
  if (std::ranges::any_of(words, [](const Word& word) { return word.is_comment || word.glued; })) return false;
  const auto first = words[0].text;
  if (words.size() == 1) {
    return equals_ignoring_case(first, "verified") || equals_ignoring_case(first, "unverified") ||
           address_literal(first) == origin.client;
  }
  if (words.size() == 2 && equals_ignoring_case(stretch(first, words[1].text), "RDNS failed")) return true;
  if (words.size() > 3 || (first != "\"EHLO" && first != "\"HELO")) return false;
  auto helo = words[1].text;
  if (helo.find('"') != helo.size() - 1) return false;
  helo.remove_suffix(1);
  if (words.size() == 3 && !begins(words[2].text, "rhost-flags-")) return false;
  origin.helo = helo;
  if (is_address_alone(helo)) origin.explained.push_back(helo);
  return true;
}

/// `NAME[ADDRESS]` and `Not Verified[ADDRESS]`, by MailMarshal; the former also by a Postfix of old.
std::optional<Origin> glued_address(std::span<const Word> words) {
  const auto text = words.back().text;
  const auto open = text.find('[');
  if (open == 0 || open == std::string_view::npos || words.back().is_comment) return std::nullopt;
  const auto name = text.substr(0, open);
  const bool is_unnamed =
      words.size() == 2 && is_word(words[0], "Not") && !words[1].glued && equals_ignoring_case(name, "Verified");
  if (name.find(']') != std::string_view::npos || (words.size() != 1 && !is_unnamed)) return std::nullopt;
  Origin origin;
  origin.client = address_literal(text.substr(open));
  if (!origin.client) return std::nullopt;
  origin.explained.push_back(text.substr(open));
  if (bare_address(name)) origin.explained.push_back(name);  // a name that looks like an address: PTR 192.0.2.9.
  return origin;
}

/// Parses the comment with the client. `text`: without its parentheses.
///   NAME [ADDRESS] · NAME [ADDRESS] (may be forged) · IDENT:user@NAME [ADDRESS] · IDENT: user, NAME [ADDRESS]
///   [ADDRESS] · user@[ADDRESS] · [ADDRESS]:PORT helo=x ident=y · [ADDRESS] remark · NAME[ADDRESS] · ADDRESS · ident@ADDRESS
/// Absent: it is none of them.
std::optional<Origin> client_comment(std::string_view text, Backslash backslash) {
  const auto parsed = words_of(text, backslash);
  if (!parsed || parsed->empty()) return std::nullopt;
  std::span<const Word> words(*parsed);
  Origin origin;

  // Courier: `IDENT: user, NAME [ADDRESS]`.
  if (words.size() >= 3 && equals_ignoring_case(words[0].text, "IDENT:")) words = words.subspan(2);

  // `from [A] (helo=x [B])`, `from [A] (HELO [B] (x))`: these words as a name would make B the client, but it is the stranger's text.
  if (words[0].is_comment || introduces_strangers_text(words[0].text)) return std::nullopt;
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
    if (auto glued = glued_address(words)) return glued;
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

  if (address_is_first && words.size() > 1 && is_remark(words.subspan(1), origin)) return origin;
  for (const Word& word : words.subspan(next)) {
    if (word.is_comment) continue;  // (may be forged)
    if (!address_is_first || !is_exim_pair(word, origin)) return std::nullopt;
  }
  return origin;
}

bool is_pull(const Destination& to) { return begins(to.with, "POP") || begins(to.with, "IMAP"); }
bool is_local(const Destination& to) { return begins(to.with, "LOCAL"); }
bool is_microsoft(const Destination& to) { return begins(to.with, "MICROSOFT"); }

/// By its name, which an administrator may remove, or its id: 1tAbCd-000123-4E, since 4.97 1tAbCd-00000000abc-1234.
bool is_exim(const Destination& to) {
  if (has_comment(to, "Exim ")) return true;
  const auto id = to.id;
  if ((id.size() != 16 && id.size() != 23) || id[6] != '-' || id[id.size() == 16 ? 13 : 18] != '-') return false;
  return std::ranges::all_of(
      id, [](char c) { return c == '-' || (c >= '0' && c <= '9') || (lower_case(c) >= 'a' && lower_case(c) <= 'z'); });
}

bool is_imail(const Destination& to) { return has_comment(to, "SMTPD32-") || has_comment(to, "SMTPD-"); }
bool is_yahoo(const Destination& to) { return to.by.ends_with(".yahoo.com"); }

/// `HELO x` or `EHLO x`, qmail's comment between name and address; x may be missing. Zimbra's LMTP has `LHLO x`. Absent: it isn't that.
std::optional<std::string_view> helo_comment(const Word& word, const Destination& to, Backslash backslash) {
  if (!word.is_comment) return std::nullopt;
  const auto words = words_of(word.text, backslash);
  if (!words || words->empty() || words->size() > 2) return std::nullopt;
  if (!is_word((*words)[0], "HELO") && !is_word((*words)[0], "EHLO") &&
      !(is_lmtp(to) && is_word((*words)[0], "LHLO"))) {
    return std::nullopt;
  }
  if (words->size() == 1) return std::string_view{};
  if ((*words)[1].is_comment) return std::nullopt;
  return (*words)[1].text;
}

Origin handed_over(std::string_view helo) {
  Origin origin;
  origin.helo = helo;
  origin.local_handover = true;
  return origin;
}

/// `from HELO …` without a comment before `by`.
std::optional<Origin> origin_without_comment(std::string_view helo, const Destination& to) {
  Origin origin;
  origin.helo = helo;
  if (const auto literal = address_literal(helo)) {
    // Exim writes `from [ADDRESS] by` if the HELO was the same literal. Other servers would write a HELO in that way.
    if (!has_comment(to, "Exim ")) return std::nullopt;
    origin.client = literal;
    origin.explained.push_back(helo);
    return origin;
  }
  const auto address = bare_address(helo);
  if (address) origin.explained.push_back(helo);
  // LMTP is used for local delivery only; `local` is a program on the writer's host; by POP and IMAP we fetched the message ourselves.
  origin.local_handover = is_lmtp(to) || is_local(to) || is_pull(to);
  // Yahoo's MX hands over to the mailbox: `from 10.1.2.3 by atlas-production.….yahoo.com … with HTTP`.
  if (is_yahoo(to) && to.with == "HTTP" && address && use_of(*address) == AddressUse::special) {
    origin.local_handover = true;
  }
  // Mercury's queue. Its SMTP server writes the client's address, whatever the HELO is.
  if (equals_ignoring_case(helo, "spooler") && !to.comments.empty() && begins(to.comments[0], "Mercury/")) {
    origin.local_handover = true;
  }
  return origin;
}

/// CommuniGate's comment in front of `by`. Absent: it isn't that.
///   from [ADDRESS] (HELO x) · from [ADDRESS] (account u HELO x) · from [ADDRESS] (account u) · from NAME (account u [ADDRESS] verified)
/// qpsmtpd writes the first of them, too.
std::optional<Origin> communigate_origin(std::string_view first, const Word& comment, const Destination& to,
                                         Backslash backslash) {
  const bool is_communigate = has_comment(to, "CommuniGate ");
  if (!is_communigate && !has_comment(to, "qpsmtpd/")) return std::nullopt;
  const auto words = words_of(comment.text, backslash);
  if (!words) return std::nullopt;
  Origin origin;
  origin.client = address_literal(first);
  origin.helo = first;
  std::span<const Word> rest(*words);
  if (std::ranges::any_of(rest, [](const Word& word) { return word.is_comment || word.glued; })) return std::nullopt;
  if (is_communigate && rest.size() >= 2 && is_word(rest[0], "account")) {
    origin.is_submission = true;
    rest = rest.subspan(2);
    if (rest.size() == 2 && is_word(rest[1], "verified")) {
      const auto written = address_literal(rest[0].text);
      if (!written || (origin.client && origin.client != written)) return std::nullopt;
      origin.client = written;
      origin.explained.push_back(rest[0].text);
      if (address_literal(first) || bare_address(first)) origin.explained.push_back(first);
      return origin;
    }
  } else if (rest.empty()) {
    return std::nullopt;
  }
  if (!origin.client) return std::nullopt;
  origin.explained.push_back(first);
  if (rest.empty()) return origin;
  if (rest.size() > 2 || (!is_word(rest[0], "HELO") && !is_word(rest[0], "EHLO"))) return std::nullopt;
  origin.helo = rest.size() == 2 ? rest[1].text : std::string_view{};
  if (is_address_alone(origin.helo)) origin.explained.push_back(origin.helo);
  return origin;
}

/// `from FIRST (HELO x) …`: qmail and those that write like it. `rest` begins with that comment, and `helo` is its x.
std::optional<Origin> helo_comment_origin(std::string_view first, std::string_view helo, std::span<const Word> rest,
                                          const Destination& to, Backslash backslash) {
  std::optional<Origin> origin;
  if (rest.size() == 1) {
    // Yahoo's MX and old Zimbra: `from ADDRESS (EHLO x) by NAME with …`. A loopback address stands there in other lines of Yahoo for a
    // name that isn't known.
    const auto client = bare_address(first);
    if (!client || !to.has_protocol_at_once || (is_loopback(*client) && !is_lmtp(to))) return std::nullopt;
    // Not Yahoo's, it may be `from HELO (NAME [ADDRESS])` with the name `HELO`.
    if (is_address_alone(helo)) return std::nullopt;
    origin.emplace();
    origin->client = client;
    origin->explained.push_back(first);
  } else if (rest[1].is_comment) {
    // qmail: `from NAME (HELO x) (ADDRESS)`. A NAME that looks like another address is a doubt: in Yahoo's line it would be the client, and
    // the comment behind it a part of the HELO.
    if (std::ranges::any_of(rest.subspan(2), [](const Word& word) { return !word.is_comment; })) return std::nullopt;
    origin = client_comment(rest[1].text, backslash);
    if (!origin || !origin->helo.empty()) return std::nullopt;
  } else if (rest.size() == 2 && !rest[1].glued) {
    // GMX: `from NAME (EHLO x) [ADDRESS]`.
    const auto client = address_literal(rest[1].text);
    if (!client) return std::nullopt;
    origin.emplace();
    origin->client = client;
    origin->explained.push_back(rest[1].text);
  } else {
    return std::nullopt;
  }
  if (const auto named = bare_address(first); named && is_loopback(*named) && is_yahoo(to)) {
    origin->explained.push_back(first);
  }
  origin->helo = helo;
  if (is_address_alone(helo)) origin->explained.push_back(helo);
  return origin;
}

/// `from HELO WORD …`, without a comment behind the HELO.
std::optional<Origin> origin_in_words(std::string_view helo, std::span<const Word> rest, const Destination& to) {
  const auto literal = rest.size() == 1 ? address_literal(rest[0].text) : std::nullopt;
  if (literal) {
    // fetchmail: `from NAME [ADDRESS] by localhost with POP3`. The address is that of the mailbox's server, which isn't the client.
    if (is_pull(to)) {
      auto origin = handed_over(helo);
      origin.explained.push_back(rest[0].text);
      return origin;
    }
    // MDaemon before 8 and IMail: `from HELO [ADDRESS] by NAME`.
    if (!has_comment(to, "MDaemon") && !is_imail(to)) return std::nullopt;
    Origin origin;
    origin.helo = helo;
    origin.client = literal;
    origin.explained.push_back(rest[0].text);
    if (address_literal(helo) || bare_address(helo)) origin.explained.push_back(helo);
    return origin;
  }
  // Exchange's and IIS's pickup folder.
  if (rest.size() == 2 && equals_ignoring_case(stretch(helo, rest[1].text), "mail pickup service")) {
    return handed_over(helo);
  }
  return std::nullopt;
}

/// `from HELO …`: `words` are those between `from` and `by`.
std::optional<Origin> origin_said(std::span<const Word> words, const Destination& to, Backslash backslash) {
  if (words.empty() || words[0].is_comment) return std::nullopt;
  const auto helo = words[0].text;
  const auto rest = words.subspan(1);
  if (rest.empty()) return origin_without_comment(helo, to);
  if (rest[0].glued) return std::nullopt;
  if (!rest[0].is_comment) return origin_in_words(helo, rest, to);
  const bool is_literal = address_literal(helo).has_value();

  if (rest.size() == 1) {
    if (auto origin = communigate_origin(helo, rest[0], to, backslash)) return origin;
  }
  if (const auto found = helo_comment(rest[0], to, backslash)) {
    return helo_comment_origin(helo, *found, rest, to, backslash);
  }
  if (rest.size() == 2 && rest[1].text == ";" && names_no_network(rest[0].text)) {  // OpenSMTPD before 6: `[local]);`
    return handed_over(helo);
  }
  if (std::ranges::any_of(rest, [](const Word& word) { return !word.is_comment; })) return std::nullopt;

  // Exim without a name: `from [ADDRESS] (helo=x)`.
  if (is_literal) {
    Origin origin;
    const auto pairs = words_of(rest[0].text, backslash);
    if (pairs && !pairs->empty() &&
        std::ranges::all_of(*pairs, [&](const Word& word) { return is_exim_pair(word, origin); })) {
      origin.client = address_literal(helo);
      // Not Exim's, it may be `from HELO (NAME[ADDRESS])` with the name `helo=`.
      if (is_address_alone(origin.helo) && !is_exim(to)) return std::nullopt;
      origin.explained.push_back(helo);
      if (origin.helo.empty()) origin.helo = helo;
      return origin;
    }
  }

  if (auto origin = client_comment(rest[0].text, backslash)) {
    // `from [A] (B)`: the HELO and the address, or the address and the HELO. Only of Exchange and Axigen the former is known.
    if (is_literal && !has_bracket(rest[0].text) && !is_microsoft(to) && !has_comment(to, "Axigen")) {
      return std::nullopt;
    }
    // Exim adds the HELO if it differs from the name before it, which is confirmed. Others write the HELO there.
    const bool says_name_first = !origin->helo.empty() || has_comment(to, "Exim ");
    if (says_name_first && !is_literal && !equals_ignoring_case(helo, "unknown") && origin->name.empty())
      origin->name = helo;
    if (origin->helo.empty()) origin->helo = helo;
    if (is_literal || bare_address(helo)) origin->explained.push_back(helo);
    // Kerio.
    origin->is_submission =
        std::ranges::any_of(rest.subspan(1), [](const Word& word) { return begins(word.text, "authenticated user "); });
    return origin;
  }

  // Sendmail's own DSN, and connections that have no address.
  const bool own_dsn =
      rest.size() == 1 && equals_ignoring_case(helo, "localhost") && equals_ignoring_case(rest[0].text, "localhost");
  if (own_dsn || names_no_network(rest[0].text)) return handed_over(helo);
  return std::nullopt;
}

/// `(from user@host) by …` by Sendmail: submitted by a program, or, with an address, a client that sent no HELO.
std::optional<Origin> sendmail_origin(const Word& comment, Backslash backslash) {
  const auto words = words_of(comment.text, backslash);
  if (!words || words->size() < 2 || !equals_ignoring_case((*words)[0].text, "from") || (*words)[1].is_comment)
    return std::nullopt;
  if (words->size() == 2 && !has_bracket((*words)[1].text)) return handed_over({});
  return client_comment(stretch((*words)[1].text, comment.text.substr(comment.text.size())), backslash);
}

/// `by HOST …` without `from`.
Origin origin_unsaid(const Destination& to) {
  Origin origin;
  // Postfix's pickup and its own notifications, Exim's and Courier's local mail: without a protocol, or not with a network protocol.
  origin.local_handover = to.with.empty() || is_local(to) || is_lmtp(to);
  // Gmail relays within its own network in that way, and names hosts by private or 6to4 addresses only.
  if (const auto by = bare_address(to.by); by && use_of(*by) == AddressUse::special) origin.local_handover = true;
  return origin;
}

}  // namespace

bool has_comment(const Destination& to, std::string_view beginning) {
  return std::ranges::any_of(to.comments, [&](std::string_view comment) { return begins(comment, beginning); });
}

bool is_lmtp(const Destination& to) { return begins(to.with, "LMTP"); }

bool is_mail_server(const Destination& to) {
  // Some MTAs add words (`ESMTPSA`, `Microsoft SMTP Server`, `UTF8SMTP`). Courier's `local` has 127.0.0.1 as its client.
  constexpr std::array<std::string_view, 9> kProtocols{"SMTP", "LMTP",  "QMTP",        "QMQP",         "MAPI",
                                                       "HTTP", "LOCAL", "MAILMARSHAL", "TRUSTWAVE SEG"};
  if (std::ranges::any_of(kProtocols, [&](std::string_view protocol) { return to.with.contains(protocol); })) {
    return true;
  }
  // Kerio before 8, MailMarshal under TLS, IMail before 8, hMailServer before 5.
  return to.with.empty() &&
         (has_comment(to, "Kerio ") || has_comment(to, "using TLS: ") || is_imail(to) || to.ends_after_name);
}

std::optional<Destination> destination_in(std::span<const Word> words, Backslash backslash) {
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

  if (!ended && words.size() > 1 && !words[1].glued) {
    const auto next = words[1].text;
    to.ends_after_name = is_word(words[1], ";");
    to.has_protocol_at_once = is_word(words[1], "with");
    if (words[1].is_comment) {
      // Exchange and content filters add their own address to their name.
      const auto own = client_comment(next, backslash);
      if (own && own->helo.empty() && next.find('(') == std::string_view::npos) to.own_address = next;
    } else if (address_literal(next)) {
      to.own_address = next;  // MDaemon before 8
    }
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
      // hMailServer and others write a blank before the semicolon.
      if (!text.empty()) to.with += (to.with.empty() ? "" : " ") + upper(text);
    } else if (clause == Clause::id) {
      to.id = text;
      clause = Clause::none;
    } else {
      clause = Clause::none;
    }
  }
  return to;
}

std::optional<Origin> origin_in(std::span<const Word> words, const Destination& to, Backslash backslash) {
  if (words.empty()) return origin_unsaid(to);
  if (is_word(words[0], "from")) return origin_said(words.subspan(1), to, backslash);
  if (words.size() == 1 && words[0].is_comment) return sendmail_origin(words[0], backslash);
  return std::nullopt;
}

bool is_qmail_queue(std::span<const Word> words, Backslash backslash) {
  if (!words[0].is_comment || (words.size() > 1 && !words[1].text.starts_with(';'))) return false;
  const auto inside = words_of(words[0].text, backslash);
  if (!inside || inside->size() < 4) return false;
  const auto program = (*inside)[0].text;
  return (equals_ignoring_case(program, "qmail") || equals_ignoring_case(program, "indimail-mta")) &&
         equals_ignoring_case((*inside)[2].text, "invoked");
}

}  // namespace blowback::mail
