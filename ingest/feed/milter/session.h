// One SMTP session as a mail server tells it to its milters: which of its transactions named a trap, and what they carried.
//
// No libmilter, socket or clock in it. It only looks on: nothing that it finds changes what the mail server does.
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

/// Octets that all sessions and the queue behind them may hold together. Safe from any thread.
class Budget {
 public:
  explicit Budget(std::size_t most) : most_(most) {}
  /// False: there is no room for so many, and none were taken.
  [[nodiscard]] bool take(std::size_t octets);
  void give_back(std::size_t octets) { used_ -= octets; }
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  std::size_t most_;
  std::atomic<std::size_t> used_ = 0;
};

/// What one holder has of the budget, given back when it goes.
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

/// So long after its last recipient a client may leave and be a caller out: callers out have their answer and go at once. The mail
/// server's own time limits are longer (Postfix: 300 seconds, 10 under stress; Sendmail: an hour), so whoever ran into one isn't taken
/// for a caller out.
inline constexpr Duration kCalloutEnds = std::chrono::seconds{5};

/// What is the same for all sessions.
struct SessionSettings {
  feed::WitnessOf witness_of;          ///< tells the traps; safe from any thread
  std::vector<Prefix> trusted_relays;  ///< what they ask isn't a stranger's callout
  bool callouts = true;                ///< report those who leave before DATA
  std::size_t message_octets = 0;      ///< of one message at most
};

/// One thread at a time.
class Session {
 public:
  /// Something to be handed on. `where` of the item is left open.
  struct Report {
    feed::Item item;
    Share share;
  };

  /// `client` is who connected to the mail server. `settings` and `budget` must outlive it.
  Session(const SessionSettings& settings, Budget& budget, const IpAddress& client)
      : settings_(settings), client_(client), share_(budget) {}

  void hello(std::string_view name);
  /// A transaction begins. `path` as the client wrote it, with its angle brackets or without.
  void mail(std::string_view path);
  /// A recipient that the mail server accepted, as far as it knows yet.
  void recipient(std::string_view path, UnixTime now);
  /// One that it refused: perhaps that is why the client leaves, and then it is no caller out.
  void refused_recipient() { refused_ = true; }
  /// False: there is no trap among the recipients, and the message needn't be told.
  [[nodiscard]] bool data();
  /// A header field; folded lines end in LF or CR LF.
  void header(std::string_view name, std::string_view value);
  void end_of_header();
  void body(std::string_view octets);
  /// The message is whole. Absent where it was for no trap. Where it was too large, or the budget is spent, an Unreadable.
  [[nodiscard]] std::optional<Report> end_of_message(UnixTime now);
  /// The transaction ended otherwise. A sender callout if it may have been one: a null reverse-path, a trap, no DATA, soon. Whether the
  /// mail server refused DATA a milter isn't told; whoever records callouts leaves out those of listed clients, whom our recipes refuse.
  /// It has one recipient for each witness that was named.
  [[nodiscard]] std::optional<Report> abort(UnixTime now);

 private:
  enum class Overflow : std::uint8_t { none, message, memory };

  /// A trap among the recipients: the first of its witness.
  struct Trap {
    std::string witness;
    std::string address;
  };

  void keep(std::string_view octets);
  void reset();
  [[nodiscard]] bool is_watched() const { return in_transaction_ && !traps_.empty(); }
  [[nodiscard]] bool is_callout(UnixTime now) const;
  [[nodiscard]] bool is_relay() const;

  const SessionSettings& settings_;
  IpAddress client_;
  std::string helo_;

  bool in_transaction_ = false;
  bool data_begun_ = false;
  bool refused_ = false;  ///< a recipient was
  std::string sender_;
  std::vector<std::string> recipients_;
  std::vector<Trap> traps_;  ///< as many as a sender's callouts may have witnesses
  UnixTime last_recipient_at_{};
  std::string message_;
  std::uint64_t size_ = 0;  ///< of the message, also of what wasn't kept
  Overflow overflow_ = Overflow::none;
  Share share_;
};

}  // namespace blowback::milter
