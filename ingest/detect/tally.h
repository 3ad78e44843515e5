// The sums that decide a verdict: wording per kind, origin, and counter-evidence, with their thresholds.
#pragma once

#include "blowback/kind.h"
#include "blowback/verdict.h"

#include <algorithm>
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
// What a message of a form that leaves no doubt counts: a callout, a feedback report.
inline constexpr double kByStructure = 4.0;
inline constexpr double kMostVeto = 6.0;

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

  /// Content that speaks against all kinds, or against one: a lure, a signature of a telephone. All of it together counts `kMostVeto` at most,
  /// and nothing if the message is proved to be what it says.
  void veto(std::string name, double weight) { vetoes_.push_back({std::nullopt, {std::move(name), weight}}); }
  void veto(std::string name, Kind kind, double weight) { vetoes_.push_back({kind, {std::move(name), weight}}); }
  /// Once, after all evidence.
  void count_vetoes(bool is_proved) {
    if (is_proved) return;
    std::array<double, 8> sums{};
    for (auto& [kind, signal] : vetoes_) {
      const bool is_for_all = !kind.has_value();
      for (std::size_t i = 0; i < sums.size(); ++i) {
        if (is_for_all || static_cast<std::size_t>(*kind) == i) sums[i] += signal.weight;
      }
      const Signal shown{std::move(signal.name), -signal.weight};
      if (is_for_all)
        common_.push_back(shown);
      else
        signals_.emplace_back(*kind, shown);
    }
    for (std::size_t i = 0; i < sums.size(); ++i) against_kind_[i] += std::min(sums[i], kMostVeto);
  }

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
  std::vector<std::pair<std::optional<Kind>, Signal>> vetoes_;
  std::vector<std::pair<Kind, Signal>> signals_;
  std::vector<Signal> common_;
};

}  // namespace blowback::detect
