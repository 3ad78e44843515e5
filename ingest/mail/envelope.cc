#include "envelope.h"

#include "blowback/text.h"

#include <algorithm>
#include <string_view>

namespace blowback::mail {

std::string_view without_angle_brackets(std::string_view path) {
  path = trimmed(path);
  if (path.starts_with('<') && path.ends_with('>')) path = path.substr(1, path.size() - 2);
  return path;
}

std::span<const Field> above_trace(const std::vector<Field>& fields) {
  const auto trace = std::ranges::find_if(fields, [](const Field& field) { return is_named(field, "Received"); });
  return {fields.begin(), trace};
}

std::optional<std::string> return_path_of(const std::vector<Field>& fields) {
  const auto own = above_trace(fields);
  const auto field = std::ranges::find_if(own, [](const Field& one) { return is_named(one, "Return-Path"); });
  if (field == own.end()) return std::nullopt;
  // `MAILER-DAEMON` is what Sendmail and mbox writers write for `<>`. No client can have such a path without a domain.
  const auto path = without_angle_brackets(field->value);
  return path.empty() || lower_case(path) == "mailer-daemon" ? std::string() : std::string(path);
}

std::vector<std::string> received_values(const std::vector<Field>& fields) {
  std::vector<std::string> values;
  for (const auto& field : fields) {
    if (is_named(field, "Received")) values.push_back(field.value);
  }
  return values;
}

std::expected<Client, Doubt> client_of(const TrapDelivery& delivery, std::span<const std::string> received,
                                       std::span<const Prefix> trusted_relays) {
  auto traced = client_of(received, trusted_relays);
  // If our own relay connected, its trace field names the client.
  const bool by_relay = delivery.client && std::ranges::any_of(trusted_relays, [&](const Prefix& relay) {
                          return relay.contains(*delivery.client);
                        });
  if (!delivery.client || by_relay) return traced;
  if (use_of(*delivery.client) == AddressUse::special) {
    return std::unexpected(Doubt{.text = "the feed names " + delivery.client->to_string() +
                                         " as the client, which isn't a public address; let the feed's "
                                         "source pass on the address that connected to your outermost relay",
                                 .quote = ""});
  }
  // The connection's address counts. The trace only shows where the client's own lines begin: below ours if it agrees, else at the top.
  Client client{.address = *delivery.client, .helo = delivery.helo, .ours = 0};
  if (traced && traced->address == client.address) {
    client.ours = traced->ours;
    if (client.helo.empty()) client.helo = traced->helo;
  }
  return client;
}

}  // namespace blowback::mail
