// The sums that decide a verdict: wording per kind, origin, and counter-evidence, with their thresholds.
#pragma once

#include "blowback/kind.h"
#include "blowback/verdict.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace blowback::detect {

// The evidence that a program sent the message which each kind requires, besides its wording.
inline constexpr double kEnough = 2.0;
inline constexpr double kEnoughWords = 1.0;
// Bounces say "your message was blocked", too.
inline constexpr double kEnoughWordsOfNotice = 1.2;
inline constexpr double kEnoughOrigin = 0.5;
// Forums and monitoring programs mark their mail as automatic too, and may quote a bounce: without more evidence, more wording is needed.
inline constexpr double kSureOrigin = 0.65;
inline constexpr double kEnoughOfUnsure = 2.5;
// A report in the form of RFC 3464 or RFC 8098: only an unusual attachment counts against it.
inline constexpr double kByStructure = 4.0;

/// Sums up the signals. Wording counts for one kind; the origin (who sent it, how it is marked) for all kinds.
class Tally {
 public:
  void word(std::string name, Kind kind, double weight) {
    words_[static_cast<std::size_t>(kind)] += weight;
    signals_.emplace_back(kind, Signal{std::move(name), weight});
  }
  void origin(std::string name, double weight) {
    origin_ += weight;
    common_.push_back({std::move(name), weight});
  }
  void against(std::string name, double weight) {
    against_ += weight;
    common_.push_back({std::move(name), -weight});
  }
  /// Counts against one kind only: a returned parcel against a bounce, but not against a vacation reply.
  void against(std::string name, Kind kind, double weight) {
    against_kind_[static_cast<std::size_t>(kind)] += weight;
    signals_.emplace_back(kind, Signal{std::move(name), -weight});
  }

  /// It has the form of RFC 3464 or RFC 8098.
  void report(std::string name, Kind kind) {
    word(std::move(name), kind, kByStructure);
    report_ = kind;
  }
  [[nodiscard]] bool is_report(Kind kind) const { return report_ == kind; }

  /// There is evidence of a bounce other than the subject and the originator's name.
  void saw_bounce() { bounce_within_ = true; }
  void saw_bounce_subject() { bounce_subject_ = true; }
  [[nodiscard]] bool bounce_subject() const { return bounce_subject_; }
  [[nodiscard]] bool bounce_within() const { return bounce_within_; }

  [[nodiscard]] double words(Kind kind) const { return words_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] double origin() const { return origin_; }
  [[nodiscard]] double against(Kind kind) const { return against_ + against_kind_[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] double sum(Kind kind) const { return words(kind) + origin_ - against(kind); }
  [[nodiscard]] bool is_enough(Kind kind) const {
    const double enough = kind == Kind::dsn && origin_ < kSureOrigin ? kEnoughOfUnsure : kEnough;
    const double enough_words = kind == Kind::virus_notice ? kEnoughWordsOfNotice : kEnoughWords;
    return words(kind) >= enough_words && origin_ >= kEnoughOrigin && sum(kind) >= enough;
  }

  /// The signals for `kind`, and those for and against all kinds, with their sign; for not_backscatter the signs are reversed, except for those
  /// against.
  [[nodiscard]] std::vector<Signal> signals_for(Kind kind) const {
    std::vector<Signal> out;
    for (const auto& [of, signal] : signals_) {
      if (of == kind)
        out.push_back(signal);
      else if (!is_backscatter(kind))
        out.push_back({signal.name, -signal.weight});
    }
    for (const Signal& signal : common_)
      out.push_back({signal.name, is_backscatter(kind) ? signal.weight : -signal.weight});
    return out;
  }

 private:
  std::array<double, 8> words_{};
  std::array<double, 8> against_kind_{};
  double origin_ = 0;
  double against_ = 0;
  bool bounce_within_ = false;
  bool bounce_subject_ = false;
  std::optional<Kind> report_;
  std::vector<std::pair<Kind, Signal>> signals_;
  std::vector<Signal> common_;
};

}  // namespace blowback::detect
