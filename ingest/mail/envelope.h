// The envelope of a delivery: what the feed knows of it, else what our own mail server wrote above its trace.
#pragma once

#include "blowback/trap_delivery.h"
#include "message.h"
#include "received_chain.h"

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::mail {

/// A path (RFC 5321 §4.1.2) without white space and the angle brackets around it. Refers to `path`.
[[nodiscard]] std::string_view without_angle_brackets(std::string_view path);

/// The fields above the topmost Received:, which our own mail server wrote. Copies that strangers wrote are below. Refers to `fields`.
[[nodiscard]] std::span<const Field> above_trace(const std::vector<Field>& fields);

/// The Return-Path: above the trace, without angle brackets; "" is the null reverse-path, also where the mail server writes `MAILER-DAEMON` for
/// it. Absent: there is none.
[[nodiscard]] std::optional<std::string> return_path_of(const std::vector<Field>& fields);

/// The values of the Received: fields, topmost first.
[[nodiscard]] std::vector<std::string> received_values(const std::vector<Field>& fields);

/// The address that connected, if the feed knows it and it isn't one of our relays; else the client by the trace. `received`: the values of
/// the Received: fields, topmost first. A special-use address is a doubt.
[[nodiscard]] std::expected<Client, Doubt> client_of(const TrapDelivery& delivery,
                                                     std::span<const std::string> received,
                                                     std::span<const Prefix> trusted_relays);

}  // namespace blowback::mail
