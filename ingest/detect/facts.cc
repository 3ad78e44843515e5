#include "facts.h"

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
  std::string plain;
  std::string html;
  for (const mail::Part* part : facts.outer) {
    if (part->is_attachment && part->type != "text/plain") continue;
    if (part->type == "text/html") {
      if (html.size() < kMostLines) (html += words_of_html(mail::text_of(*part).text)) += '\n';
    } else if (part->type == "text/plain" || part->type == "text/enriched" || part->type.starts_with("multipart/")) {
      if (plain.size() < kMostLines && !part->body.empty()) (plain += mail::text_of(*part, kMostLines).text) += '\n';
    }
  }
  constexpr std::size_t kAnything = 12;
  std::string& chosen = trimmed(plain).size() < kAnything ? html : plain;
  if (chosen.size() > kMostLines) chosen.resize(kMostLines);
  return std::move(chosen);
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
  bool blank = !out.empty();
  const auto follows = [&](std::size_t at, std::string_view octets) {
    return line.compare(at, octets.size(), octets) == 0;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= ' ') {
      blank = true;
      continue;
    }
    if (octet >= 0xC2 && follows(i, "\xC2\xA0")) {
      blank = true;
      ++i;
      continue;
    }
    if (blank && !out.empty()) out += ' ';
    blank = false;
    if (octet >= 0xE2 && follows(i, "\xE2\x80\x99")) {
      out += '\'';
      i += 2;
    } else {
      out += c;
    }
  }
}

void read_words(Facts& facts) {
  std::string_view rest = std::string_view(facts.lines).substr(0, facts.quoted.begin);
  while (!rest.empty() && facts.words.size() < kMostWords) {
    const std::string_view line = trimmed(next_line(rest));
    if (begins_forwarding(line)) break;
    if (is_quotation(line)) {
      ++facts.quoted_lines;
      continue;
    }
    append_collapsed(line, facts.words);
  }
  if (facts.words.size() > kMostWords) facts.words.resize(kMostWords);
}

}  // namespace

bool is_daemon(std::string_view address) {
  static constexpr std::array<std::string_view, 10> kNames{
      "mailer-daemon",        "mailerdaemon", "mailer_daemon", "mail-daemon",   "maildaemon",
      "mail.delivery.system", "mmdf",         "double-bounce", "bounce-daemon", "mail-delivery-subsystem"};
  return is_one_of(local_part(address), kNames);
}

bool is_postmaster(std::string_view address) {
  static constexpr std::array<std::string_view, 4> kNames{"postmaster", "post_master", "post-master", "post.master"};
  return is_one_of(local_part(address), kNames);
}

std::string words_of_html(std::string_view html) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kEntities{{{"&nbsp;", " "},
                                                                                           {"&lt;", "<"},
                                                                                           {"&gt;", ">"},
                                                                                           {"&amp;", "&"},
                                                                                           {"&quot;", "\""},
                                                                                           {"&#39;", "'"},
                                                                                           {"&apos;", "'"}}};
  std::string out;
  std::size_t at = 0;
  while (at < html.size()) {
    const char c = html[at];
    if (c == '<') {
      for (const std::string_view hidden : {"style", "script", "title"}) {
        if (!starts_ignoring_case(html.substr(at + 1), hidden)) continue;
        const std::string close = "</" + std::string(hidden);
        std::size_t end = at;
        do {
          end = html.find("</", end + 1);
        } while (end != std::string_view::npos && !starts_ignoring_case(html.substr(end), close));
        at = std::min(end, html.size());  // never closed: the rest is hidden
        break;
      }
      if (at == html.size()) break;
      const std::string_view tag = html.substr(at + 1, 4);
      const bool breaks = starts_ignoring_case(tag, "br") || starts_ignoring_case(tag, "p") ||
                          starts_ignoring_case(tag, "/p") || starts_ignoring_case(tag, "/div") ||
                          starts_ignoring_case(tag, "/tr") || starts_ignoring_case(tag, "li") ||
                          starts_ignoring_case(tag, "/h");
      const std::size_t end = html.find('>', at);
      if (end == std::string_view::npos) break;
      out += breaks ? '\n' : ' ';
      at = end + 1;
      continue;
    }
    if (c == '&') {
      const auto* const entity =
          std::ranges::find_if(kEntities, [&](const auto& row) { return html.substr(at).starts_with(row.first); });
      if (entity != kEntities.end()) {
        out += entity->second;
        at += entity->first.size();
        continue;
      }
    }
    out += c;
    ++at;
  }
  return out;
}

Facts facts_of(const TrapDelivery& delivery, const mail::Message& message) {
  Facts facts;
  if (delivery.mail_from) {
    facts.null_reverse_path = delivery.mail_from->empty() || *delivery.mail_from == "<>";
    facts.reverse_path = lower_case(*delivery.mail_from);
  } else if (const std::string* path = mail::find(message.fields, "Return-Path")) {
    facts.reverse_path = lower_case(mail::first_address(*path));
    facts.null_reverse_path = facts.reverse_path.empty();
  }
  facts.other_reverse_path = !facts.reverse_path.empty() && !facts.null_reverse_path && !is_daemon(facts.reverse_path);
  if (const std::string* from = mail::find(message.fields, "From")) {
    facts.from_field = mail::decoded(*from);
    facts.from = lower_case(mail::first_address(*from));
    // `MAILER-DAEMON <>`: the display name counts.
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
                                      "List-Archive", "Mailing-List", "X-Mailing-List", "X-BeenThere"}) {
    if (mail::find(message.fields, name) != nullptr) facts.is_list_mail = true;
  }
  facts.answers =
      mail::find(message.fields, "In-Reply-To") != nullptr || mail::find(message.fields, "References") != nullptr;
  append_header(message.fields, facts.header);
  find_parts(message, facts);
  return facts;
}

void read_text(Facts& facts) {
  if (facts.status != nullptr) facts.status_text = mail::text_of(*facts.status).text;
  if (facts.disposition != nullptr) facts.disposition_text = mail::text_of(*facts.disposition).text;
  facts.lines = readable_lines(facts);
  facts.quoted = find_quoted_original(facts.lines);
  read_words(facts);
}

}  // namespace blowback::detect
