#include "blowback/listing.h"

namespace blowback {

std::string_view name_of(Source source) {
  switch (source) {
    case Source::automatic:
      return "automatic";
    case Source::by_operator:
      return "operator";
  }
  return {};
}

std::string_view name_of(ListingChange::Action action) {
  switch (action) {
    case ListingChange::Action::listed:
      return "listed";
    case ListingChange::Action::prolonged:
      return "prolonged";
    case ListingChange::Action::delisted:
      return "delisted";
    case ListingChange::Action::expired:
      return "expired";
    case ListingChange::Action::exempted:
      return "exempted";
    case ListingChange::Action::exemption_ended:
      return "exemption_ended";
  }
  return {};
}

}  // namespace blowback
