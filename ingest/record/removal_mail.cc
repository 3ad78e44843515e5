#include "record/removal_mail.h"

#include "blowback/text.h"
#include "mail/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace blowback::record {
namespace {

constexpr std::string_view kSubject = "delist";

/// Fields that answers, bounces and lists have, and a person's new message doesn't.
constexpr auto kOfOthers = std::to_array<std::string_view>({"In-Reply-To", "References", "List-Id", "List-Unsubscribe",
                                                            "X-Autoreply", "X-Autorespond", "X-Failed-Recipients"});

[[nodiscard]] bool is_automatic(const std::vector<mail::Field>& fields) {
  if (std::ranges::any_of(kOfOthers, [&](std::string_view name) { return mail::find(fields, name) != nullptr; })) {
    return true;
  }
  // All fields of a name: the one that a careless answer copies may come first.
  return std::ranges::any_of(fields, [](const mail::Field& field) {
    const std::string value = lower_case(trimmed(field.value));
    if (mail::is_named(field, "Auto-Submitted")) return value != "no";  // RFC 3834 §5
    if (mail::is_named(field, "Precedence")) return true;
    return mail::is_named(field, "Content-Type") && value.starts_with("multipart/report");
  });
}

}  // namespace

std::optional<std::string> objection_to(std::string_view header) {
  const auto fields = mail::parse_header(header, {});
  if (!fields) return "550 5.6.0 The header of this message can't be read";
  if (is_automatic(*fields))
    return "550 5.7.1 This looks like an automatic message; write a new one to ask for removal";
  const auto* const subject = mail::find(*fields, "Subject");
  if (subject == nullptr || !equals_ignoring_case(trimmed(*subject).substr(0, kSubject.size()), kSubject)) {
    return fmt::format("550 5.7.1 To ask for removal, send a message with a subject that begins with \"{}\"", kSubject);
  }
  return std::nullopt;
}

std::string reply_to(const IpAddress& client, const schema::Result<schema::RemovalFiled>& filed) {
  if (!filed) return "451 4.3.0 The request can't be stored now; try again later";
  const std::string name = client.to_string();
  const auto& request = filed->request;
  if (!request) {
    const auto why = filed->outlook.refused.value_or(RemovalRefusal::not_listed);
    if (why == RemovalRefusal::too_many) return fmt::format("451 4.3.2 {}: {}", name, clause_of(why));
    return fmt::format("550 5.7.1 {} is not removed: {}", name, clause_of(why));
  }
  if (request->due_at <= request->requested_at)
    return fmt::format("250 2.0.0 {} will be removed within a minute", name);
  return fmt::format("250 2.0.0 {} will be removed at {} if no backscatter comes from it until then", name,
                     to_iso8601(request->due_at));
}

std::optional<RemovalRequest> take_removal_mail(const feed::RemovalMail& mail, schema::Store& store,
                                                const RemovalRules& rules, UnixTime now) {
  if (auto objection = objection_to(mail.header)) {
    mail.answer(*std::move(objection));
    return std::nullopt;
  }
  const auto filed = store.request_removal({.address = mail.client, .proof = RemovalProof::mail}, rules, now);
  mail.answer(reply_to(mail.client, filed));
  return filed && filed->is_new ? filed->request : std::nullopt;
}

}  // namespace blowback::record
