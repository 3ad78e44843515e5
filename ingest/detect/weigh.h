// Collects the evidence: signatures that match, and conditions on features that hold. Which evidence counts how much is data, signatures/*.tsv.
#pragma once

#include "delivery_status.h"
#include "facts.h"
#include "features.h"
#include "mail/message.h"
#include "signature_set.h"
#include "tally.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blowback::detect {

/// The signal of a report that somebody requested: ARF (RFC 5965), DMARC aggregate (RFC 7489 §7.2) and failure reports, TLS reports (RFC 8460
/// §5.3). They go to an address in DNS or to a subscriber, never to a forged one. Pure.
[[nodiscard]] std::optional<std::string> feedback_signal(const Facts& facts, const mail::Message& message);

/// The evidence of one message. Refers to what it is made of.
class Weighing {
 public:
  Weighing(const SignatureSet& signatures, const Facts& facts)
      : signatures_(signatures), facts_(facts), features_(features_of_header(facts)) {}

  /// First: the envelope and the header. Returns whether the text has to be read; not if only a person or a list can have sent the message, since
  /// reading costs more than everything else.
  [[nodiscard]] bool header();
  /// Then, after `read_text`: the text and the structure.
  void text(const DeliveryStatus& status);

  [[nodiscard]] const FeatureSet& features() const { return features_; }
  [[nodiscard]] const Tally& tally() const { return tally_; }
  /// The product that wrote the message; "": not known. Only backscatter is asked for it, so its signatures are matched now.
  [[nodiscard]] std::string product() const;

 private:
  void match(Place place, std::string_view text);
  void rules(Place place);
  void count(const Signature& signature);

  const SignatureSet& signatures_;
  const Facts& facts_;
  FeatureSet features_;
  Tally tally_;
  // What may tell the product, in the order of the evidence: a text of a place, or a rule that holds.
  struct Clue {
    Place place = Place::structure;
    std::string_view text;
    const Signature* rule = nullptr;
  };
  std::vector<Clue> clues_;
};

}  // namespace blowback::detect
