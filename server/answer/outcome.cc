#include "answer/outcome.h"

namespace blowback::answer {

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::listed:
      return "listed";
    case Outcome::test_point:
      return "test_point";
    case Outcome::apex:
      return "apex";
    case Outcome::nodata:
      return "nodata";
    case Outcome::nxdomain:
      return "nxdomain";
    case Outcome::misuse:
      return "misuse";
    case Outcome::refused:
      return "refused";
    case Outcome::formerr:
      return "formerr";
    case Outcome::notimp:
      return "notimp";
    case Outcome::badvers:
      return "badvers";
    case Outcome::servfail:
      return "servfail";
    case Outcome::transfer:
      return "transfer";
    case Outcome::notauth:
      return "notauth";
    case Outcome::dropped:
      return "dropped";
  }
  return "";
}

}  // namespace blowback::answer
