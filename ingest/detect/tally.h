// The sums that decide a verdict: wording per kind, origin, and counter-evidence, with their thresholds.
#pragma once

#include "blowback/kind.h"
#include "blowback/verdict.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
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

/// Sums up the signals. Wording counts for one kind; the origin (who sent it, how it is marked) for all kinds. The names must outlive it.
class Tally {
 public:
  void word(std::string_view name, Kind kind, double weight) {
    words_[static_cast<std::size_t>(kind)] += weight;
    signals_.emplace_back(kind, Counted{name, weight});
  }
  void origin(std::string_view name, double weight) {
    origin_ += weight;
    common_.push_back({name, weight});
  }
  void against(std::string_view name, double weight) {
    against_ += weight;
    common_.push_back({name, -weight});
  }
  /// Counts against one kind only: a returned parcel against a bounce, but not against a vacation reply.
  void against(std::string_view name, Kind kind, double weight) {
    against_kind_[static_cast<std::size_t>(kind)] += weight;
    signals_.emplace_back(kind, Counted{name, -weight});
  }

  /// Content that speaks against all kinds, or against one: a lure, a signature of a telephone. All of it together counts `kMostVeto` at most,
  /// and nothing if the message is proved to be what it says.
  void veto(std::string_view name, double weight) { vetoes_.push_back({std::nullopt, {name, weight}}); }
  void veto(std::string_view name, Kind kind, double weight) { vetoes_.push_back({kind, {name, weight}}); }
  /// Once, after all evidence.
  void count_vetoes(bool is_proved) {
    if (is_proved) return;
    std::array<double, 8> sums{};
    for (const auto& [kind, signal] : vetoes_) {
      const bool is_for_all = !kind.has_value();
      for (std::size_t i = 0; i < sums.size(); ++i) {
        if (is_for_all || static_cast<std::size_t>(*kind) == i) sums[i] += signal.weight;
      }
      const Counted shown{signal.name, -signal.weight};
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
    out.reserve(signals_.size() + common_.size());
    const auto add = [&](const Counted& signal, double weight) { out.push_back({std::string(signal.name), weight}); };
    for (const auto& [of, signal] : signals_) {
      if (of == kind)
        add(signal, signal.weight);
      else if (!is_backscatter(kind))
        add(signal, -signal.weight);
    }
    for (const Counted& signal : common_) add(signal, is_backscatter(kind) ? signal.weight : -signal.weight);
    return out;
  }

 private:
  struct Counted {
    std::string_view name;
    double weight = 0;
  };

  std::array<double, 8> words_{};
  std::array<double, 8> against_kind_{};
  double origin_ = 0;
  double against_ = 0;
  std::vector<std::pair<std::optional<Kind>, Counted>> vetoes_;
  std::vector<std::pair<Kind, Counted>> signals_;
  std::vector<Counted> common_;
};

}  // namespace blowback::detect
