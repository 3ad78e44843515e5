// The advice: something for each kind and cause, and for a known product its own setting.
#include "account/advice.h"
#include "catch.h"
#include "in_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace blowback;  // NOLINT(google-build-using-namespace): a test's own file
using account::fault_of;
using account::steps_for;
using Catch::Contains;

namespace {

constexpr std::array kKinds{Kind::dsn, Kind::challenge, Kind::virus_notice, Kind::auto_reply, Kind::mdn, Kind::callout};
constexpr std::array kCauses{Cause::none,    Cause::unknown_user, Cause::over_quota, Cause::content_rejected,
                             Cause::delayed, Cause::policy,       Cause::system,     Cause::other};

std::string joined(Kind kind, Cause cause, std::string_view product) {
  std::string text;
  for (const auto& step : steps_for(kind, cause, product)) text += step + "\n";
  return text;
}

}  // namespace

TEST_CASE("every kind and cause has a fault and a mend, whatever the product", "[cli][advice]") {
  for (const Kind kind : kKinds) {
    for (const Cause cause : kCauses) {
      for (const std::string_view product : {"", "postfix", "exim", "never-heard-of"}) {
        CAPTURE(name_of(kind), name_of(cause), product);
        CHECK_FALSE(fault_of(kind, cause).empty());
        CHECK_FALSE(steps_for(kind, cause, product).empty());
      }
    }
  }
}

TEST_CASE("a known product gets its own setting and no other's", "[cli][advice]") {
  CHECK_THAT(joined(Kind::dsn, Cause::unknown_user, "postfix"),
             Contains("relay_recipient_maps") && Contains("local_recipient_maps") &&
                 Contains("reject_unverified_recipient") && !Contains("Exim") && !Contains("qmail"));
  CHECK_THAT(joined(Kind::dsn, Cause::unknown_user, "exim"), Contains("verify = recipient") && !Contains("Postfix"));
  CHECK_THAT(joined(Kind::dsn, Cause::unknown_user, "exchange"), Contains("RecipientValidationEnabled"));
  CHECK_THAT(joined(Kind::dsn, Cause::unknown_user, "qmail"), Contains("validrcptto") && Contains("spp"));
  CHECK_THAT(joined(Kind::dsn, Cause::unknown_user, "domino"), Contains("Domino Directory"));
  CHECK_THAT(joined(Kind::virus_notice, Cause::none, "amavis"), Contains("$warnvirussender = 0"));
  CHECK_THAT(joined(Kind::virus_notice, Cause::none, "mailscanner"), Contains("Notify Senders = no"));
  CHECK_THAT(joined(Kind::callout, Cause::none, "postfix"), Contains("reject_unverified_sender"));
  CHECK_THAT(joined(Kind::callout, Cause::none, "exim"), Contains("verify = sender/callout"));
}

TEST_CASE("where the product isn't known there is a setting for each of the common ones", "[cli][advice]") {
  const auto all = [](const std::string& text) {
    for (const std::string product :
         {"Postfix", "Exim", "Exchange", "Sendmail", "qmail", "cPanel", "Plesk", "Domino"}) {
      CAPTURE(product);
      CHECK_THAT(text, Contains(product));
    }
  };
  for (const Cause cause : {Cause::unknown_user, Cause::over_quota, Cause::content_rejected, Cause::delayed}) {
    CAPTURE(name_of(cause));
    all(joined(Kind::dsn, cause, ""));
  }
  all(joined(Kind::auto_reply, Cause::none, ""));
  all(joined(Kind::virus_notice, Cause::none, ""));
}

TEST_CASE("a product without a setting of ours gets what holds for any, and not those of others", "[cli][advice]") {
  CHECK_THAT(joined(Kind::dsn, Cause::unknown_user, "never-heard-of"),
             Contains("at RCPT TO") && !Contains("Postfix") && !Contains("Exim"));
}

TEST_CASE("what to change depends on the cause", "[cli][advice]") {
  CHECK_THAT(joined(Kind::dsn, Cause::content_rejected, "postfix"), Contains("smtpd_proxy_filter"));
  CHECK_THAT(joined(Kind::dsn, Cause::over_quota, "postfix"), Contains("quota-status"));
  CHECK_THAT(joined(Kind::dsn, Cause::delayed, "postfix"), Contains("delay_warning_time"));
  CHECK_THAT(joined(Kind::auto_reply, Cause::none, ""), Contains("RFC 3834"));
  CHECK_THAT(joined(Kind::mdn, Cause::none, ""), Contains("RFC 8098"));
}

TEST_CASE("every product of the signatures has a name, and nothing else has one", "[cli][advice]") {
  std::string all;
  for (const auto& file : std::filesystem::directory_iterator(test::in_tree("ingest/detect/signatures"))) {
    std::ifstream signatures(file.path());
    all.append(std::istreambuf_iterator<char>(signatures), std::istreambuf_iterator<char>());
  }
  std::size_t products = 0;
  for (std::size_t at = all.find("\tproduct:"); at != std::string::npos; at = all.find("\tproduct:", at + 1)) {
    const std::size_t begin = at + 9;
    const std::string product = all.substr(begin, all.find('\t', begin) - begin);
    CAPTURE(product);
    CHECK_FALSE(account::product_name(product).empty());
    ++products;
  }
  CHECK(products > 80);
  CHECK(account::product_name("").empty());
  CHECK(account::product_name("never-heard-of").empty());
}
