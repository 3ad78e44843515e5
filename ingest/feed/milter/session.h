// One SMTP session as a mail server reports it to its milters: the transactions that named a trap, and their messages.
//
// It has no libmilter, socket or clock, and only observes: nothing that it finds changes what the mail server does.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/prefix.h"
#include "blowback/trap_delivery.h"
#include "blowback/unix_time.h"
#include "feed/callouts.h"
#include "feed/feed.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blowback::milter {

/// Limits the octets that all sessions and the queue to ingest hold together. Safe from any thread.
class Budget {
 public:
  explicit Budget(std::size_t most) : most_(most) {}
  /// False: so many would exceed the limit, and none are reserved.
  [[nodiscard]] bool reserve(std::size_t octets);
  void give_back(std::size_t octets) { used_ -= octets; }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  std::size_t most_;
  std::atomic<std::size_t> used_ = 0;
};

/// Octets reserved from the budget, until it is destroyed.
class Share {
 public:
  /// `budget` must outlive it.
  explicit Share(Budget& budget) : budget_(&budget) {}
  Share(Share&& other) noexcept : budget_(other.budget_), octets_(std::exchange(other.octets_, 0)) {}
  Share& operator=(Share&& other) noexcept {
    if (this != &other) {
      give_back();
      budget_ = other.budget_;
      octets_ = std::exchange(other.octets_, 0);
    }
    return *this;
  }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share() { give_back(); }

  [[nodiscard]] bool add(std::size_t octets);
  void give_back() { budget_->give_back(std::exchange(octets_, 0)); }

 private:
  Budget* budget_;
  std::size_t octets_ = 0;
};

/// A client that leaves later than this after its last recipient hasn't made a callout: those leave as soon as they have their answer. The
/// mail server's own time limits are longer (Postfix: 300 seconds, 10 under stress; Sendmail: an hour), so that a client which exceeds one
/// isn't mistaken for a callout.
inline constexpr Duration kCalloutEnds = std::chrono::seconds{5};

struct SessionSettings {
  feed::WitnessOf witness_of;          ///< identifies the traps; safe from any thread
  std::vector<Prefix> trusted_relays;  ///< their callouts aren't those of strangers
  bool callouts = true;                ///< report clients that leave before DATA
  std::size_t message_octets = 0;      ///< of one message, at most
};

/// One thread at a time.
class Session {
 public:
  /// A message or callout for ingest. The item's `where` is empty.
  struct Report {
    feed::Item item;
    Share share;
  };

  /// `client` connected to the mail server. `settings` and `budget` must outlive it.
  Session(const SessionSettings& settings, Budget& budget, const IpAddress& client)
      : settings_(settings), client_(client), share_(budget) {}

  void hello(std::string_view name);
  /// MAIL: a transaction begins. `path` as the client wrote it, with or without angle brackets.
  void mail(std::string_view path);
  /// RCPT that the mail server has accepted so far.
  void recipient(std::string_view path, UnixTime now);
  /// RCPT that the mail server refused: that may be why the client leaves, so this is no callout.
  void refused_recipient() { refused_ = true; }
  /// False: no recipient is a trap, and the message needn't be passed on to the session.
  [[nodiscard]] bool data();
  /// A header field; folded lines end in LF or CR LF.
  void header(std::string_view name, std::string_view value);
  void end_of_header();
  void body(std::string_view octets);
  /// The message is complete. Absent: no recipient was a trap. Unreadable if it was too large, or the budget was exhausted.
  [[nodiscard]] std::optional<Report> end_of_message(UnixTime now);
  /// The transaction ended without a message. Returns a sender callout if it was one: a null reverse-path, a trap, no DATA, and the client
  /// left soon. Milters aren't informed if the mail server refused DATA; so record/listed_callers.h drops the callouts of listed clients, which
  /// our configurations for mail servers refuse. A callout has one recipient per witness.
  [[nodiscard]] std::optional<Report> abort(UnixTime now);

 private:
  enum class Overflow : std::uint8_t { none, message, memory };

  /// The first trap of its witness among the recipients.
  struct Trap {
    std::string witness;
    std::string address;
  };

  /// Adds to the message, within the limits.
  void append(std::string_view octets);
  void reset();
  [[nodiscard]] bool is_watched() const { return in_transaction_ && !traps_.empty(); }
  [[nodiscard]] bool is_callout(UnixTime now) const;
  [[nodiscard]] bool is_relay() const;

  const SessionSettings& settings_;
  IpAddress client_;
  std::string helo_;

  bool in_transaction_ = false;
  bool data_begun_ = false;
  bool refused_ = false;  ///< a recipient was refused
  std::string sender_;
  std::vector<std::string> recipients_;
  std::vector<Trap> traps_;  ///< at most feed::CalloutGate::kMostOfSender
  UnixTime last_recipient_at_{};
  std::string message_;
  std::uint64_t size_ = 0;  ///< of the message, including octets that were dropped
  Overflow overflow_ = Overflow::none;
  Share share_;
};

}  // namespace blowback::milter
