#include "facts.h"

#include "blowback/text.h"
#include "mail/html.h"
#include "words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace blowback::detect {
namespace {

constexpr std::size_t kMostHeader = 24U << 10U;
constexpr std::size_t kMostLines = 128U << 10U;
constexpr std::size_t kMostWords = 16U << 10U;

[[nodiscard]] std::string_view local_part(std::string_view address) { return address.substr(0, address.rfind('@')); }

template <std::size_t N>
[[nodiscard]] bool is_one_of(std::string_view text, const std::array<std::string_view, N>& of) {
  return std::ranges::find(of, text) != of.end();
}

[[nodiscard]] std::string_view extension(std::string_view file_name) {
  const std::size_t dot = file_name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : file_name.substr(dot + 1);
}

// A mailer returns the original, its header, or a log, not programs, archives or web pages.
[[nodiscard]] bool is_odd(const mail::Part& part) {
  static constexpr std::array<std::string_view, 30> kExtensions{
      "exe", "scr", "pif", "com", "bat", "cmd", "cpl", "js",  "jse", "vbs", "vbe", "wsf",  "hta",  "lnk",  "jar",
      "zip", "rar", "7z",  "iso", "img", "ace", "gz",  "doc", "xls", "pdf", "htm", "html", "docm", "xlsm", "shtml"};
  return is_one_of(lower_case(extension(part.file_name)), kExtensions);
}

[[nodiscard]] bool is_report_file(const mail::Part& part) {
  static constexpr std::array<std::string_view, 8> kTypes{
      "application/gzip",        "application/x-gzip",      "application/zip", "application/x-zip-compressed",
      "application/tlsrpt+gzip", "application/tlsrpt+json", "application/xml", "text/xml"};
  static constexpr std::array<std::string_view, 4> kExtensions{"gz", "zip", "xml", "json"};
  return is_one_of(part.type, kTypes) || is_one_of(lower_case(extension(part.file_name)), kExtensions);
}

[[nodiscard]] bool is_dmarc_file(std::string_view name) {
  if (std::ranges::count(name, '!') < 3) return false;
  const std::string lower = lower_case(name);
  return lower.ends_with(".xml") || lower.ends_with(".xml.gz") || lower.ends_with(".zip") || lower.ends_with(".gz");
}

void append_header(const std::vector<mail::Field>& fields, std::string& out) {
  std::size_t size = 0;
  for (const mail::Field& field : fields) size += field.name.size() + field.value.size() + 3;
  out.reserve(std::min(size, kMostHeader));
  for (const mail::Field& field : fields) {
    if (out.size() + field.name.size() + field.value.size() > kMostHeader) break;
    ((out += field.name) += ": ") += field.value;
    out += '\n';
  }
}

void find_parts(const mail::Message& message, Facts& facts) {
  facts.root = message.parts.empty() ? nullptr : &message.parts.front();
  int closed_above = -1;  // depth of the enclosed message around the part
  for (const mail::Part& part : message.parts) {
    if (closed_above >= 0 && part.depth > closed_above) continue;
    closed_above = -1;
    facts.outer.push_back(&part);
    const auto first = [&](const mail::Part*& slot) {
      if (slot == nullptr) slot = &part;
    };
    if (part.type == "message/rfc822" || part.type == "message/global" || part.type == "message/news") {
      closed_above = part.depth;
      first(facts.enclosed);
    } else if (part.type == "message/delivery-status" || part.type == "message/global-delivery-status") {
      first(facts.status);
    } else if (part.type == "message/disposition-notification" ||
               part.type == "message/global-disposition-notification") {
      first(facts.disposition);
    } else if (part.type == "message/feedback-report") {
      first(facts.feedback);
    } else if (part.type == "text/rfc822-headers" || part.type == "message/rfc822-headers" ||
               part.type == "message/global-headers" || part.type == "text/rfc822-header") {
      first(facts.enclosed_headers);
    }
    if (is_report_file(part)) facts.has_report_attachment = true;
    if (is_dmarc_file(part.file_name)) facts.has_dmarc_attachment = true;
    if (part.type == "text/html") facts.has_html = true;
    if (part.type == "text/calendar" || part.type == "application/ics") facts.has_calendar = true;
    if (is_odd(part)) first(facts.odd_attachment);
  }
}

// The outer text for people; HTML only if there is hardly any plain text.
[[nodiscard]] std::string readable_lines(const Facts& facts) {
  const auto is_shown = [](const mail::Part& part) { return !part.is_attachment || part.type == "text/plain"; };
  std::string lines;
  for (const mail::Part* part : facts.outer) {
    const bool is_plain =
        part->type == "text/plain" || part->type == "text/enriched" || part->type.starts_with("multipart/");
    if (!is_plain || !is_shown(*part) || part->body.empty() || lines.size() >= kMostLines) continue;
    (lines += mail::text_of(*part, kMostLines).text) += '\n';
  }
  constexpr std::size_t kAnything = 12;
  if (trimmed(lines).size() < kAnything) {
    lines.clear();
    for (const mail::Part* part : facts.outer) {
      if (part->type != "text/html" || !is_shown(*part) || lines.size() >= kMostLines) continue;
      (lines += mail::words_of_html(mail::text_of(*part).text)) += '\n';
    }
  }
  if (lines.size() > kMostLines) lines.resize(kMostLines);
  return lines;
}

// Where a person's mail program begins to quote or forward: what follows isn't the sender's text.
[[nodiscard]] bool begins_forwarding(std::string_view line) {
  // Between dashes, as most programs write it, in their languages.
  static constexpr std::array<std::string_view, 22> kBetweenDashes{"forwarded message",
                                                                   "original message",
                                                                   "original",
                                                                   "original-nachricht",
                                                                   "originalnachricht",
                                                                   "ursprüngliche nachricht",
                                                                   "weitergeleitete nachricht",
                                                                   "message d'origine",
                                                                   "message original",
                                                                   "message transféré",
                                                                   "mensaje original",
                                                                   "mensaje reenviado",
                                                                   "mensagem original",
                                                                   "mensagem encaminhada",
                                                                   "messaggio originale",
                                                                   "messaggio inoltrato",
                                                                   "oorspronkelijk bericht",
                                                                   "doorgestuurd bericht",
                                                                   "исходное сообщение",
                                                                   "пересылаемое сообщение",
                                                                   "原始邮件",
                                                                   "转发邮件"};
  if (line.starts_with("--")) {
    std::string_view words = line.substr(std::min(line.find_first_not_of('-'), line.size()));
    words.remove_prefix(std::min(words.find_first_not_of(' '), words.size()));
    return std::ranges::any_of(kBetweenDashes, [&](std::string_view mark) {
      // Dashes on both sides and nothing else: a mailer's own `----- Original message follows -----` isn't one.
      const std::string_view after = words.substr(std::min(mark.size(), words.size()));
      return starts_ignoring_case(words, mark) && trimmed(after).find_first_not_of("- ") == std::string_view::npos;
    });
  }
  return starts_ignoring_case(line, "begin forwarded message") || starts_ignoring_case(line, "forwarded message:");
}

// Sendmail's transcript: `>>> DATA` is a command to the peer, not a quotation.
[[nodiscard]] bool is_quotation(std::string_view line) {
  if (!line.starts_with('>')) return false;
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const bool is_command = line.starts_with(">>> ") && line.size() > 5 && is_capital(line[4]) && is_capital(line[5]);
  return !is_command;
}

// Collapses white space, including the no-break space (U+00A0), and replaces the typographic apostrophe (U+2019).
void append_collapsed(std::string_view line, std::string& out) {
  constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
  constexpr std::string_view kApostrophe = "\xE2\x80\x99";
  // Their first octets, and white space.
  static constexpr auto kIsPlain = [] {
    std::array<bool, 256> table{};
    for (unsigned octet = ' ' + 1; octet < table.size(); ++octet) table[octet] = octet != 0xC2 && octet != 0xE2;
    return table;
  }();
  bool blank = !out.empty();
  while (!line.empty()) {
    const auto first = static_cast<unsigned char>(line[0]);
    if (first <= ' ' || line.starts_with(kNoBreakSpace)) {
      blank = true;
      line.remove_prefix(first <= ' ' ? 1 : kNoBreakSpace.size());
      continue;
    }
    if (blank && !out.empty()) out += ' ';
    blank = false;
    if (line.starts_with(kApostrophe)) {
      out += '\'';
      line.remove_prefix(kApostrophe.size());
      continue;
    }
    // As many as need no change: with single blanks between them, nearly always the whole line.
    std::size_t plain = 1;
    const auto is_plain = [&](std::size_t at) {
      return at < line.size() && kIsPlain[static_cast<unsigned char>(line[at])];
    };
    while (is_plain(plain) || (is_plain(plain + 1) && line[plain] == ' ')) ++plain;
    out += line.substr(0, plain);
    line.remove_prefix(plain);
  }
}

// Where another server's reply begins in a line: `550 5.1.1 …`, `550-…`, `450 <bob@…`, at the beginning, or after a colon, a blank or a bracket.
// Not a telephone number. npos: nowhere.
[[nodiscard]] std::size_t reply_begins(std::string_view line) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i + 4 < line.size(); ++i) {
    if ((line[i] != '4' && line[i] != '5') || line[i + 1] > '5' || !is_digit(line[i + 1]) || !is_digit(line[i + 2]))
      continue;
    if (i > 0 && std::string_view(" \t:[('\"<").find(line[i - 1]) == std::string_view::npos) continue;
    const std::string_view after = line.substr(i + 4);
    const bool is_enhanced = after.size() > 3 && (after[0] == '4' || after[0] == '5') && after[1] == '.';
    if (line[i + 3] == '-' && (is_enhanced || i == 0 || !is_digit(after.front()))) return i;
    if (line[i + 3] != ' ') continue;
    if (is_enhanced || after.starts_with('<') || after.starts_with('#')) return i;
    const std::string_view before = trimmed(line.substr(0, i));
    const bool is_said = before.empty() || before.ends_with(':') || before.ends_with("<<<");
    if (is_said && !is_digit(after.front())) return i;
  }
  return std::string_view::npos;
}

void read_words(Facts& facts) {
  std::string_view rest = std::string_view(facts.lines).substr(0, facts.quoted.begin);
  bool in_reply = false;  // until a blank line, or the next recipient
  while (!rest.empty() && facts.words.size() < kMostWords) {
    const std::string_view line = trimmed(next_line(rest));
    if (begins_forwarding(line)) break;
    if (is_quotation(line)) {
      ++facts.quoted_lines;
      continue;
    }
    const std::size_t before = facts.words.size();
    append_collapsed(line, facts.words);
    if (line.empty() || line.starts_with('<') || line.starts_with("--") || line.starts_with("==")) in_reply = false;
    if (in_reply) continue;
    const std::size_t reply = reply_begins(line);
    in_reply = reply != std::string_view::npos;
    append_collapsed(in_reply ? line.substr(0, reply) : std::string_view(facts.words).substr(before), facts.own_words);
  }
  if (facts.words.size() > kMostWords) facts.words.resize(kMostWords);
  if (facts.own_words.size() > kMostWords) facts.own_words.resize(kMostWords);
}

// The originator is a program by its name, though not one that only mailers have: `no-reply@`, `ndr@`, "System Administrator", a bare host name.
[[nodiscard]] bool is_from_role(const Facts& facts) {
  if (facts.from.empty() || facts.from.find('@') == std::string::npos || is_role(facts.from)) return true;
  static constexpr std::array<std::string_view, 19> kInLocalPart{
      "respond", "repond",     "antwort",  "rispond",  "sysadm", "mailadm", "mailer",
      "daemon",  "postmaster", "delivery", "smtp",     "bounce", "ndr",     "reply",
      "notif",   "mailsystem", "mail-sys", "mail_sys", "mdaemon"};
  const std::string_view local = local_part(facts.from);
  if (std::ranges::any_of(kInLocalPart, [&](std::string_view word) { return local.find(word) != local.npos; }))
    return true;
  static constexpr std::array<std::string_view, 8> kNames{
      "system administrator", "mail delivery", "mail system", "mailer", "delivery",
      "postmaster",           "administrator", "mail server"};
  const std::string from = lower_case(facts.from_field);
  return std::ranges::any_of(kNames, [&](std::string_view name) { return from.find(name) != std::string::npos; });
}

// To a mailing list's address for bounces or its owner: list software adds its fields to what it passes on from there.
[[nodiscard]] bool is_to_list_owner(const mail::Message& message) {
  const std::string* to = mail::find(message.fields, "To");
  if (to == nullptr) return false;
  const std::string address = lower_case(mail::first_address(*to));
  const std::string_view local = local_part(address);
  static constexpr std::array<std::string_view, 7> kEnds{"-bounces", "-admin",  "-owner", "-request",
                                                         "-errors",  "-return", "-error"};
  return local.starts_with("owner-") || local.starts_with("bounces-") || local.find("-bounces+") != local.npos ||
         local.find("-return-") != local.npos ||
         std::ranges::any_of(kEnds, [&](std::string_view end) { return local.ends_with(end); });
}

void add_recipient(std::string address, Facts& facts) {
  constexpr std::size_t kMost = 32;
  if (address.empty() || facts.recipients.size() >= kMost) return;
  if (std::ranges::find(facts.recipients, address) == facts.recipients.end())
    facts.recipients.push_back(std::move(address));
}

[[nodiscard]] bool is_recipient(std::string_view address, const Facts& facts) {
  return std::ranges::any_of(facts.recipients,
                             [&](const std::string& each) { return equals_ignoring_case(each, address); });
}

// A link of a page to the web, not to a mail address. Quoted-printable needs no decoding for it.
[[nodiscard]] bool has_html_link(const mail::Part* part) {
  if (part->type != "text/html") return false;
  if (equals_ignoring_case(trimmed(part->encoding), "base64"))
    return contains_ignoring_case(mail::text_of(*part).text, "http");
  return contains_ignoring_case(part->body.substr(0, kMostLines), "http");
}

[[nodiscard]] bool is_in_domain_of_recipient(std::string_view address, const Facts& facts) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return false;
  return std::ranges::any_of(facts.recipients,
                             [&](std::string_view each) { return each.ends_with(address.substr(at)); });
}

}  // namespace

bool is_daemon(std::string_view address) {
  static constexpr std::array<std::string_view, 11> kNames{
      "mailer-daemon", "mdaemon",       "mailerdaemon",           "mailer_daemon",
      "mail-daemon",   "maildaemon",    "mail.delivery.system",   "mmdf",
      "double-bounce", "bounce-daemon", "mail-delivery-subsystem"};
  return is_one_of(local_part(address), kNames);
}

bool is_postmaster(std::string_view address) {
  static constexpr std::array<std::string_view, 4> kNames{"postmaster", "post_master", "post-master", "post.master"};
  return is_one_of(local_part(address), kNames);
}

bool is_role(std::string_view address) {
  static constexpr std::array<std::string_view, 24> kNames{
      "administrator", "admin",       "amavis",       "antivirus",  "av",         "bounce",
      "bounces",       "daemon",      "do-not-reply", "donotreply", "hostmaster", "mailadmin",
      "mailguard",     "mailscanner", "ndr",          "no-reply",   "noreply",    "root",
      "scanner",       "security",    "system",       "virus",      "virusalert", "virusmaster"};
  return is_daemon(address) || is_postmaster(address) || is_one_of(local_part(address), kNames);
}

std::vector<std::string> addresses_in(std::string_view text, std::size_t most) {
  constexpr std::string_view kBetween = " \t\r\n<>()[]\"',;:";
  std::vector<std::string> found;
  for (std::size_t at = text.find('@'); at != std::string_view::npos && found.size() < most; at = text.find('@', at)) {
    std::size_t begin = at;
    while (begin > 0 && kBetween.find(text[begin - 1]) == std::string_view::npos) --begin;
    std::size_t end = std::min(text.find_first_of(kBetween, at), text.size());
    while (end > at + 1 && text[end - 1] == '.') --end;
    constexpr std::size_t kLongest = 320;
    if (begin < at && at + 1 < end && end - begin <= kLongest)
      found.push_back(lower_case(text.substr(begin, end - begin)));
    at = std::max(end, at + 1);
  }
  return found;
}

bool is_from_recipient(const std::vector<mail::Field>& letter, const Facts& facts) {
  return std::ranges::any_of(letter, [&](const mail::Field& field) {
    static constexpr std::array<std::string_view, 7> kSenders{
        "From", "Return-Path", "Sender", "Errors-To", "X-Envelope-From", "X-Envelope-Sender", "Reply-To"};
    return std::ranges::any_of(kSenders, [&](std::string_view name) { return mail::is_named(field, name); }) &&
           is_recipient(mail::first_address(field.value), facts);
  });
}

Facts facts_of(const TrapDelivery& delivery, const mail::Message& message, std::span<const std::string> traps) {
  Facts facts;
  for (const std::string& trap : traps) add_recipient(lower_case(trap), facts);
  for (const mail::Field& field : message.fields) {
    static constexpr std::array<std::string_view, 5> kTo{"To", "Delivered-To", "X-Original-To", "Envelope-To", "Cc"};
    if (std::ranges::any_of(kTo, [&](std::string_view name) { return mail::is_named(field, name); }))
      add_recipient(lower_case(mail::first_address(field.value)), facts);
  }
  if (delivery.mail_from) {
    facts.null_reverse_path = delivery.mail_from->empty() || *delivery.mail_from == "<>";
    facts.reverse_path = lower_case(*delivery.mail_from);
  } else if (const std::string* path = mail::find(message.fields, "Return-Path")) {
    // Wherever it is, since relays keep it: it is evidence of the kind. What counts towards a listing is decided by `mail::return_path_of` alone.
    facts.reverse_path = lower_case(mail::first_address(*path));
    facts.null_reverse_path = facts.reverse_path.empty();
  }
  facts.other_reverse_path = !facts.reverse_path.empty() && !facts.null_reverse_path && !is_daemon(facts.reverse_path);
  if (const std::string* from = mail::find(message.fields, "From")) {
    facts.from_field = mail::decoded(*from);
    facts.from = lower_case(mail::first_address(*from));
    // `MAILER-DAEMON <>`: the display name counts.
    facts.from_nobody = facts.from.empty() && facts.from_field.find("<>") != std::string::npos;
    if (facts.from.empty()) facts.from = lower_case(trimmed(facts.from_field.substr(0, facts.from_field.find('<'))));
  }
  if (const std::string* subject = mail::find(message.fields, "Subject")) facts.subject = mail::decoded(*subject);
  if (const std::string* automatic = mail::find(message.fields, "Auto-Submitted")) {
    const std::string_view word = trimmed(*automatic);
    facts.auto_submitted = lower_case(word.substr(0, word.find_first_of(" \t;(")));
  }
  if (const std::string* precedence = mail::find(message.fields, "Precedence")) {
    facts.precedence = lower_case(trimmed(*precedence));
  }
  for (const std::string_view name : {"List-Id", "List-Post", "List-Unsubscribe", "List-Help", "List-Subscribe",
                                      "List-Archive", "Mailing-List", "X-Mailing-List", "X-BeenThere", "Newsgroups"}) {
    if (mail::find(message.fields, name) != nullptr) facts.is_list_mail = true;
  }
  facts.answers =
      mail::find(message.fields, "In-Reply-To") != nullptr || mail::find(message.fields, "References") != nullptr;
  facts.is_to_list_owner = is_to_list_owner(message);
  append_header(message.fields, facts.header);
  find_parts(message, facts);
  return facts;
}

FeatureSet features_of_header(const Facts& facts) {
  FeatureSet to;
  to.add_if(facts.null_reverse_path, Feature::null_reverse_path);
  to.add_if(facts.other_reverse_path, Feature::set_reverse_path);
  to.add_if(!facts.null_reverse_path && is_daemon(facts.reverse_path), Feature::daemon_reverse_path);
  to.add_if(is_daemon(facts.from), Feature::from_daemon);
  to.add_if(is_postmaster(facts.from), Feature::from_postmaster);
  to.add_if(is_daemon(facts.from) || is_postmaster(facts.from), Feature::from_mailer);
  to.add_if(facts.from_nobody, Feature::from_nobody);
  to.add_if(is_from_role(facts), Feature::from_role);
  to.add_if(is_in_domain_of_recipient(facts.from, facts), Feature::from_own_domain);
  to.add_if(is_in_domain_of_recipient(facts.reverse_path, facts), Feature::own_reverse_path);
  // RFC 3834 §5: auto-replied is a reply to a message; auto-generated isn't, and DSNs may have it.
  to.add_if(facts.auto_submitted == "auto-replied", Feature::auto_replied);
  to.add_if(!facts.auto_submitted.empty() && facts.auto_submitted != "no" && facts.auto_submitted != "auto-replied",
            Feature::auto_submitted);
  to.add_if(facts.precedence == "bulk", Feature::precedence_bulk);
  to.add_if(facts.precedence == "junk", Feature::precedence_junk);
  to.add_if(facts.precedence == "auto_reply", Feature::precedence_auto_reply);
  to.add_if(facts.precedence == "list", Feature::precedence_list);
  to.add_if(facts.is_list_mail, Feature::list_mail);
  to.add_if(facts.is_to_list_owner, Feature::to_list_owner);
  to.add_if(facts.answers, Feature::answers);
  to.add_if(starts_ignoring_case(facts.subject, "re:"), Feature::subject_re);
  to.add_if(facts.has_html, Feature::html);
  to.add_if(facts.has_calendar, Feature::calendar);
  to.add_if(facts.odd_attachment != nullptr, Feature::odd_attachment);
  to.add_if(facts.root != nullptr && facts.root->type == "multipart/report", Feature::report);
  constexpr std::size_t kSmall = 4096;
  std::size_t text = 0;
  for (const mail::Part* part : facts.outer) text += part->body.size();
  to.add_if(text <= kSmall, Feature::small);
  to.add_if(facts.enclosed != nullptr && is_from_recipient(facts.enclosed->enclosed_fields, facts),
            Feature::letter_from_recipient);
  return to;
}

void add_features_of_text(const Facts& facts, const DeliveryStatus& status, FeatureSet& to) {
  const bool is_report = to.has(Feature::report);
  const bool says_status =
      is_report && (facts.root->report_type == "delivery-status" || facts.root->report_type.empty());
  const bool has_status = facts.status != nullptr && is_well_formed(status);
  // A person's mail program may forward such a part, but doesn't declare the whole message as a report.
  to.add_if(has_status && says_status, Feature::delivery_report);
  to.add_if(!has_status && is_report && facts.root->report_type == "delivery-status", Feature::delivery_report_type);
  to.add_if(has_status, Feature::delivery_status);
  to.add_if(facts.status == nullptr && is_well_formed(status), Feature::delivery_fields);
  const bool has_disposition = facts.disposition != nullptr;
  const bool is_disposition =
      is_report && has_disposition && contains_ignoring_case(facts.disposition_text, "disposition:");
  to.add_if(is_disposition, Feature::disposition_report);
  to.add_if(has_disposition || (is_report && facts.root->report_type == "disposition-notification"),
            Feature::disposition);

  const bool is_quoted = facts.quoted.begin != std::string_view::npos;
  to.add_if(facts.enclosed != nullptr || facts.enclosed_headers != nullptr || is_quoted, Feature::returned_letter);
  // Anybody can write a letter's header into a form. Signatures say whose text counts as a returned letter.
  to.add_if(is_quoted && is_from_recipient(facts.quoted.fields, facts), Feature::letter_in_text);
  to.add_if(is_from_recipient(facts.enclosed_header_fields, facts) ||
                (!status.sender.empty() && is_recipient(status.sender, facts)),
            Feature::letter_from_recipient);
  to.add_if(reply_code_in(facts.words) != 0, Feature::smtp_reply);
  to.add_if(facts.words.find('@') != std::string::npos, Feature::names_address);

  constexpr std::size_t kMostAddresses = 20;
  bool names_recipient = false;
  bool names_another = false;
  for (const std::string& address : addresses_in(facts.words, kMostAddresses)) {
    if (is_recipient(address, facts)) {
      names_recipient = true;
    } else if (!is_role(address)) {
      names_another = true;
    }
  }
  for (const RecipientStatus& recipient : status.recipients) {
    if (recipient.final_recipient.find('@') == std::string::npos) continue;
    (is_recipient(recipient.final_recipient, facts) ? names_recipient : names_another) = true;
  }
  to.add_if(names_another, Feature::failed_address);
  to.add_if(names_recipient && !names_another, Feature::names_only_recipient);
  to.add_if(contains_ignoring_case(facts.words, "http") || contains_ignoring_case(facts.words, "www.") ||
                std::ranges::any_of(facts.outer, has_html_link),
            Feature::link);
  constexpr int kMuch = 3;
  to.add_if(facts.quoted_lines > 0, Feature::quotes);
  to.add_if(facts.quoted_lines > kMuch, Feature::quotes_much);
  constexpr std::size_t kShort = 600;
  to.add_if(facts.words.size() < kShort, Feature::short_text);
}

void read_text(Facts& facts) {
  if (facts.status != nullptr) facts.status_text = mail::text_of(*facts.status).text;
  if (facts.disposition != nullptr) facts.disposition_text = mail::text_of(*facts.disposition).text;
  if (facts.enclosed_headers != nullptr)
    facts.enclosed_header_fields = find_quoted_original(mail::text_of(*facts.enclosed_headers).text).fields;
  facts.lines = readable_lines(facts);
  facts.quoted = find_quoted_original(facts.lines);
  read_words(facts);
}

}  // namespace blowback::detect
