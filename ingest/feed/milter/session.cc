#include "milter/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace blowback::milter {
namespace {

/// RFC 5321 §4.5.3.1.8 asks for 100 recipients.
constexpr std::size_t kMostRecipients = 1000;
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestPath = 1000;
/// Octets kept of a message that is too large.
constexpr std::size_t kBeginning = 64U << 10U;

/// Without angle brackets and source route (RFC 5321 §4.1.1.3: it is ignored).
[[nodiscard]] std::string_view address_of(std::string_view path) {
  if (path.size() >= 2 && path.front() == '<' && path.back() == '>') path = path.substr(1, path.size() - 2);
  if (path.starts_with('@')) {
    if (const auto colon = path.find(':'); colon != std::string_view::npos) path.remove_prefix(colon + 1);
  }
  return path;
}

/// Frees the memory as well, which is no longer counted; clear() would keep it.
void release(std::string& text) { std::string().swap(text); }

}  // namespace

bool Budget::reserve(std::size_t octets) {
  if (used_.fetch_add(octets) + octets <= most_) return true;
  used_ -= octets;
  return false;
}

bool Share::add(std::size_t octets) {
  if (!budget_->reserve(octets)) return false;
  octets_ += octets;
  return true;
}

void Session::hello(std::string_view name) { helo_ = name.substr(0, kLongestName); }

void Session::mail(std::string_view path) {
  reset();
  const auto address = address_of(path);
  if (address.size() > kLongestPath) return;
  in_transaction_ = true;
  sender_ = address;
}

void Session::recipient(std::string_view path, UnixTime now) {
  const auto address = address_of(path);
  if (!in_transaction_ || address.empty() || address.size() > kLongestPath || recipients_.size() >= kMostRecipients) {
    return;
  }
  auto witness = settings_.witness_of(address);
  const bool is_another = !witness.empty() && std::ranges::find(traps_, witness, &Trap::witness) == traps_.end();
  if (is_another && traps_.size() < feed::CalloutGate::kMostOfSender) {
    traps_.push_back({.witness = std::move(witness), .address = std::string(address)});
  }
  last_recipient_at_ = now;
  recipients_.emplace_back(address);
}

bool Session::data() {
  data_begun_ = true;
  return is_watched();
}

void Session::header(std::string_view name, std::string_view value) {
  // Old mail servers don't report DATA.
  data_begun_ = true;
  if (!is_watched()) return;
  std::string field(name);
  field += ':';
  // If the mail server supports SMFIP_HDR_LEADSPC, the white space after the colon is part of the value.
  if (!value.empty() && value.find_first_of(" \t\r\n") != 0) field += ' ';
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\n' && (i == 0 || value[i - 1] != '\r')) field += '\r';
    field += value[i];
  }
  field += "\r\n";
  append(field);
}

void Session::end_of_header() {
  data_begun_ = true;
  if (is_watched()) append("\r\n");
}

void Session::body(std::string_view octets) {
  if (is_watched()) append(octets);
}

void Session::append(std::string_view octets) {
  size_ += octets.size();
  if (overflow_ != Overflow::none) return;
  if (size_ > settings_.message_octets) {
    overflow_ = Overflow::message;
    message_.resize(std::min(message_.size(), kBeginning));
    message_.shrink_to_fit();
    share_.give_back();
    if (!share_.add(message_.size())) release(message_);
  } else if (!share_.add(octets.size())) {
    overflow_ = Overflow::memory;
    release(message_);
    share_.give_back();
  } else {
    message_ += octets;
  }
}

std::optional<Session::Report> Session::end_of_message(UnixTime now) {
  if (!is_watched()) {
    reset();
    return std::nullopt;
  }
  Report report{.item = {}, .share = std::move(share_)};
  switch (overflow_) {
    case Overflow::none: {
      TrapDelivery delivery;
      delivery.event = TrapDelivery::Event::message;
      delivery.received_at = now;
      delivery.client = client_;
      delivery.helo = helo_;
      delivery.mail_from = std::move(sender_);
      delivery.rcpt_to = std::move(recipients_);
      delivery.message = std::move(message_);
      report.item.content = std::move(delivery);
      break;
    }
    case Overflow::message:
      report.item.content = feed::Unreadable{
          .reason = "too-large",
          .detail = fmt::format("the message has {} octets, more than the limit of {}; its beginning is kept", size_,
                                settings_.message_octets),
          .bytes = std::move(message_)};
      break;
    case Overflow::memory:
      report.item.content = feed::Unreadable{
          .reason = "too-much-at-once",
          .detail = fmt::format("a message of {} octets to a trap wasn't read: messages that wait for the database "
                                "use all the memory of this milter",
                                size_),
          .bytes = ""};
      break;
  }
  reset();
  return report;
}

bool Session::is_callout(UnixTime now) const {
  const bool left_soon = now >= last_recipient_at_ && now - last_recipient_at_ <= kCalloutEnds;
  return settings_.callouts && is_watched() && !data_begun_ && !refused_ && feed::is_probing(sender_) && left_soon &&
         !is_relay();
}

std::optional<Session::Report> Session::abort(UnixTime now) {
  if (!is_callout(now)) {
    reset();
    return std::nullopt;
  }
  TrapDelivery callout;
  callout.event = TrapDelivery::Event::callout;
  callout.received_at = now;
  callout.time_is_told = true;
  callout.client = client_;
  callout.helo = helo_;
  callout.mail_from = sender_;
  for (auto& trap : traps_) callout.rcpt_to.push_back(std::move(trap.address));
  Report report{.item = {.where = {}, .content = std::move(callout)}, .share = std::move(share_)};
  reset();
  return report;
}

void Session::reset() {
  in_transaction_ = false;
  data_begun_ = false;
  refused_ = false;
  sender_.clear();
  recipients_.clear();
  traps_.clear();
  release(message_);
  size_ = 0;
  overflow_ = Overflow::none;
  share_.give_back();
}

bool Session::is_relay() const {
  return std::ranges::any_of(settings_.trusted_relays, [&](const Prefix& relay) { return relay.contains(client_); });
}

}  // namespace blowback::milter
