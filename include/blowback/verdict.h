// What the judge says of one delivery, and the facts it read on the way that can't be had later.
#pragma once

#include "blowback/ip_address.h"
#include "blowback/kind.h"

#include <optional>
#include <string>
#include <vector>

namespace blowback {

/// One thing seen that spoke for or against a verdict. Positive weights speak for the kind that was found.
struct Signal {
  std::string name;  ///< stable and short: `report-type-delivery-status`
  double weight = 0;
};

/// What is told of the mail that came back: none of it is believed beyond telling mailings apart and explaining.
struct ReturnedOriginal {
  std::string message_id;   ///< without angle brackets, "" where absent; likewise below
  std::string from;         ///< address of the From: header
  std::string return_path;  ///< address of Return-Path: or X-Envelope-From:
  std::string subject;      ///< decoded to UTF-8
  std::string date;         ///< as written
  /// Who gave the original to the accused server, by the topmost Received: that names a client, which that server wrote.
  /// Absent where that is a private address: then anybody behind it may have written the lines below.
  std::optional<IpAddress> client;
  /// SPF had failed when the accused server took the original (its Received-SPF: or Authentication-Results:): it could
  /// have refused it.
  bool spf_failed = false;
};

struct Verdict {
  Kind kind = Kind::not_backscatter;
  Cause cause = Cause::none;
  /// 0 to 1. 1 means: structure and content leave no doubt. Weights of incidents are multiplied by it.
  double confidence = 0;
  /// The returned original claims to come from the trap. Whoever wrote the delivery wrote the claim: it explains, and
  /// proves nothing.
  bool claims_trap = false;
  std::vector<Signal> signals;
  std::optional<ReturnedOriginal> original;
  /// Hex hash of the returned original's stable parts, "" where nothing was returned.
  std::string campaign;
  /// The mailbox that answered (its From:) or that couldn't be delivered to (the first failing recipient), lower case.
  /// "" where the delivery doesn't tell.
  std::string mailbox;
  /// That mailbox is its owner's: it answers, is full, refuses, or forwards to where mail is refused. Of a bounce for a user
  /// unknown to the accused server itself it isn't: a stranger can name as many of these as he likes.
  bool mailbox_exists = false;
  std::string reporting_mta;  ///< the DSN's Reporting-MTA, without `dns;`
  std::string product;        ///< which mail server wrote it, where that shows: `postfix`, `exchange`, `qmail`…
  std::string queue_id;       ///< the accused server's own, from its Message-ID, Received: or X-Postfix-Queue-ID
  std::string message_id;     ///< of the delivery itself, without angle brackets
  std::string subject;        ///< of the delivery itself, decoded
};

}  // namespace blowback
