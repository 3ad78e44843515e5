#include "blowback/attribution.h"

#include <array>
#include <cstddef>

namespace blowback {

Counting counting_of(ReversePath reverse_path, Relayed relayed, bool doubtful_boundary, bool any_reverse_path) {
  if (relayed != Relayed::no) return Counting::relayed;
  if (doubtful_boundary) return Counting::doubtful_boundary;
  if (any_reverse_path) return Counting::counted;
  switch (reverse_path) {
    case ReversePath::null:
      return Counting::counted;
    case ReversePath::set:
      return Counting::set_reverse_path;
    case ReversePath::unknown:
      break;
  }
  return Counting::unknown_reverse_path;
}

std::string_view name_of(ReversePath path) {
  static constexpr std::array<std::string_view, 3> kNames{"null", "set", "unknown"};
  return kNames[static_cast<std::size_t>(path)];
}

std::string_view name_of(Relayed relayed) {
  static constexpr std::array<std::string_view, 6> kNames{"no",           "trace",     "submission",
                                                          "mailing-list", "forwarder", "recipient"};
  return kNames[static_cast<std::size_t>(relayed)];
}

std::string_view name_of(Counting counting) {
  static constexpr std::array<std::string_view, 5> kNames{"counted", "relayed", "doubtful-boundary", "set-reverse-path",
                                                          "unknown-reverse-path"};
  return kNames[static_cast<std::size_t>(counting)];
}

std::string_view in_words(Counting counting) {
  switch (counting) {
    case Counting::counted:
      return "counted";
    case Counting::relayed:
      return "passed on by this server, not created there";
    case Counting::doubtful_boundary:
      return "from an mbox whose message boundaries can be forged";
    case Counting::set_reverse_path:
      return "its reverse-path was not null";
    case Counting::unknown_reverse_path:
      return "its reverse-path is not known";
  }
  return "";
}

}  // namespace blowback
